"""Start-up: the journal and the venue agree before anything is placed, or it says why not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autotrader.errors import ExchangeUnavailable, RecordsBroken, UsageError
from autotrader.market.account import Account
from autotrader.orders import OrderRequest, OrderStatus, SubmitResult
from autotrader.records.cancels import CancelState
from autotrader.records.intents import IntentState
from autotrader.trading.agree import settle_difference
from tests.trading.test_resolve import lost_reply
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import Venue
from tests.worlds.work import calls


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def test_first_start_is_armed(at: Desk) -> None:
    """A new store over an empty account is armed."""
    report = at.start()
    assert (report.armed, report.reasons) == (True, ())


def test_a_chain_that_was_altered_is_not_started_upon(at: Desk) -> None:
    """Every act is verified before anything is replayed or asked; nothing is written upon a broken chain."""
    at.send()
    at.store.close()
    with closing(sqlite3.connect(at.folder / "records.db")) as db, db:
        db.execute("UPDATE chain SET body = replace(body, '15000000', '16000000') WHERE kind = 'intent'")
    again = Desk(at.folder, at.venue, at.clock)
    before = again.store.head()
    with pytest.raises(RecordsBroken, match="altered"):
        again.start()
    assert again.store.head() == before


def test_written_but_not_sent_is_dropped(at: Desk) -> None:
    """An intent that was never sent is dropped at start, not sent late, and its rule gets the firing back."""
    cid = at.intend()
    again = at.again()
    report = again.start()
    assert (report.dropped, again.venue.posts) == ((cid,), [])
    assert (row := again.store.intents.get(cid)) is not None
    assert (row.fault, row.given_back) == ("outside", False)


def test_crash_between_post_and_reply_doubles_nothing(at: Desk) -> None:
    """The venue has it, we did not hear: the start finds it and sends nothing."""

    def crash(venue: Venue, request: OrderRequest) -> SubmitResult:
        venue.fill(venue.place(request).order_id, "0.002")
        raise Crash

    at.venue.on_submit = [crash]
    cid = at.intend()
    with pytest.raises(Crash):
        at.gateway.submit(cid)
    again = at.again()
    report = again.start()
    row = again.store.orders.get(cid)
    assert row is not None
    assert (report.armed, row.settled, row.order.status) == (True, True, OrderStatus.FILLED)
    assert again.venue.posts == [cid]


def test_unclear_fate_stays_frozen_but_armed(at: Desk) -> None:
    """What cannot be known yet is frozen and counts as live; the rest may trade."""

    def nothing(venue: Venue, request: OrderRequest) -> SubmitResult:
        raise Crash

    at.venue.on_submit = [nothing]
    cid = at.intend()
    with pytest.raises(Crash):
        at.gateway.submit(cid)
    again = at.again()
    report = again.start()
    assert (report.armed, report.unresolved) == (True, (cid,))
    assert again.send(2).state is IntentState.DROPPED
    assert again.send(3, rule="other").state is IntentState.ACCEPTED


def test_unreachable_venue_is_not_armed(at: Desk) -> None:
    """Without an answer of the venue nothing is armed; a later run of the same start is."""
    at.venue.down = True
    report = at.start()
    assert not report.armed
    assert "could not be read" in report.reasons[0]
    at.venue.down = False
    assert at.start().armed


def test_open_orders_that_could_not_be_had_disarm(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the open orders of one symbol are missing, nothing is armed."""
    monkeypatch.setattr(at.venue, "observe", lambda needs, deadline: Account(missing={"BTCJPY": "HTTP 503"}))
    report = at.start()
    assert (report.armed, report.reasons) == (False, ("open orders of BTCJPY could not be read: HTTP 503",))


