"""Cancels through the gateway: one an order and cycle, written before it is sent, and what each answer means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.orders import (
    Cancelled,
    CancelRequest,
    NotSent,
    OrderStatus,
    Rejected,
    Unknown,
)
from autotrader.records.cancels import CancelRow, CancelState
from autotrader.records.intents import IntentState
from autotrader.trading.gateway import CancelOutcome
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS, Venue


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def test_one_cancel_per_order_and_cycle(at: Desk) -> None:
    """Whoever asks, an order gets at most one cancel in a cycle."""
    cid = at.send().client_order_id
    at.venue.on_cancel = [lambda venue, request: NotSent("refused")] * 2
    first = at.gateway.cancel(cid, cycle=5, asked_by="stale")
    second = at.gateway.cancel(cid, cycle=5, asked_by="timer")
    third = at.gateway.cancel(cid, cycle=6, asked_by="timer")
    assert (first.state, second.state, third.state) == (CancelState.NOT_SENT, None, CancelState.NOT_SENT)
    assert [cid, cid] == at.venue.deletes


def test_cancel_works_while_halted(at: Desk) -> None:
    """A halt stops placing, not cancelling."""
    cid = at.send().client_order_id
    at.store.halt("by hand", at.clock.ms)
    outcome = at.gateway.cancel(cid, cycle=1, asked_by="hand")
    assert CancelState.CONFIRMED is outcome.state
    assert at.store.orders.open() == ()


def test_unknown_order_sent_means_look(at: Desk) -> None:
    """-2011 proves nothing: the order is read, and here it had been filled."""
    cid = at.send().client_order_id
    at.venue.fill(1001, "0.002")
    outcome = at.gateway.cancel(cid, cycle=1, asked_by="stale")
    assert CancelState.REJECTED is outcome.state
    assert outcome.order is not None
    assert OrderStatus.FILLED is outcome.order.status


def test_unknown_cancel_is_looked_at_and_may_be_repeated(at: Desk) -> None:
    """A cancel without an answer is read from the order, and the next cycle may ask again."""
    cid = at.send().client_order_id

    def silent(venue: Venue, request: CancelRequest) -> Unknown:
        return Unknown("no reply")

    at.venue.on_cancel = [silent]
    first = at.gateway.cancel(cid, cycle=1, asked_by="stale")
    second = at.gateway.cancel(cid, cycle=2, asked_by="stale")
    assert (first.state, second.state) == (CancelState.UNKNOWN, CancelState.CONFIRMED)
    assert at.store.cancels.in_state(CancelState.UNKNOWN) == ()


def test_a_cancel_of_what_is_not_open_is_not_sent(at: Desk) -> None:
    """An order of unknown fate and one that has ended are not cancelled; the reason is said."""
    cid = at.send().client_order_id
    at.gateway.cancel(cid, cycle=1, asked_by="timer")
    again = at.gateway.cancel(cid, cycle=2, asked_by="timer")
    unknown = at.gateway.cancel("at-abcd-none", cycle=2, asked_by="timer")
    assert (again.state, again.reason) == (None, "it is CANCELED")
    assert (unknown.state, len(at.venue.deletes)) == (None, 1)


def test_a_cancel_that_breaks_off_is_unknown(at: Desk) -> None:
    """An exception says nothing about the cancel; where the order cannot be read either, it stays as it is known."""

    def burst(venue: Venue, request: CancelRequest) -> Unknown:
        venue.down = True
        raise OSError("reset")

    cid = at.send().client_order_id
    at.venue.on_cancel = [burst]
    outcome = at.gateway.cancel(cid, cycle=1, asked_by="timer")
    assert (outcome.state, len(at.store.orders.open())) == (CancelState.UNKNOWN, 1)
    at.venue.down = False
    at.observe()
    assert len(at.store.cancels.in_state(CancelState.UNKNOWN)) == 1
    at.clock.ms += 16_001
    at.observe()
    closed = at.store.cancels.in_state(CancelState.LOOKED)
    assert [cancel.reason for cancel in closed] == ["the order is NEW"]


def acts(at: Desk, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind=kind)]


def fate(at: Desk, cid: str) -> tuple[IntentState, str, str, int]:
    row = at.store.intents.get(cid)
    assert row is not None
    return row.state, row.reason, row.fault, row.moved_ms


# ----------------------------------------------------------------------------------------------------------- cancels
def test_a_cancel_names_the_order_both_ways(at: Desk) -> None:
    """By the venue's id and by ours; only where it has not begun to fill, if that was asked."""
    asked: list[CancelRequest] = []

    def note(venue: Venue, request: CancelRequest) -> NotSent:
        asked.append(request)
        return NotSent("no route")

    cid = at.send().client_order_id
    at.venue.on_cancel = [note, note]
    at.gateway.cancel(cid, cycle=1, asked_by="x")
    at.gateway.cancel(cid, cycle=2, asked_by="x", only_new=True)
    wanted = CancelRequest(symbol="BTCJPY", client_order_id=cid, order_id=1001)
    assert asked == [wanted, replace(wanted, only_new=True)]


