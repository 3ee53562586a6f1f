"""The 48 bad responses of a venue: what is expected of each, and which tests prove it. Data, checked by `test_rows`.

`state` is what the records say afterwards; `resends` is 0 throughout. Tests are named `file::function`; a `[part]` is a
part of the id of a parametrized case.
"""

from __future__ import annotations

from dataclasses import dataclass

REPLIES, ORDERS, MARKETS = "test_bad_replies", "test_bad_orders", "test_bad_markets"
EACH = f"{REPLIES}::test_each_answer_to_an_order_has_its_class_and_the_order_is_sent_once"
FATE = f"{ORDERS}::test_an_unclear_order_is_asked_about_until_its_fate_is_certain_and_sent_once"
ECHO = f"{ORDERS}::test_another_order_in_the_echo_halts"
SURE = f"{ORDERS}::test_a_certain_refusal_ends_the_intent_and_nothing_is_frozen"
BAN = f"{REPLIES}::test_a_ban_is_silence_until_its_end_and_outlives_a_restart"
LOOK = f"{REPLIES}::test_looking_an_order_up"
PRICE = f"{REPLIES}::test_a_price_that_makes_no_sense_is_missing_with_its_reason"
HOSTILE = f"{REPLIES}::test_a_hostile_body_is_refused_quickly"
UNTIL = "unknown, asked about: adopted, or dead after the horizon"


@dataclass(frozen=True, slots=True)
class Row:
    """One row (or several of one kind)."""

    numbers: tuple[int, ...]
    response: str
    outcome: str
    state: str
    tests: tuple[str, ...]


def row(first: int, last: int, response: str, outcome: str, state: str, *tests: str) -> Row:
    """Rows from first to last."""
    return Row(tuple(range(first, last + 1)), response, outcome, state, tests)


