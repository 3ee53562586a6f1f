"""Coarser candles from finer ones."""

from __future__ import annotations

import numpy as np
import pytest

from autotrader.market.candles import Candles
from autotrader.market.timeframe import FIXED_MS, TIMEFRAMES, aggregated, divides, open_of, steps_before
from tests.market.tapes import candles, cut, walk


def _made(tape: Candles, timeframe: str) -> Candles:
    found = aggregated(tape, timeframe)
    assert isinstance(found, Candles), found
    return found


def test_open_high_low_close_and_volume() -> None:
    """First open, highest high, lowest low, last close, summed volume."""
    tape = walk(9, 1)
    found = _made(tape, "4h")
    assert [0, 4 * FIXED_MS["1h"]] == found.open_ms.tolist()
    assert tape.open[[0, 4]].tolist() == found.open.tolist()
    assert [tape.high[:4].max(), tape.high[4:8].max()] == found.high.tolist()
    assert [tape.low[:4].min(), tape.low[4:8].min()] == found.low.tolist()
    assert tape.close[[3, 7]].tolist() == found.close.tolist()
    assert tape.volume[:8].reshape(2, 4).sum(axis=1).tolist() == pytest.approx(found.volume.tolist())


def test_an_incomplete_candle_is_left_out() -> None:
    """A coarse candle with a missing or unknown part is no candle."""
    tape = walk(16, 2)
    holed = candles({"close": np.delete(tape.close, 5)}, timeframe="1h", positions=np.delete(np.arange(16.0), 5))
    assert (_made(holed, "4h").open_ms // FIXED_MS["1h"]).tolist() == [0, 8, 12]
    unknown = tape.close.copy()
    unknown[9] = np.nan
    assert (_made(candles({"close": unknown}, timeframe="1h"), "4h").open_ms // FIXED_MS["1h"]).tolist() == [0, 4, 12]


def test_months_and_weeks_lie_on_the_venues_grid() -> None:
    """Weeks open on Monday, months on the first."""
    days = candles({"close": np.arange(100.0) + 1})
    for timeframe in ("1w", "1M"):
        found = _made(days, timeframe)
        assert len(found) > 0
        assert all(open_of(int(moment), timeframe) == moment for moment in found.open_ms)
    assert (_made(days, "1M").open_ms // FIXED_MS["1d"]).tolist() == [0, 31, 59]


@pytest.mark.parametrize(("fine", "coarse"), [("4h", "1h"), ("1w", "1M"), ("1M", "1d"), ("3d", "1w"), ("6h", "8h")])
def test_what_does_not_divide_is_refused(fine: str, coarse: str) -> None:
    """No coarser candle is guessed from parts that straddle its ends."""
    start = steps_before(open_of(10**12, fine), fine, 0)
    tape = candles({"close": np.ones(1)}, timeframe="1h", positions=np.array([start / FIXED_MS["1h"]]))
    tape = Candles(**{name: getattr(tape, name) for name in _FIELDS} | {"timeframe": fine})
    assert isinstance(aggregated(tape, coarse), str)


_FIELDS = ("symbol", "timeframe", "open_ms", "open", "high", "low", "close", "volume", "turnover", "asked_ms")


def test_a_minute_divides_everything() -> None:
    """From minutes every timeframe can be made."""
    assert all(divides("1m", timeframe) for timeframe in TIMEFRAMES)


def test_a_prefix_gives_a_prefix() -> None:
    """Later candles change no earlier coarse candle."""
    tape = walk(500, 3, holes=0.02)
    whole = _made(tape, "4h")
    part = _made(cut(tape, 300), "4h")
    assert whole.close[: len(part)].tolist() == part.close.tolist()
