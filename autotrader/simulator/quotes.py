"""What the market's book looks like around its trades: two stated rules.

Best quote. Where the tape recorded one it holds from its minute's start. A
trade above the ask lifts both sides by the same distance so that the ask is
at the trade, a trade below the bid lowers them likewise. Where nothing was
recorded, a trade by a buyer is at the ask, one by a seller at the bid, and the
spread is 0.02 % of the price (at least one tick).

Depth. Behind the best price there is a level at every multiple of ``gap`` (a
ten-thousandth of the price, rounded down to a power of ten, at least a tick).
Its size follows from its price alone: 0.25 to 5 times the symbol's
``depth_unit``. So a level keeps its size while the best price wanders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from autotrader.matching import Level, Side, better
from autotrader.simulator.symbols import SymbolSpec
from autotrader.simulator.tape import BestQuote

SPREAD = Decimal("0.0002")
MAX_LEVELS = 5000
Deeper = Callable[[Side, Level], Iterator[Level]]
SizeAt = Callable[[Side, Level, Decimal], Decimal]


def level_size(spec: SymbolSpec, number: int) -> Decimal:
    """The size of the level at ``number`` gaps above zero, in whole steps."""
    mixed = (number * 2654435761 >> 7) % 20 + 1
    size = spec.depth_unit * mixed / 4
    return max(spec.step, size - size % spec.step if spec.step else size)


def gap(spec: SymbolSpec, price: Decimal) -> Decimal:
    """Distance between the levels behind the best one at ``price``."""
    wide = Decimal(10) ** (price.adjusted() - 4)
    if wide <= spec.tick:
        return spec.tick
    return wide - wide % spec.tick if spec.tick else wide


def deeper(spec: SymbolSpec) -> Deeper:
    """The depth rule of a symbol: the levels strictly behind a best one, lazy."""

    def levels(side: Side, best: Level) -> Iterator[Level]:
        width = gap(spec, best.price)
        number = int(best.price // width)
        if side == "SELL":
            number += 1
        elif best.price == number * width:
            number -= 1
        move = 1 if side == "SELL" else -1
        for _ in range(MAX_LEVELS):
            price = number * width
            if price < spec.min_price or price <= 0 or (spec.max_price and price > spec.max_price):
                return
            yield Level(price, level_size(spec, number))
            number += move

    return levels


def size_at(spec: SymbolSpec) -> SizeAt:
    """The depth rule asked for one price: the size there, 0 where there is no level."""

    def size(side: Side, best: Level, price: Decimal) -> Decimal:
        width = gap(spec, best.price)
        inside = price >= spec.min_price and (not spec.max_price or price <= spec.max_price)
        if price % width or not inside or abs(price - best.price) > MAX_LEVELS * width:
            return Decimal(0)
        return level_size(spec, int(price / width)) if better(side, best.price, price) else Decimal(0)

    return size


def after_trade(
    quote: BestQuote | None, price: Decimal, *, taker_buys: bool, recorded: bool, spec: SymbolSpec
) -> BestQuote | None:
    """The best quote after a trade at ``price``; None when the trade does not change it."""
    if recorded and quote is not None:
        if quote.bid <= price <= quote.ask:
            return None
        spread = quote.ask - quote.bid
        bid = price - spread if price > quote.ask else price
        return BestQuote(max(bid, spec.tick), quote.bid_qty, bid + spread, quote.ask_qty)
    tick = spec.tick
    spread = max(tick, price * SPREAD - (price * SPREAD) % tick)
    bid = max(tick, price - spread if taker_buys else price)
    number = int(price / tick)
    return BestQuote(bid, level_size(spec, number), bid + spread, level_size(spec, number + 7))
