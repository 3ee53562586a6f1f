"""Candles of every interval from finished one-minute rows, each aggregated once.

Strategy: ``MinuteTable`` keeps the finished minutes of a symbol with running
sums, so that a window's volume costs two look-ups. ``Series`` folds minutes
into one interval and zone, remembers how far it came and keeps the finished
rows as JSON text; asking again costs only what is new.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from autotrader.simulator.symbols import text
from autotrader.simulator.tape import MINUTE

DAY = 86_400_000
INTERVALS: dict[str, int] = {
    "1s": 1_000, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": 60 * MINUTE, "2h": 120 * MINUTE, "4h": 240 * MINUTE, "6h": 360 * MINUTE, "8h": 480 * MINUTE,
    "12h": 720 * MINUTE, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY, "1M": 0,
}  # fmt: skip
# 1970-01-01 was a Thursday: weeks begin four days later. Recorded 3d candles begin on days 1, 4, 7 … since then.
PHASE = {"1w": 4 * DAY, "3d": DAY}


class Row(NamedTuple):
    """A candle. Volumes in base and quote asset; ``first_id`` is the id of its first trade (or the next one's)."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_buy: Decimal
    taker_buy_quote: Decimal
    first_id: int


def merge(a: Row, b: Row, open_time: int) -> Row:
    """Two neighbouring candles as one; a flat one gives no price to its neighbour but its own."""
    return Row(
        open_time, a.open, max(a.high, b.high), min(a.low, b.low), b.close, a.volume + b.volume,
        a.quote_volume + b.quote_volume, a.trades + b.trades, a.taker_buy + b.taker_buy,
        a.taker_buy_quote + b.taker_buy_quote, a.first_id,
    )  # fmt: skip


def open_of(time: int, interval: str, zone: int) -> int:
    """Start (ms UTC) of the candle of ``interval`` that holds ``time``; ``zone`` is ms east of UTC."""
    local = time + zone
    if interval == "1M":
        at = datetime.fromtimestamp(local / 1000, UTC)
        return _ms(datetime(at.year, at.month, 1, tzinfo=UTC)) - zone
    length, phase = INTERVALS[interval], PHASE.get(interval, 0)
    return (local - phase) // length * length + phase - zone


def next_open(open_time: int, interval: str, zone: int) -> int:
    """Start of the candle that follows the one which starts at ``open_time``."""
    if interval != "1M":
        return open_time + INTERVALS[interval]
    # No month is longer: 32 days on is always in the next one.
    return open_of(open_time + 32 * DAY, interval, zone)


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def row_text(row: Row, close_time: int) -> str:
    """The venue's twelve columns as JSON."""
    return (
        f'[{row.open_time},"{text(row.open)}","{text(row.high)}","{text(row.low)}","{text(row.close)}",'
        f'"{text(row.volume)}",{close_time},"{text(row.quote_volume)}",{row.trades},"{text(row.taker_buy)}",'
        f'"{text(row.taker_buy_quote)}","0"]'
    )


class MinuteTable:
    """The finished minutes of a symbol, oldest first, with running sums before each."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.opens: list[int] = []
        self._sums: list[tuple[Decimal, Decimal, int]] = [(Decimal(0), Decimal(0), 0)]
        self._extremes: dict[int, tuple[int, int, Decimal, Decimal]] = {}

    def copy(self) -> MinuteTable:
        """The same minutes, to go on with separately."""
        other = MinuteTable()
        other.rows, other.opens, other._sums = self.rows.copy(), self.opens.copy(), self._sums.copy()
        return other

    def append(self, row: Row) -> None:
        """Add a finished minute."""
        volume, quote, count = self._sums[-1]
        self.rows.append(row)
        self.opens.append(row.open_time)
        self._sums.append((volume + row.volume, quote + row.quote_volume, count + row.trades))

    def between(self, begin: int, end: int) -> tuple[int, int]:
        """Index range of the minutes that lie wholly in [begin, end) ms."""
        return bisect_left(self.opens, begin), bisect_right(self.opens, end - MINUTE)

    def sums(self, first: int, last: int) -> tuple[Decimal, Decimal, int]:
        """Volume, quote volume and trades of the minutes [first, last)."""
        a, b = self._sums[first], self._sums[last]
        return b[0] - a[0], b[1] - a[1], b[2] - a[2]

    def extremes(self, first: int, last: int, key: int) -> tuple[Decimal, Decimal]:
        """Highest and lowest price of the minutes [first, last), kept per kind of window ``key``."""
        known = self._extremes.get(key)
        if known is not None and known[:2] == (first, last):
            return known[2], known[3]
        window = self.rows[first:last]
        found = max(row.high for row in window), min(row.low for row in window)
        self._extremes[key] = (first, last, *found)
        return found


class Series:
    """The candles of one interval and zone over a minute table."""

    def __init__(self, table: MinuteTable, interval: str, zone: int) -> None:
        self._table = table
        self._interval = interval
        self._zone = zone
        self._used = 0
        self._opens: list[int] = []
        self._texts: list[str] = []
        self._partial: Row | None = None

    def _fold(self) -> None:
        """Take in the minutes that have finished since the last time."""
        rows = self._table.rows
        for index in range(self._used, len(rows)):
            self._add(rows[index])
        self._used = len(rows)

    def _add(self, row: Row) -> None:
        start = row.open_time if self._interval == "1m" else open_of(row.open_time, self._interval, self._zone)
        partial = self._partial
        if partial is not None and partial.open_time == start:
            self._partial = merge(partial, row, start)
            return
        self._finish()
        self._partial = row._replace(open_time=start)

    def _finish(self) -> None:
        if self._partial is not None:
            self._opens.append(self._partial.open_time)
            self._texts.append(self._text(self._partial))

    def _text(self, row: Row) -> str:
        return row_text(row, next_open(row.open_time, self._interval, self._zone) - 1)

    def current(self, live: Row | None) -> list[Row]:
        """The unfinished end of the series: the partial candle with the open minute ``live`` in it."""
        self._fold()
        partial = self._partial
        if live is None:
            return [partial] if partial is not None else []
        start = open_of(live.open_time, self._interval, self._zone)
        if partial is not None and partial.open_time == start:
            return [merge(partial, live, start)]
        return [*([partial] if partial is not None else []), live._replace(open_time=start)]

    def page(self, live: Row | None, start: int | None, end: int | None, limit: int) -> str:
        """The venue's answer as JSON text: open times in [start, end], see ``page_range``."""
        tail = self.current(live)
        opens = self._opens if not tail else _Joined(self._opens, [row.open_time for row in tail])
        first, last = page_range(opens, start, end, limit)
        finished = self._texts[first : min(last, len(self._texts))]
        fresh = [self._text(row) for index, row in enumerate(tail, len(self._texts)) if first <= index < last]
        return f"[{','.join(finished + fresh)}]"


class _Joined(Sequence[int]):
    """Two sorted lists seen as one, so that a long one need not be copied."""

    def __init__(self, head: list[int], tail: list[int]) -> None:
        self._head, self._tail = head, tail

    def __len__(self) -> int:
        return len(self._head) + len(self._tail)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # only ints are asked for by bisect
        return self._head[index] if index < len(self._head) else self._tail[index - len(self._head)]


def page_range(keys: Sequence[int], start: int | None, end: int | None, limit: int) -> tuple[int, int]:
    """Index range of a page: the newest ``limit`` up to ``end``, or the oldest from ``start`` on."""
    low = 0 if start is None else bisect_left(keys, start)
    high = len(keys) if end is None else bisect_right(keys, end)
    if start is None:
        return max(low, high - limit), high
    return low, max(low, min(high, low + limit))
