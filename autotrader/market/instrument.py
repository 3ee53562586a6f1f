"""An instrument: what a symbol trades, and the venue's filters on its orders.

Built from exchangeInfo, never from constants (docs/venue.md). A bound or step of 0 is switched off.
Amounts are only ever made smaller to fit: `fit_quantity` rounds down, `fit_price` moves a buy down and a sell up.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from autotrader.money import ZERO, ceil_to, floor_to, over, plain, times
from autotrader.orders import Side
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol's assets and filters (docs/venue.md §4). Prices in quote per base, quantities in base.

    `fetched_ms` is when the filters were read, venue time; None for the dated table that ships without filters, on
    which nothing may trade.
    """

    symbol: str
    base: str
    quote: str
    status: str = "TRADING"
    tick: Decimal = ZERO
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    step: Decimal = ZERO
    min_quantity: Decimal = ZERO
    max_quantity: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO
    bid_up: Decimal = ZERO  # PERCENT_PRICE(_BY_SIDE) multipliers on the average price; 0 = not enforced
    bid_down: Decimal = ZERO
    ask_up: Decimal = ZERO
    ask_down: Decimal = ZERO
    max_open_orders: int = 0
    max_position: Decimal = ZERO
    order_types: frozenset[str] = frozenset()
    fetched_ms: int | None = None
    unknown_filters: tuple[str, ...] = ()

    @property
    def has_filters(self) -> bool:
        """Whether the filters were read from the exchange."""
        return self.fetched_ms is not None

    def fit_price(self, price: Decimal, side: Side) -> Decimal:
        """Price on the tick grid, never worse than asked: a buy rounds down, a sell up."""
        # away from the market: never a worse price than was asked for
        return floor_to(price, self.tick) if side is Side.BUY else ceil_to(price, self.tick)

    def fit_quantity(self, quantity: Decimal) -> Decimal:
        """Quantity on the step grid, rounded down, and cut to the largest that is taken."""
        # cut first, then rounded: the largest quantity need not lie on the grid
        capped = min(quantity, self.max_quantity) if self.max_quantity else quantity
        return floor_to(max(capped, ZERO), self.step)

    def least_quantity(self, price: Decimal) -> Decimal:
        """The smallest quantity that passes LOT_SIZE and NOTIONAL at a price."""
        # up, since rounding down would fall below the minimum again
        by_notional = ceil_to(over(self.min_notional, price), self.step) if self.min_notional else ZERO
        return max(self.min_quantity, by_notional)

    def refusal(self, price: Decimal, quantity: Decimal, side: Side, average: Decimal | None = None) -> str | None:
        """Why the venue would refuse a limit order, or None. `average` is the reference of PERCENT_PRICE filters."""
        return next(self._refusals(price, quantity), None) or self._percent_refusal(price, side, average)

    def _refusals(self, price: Decimal, quantity: Decimal) -> Iterator[str]:
        """Every filter that refuses, in the venue's order; a text is only made where one does."""
        notional = times(price, quantity)
        if price <= 0 or quantity <= 0:
            yield "price and quantity must be above 0"
        if self.tick and price % self.tick != 0:
            yield f"PRICE_FILTER: price {plain(price)} is not a multiple of {plain(self.tick)}"
        if price < self.min_price:
            yield f"PRICE_FILTER: price is below {plain(self.min_price)}"
        if self.max_price and price > self.max_price:
            yield f"PRICE_FILTER: price is above {plain(self.max_price)}"
        if self.step and quantity % self.step != 0:
            yield f"LOT_SIZE: quantity is not a multiple of {plain(self.step)}"
        if quantity < self.min_quantity:
            yield f"LOT_SIZE: quantity is below {plain(self.min_quantity)}"
        if self.max_quantity and quantity > self.max_quantity:
            yield f"LOT_SIZE: quantity is above {plain(self.max_quantity)}"
        if notional < self.min_notional:
            yield f"NOTIONAL: {plain(notional)} {self.quote} is below {plain(self.min_notional)}"
        if self.max_notional and notional > self.max_notional:
            yield f"NOTIONAL: above {plain(self.max_notional)} {self.quote}"

    def _percent_refusal(self, price: Decimal, side: Side, average: Decimal | None) -> str | None:
        up, down = (self.bid_up, self.bid_down) if side is Side.BUY else (self.ask_up, self.ask_down)
        if average is None:  # the exchange's average is not asked for each order; it says so itself where it refuses
            return None
        if up and price > times(average, up):
            return f"PERCENT_PRICE: price is above {plain(up)} x the average price {plain(average)}"
        if down and price < times(average, down):
            return f"PERCENT_PRICE: price is below {plain(down)} x the average price {plain(average)}"
        return None
