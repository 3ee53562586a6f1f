"""Carrying out: cancels first, then sells, then buys, one after the other; and finding the answers in the journal.

Cancels come first because they free money and orders; sells before buys because they bring the quote in. Each order
is one call of the gateway, which sends it at most once, ever. Orders that are not this store's (`owner: anyone`) are
cancelled directly, with an act in the chain: they have no journal row of ours.

A run that waits is answered from the journal alone: right after sending, after a restart, or hours later when an
unknown fate was settled. So there is one way in which an answer reaches a rule, and a crash between the venue's reply
and the rule's next state loses nothing: the next look finds the same row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autotrader.engine.advance import Result
from autotrader.engine.requests import NeverArrived
from autotrader.engine.state import Run
from autotrader.errors import AutotraderError
from autotrader.language.requests import CancelOrder, Dropped, PlaceRequest, Skipped
from autotrader.orders import (
    Accepted,
    Cancelled,
    DecisionKey,
    Mismatch,
    NotSent,
    OrderStatus,
    Rejected,
    Side,
    Unknown,
    client_order_id,
    is_ours,
)
from autotrader.ports import Broker, Clock
from autotrader.records.cancels import CancelState
from autotrader.records.intents import Intent, IntentState
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store
from autotrader.trading.gateway import Gateway


class Carrier:
    """Sends what was approved, and answers runs from the journal."""

    def __init__(self, store: Store, gateway: Gateway, broker: Broker, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._broker = broker
        self._clock = clock
        self._foreign: dict[str, Result] = {}  # this turn's answers about orders without a row of ours

    def carry_out(self, number: int, places: Iterable[PlaceRequest], cancels: Iterable[CancelOrder]) -> None:
        """Cancels, sells, buys. Raises RecordsBroken where a row could not be written; then nothing more is sent."""
        self._foreign.clear()
        for cancel in cancels:
            self._cancel(number, cancel)
        for request in sorted(places, key=lambda request: request.order.side is Side.BUY):
            self._gateway.submit(request.id)

    def _cancel(self, number: int, cancel: CancelOrder) -> None:
        if is_ours(cancel.request.client_order_id, self._store.id):
            asked_by = "timer" if cancel.run is None else cancel.run[0]
            self._gateway.cancel(cancel.id, cycle=number, asked_by=asked_by, because=cancel.reason)
            return
        with self._store.transaction() as store:
            body = {"symbol": cancel.request.symbol, "order": cancel.request.order_id, "because": cancel.reason}
            store.chain.append(self._clock.now_ms(), "cancel-foreign", cancel.id, body)
        self._foreign[cancel.id] = self._cancel_foreign(cancel)

    def _cancel_foreign(self, cancel: CancelOrder) -> Result:
        """What is unclear gives the firing back: the rule looks at the venue's list again and decides anew."""
        try:
            result = self._broker.cancel(cancel.request)
        except AutotraderError as error:
            return NotSent(error.message)
        if isinstance(result, Unknown):
            return NotSent(result.reason)
        return replace(result, fault="outside") if isinstance(result, Rejected) else result

    def answer(self, run: Run, request_id: str) -> Result | None:
        """What became of a request that a run waits for; None where nobody knows yet."""
        key = DecisionKey(
            store_id=self._store.id,
            rule=run.rule,
            symbol=run.symbol,
            order_id=run.order,
            slot_ms=run.slot_ms,
            step=run.step,
        )
        if request_id == client_order_id(key):
            return result_of(self._store, request_id) or NotSent("it was never written to the journal")
        if is_ours(request_id, self._store.id):
            return cancelled(self._store, request_id)
        return self._foreign.get(request_id, NotSent("the program ended before the cancellation was confirmed"))


# ------------------------------------------------------------------------------- what the journal says of a request
def result_of(store: Store, request_id: str) -> Result | None:
    """The answer to one request of a waiting run; None where there is none yet.

    A cancel is named by the order it is for, an order by its client order id: the journal tells them apart, because
    an order that was accepted before is only waited for again when it is to be cancelled.
    """
    row = store.intents.get(request_id)
    if row is None:
        return None
    return _placed(store, row)


def cancelled(store: Store, client_order_id: str) -> Result | None:
    """The answer to a cancel: the order's end, read from the order and never assumed.

    An order that filled before the cancel came was not cancelled: the list ends there, so that what was to follow the
    cancellation (a new order, a message) does not follow a purchase.
    """
    row = store.orders.get(client_order_id)
    if row is None:
        return NotSent("the order is not known")
    if row.order.status is OrderStatus.FILLED:
        return Skipped("the order filled before it could be cancelled")
    if not row.order.is_open:
        return Cancelled(row.order)
    return _failed_cancel(store, row)


def _failed_cancel(store: Store, row: OrderRow) -> Result | None:
    """The order stands. Whatever kept the cancel from working is no fault of the rule: its firing is given back.

    Asked before a cycle decides and after it has carried out, never between; so a cancel without a row, or whose row
    has an end, is one that a crash kept from leaving, or that failed.
    """
    last = store.cancels.last_of(row.client_order_id)
    if last is None:
        return NotSent("the program ended before the cancellation was sent")
    if last.state in {CancelState.SENT, CancelState.UNKNOWN, CancelState.CONFIRMED}:
        return None
    if last.state is CancelState.REJECTED:
        return Rejected(-2011, last.reason, "outside")
    return NotSent(
        last.reason if last.state is CancelState.NOT_SENT else f"the cancellation did not work: {last.reason}"
    )


def _placed(store: Store, row: Intent) -> Result | None:
    match row.state:
        case IntentState.INTENT | IntentState.SENT:
            return None
        case IntentState.ACCEPTED | IntentState.ADOPTED:
            known = store.orders.get(row.client_order_id)
            return None if known is None else Accepted(known.order)
        case IntentState.REJECTED:
            return _rejected(row)
        case IntentState.NOT_SENT:
            return NotSent(row.reason)
        case IntentState.DROPPED:
            return Dropped(row.reason)
        case IntentState.DEAD:
            return NeverArrived(row.reason)
        case IntentState.MISMATCH:
            return Mismatch(row.reason)
        case IntentState.UNKNOWN:
            return Unknown(row.reason)


def _rejected(row: Intent) -> Rejected:
    code, _, reason = row.reason.partition(" ")
    number = int(code) if code.lstrip("-").isdigit() else 0
    fault = row.fault if row.fault in {"rule", "outside", "key"} else "rule"
    return Rejected(number, reason, fault)  # type: ignore[arg-type]  # one of the three literals
