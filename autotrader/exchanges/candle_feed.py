"""Closed candles of a venue: kept, extended by what is new, paged backwards until there are enough.

A candle is closed when the venue's time says so, never by its place in the reply. Within two seconds of its close it
is used but not yet kept, because the venue may still correct it; the next look asks for it again. While no new candle
can have closed nothing is asked, and the series counts as asked now. Figures that contradict each other, candles of
the future, doubled or out of order refuse the whole reply; so does a newest candle that is not there yet.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from autotrader.errors import ExchangeUnavailable
from autotrader.exchanges.candle_store import FIELDS, Bars, CandleStore, SeriesKey, bars_of, empty_bars
from autotrader.exchanges.clock import ExchangeClock
from autotrader.exchanges.reading import BadReply
from autotrader.market.candles import Candle, Candles
from autotrader.market.needs import CandleNeed
from autotrader.market.timeframe import approximate_ms, next_open, open_of, steps_before

PAGE: Final = 1000
SETTLE_MS: Final = 2000
_SPARE: Final = 1000  # candles that may have been missed for a series to be joined rather than begun anew
TimeSpan = tuple[int | None, int | None]
Ask = Callable[[CandleNeed, int, TimeSpan, float], Sequence[Candle]]  # a page of so many, of a span, within seconds
_log = logging.getLogger("autotrader.exchanges.candles")


@dataclass
class _Series:
    """What is known of one series: settled candles, newer ones that may still be corrected, and the last answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    settled: Bars | None = None
    young: Bars | None = None
    from_birth: bool = False
    asked_ms: int = 0
    wanted: int = 0
    answer: Candles | None = None


