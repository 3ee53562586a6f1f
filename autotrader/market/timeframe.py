"""Timeframes and their grid in UTC, as the venue cuts candles (docs/venue.md §7).

`1m` is a minute and `1M` a month, as at the venue. Days open at 00:00 UTC, weeks on Monday, months on the
first; three-day candles lie on the grid of the epoch, which is the grid the venue's recorded candles show.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from autotrader.market.candles import Candles
from autotrader.market.rolling import Ints
from autotrader.times import zone_of

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

FIXED_MS: dict[str, int] = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS,
    "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": WEEK_MS,
}  # fmt: skip
TIMEFRAMES: tuple[str, ...] = (*FIXED_MS, "1M")
_OFFSET_MS = {"1w": 4 * DAY_MS}  # the epoch was a Thursday; weeks open on Monday
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def open_of(at_ms: int, timeframe: str) -> int:
    """Open time of the candle in which a moment lies (UTC milliseconds)."""
    # Months have no fixed length; all else is arithmetic on the epoch, as the venue cuts it.
    if timeframe == "1M":
        moment = _EPOCH + timedelta(milliseconds=at_ms)
        return _ms(moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    offset = _OFFSET_MS.get(timeframe, 0)
    return (at_ms - offset) // FIXED_MS[timeframe] * FIXED_MS[timeframe] + offset


def next_open(open_ms: int, timeframe: str) -> int:
    """Open time of the candle after the one that opens at `open_ms`; this candle closes 1 ms before."""
    if timeframe == "1M":
        moment = _EPOCH + timedelta(milliseconds=open_ms)
        return _ms(moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1))
    return open_ms + FIXED_MS[timeframe]


def steps_before(open_ms: int, timeframe: str, count: int) -> int:
    """Open time of the candle `count` candles before the one that opens at `open_ms`."""
    if timeframe == "1M":
        moment = _EPOCH + timedelta(milliseconds=open_ms)
        months = moment.year * 12 + moment.month - 1 - count
        return _ms(moment.replace(year=months // 12, month=months % 12 + 1))
    return open_ms - count * FIXED_MS[timeframe]


def approximate_ms(timeframe: str) -> int:
    """Length of a candle; a month counts as 31 days."""
    return 31 * DAY_MS if timeframe == "1M" else FIXED_MS[timeframe]


def candle_text(open_ms: int, timeframe: str, zone: str) -> str:
    """A candle's span in a zone's time: `08:00–09:00`, with the date where it is a day or longer."""
    start = datetime.fromtimestamp(open_ms / 1000, tz=zone_of(zone))
    if timeframe[-1] in "dwM":
        return f"{start:%Y-%m-%d}"
    end = datetime.fromtimestamp(next_open(open_ms, timeframe) / 1000, tz=zone_of(zone))
    return f"{start:%H:%M}–{end:%H:%M}"


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


# ----------------------------------------------------------------------------------------------------------- aggregate
# Coarser candles from finer ones: only complete ones, and only where the finer timeframe divides the coarser.


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
