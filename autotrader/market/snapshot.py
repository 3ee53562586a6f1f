"""One frozen look at the market, and the values in it.

Every answer carries `asked_ms`: the venue's time at the moment our request left. Book and price replies carry no
time of their own, so that moment is the only honest age (docs/order-safety.md §6). What could not be had stands in
`missing` with its reason; nothing is ever filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal

from autotrader.market.candles import Candles
from autotrader.market.needs import BookNeed, CandleNeed, Need, StatusNeed, TickerNeed, TradingDayNeed
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """A ticker over a window: the rolling 24 hours, or the calendar day that begins at midnight of the account's zone.

    `change` is in percent; `volume` in base, `turnover` in quote. What a short reply leaves out is None: the change in
    quote, the average price, the best bid and ask (none of which rules read here: books are fresher).
    """

    symbol: str
    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    change: Decimal
    open_time_ms: int
    close_time_ms: (
        int  # 24 h: of the symbol's last trade (an old one is a quiet market, not stale data); of a day: its end
    )
    asked_ms: int
    count: int = 0  # trades in the window
    change_amount: Decimal | None = None
    average: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The best levels of an order book as (price, quantity), best first. `asked_levels` were asked for: fewer on a
    side means that the side ends there.
    """

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    asked_levels: int
    update_id: int
    asked_ms: int


@dataclass(frozen=True, slots=True)
class ExchangeStatus:
    """System status: normal, or under maintenance with the venue's message."""

    normal: bool
    message: str
    asked_ms: int


Seen = Ticker | Book | Candles | ExchangeStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was seen of the market for one cycle. `now_ms` is the one evaluation time of all rules due in it.

    The accessors answer with the value or, where it is missing, with the reason as text. Books and candles, which are
    asked for by symbol and fetched by need, are found by an index: many symbols would make a search of each answer.
    """

    now_ms: int
    seen: Mapping[Need, Seen] = field(default_factory=dict)
    missing: Mapping[Need, str] = field(default_factory=dict)
    _books: dict[str, Book] = field(default_factory=dict, init=False, repr=False, compare=False)
    _candles: dict[tuple[str, str], Candles] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the deepest books and the longest series."""
        for need, seen in self.seen.items():
            if isinstance(need, BookNeed) and isinstance(seen, Book):
                known = self._books.get(need.symbol)
                # Several rules may ask for books of different depth: the deepest answers them all.
                if known is None or seen.asked_levels > known.asked_levels:
                    self._books[need.symbol] = seen
            elif isinstance(need, CandleNeed) and isinstance(seen, Candles):
                series = self._candles.get((need.symbol, need.timeframe))
                if series is None or len(seen) > len(series):
                    self._candles[need.symbol, need.timeframe] = seen

    def ticker(self, symbol: str) -> Ticker | str:
        """24 hour ticker of a symbol."""
        found = self.seen.get(TickerNeed(symbol))
        return found if isinstance(found, Ticker) else self._why(TickerNeed(symbol))

    def trading_day(self, symbol: str) -> Ticker | str:
        """Trading-day ticker of a symbol."""
        found = self.seen.get(TradingDayNeed(symbol))
        return found if isinstance(found, Ticker) else self._why(TradingDayNeed(symbol))

    def status(self) -> ExchangeStatus | str:
        """System status."""
        found = self.seen.get(StatusNeed())
        return found if isinstance(found, ExchangeStatus) else self._why(StatusNeed())

    def book(self, symbol: str) -> Book | str:
        """The deepest book that was fetched for a symbol."""
        found = self._books.get(symbol)
        if found is not None:
            return found
        reasons = (why for n, why in self.missing.items() if isinstance(n, BookNeed) and n.symbol == symbol)
        return next(reasons, "not fetched")

    def candles(self, symbol: str, timeframe: str) -> Candles | str:
        """The longest series that was fetched for a symbol and timeframe."""
        found = self._candles.get((symbol, timeframe))
        if found is not None:
            return found
        reasons = (
            why
            for n, why in self.missing.items()
            if isinstance(n, CandleNeed) and (n.symbol, n.timeframe) == (symbol, timeframe)
        )
        return next(reasons, "not fetched")

    def _why(self, need: Need) -> str:
        return self.missing.get(need, "not fetched")
