"""From an action's amounts to an order that the venue takes: exact, and never rounded towards more.

Price first (a buy rounds down to the tick, a sale up; `market` becomes a limit at the touch ± the slippage cap, on the
inner side of the cap), then quantity: the least of the amount and its caps, rounded down to the step.
"""

from __future__ import annotations

from decimal import Decimal

from autotrader.engine.requests import Dropped, Skipped
from autotrader.engine.values import Values, exact
from autotrader.language.plan import MarketPrice, PlaceOrder
from autotrader.language.tree import Kind, Term, Unit, Value
from autotrader.language.vocabulary import value_of
from autotrader.market.instrument import Instrument
from autotrader.market.sources import Missing, Sources
from autotrader.money import CONTEXT, HUNDRED, ONE, ZERO, over, plain, times
from autotrader.orders import OrderType, Side, TimeInForce


def sized(
    action: PlaceOrder, instrument: Instrument, values: Values, sources: Sources
) -> tuple[Decimal, Decimal] | Skipped | Dropped:
    """Price and quantity of a `buy` or `sell`, on the instrument's grid.

    Skipped: too small or nothing to trade. Dropped: something it needs is not known.
    """
    if not instrument.has_filters:
        return Dropped(f"the filters of {instrument.symbol} are not known")
    price = limit_price(action, instrument, values, sources)
    if isinstance(price, Missing):
        return Dropped(f"price: {price.reason}")
    if price <= 0:
        return Skipped(f"price {plain(price)} is not above 0")
    wanted = _wanted(action, price, values)
    if isinstance(wanted, Missing):
        return Dropped(f"amount: {wanted.reason}")
    return _fitted(action.side, price, wanted, instrument)


def _fitted(side: Side, price: Decimal, wanted: Decimal, instrument: Instrument) -> tuple[Decimal, Decimal] | Skipped:
    if wanted <= 0:
        return Skipped("there is nothing to trade: the amount is 0")
    quantity, least = instrument.fit_quantity(wanted), instrument.least_quantity(price)
    if quantity < least or quantity <= 0:
        needs = f"{plain(least)} {instrument.base} or {plain(times(least, price))} {instrument.quote}"
        return Skipped(f"below minimum (needs {needs})")
    refusal = instrument.refusal(price, quantity, side)
    return Skipped(refusal) if refusal is not None else (price, quantity)


def limit_price(action: PlaceOrder, instrument: Instrument, values: Values, sources: Sources) -> Decimal | Missing:
    """The limit price on the tick grid."""
    if not isinstance(action.price, MarketPrice):
        price = exact(action.price, values)
        return price if isinstance(price, Missing) else instrument.fit_price(price, action.side)
    touch = touch_price(instrument, action.side, sources)
    if isinstance(touch, Missing):
        return touch
    share = over(action.price.max_slippage, HUNDRED)
    cap = times(touch, ONE + share if action.side is Side.BUY else ONE - share)
    return instrument.fit_price(cap, action.side)


def touch_price(instrument: Instrument, side: Side, sources: Sources) -> Decimal | Missing:
    """The best price on the other side of a fresh book: ask for a buy, bid for a sale."""
    word = "ask" if side is Side.BUY else "bid"
    found = value_of(Term(word, instrument.symbol, Unit(Kind.PRICE, instrument.quote)), sources)
    return found if isinstance(found, Decimal | Missing) else Missing(f"{word} is not a price")


def _wanted(action: PlaceOrder, price: Decimal, values: Values) -> Decimal | Missing:
    """Base quantity before rounding: the least of the amount and its caps."""
    sizes: list[Decimal] = []
    for node, is_spend in (
        (action.spend, True), (action.max_spend, True), (action.size, False), (action.max_size, False),
    ):  # fmt: skip
        if node is None:
            continue
        amount = _amount(node, values)
        if isinstance(amount, Missing):
            return amount
        sizes.append(floor_over(amount, price) if is_spend else amount)
    return min(sizes)


def _amount(node: Value, values: Values) -> Decimal | Missing:
    amount = exact(node, values)
    return amount if isinstance(amount, Missing) else max(amount, ZERO)


_GUARD = Decimal("1e-30")


def floor_over(amount: Decimal, price: Decimal) -> Decimal:
    """`amount / price`, cut (never rounded up) at 30 decimals: times the price it never exceeds the amount."""
    quotient = over(amount, price)
    if times(quotient, price) > amount:
        quotient = CONTEXT.subtract(quotient, _GUARD)
    return quotient


def order_kind(action: PlaceOrder) -> tuple[OrderType, TimeInForce]:
    """Type and time in force: post-only is LIMIT_MAKER, `market` is immediate or cancel."""
    if action.post_only:
        return OrderType.LIMIT_MAKER, TimeInForce.GTC
    return OrderType.LIMIT, TimeInForce.IOC if isinstance(action.price, MarketPrice) else action.tif
