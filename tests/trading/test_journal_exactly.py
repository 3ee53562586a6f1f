"""The journal to the letter: what is written is read back whole, every act says it all, every time is the right one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.errors import SafetyRefused
from autotrader.orders import (
    DecisionKey,
    Fill,
    NotFound,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    SubmitResult,
    TimeInForce,
    Unknown,
    client_order_id,
)
from autotrader.records.crash import listening
from autotrader.records.intents import Admission, Intent, IntentState, JournalRow
from autotrader.trading import journal
from autotrader.trading.gateway import Outcome
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS, Venue

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
IN_FLIGHT_MS = 5_000 + 1_000 + 10_000
HORIZON_MS = IN_FLIGHT_MS + 60_000


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def full_intent(store_id: str, **changes: object) -> Intent:
    """An intent in which every field has a value of its own."""
    key = DecisionKey(store_id=store_id, rule="dip", symbol="ETHJPY", order_id="at-abcd-x", slot_ms=11, step=2)
    request = OrderRequest(
        symbol="ETHJPY", side=Side.SELL, type=OrderType.LIMIT_MAKER, price=D("412345.60"), quantity=D("0.0123000"),
        tif=TimeInForce.FOK, client_order_id=client_order_id(key),
    )  # fmt: skip
    made = Intent(
        key=key, request=request, cycle=7, created_ms=START_MS - 5, deadline_ms=START_MS + 9, rule_hash="h4sh",
        cancel_after_ms=90_000, tag="a tag", labels=("one", "two"), because="price < 1",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def write(at: Desk, intent: Intent) -> str:
    with at.store.transaction() as store:
        store.intents.add(intent, Admission(intent.request, store.intents.written))
    return intent.request.client_order_id


def row_of(at: Desk, cid: str) -> JournalRow:
    row = at.store.intents.get(cid)
    assert row is not None
    return row


def acts(at: Desk, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind=kind)]


def lost_request(venue: Venue, request: OrderRequest) -> SubmitResult:
    return Unknown("no reply")


def lost_reply(venue: Venue, request: OrderRequest) -> SubmitResult:
    venue.place(request)
    return Unknown("no reply")


def unknown(at: Desk, slot: int = 1, **more: object) -> str:
    at.venue.on_submit = [lost_request]
    return at.send(slot, **more).client_order_id


def look(at: Desk, cid: str, open_orders: Sequence[Order] = ()) -> Outcome | None:
    return at.resolver.look(row_of(at, cid), open_orders)


# ---------------------------------------------------------------------------------------------------------- the rows
def test_an_intent_is_read_back_as_it_was_written(at: Desk) -> None:
    """Every field of an intent comes back, labels and exact numbers too; nothing has happened to it yet."""
    intent = full_intent(at.store.id)
    assert row_of(at, write(at, intent)) == JournalRow(
        intent=intent, state=IntentState.INTENT, moved_ms=START_MS - 5, sent_ms=None, recv_window_ms=None,
        horizon_ms=None, looks=0, absences=0, next_look_ms=None, reason="", fault="", given_back=False,
    )  # fmt: skip


def test_the_act_of_an_intent_says_all_that_was_decided(at: Desk) -> None:
    """The chain holds each number, the rule with its hash, the reason and the deadline, at the time of the decision."""
    intent = full_intent(at.store.id)
    write(at, intent)
    assert acts(at, "intent") == [
        (START_MS - 5, intent.request.client_order_id, {
            "client_order_id": intent.request.client_order_id, "rule": "dip", "rule_hash": "h4sh", "symbol": "ETHJPY",
            "about_order": "at-abcd-x", "slot_ms": 11, "step": 2, "cycle": 7, "side": "SELL", "type": "LIMIT_MAKER",
            "tif": "FOK", "price": "412345.6", "quantity": "0.0123", "tag": "a tag",
            "labels": json.dumps(["one", "two"]), "because": "price < 1", "cancel_after_ms": 90_000,
            "created_ms": START_MS - 5, "deadline_ms": START_MS + 9,
        })
    ]  # fmt: skip


def test_sent_is_written_with_its_times_and_in_the_chain(at: Desk) -> None:
    """Timestamp, window and horizon of the one POST stand in the row and in the act that says "sent"."""
    cid = at.send().client_order_id
    wanted = {"sent_ms": START_MS, "recv_window_ms": 5_000, "horizon_ms": START_MS + HORIZON_MS,
              "next_look_ms": START_MS + 1_000}  # fmt: skip
    row = row_of(at, cid)
    assert wanted == {name: getattr(row, name) for name in wanted}
    assert acts(at, "intent-state") == [
        (START_MS, cid, {"state": "SENT", "from": "INTENT", "reason": "", "fault": "", **wanted}),
        (START_MS, cid, {"state": "ACCEPTED", "from": "SENT", "reason": "order 1001", "fault": ""}),
    ]


def test_a_move_writes_its_time_reason_and_fault(at: Desk) -> None:
    """Who is at fault, why and when stand in the row; what came before stays."""
    cid = at.intend()
    with at.store.transaction() as store:
        store.intents.move(cid, IntentState.DROPPED, 77, reason="late", fault="outside")
    row = row_of(at, cid)
    assert (row.state, row.moved_ms, row.reason, row.fault) == (IntentState.DROPPED, 77, "late", "outside")
    assert row.sent_ms is None


def test_a_move_that_the_table_lacks_says_which(at: Desk) -> None:
    """A refused move names the intent and both states; one about no intent says so."""
    cid = at.intend()
    with at.store.transaction() as store:
        with pytest.raises(ValueError, match=rf"intent {cid} cannot move from INTENT to ACCEPTED"):
            store.intents.move(cid, IntentState.ACCEPTED, 1)
        with pytest.raises(ValueError, match="intent nobody cannot move from nothing to SENT"):
            store.intents.move("nobody", IntentState.SENT, 1)


def test_no_intent_without_the_gates_word(at: Desk) -> None:
    """What the gate has not just admitted, or admitted before something else was written, is not taken."""
    intent = full_intent(at.store.id)
    other = replace(intent.request, quantity=D("99"))
    with at.store.transaction() as store:
        with pytest.raises(RuntimeError, match="gate has not just admitted"):
            store.intents.add(intent, Admission(other, store.intents.written))
        before = Admission(intent.request, store.intents.written)
        store.settings.set("last_seen_ms", 1, 1)
        with pytest.raises(RuntimeError, match="gate has not just admitted"):
            store.intents.add(intent, before)
    assert at.store.intents.get(intent.request.client_order_id) is None


def test_a_decision_of_another_store_is_not_taken(at: Desk) -> None:
    """A decision that bears another store's id would be another store's order."""
    with pytest.raises(ValueError, match="belongs to another store"):
        write(at, full_intent("zzzzzzzz"))


def test_a_decision_made_twice_is_named(at: Desk) -> None:
    """The refusal of a second time names the decision and its rule."""
    intent = full_intent(at.store.id)
    cid = write(at, intent)
    with pytest.raises(SafetyRefused, match=rf"decision {cid} of rule dip was made before"):
        write(at, intent)
    by_hand = at.intend(rule="")
    with pytest.raises(SafetyRefused, match=rf"decision {by_hand} of rule \(by hand\) was made"):
        at.intend(rule="")


def test_an_intent_bears_the_name_and_symbol_of_its_decision(at: Desk) -> None:
    """A request with another id, or for another symbol than was decided, is no intent."""
    intent = full_intent(at.store.id)
    for wrong in (replace(intent.request, client_order_id="at-abcd-other"), replace(intent.request, symbol="BTCJPY")):
        with pytest.raises(ValueError, match="not the decision's"):
            replace(intent, request=wrong)


def test_whose_firing_was_given_back_is_marked(at: Desk) -> None:
    """One row is marked, its fate and the others' rows stay."""
    cids = [at.intend(slot) for slot in range(1, 5)]
    with at.store.transaction() as store:
        store.intents.move(cids[0], IntentState.DROPPED, 1, fault="outside")
        store.intents.move(cids[1], IntentState.DROPPED, 1, fault="rule")
        store.intents.move(cids[2], IntentState.SENT, 1, fault="outside")
    with at.store.transaction() as store:
        store.intents.mark_given_back(cids[0])
    assert (row_of(at, cids[0]).state, row_of(at, cids[0]).given_back) == (IntentState.DROPPED, True)
    assert row_of(at, cids[1]).given_back is False


