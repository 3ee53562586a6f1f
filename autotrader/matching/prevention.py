"""Own orders that wait, the terms they came with, and what is done in place of a self-trade.

Modes (the venue's documents on self-trade prevention): EXPIRE_TAKER ends the
incoming order, EXPIRE_MAKER the resting one, EXPIRE_BOTH both; DECREMENT takes
the smaller quantity off both, which ends the smaller; TRANSFER is DECREMENT
(whoever keeps accounts moves the goods) and needs the mode on both orders.
The mode of the incoming order decides.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from autotrader.matching.levels import ZERO, Side


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
