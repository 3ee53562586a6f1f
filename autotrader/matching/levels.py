"""The price level and the few comparisons that all matching is made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

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
