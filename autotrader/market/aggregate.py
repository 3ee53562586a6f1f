"""Coarser candles from finer ones: only complete ones, and only where the finer timeframe divides the coarser."""

from __future__ import annotations

import numpy as np

from autotrader.market.candles import Candles
from autotrader.market.rolling import Ints
from autotrader.market.timeframe import FIXED_MS, approximate_ms, open_of


def divides(fine: str, coarse: str) -> bool:
    """Whether candles of `coarse` are made of whole candles of `fine`."""
    if fine == coarse:
        return True
    if fine == "1M":
        return False
    if coarse == "1M":
        return FIXED_MS["1d"] % FIXED_MS[fine] == 0
    aligned = (open_of(0, coarse) - open_of(0, fine)) % FIXED_MS[fine] == 0
    return aligned and FIXED_MS[coarse] % FIXED_MS[fine] == 0


def aggregated(candles: Candles, timeframe: str) -> Candles | str:
    """Candles of a coarser timeframe, or why they cannot be made. A coarse candle with a missing part is left out."""
    if timeframe == candles.timeframe:
        return candles
    if approximate_ms(timeframe) < approximate_ms(candles.timeframe) or not divides(candles.timeframe, timeframe):
        return f"{timeframe} candles cannot be made from {candles.timeframe} candles"
    known = ~np.isnan(candles.close)
    opens = candles.open_ms[known]
    if not len(opens):
        return f"there are no complete {timeframe} candles"
    starts, counts = _starts(opens, timeframe), _parts(opens, candles.timeframe, timeframe)
    first = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    found = np.diff(np.concatenate((first, [len(opens)])))
    # A coarse candle with a part missing would have a wrong high, low and volume, and look like any other.
    whole = found == counts[first]
    last = first + found - 1
    columns = {name: getattr(candles, name)[known] for name in ("open", "high", "low", "close", "volume", "turnover")}
    return Candles(
        symbol=candles.symbol,
        timeframe=timeframe,
        open_ms=starts[first][whole],
        open=columns["open"][first][whole],
        high=np.maximum.reduceat(columns["high"], first)[whole],
        low=np.minimum.reduceat(columns["low"], first)[whole],
        close=columns["close"][last][whole],
        volume=np.add.reduceat(columns["volume"], first)[whole],
        turnover=np.add.reduceat(columns["turnover"], first)[whole],
        asked_ms=candles.asked_ms,
        from_birth=candles.from_birth,
    )


def _starts(opens: Ints, timeframe: str) -> Ints:
    """Open time of the coarse candle in which each fine one lies."""
    if timeframe == "1M":
        months: Ints = opens.astype("datetime64[ms]").astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
        return months
    anchor, size = open_of(0, timeframe), FIXED_MS[timeframe]
    starts: Ints = (opens - anchor) // size * size + anchor
    return starts


def _parts(opens: Ints, fine: str, coarse: str) -> Ints:
    """How many fine candles the coarse candle around each one has."""
    if coarse != "1M":
        return np.full(len(opens), FIXED_MS[coarse] // FIXED_MS[fine])
    months = opens.astype("datetime64[ms]").astype("datetime64[M]")
    spans = ((months + 1).astype("datetime64[ms]") - months.astype("datetime64[ms]")).astype(np.int64)
    counts: Ints = spans // FIXED_MS[fine]
    return counts
