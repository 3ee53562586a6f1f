"""Indicators over closed candles: columns in, one float64 column out, NaN where the value is not known.

TA-Lib computes; around it stand three rules of ours. A hole inside a word's own period makes the value unknown (TA-Lib
would step over it as if no time had passed), and an older hole does not. A value is known only once its seed weighs at
most 1e-10, unless the symbol's whole life is loaded. 0 ÷ 0 (a market that never moved) is unknown where TA-Lib says 0.

Seeding is TA-Lib's: EMA and Wilder averages start from a simple average of the first values; ATR leaves out the first
candle, which has no previous close; ADX sums over period - 1 values; both averages of MACD begin at the slow period.
Row i of a column depends on rows up to i alone.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import talib

from autotrader.market.candles import PATH_WINDOW, Candles
from autotrader.market.rolling import Flags, Floats, Ints, any_within, deviation, sar, sums, supertrend
from autotrader.market.timeframe import FIXED_MS

Rows = dict[str, Floats]  # open high low close volume, and `value`: what a word of one series is computed from
Numbers = tuple[Decimal, ...]
Indicator = Callable[[Rows, Numbers], Floats]
Path = Callable[[Rows, Numbers, int], Floats]  # over windows of so many candles; 0 = from the first one on

_SERIES = {"highest": "high", "lowest": "low"}  # what a word is computed from where no series is given: else close


def column(
    name: str, numbers: Numbers, candles: Candles, *, series: Floats | None = None, span: int, warmup: int
) -> Floats:
    """The word `name` with its numeric arguments over candles, or over a series in their place; a name in capitals is a
    function of TA-Lib.

    `span` is the word's own period in candles, `warmup` the candles until its seed is forgotten.
    """
    found = np.full(len(candles), np.nan)
    source = series if series is not None else getattr(candles, _SERIES.get(name, "close"))
    known = ~np.isnan(candles.close) if series is None else ~np.isnan(source)
    rows = {each: getattr(candles, each)[known] for each in ("open", "high", "low", "close", "volume")}
    rows["value"] = source[known]
    count = len(rows["value"])
    if count < max(2, span) and not (count and span == 1):
        return found
    if name in _PATHS:
        values = np.array(_PATHS[name](rows, numbers, 0 if candles.from_birth else PATH_WINDOW), dtype=np.float64)
    else:
        values = np.array(_indicator(name)(rows, numbers), dtype=np.float64)
    # 0 ÷ 0 and overflow are no numbers that a rule may compare: unknown, not false.
    values[~np.isfinite(values)] = np.nan
    if not candles.from_birth:
        # Until the seed is forgotten the value hangs on where the loaded history begins, and would differ after a
        # restart.
        values[: warmup - 1] = np.nan
    positions = _positions(candles)[known]
    if span > 1:
        values[: span - 1] = np.nan
        values[span - 1 :][positions[span - 1 :] - positions[: count - span + 1] != span - 1] = np.nan
    found[known] = values
    return found


def shifted(values: Floats, candles: Candles, count: int) -> Floats:
    """The column `count` candles ago, by time: NaN where that candle is missing."""
    positions = _positions(candles)
    at = np.searchsorted(positions, positions - count)
    found: Floats = np.where(positions[at] == positions - count, values[at], np.nan)
    return found


def _positions(candles: Candles) -> Ints:
    """Each candle's number on the grid of its timeframe, so that neighbours differ by one."""
    known: Ints | None = candles.memo.get("positions")
    if known is None:
        if candles.timeframe == "1M":
            months = candles.open_ms.astype("datetime64[ms]").astype("datetime64[M]")
            known = months.astype(np.int64)
        else:
            known = candles.open_ms // FIXED_MS[candles.timeframe]
        candles.memo["positions"] = known
    return known


# ---------------------------------------------------------------------------------------------------- averages


def _column(name: str) -> Indicator:
    def pick(rows: Rows, _numbers: Numbers) -> Floats:
        return rows[name]

    return pick


def _windowed(function: str) -> Indicator:
    """A TA-Lib function of one series and a period; a period of one is the series itself."""

    def compute(rows: Rows, numbers: Numbers) -> Floats:

        period = int(numbers[0])
        found: Floats = rows["value"] if period == 1 else getattr(talib, function)(rows["value"], period)
        return found

    return compute


def _difference(function: str) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:

        found: Floats = getattr(talib, function)(rows["value"], int(numbers[0]))
        return found

    return compute


def _roc(rows: Rows, numbers: Numbers) -> Floats:
    found: Floats = talib.ROC(rows["value"], int(numbers[0]))
    before = np.roll(rows["value"], int(numbers[0]))
    return np.where(before == 0, np.nan, found)


def _ranged(function: str) -> Indicator:
    """A TA-Lib function of high, low and close and a period."""

    def compute(rows: Rows, numbers: Numbers) -> Floats:

        found: Floats = getattr(talib, function)(rows["high"], rows["low"], rows["close"], int(numbers[0]))
        return found

    return compute


def _rsi(rows: Rows, numbers: Numbers) -> Floats:
    found: Floats = talib.RSI(rows["value"], int(numbers[0]))
    moved = np.maximum.accumulate(np.concatenate(([0.0], (np.diff(rows["value"]) != 0).astype(np.float64))))
    return np.where(moved > 0, found, np.nan)


