"""Unknown fates: asked about until the venue's own horizon, never sent again; each look, bound and word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.orders import (
    Fill,
    NotFound,
    Order,
    OrderRequest,
    OrderStatus,
    Side,
    SubmitResult,
    Unknown,
)
from autotrader.records.crash import listening
from autotrader.records.intents import Intent, IntentState
from autotrader.trading import journal
from autotrader.trading.gateway import OrderOutcome
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS, Venue


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def lost_reply(venue: Venue, request: OrderRequest) -> SubmitResult:
    venue.place(request)
    return Unknown("no reply")


def lost_request(venue: Venue, request: OrderRequest) -> SubmitResult:
    return Unknown("no reply")


def hidden(seconds: int) -> Callable[[Venue, OrderRequest], SubmitResult]:
    def post(venue: Venue, request: OrderRequest) -> SubmitResult:
        order = venue.place(request)
        venue.hidden_until[order.order_id] = venue.clock.ms + seconds * 1000
        return Unknown("-1007")

    return post


def looks(at: Desk, seconds: int, step: int = 1) -> list[IntentState]:
    """Let time pass with a look every second; the fates that were decided."""
    decided = []
    for _ in range(0, seconds, step):
        at.clock.ms += step * 1000
        decided += [fate.state for fate in at.resolver.resolve_due()]
    return decided


def test_lost_reply_is_found_and_adopted(at: Desk) -> None:
    """An order whose reply was lost is found by its id, with its own timer, and nothing is frozen any more."""
    at.venue.on_submit = [lost_reply]
    cid = at.send(cancel_after_ms=60_000).client_order_id
    assert looks(at, 2) == [IntentState.ADOPTED]
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.rule, row.order.order_id) == ("dip", 1001)
    assert row.cancel_at_ms == row.placed_ms + 60_000
    assert (at.gateway.frozen(), len(at.venue.posts)) == (frozenset(), 1)


def test_absence_before_the_horizon_proves_nothing(at: Desk) -> None:
    """An order that shows itself only after 70 seconds is adopted, not given up."""
    at.venue.on_submit = [hidden(70)]
    at.send()
    assert looks(at, 65) == []
    assert looks(at, 40) == [IntentState.ADOPTED]
    assert len(at.venue.posts) == 1


def test_lost_request_is_dead_after_the_horizon_said_twice(at: Desk) -> None:
    """What never arrived is dead after the horizon, not before, and the rule gets its firing back."""
    at.venue.on_submit = [lost_request]
    cid = at.send().client_order_id
    assert looks(at, 76) == []
    assert looks(at, 70) == [IntentState.DEAD]
    assert (row := at.store.intents.get(cid)) is not None
    assert (row.fault, row.given_back) == ("outside", False)


def test_a_dead_order_that_surfaces_is_adopted(at: Desk) -> None:
    """The watch of a day finds an order that surfaced after it had been given up, and tells people."""
    at.venue.on_submit = [hidden(3 * 3600)]
    cid = at.send().client_order_id
    assert looks(at, 200) == [IntentState.DEAD]
    assert looks(at, 4 * 3600, step=60) == [IntentState.ADOPTED]
    assert at.store.orders.get(cid) is not None
    notices = [act.data["level"] for act in at.store.chain.acts(kind="notice")]
    assert notices == ["critical"]


def test_an_unreachable_venue_decides_nothing(at: Desk) -> None:
    """While the venue cannot be asked, nothing is given up, however long it takes."""
    at.venue.on_submit = [lost_request]
    at.send()
    at.venue.down = True
    assert looks(at, 600, step=10) == []
    at.venue.down = False
    assert looks(at, 100) == [IntentState.DEAD]


def test_absence_after_the_horizon_is_said_twice(at: Desk) -> None:
    """One answer after the horizon is not enough: the venue's queries lag."""
    at.venue.on_submit = [lost_request]
    at.send()
    at.clock.ms += 80_000
    assert at.resolver.resolve_due() == ()
    at.clock.ms += 30_000
    assert [fate.state for fate in at.resolver.resolve_due()] == [IntentState.DEAD]


