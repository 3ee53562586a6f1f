"""The gateway: one POST per intent, ever; what each kind of answer means, and each point at which it may die."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.engine.halt import HaltLevel
from autotrader.errors import SafetyRefused
from autotrader.orders import (
    Accepted,
    Mismatch,
    NotSent,
    OrderRequest,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)
from autotrader.records.cancels import CancelState
from autotrader.records.crash import listening
from autotrader.records.intents import NEXT, Intent, IntentState
from autotrader.trading.gateway import Gateway, OrderOutcome, never_refuse
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS, Venue


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


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

    seen: list[Intent] = []

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


def test_quantities_keep_their_digits(at: Desk) -> None:
    """What is stored is what was asked, to the last digit."""
    cid = at.intend()
    row = at.store.intents.get(cid)
    assert row is not None
    assert (D("15000000"), D("0.002")) == (row.request.price, row.request.quantity)


def acts(at: Desk, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind=kind)]


def fate(at: Desk, cid: str) -> tuple[IntentState, str, str, int]:
    row = at.store.intents.get(cid)
    assert row is not None
    return row.state, row.reason, row.fault, row.moved_ms


# ------------------------------------------------------------------------------------------------------------ orders
@pytest.mark.parametrize(
    ("answer", "state", "reason", "fault"),
    [
        (Rejected(-2010, "no money"), IntentState.REJECTED, "-2010 no money", "rule"),
        (Rejected(-1021, "late", "outside"), IntentState.REJECTED, "-1021 late", "outside"),
        (NotSent("no route"), IntentState.NOT_SENT, "no route", "outside"),
        (Unknown("HTTP 504"), IntentState.UNKNOWN, "HTTP 504", ""),
        (Mismatch("another side"), IntentState.MISMATCH, "another side", ""),
    ],
)
def test_an_outcome_says_all_of_it(at: Desk, answer: Any, state: IntentState, reason: str, fault: str) -> None:
    """Whose order, what became of it, why and through whose fault; the row says the same, now and when asked again."""
    at.venue.on_submit = [lambda venue, request: answer]
    cid = at.intend()
    told = OrderOutcome(client_order_id=cid, rule="dip", state=state, reason=reason, fault=fault)
    assert at.gateway.submit(cid) == told
    assert fate(at, cid) == (state, reason, fault, START_MS)
    assert at.gateway.submit(cid) == told


def test_an_accepted_order_is_told_with_the_order(at: Desk) -> None:
    """The outcome holds the venue's order; the record says that the reply brought it."""
    outcome = at.send()
    order = at.venue.orders[1001]
    cid = outcome.client_order_id
    assert outcome == OrderOutcome(client_order_id=cid, rule="dip", state=IntentState.ACCEPTED, order=order)
    assert fate(at, cid) == (IntentState.ACCEPTED, "order 1001", "", START_MS)
    assert [(time, name, data["how"]) for time, name, data in acts(at, "order")] == [(START_MS, cid, "reply")]


def test_a_reply_with_another_name_is_no_acceptance(at: Desk) -> None:
    """A 200 that bears another client order id: nothing is booked, the row waits as a mismatch, everything stops."""

    def other(venue: Venue, request: OrderRequest) -> Accepted:
        return Accepted(replace(venue.place(request), client_order_id="somebody"))

    at.venue.on_submit = [other]
    cid = at.intend()
    assert at.gateway.submit(cid).state is IntentState.MISMATCH
    assert at.store.halted() == f"{cid}: the reply is about somebody"
    assert at.store.orders.get("somebody") is None
    assert [(time, name) for time, name, _ in acts(at, "setting")] == [(START_MS, "halt")]


def test_an_order_that_differs_is_booked_as_it_is_and_halts(at: Desk) -> None:
    """Our name with another quantity: the venue's order is what exists; the difference is the outcome's reason."""

    def other(venue: Venue, request: OrderRequest) -> Accepted:
        return Accepted(replace(venue.place(request), quantity=D("0.02")))

    at.venue.on_submit = [other]
    outcome = at.send()
    assert outcome.state is IntentState.ACCEPTED
    assert "quantity 0.02 instead of 0.002" in outcome.reason
    assert at.store.halted() == outcome.reason
    assert [(time, name) for time, name, _ in acts(at, "setting")] == [(START_MS, "halt")]


def test_a_refused_key_halts_with_code_and_reason(at: Desk) -> None:
    """Nothing can be traded with a key that the exchange refuses: everything stops, with its words."""
    at.venue.on_submit = [lambda venue, request: Rejected(-2015, "Invalid API-key.", "key")]
    assert at.send().fault == "key"
    assert at.store.halted() == "the exchange refuses the key: -2015 Invalid API-key."
    assert [(time, name) for time, name, _ in acts(at, "setting")] == [(START_MS, "halt")]


def test_what_broke_off_is_named_by_its_kind_alone(at: Desk) -> None:
    """The text of a stray exception may hold a secret: only its kind is kept."""

    def burst(venue: Venue, request: object) -> Any:
        raise OSError("secret-in-the-url")

    at.venue.on_submit = [burst]
    assert at.send(1).reason == "the request broke off: OSError"
    cid = at.send(2, side=Side.SELL).client_order_id
    at.venue.on_cancel = [burst]
    assert at.gateway.cancel(cid, cycle=1, asked_by="x").reason == "the request broke off: OSError"


