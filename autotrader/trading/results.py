"""What the journal says of the requests that runs wait for, in the engine's words.

A run that waits is answered from the journal alone: right after sending, after a restart, or hours later when an
unknown fate was settled. So there is one way in which an answer reaches a rule, and a crash between the venue's
reply and the rule's next state loses nothing: the next look finds the same row.
"""

from __future__ import annotations

from autotrader.engine.advance import Result
from autotrader.engine.requests import NeverArrived
from autotrader.language.requests import Dropped, Skipped
from autotrader.orders import Accepted, Cancelled, Mismatch, NotSent, OrderStatus, Rejected, Unknown
from autotrader.records.cancels import CancelState
from autotrader.records.intents import IntentState, JournalRow
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store


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


def _placed(store: Store, row: JournalRow) -> Result | None:
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


def _rejected(row: JournalRow) -> Rejected:
    code, _, reason = row.reason.partition(" ")
    number = int(code) if code.lstrip("-").isdigit() else 0
    fault = row.fault if row.fault in {"rule", "outside", "key"} else "rule"
    return Rejected(number, reason, fault)  # type: ignore[arg-type]  # one of the three literals
