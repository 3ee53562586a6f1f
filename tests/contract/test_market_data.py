"""The contract of `ports.MarketData`: numbered cases from simple to hard, at an exchange over HTTP, with a key and
without.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from autotrader.market.candles import Candles
from autotrader.market.needs import (
    AccountNeed,
    BalancesNeed,
    BookNeed,
    CandleNeed,
    MarketNeed,
    OpenOrdersNeed,
    StatusNeed,
    TickerNeed,
    TradingDayNeed,
)  # fmt: skip
from autotrader.market.snapshot import Book, ExchangeStatus, Snapshot, Ticker
from autotrader.market.timeframe import open_of
from autotrader.money import total
from autotrader.ports import MarketData
from autotrader.times import MINUTE_MS
from tests.contract.venues import BROKERS, OTHER, SYMBOL, Stand

ALL: tuple[MarketNeed, ...] = (
    TickerNeed(SYMBOL), TickerNeed(OTHER), TradingDayNeed(SYMBOL), BookNeed(SYMBOL, 1), BookNeed(OTHER, 20),
    CandleNeed(SYMBOL, "5m", 30), CandleNeed(OTHER, "1h", 5), StatusNeed(),
)  # fmt: skip


@pytest.fixture(params=["binance", "paper"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """A connection with a key and one without."""
    with BROKERS[request.param](tmp_path) as made:
        yield made


def market(stand: Stand) -> MarketData:
    """The port."""
    return stand.connection.market


def look(stand: Stand, *needs: MarketNeed, seconds: float = 5) -> Snapshot:
    """One look."""
    return market(stand).observe(frozenset(needs), stand.connection.clock.monotonic() + seconds)


def candles(stand: Stand, timeframe: str, count: int) -> Candles:
    """A series, which must be there."""
    found = look(stand, CandleNeed(SYMBOL, timeframe, count)).candles(SYMBOL, timeframe)
    assert isinstance(found, Candles), found
    return found


def test_01_instruments_have_filters_and_strangers_are_absent(stand: Stand) -> None:
    """Listed symbols come with filters read now; one that the exchange lacks is absent, not an error."""
    found = market(stand).instruments([SYMBOL, "NOPEJPY", OTHER])
    assert set(found) == {SYMBOL, OTHER}
    for symbol, one in found.items():
        assert (one.symbol, one.base + one.quote) == (symbol, symbol)
        assert one.has_filters
        assert one.tick > 0
        assert one.step > 0


def test_02_every_need_is_answered_or_missing_never_both(stand: Stand) -> None:
    """One look at everything: each need has a value or a reason, and each value is of its kind."""
    seen = look(stand, *ALL)
    assert set(seen.seen) | set(seen.missing) == set(ALL)
    assert not set(seen.seen) & set(seen.missing)
    assert not seen.missing
    kinds = {
        TickerNeed: Ticker,
        TradingDayNeed: Ticker,
        BookNeed: Book,
        CandleNeed: Candles,
        StatusNeed: ExchangeStatus,
    }
    assert all(isinstance(value, kinds[type(need)]) for need, value in seen.seen.items())


def test_03_nothing_asked_is_nothing_seen(stand: Stand) -> None:
    """No needs, no requests, no values."""
    before = stand.simulator.requests()["total"]
    seen = look(stand)
    assert (dict(seen.seen), dict(seen.missing)) == ({}, {})
    assert stand.simulator.requests()["total"] == before


def test_04_figures_agree_with_each_other(stand: Stand) -> None:
    """Low is lowest, the last price lies in the range, the book is sorted and uncrossed, its first level the best."""
    seen = look(stand, TickerNeed(SYMBOL), TradingDayNeed(SYMBOL), BookNeed(SYMBOL, 1))
    ticker, day, best = seen.ticker(SYMBOL), seen.trading_day(SYMBOL), seen.book(SYMBOL)
    assert not isinstance(ticker, str)
    assert not isinstance(day, str)
    assert not isinstance(best, str)
    assert ticker.low <= ticker.last <= ticker.high
    assert day.low <= day.last <= day.high
    assert day.open_time_ms <= stand.now_ms
    deep = stand.book()
    assert [deep.bids[0], deep.asks[0]] == [best.bids[0], best.asks[0]]
    assert deep.bids[0][0] < deep.asks[0][0]
    assert [price for price, _ in deep.bids] == sorted((price for price, _ in deep.bids), reverse=True)
    assert [price for price, _ in deep.asks] == sorted(price for price, _ in deep.asks)


def test_05_a_datum_is_as_old_as_its_request(stand: Stand) -> None:
    """`asked_ms` is the exchange's time when it was asked for, and moves on with it."""
    first = look(stand, TickerNeed(SYMBOL)).ticker(SYMBOL)
    began = stand.now_ms
    stand.pass_(7)
    second = look(stand, TickerNeed(SYMBOL)).ticker(SYMBOL)
    assert not isinstance(first, str)
    assert not isinstance(second, str)
    assert (first.asked_ms, second.asked_ms) == (began, began + 7000)