def test_an_exchange_that_cannot_be_asked_disarms(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asking for the open orders fails altogether, nothing is armed."""

    def fail(needs: object, deadline: float) -> Account:
        raise ExchangeUnavailable("no route")

    monkeypatch.setattr(at.venue, "observe", fail)
    assert at.start().reasons[0] == "open orders could not be read: no route"


def test_an_ended_stray_of_our_name_disarms(at: Desk) -> None:
    """An order of our name that we never made and that is filled already is found in the venue's history."""
    at.send()
    request = replace(
        at.store.intents.latest(1)[0].request,
        client_order_id="at-abcd-" + "z" * 26,
    )
    at.venue.fill(at.venue.place(request).order_id, "0.002")
    report = at.again().start()
    assert not report.armed
    assert (len(report.adopted), report.booked) == (1, 1)


def test_two_orders_of_one_name_in_the_history_halt(at: Desk) -> None:
    """The venue's history shows one name twice: the first promise is broken, everything stops."""
    at.send()
    at.venue.end(1001)
    at.venue.end(at.venue.place(at.store.intents.latest(1)[0].request).order_id)
    again = at.again()
    again.start()
    assert "two orders" in (again.store.halted() or "")


def test_fills_and_ends_while_away_are_taken_in(at: Desk) -> None:
    """What happened at the venue while we were away is booked before arming."""
    first, second = at.send(1).client_order_id, at.send(2).client_order_id
    at.venue.fill(1001, "0.001")
    at.venue.end(1001)
    at.venue.fill(1002, "0.002")
    again = at.again()
    report = again.start()
    rows = [again.store.orders.get(cid) for cid in (first, second)]
    assert report.booked == 2
    assert [row.settled for row in rows if row] == [True, True]


def test_old_copy_of_the_folder_is_noticed_by_the_venues_orders(at: Desk, tmp_path: Path) -> None:
    """A whole folder put back from before an order: the order bears our name, so the store is not armed."""
    at.store.close()
    shutil.copytree(at.folder, tmp_path / "old")
    at = Desk(at.folder, at.venue, at.clock)
    cid = at.send().client_order_id
    at.store.close()
    shutil.rmtree(at.folder)
    shutil.copytree(tmp_path / "old", at.folder)
    back = Desk(at.folder, at.venue, at.clock)
    report = back.start()
    assert not report.armed
    assert cid in report.reasons[0]
    assert [order.client_order_id for order in back.store.own_record(back.clock.ms).orders] == [cid]
    with pytest.raises(UsageError, match="not waiting"):
        settle_difference(back.store, "at-abcd-nothing", "adopt", back.clock.ms)
    settle_difference(back.store, cid, "adopt", back.clock.ms)
    assert back.start().armed
    assert back.store.verify().whole


def test_old_copy_of_the_database_is_noticed_by_its_checkpoints(at: Desk, tmp_path: Path) -> None:
    """A database put back from before the last checkpoint does not open for writing."""
    at.store.close()
    shutil.copy(at.folder / "records.db", tmp_path / "old.db")
    at = Desk(at.folder, at.venue, at.clock)
    at.send()
    at.store.close()
    shutil.copy(tmp_path / "old.db", at.folder / "records.db")
    with pytest.raises(RecordsBroken, match="older than its checkpoint"):
        Desk(at.folder, at.venue, at.clock)


def test_cancel_cut_off_by_a_crash_is_looked_at(at: Desk) -> None:
    """A cancel without a recorded reply is read from its order at start."""

    def crash(venue: Venue, request: object) -> object:
        venue.end(1001)
        raise Crash

    cid = at.send().client_order_id
    at.venue.on_cancel = [crash]  # type: ignore[list-item]
    with pytest.raises(Crash):
        at.gateway.cancel(cid, cycle=1, asked_by="timer")
    again = at.again()
    again.start()
    row = again.store.orders.get(cid)
    assert row is not None
    assert (row.order.status, again.store.cancels.in_state(CancelState.SENT)) == (OrderStatus.CANCELED, ())
    assert len(again.store.cancels.in_state(CancelState.LOOKED)) == 1


def test_lost_reply_then_restart_adopts_with_the_rules_name(at: Desk) -> None:
    """An order adopted after a restart belongs to its rule, with tag and timer."""
    at.venue.on_submit = [lost_reply]
    cid = at.send(tag="t1", cancel_after_ms=1_000).client_order_id
    again = at.again()
    again.start()
    row = again.store.orders.get(cid)
    assert row is not None
    assert (row.rule, row.tag, row.cancel_at_ms) == ("dip", "t1", row.placed_ms + 1_000)
    assert row.order.quantity == D("0.002")


def test_orders_of_removed_rules_are_listed(at: Desk) -> None:
    """Open orders of rules that are gone are orphans; orders by hand are not."""
    at.send(1, rule="gone")
    at.send(2, rule="kept")
    at.send(3, rule="")
    assert [row.rule for row in at.store.orders.orphans(["kept"])] == ["gone"]


def test_armed_quickly_with_a_hundred_open_orders(at: Desk) -> None:
    """A restart over 100 open orders is no more work an order than one over 10: seconds stay seconds."""

    def of_each(desk: Desk, slots: range) -> tuple[Desk, float]:
        for slot in slots:
            desk.send(slot, rule=f"r{slot}")
        again = desk.again()
        count = calls(again.start)
        assert again.start().armed
        return again, count / slots.stop

    again, few = of_each(at, range(10))
    _, many = of_each(again, range(10, 100))
    assert few < 2_000
    assert many < 1.5 * few
