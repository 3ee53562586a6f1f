"""The fate of resting orders that are not at any venue, from the market's own trades.

Strategy: a paper order has no place in the real queue, so it gets nothing at
its own price. It fills only when the market trades *through* that price, since
then everything at the price must have been taken; and of each such trade at
most the traded quantity, shared among the own orders by price-time priority.
That is on the cautious side of what a real order would have got.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

# -------------------------------------------------------------------------------------------------------------- levels
# The price level and the few comparisons that all matching is made of.

Side = Literal["BUY", "SELL"]

ZERO = Decimal(0)


class Level(NamedTuple):
    """A price and the quantity (base asset) that can be traded at it."""

    price: Decimal
    quantity: Decimal


def opposite(side: Side) -> Side:
    """The side an order of ``side`` trades against."""
    return "SELL" if side == "BUY" else "BUY"


def crosses(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Whether an order of ``side`` with ``limit`` (None: any price) may trade at ``price``."""
    if limit is None:
        return True
    return price <= limit if side == "BUY" else price >= limit


def better(side: Side, price: Decimal, than: Decimal) -> bool:
    """Whether a resting order of ``side`` at ``price`` comes before one at ``than``."""
    return price > than if side == "BUY" else price < than


def floor_to(quantity: Decimal, step: Decimal) -> Decimal:
    """``quantity`` rounded down to the grid of ``step``; a step of 0 changes nothing."""
    # a step of 0 is switched off, and must not be divided by
    return quantity if not step else quantity - quantity % step


# ------------------------------------------------------------------------------------------------------------- resting
class RestingOrder(NamedTuple):
    """An own order that waits.

    ``since`` is when it began to wait, in the unit of the trades' times; of two
    orders at the same price the one given first has priority.
    """

    order_id: str
    side: Side
    price: Decimal
    remaining: Decimal
    since: int = 0


class MarketTrade(NamedTuple):
    """A trade of the market: price, quantity (base asset), time."""

    price: Decimal
    quantity: Decimal
    time: int


class RestingFill(NamedTuple):
    """A fill of an own order, at that order's price, at the trade's time."""

    order_id: str
    price: Decimal
    quantity: Decimal
    time: int


def fills_through(
    orders: Sequence[RestingOrder],
    trades: Iterable[MarketTrade],
    step: Decimal = ZERO,
) -> tuple[RestingFill, ...]:
    """The fills that ``trades`` (in time order) give to ``orders``.

    A buy fills on trades strictly below its price, a sell strictly above, and
    only on trades later than its ``since``. Each fill is rounded down to the
    grid of ``step`` (0: no grid), except one that completes an order.
    """
    queue = sorted(orders, key=_priority)
    left = {order.order_id: order.remaining for order in queue}
    fills: list[RestingFill] = []
    for trade in trades:
        volume = trade.quantity
        for order in queue:
            if volume <= 0:
                break
            open_quantity = left[order.order_id]
            if open_quantity <= 0 or not _through(order, trade):
                continue
            # the last fill may be off the grid, since the order itself was on it
            share = open_quantity if open_quantity <= volume else floor_to(volume, step)
            if share > 0:
                left[order.order_id] -= share
                volume -= share
                fills.append(RestingFill(order.order_id, order.price, share, trade.time))
    return tuple(fills)


def _through(order: RestingOrder, trade: MarketTrade) -> bool:
    if trade.time <= order.since:  # a trade of the same millisecond may have been before the order
        return False
    # strictly through: at the price itself a real queue would have been served first
    return trade.price < order.price if order.side == "BUY" else trade.price > order.price


def _priority(order: RestingOrder) -> tuple[str, Decimal]:
    """Best price first within a side; ``sorted`` keeps the given order at equal prices."""
    return (order.side, -order.price if order.side == "BUY" else order.price)
