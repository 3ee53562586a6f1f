"""Which open orders a rule means by `side`, `owner`, `tag` and `label`, and small facts about one order.

Orders of this store come from its own record (it knows their rule, tag and labels); only `owner: anyone` looks at what
the venue lists, where a foreign order has neither. Orders of unknown fate are left to be resolved first, and one that
start-up could not explain is no rule's business until a person has said `adopt`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from autotrader.language.plan import CompiledRule, OrderFilter
from autotrader.language.tree import Kind, Term, Unit
from autotrader.language.vocabulary import value_of
from autotrader.language.vocabulary.limits import ACCOUNT_MS, stale
from autotrader.market.account import OwnOrder
from autotrader.market.sources import Missing, Sources
from autotrader.orders import CancelRequest, Order

AnyOrder: TypeAlias = Order | OwnOrder


def open_orders(sources: Sources, rule: CompiledRule, wanted: OrderFilter) -> tuple[AnyOrder, ...] | Missing:
    """The open orders that match, oldest first; missing where the venue's list is needed and not known."""
    own = tuple(order for order in sources.record.orders if order.symbol == rule.symbol)
    found: list[AnyOrder] = [
        order for order in own if order.state == "open" and not order.is_left_alone and _owned(order, rule, wanted)
    ]
    if wanted.owner == "anyone":
        listed = listed_orders(sources, rule.symbol)
        if isinstance(listed, Missing):
            return listed
        known = {order.client_order_id for order in own}
        foreign = wanted.tag is None and wanted.label is None
        found += [order for order in listed if foreign and order.client_order_id not in known and order.is_open]
    chosen = [order for order in found if wanted.side in (None, order.side)]
    return tuple(sorted(chosen, key=lambda order: (placed_ms(order), order_key(order))))


def unclear_order(sources: Sources, rule: CompiledRule, wanted: OrderFilter) -> str:
    """The client order id of an own order that would match, if it is at the venue; "" where there is none."""
    own = (order for order in sources.record.orders if order.symbol == rule.symbol)
    found = (order for order in own if order.state not in {"open", "done"} and _owned(order, rule, wanted))
    return next((order.client_order_id for order in found if wanted.side in (None, order.side)), "")


def listed_orders(sources: Sources, symbol: str) -> tuple[Order, ...] | Missing:
    """All open orders of a symbol as the venue lists them, if the list may be used."""
    account = sources.account
    listed, asked_ms = account.open_orders.get(symbol), account.orders_asked_ms.get(symbol)
    if listed is None or asked_ms is None:
        return Missing(account.missing.get(symbol, "not fetched"))
    return stale("open orders", asked_ms, ACCOUNT_MS, sources.now_ms) or listed


def _owned(order: OwnOrder, rule: CompiledRule, wanted: OrderFilter) -> bool:
    if wanted.owner == "this_rule" and order.rule != rule.id:
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