ROWS: tuple[Row, ...] = (
    row(1, 1, "POST: no reply", "Unknown", UNTIL, f"{EACH}[1 no reply]", f"{FATE}[1 no reply]"),
    row(2, 2, "POST: reset in the body", "Unknown", UNTIL, f"{EACH}[2 reset]", f"{FATE}[2 reset]"),
    row(3, 3, "POST: 504 HTML", "Unknown", UNTIL, f"{EACH}[3 504]", f"{FATE}[3 504]"),
    row(4, 4, "POST: -1006", "Unknown", UNTIL, f"{EACH}[4 -1006]", f"{FATE}[4 -1006]"),
    row(5, 5, "POST: -1007", "Unknown", UNTIL, f"{EACH}[5 -1007]", f"{FATE}[5 -1007]"),
    row(6, 6, "POST: -1008", "Unknown", UNTIL, f"{EACH}[6 -1008]", f"{FATE}[6 -1008]"),
    row(7, 7, "POST: 200 {}", "Unknown", UNTIL, f"{EACH}[7 empty object]", f"{FATE}[7 empty]"),
    row(8, 8, "POST: 200 truncated", "Unknown", UNTIL, f"{EACH}[8 truncated]", f"{FATE}[8 truncated]"),
    row(9, 9, "POST: another client id", "Mismatch", "halted", f"{EACH}[9 another]", f"{ECHO}[9 id]"),
    row(10, 10, "POST: the other side", "Mismatch", "halted", f"{EACH}[10 the other]", f"{ECHO}[10 side]"),
    row(11, 11, "POST: another symbol", "Mismatch", "halted", f"{EACH}[11 another]", f"{ECHO}[11 symbol]"),
    row(12, 12, "POST: another quantity", "Mismatch", "halted", f"{EACH}[12 another]", f"{ECHO}[12 quantity]"),
    row(13, 13, "POST: Duplicate order sent", "Unknown", UNTIL, f"{EACH}[13 duplicate]", f"{FATE}[13 duplicate]"),
    row(14, 14, "POST: no balance", "Rejected, rule", "refused", f"{EACH}[14 no money]", f"{SURE}[14 no money]"),
    row(15, 15, "POST: -1021", "Rejected, outside", "given back, clock synced", f"{EACH}[15 clock]",
        f"{SURE}[15 clock]",
        f"{REPLIES}::test_a_clock_refusal_has_the_clock_synced_before_the_next_signature"),
    row(16, 16, "POST: -2015", "Rejected, key", "halted", f"{EACH}[16 key]",
        f"{ORDERS}::test_a_refused_key_halts_with_its_reason"),
    row(17, 17, "POST: -1013", "Rejected, rule", "refused, filters read again", f"{EACH}[17 LOT_SIZE]",
        f"{EACH}[17 PRICE_FILTER]", f"{EACH}[17 NOTIONAL]", f"{EACH}[17 PERCENT_PRICE_BY_SIDE]",
        f"{EACH}[17 MAX_NUM_ORDERS]", f"{SURE}[17 filter]",
        f"{REPLIES}::test_a_filter_refusal_has_the_instrument_read_again",
        f"{MARKETS}::test_a_step_that_changes_is_kept_to"),
    row(18, 18, "429 with Retry-After", "Rejected, outside", "silent until then", f"{BAN}[18]", f"{SURE}[18 429]"),
    row(19, 19, "429 without", "Rejected, outside", "silent, growing", f"{BAN}[19]",
        "test_limits_and_time::test_bans_without_an_end_grow"),
    row(20, 20, "418 for three days", "Rejected, outside", "silent, over a restart too", f"{BAN}[20]",
        f"{SURE}[20 418]",
        "test_days::test_after_a_ban_nothing_is_asked_before_its_end_over_a_restart_too[418]"),
    row(21, 21, "403 HTML", "Rejected, outside", "silent for 5 min or more", f"{BAN}[21]", f"{SURE}[21 firewall]"),
    row(22, 22, "redirect to another host", "Unknown", "the key is not sent there", f"{EACH}[22 redirect]",
        f"{FATE}[22 redirect]", f"{REPLIES}::test_a_redirect_never_carries_the_key_to_another_host"),
    row(23, 23, "an unlisted code", "Unknown", UNTIL, f"{EACH}[23 a new code]", f"{FATE}[23 new code]"),
    row(24, 25, "GET order: -2013", "NotFound", "waits; dead after the horizon, watched for a day", f"{LOOK}[24 -2013]",
        f"{ORDERS}::test_not_found_before_the_horizon_proves_nothing"),
    row(26, 26, "GET order: -2026", "NotFound, archived", "ended without a fill", f"{LOOK}[26 archived]",
        f"{ORDERS}::test_an_archived_order_ended_without_a_fill"),
    row(27, 27, "a rare or new status", "Order", "open, told",
        f"{ORDERS}::test_a_status_that_is_rare_or_new_keeps_the_order",
        f"{REPLIES}::test_a_status_that_nobody_has_seen_is_kept_as_open"),
    row(28, 28, "executedQty falls", "Order", "unmoved, told",
        f"{ORDERS}::test_executed_that_falls_is_ignored_and_told"),
    row(29, 29, "FILLED, trades missing", "Order", "not settled until they show",
        f"{ORDERS}::test_filled_without_its_trades_waits_for_them"),
    row(30, 30, "cummulativeQuoteQty < 0", "Order", "booked from trades",
        f"{ORDERS}::test_a_negative_turnover_is_not_believed"),
    row(31, 31, "DELETE: -2011", "Unknown", "looked up, fill booked",
        f"{ORDERS}::test_unknown_order_to_a_cancel_means_look",
        f"{REPLIES}::test_each_answer_to_a_cancel_has_its_class_and_is_sent_once[31]"),
    row(32, 32, "DELETE: no reply", "Unknown", "looked up, may be asked again",
        f"{ORDERS}::test_a_cancel_without_a_reply_is_looked_at_and_may_be_asked_again",
        f"{REPLIES}::test_each_answer_to_a_cancel_has_its_class_and_is_sent_once[32]"),
    row(33, 33, "a fill after the cancel", "Order", "booked, told",
        f"{ORDERS}::test_a_fill_after_the_cancel_was_confirmed_is_booked_and_told"),
    row(34, 34, "openOrders lacks one", "Order", "asked for, stays open",
        f"{ORDERS}::test_an_order_that_the_list_lacks_is_asked_for_by_itself"),
    row(35, 35, "a stray of our name", "Order", "adopted, counted, told, not armed",
        f"{ORDERS}::test_an_order_of_our_name_that_we_do_not_know_is_adopted_and_counts"),
    row(36, 36, "two orders of one name", "Order", "halted", f"{ORDERS}::test_two_orders_of_one_name_halt"),
    row(37, 37, "price 0", "missing", "no order", f"{PRICE}[37 zero]"),
    row(38, 38, "price NaN", "missing", "no order", f"{PRICE}[38 NaN]"),
    row(39, 39, "price 1e400, negative", "missing", "no order", f"{PRICE}[39 negative]", f"{PRICE}[39 1e400]"),
    row(40, 40, "ticker far from the book", "missing", "no order",
        f"{REPLIES}::test_a_price_far_from_the_book_is_refused_with_the_book"),
    row(41, 41, "a book that cannot be", "missing", "no order", f"{REPLIES}::test_a_book_that_cannot_be_is_refused",
        f"{REPLIES}::test_a_book_older_than_the_last_is_refused"),
    row(42, 42, "candles that cannot be", "missing", "no order", f"{REPLIES}::test_candles_that_cannot_be_are_refused",
        f"{REPLIES}::test_a_gap_in_candles_is_kept_and_noticed"),
    row(43, 43, "hostile bodies", "refused within 2 s", "unknown where it was an order", HOSTILE, f"{EACH}[43]",
        f"{ORDERS}::test_a_number_that_no_record_can_hold_is_not_taken"),
    row(44, 44, "serverTime jumps, or is text", "NotSent", "nothing is signed",
        f"{REPLIES}::test_a_server_time_that_is_none_stops_signing",
        f"{REPLIES}::test_a_server_clock_that_jumps_stops_signing_until_it_agrees"),
    row(45, 45, "symbol gone, BREAK, new step", "that symbol stops", "others trade on, not halted",
        f"{MARKETS}::test_a_symbol_that_stops_trading_stops_only_itself",
        f"{MARKETS}::test_a_symbol_that_is_gone_stops_only_itself", f"{MARKETS}::test_a_step_that_changes_is_kept_to",
        f"{REPLIES}::test_a_symbol_that_is_gone_or_halted_stops_only_itself"),
    row(46, 46, "maintenance", "no new order", "watching goes on",
        f"{MARKETS}::test_under_maintenance_no_order_is_sent_and_watching_goes_on",
        f"{REPLIES}::test_maintenance_is_seen"),
    row(47, 47, "another symbol's JSON", "refused", "missing, or unknown", f"{PRICE}[47 another]",
        f"{LOOK}[47 another]"),
    row(48, 48, "ESC, CR/LF, our signature", "escaped and struck out", "no secret anywhere",
        f"{REPLIES}::test_a_hostile_error_text_is_escaped_and_redacted",
        "test_limits_and_time::test_no_exception_or_log_line_holds_a_secret"),
)  # fmt: skip
