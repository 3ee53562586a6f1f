"""Rolling statistics on float64 columns, exact per window.

Running sums carry rounding from bar to bar, so that a flat market after a wild one shows a deviation that is not
there; here each window is summed for itself. Work goes in pieces, so that memory stays small on long columns.
"""

from __future__ import annotations

import numpy as np
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