def _directional(function: str) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:

        found = _ranged(function)(rows, numbers)
        ranges = (rows["high"] != rows["low"]) | (np.concatenate(([0.0], np.diff(rows["close"]))) != 0)
        return np.where(np.maximum.accumulate(ranges.astype(np.float64)) > 0, found, np.nan)

    return compute


def _macd(index: int) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:

        fast, slow, signal = (int(number) for number in numbers)
        found: Floats = talib.MACD(rows["value"], fast, slow, signal)[index]
        return found

    return compute


def _macd_line(rows: Rows, numbers: Numbers) -> Floats:
    """TA-Lib holds the line back until the signal has begun; a signal of one period shows it from the start."""
    return _macd(0)(rows, (numbers[0], numbers[1], Decimal(1)))


# ---------------------------------------------------------------------------------------------------- bands
def _band(side: int) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:
        mean, spread = deviation(rows["value"], int(numbers[0]))
        found: Floats = mean + side * float(numbers[1]) * spread
        return found

    return compute


def _band_width(rows: Rows, numbers: Numbers) -> Floats:
    mean, spread = deviation(rows["value"], int(numbers[0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = 200.0 * float(numbers[1]) * spread / mean
    return found


def _stdev(rows: Rows, numbers: Numbers) -> Floats:
    return deviation(rows["value"], int(numbers[0]))[1]


def _zscore(rows: Rows, numbers: Numbers) -> Floats:
    mean, spread = deviation(rows["value"], int(numbers[0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (rows["value"] - mean) / spread
    return found


# ---------------------------------------------------------------------------------------------------- oscillators
def _flat(rows: Rows, period: int) -> Flags:
    """Where the last `period` candles have one price only."""
    high = rows["high"] if period == 1 else talib.MAX(rows["high"], period)
    low = rows["low"] if period == 1 else talib.MIN(rows["low"], period)
    found: Flags = high == low
    return found


def _stochastic(index: int) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:

        fast, slow, signal = (int(number) for number in numbers)
        smoothing = slow if index == 0 else slow + signal - 1
        average: Any = 0  # TA-Lib's number of the simple average
        shown = 1 if index == 0 else signal  # TA-Lib holds %K back until %D has begun
        found: Floats = talib.STOCH(rows["high"], rows["low"], rows["close"], fast, slow, average, shown, average)[
            index
        ]
        return np.where(any_within(_flat(rows, fast), smoothing), np.nan, found)

    return compute


def _unless_flat(function: str) -> Indicator:
    def compute(rows: Rows, numbers: Numbers) -> Floats:

        return np.where(_flat(rows, int(numbers[0])), np.nan, _ranged(function)(rows, numbers))

    return compute


def _mfi(rows: Rows, numbers: Numbers) -> Floats:
    """Money flow of rising and falling candles, summed per window: TA-Lib's own takes a flow below 1 for none."""
    typical = (rows["high"] + rows["low"] + rows["close"]) / 3.0
    change = np.concatenate(([0.0], np.diff(typical)))
    flow = typical * rows["volume"]
    period = int(numbers[0])
    rising, falling = sums(np.where(change > 0, flow, 0.0), period), sums(np.where(change < 0, flow, 0.0), period)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = 100.0 * rising / (rising + falling)
    return found


# ---------------------------------------------------------------------------------------------------- volume
def _obv(rows: Rows, _numbers: Numbers) -> Floats:
    found: Floats = talib.OBV(rows["close"], rows["volume"])
    return found


def _vwap(rows: Rows, numbers: Numbers) -> Floats:
    period = int(numbers[0])
    typical = (rows["high"] + rows["low"] + rows["close"]) / 3.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = sums(typical * rows["volume"], period) / sums(rows["volume"], period)
    return found


_INDICATORS: dict[str, Indicator] = {
    "open": _column("open"),
    "high": _column("high"),
    "low": _column("low"),
    "close": _column("close"),
    "volume": _column("volume"),
    "highest": _windowed("MAX"),
    "lowest": _windowed("MIN"),
    "rsi": _rsi,
    "atr": _ranged("ATR"),
    "natr": _ranged("NATR"),
    "macd": _macd_line,
    "macd_signal": _macd(1),
    "macd_hist": _macd(2),
    "bb_upper": _band(1),
    "bb_mid": _band(0),
    "bb_lower": _band(-1),
    "bb_width": _band_width,
    "stoch_k": _stochastic(0),
    "stoch_d": _stochastic(1),
    "adx": _directional("ADX"),
    "plus_di": _directional("PLUS_DI"),
    "minus_di": _directional("MINUS_DI"),
    "cci": _unless_flat("CCI"),
    "mfi": _mfi,
    "obv": _obv,
    "roc": _roc,
    "mom": _difference("MOM"),
    "willr": _unless_flat("WILLR"),
    "stdev": _stdev,
    "vwap": _vwap,
    "zscore": _zscore,
}


def _indicator(name: str) -> Indicator:
    """The function of a name; in capitals it is TA-Lib's own, of one series and a period."""
    return _windowed(name) if name.isupper() else _INDICATORS[name]


_PATHS: dict[str, Path] = {"supertrend": supertrend, "sar": sar}
