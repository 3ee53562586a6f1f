"""Candles for tests: from columns, from the reference file, or random walks with holes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotrader.language.tree import Term
from autotrader.language.vocabulary import column_of
from autotrader.market.candles import Candles
from autotrader.market.timeframe import FIXED_MS
from tests.language.scopes import value

Floats = NDArray[np.float64]
DAY = "1d"


def candles(
    columns: dict[str, Floats], *, timeframe: str = DAY, from_birth: bool = False, positions: Floats | None = None
) -> Candles:
    """Candles of BTCJPY; `positions` leaves holes; what is not given is the close (volume: 1)."""
    close = columns["close"] if "close" in columns else next(iter(columns.values()))
    count = len(close)
    places = np.arange(count) if positions is None else positions
    return Candles(
        symbol="BTCJPY",
        timeframe=timeframe,
        open_ms=(places * FIXED_MS[timeframe]).astype(np.int64),
        open=columns.get("open", close),
        high=columns.get("high", close),
        low=columns.get("low", close),
        close=close,
        volume=columns.get("volume", np.ones(count)),
        turnover=np.full(count, np.nan),
        asked_ms=0,
        from_birth=from_birth,
    )


def column(text: str, tape: Candles) -> Floats:
    """A candle word's column."""
    term = value(text)
    assert isinstance(term, Term)
    return column_of(term, tape)


def reference(shared_data: Path) -> dict[str, Floats]:
    """The reference file of 502 days by column; NaN where it says nothing."""
    with (shared_data / "indicators" / "skender-daily-502.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "date"]
    return {name: np.array([float(row[name]) if row[name] else np.nan for row in rows]) for name in names}


def walk(count: int, seed: int, *, holes: float = 0.0) -> Candles:
    """A random market of hours; `holes` of its candles are missing."""
    random = np.random.default_rng(seed)
    close = 9_000_000 * np.exp(np.cumsum(random.normal(0, 0.004, count)))
    opening = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opening, close) * (1 + random.random(count) * 0.002)
    low = np.minimum(opening, close) * (1 - random.random(count) * 0.002)
    volume = random.random(count) * 5
    kept = random.random(count) >= holes
    columns = {"open": opening, "high": high, "low": low, "close": close, "volume": volume}
    return candles(
        {name: values[kept] for name, values in columns.items()},
        timeframe="1h",
        positions=np.arange(count, dtype=np.float64)[kept],
    )


def cut(tape: Candles, count: int) -> Candles:
    """The first `count` candles."""
    return Candles(
        symbol=tape.symbol, timeframe=tape.timeframe, open_ms=tape.open_ms[:count], open=tape.open[:count],
        high=tape.high[:count], low=tape.low[:count], close=tape.close[:count], volume=tape.volume[:count],
        turnover=tape.turnover[:count], asked_ms=0, from_birth=tape.from_birth,
    )  # fmt: skip
