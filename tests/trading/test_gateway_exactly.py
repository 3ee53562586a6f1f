"""The gateway to the letter: whole outcomes, the reasons that people read, each bound and each point of a crash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.engine.halt import HaltLevel
from autotrader.errors import SafetyRefused
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    Mismatch,
    NotSent,
    OrderRequest,
    OrderStatus,
    Rejected,
    Side,
    Unknown,
)
from autotrader.records.cancels import CancelRow, CancelState
from autotrader.records.crash import listening
from autotrader.records.intents import Intent, IntentState
from autotrader.trading.gateway import CancelOutcome, Gateway, Outcome, never_refuse
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS, Venue


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


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
    told = Outcome(client_order_id=cid, rule="dip", state=state, reason=reason, fault=fault)
    assert at.gateway.submit(cid) == told
    assert fate(at, cid) == (state, reason, fault, START_MS)
    assert at.gateway.submit(cid) == told


def test_an_accepted_order_is_told_with_the_order(at: Desk) -> None:
    """The outcome holds the venue's order; the record says that the reply brought it."""
    outcome = at.send()
    order = at.venue.orders[1001]
    cid = outcome.client_order_id
    assert outcome == Outcome(client_order_id=cid, rule="dip", state=IntentState.ACCEPTED, order=order)
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
    assert at.send(2).reason == "an earlier order of this rule, symbol and side has an unknown fate"
    stale = Gateway(at.store, at.venue, at.clock, refuse=lambda _: "stale book")
    assert stale.submit(at.intend(3, side=Side.SELL)).reason == "stale book"

    def breaks(_: Intent) -> str:
        raise ZeroDivisionError("of a limit")

    broken = Gateway(at.store, at.venue, at.clock, refuse=breaks)
    reason = "a check before sending failed: ZeroDivisionError: of a limit"
    assert broken.submit(at.intend(4, side=Side.SELL)).reason == reason
    assert at.store.halted() == reason
    assert at.send(5, side=Side.SELL).reason == f"halted: {reason}"
    assert never_refuse(None) is None  # type: ignore[arg-type]


def test_a_halt_of_buys_lets_sells_leave(at: Desk) -> None:
    """The weakest level stops what adds to a position, not what reduces it."""
    at.store.halt("too much", START_MS, HaltLevel.REDUCE_ONLY)
    assert at.send(1).reason == "halted: too much"
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
