"""The store's own record as the engine reads it: unsettled orders, fills, refusals, failed requests.

An intent whose fate is unknown, and one that is written but not yet sent, count as live: their whole quantity may
still trade. An order that the venue has ended but whose trades are not all booked is listed as "done", so that limits
can count what it executed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from autotrader.market.account import OwnOrder, OwnRecord
from autotrader.money import ZERO
from autotrader.records.cancels import Cancels
from autotrader.records.intents import Intent, Intents, IntentState
from autotrader.records.orders import OrderRow, Orders
from autotrader.records.values import Errors, KeptSettings
from autotrader.structs import dataclass

DAY_MS = 86_400_000
_FILLS_DAYS = 32

_REFUSED = frozenset({IntentState.REJECTED, IntentState.UNKNOWN, IntentState.MISMATCH, IntentState.DEAD})
_TAKEN = frozenset({IntentState.ACCEPTED, IntentState.ADOPTED})
_FAILED_REQUEST = _REFUSED | {IntentState.NOT_SENT}


@dataclass(frozen=True, slots=True)
class DayRecord:
    """What was read for the day before `now_ms`. Until the next write time only lets the oldest moments fall out."""

    now_ms: int
    orders: tuple[OwnOrder, ...]
    errors_ms: tuple[int, ...]
    placed_ms: tuple[int, ...]
    refusals: int
    fills: int  # the newest row of the fills: a day is of the past as soon as there is another


def own_record(day: DayRecord, now_ms: int, zone: tzinfo, orders: Orders) -> OwnRecord:
    """All of it at one moment, not before `day` was read. `zone` is the account's: fills reach back to its current
    month's start at least.
    """
    day_ago = now_ms - DAY_MS
    return OwnRecord(
        orders=day.orders,
        fills=orders.fills_since(_fills_from(now_ms, zone)),
        errors_ms=tuple(moment for moment in day.errors_ms if moment >= day_ago),
        placed_ms=tuple(moment for moment in day.placed_ms if moment >= day_ago),
        refusals_in_a_row=day.refusals,
    )


def read_day(
    now_ms: int, *, intents: Intents, orders: Orders, cancels: Cancels, errors: Errors, refusals: int
) -> DayRecord:
    """Read what changes with writes only, and what happened in the day before now. `refusals` are those in a row."""
    day_ago = now_ms - DAY_MS
    sent = intents.times_sent(day_ago)
    intended = intents.in_state(IntentState.INTENT)
    waiting = (*intended, *intents.unresolved())
    failed = [sent_ms for sent_ms, state in sent if state in _FAILED_REQUEST]
    failed += [row.sent_ms for row in cancels.failed_since(day_ago)]
    return DayRecord(
        now_ms=now_ms,
        orders=tuple(map(_of_intent, waiting)) + tuple(map(_of_order, orders.unsettled())),
        errors_ms=tuple(sorted([*failed, *errors.since(day_ago)])),
        placed_ms=(
            *(sent_ms for sent_ms, state in sent if state is not IntentState.NOT_SENT),
            *(row.created_ms for row in intended),
        ),
        refusals=refusals,
        fills=orders.newest_fill(),
    )


def _fills_from(now_ms: int, zone: tzinfo) -> int:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    month = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(min(month, now - timedelta(days=_FILLS_DAYS)).timestamp() * 1000)


def refusals(intents: Intents, settings: KeptSettings) -> int:
    """Refused or unknown ones since the last that was taken, and since the last resume."""
    since_ms = int(settings.get("refusals_since_ms", 0))
    later = intents.times_sent(max(since_ms, intents.last_sent(_TAKEN)))
    return sum(state in _REFUSED for _, state in later)


def _of_intent(row: Intent) -> OwnOrder:
    request = row.request
    return OwnOrder(
        client_order_id=row.client_order_id,
        order_id=None,
        rule=row.key.rule,
        symbol=request.symbol,
        side=request.side,
        price=request.price,
        quantity=request.quantity,
        executed=ZERO,
        quote_executed=ZERO,
        placed_ms=row.sent_ms if row.sent_ms is not None else row.created_ms,
        cancel_at_ms=row.cancel_at_ms,
        tag=row.tag,
        labels=row.labels,
        state="intended" if row.state is IntentState.INTENT else "unknown",
    )


def _of_order(row: OrderRow) -> OwnOrder:
    order = row.order
    return OwnOrder(
        client_order_id=row.client_order_id,
        order_id=order.order_id,
        rule=row.rule,
        symbol=order.symbol,
        side=order.side,
        price=order.price,
        quantity=order.quantity,
        executed=order.executed,
        quote_executed=order.quote_executed if order.quote_executed is not None else ZERO,
        placed_ms=row.placed_ms,
        cancel_at_ms=None if row.is_left_alone else row.cancel_at_ms,
        tag=row.tag,
        labels=row.labels,
        state="open" if order.is_open else "done",
        unbooked=max(row.unbooked, ZERO),
        created_ms=order.created_ms,
    )
