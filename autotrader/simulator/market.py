"""One symbol's market as a function of time: what the tape gives, and the book own orders meet.

Strategy: minutes come from a source (tape or generator) one after the other.
Each is turned into events: its recorded quote, then its trades. ``step`` plays
the next event. Finished minutes go to the minute table. Public data (trades,
candles, tickers, last price) are the tape's alone, so every run on a tape sees
the same market whatever was traded; own orders show in the book only. Trades
of past minutes are not stored: they follow from the minute by the path rule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from copy import copy
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from autotrader.matching import Level, Match, MatchingBook, Side
from autotrader.simulator.candles import MinuteTable, Row, Series
from autotrader.simulator.quotes import after_trade, deeper, size_at
from autotrader.simulator.symbols import SymbolSpec
from autotrader.simulator.tape import MINUTE, BestQuote, MinuteSource, PathTrade, RecordedSource, TapeMinute, path

ZERO = Decimal(0)
WINDOW = 86_400_000


class MarketTrade(NamedTuple):
    """A public trade; ``time`` in ms."""

    id: int
    price: Decimal
    quantity: Decimal
    time: int
    buyer_maker: bool


class RollingWindow(NamedTuple):
    """A ticker's figures over a stretch of time; None prices when there never was a trade."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal
    first_id: int
    last_id: int
    trades: int
    before: Decimal