def test_the_journal_in_time(at: Desk) -> None:
    """What was sent since a moment, that moment included, oldest first; the newest of some fates; the latest rows."""
    assert at.store.intents.last_sent([IntentState.ACCEPTED]) == 0
    cids = []
    for slot in (1, 2, 3):
        at.clock.ms = START_MS + slot * 1000
        cids.append(at.send(slot).client_order_id)
    waiting = at.intend(4)
    times = at.store.intents
    assert [row.client_order_id for row in times.sent_since(START_MS + 2000)] == cids[1:]
    assert times.times_sent(START_MS + 2000) == tuple((START_MS + slot * 1000, IntentState.ACCEPTED) for slot in (2, 3))
    assert times.last_sent([IntentState.ACCEPTED, IntentState.DEAD]) == START_MS + 3000
    assert times.last_sent([IntentState.DEAD]) == 0
    assert [row.client_order_id for row in times.latest(2)] == [waiting, cids[2]]
    assert times.get("nobody") is None


def test_states_are_listed_apart(at: Desk) -> None:
    """Asking for other states, or after a write, is not answered with what was read before."""
    first = at.intend(1)
    assert [row.client_order_id for row in at.store.intents.in_state(IntentState.INTENT)] == [first]
    assert at.store.intents.in_state(IntentState.SENT) == ()
    at.clock.ms += 1
    second = at.intend(2)
    assert [row.client_order_id for row in at.store.intents.in_state(IntentState.INTENT)] == [first, second]


