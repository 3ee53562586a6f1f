"""A file of candles in the venue's kline columns → `Candles`. Text in, values out; the reading is done elsewhere.

The header's first seven names count (`open_time, open, high, low, close, volume, close_time`; up to twelve may stand).
Rows may have gaps: a row with an empty cell is a candle that is not known. Anything else that is not a candle (text,
negative prices, a high below the low, times off the grid or out of order) is refused with its line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from itertools import pairwise
from math import isfinite
from operator import itemgetter

import numpy as np

from autotrader.errors import ConfigError
from autotrader.market.candles import Candles
from autotrader.market.rolling import Floats
from autotrader.market.timeframe import FIXED_MS, TIMEFRAMES, open_of

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
TURNOVER = ("quote_volume", "quote_asset_volume", "quoteassetvolume", "turnover")
_MICROSECONDS_FROM = 10**14  # newer public files of the venue carry microseconds
_EXAMPLE = "the header is `open_time,open,high,low,close,volume,close_time,…` as in the venue's klines"


def read_klines(text: str, name: str, symbol: str, interval: str = "", *, from_birth: bool = False) -> Candles:
    """Candles of a kline file. `interval` "" is worked out from the open times; all rows count as closed.

    Raises ConfigError with file and line.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    at = _columns(next(csv.reader(lines[:1]), []), name)
    found = _clean_table(lines, at)
    opens, table = found if found is not None else _checked_table(lines, at, name)
    if not opens:
        raise ConfigError(f"{name} has no candles", hint=_EXAMPLE)
    chosen = interval or _interval(opens, name)
    _check_steps(opens, chosen, name)
    _check_times(opens, chosen, name)
    return Candles(
        symbol=symbol, timeframe=chosen, open_ms=np.array(opens, dtype=np.int64),
        open=table[:, 0].copy(), high=table[:, 1].copy(), low=table[:, 2].copy(), close=table[:, 3].copy(),
        volume=table[:, 4].copy(), turnover=table[:, 5].copy(), asked_ms=opens[-1], from_birth=from_birth,
    )  # fmt: skip


def _clean_table(lines: list[str], at: tuple[int, ...]) -> tuple[list[int], Floats] | None:
    """The table of a file without any fault, quickly; None where every row has to be looked at."""
    used = at if at[-1] >= 0 else at[:-1]
    pick = itemgetter(*used)
    body = lines[1:]
    if not body or any("_" in line for line in body):
        return None
    try:
        table = np.array([tuple(map(float, pick(line.split(",")))) for line in body], dtype=np.float64)
    except (ValueError, IndexError):
        return None
    if table[:, 0].max() >= _MICROSECONDS_FROM:
        return None
    opening, high, low, close, volume = (table[:, index] for index in range(1, 6))
    sound = (low >= 0) & (low <= opening) & (opening <= high) & (low <= close) & (close <= high) & (volume >= 0)
    if not sound.all() or not np.isfinite(table[:, :6]).all() or (table[:, 0] % 1 != 0).any():
        return None
    if table.shape[1] == 6:
        table = np.column_stack((table, np.full(len(table), np.nan)))
    return table[:, 0].astype(np.int64).tolist(), table[:, 1:]


def _checked_table(lines: list[str], at: tuple[int, ...], name: str) -> tuple[list[int], Floats]:
    """The table row by row, with holes; raises ConfigError with the line of the first fault."""
    opens: list[int] = []
    values: list[tuple[float, ...]] = []
    for number, row in enumerate(csv.reader(lines[1:]), 2):
        if row:
            opens.append(_time(row, at[0], f"{name}:{number}"))
            values.append(_prices(row, at[1:], f"{name}:{number}"))
    return opens, np.array(values, dtype=np.float64).reshape(-1, 6)


def _columns(header: list[str], name: str) -> tuple[int, ...]:
    """Where each column stands; the turnover may be absent (-1)."""
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        if header and header[0].strip().isdigit():
            raise ConfigError(f"{name} has no header", hint=_EXAMPLE)
        raise ConfigError(f"{name}: the header lacks {', '.join(missing)}", hint=_EXAMPLE)
    turnover = next((names.index(each) for each in TURNOVER if each in names), -1)
    return (*(names.index(column) for column in COLUMNS), turnover)


def _time(row: list[str], at: int, where: str) -> int:
    cell = row[at].strip() if at < len(row) else ""
    if not cell.isascii() or not cell.isdigit() or len(cell) > 17:
        raise ConfigError(f"{where}: open_time is not a time in milliseconds: {cell!r}")
    value = int(cell)
    return value // 1000 if value >= _MICROSECONDS_FROM else value


def _prices(row: list[str], at: tuple[int, ...], where: str) -> tuple[float, ...]:
    """Open, high, low, close, volume, turnover; all unknown where one of the first five is empty."""
    unknown = (float("nan"),) * 6
    try:
        cells = [row[index] for index in at[:5]]
        if any(not cell.strip() for cell in cells):
            return unknown
        strange = next((cell for cell in cells if "_" in cell or not cell.isascii()), None)
        if strange is not None:
            raise ConfigError(f"{where}: not a plain number: {strange!r}")
        opening, high, low, close, volume = map(float, cells)
        turnover = float(row[at[5]]) if at[5] >= 0 and row[at[5]] else float("nan")
    except IndexError:
        return unknown
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    # NaN and infinity fail these comparisons or the check of the sum
    if not (0 <= low <= opening <= high and low <= close <= high and volume >= 0 and isfinite(high + volume)):
        raise ConfigError(
            f"{where}: not a candle: open, high, low, close, volume are {', '.join(cell.strip() for cell in cells)}",
            hint="low is the lowest and high the highest of the four, none is negative",
        )
    return opening, high, low, close, volume, turnover


def _check_steps(opens: list[int], timeframe: str, name: str) -> None:
    """A file of 4 h candles read as 1 h ones would be gaps between single candles, and everything unknown."""
    smallest = min((later - earlier for earlier, later in pairwise(opens) if later > earlier), default=0)
    other = next((each for each, span in FIXED_MS.items() if span == smallest), "")
    if len(opens) > 2 and other and smallest > FIXED_MS.get(timeframe, smallest):
        raise ConfigError(f"{name} holds {other} candles, not {timeframe}", hint=f"write --interval {other}")


def _interval(opens: list[int], name: str) -> str:
    """The timeframe whose length is the smallest step in the file."""
    steps = [later - earlier for earlier, later in pairwise(opens) if later > earlier]
    smallest = min(steps, default=0)
    found = next((timeframe for timeframe, span in FIXED_MS.items() if span == smallest), "")
    if not found:
        raise ConfigError(f"{name}: its timeframe is not clear", hint=f"add --interval, one of {' '.join(TIMEFRAMES)}")
    return found


def _check_times(opens: Iterable[int], timeframe: str, name: str) -> None:
    before = -1
    for row, moment in enumerate(opens, 2):
        if moment <= before:
            raise ConfigError(
                f"{name}: row {row}: open_time {moment} is not after the row before", hint="sort the file"
            )
        if open_of(moment, timeframe) != moment:
            raise ConfigError(
                f"{name}: row {row}: open_time {moment} is not the start of a {timeframe} candle",
                hint="--interval must be the timeframe of the file",
            )
        before = moment
