"""Mutants of the order path made by hand: what once cost users of trading programs money, as patches of our source.

Each says which text becomes which, why that is dangerous, and which tests must notice. `PROVEN` are the designs that
`autotrader prove orders` must catch as well, by the duplicates and losses that they make. A patch whose text is not
there exactly once is an error: the table follows the code.
"""

from __future__ import annotations

from dataclasses import dataclass

GATEWAY, JOURNAL, RESOLVE = "trading/gateway.py", "trading/journal.py", "trading/resolve.py"
INTENTS, ORDERS, FORWARD = "records/intents.py", "records/orders.py", "records/forward.py"
BROKER, ERRORS, SIGNING = "exchanges/binance/broker.py", "exchanges/binance/errors.py", "exchanges/binance/signing.py"
LIMITS, PLACING, GATE, LIFECYCLE = "engine/limits.py", "engine/placing.py", "trading/gate.py", "engine/lifecycle.py"

_GATEWAY = "tests/trading/test_gateway.py::"
_CANCELS = "tests/trading/test_cancelling.py::"
_RESOLVE = "tests/trading/test_resolve.py::"
_OBSERVE = "tests/trading/test_observe.py::"
_RECONCILE = "tests/trading/test_reconcile.py::"
_LIMITS = "tests/engine/test_limits.py::"
_LIFE = "tests/engine/test_lifecycle.py::"
_BACK = "tests/engine/test_giving_back.py::"
_SIGNING = "tests/exchanges/test_signing.py::"
_REPLIES = "tests/exchanges/test_error_codes.py::"
_BAD = "tests/exchanges/test_bad_orders.py::"


@dataclass(frozen=True)
class Edit:
    """In this file of the package the old text, which stands there once, becomes the new one."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A dangerous program: its name, why it is dangerous, how it differs from ours, and the tests that must fail."""

    name: str
    danger: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    proof: str = ""


def _one(name: str, danger: str, file: str, old: str, new: str, *tests: str, proof: str = "") -> Mutant:
    return Mutant(name, danger, (Edit(file, old, new),), tests, proof)


_POSTED = "result = self._post(row, sent_ms)\n"
_LOST = _RESOLVE + "test_lost_reply_is_found_and_adopted"
_TWICE = _RESOLVE + "test_absence_after_the_horizon_is_said_twice"

PROVEN = (
    _one(
        "resend on time-out", "a time-out is no failure: the order may be there, and the second one is a double",
        GATEWAY, _POSTED, _POSTED + """\
        if isinstance(result, Unknown):
            from dataclasses import replace as _other

            asked = row.request
            result = self._broker.submit(_other(asked, client_order_id=asked.client_order_id[:-1] + "x"), sent_ms)
            if isinstance(result, Accepted):
                result = Accepted(_other(result.order, client_order_id=asked.client_order_id))
""", _LOST, proof="orders",
    ),
    _one(
        "resend with the same id", "a client order id is unique among open orders only: a fast fill buys twice",
        GATEWAY, _POSTED, _POSTED + """\
        if isinstance(result, Unknown):
            result = self._post(row, sent_ms)
""", _LOST, proof="orders",
    ),
    _one(
        "query once, then resend", "an order is invisible to queries for a while",
        GATEWAY, _POSTED, _POSTED + """\
        if isinstance(result, Unknown):
            found = self._broker.find(row.request.symbol, row.client_order_id)
            result = Accepted(found) if isinstance(found, Order) else self._post(row, sent_ms)
""", _RESOLVE + "test_absence_before_the_horizon_proves_nothing", proof="orders",
    ),
    Mutant(
        "four not-founds are a failure", "a count of answers is not the venue's horizon: the order surfaces later",
        (
            Edit(RESOLVE, "_answer(row, open_orders, asked_ms)\n        crash_point",
                 "_answer(row, open_orders, asked_ms)\n        row = replace(row, horizon_ms=0)\n        crash_point"),
            Edit(RESOLVE, "from enum import Enum,", "from dataclasses import replace\nfrom enum import Enum,"),
            Edit(JOURNAL, "ABSENCES_NEEDED = 2", "ABSENCES_NEEDED = 4"),
            Edit(JOURNAL, "return now_ms + _BACK_OFF_MS[min(looks, len(_BACK_OFF_MS) - 1)]", "return now_ms + 500"),
        ),
        (_RESOLVE + "test_absence_before_the_horizon_proves_nothing",), "orders",
    ),
    Mutant(
        "no journal", "what was sent is forgotten: after a restart the rule decides again",
        (
            Edit(GATEWAY, "sent_ms = self._write_sent(row)", "sent_ms = self._clock.now_ms()"),
            Edit(INTENTS, "IntentState.INTENT: frozenset({IntentState.SENT, IntentState.DROPPED})",
                 "IntentState.INTENT: frozenset(IntentState)"),
        ),
        (_GATEWAY + "test_row_is_committed_before_the_post",), "orders",
    ),
    Mutant(
        "journal after send", "a crash between the bytes and the row forgets the order",
        (
            Edit(GATEWAY, "sent_ms = self._write_sent(row)", "sent_ms = self._clock.now_ms()"),
            Edit(GATEWAY, _POSTED + '        crash_point("posted")\n',
                 _POSTED + '        crash_point("posted")\n        self._write_sent(row)\n'),
        ),
        (_GATEWAY + "test_row_is_committed_before_the_post",), "orders",
    ),
    _one(
        "limits without orders in flight", "unknown and unsent orders do not count: many of them exceed every limit",
        LIMITS, 'for order in sources.record.orders if order.state != "done")',
        'for order in sources.record.orders if order.state == "open")',
        _LIMITS + "test_counts_of_orders", proof="limits",
    ),
)  # fmt: skip

