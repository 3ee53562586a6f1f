"""The store's own record: what counts as live, as placed, as refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autotrader.orders import NotSent, OrderRequest, Rejected, SubmitResult, Unknown
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import Venue
from tests.worlds.work import calls

DAY_MS = 86_400_000


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "s")


def answer(at: Desk, slot: int, result: SubmitResult | None) -> None:
    """Send one order that gets this answer (None: accepted)."""

    def post(venue: Venue, request: OrderRequest) -> SubmitResult:
        assert result is not None
        return result

    at.venue.on_submit = [] if result is None else [post]
    at.send(slot, rule=f"r{slot}")
    at.clock.ms += 1000


def test_refusals_count_from_the_last_accepted_order(at: Desk) -> None:
    """Refused and unknown orders count in a row; an accepted one or a resume begins anew; not sent does not count."""
    answer(at, 1, Rejected(-1013, "LOT_SIZE"))
    answer(at, 2, None)
    answer(at, 3, Rejected(-1013, "LOT_SIZE"))
    answer(at, 4, NotSent("refused"))
    answer(at, 5, Unknown("lost"))
    record = at.store.own_record(at.clock.ms)
    assert record.refusals_in_a_row == 2
    assert len(record.placed_ms) == 4
    assert len(record.errors_ms) == 4
    at.store.resume(at.clock.ms)
    assert at.store.own_record(at.clock.ms).refusals_in_a_row == 0


def test_orders_count_in_every_state_that_may_trade(at: Desk) -> None:
    """Written, unknown and open orders are all there, with what may still trade; ended ones are not."""
    at.send(1, rule="open")
    at.venue.fill(1001, "0.0005")
    at.send(2, rule="ended")
    at.venue.end(1002)
    answer(at, 3, Unknown("lost"))
    at.intend(4, rule="written")
    at.observe()
    orders = {order.rule: (order.state, order.remaining) for order in at.store.own_record(at.clock.ms).orders}
    assert orders == {
        "open": ("open", D("0.0015")),
        "r3": ("unknown", D("0.002")),
        "written": ("intended", D("0.002")),
    }


def test_fills_reach_back_to_the_month_in_the_accounts_zone(at: Desk) -> None:
    """At the end of a long month all its fills are there, by the account's calendar."""
    zone = ZoneInfo("Asia/Tokyo")
    first = int(datetime(2026, 7, 1, 0, 0, 1, tzinfo=zone).timestamp() * 1000)
    last = int(datetime(2026, 7, 31, 23, 59, tzinfo=zone).timestamp() * 1000)
    at.clock.ms = first
    at.send(1)
    at.venue.fill(1001, "0.002")
    at.observe()
    assert len(at.store.own_record(last, zone).fills) == 1
    assert at.store.own_record(last + 3 * DAY_MS, zone).fills == ()


def test_fills_in_memory_are_the_fills_on_disk(at: Desk) -> None:
    """What was read inside a transaction that rolled back is not remembered, and late trades stand in their place."""
    at.send(1)
    late = at.venue.fill(1001, "0.0005")
    at.clock.ms += 1000
    early = at.venue.fill(1001, "0.0005")

    def undone() -> None:
        with at.store.transaction() as store:
            store.orders.book(early, at.clock.ms)
            assert len(store.orders.fills_since(0)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert at.store.orders.fills_since(0) == ()
    for trade in (early, late):
        with at.store.transaction() as store:
            store.orders.book(trade, at.clock.ms)
        at.store.orders.fills_since(0)
    assert [fill.trade_id for fill in at.store.orders.fills_since(0)] == [late.trade_id, early.trade_id]
    assert [fill.trade_id for fill in at.store.orders.fills_since(early.time_ms)] == [early.trade_id]


def test_a_quiet_cycle_reads_little(at: Desk) -> None:
    """With three thousand fills and two hundred intents a later cycle does a twentieth of what the first one does."""
    at.send(1)
    with at.store.transaction() as store:
        from dataclasses import replace

        fill = at.venue.fill(1001, "0.0000001")
        for number in range(3_000):
            store.orders.book(replace(fill, trade_id=number, quantity=D("0.0000001")), at.clock.ms)
    for slot in range(2, 200):
        at.intend(slot, rule="late")
    at.start()
    first = calls(lambda: at.store.own_record(at.clock.ms))
    assert len(at.store.own_record(at.clock.ms).fills) >= 3_000
    assert calls(lambda: at.store.own_record(at.clock.ms + 1)) < first / 20


def test_what_is_remembered_ends_with_any_write_and_with_a_rollback(at: Desk) -> None:
    """A record that was read before shows what was written since, and not what was rolled back."""
    before = at.store.own_record(at.clock.ms)
    assert at.store.own_record(at.clock.ms) == before
    with suppress(ZeroDivisionError), at.store.transaction() as store:
        store.errors.add(at.clock.ms, "lost")
        assert store.own_record(at.clock.ms).errors_ms == (at.clock.ms,)
        raise ZeroDivisionError
    assert at.store.own_record(at.clock.ms) == before
    at.send(1, rule="r")
    assert [order.rule for order in at.store.own_record(at.clock.ms).orders] == ["r"]


def test_a_day_passes_without_a_write_and_a_clock_goes_back(at: Desk) -> None:
    """What is older than a day falls out of the remembered record, and is there again for an earlier moment."""
    with at.store.transaction() as store:
        store.errors.add(at.clock.ms, "lost")
    assert at.store.own_record(at.clock.ms + DAY_MS + 1).errors_ms == ()
    assert at.store.own_record(at.clock.ms).errors_ms == (at.clock.ms,)
    assert at.store.own_record(at.clock.ms + DAY_MS + 1).errors_ms == ()