# --------------------------------------------------------------------------------------------------------- the times
def test_the_horizon_is_counted_from_the_request(at: Desk) -> None:
    """timestamp + recvWindow + 1 s + 10 s, and 60 s more for queries that lag; with the window that was asked for."""
    assert journal.in_flight_until_ms(100) == 100 + IN_FLIGHT_MS
    assert journal.horizon_ms(100) == 100 + HORIZON_MS
    assert journal.in_flight_until_ms(100, 60_000) == 100 + 60_000 + 11_000
    assert journal.horizon_ms(100, 60_000) == 100 + 60_000 + 71_000


def test_looks_back_off() -> None:
    """1, 2, 4, 8, 15, then 30 seconds for ever."""
    waits = [journal.next_look_ms(1_000, looks) - 1_000 for looks in range(8)]
    assert waits == [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000, 30_000]


def test_the_watch_is_closer_in_the_first_hour() -> None:
    """Every 5 minutes in the hour after sending, every 30 minutes from then on."""
    assert journal.next_watch_ms(1_000 + HOUR_MS - 1, 1_000) == 1_000 + HOUR_MS - 1 + 5 * MINUTE_MS
    assert journal.next_watch_ms(1_000 + HOUR_MS, 1_000) == 1_000 + HOUR_MS + 30 * MINUTE_MS


def test_the_horizon_itself_is_still_before_it(at: Desk) -> None:
    """Absence counts only after the horizon, not at it; and a look is due at its moment, not after it."""
    cid = unknown(at)
    at.clock.ms = START_MS + HORIZON_MS
    look(at, cid)
    assert row_of(at, cid).absences == 0
    at.clock.ms += 1
    look(at, cid)
    assert row_of(at, cid).absences == 1
    at.clock.ms = row_of(at, cid).next_look_ms or 0
    assert [fate.state for fate in at.resolver.resolve_due()] == [IntentState.DEAD]


def test_a_look_that_decides_nothing_is_counted_and_the_next_is_later(at: Desk) -> None:
    """Before the horizon only looks are counted, and each waits longer than the one before."""
    cid = unknown(at)
    for count, wait in enumerate((1_000, 2_000, 4_000), 1):
        at.clock.ms += 10
        assert look(at, cid) is None
        row = row_of(at, cid)
        assert (row.looks, row.absences, row.next_look_ms) == (count, 0, at.clock.ms + wait)


