"""From an action's amounts to an order that the venue takes: exact, and never rounded towards more.

Price first (a buy rounds down to the tick, a sale up; `market` becomes a limit at the touch ± the slippage cap, on the
inner side of the cap), then quantity: the least of the amount and its caps, rounded down to the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeAlias

from autotrader.language.requests import Dropped, Skipped
from autotrader.language.tree import Kind, Term, Unit, Value
from autotrader.language.vocabulary import value_of
from autotrader.market.instrument import Instrument
from autotrader.market.sources import Missing, Sources
from autotrader.money import CONTEXT, HUNDRED, ONE, ZERO, over, plain, times
from autotrader.orders import Side
from autotrader.structs import dataclass

Exact: TypeAlias = Callable[[Value], Decimal | Missing]  # what a value of an action is, exactly


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """`price: market`: limit, immediate or cancel, at the touch plus or minus `max_slippage` percent."""

    max_slippage: Decimal


Amounts: TypeAlias = Iterable[tuple[Value, bool]]  # amount and caps; True: it is in the quote asset


def sized(
    side: Side, price: Value | MarketPrice, amounts: Amounts, instrument: Instrument, exact: Exact, sources: Sources
) -> tuple[Decimal, Decimal] | Skipped | Dropped:
    """Price and quantity of a `buy` or `sell`, on the instrument's grid.

    Skipped: too small or nothing to trade. Dropped: something it needs is not known.
    """
    if not instrument.has_filters:
        return Dropped(f"the filters of {instrument.symbol} are not known")
    limit = _limit_price(side, price, instrument, exact, sources)
    if isinstance(limit, Missing):
        return Dropped(f"price: {limit.reason}")
    if limit <= 0:
        return Skipped(f"price {plain(limit)} is not above 0")
    wanted = _wanted(amounts, limit, exact)
    if isinstance(wanted, Missing):
        return Dropped(f"amount: {wanted.reason}")
    return _fitted(side, limit, wanted, instrument)


def _fitted(side: Side, price: Decimal, wanted: Decimal, instrument: Instrument) -> tuple[Decimal, Decimal] | Skipped:
    if wanted <= 0:
        return Skipped("there is nothing to trade: the amount is 0")
    quantity, least = instrument.fit_quantity(wanted), instrument.least_quantity(price)
    if quantity < least or quantity <= 0:
        needs = f"{plain(least)} {instrument.base} or {plain(times(least, price))} {instrument.quote}"
        return Skipped(f"below minimum (needs {needs})")
    refusal = instrument.refusal(price, quantity, side)
    return Skipped(refusal) if refusal is not None else (price, quantity)


def _limit_price(
    side: Side, price: Value | MarketPrice, instrument: Instrument, exact: Exact, sources: Sources
) -> Decimal | Missing:
    """The limit price on the tick grid."""
    if not isinstance(price, MarketPrice):
        found = exact(price)
        return found if isinstance(found, Missing) else instrument.fit_price(found, side)
    touch = _touch_price(instrument, side, sources)
    if isinstance(touch, Missing):
        return touch
    share = over(price.max_slippage, HUNDRED)
    return instrument.fit_price(times(touch, ONE + share if side is Side.BUY else ONE - share), side)


def _touch_price(instrument: Instrument, side: Side, sources: Sources) -> Decimal | Missing:
    """The best price on the other side of a fresh book: ask for a buy, bid for a sale."""
    word = "ask" if side is Side.BUY else "bid"
    found = value_of(Term(word, instrument.symbol, Unit(Kind.PRICE, instrument.quote)), sources)
    return found if isinstance(found, Decimal | Missing) else Missing(f"{word} is not a price")


def _wanted(amounts: Amounts, price: Decimal, exact: Exact) -> Decimal | Missing:
    """Base quantity before rounding: the least of the amount and its caps, each at least 0."""
    sizes: list[Decimal] = []
    for value, is_spend in amounts:
        found = exact(value)
        if isinstance(found, Missing):
            return found
        amount = max(found, ZERO)
        sizes.append(floor_over(amount, price) if is_spend else amount)
    return min(sizes)


_GUARD = Decimal("1e-30")  # one unit of the last of the 30 decimals


def floor_over(amount: Decimal, price: Decimal) -> Decimal:
    """`amount / price`, cut (never rounded up) at 30 decimals: times the price it never exceeds the amount."""
    quotient = over(amount, price)
    if times(quotient, price) > amount:
        quotient = CONTEXT.subtract(quotient, _GUARD)
    return quotient