class CandleFeed:
    """Candles of one host. Thread-safe; one series is worked on by one thread at a time."""

    def __init__(
        self,
        ask: Ask,
        clock: ExchangeClock,
        store: CandleStore,
        origin: str,
        *,
        monotonic: Callable[[], float],
        settle_ms: int = SETTLE_MS,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._store = store
        self._origin = origin
        self._monotonic = monotonic
        self._settle_ms = settle_ms
        self._series: dict[SeriesKey, _Series] = {}
        self._lock = threading.Lock()

    def get(self, need: CandleNeed, seconds: float) -> Candles:
        """At least the candles needed, or the symbol's whole life. Raises ExchangeUnavailable, ExchangeRefused."""
        key = SeriesKey(self._origin, need.symbol, need.timeframe)
        ends = self._monotonic() + seconds
        with self._lock:
            series = self._series.setdefault(key, _Series())
        # One thread may be loading years of it; a second request for the same would double its weight and help nobody.
        if not series.lock.acquire(timeout=max(seconds, 0)):
            raise ExchangeUnavailable("its history is still being loaded")
        try:
            self._load(key, series, need.count)
            self._extend(key, series, need, ends)
            self._deepen(key, series, need, ends)
            return self._answer(key, series)
        finally:
            series.lock.release()

    def gaps(self, symbol: str, timeframe: str) -> Sequence[tuple[int, int]]:
        """Missing intervals of a series as (first missing open, next present open), oldest first."""
        series = self._series.get(SeriesKey(self._origin, symbol, timeframe))
        if series is None or series.settled is None:
            return ()
        return _gaps(series.settled, timeframe)

    def _load(self, key: SeriesKey, series: _Series, count: int) -> None:
        """From the store, at first and when more is wanted than before."""
        if series.settled is not None and count <= series.wanted:
            return
        series.wanted = max(count, series.wanted)
        if series.from_birth:
            return
        kept, from_birth = self._store.load(key, series.wanted)
        if series.settled is None or len(kept) > len(series.settled):
            series.settled, series.from_birth, series.answer = kept, from_birth, None

    def _extend(self, key: SeriesKey, series: _Series, need: CandleNeed, ends: float) -> None:
        """Ask for what closed since the newest settled candle."""
        now = self._clock.now_ms()
        current = open_of(now, need.timeframe)
        last = steps_before(current, need.timeframe, 1)
        settled = _of(series)
        if len(settled) and (last - int(settled["open_ms"][-1])) > (need.count + _SPARE) * approximate_ms(
            need.timeframe
        ):
            self._store.forget(key)  # too old to be joined: begin anew
            settled = series.settled = empty_bars()
            series.from_birth, series.answer = False, None
        # No new candle can have closed, so the series counts as asked now although nothing left.
        if len(settled) and int(settled["open_ms"][-1]) == last:
            series.young, series.asked_ms = None, now
            return
        while True:
            asked = self._clock.now_ms()
            settled = _of(series)
            # startTime is inclusive: one more than the last open asks for what comes after it and nothing twice.
            after = int(settled["open_ms"][-1]) + 1 if len(settled) else None
            limit = PAGE if after is not None else min(PAGE, need.count)
            page = self._page(need, (after, current - 1), limit, ends)
            self._refuse_future(page, last, after)
            series.asked_ms = asked
            self._take(key, series, need, page, asked)
            if after is None and len(page) < limit:
                self._birth(key, series)
            if after is None or len(page) < limit:
                break
        newest = series.young if series.young is not None and len(series.young) else _of(series)
        # The venue writes a candle a moment after its close; judging on the one before would be a bar late without a
        # word.
        if not len(newest) or int(newest["open_ms"][-1]) != last:
            raise BadReply("the exchange has not given the last closed candle yet")

    def _deepen(self, key: SeriesKey, series: _Series, need: CandleNeed, ends: float) -> None:
        """Page backwards until there are enough, or the symbol's life begins."""
        while (have := _length(series)) < need.count and not series.from_birth:
            first = _of(series)["open_ms"] if len(_of(series)) else series.young["open_ms"]  # type: ignore[index]
            before = int(first[0])
            limit = min(PAGE, need.count - have)
            page = self._page(need, (None, before - 1), limit, ends)
            if page and page[-1].open_ms >= before:
                raise BadReply("klines: candles came that were not asked for")
            bars = _bars(page, need.timeframe)
            self._keep(key, series, bars, front=True)
            if len(page) < limit:
                self._birth(key, series)

    def _page(self, need: CandleNeed, span: TimeSpan, limit: int, ends: float) -> Sequence[Candle]:
        left = ends - self._monotonic()
        if left <= 0:
            raise ExchangeUnavailable("its history is still being loaded")
        return self._ask(need, limit, span, left)

    def _refuse_future(self, page: Sequence[Candle], last: int, after: int | None) -> None:
        if page and page[-1].open_ms > last:
            raise BadReply("klines: a candle came that has not closed yet, or lies in the future")
        if page and after is not None and page[0].open_ms < after:
            raise BadReply("klines: candles came that were not asked for")

    def _take(self, key: SeriesKey, series: _Series, need: CandleNeed, page: Sequence[Candle], asked: int) -> None:
        """Keep what is settled; what closed just now is only used."""
        bars = _bars(page, need.timeframe)
        closes = [next_open(int(one), need.timeframe) for one in bars["open_ms"]]
        # The venue may correct a candle for a moment after its close: used at once, written to disk only when it is
        # settled.
        sure = sum(one <= asked - self._settle_ms for one in closes)
        self._keep(key, series, bars[:sure], front=False)
        series.young, series.answer = bars[sure:], None

    def _keep(self, key: SeriesKey, series: _Series, bars: Bars, *, front: bool) -> None:
        if not len(bars):
            return
        settled = _of(series)
        series.settled = np.concatenate([bars, settled] if front else [settled, bars])
        series.answer = None
        self._store.add(key, bars)
        for start, end in _gaps(
            series.settled[: len(bars) + 1] if front else series.settled[-len(bars) - 1 :], key.timeframe
        ):
            _log.info("%s %s: no candles from %d to %d", key.symbol, key.timeframe, start, end)

    def _birth(self, key: SeriesKey, series: _Series) -> None:
        series.from_birth, series.answer = True, None
        self._store.add(key, empty_bars(), from_birth=True)

    def _answer(self, key: SeriesKey, series: _Series) -> Candles:
        if series.answer is None:
            self._trim(series)
            series.answer = _candles(key, series)
        elif series.answer.asked_ms != series.asked_ms:
            series.answer = replace(series.answer, asked_ms=series.asked_ms)  # what was computed from it stays with it
        return series.answer

    def _trim(self, series: _Series) -> None:
        """Let go of what nobody asks for, as a new start would, so that a process that runs for months does not grow.

        To a constant length at once: numpy keeps small arrays that were freed, apart for each length that there was.
        """
        if len(_of(series)) > series.wanted:
            series.settled = _of(series)[-series.wanted :].copy()
            series.from_birth = False


def _of(series: _Series) -> Bars:
    if series.settled is None:
        series.settled = empty_bars()
    return series.settled


def _length(series: _Series) -> int:
    return len(_of(series)) + (len(series.young) if series.young is not None else 0)


def _bars(page: Sequence[Candle], timeframe: str) -> Bars:
    """Candles as an array. One that is not on the grid (after outages of old the venue has such) is left out."""
    found = [
        (one.open_ms, *map(float, (one.open, one.high, one.low, one.close, one.volume, one.turnover)))
        for one in page
        if open_of(one.open_ms, timeframe) == one.open_ms
    ]
    if len(found) < len(page):
        _log.warning("%d %s candles beside the grid were left out", len(page) - len(found), timeframe)
    return bars_of(found)


def _gaps(bars: Bars, timeframe: str) -> list[tuple[int, int]]:
    opens = bars["open_ms"]
    least = 28 * 86_400_000 if timeframe == "1M" else approximate_ms(timeframe)
    suspects = [int(one) for one in ((opens[1:] - opens[:-1]) > least).nonzero()[0]]
    pairs = [(next_open(int(opens[one]), timeframe), int(opens[one + 1])) for one in suspects]
    return [(start, end) for start, end in pairs if start < end]


def _candles(key: SeriesKey, series: _Series) -> Candles:
    parts = [_of(series)] if series.young is None or not len(series.young) else [_of(series), series.young]
    bars = np.concatenate(parts)
    columns = {name: np.ascontiguousarray(bars[name]) for name in FIELDS}
    for column in columns.values():
        column.flags.writeable = False
    return Candles(
        symbol=key.symbol,
        timeframe=key.timeframe,
        open_ms=columns["open_ms"],
        open=columns["open"],
        high=columns["high"],
        low=columns["low"],
        close=columns["close"],
        volume=columns["volume"],
        turnover=columns["turnover"],
        asked_ms=series.asked_ms,
        from_birth=series.from_birth,
    )