# --------------------------------------------------------------------------------------------------------- resolving
def test_a_row_left_at_sent_becomes_unknown_with_its_reason(at: Desk) -> None:
    """A process that went on without writing its reply: the row says so before anything is asked."""
    cid = at.intend()
    with at.store.transaction() as store:
        store.intents.move(cid, IntentState.SENT, START_MS, sent_ms=START_MS, horizon_ms=START_MS + HORIZON_MS)
    at.clock.ms += 500
    assert look(at, cid) is None
    row = row_of(at, cid)
    assert (row.state, row.reason, row.moved_ms) == (IntentState.UNKNOWN, "no reply was recorded", START_MS + 500)


def test_the_list_just_read_is_believed_without_a_question(at: Desk) -> None:
    """An order in the list of its own symbol is taken over even while nothing can be asked; another's is not."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    ours = at.venue.named(cid)[0]
    other = replace(ours, client_order_id="somebody", order_id=77)
    at.venue.down = True
    at.clock.ms += 1_000
    assert at.resolver.resolve_due({"BTCJPY": [other]}) == ()
    at.clock.ms += 2_000
    assert at.resolver.resolve_due({"ETHJPY": [ours]}) == ()
    at.clock.ms += 4_000
    assert [fate.order for fate in at.resolver.resolve_due({"BTCJPY": [other, ours]})] == [ours]


def test_an_adoption_is_told_whole(at: Desk) -> None:
    """What was found, for which rule and why: in the outcome, in the row and in the chain."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    order = at.venue.named(cid)[0]
    at.clock.ms += 900
    reason = f"order {order.order_id} was found"
    assert look(at, cid) == Outcome(
        client_order_id=cid, rule="dip", state=IntentState.ADOPTED, reason=reason, order=order
    )
    row = row_of(at, cid)
    assert (row.reason, row.moved_ms) == (reason, START_MS + 900)
    told = [(time, subject, data["how"]) for time, subject, data in acts(at, "order")]
    assert told == [(START_MS + 900, cid, "query")]
    assert acts(at, "notice") == []


