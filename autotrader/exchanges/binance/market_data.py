"""The `MarketData` port at Binance: all needs of a cycle in the requests of least weight, side by side, in one time.

A datum that is late, refused or cannot be believed is missing with its reason; nothing is filled in, and one bad
symbol spoils no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from autotrader.errors import AutotraderError, ExchangeRefused
from autotrader.exchanges.binance import weights
from autotrader.exchanges.binance.client import Client
from autotrader.exchanges.binance.endpoints import Each, PublicCalls
from autotrader.exchanges.binance.errors import NO_SUCH_SYMBOL
from autotrader.exchanges.binance.instruments import Instruments
from autotrader.exchanges.pool import Pool
from autotrader.exchanges.reading import BadReply
from autotrader.exchanges.venue import zone_text
from autotrader.market.account import Health
from autotrader.market.instrument import Instrument
from autotrader.market.needs import (
    AccountNeed,
    BookNeed,
    CandleNeed,
    MarketNeed,
    Need,
    StatusNeed,
    TickerNeed,
    TradingDayNeed,
    merged,
)  # fmt: skip
from autotrader.market.snapshot import Book, Seen, Snapshot, Ticker
from autotrader.money import over
from autotrader.times import MINUTE_MS

if TYPE_CHECKING:
    from autotrader.exchanges.candle_feed import CandleFeed

S = TypeVar("S", bound=Seen)
T = TypeVar("T")
Found = dict[Need, Seen | str]
Job = Callable[[float], Found]
_FAR: Final = Decimal("0.9")  # a last price so far from the middle of the book is not one (docs/order-safety.md §7)


class BinanceMarketData:
    """Fresh market data from one Binance host. `close` ends its threads."""

    def __init__(
        self, client: Client, instruments: Instruments, feed: Callable[[], CandleFeed], pool: Pool, zone: tzinfo = UTC
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._instruments = instruments
        self._make_feed = feed
        self._feed: CandleFeed | None = None
        self._pool = pool
        self._zone = zone
        self._update_ids: dict[str, int] = {}

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Instruments by symbol, at most a day old; a symbol the exchange lacks is absent."""
        return self._instruments.get(symbols)

    def observe(self, needs: frozenset[MarketNeed], deadline: float) -> Snapshot:
        """Fetch all needs concurrently; what is not there by `deadline` (clock.monotonic) is missing."""
        seconds = deadline - self._clock.monotonic()
        monotonic = self._client.monotonic
        ends = monotonic() + seconds
        jobs = self._jobs(merged(frozenset(needs)))

        def timed(job: Job) -> Callable[[], Found]:
            return lambda: job(ends - monotonic())

        done = self._pool.run({wanted: timed(job) for wanted, job in jobs.items()}, seconds)
        found: Found = {}
        for wanted, result in done.items():
            if isinstance(result, dict):
                found.update(result)
            else:
                why = result.message if isinstance(result, AutotraderError) else f"not answered within {seconds:.1f} s"
                found.update(dict.fromkeys(wanted, why))
        self._client.governor.tell()
        return self._snapshot(found)

    def weight_per_minute(
        self, needs: Mapping[MarketNeed | AccountNeed, int]
    ) -> Mapping[MarketNeed | AccountNeed, Decimal]:
        """Request weight per minute of each need, given the period in ms at which it is asked."""
        return weights.per_minute(needs)

    def weight_limit(self) -> int:
        """The exchange's request weight per minute, as last read from it."""
        return self._client.governor.limit

    def health(self) -> Health:
        """Clock skew, the weight used in this minute in percent of the limit, and the end of a ban."""
        governor = self._client.governor
        used = over(Decimal(100 * governor.used), Decimal(governor.limit))
        parked = governor.parked()
        until_ms = None if parked is None else parked.until_ms
        return Health(clock_skew_ms=self._clock.skew_ms(), weight_used=used, silent_until_ms=until_ms)

    def gaps(self, symbol: str, timeframe: str) -> Sequence[tuple[int, int]]:
        """Intervals of a candle series that the exchange does not have."""
        return self._candle_feed().gaps(symbol, timeframe)

    def _jobs(self, needs: frozenset[Need]) -> dict[tuple[Need, ...], Job]:
        """The requests of least weight, in a fixed order; each key holds the needs that its job answers."""
        # A fixed order of requests, so that a simulation plays the same day twice.
        ordered = sorted(needs, key=repr)
        calls = PublicCalls(self._client)
        zone = zone_text(datetime.fromtimestamp(self._clock.now_ms() / 1000, self._zone))
        jobs: dict[tuple[Need, ...], Job] = {}
        for group in _chunks([one for one in ordered if isinstance(one, TickerNeed)], weights.TICKERS_AT_ONCE):
            jobs[group] = partial(_tickers, calls, group)
        for days in _chunks([one for one in ordered if isinstance(one, TradingDayNeed)], weights.DAYS_AT_ONCE):
            jobs[days] = partial(_days, calls, days, zone)
        best = tuple(one for one in ordered if isinstance(one, BookNeed) and one.levels == 1)
        if best:
            jobs[best] = partial(_best, calls, best)
        for need in ordered:
            if isinstance(need, BookNeed) and need.levels > 1:
                jobs[(need,)] = partial(self._depth, calls, need)
            elif isinstance(need, CandleNeed):
                jobs[(need,)] = partial(_candles, self._candle_feed(), need)
            elif isinstance(need, StatusNeed):
                jobs[(need,)] = partial(_status, calls, need)
        return jobs

    def _candle_feed(self) -> CandleFeed:
        """Made when candles are first asked for, always in the caller's thread: the jobs of the pool are given it."""
        if self._feed is None:
            self._feed = self._make_feed()
        return self._feed

    def _depth(self, calls: PublicCalls, need: BookNeed, seconds: float) -> Found:
        book = calls.within(seconds).depth(need.symbol, need.levels)
        before, self._update_ids[need.symbol] = self._update_ids.get(need.symbol, 0), book.update_id
        # A cache of the venue that lags behind the one that answered before.
        if book.update_id < before:
            raise BadReply("depth: an older book than the one before")
        return {need: book}

    def _snapshot(self, found: Found) -> Snapshot:
        _doubt_far_prices(found)
        seen = {need: value for need, value in found.items() if not isinstance(value, str)}
        missing = {need: value for need, value in found.items() if isinstance(value, str)}
        return Snapshot(now_ms=self._clock.now_ms(), seen=seen, missing=missing)