NOTICED = (
    _one(
        "no horizon", "an order still on its way is declared dead and decided again",
        JOURNAL, "return in_flight_until_ms(sent_ms, recv_window_ms) + LAG_MS", "return sent_ms",
        _RESOLVE + "test_lost_request_is_dead_after_the_horizon_said_twice",
    ),
    _one(
        "horizon without the lag of queries", "queries lag by up to a minute: the order is lost, not dead",
        JOURNAL, "return in_flight_until_ms(sent_ms, recv_window_ms) + LAG_MS",
        "return in_flight_until_ms(sent_ms, recv_window_ms)",
        _RESOLVE + "test_absence_before_the_horizon_proves_nothing",
    ),
    _one(
        "absent before the horizon counts", "-2013 before the horizon proves nothing",
        RESOLVE, "return row.horizon_ms is not None and asked_ms > row.horizon_ms", "return True",
        _RESOLVE + "test_absence_before_the_horizon_proves_nothing",
    ),
    _one(
        "one absence is enough", "a single answer of a lagging replica kills a living order",
        JOURNAL, "ABSENCES_NEEDED = 2", "ABSENCES_NEEDED = 1", _TWICE,
    ),
    _one(
        "an unclear answer is an absence", "a 502 says nothing about the order",
        RESOLVE, "if not isinstance(found, NotFound):\n                return LookAnswer.UNCLEAR",
        "if not isinstance(found, NotFound):\n                return LookAnswer.ABSENT",
        _RESOLVE + "test_a_query_without_a_clear_answer_decides_nothing",
    ),
    _one(
        "an unreachable venue is an absence", "nothing was answered, and the order is given up",
        RESOLVE, "except AutotraderError:\n            return LookAnswer.UNCLEAR",
        "except AutotraderError:\n            return LookAnswer.ABSENT",
        _RESOLVE + "test_an_unreachable_venue_decides_nothing",
    ),
    _one(
        "dead is never watched", "an order that surfaces late trades without anybody knowing",
        RESOLVE, "for row in self._store.intents.watched(now_ms - WATCH_MS)", "for row in ()",
        _RESOLVE + "test_a_dead_order_that_surfaces_is_adopted",
    ),
    _one(
        "unexplained trades do not matter", "a trade that no list explains is that of the order given up",
        RESOLVE, "            if not known and trade.side", "            if False and trade.side",
        _RESOLVE + "test_an_unexplained_trade_keeps_it_alive",
    ),
    _one(
        "a second submit sends again", "one intent, two orders",
        GATEWAY, "if row.state is not IntentState.INTENT:", "if row.state is IntentState.SENT:",
        _GATEWAY + "test_second_submit_sends_nothing",
    ),
    _one(
        "unknown does not freeze", "the next cycle places the same order beside one that may be there",
        INTENTS, "UNRESOLVED = frozenset({IntentState.SENT, IntentState.UNKNOWN, IntentState.MISMATCH})",
        "UNRESOLVED = frozenset({IntentState.SENT})",
        _GATEWAY + "test_unknown_freezes_rule_symbol_and_side",
    ),
    _one(
        "the limits do not see an unknown fate", "a second order beside one of unknown fate is approved",
        LIMITS, "return has_unknown_fate(", "return False and has_unknown_fate(",
        _LIMITS + "test_an_unknown_fate_freezes_rule_and_side",
    ),
    _one(
        "an exception means not sent", "a connection that was reset after the body delivered the order",
        GATEWAY, 'return Unknown(f"the request broke off: {type(error).__name__}")\n\n    def _write_reply',
        'return NotSent(f"the request broke off: {type(error).__name__}")\n\n    def _write_reply',
        _GATEWAY + "test_an_exception_of_the_broker_is_unknown",
    ),
    _one(
        "a decision can be made twice", "a replayed slot buys again",
        INTENTS, 'inserted("intents", row)', 'inserted("intents", row, "OR IGNORE")',
        _GATEWAY + "test_same_decision_cannot_be_made_twice",
    ),
    _one(
        "sent inside a transaction", "the row is not on disk when the bytes leave",
        GATEWAY, "if self._store.in_transaction:", "if False:",
        _GATEWAY + "test_nothing_is_sent_inside_a_transaction",
    ),
    _one(
        "commits do not wait for the disk", "a power cut takes the row and leaves the order",
        "records/database.py", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF",
        "tests/records/test_store.py::test_commits_reach_the_disk",
    ),
    _one(
        "halt is not asked", "an order leaves after the owner has stopped everything",
        LIMITS, "SENDING: tuple[Reason[Leaving], ...] = (Halted(), ", "SENDING: tuple[Reason[Leaving], ...] = (",
        _GATEWAY + "test_nothing_leaves_when_a_check_says_no",
    ),
    _one(
        "nothing is asked after the commit", "a halt that comes while the disk is slow does not stop the order",
        GATEWAY, "refused = self._why_not(row, frozen=frozenset())", "refused = None",
        _GATEWAY + "test_halt_between_commit_and_post_stops_it",
    ),
    _one(
        "the signer does not ask the halt", "the last place before the bytes lets an order out",
        SIGNING, 'if method == "POST" and', 'if method == "GET" and',
        _SIGNING + "test_while_halted_no_new_order_is_signed_but_cancels_are",
    ),
    _one(
        "the deadline is not asked", "an order of an old decision leaves minutes later",
        PLACING, " if late_ms > 0 else ", " if False else ",
        _GATEWAY + "test_nothing_leaves_when_a_check_says_no",
    ),
    _one(
        "doubt about the clock is ignored", "the horizon is counted from a wrong time",
        PLACING, "if leaving.uncertainty_ms <= MOST_UNCERTAIN_MS:", "if True:",
        _GATEWAY + "test_nothing_leaves_when_a_check_says_no",
    ),
    _one(
        "a guard that breaks lets through", "fails open",
        GATEWAY, "            self._store.halt(reason, self._clock.now_ms())\n            return reason",
        "            return None",
        _GATEWAY + "test_nothing_leaves_when_a_check_says_no",
    ),
    _one(
        "another order in the echo is taken for ours", "somebody else's order is booked, ours is lost",
        BROKER, '        "clientOrderId": request.client_order_id,\n        "side"', '        "side"',
        _BAD + "test_another_order_in_the_echo_halts",
    ),
    _one(
        "another side in the reply is no clash", "we think we bought, and sold",
        ORDERS, '("side", request.side, order.side),', "",
        _GATEWAY + "test_reply_about_another_order_halts",
    ),
    _one(
        "an unknown code is a refusal", "a code that nobody has seen says nothing about the order",
        ERRORS, "reason, _fault(found))\n    return Unknown(reason)",
        'reason, _fault(found))\n    return Rejected(found.code, reason, "outside")',
        _REPLIES + "test_every_other_code_is_unknown",
    ),
    _one(
        "a 5xx is a refusal", "a gateway in between failed, the order went through",
        ERRORS, "if found.status >= 500 or found.code", "if found.code",
        _REPLIES + "test_no_code_outweighs_a_status_that_is_none_of_the_venues_refusals",
    ),
    _one(
        "a duplicate is a refusal", "the id is already open: our order is there",
        ERRORS, "if found.code == -2010 and _DUPLICATE in found.text.lower():", "if False:",
        _REPLIES + "test_a_duplicate_is_there",
    ),
    _one(
        "-2011 means gone", "the order had filled: it is bought again",
        GATEWAY, 'CancelState.REJECTED, f"{code} {reason}", self._look(order))',
        'CancelState.REJECTED, f"{code} {reason}", None)',
        _CANCELS + "test_unknown_order_sent_means_look",
    ),
    _one(
        "many cancels in one cycle", "a hot loop of cancels ends in a ban",
        "records/schema.py", "moved_ms INTEGER NOT NULL, UNIQUE (client_order_id, cycle)) STRICT;",
        "moved_ms INTEGER NOT NULL) STRICT;",
        _CANCELS + "test_one_cancel_per_order_and_cycle",
    ),
    _one(
        "a halt stops cancelling", "the owner cannot get out",
        SIGNING, 'if method == "POST" and', "if",
        _SIGNING + "test_while_halted_no_new_order_is_signed_but_cancels_are",
    ),
    _one(
        "trades are booked twice", "the position is counted double and sold double",
        "records/schema.py", "is_maker INTEGER NOT NULL,\n    UNIQUE (symbol, trade_id)) STRICT;",
        "is_maker INTEGER NOT NULL) STRICT;",
        _OBSERVE + "test_each_trade_is_booked_once",
    ),
    _one(
        "executed may fall", "an older reply takes back a fill",
        FORWARD, "if seen.executed < known.executed:\n        return Progress(known, moved=False, alerts=alerts)", "",
        _OBSERVE + "test_an_order_moves_forward_only",
    ),
    _one(
        "a terminal state may leave", "a cancelled order is open again and cancelled for ever",
        FORWARD, "further = RANK[seen.status] > RANK[known.status]", "further = seen.status is not known.status",
        _OBSERVE + "test_an_order_moves_forward_only",
    ),
    _one(
        "settled before its trades are there", "fills that come late are never booked",
        ORDERS, "settled=not order.is_open and booked == order.executed,", "settled=not order.is_open,",
        _OBSERVE + "test_filled_before_its_trades_can_be_had_waits",
    ),
    _one(
        "fees in another asset are ignored", "the day's loss is smaller on paper than in the account",
        "engine/books.py", "other[fill.fee_asset] = other.get(fill.fee_asset, ZERO) + fill.fee", "pass",
        _LIMITS + "test_the_days_result_counts_every_fee",
    ),
    _one(
        "a quantity is rounded up", "more is spent than was said",
        "market/instrument.py", "return floor_to(max(capped, ZERO)", "return ceil_to(max(capped, ZERO)",
        "tests/engine/test_actions.py::test_spend_is_never_exceeded",
        "tests/engine/test_actions.py::test_rounding_never_up",
    ),
    _one(
        "a halt is no limit", "orders are approved after a halt",
        PLACING, "if placing.halt is not None and placing.halt.stops(placing.side):", "if False:",
        _LIMITS + "test_halted_denies_everything",
    ),
    _one(
        "no price band", "a typing error buys at ten times the price",
        LIMITS, "if (price > edge) if view.is_buy else (price < edge):", "if False:",
        _LIMITS + "test_price_band",
    ),
    _one(
        "crosses its own order", "it trades with itself and pays twice",
        LIMITS, "if (order.price >= price) if view.is_buy else (order.price <= price):", "if False:",
        _LIMITS + "test_never_against_an_own_order",
    ),
    _one(
        "a missing price approves", "without a reference every price is good",
        LIMITS, 'return Missing(f"price_band: no reference price: {near.reason}")', 'return ""',
        _LIMITS + "test_price_band",
    ),
    _one(
        "the latch is not given back", "a firing whose order failed through no fault of the rule is lost for ever",
        LIFECYCLE, "(_P.ACTING, _E.RETURNED): _P.BLOCKED,", "(_P.ACTING, _E.RETURNED): _P.DISARMED,",
        _BACK + "test_a_firing_that_failed_through_no_fault_is_given_back",
    ),
    _one(
        "a firing is given back with its count", "`max_runs` is used up by orders that never were",
        LIFECYCLE, "        moved(state, Event.RETURNED),\n        fired_ms=_without(state.fired_ms, run.started_ms),",
        "        moved(state, Event.RETURNED),\n        fired_ms=state.fired_ms,",
        _BACK + "test_a_firing_that_failed_through_no_fault_is_given_back",
    ),
    _one(
        "a firing does not disarm", "the rule buys at every check while its condition holds",
        LIFECYCLE, "(_P.ACTING, _E.SETTLED): _P.DISARMED,", "(_P.ACTING, _E.SETTLED): _P.ARMED,",
        _LIFE + "test_no_firing_without_being_armed", _BACK + "test_an_accepted_order_counts",
    ),
    _one(
        "an adopted stray does not count", "an order of our name that we forgot is outside of every limit",
        ORDERS, "settled=not order.is_open and order.executed == 0,", "settled=True,",
        _OBSERVE + "test_stray_of_our_name_counts_and_is_told",
    ),
    _one(
        "what a crash left was never sent", "an order that was sent is forgotten by the restart, and decided again",
        "trading/reconcile.py", "move(row.client_order_id, IntentState.UNKNOWN, now_ms, reason=reason)",
        'move(row.client_order_id, IntentState.NOT_SENT, now_ms, reason=reason, fault="outside")',
        _RECONCILE + "test_unclear_fate_stays_frozen_but_armed",
        _RECONCILE + "test_crash_between_post_and_reply_doubles_nothing",
        _RECONCILE + "test_lost_reply_then_restart_adopts_with_the_rules_name",
    ),
    _one(
        "an intent without the gate", "an order that no limit has seen stands in the journal",
        INTENTS, "if (admission.request, admission.written) != (intent.request, self._db.written):", "if False:",
        "tests/trading/test_journal.py::test_no_intent_without_the_gates_word",
    ),
    _one(
        "old data at the signer", "the book was fresh when it was decided and is minutes old when it is sent",
        PLACING, "if age_ms > datum.limit_ms:", "if False:",
        "tests/trading/test_gate.py::test_nothing_leaves_on_old_data",
    ),
    _one(
        "the chain is not bound", "a record can be taken out and nobody notices",
        "records/chain.py", "digest = row_hash(prev, n + 1,", "digest = row_hash(self._genesis, n + 1,",
        "tests/records/test_tamper.py::test_altered_row_is_named",
        "tests/records/test_tamper.py::test_every_cut_of_the_end_is_found",
    ),
    _one(
        "checkpoints are not written", "a cut at the end cannot be noticed",
        "records/store.py", "            self._heads.append(head)\n", "            pass\n",
        "tests/records/test_tamper.py::test_every_cut_of_the_end_is_found",
    ),
    _one(
        "the reading key signs orders", "a dry run trades",
        SIGNING, '        ("POST", "/api/v3/order/test"),', '        ("POST", "/api/v3/order"),',
        _SIGNING + "test_the_read_signer_signs_nothing_that_trades",
        _SIGNING + "test_every_call_of_the_read_list_only_looks",
    ),
    _one(
        "no permission is needed", "paper mode trades for real",
        SIGNING, "if not isinstance(token, LiveToken):", "if False:",
        _SIGNING + "test_no_trade_signer_without_the_permission",
    ),
)  # fmt: skip

MUTANTS = PROVEN + NOTICED
