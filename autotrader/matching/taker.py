"""What an order that takes liquidity gets: a walk along given levels, best first.

Strategy: a plain loop; the levels may be a lazy iterator, only as many are
drawn as are needed. Trades happen at the level's price (the maker's price).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from autotrader.matching.resting import ZERO, Level, Side, crosses, floor_to


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


# ---------------------------------------------------------------------------------------------------------- prevention
# Own orders that wait, the terms they came with, and what is done in place of a self-trade.
#
# Modes (the venue's documents on self-trade prevention): EXPIRE_TAKER ends the incoming order, EXPIRE_MAKER the
# resting one, EXPIRE_BOTH both; DECREMENT takes the smaller quantity off both, which ends the smaller; TRANSFER is
# DECREMENT (whoever keeps accounts moves the goods) and needs the mode on both orders. The mode of the incoming order
# decides.


class Terms(NamedTuple):
    """What else an order brings: whose it is, its mode, an iceberg's slice, and the prices it may trade at."""

    owner: str = ""
    mode: str = "NONE"
    display: Decimal = ZERO
    lowest: Decimal | None = None
    highest: Decimal | None = None

    def own(self, maker: Waiting) -> bool:
        """Whether trading with ``maker`` would be a self-trade that the mode forbids."""
        return self.mode != "NONE" and bool(self.owner) and maker.terms.owner == self.owner

    def allows(self, price: Decimal) -> bool:
        """Whether the order may trade at ``price``."""
        return (self.lowest is None or price >= self.lowest) and (self.highest is None or price <= self.highest)


PLAIN = Terms()


class Waiting:
    """An own order in the book: ``remaining``, the slice ``visible`` and the market volume ``ahead`` change."""

    __slots__ = ("ahead", "display", "order_id", "price", "remaining", "sequence", "side", "terms", "visible")

    def __init__(self, order_id: int, side: Side, price: Decimal, remaining: Decimal, terms: Terms = PLAIN) -> None:
        self.order_id = order_id
        self.side = side
        self.price = price
        self.remaining = remaining
        self.terms = terms
        self.display = terms.display
        self.visible = min(terms.display, remaining) if terms.display else remaining
        self.sequence = 0
        self.ahead = ZERO

    @property
    def rank(self) -> tuple[Decimal, int]:
        """Sort key: best price first, then first come."""
        # one key for both sides, so that one sorted insertion serves both
        return (-self.price if self.side == "BUY" else self.price, self.sequence)


class Prevented(NamedTuple):
    """A self-trade that did not happen. ``…_loss`` is what each side lost, ``…_shown`` what the record says of it."""

    maker: Waiting
    price: Decimal
    mode: str
    taker_loss: Decimal
    maker_loss: Decimal
    taker_shown: Decimal | None
    maker_shown: Decimal | None


def prevent(terms: Terms, maker: Waiting, price: Decimal, left: Decimal) -> tuple[Prevented, Decimal, bool]:
    """What happens to an incoming order with ``left`` that meets its owner's ``maker``.

    Returns the record, what is left of the incoming order, and whether that is over.
    """
    # goods change hands only where both sides asked for it
    mode = "DECREMENT" if terms.mode == "TRANSFER" and maker.terms.mode != "TRANSFER" else terms.mode
    there = maker.remaining
    if mode == "EXPIRE_TAKER":
        return Prevented(maker, price, mode, left, ZERO, left, None), ZERO, True
    if mode == "EXPIRE_MAKER":
        return Prevented(maker, price, mode, ZERO, there, None, there), left, False
    if mode == "EXPIRE_BOTH":
        return Prevented(maker, price, mode, left, there, left, there), ZERO, True
    common = min(left, there)  # the smaller one is used up and ends, the larger goes on with the rest
    return Prevented(maker, price, mode, common, common, common, common), left - common, common >= left
