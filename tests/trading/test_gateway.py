"""The gateway: one POST per intent, ever, and what each kind of answer means."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.errors import SafetyRefused
from autotrader.orders import (
    Accepted,
    CancelRequest,
    Mismatch,
    NotSent,
    OrderRequest,
    OrderStatus,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)
from autotrader.records.cancels import CancelState
from autotrader.records.intents import NEXT, IntentState, JournalRow
from autotrader.trading.gateway import Gateway
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


def test_accepted_order_is_known(at: Desk) -> None:
    """An accepted order has a row of its own and no unknown fate."""
    outcome = at.send(cancel_after_ms=60_000)
    row = at.store.orders.get(outcome.client_order_id)
    assert row is not None
    assert (outcome.state, row.order.order_id) == (IntentState.ACCEPTED, 1001)
    assert row.cancel_at_ms == at.clock.ms + 60_000
    assert at.gateway.frozen() == frozenset()


def test_row_is_committed_before_the_post(at: Desk) -> None:
    """When the POST leaves, another process can already read that it was sent, and until when it may live."""
    from autotrader.records.store import Store

    seen: list[JournalRow] = []

    def look() -> None:
        with Store.read(at.folder) as other:
            seen.extend(other.intents.unresolved())

    at.venue.before_post = look
    at.send()
    assert [row.state for row in seen] == [IntentState.SENT]
    assert seen[0].horizon_ms == at.clock.ms + 5_000 + 1_000 + 10_000 + 60_000


def test_second_submit_sends_nothing(at: Desk) -> None:
    """Submitting the same intent again tells the first outcome and makes no request."""
    first = at.send()
    again = at.gateway.submit(first.client_order_id)
    assert (len(at.venue.posts), again.state) == (1, IntentState.ACCEPTED)


def test_same_decision_cannot_be_made_twice(at: Desk) -> None:
    """The same rule, symbol, slot and step make one intent, ever."""
    at.send(slot=7)
    with pytest.raises(SafetyRefused, match="made before"):
        at.intend(slot=7)


def test_nothing_is_sent_inside_a_transaction(at: Desk) -> None:
    """An intent that is not on disk yet cannot be sent."""
    cid = at.intend()
    with at.store.transaction(), pytest.raises(RuntimeError, match="committed"):
        at.gateway.submit(cid)
    assert at.venue.posts == []


def test_unknown_freezes_rule_symbol_and_side(at: Desk) -> None:
    """While one fate is unknown the same rule, symbol and side place nothing; the other side may."""
    at.venue.on_submit = [lost_request]
    first = at.send(1)
    second = at.send(2)
    third = at.send(3, side=Side.SELL)
    assert IntentState.UNKNOWN is first.state
    assert (second.state, second.fault) == (IntentState.DROPPED, "outside")
    assert IntentState.ACCEPTED is third.state
    assert at.gateway.frozen() == {("dip", "BTCJPY", Side.BUY)}
    assert "unknown" in {order.state for order in at.store.own_record(at.clock.ms).orders}


def test_an_exception_of_the_broker_is_unknown(at: Desk) -> None:
    """A request that broke off in any way may have arrived."""

    def burst(venue: Venue, request: OrderRequest) -> SubmitResult:
        venue.place(request)
        raise OSError("connection reset")

    at.venue.on_submit = [burst]
    assert IntentState.UNKNOWN is at.send().state


@pytest.mark.parametrize(
    ("answer", "state", "fault", "halted"),
    [
        (Rejected(-2010, "insufficient balance"), IntentState.REJECTED, "rule", False),
        (Rejected(-1021, "outside of the recvWindow", "outside"), IntentState.REJECTED, "outside", False),
        (Rejected(-2015, "Invalid API-key", "key"), IntentState.REJECTED, "key", True),
        (NotSent("connection refused"), IntentState.NOT_SENT, "outside", False),
        (Mismatch("another side"), IntentState.MISMATCH, "", True),
    ],
)
def test_each_answer_has_its_fate(at: Desk, answer: SubmitResult, state: IntentState, fault: str, halted: bool) -> None:
    """Rejected, not sent and mismatched orders end as such; a key or another order's reply stops everything."""
    at.venue.on_submit = [lambda venue, request: answer]
    outcome = at.send()
    assert (state, fault) == (outcome.state, outcome.fault)
    assert halted is (at.store.halted() is not None)
    assert (row := at.store.intents.get(outcome.client_order_id)) is not None
    assert (row.fault, row.given_back) == (fault, False)


