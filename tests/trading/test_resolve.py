"""Unknown fates: asked about until the venue's own horizon, never sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autotrader.orders import NotFound, OrderRequest, OrderStatus, Side, SubmitResult, Unknown
from autotrader.records.intents import IntentState
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import Venue


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
    at.venue.place(row.intent.request)
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