def test_the_signers_refusal_is_the_reason(at: Desk) -> None:
    """Refused before any byte was made: the reason is the signer's own."""

    def refuse(venue: Venue, request: object) -> Any:
        raise SafetyRefused("no permission to trade")

    at.venue.on_submit = [refuse]
    assert at.send(1).reason == "no permission to trade"
    cid = at.send(2).client_order_id
    at.venue.on_cancel = [refuse]
    assert at.gateway.cancel(cid, cycle=1, asked_by="x").reason == "no permission to trade"


def test_the_deadline_itself_is_in_time(at: Desk) -> None:
    """At its last moment an order still leaves; a millisecond later it is dropped, which is nobody's fault."""
    first, second = at.intend(1), at.intend(2, side=Side.SELL)
    at.clock.ms += 30_000
    assert at.gateway.submit(first).state is IntentState.ACCEPTED
    at.clock.ms += 1
    late = at.gateway.submit(second)
    assert (late.state, late.reason) == (IntentState.DROPPED, "dropped as late: 1 ms after its deadline")
    assert late.fault == "outside"


def test_doubt_about_the_time_is_borne_up_to_half_a_second(at: Desk) -> None:
    """At 500 ms of doubt an order leaves, above it none, and the doubt is told."""
    at.clock.doubt_ms = 500
    assert at.send(1).state is IntentState.ACCEPTED
    at.clock.doubt_ms = 501
    assert "± 501 ms" in at.send(2).reason


def test_each_refusal_before_sending_has_its_words(at: Desk) -> None:
    """Halt, frozen side and the caller's check say why; a check that breaks says which and stops everything."""
    at.venue.on_submit = [lambda venue, request: Unknown("no reply")]
    at.send(1)
    assert at.send(2).reason == "an earlier buy order has an unknown fate"
    stale = Gateway(at.store, at.venue, at.clock, refuse=lambda _: "stale book")
    assert stale.submit(at.intend(3, side=Side.SELL)).reason == "stale book"

    def breaks(_: Intent) -> str:
        raise ZeroDivisionError("of a limit")

    broken = Gateway(at.store, at.venue, at.clock, refuse=breaks)
    reason = "a check before sending failed: ZeroDivisionError: of a limit"
    assert broken.submit(at.intend(4, side=Side.SELL)).reason == reason
    assert at.store.halted() == reason
    assert at.send(5, side=Side.SELL).reason == f"trading is halted: {reason}"
    assert never_refuse(None) is None  # type: ignore[arg-type]


def test_a_halt_of_buys_lets_sells_leave(at: Desk) -> None:
    """The weakest level stops what adds to a position, not what reduces it."""
    at.store.halt("too much", START_MS, HaltLevel.REDUCE_ONLY)
    assert at.send(1).reason == "nothing is bought: too much"
    assert at.send(2, side=Side.SELL).state is IntentState.ACCEPTED


def test_the_check_sees_the_intent_that_is_about_to_leave(at: Desk) -> None:
    """It is asked about this order, before "sent" is written and once more just before the bytes leave."""
    asked: list[tuple[str, str]] = []

    def check(intent: Intent) -> None:
        row = at.store.intents.get(intent.request.client_order_id)
        asked.append((intent.request.client_order_id, row.state if row else ""))

    cid = at.intend()
    Gateway(at.store, at.venue, at.clock, refuse=check).submit(cid)
    assert asked == [(cid, IntentState.INTENT), (cid, IntentState.SENT)]


def test_the_window_that_is_asked_for_is_the_one_that_is_written(at: Desk) -> None:
    """Another recvWindow moves the horizon with it; the POST bears the time that stands in the row."""
    sent: list[int] = []
    submit = at.venue.submit

    def noted(request: OrderRequest, sent_ms: int) -> Any:
        sent.append(sent_ms)
        return submit(request, sent_ms)

    at.venue.submit = noted  # type: ignore[method-assign]
    cid = at.intend()
    Gateway(at.store, at.venue, at.clock, recv_window_ms=9_000).submit(cid)
    row = at.store.intents.get(cid)
    assert row is not None
    assert (row.sent_ms, row.recv_window_ms, row.horizon_ms) == (START_MS, 9_000, START_MS + 9_000 + 71_000)
    assert sent == [START_MS]


def test_an_intent_that_is_not_there_is_named(at: Desk) -> None:
    """Asking to send what was never written is a mistake of the caller, with the name."""
    with pytest.raises(ValueError, match="there is no intent nobody"):
        at.gateway.submit("nobody")
    with at.store.transaction(), pytest.raises(RuntimeError, match="after its intent is committed, not inside"):
        at.gateway.submit("nobody")


def test_the_points_at_which_sending_may_die(at: Desk) -> None:
    """A crash can be put around every commit and on both sides of the POST and of the cancel, in this order."""
    passed: list[str] = []
    cid = at.intend()
    with listening(passed.append):
        at.gateway.submit(cid)
        at.gateway.cancel(cid, cycle=1, asked_by="x")
    own = [name for name in passed if name != "head_unwritten"]
    assert own == [
        "intent_committed", "sent_uncommitted", "sent_committed", "posted", "reply_uncommitted", "reply_committed",
        "cancel_committed", "cancel_posted", "cancel_reply_uncommitted", "cancel_reply_committed",
    ]  # fmt: skip
    passed.clear()
    at.venue.on_submit = [lambda venue, request: NotSent("no route")]
    with listening(passed.append):
        at.send(2)
    assert passed.count("reply_uncommitted") == 1
