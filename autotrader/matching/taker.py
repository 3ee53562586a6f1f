"""What an order that takes liquidity gets: a walk along given levels, best first.

Strategy: a plain loop; the levels may be a lazy iterator, only as many are
drawn as are needed. Trades happen at the level's price (the maker's price).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from autotrader.matching.levels import ZERO, Level, Side, crosses, floor_to


def walk(
    levels: Iterable[tuple[Decimal, Decimal]],
    side: Side,
    quantity: Decimal,
    limit: Decimal | None = None,
) -> tuple[Level, ...]:
    """Fills of an order of ``side`` over ``levels`` (the other side's, best first).

    ``quantity`` is in the base asset; ``limit`` is the worst price accepted
    (None for a market order). The fills never exceed the quantity nor any
    level; their sum is smaller than the quantity when the levels or the limit
    end first.
    """
    fills: list[Level] = []
    left = quantity
    for price, available in levels:
        if left <= 0 or not crosses(side, limit, price):
            break
        take = min(left, available)
        if take > 0:
            fills.append(Level(price, take))
            left -= take
    return tuple(fills)


def walk_value(levels: Iterable[tuple[Decimal, Decimal]], value: Decimal, step: Decimal) -> tuple[Level, ...]:
    """Fills whose notional comes as close to ``value`` (quote asset) as ``step`` allows, never above.

    Each level is taken whole while the value lasts; the last one is rounded
    down to the grid of ``step`` (0: no grid).
    """
    fills: list[Level] = []
    left = value
    for price, available in levels:
        # down to the grid at each level: rounding once at the end could spend too much
        take = min(available, floor_to(left / price, step))
        while take * price > left:  # the division may have rounded up in its last digit
            take -= step or take * Decimal("1e-20")
        if take > 0:
            fills.append(Level(price, take))
            left -= take * price
        if take < available:  # the value is used up inside this level; what is left buys no further step
            break
    return tuple(fills)


def filled(fills: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """The quantity (base asset) of ``fills`` in all."""
    return sum((quantity for _, quantity in fills), ZERO)


def notional(fills: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """Price times quantity (quote asset) of ``fills`` in all."""
    return sum((price * quantity for price, quantity in fills), ZERO)
