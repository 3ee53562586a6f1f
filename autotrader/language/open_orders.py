"""Which open orders a rule means by `side`, `owner`, `tag` and `label`, and small facts about orders and their symbol.

Orders of this store come from its own record (it knows their rule, tag and labels); only `owner: anyone` looks at what
the venue lists, where a foreign order has neither. Orders of unknown fate are left to be resolved first, and one that
start-up could not explain is no rule's business until a person has said `adopt`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Literal, TypeAlias

from autotrader.language.tree import Kind, Term, Unit
from autotrader.language.vocabulary import value_of
from autotrader.language.vocabulary.limits import ACCOUNT_MS, abnormal, stale
from autotrader.market.account import OwnOrder, OwnRecord
from autotrader.market.sources import Missing, Sources
from autotrader.orders import CancelRequest, Order, Side
from autotrader.structs import dataclass

AnyOrder: TypeAlias = Order | OwnOrder
OwnerName = Literal["this_rule", "autotrader", "anyone"]
SideName = Literal["buy", "sell"]


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """`for_each_order`, and what `cancel_orders` takes: None stands for any."""

    side: Side | None
    owner: OwnerName
    tag: str | None = None
    label: str | None = None


def open_orders(sources: Sources, rule: str, symbol: str, wanted: OrderFilter) -> tuple[AnyOrder, ...] | Missing:
    """The open orders that a rule means, oldest first; missing where the venue's list is needed and not known."""
    own = tuple(order for order in sources.record.orders if order.symbol == symbol)
    found: list[AnyOrder] = [
        order for order in own if order.state == "open" and not order.is_left_alone and _owned(order, rule, wanted)
    ]
    if wanted.owner == "anyone":
        listed = listed_orders(sources, symbol)
        if isinstance(listed, Missing):
            return listed
        known = {order.client_order_id for order in own}
        foreign = wanted.tag is None and wanted.label is None
        found += [order for order in listed if foreign and order.client_order_id not in known and order.is_open]
    chosen = [order for order in found if wanted.side in (None, order.side)]
    return tuple(sorted(chosen, key=lambda order: (placed_ms(order), order_key(order))))


def unclear_order(sources: Sources, rule: str, symbol: str, wanted: OrderFilter) -> str:
    """The client order id of an own order that would match, if it is at the venue; "" where there is none."""
    own = (order for order in sources.record.orders if order.symbol == symbol)
    found = (order for order in own if order.state not in {"open", "done"} and _owned(order, rule, wanted))
    return next((order.client_order_id for order in found if wanted.side in (None, order.side)), "")


def listed_orders(sources: Sources, symbol: str) -> tuple[Order, ...] | Missing:
    """All open orders of a symbol as the venue lists them, if the list may be used."""
    account = sources.account
    listed, asked_ms = account.open_orders.get(symbol), account.orders_asked_ms.get(symbol)
    if listed is None or asked_ms is None:
        return Missing(account.missing.get(symbol, "not fetched"))
    return stale("open orders", asked_ms, ACCOUNT_MS, sources.now_ms) or listed


def _owned(order: OwnOrder, rule: str, wanted: OrderFilter) -> bool:
    if wanted.owner == "this_rule" and order.rule != rule:
        return False
    return wanted.tag in (None, order.tag) and (wanted.label is None or wanted.label in order.labels)


def order_key(order: AnyOrder) -> str:
    """What names an order in states and decisions: its client order id, else the venue's id."""
    return order.client_order_id or str(order.order_id)


def placed_ms(order: AnyOrder) -> int:
    """When an order was placed."""
    return order.placed_ms if isinstance(order, OwnOrder) else order.created_ms


def cancel_request(order: AnyOrder) -> CancelRequest:
    """The request that cancels an order."""
    return CancelRequest(symbol=order.symbol, client_order_id=order.client_order_id, order_id=order.order_id)


def distance(order: AnyOrder, sources: Sources) -> Decimal | Missing:
    """How far an order is from its side's best price, in percent."""
    term = Term("order.distance", order.symbol, Unit(Kind.PERCENT))
    found = value_of(term, replace(sources, order=order))
    return found if isinstance(found, Decimal | Missing) else Missing("order.distance is not a number")


def closed(sources: Sources, symbol: str) -> str:
    """Why a symbol takes no orders now, or "": its market is closed, or what an order must not run into cannot be seen,
    all through no fault of a rule. A list of open orders that nobody asked for is not missed.
    """
    instrument = sources.instruments.get(symbol)
    if instrument is None or not instrument.has_filters:
        return f"the filters of {symbol} are not known"
    if instrument.status != "TRADING":
        return f"{symbol} is not trading: {instrument.status}"
    shut = abnormal(sources)
    if shut is not None:
        return shut.reason
    account = sources.account
    listed = listed_orders(sources, symbol) if symbol in {*account.open_orders, *account.missing} else ()
    return f"open orders: {listed.reason}" if isinstance(listed, Missing) else ""


def has_unknown_fate(record: OwnRecord, rule: str, symbol: str, side: Side) -> bool:
    """Whether an order of this rule, symbol and side may or may not be at the venue (docs/order-safety.md P1)."""
    return any(
        order.state == "unknown" and (order.rule, order.symbol, order.side) == (rule, symbol, side)
        for order in record.orders
    )