def test_a_late_adoption_is_told_to_people(at: Desk) -> None:
    """What had been given up and is there after all is critical, and named."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    at.venue.hidden_until[1001] = START_MS + HOUR_MS
    for _ in range(2):
        at.clock.ms += HORIZON_MS + 1
        look(at, cid)
    assert row_of(at, cid).state is IntentState.DEAD
    at.clock.ms = START_MS + HOUR_MS
    found = look(at, cid)
    assert found is not None
    assert found.reason == "order 1001 was found after it had been given up"
    told = [act for act in at.store.chain.acts(kind="notice") if cid in act.body]
    assert [act.data["level"] for act in told] == ["critical"]
    assert f"{cid}: {found.reason}" in told[0].body
    assert cid in (told[0].subject, told[0].data.get("order"))


def test_an_adopted_order_that_is_another_tells_the_difference(at: Desk) -> None:
    """The outcome of an order that is not the one we asked for says in what it differs, and everything stops."""

    def other(venue: Venue, request: OrderRequest) -> SubmitResult:
        order = venue.place(request)
        venue.orders[order.order_id] = replace(order, quantity=D("0.02"))
        return Unknown("no reply")

    at.venue.on_submit = [other]
    cid = at.send().client_order_id
    found = look(at, cid)
    assert found is not None
    assert "quantity 0.02 instead of 0.002" in found.reason
    assert found.reason in (at.store.halted() or "")


def test_a_death_is_told_whole_and_watched(at: Desk) -> None:
    """Given up: no fault of the rule, said with its reason; and the next look is five minutes later."""
    cid = unknown(at)
    at.clock.ms += HORIZON_MS + 1
    assert look(at, cid) is None
    at.clock.ms += 1_000
    reason = "the venue's horizon passed and it never arrived"
    wanted = Outcome(client_order_id=cid, rule="dip", state=IntentState.DEAD, reason=reason, fault="outside")
    assert look(at, cid) == wanted
    row = row_of(at, cid)
    later = at.clock.ms + 5 * MINUTE_MS
    assert (row.reason, row.fault, row.moved_ms, row.next_look_ms) == (reason, "outside", at.clock.ms, later)


def test_the_watch_of_the_dead_slows_down_and_ends(at: Desk) -> None:
    """Each fruitless look of the watch sets the next; the absences of the dead are not counted; after a day it ends."""
    cid = unknown(at)
    for _ in range(2):
        at.clock.ms += HORIZON_MS + 1
        look(at, cid)
    at.clock.ms += 5 * MINUTE_MS
    assert at.resolver.resolve_due() == ()
    counted = row_of(at, cid)
    assert counted.next_look_ms == at.clock.ms + 5 * MINUTE_MS
    at.clock.ms = START_MS + HOUR_MS
    assert at.resolver.resolve_due() == ()
    row = row_of(at, cid)
    assert (row.state, row.looks, row.absences) == (IntentState.DEAD, counted.looks + 1, counted.absences)
    assert row.next_look_ms == at.clock.ms + 30 * MINUTE_MS
    for moment, asked in ((24 * HOUR_MS, True), (24 * HOUR_MS + 1, False)):
        with at.store.transaction() as store:
            store.intents.looked(cid, absent=False, next_look_ms=0)
        at.clock.ms, before = START_MS + moment, row_of(at, cid).looks
        at.resolver.resolve_due()
        assert (row_of(at, cid).looks > before) is asked


def test_the_points_at_which_resolving_may_die(at: Desk) -> None:
    """A crash can be put between the answer and its row, inside the row's transaction, and behind it."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    dead = unknown(at, 2, side=Side.SELL)
    passed: list[str] = []
    with listening(passed.append):
        look(at, cid)
        at.clock.ms += HORIZON_MS + 1
        look(at, dead)
        look(at, dead)
    own = [name for name in passed if name != "head_unwritten"]
    assert own == [
        "looked", "adopt_uncommitted", "look_committed",
        "looked", "look_committed",
        "looked", "dead_uncommitted", "look_committed",
    ]  # fmt: skip


# --------------------------------------------------------------------------- the fullest sources, behind the horizon
class Asked(Venue):
    """The venue that notes from when its history was asked for, of which symbol."""

    spans: list[tuple[str, int]]

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        self.spans.append((symbol, from_ms))
        return super().history(symbol, from_ms)


def past_horizon(at: Desk) -> str:
    cid = unknown(at)
    at.clock.ms += HORIZON_MS + 1
    return cid


def foreign_trade(at: Desk, **changes: object) -> Fill:
    """A trade of an order that no list shows."""
    trade = Fill(
        symbol="BTCJPY", trade_id=9, order_id=2_000, side=Side.BUY, price=D("1"), quantity=D("1"), quote=D("1"),
        fee=D("0"), fee_asset="JPY", time_ms=START_MS + 1, is_maker=False,
    )  # fmt: skip
    return replace(trade, **changes)  # type: ignore[arg-type]


def test_all_orders_of_almost_a_day_are_asked_for(at: Desk) -> None:
    """Behind the horizon the symbol's orders of the last day are read: the venue answers for at most 24 hours."""
    cid = past_horizon(at)
    at.venue.__class__ = Asked
    at.venue.spans = []  # type: ignore[attr-defined]
    look(at, cid)
    assert at.venue.spans == [("BTCJPY", at.clock.ms - 24 * HOUR_MS + MINUTE_MS)]  # type: ignore[attr-defined]