class Market:
    """A symbol's market; ``now`` only grows. Times in ms."""

    def __init__(self, spec: SymbolSpec, source: MinuteSource) -> None:
        self.spec = spec
        self.book = MatchingBook(spec.step, deeper(spec), size_at(spec))
        self.minutes = MinuteTable()
        self.quote: BestQuote | None = None
        self.last: MarketTrade | None = None
        self.updates = 1
        self._source = source
        self._feed: Iterator[TapeMinute] = source.minutes()
        self._ahead: TapeMinute | None = next(self._feed, None)
        self._next_open = source.first
        self._next_id = 0
        self._open_time: int | None = None
        self._events: tuple[PathTrade, ...] = ()
        self._first_id = 0
        self._played = 0
        self._recorded = False
        self._raw: dict[int, TapeMinute] = {}
        self._cuts: dict[int, int] = {}
        self._closed: set[int] = set()
        self._series: dict[tuple[str, int], Series] = {}
        self._average: tuple[int, Decimal] | None = None

    # ---- time --------------------------------------------------------------

    def next_event(self) -> int:
        """When the next thing happens: a trade, or the start of a minute."""
        if self._open_time is not None and self._played < len(self._events):
            return self._open_time + self._events[self._played].offset
        return self._next_open

    def skip_to(self, time: int) -> None:
        """Play what lies more than a few minutes before ``time`` as history: nobody's orders can be there."""
        if isinstance(self._source, RecordedSource):
            self._adopt(_history(self.spec, self._source, time))
        else:
            self.play_history(time)
        if self.last is not None:
            self._requote(self.last)

    def _adopt(self, other: Market) -> None:
        """Begin where another market of the same tape stands."""
        self.minutes, self._raw, self._feed = other.minutes.copy(), other._raw.copy(), copy(other._feed)
        self.quote, self.last, self.updates = other.quote, other.last, other.updates
        self._ahead, self._next_open, self._next_id = other._ahead, other._next_open, other._next_id
        self._open_time, self._first_id, self._recorded = other._open_time, other._first_id, other._recorded
        self._events, self._played = other._events, other._played
        if self.quote is not None:
            self._show(self.quote)

    def play_history(self, time: int) -> None:
        """Take in minutes without going through their trades, up to a few before ``time`` (ms)."""
        # the last minutes are played trade by trade, so that windows and stops begin on real trades
        while self._next_open + 4 * MINUTE <= time:
            self._begin_minute()
            if self._open_time is not None:
                self._played = len(self._events)
                if self._events:
                    self.last = self._trade(self._played - 1, self._events[-1])

    def step(self, *, trading: bool = True) -> tuple[Match, ...]:
        """Play the next event; the matches are what it gave to own resting orders.

        Not ``trading``: the venue has closed the symbol, what the tape holds does not happen.
        """
        if self._open_time is None or self._played >= len(self._events):
            self._begin_minute(trading=trading)
            return ()
        if not trading:
            self._cut()
            return ()
        event = self._events[self._played]
        self._played += 1
        self.last = trade = self._trade(self._played - 1, event)
        self.updates += 1
        side: Side = "BUY" if event.taker_buys else "SELL"
        matches = self.book.trade(trade.price, trade.quantity, side)
        self._requote(trade)
        return matches

    def _requote(self, trade: MarketTrade) -> None:
        """Move the best quote to where a trade has put it."""
        moved = after_trade(
            self.quote, trade.price, taker_buys=not trade.buyer_maker, recorded=self._recorded, spec=self.spec
        )
        if moved is not None:
            self._show(moved)

    def _cut(self) -> None:
        """The rest of the open minute does not happen."""
        self._events = self._events[: self._played]
        self._next_id = self._first_id + self._played  # ids stay without a gap: what did not happen takes none
        # kept, or a later look at this minute would show trades that never were
        self._cuts[self._open_time or 0] = self._played

    def _begin_minute(self, *, trading: bool = True) -> None:
        self._finish_minute()
        start, self._next_open = self._next_open, self._next_open + MINUTE
        self._events, self._played, self._first_id = (), 0, self._next_id
        if not trading:
            self._closed.add(start)  # a closed minute has no candle at all, a quiet one has a flat candle
            if self._ahead is not None and self._ahead.open_time == start:
                self._ahead = next(self._feed, None)
        if not trading or self._source.halted(start):
            self._open_time = None
            return
        self._open_time = start
        if self._ahead is not None and self._ahead.open_time == start:
            minute, self._ahead = self._ahead, next(self._feed, None)
            self._raw[start] = minute
            self._events = path(minute)
            self._next_id += len(self._events)
            if minute.quote is not None:
                self._recorded = True
                self._show(minute.quote)

    def _show(self, quote: BestQuote) -> None:
        self.quote = quote
        self.updates += 1
        self.book.quote(Level(quote.bid, quote.bid_qty), Level(quote.ask, quote.ask_qty))

    def _finish_minute(self) -> None:
        if self._open_time is not None:
            row = self.live()
            if row is not None:
                self.minutes.append(row)

    def _trade(self, index: int, event: PathTrade) -> MarketTrade:
        start = self._open_time or 0
        quantity = event.units * self._source.unit
        return MarketTrade(self._first_id + index, event.price, quantity, start + event.offset, not event.taker_buys)

    @property
    def halted(self) -> bool:
        """Whether the tape has no market now."""
        return self._open_time is None and self._next_open - MINUTE not in self._closed

    def in_halt(self, time: int) -> bool:
        """Whether the tape has no market at ``time`` (ms)."""
        start = time // MINUTE * MINUTE
        return start in self._closed or self._source.halted(start)

    # ---- candles and windows -------------------------------------------------

    def live(self) -> Row | None:
        """The open minute's candle: flat until its first trade; None in a halt or before any trade."""
        if self._open_time is None:
            return None
        events = self._events[: self._played]
        if not events:
            rows = self.minutes.rows
            close = rows[-1].close if rows else None
            if close is None:
                return None
            return Row(self._open_time, close, close, close, close, ZERO, ZERO, 0, ZERO, ZERO, self._first_id)
        return _candle(self._open_time, events, self._source.unit, self._first_id)

    def series(self, interval: str, zone: int) -> Series:
        """The candles of an interval in a zone (ms east of UTC); kept between calls."""
        known = self._series.get((interval, zone))
        if known is None:
            known = self._series[(interval, zone)] = Series(self.minutes, interval, zone)
        return known

    def trades_of(self, open_time: int) -> tuple[MarketTrade, ...]:
        """The public trades of a minute, as far as they have happened."""
        if open_time == self._open_time:
            return tuple(self._trade(i, event) for i, event in enumerate(self._events[: self._played]))
        raw = self._raw.get(open_time)
        index = bisect_right(self.minutes.opens, open_time) - 1
        if raw is None or index < 0:
            return ()
        first, unit = self.minutes.rows[index].first_id, self._source.unit
        return tuple(
            MarketTrade(first + i, e.price, e.units * unit, open_time + e.offset, not e.taker_buys)
            for i, e in enumerate(path(raw)[: self._cuts.get(open_time)])
        )

    def window(self, begin: int, end: int, kind: int) -> RollingWindow | None:
        """Figures over trades with begin < time ≤ end (ms), None without a trade; ``kind`` names the window."""
        table = self.minutes
        first, last = table.between(begin + 1, end + 1)
        edge = (begin + 1) // MINUTE * MINUTE
        # Whole minutes come from running sums; only a cut minute at each end is looked at trade by trade.
        head = [t for t in self.trades_of(edge) if begin < t.time <= end] if (begin + 1) % MINUTE else []
        tail_open = end // MINUTE * MINUTE
        tail: list[MarketTrade] = []
        if tail_open != edge or not head:
            inside = last > first and table.opens[last - 1] == tail_open
            tail = [] if inside else [t for t in self.trades_of(tail_open) if begin < t.time <= end]
        loose = head + tail
        volume, quote, count = table.sums(first, max(first, last))
        if not count and not loose:
            return None
        prices = [t.price for t in loose]
        opening, first_id = self._opening(first, last, head, tail)
        if count:
            # whole minutes by table, only the edges trade by trade: a day has too many trades
            prices.extend(table.extremes(*self._trimmed(first, last), kind))
        count += len(loose)
        return RollingWindow(
            opening, max(prices), min(prices), volume + sum((t.quantity for t in loose), ZERO),
            quote + sum((t.price * t.quantity for t in loose), ZERO), first_id, first_id + count - 1, count,
            self._close_before(first_id, opening),
        )  # fmt: skip

    def _trimmed(self, first: int, last: int) -> tuple[int, int]:
        """The range without trade-less minutes at its start, whose price is from before the window."""
        rows = self.minutes.rows
        while first < last - 1 and not rows[first].trades:
            first += 1
        return first, last

    def _opening(self, first: int, last: int, head: list[MarketTrade], tail: list[MarketTrade]) -> tuple[Decimal, int]:
        if head:
            return head[0].price, head[0].id
        for row in self.minutes.rows[first:last]:
            if row.trades:
                return row.open, row.first_id
        return tail[0].price, tail[0].id

    def _close_before(self, first_id: int, default: Decimal) -> Decimal:
        """The price of the trade before ``first_id``."""
        found = self.trade_page(first_id - 1, 1) if first_id > 0 else ()
        return found[0].price if found else default

    def trade_page(self, from_id: int, limit: int) -> tuple[MarketTrade, ...]:
        """At most ``limit`` public trades from an id on."""
        rows, opens = self.minutes.rows, self.minutes.opens
        index = max(0, bisect_right(rows, from_id, key=lambda row: row.first_id) - 1)
        found: list[MarketTrade] = []
        while index < len(rows) and len(found) < limit:
            if rows[index].trades:
                found.extend(t for t in self.trades_of(opens[index]) if t.id >= from_id)
            index += 1
        if len(found) < limit and self._open_time is not None:
            found.extend(t for t in self.trades_of(self._open_time) if t.id >= from_id)
        return tuple(found[:limit])

    def next_trade_id(self) -> int:
        """The id the next public trade will have."""
        return self._first_id + self._played

    def first_id_at(self, time: int) -> int:
        """The id of the first public trade at or after ``time`` (ms), the next id when there is none."""
        index = max(0, bisect_right(self.minutes.opens, time) - 1)
        first = self.minutes.rows[index].first_id if self.minutes.rows else 0
        for trade in self.trade_page(first, 64):
            if trade.time >= time:
                return trade.id
        return self.next_trade_id()

    def average(self) -> Decimal | None:
        """Volume-weighted price of the ``avg_price_mins`` minutes that end with the last trade; None before any."""
        last = self.last
        if last is None or not self.spec.avg_price_mins:
            return last.price if last is not None else None
        if self._average is None or self._average[0] != last.id:
            window = self.window(last.time - self.spec.avg_price_mins * MINUTE, last.time, 3)
            self._average = (last.id, window.quote_volume / window.volume if window else last.price)
        return self._average[1]


@lru_cache(maxsize=4)
def _history(spec: SymbolSpec, source: RecordedSource, time: int) -> Market:
    """A market of a recorded tape just before ``time``; kept, since tests begin at the same place again and again."""
    market = Market(spec, source)
    market.play_history(time)
    return market


def _candle(open_time: int, events: tuple[PathTrade, ...], unit: Decimal, first_id: int) -> Row:
    prices = [event.price for event in events]
    units = bought = 0
    quote = bought_quote = ZERO
    for event in events:
        value = event.price * event.units
        units += event.units
        quote += value
        if event.taker_buys:
            bought += event.units
            bought_quote += value
    return Row(
        open_time, prices[0], max(prices), min(prices), prices[-1], units * unit, quote * unit, len(events),
        bought * unit, bought_quote * unit, first_id,
    )  # fmt: skip