def _chunks(needs: list[T], size: int) -> list[tuple[T, ...]]:
    return [tuple(needs[at : at + size]) for at in range(0, len(needs), size)]


def _spread_out(fetch: Callable[[Sequence[str]], Each[T]], symbols: Sequence[str]) -> dict[str, T | AutotraderError]:
    """Ask for several at once; where the venue refuses all because it does not know one, ask one by one."""
    try:
        return dict(fetch(symbols))
    except ExchangeRefused as refused:
        # One symbol that was taken off the list refuses the whole request, and must not blind every other rule.
        if refused.code != NO_SUCH_SYMBOL or len(symbols) == 1:
            raise
    found: dict[str, T | AutotraderError] = {}
    for symbol in symbols:
        try:
            found.update(fetch([symbol]))
        except AutotraderError as error:
            found[symbol] = error
    return found


def _candles(feed: CandleFeed, need: CandleNeed, seconds: float) -> Found:
    return {need: feed.get(need, seconds)}


def _tickers(calls: PublicCalls, needs: Sequence[Need], seconds: float) -> Found:
    """24 hour tickers of several symbols in one request."""
    symbols = {need.symbol: need for need in needs if isinstance(need, TickerNeed)}
    found = _spread_out(calls.within(seconds).ticker_24h_each, list(symbols))
    return {need: _told(found[symbol], _not_ahead) for symbol, need in symbols.items()}


def _days(calls: PublicCalls, needs: Sequence[Need], zone: str, seconds: float) -> Found:
    """Trading-day tickers of several symbols in one request."""
    symbols = {need.symbol: need for need in needs if isinstance(need, TradingDayNeed)}
    within = calls.within(seconds)
    found = _spread_out(lambda names: within.trading_day_each(names, zone), list(symbols))
    return {need: _told(found[symbol], _today) for symbol, need in symbols.items()}


def _best(calls: PublicCalls, needs: Sequence[Need], seconds: float) -> Found:
    """Best prices of several symbols in one request."""
    symbols = {need.symbol: need for need in needs if isinstance(need, BookNeed)}
    found = _spread_out(calls.within(seconds).best_each, list(symbols))
    return {need: _told(found[symbol]) for symbol, need in symbols.items()}


def _status(calls: PublicCalls, need: Need, seconds: float) -> Found:
    return {need: calls.within(seconds).system_status()}


def _told(found: S | AutotraderError, doubt: Callable[[S], str] = lambda _one: "") -> Seen | str:
    """The value, or why there is none."""
    return found.message if isinstance(found, AutotraderError) else doubt(found) or found


def _not_ahead(one: Ticker) -> str:
    ahead = one.close_time_ms > one.asked_ms + MINUTE_MS
    return "ticker: its last trade lies in the future" if ahead else ""


def _today(one: Ticker) -> str:
    today = one.open_time_ms - MINUTE_MS <= one.asked_ms <= one.close_time_ms + MINUTE_MS
    return "" if today else "tradingDay: the day in the reply is not today"


def _doubt_far_prices(found: Found) -> None:
    """Where last price and book of a symbol lie more than 90 % apart one of them is wrong: neither is used."""
    books = {value.symbol: (need, value) for need, value in found.items() if isinstance(value, Book)}
    for need, value in list(found.items()):
        if not isinstance(need, TickerNeed) or not isinstance(value, Ticker) or value.symbol not in books:
            continue
        book_need, book = books[value.symbol]
        if not book.bids or not book.asks:
            continue
        middle = (book.bids[0][0] + book.asks[0][0]) / 2
        if abs(value.last - middle) > middle * _FAR:
            why = "last price and order book are more than 90 % apart; neither is believed"
            found[need] = found[book_need] = why