def test_an_order_that_only_the_history_shows_is_adopted(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that denies an order does not outweigh the list of all orders."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    at.venue.orders[3] = replace(at.venue.orders[1001], order_id=3, client_order_id="somebody")
    monkeypatch.setattr(at.venue, "find", lambda symbol, name: NotFound())
    at.clock.ms += HORIZON_MS + 1
    found = look(at, cid)
    assert found is not None
    assert (found.state, found.order) == (IntentState.ADOPTED, at.venue.orders[1001])
    assert at.store.halted() is None


def test_two_of_one_name_in_the_history_halt_with_the_name(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first promise is broken: everything stops, and the name is told."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    at.venue.orders[1002] = replace(at.venue.orders[1001], order_id=1002)
    monkeypatch.setattr(at.venue, "find", lambda symbol, name: NotFound())
    at.clock.ms += HORIZON_MS + 1
    look(at, cid)
    assert f"two orders named {cid}" in (at.store.halted() or "")
    assert [(time, name) for time, name, _ in acts(at, "setting")] == [(at.clock.ms, "halt")]


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({}, False),
        ({"side": Side.SELL}, True),
        ({"order_id": 1_500}, True),
        ({"order_id": 1_400}, True),
        ({"order_id": 1_501}, False),
        ({"order_id": 1_001}, True),
        ({"time_ms": START_MS - 1}, True),
    ],
    ids=["its own", "other side", "of an older", "before an older", "of a newer", "of a listed", "before it"],
)
def test_which_trades_keep_an_order_alive(
    at: Desk, changes: dict[str, object], explained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trade of our side, since it was sent, of an order that is newer than all that were there before and in no
    list: it may be this one's, so nothing is given up. Any other trade is explained.
    """
    sold = at.send(5, side=Side.SELL).client_order_id
    at.venue.orders[1500] = replace(
        at.venue.named(sold)[0], order_id=1500, client_order_id="older", created_ms=START_MS - 1_001
    )
    cid = past_horizon(at)
    trades = [foreign_trade(at, **changes)]
    monkeypatch.setattr(at.venue, "fills", lambda s, t, since: [one for one in trades if one.time_ms >= since])
    look(at, cid)
    assert row_of(at, cid).absences == int(explained)


def test_an_order_of_the_same_second_is_not_older(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks differ by up to a second: an order made within it does not rule out lower numbers."""
    cid = past_horizon(at)
    at.venue.place(row_of(at, cid).intent.request)
    _, order = at.venue.orders.popitem()
    at.venue.orders[3_000] = replace(order, order_id=3_000, client_order_id="other", created_ms=START_MS - 1_000)
    monkeypatch.setattr(at.venue, "fills", lambda s, t, since: [foreign_trade(at)])
    look(at, cid)
    assert row_of(at, cid).absences == 0


def test_a_trade_of_an_order_in_our_records_is_explained(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that we have booked need not stand in the venue's list."""
    at.send(9, side=Side.SELL)
    known = at.venue.orders[1001]
    cid = past_horizon(at)
    monkeypatch.setattr(at.venue, "history", lambda symbol, from_ms: [])
    monkeypatch.setattr(at.venue, "fills", lambda s, t, since: [foreign_trade(at, order_id=known.order_id)])
    look(at, cid)
    assert row_of(at, cid).absences == 1


def test_an_intent_older_than_the_history_is_not_waited_for(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent before the venue's lists begin cannot be seen in its trades: the query's word, twice, ends it."""
    cid = unknown(at)
    at.clock.ms += 24 * HOUR_MS
    monkeypatch.setattr(at.venue, "fills", lambda s, t, since: [foreign_trade(at)])
    assert look(at, cid) is None
    fate = look(at, cid)
    assert fate is not None
    assert fate.state is IntentState.DEAD


def test_the_dead_are_asked_for_by_their_name_alone(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch is one cheap query: it does not read all orders again and again."""
    cid = past_horizon(at)
    look(at, cid)
    look(at, cid)
    at.venue.__class__ = Asked
    at.venue.spans = []  # type: ignore[attr-defined]
    look(at, cid)
    assert at.venue.spans == []  # type: ignore[attr-defined]


def test_a_status_nobody_settles_leaves_an_order_open(at: Desk) -> None:
    """What is adopted while it rests stays in the list of what may trade."""
    at.venue.on_submit = [lost_reply]
    cid = at.send().client_order_id
    look(at, cid)
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.order.status, row.settled) == (OrderStatus.NEW, False)
