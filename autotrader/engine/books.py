"""Sums over the own fills that limits ask for: bought today, today's result, what moved since the balances were read.

The result of a day is what the cash of its trades left, plus what the net quantity is worth now, minus fees. It counts
own fills only. A fee in the base asset makes the net quantity smaller; one in a third asset is taken at that asset's
price now; where a price is not known, neither is the result.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import field
from decimal import Decimal

from autotrader.language.tree import Kind, Term, Unit
from autotrader.language.vocabulary import value_of
from autotrader.market.sources import Sources
from autotrader.money import ZERO, times, total
from autotrader.orders import Fill, Side
from autotrader.structs import dataclass
from autotrader.times import start_of


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A result that cannot be told, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Own fills, seen from now. What was added up once is kept: a ledger is asked about each order of a cycle."""

    sources: Sources
    _today: list[tuple[Fill, ...]] = field(default_factory=list, init=False, repr=False, compare=False)
    _results: dict[str, Decimal | Unpriced] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fills_today(self) -> tuple[Fill, ...]:
        """Fills since midnight of the account's zone."""
        if not self._today:
            self._today.append(self._since(start_of("day", self.sources.now_ms, self.sources.zone)))
        return self._today[0]

    def _since(self, start_ms: int) -> tuple[Fill, ...]:
        fills = self.sources.record.fills
        # fills come in order of time, and a month of them is long
        return fills[bisect_left(fills, start_ms, key=_time) :]

    def to_mark(self, quote: str) -> frozenset[str]:
        """Symbols that have to be priced to tell today's result in a quote asset: what was traded, and fee assets."""
        fills = [fill for fill in self.fills_today() if fill.symbol.endswith(quote)]
        # a fee in a third asset must be priced too, or the loss would look smaller
        fees = {f"{fill.fee_asset}{quote}" for fill in fills if fill.fee and fill.fee_asset != quote}
        return frozenset({fill.symbol for fill in fills} | fees)

    def bought_today(self, asset: str) -> Decimal:
        """Quote spent on buys today, in an asset; what executed and is not booked yet counts at its order's price."""
        booked = (fill.quote for fill in self.fills_today() if fill.side is Side.BUY and fill.symbol.endswith(asset))
        # executed is spent, although its trades cannot be read yet
        buys = (order for order in self.sources.record.orders if order.side is Side.BUY and order.unbooked > 0)
        return total((*booked, *(times(o.unbooked, o.price) for o in buys if o.symbol.endswith(asset))))

    def waiting_for(self, quote: str) -> str:
        """The first order in a quote asset whose trades are not all booked yet, or ""."""
        orders = (order for order in self.sources.record.orders if order.symbol.endswith(quote))
        return next((order.client_order_id for order in orders if order.unbooked > 0), "")

    def gone_since_balances(self, asset: str) -> Decimal:
        """What trades have taken of an asset since the balances were asked for: spent by buys, sold by sales. What
        executed and is not booked yet may be among it.
        """
        moved = self._moved_since_balances()
        spent = total(quote for symbol, side, _, quote in moved if side is Side.BUY and symbol.endswith(asset))
        return spent + total(base for symbol, side, base, _ in moved if side is Side.SELL and symbol.startswith(asset))

    def bought_since_balances(self, asset: str) -> Decimal:
        """What buys have brought of a base asset since the balances were asked for."""
        moved = self._moved_since_balances()
        return total(base for symbol, side, base, _ in moved if side is Side.BUY and symbol.startswith(asset))

    def _moved_since_balances(self) -> list[tuple[str, Side, Decimal, Decimal]]:
        """Symbol, side, base and quote of each trade."""
        recent = self._since(self.sources.account.balances_asked_ms or 0)
        # when they traded is not known, so they are taken as after the balances
        late = (order for order in self.sources.record.orders if order.unbooked > 0)
        return [
            *((fill.symbol, fill.side, fill.quantity, fill.quote) for fill in recent),
            *((order.symbol, order.side, order.unbooked, times(order.unbooked, order.price)) for order in late),
        ]

    def result_today(self, quote: str) -> Decimal | Unpriced:
        """Today's result over all symbols of a quote asset."""
        if quote not in self._results:
            self._results[quote] = self._added_up(quote)
        return self._results[quote]

    def _added_up(self, quote: str) -> Decimal | Unpriced:
        waiting = self.waiting_for(quote)
        if waiting:
            # unknown denies: a result that leaves out a trade could hide a loss
            return Unpriced(f"the trades of order {waiting} are not booked yet")
        result = ZERO
        for symbol in sorted({fill.symbol for fill in self.fills_today() if fill.symbol.endswith(quote)}):
            part = self._result(symbol, quote)
            if isinstance(part, Unpriced):
                return part
            result += part
        return result

    def _result(self, symbol: str, quote: str) -> Decimal | Unpriced:
        base = symbol.removesuffix(quote)
        cash = net = ZERO
        other: dict[str, Decimal] = {}
        for fill in self.fills_today():
            if fill.symbol != symbol:
                continue
            sign = 1 if fill.side is Side.SELL else -1  # cash moves with the sale, goods against it
            cash += sign * fill.quote
            net -= sign * fill.quantity
            if fill.fee_asset == quote:
                cash -= fill.fee
            elif fill.fee_asset == base:
                net -= fill.fee  # a fee taken out of what was bought makes it less
            else:
                other[fill.fee_asset] = other.get(fill.fee_asset, ZERO) + fill.fee
        for asset, amount in ((base, net), *((asset, -fee) for asset, fee in sorted(other.items()))):
            worth = self._worth(asset, amount, quote)
            if isinstance(worth, Unpriced):
                return worth
            cash += worth
        return cash

    def _worth(self, asset: str, amount: Decimal, quote: str) -> Decimal | Unpriced:
        """What an amount would bring now: at the bid, or what it would cost at the ask. Without a fresh book it is not
        known: another price in its place could make a loss look smaller.
        """
        if amount == 0:
            return ZERO
        symbol, unit = f"{asset}{quote}", Unit(Kind.PRICE, quote)
        # the worse side each time: what would be paid or got, not what was last paid
        price = value_of(Term("bid" if amount > 0 else "ask", symbol, unit), self.sources)
        return times(amount, price) if isinstance(price, Decimal) else Unpriced(f"no fresh price of {symbol}")


def _time(fill: Fill) -> int:
    return fill.time_ms