def test_reply_about_another_order_halts(at: Desk) -> None:
    """A 200 with another side than ours stops everything, and the order counts as live."""

    def turned(venue: Venue, request: OrderRequest) -> SubmitResult:
        from dataclasses import replace

        return Accepted(replace(venue.place(request), side=Side.SELL))

    at.venue.on_submit = [turned]
    at.send()
    assert "SELL instead of BUY" in (at.store.halted() or "")
    assert len(at.store.own_record(at.clock.ms).orders) == 1


@pytest.mark.parametrize("reason", ["halt", "late", "clock", "check", "broken check"])
def test_nothing_leaves_when_a_check_says_no(at: Desk, reason: str) -> None:
    """Halt, deadline, clock and the caller's check are asked before the POST, and a check that raises halts."""
    cid = at.intend()

    def check(_: object) -> str | None:
        if reason == "broken check":
            raise ZeroDivisionError
        return "stale book" if reason == "check" else None

    if reason == "halt":
        at.store.halt("by hand", at.clock.ms)
    if reason == "late":
        at.clock.ms += 30_001
    if reason == "clock":
        at.clock.doubt_ms = 501
    outcome = Gateway(at.store, at.venue, at.clock, refuse=check).submit(cid)
    assert (outcome.state, outcome.fault, at.venue.posts) == (IntentState.DROPPED, "outside", [])
    assert (at.store.halted() is not None) is (reason in {"halt", "broken check"})


def test_halt_between_commit_and_post_stops_it(at: Desk) -> None:
    """A halt that comes while "sent" is being written still stops the order."""
    cid = at.intend()
    answers = iter([None, "halted in between"])
    outcome = Gateway(at.store, at.venue, at.clock, refuse=lambda _: next(answers)).submit(cid)
    assert (outcome.state, at.venue.posts) == (IntentState.NOT_SENT, [])


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


def test_table_of_moves_is_closed() -> None:
    """Every state has its row, and no move leads back to a state before sending."""
    assert set(NEXT) == set(IntentState)
    reached = {to for moves in NEXT.values() for to in moves}
    assert IntentState.INTENT not in reached
    assert NEXT[IntentState.ACCEPTED] == frozenset()
    assert all(IntentState.SENT not in moves for state, moves in NEXT.items() if state is not IntentState.INTENT)


@pytest.mark.parametrize("start", [IntentState.DROPPED, IntentState.SENT, IntentState.UNKNOWN, IntentState.DEAD])
@pytest.mark.parametrize("to", IntentState)
def test_a_fate_is_never_taken_back(at: Desk, start: IntentState, to: IntentState) -> None:
    """The store itself refuses every move that the table does not have."""
    paths = {
        IntentState.DROPPED: [IntentState.DROPPED],
        IntentState.SENT: [IntentState.SENT],
        IntentState.UNKNOWN: [IntentState.SENT, IntentState.UNKNOWN],
        IntentState.DEAD: [IntentState.SENT, IntentState.UNKNOWN, IntentState.DEAD],
    }
    cid = at.intend()
    with at.store.transaction() as store:
        for state in paths[start]:
            store.intents.move(cid, state, 1)
    if to in NEXT[start]:
        with at.store.transaction() as store:
            store.intents.move(cid, to, 2)
    else:
        with at.store.transaction() as store, pytest.raises(ValueError, match="cannot move"):
            store.intents.move(cid, to, 2)


def test_refused_by_the_signer_is_not_sent(at: Desk) -> None:
    """Where the signer itself refuses, no byte was made: not sent, not unknown; the same for a cancel."""

    def refuse(venue: Venue, request: object) -> NotSent:
        raise SafetyRefused("not live")

    at.venue.on_submit = [refuse]
    assert at.send(1).state is IntentState.NOT_SENT
    cid = at.send(2).client_order_id
    at.venue.on_cancel = [refuse]
    assert at.gateway.cancel(cid, cycle=1, asked_by="timer").state is CancelState.NOT_SENT


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


def test_quantities_keep_their_digits(at: Desk) -> None:
    """What is stored is what was asked, to the last digit."""
    cid = at.intend()
    row = at.store.intents.get(cid)
    assert row is not None
    assert (D("15000000"), D("0.002")) == (row.intent.request.price, row.intent.request.quantity)