def test_a_query_without_a_clear_answer_decides_nothing(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that says neither yes nor no is no absence."""
    at.venue.on_submit = [lost_request]
    at.send()
    monkeypatch.setattr(at.venue, "find", lambda symbol, cid: Unknown("HTTP 502"))
    assert looks(at, 600, step=10) == []


def test_an_unknown_fate_is_never_sent_again(at: Desk) -> None:
    """Submitting an unknown intent again sends nothing."""
    at.venue.on_submit = [lost_request]
    cid = at.send().client_order_id
    assert at.gateway.submit(cid).state is IntentState.UNKNOWN
    assert at.venue.posts == [cid]


def test_an_order_that_is_archived_is_dead_at_once(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """-2026: it ended without a fill, long ago; there is nothing to wait for."""
    at.venue.on_submit = [lost_request]
    at.send()
    monkeypatch.setattr(at.venue, "find", lambda symbol, cid: NotFound(archived=True))
    assert looks(at, 2) == [IntentState.DEAD]


def test_an_unexplained_trade_keeps_it_alive(at: Desk) -> None:
    """While a trade on our side stands at the venue that no list explains, the order is not given up."""

    def traded_but_unlisted(venue: Venue, request: OrderRequest) -> SubmitResult:
        order = venue.place(request)
        venue.fill(order.order_id, "0.002")
        venue.orders[order.order_id] = replace(venue.orders[order.order_id], client_order_id="", symbol="ELSEWHERE")
        return Unknown("no reply")

    at.venue.on_submit = [traded_but_unlisted]
    at.send()
    assert looks(at, 600, step=5) == []
    assert len(at.gateway.frozen()) == 1


def test_the_open_orders_just_read_settle_it_without_a_request(at: Desk) -> None:
    """An unknown order that stands in the list of open orders is ours."""
    at.venue.on_submit = [lost_reply]
    at.send()
    seen = at.observe()
    assert (len(seen.adopted), at.gateway.frozen()) == (1, frozenset())


def test_a_different_order_under_our_name_halts(at: Desk) -> None:
    """An order that is found under our id with another side or quantity is adopted as it is, and stops everything."""

    def other(venue: Venue, request: OrderRequest) -> SubmitResult:
        order = venue.place(request)
        venue.orders[order.order_id] = replace(order, side=Side.SELL, quantity=D("0.02"))
        return Unknown("no reply")

    at.venue.on_submit = [other]
    cid = at.send().client_order_id
    looks(at, 2)
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.order.side, row.order.quantity) == (Side.SELL, D("0.02"))
    assert "SELL instead of BUY" in (at.store.halted() or "")


def test_two_orders_of_one_name_halt(at: Desk) -> None:
    """Two orders with one client id at the venue: the first promise is broken, everything stops."""
    cid = at.send().client_order_id
    row = at.store.intents.get(cid)
    assert row is not None
    at.venue.end(1001)
    at.venue.place(row.request)
    at.observe()
    assert "two orders" in (at.store.halted() or "")


def test_back_off_grows(at: Desk) -> None:
    """Looks come after 1, 2, 4, 8, 15 and then 30 seconds, not in a hot loop."""
    at.venue.on_submit = [lost_request]
    at.send()
    counts = []
    for _ in range(75):
        at.clock.ms += 1000
        at.resolver.resolve_due()
        row = at.store.intents.unresolved()[0]
        counts.append(row.looks)
    assert counts[-1] <= 7


def test_done_order_found_late_is_booked_whole(at: Desk) -> None:
    """A taker order whose reply was lost and that filled at once is adopted and its trades are booked."""

    def filled(venue: Venue, request: OrderRequest) -> SubmitResult:
        venue.fill(venue.place(request).order_id, "0.002", fee="0.00003")
        return Unknown("no reply")

    at.venue.on_submit = [filled]
    cid = at.send().client_order_id
    looks(at, 2)
    at.observe()
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.settled, row.booked, row.order.status) == (True, D("0.002"), OrderStatus.FILLED)


HOUR_MS, MINUTE_MS = 3_600_000, 60_000
IN_FLIGHT_MS = 5_000 + 1_000 + 10_000
HORIZON_MS = IN_FLIGHT_MS + 60_000


def row_of(at: Desk, cid: str) -> Intent:
    row = at.store.intents.get(cid)
    assert row is not None
    return row


def acts(at: Desk, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind=kind)]


def unknown(at: Desk, slot: int = 1, **more: object) -> str:
    at.venue.on_submit = [lost_request]
    return at.send(slot, **more).client_order_id


def look(at: Desk, cid: str, open_orders: Sequence[Order] = ()) -> OrderOutcome | None:
    return at.resolver.look(row_of(at, cid), open_orders)


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
    assert look(at, cid) == OrderOutcome(
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
    wanted = OrderOutcome(client_order_id=cid, rule="dip", state=IntentState.DEAD, reason=reason, fault="outside")
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
    at.venue.place(row_of(at, cid).request)
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