def test_06_candles_are_closed_and_in_order(stand: Stand) -> None:
    """Times rise on the grid, the newest closed before now, highs and lows contain open and close."""
    found = candles(stand, "5m", 30)
    assert len(found) >= 30
    assert np.all(np.diff(found.open_ms) > 0)
    assert np.all(found.open_ms % (5 * MINUTE_MS) == 0)
    assert found.open_ms[-1] + 5 * MINUTE_MS <= stand.now_ms
    assert np.all(found.low <= np.minimum(found.open, found.close))
    assert np.all(found.high >= np.maximum(found.open, found.close))


def test_07_the_past_does_not_change(stand: Stand) -> None:
    """Half an hour later the series has gone on, and what was closed is bit for bit what it was."""
    before = candles(stand, "1m", 50)
    stand.pass_(1800)
    after = candles(stand, "1m", 50)
    both, at, then = np.intersect1d(before.open_ms, after.open_ms, return_indices=True)
    assert len(both) >= 10
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(before, name)[at], getattr(after, name)[then])
    assert after.open_ms[-1] > before.open_ms[-1]
    assert after.open_ms[-1] < open_of(stand.now_ms, "1m")


def test_08_one_stranger_spoils_nothing(stand: Stand) -> None:
    """A symbol that is not listed is missing with its reason; all others are there."""
    strangers: tuple[MarketNeed, ...] = (TickerNeed("NOPEJPY"), BookNeed("NOPEJPY", 5), CandleNeed("NOPEJPY", "1h", 3))
    seen = look(stand, *ALL, *strangers)
    assert set(seen.missing) == set(strangers)
    assert set(seen.seen) == set(ALL)
    assert all(seen.missing.values())


def test_09_what_comes_too_late_is_missing(stand: Stand) -> None:
    """A deadline that has passed asks nothing and invents nothing."""
    before = stand.simulator.requests()["total"]
    seen = look(stand, *ALL, seconds=-1)
    assert set(seen.missing) == set(ALL)
    assert not seen.seen
    assert stand.simulator.requests()["total"] == before


def test_10_weights_are_what_the_exchange_counts(stand: Stand) -> None:
    """The weight per minute of needs that are looked at once a minute is what the exchange's own count says."""
    looked: tuple[MarketNeed, ...] = (TickerNeed(SYMBOL), TickerNeed(OTHER), BookNeed(SYMBOL, 20), BookNeed(OTHER, 1))
    periods: dict[MarketNeed | AccountNeed, int] = dict.fromkeys(looked, MINUTE_MS)
    weight = total(market(stand).weight_per_minute(periods).values())
    stand.pass_(60 - stand.now_ms % MINUTE_MS / 1000)
    look(stand, *looked)
    assert stand.simulator.exchange.weights.used == weight
    assert market(stand).health().weight_used == weight / 60


def test_11_every_need_has_a_weight(stand: Stand) -> None:
    """Account needs too; a longer period never weighs more; the limit is the exchange's."""
    needs: tuple[MarketNeed | AccountNeed, ...] = (*ALL, BalancesNeed(), OpenOrdersNeed(SYMBOL))
    often = market(stand).weight_per_minute(dict.fromkeys(needs, 10_000))
    seldom = market(stand).weight_per_minute(dict.fromkeys(needs, 600_000))
    assert set(often) == set(seldom) == set(needs)
    assert all(Decimal(0) < seldom[need] <= often[need] for need in needs)
    market(stand).instruments([SYMBOL])
    assert market(stand).weight_limit() == 6000
