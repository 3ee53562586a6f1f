"""Rolling statistics on float64 columns, exact per window.

Running sums carry rounding from bar to bar, so that a flat market after a wild one shows a deviation that is not
there; here each window is summed for itself. Work goes in pieces, so that memory stays small on long columns.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import talib
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_CELLS = 4_000_000  # of one piece: 32 MB


def deviation(values: Floats, period: int) -> tuple[Floats, Floats]:
    """(mean, population standard deviation) of each window; NaN before the first full one."""
    mean, spread = np.full(len(values), np.nan), np.full(len(values), np.nan)
    count = len(values) - period + 1
    if count < 1:
        return mean, spread
    windows = sliding_window_view(values, period)
    step = max(1, _CELLS // period)
    for begin in range(0, count, step):
        piece = windows[begin : begin + step]
        middle = piece.mean(axis=1)
        away = piece - middle[:, None]
        flat = piece.min(axis=1) == piece.max(axis=1)
        at = slice(begin + period - 1, begin + period - 1 + len(piece))
        mean[at] = middle
        spread[at] = np.where(flat, 0.0, np.sqrt((away * away).mean(axis=1)))
    return mean, spread


def sums(values: Floats, period: int) -> Floats:
    """Sum of each window; NaN before the first full one."""
    found = np.full(len(values), np.nan)
    count = len(values) - period + 1
    if count < 1:
        return found
    windows = sliding_window_view(values, period)
    step = max(1, _CELLS // period)
    for begin in range(0, count, step):
        piece = windows[begin : begin + step]
        found[begin + period - 1 : begin + period - 1 + len(piece)] = piece.sum(axis=1)
    return found


def any_within(flags: Flags, period: int) -> Flags:
    """Whether any of the last `period` flags is set."""
    total = np.concatenate(([0.0], np.cumsum(flags)))
    begin = np.maximum(np.arange(len(flags)) + 1 - period, 0)
    found: Flags = (total[1:] - total[begin]) > 0
    return found


# --------------------------------------------------------------------------------------------------------------- paths
# Indicators that follow a path and never settle: parabolic SAR and supertrend.
#
# Each value hangs on where the path began, so it is computed from the symbol's whole life (`window` 0), or afresh
# from a fixed window of candles before it: the same value wherever the loaded history begins.

Rows = dict[str, Floats]
Numbers = tuple[Decimal, ...]


def sar(rows: Rows, numbers: Numbers, window: int) -> Floats:
    """Parabolic SAR: over the whole life, or each value from the last `window` candles alone."""
    high, low = rows["high"], rows["low"]
    step, most = float(numbers[0]), float(numbers[1])
    if not window:
        everything: Floats = talib.SAR(high, low, step, most)
        return everything
    found = np.full(len(high), np.nan)
    for end in range(window, len(high) + 1):
        found[end - 1] = talib.SAR(high[end - window : end], low[end - window : end], step, most)[-1]
    return found


def supertrend(rows: Rows, numbers: Numbers, window: int) -> Floats:
    """The band that holds, of (high + low) / 2 ± multiplier x atr.

    A band only moves towards the price while the close stays on its side; when the close passes the band that holds,
    the other one takes over. With a window each value starts afresh that many candles before it: all
    starts run side by side, one step at a time.
    """
    period, multiplier = int(numbers[0]), float(numbers[1])
    middle = (rows["high"] + rows["low"]) / 2.0
    reach = multiplier * _mean_range(rows, period)
    upper, lower, close = middle + reach, middle - reach, rows["close"]
    count = len(close)
    if not window:
        return _trend_path(upper, lower, close)
    found = np.full(count, np.nan)
    if count >= window:
        found[window - 1 :] = _trend_windows(upper, lower, close, (period, window))
    return found


def _mean_range(rows: Rows, period: int) -> Floats:
    found: Floats = talib.ATR(rows["high"], rows["low"], rows["close"], period)
    return np.array(found)


def _trend_path(upper: Floats, lower: Floats, close: Floats) -> Floats:
    """The holding band along one path."""
    found = np.full(len(close), np.nan)
    first = int(np.argmax(~np.isnan(upper)))
    top, bottom, rising = (
        float(upper[first]),
        float(lower[first]),
        bool(close[first] > (upper[first] + lower[first]) / 2),
    )
    found[first] = bottom if rising else top
    before = float(close[first])
    ups, downs, closes = upper.tolist(), lower.tolist(), close.tolist()
    for row in range(first + 1, len(closes)):
        top = ups[row] if ups[row] < top or before > top else top
        bottom = downs[row] if downs[row] > bottom or before < bottom else bottom
        before = closes[row]
        rising = before >= bottom if rising else before > top
        found[row] = bottom if rising else top
    return found


def _trend_windows(upper: Floats, lower: Floats, close: Floats, sizes: tuple[int, int]) -> Floats:
    """The holding band at the end of every window of `sizes[1]` candles, all windows side by side.

    The average range is that of the whole column; the band path starts where a window of its own would know one.
    """
    period, window = sizes
    count = len(close) - window + 1

    def at(values: Floats, step: int) -> Floats:
        return values[step : step + count]

    top, bottom, before = at(upper, period).copy(), at(lower, period).copy(), at(close, period)
    rising = before > (top + bottom) / 2
    for step in range(period + 1, window):
        up, down = at(upper, step), at(lower, step)
        top = np.where((up < top) | (before > top), up, top)
        bottom = np.where((down > bottom) | (before < bottom), down, bottom)
        before = at(close, step)
        rising = np.where(rising, before >= bottom, before > top)
    return np.where(rising, bottom, top)