def test_a_cancel_is_written_before_it_is_sent(at: Desk) -> None:
    """Who asked, why, in which cycle and when: on disk before the request leaves."""
    seen: list[CancelRow] = []

    def look(venue: Venue, request: CancelRequest) -> Cancelled:
        seen.extend(at.store.cancels.in_state(CancelState.SENT))
        assert not at.store.in_transaction
        return Cancelled(venue.end(1001))

    cid = at.send().client_order_id
    at.venue.on_cancel = [look]
    at.clock.ms += 5
    told = at.gateway.cancel(cid, cycle=3, asked_by="stale", because="too old")
    assert seen == [
        CancelRow(
            id=1, client_order_id=cid, cycle=3, symbol="BTCJPY", asked_by="stale", because="too old",
            sent_ms=START_MS + 5, state=CancelState.SENT, reason="", moved_ms=START_MS + 5,
        )
    ]  # fmt: skip
    order = at.venue.orders[1001]
    assert told == CancelOutcome(client_order_id=cid, state=CancelState.CONFIRMED, order=order)
    again = at.gateway.cancel(cid, cycle=4, asked_by="stale")
    assert again == CancelOutcome(client_order_id=cid, state=None, reason="it is CANCELED", order=order)


def test_a_cancel_without_a_reason_has_none(at: Desk) -> None:
    """What nobody said is empty in the record."""
    cid = at.send().client_order_id
    at.gateway.cancel(cid, cycle=1, asked_by="hand")
    row = at.store.cancels.last_of(cid)
    assert row is not None
    assert (row.because, row.asked_by) == ("", "hand")


def test_a_second_cancel_of_a_cycle_says_so_with_the_order(at: Desk) -> None:
    """The order as it is known, and that it was asked for already."""
    cid = at.send().client_order_id
    at.venue.on_cancel = [lambda venue, request: NotSent("no route")]
    first = at.gateway.cancel(cid, cycle=5, asked_by="x")
    order = at.venue.orders[1001]
    assert first == CancelOutcome(client_order_id=cid, state=CancelState.NOT_SENT, reason="no route", order=order)
    reason = "a cancel was asked for in this cycle already"
    assert at.gateway.cancel(cid, cycle=5, asked_by="y") == CancelOutcome(
        client_order_id=cid, state=None, reason=reason, order=order
    )


def test_a_cancel_of_an_unclear_order_says_that_it_is_unclear(at: Desk) -> None:
    """What has no row at the venue yet cannot be named there."""
    told = at.gateway.cancel("at-abcd-none", cycle=1, asked_by="x")
    reason = "its fate at the venue is not known yet"
    assert told == CancelOutcome(client_order_id="at-abcd-none", state=None, reason=reason)


def test_a_refused_cancel_brings_the_order_as_it_was_read(at: Desk) -> None:
    """-2011 with its words, and the order that was looked up: filled, with the time of the look."""
    cid = at.send().client_order_id
    at.venue.fill(1001, "0.002")
    at.clock.ms += 7
    told = at.gateway.cancel(cid, cycle=1, asked_by="x")
    order = at.venue.orders[1001]
    assert told == CancelOutcome(
        client_order_id=cid, state=CancelState.REJECTED, reason="-2011 Unknown order sent.", order=order
    )
    row = at.store.cancels.last_of(cid)
    assert row is not None
    assert (row.reason, row.moved_ms) == ("-2011 Unknown order sent.", START_MS + 7)


@pytest.mark.parametrize("answer", [Unknown("HTTP 504"), Rejected(-2011, "Unknown order sent.")])
def test_an_unclear_cancel_that_nobody_answers_leaves_the_order(at: Desk, answer: Any) -> None:
    """Where the order cannot be read either, it stays open as it is known, and an unknown cancel stays to be closed."""

    def silent(venue: Venue, request: CancelRequest) -> Any:
        venue.down = True
        return answer

    cid = at.send().client_order_id
    at.venue.on_cancel = [silent]
    told = at.gateway.cancel(cid, cycle=1, asked_by="x")
    assert told.order is not None
    assert told.order.status is OrderStatus.NEW
    wanted = CancelState.UNKNOWN if isinstance(answer, Unknown) else CancelState.REJECTED
    assert told.state is wanted
    assert [row.state for row in at.store.cancels.in_state(*CancelState)] == [wanted]


def test_an_unclear_cancel_is_closed_by_what_the_order_says(at: Desk) -> None:
    """The look is written with the order's status; the outcome stays unknown."""
    cid = at.send().client_order_id
    at.venue.on_cancel = [lambda venue, request: Unknown("HTTP 504")]
    told = at.gateway.cancel(cid, cycle=1, asked_by="x")
    assert (told.state, told.reason) == (CancelState.UNKNOWN, "HTTP 504")
    row = at.store.cancels.last_of(cid)
    assert row is not None
    assert (row.state, row.reason) == (CancelState.LOOKED, "the order is NEW")


def test_what_is_odd_about_a_cancels_reply_is_told(at: Desk) -> None:
    """A confirmation with less executed than is known is told to people; one of another order stops everything."""
    cid = at.send().client_order_id
    at.venue.fill(1001, "0.001")
    at.observe()

    def older(venue: Venue, request: CancelRequest) -> Cancelled:
        return Cancelled(replace(venue.orders[1001], executed=D(0), status=OrderStatus.CANCELED))

    at.venue.on_cancel = [older]
    at.gateway.cancel(cid, cycle=1, asked_by="x")
    told = [data for _, _, data in acts(at, "notice")]
    assert [(data["level"], data["order"]) for data in told] == [("warn", cid)]
    assert told[0]["text"].startswith(f"order {cid} executed fell from 0.001 to 0")
    assert at.store.halted() is None
    assert len(at.store.orders.open()) == 1
    at.venue.on_cancel = [lambda venue, request: Cancelled(replace(venue.orders[1001], order_id=7))]
    at.gateway.cancel(cid, cycle=2, asked_by="x")
    assert f"two orders bear the id {cid}" in (at.store.halted() or "")
