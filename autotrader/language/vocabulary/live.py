"""A candle word's value now: the last value of its column, if the candles really are those of now.

The latest expected closed candle must be there; nothing older stands in for it. Why a value is not known is told in
numbers: which candle is late, how many candles a word needs and has, or that a hole lies inside its own period.
"""

from __future__ import annotations

from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import abnormal
from autotrader.market.answers import Answer, Missing
from autotrader.market.timeframe import next_open, open_of, steps_before
from autotrader.times import zone_of

if TYPE_CHECKING:
    from autotrader.market.candles import Candles
    from autotrader.market.sources import Sources


def candle_text(open_ms: int, timeframe: str, zone: str) -> str:
    """A candle's span in a zone's time: `08:00–09:00`, with the date where it is a day or longer."""
    start = datetime.fromtimestamp(open_ms / 1000, tz=zone_of(zone))
    if timeframe[-1] in "dwM":
        return f"{start:%Y-%m-%d}"
    end = datetime.fromtimestamp(next_open(open_ms, timeframe) / 1000, tz=zone_of(zone))
    return f"{start:%H:%M}–{end:%H:%M}"


def candle_value(term: Term, sources: Sources) -> Answer:
    """The value of a candle word at the evaluation time, or why it is not known."""
    candles = sources.snapshot.candles(term.symbol, term.timeframe)
    if isinstance(candles, str):
        return Missing(f"{term.timeframe} candles: {candles}")
    blocked = abnormal(sources)
    if blocked:
        return blocked
    expected = steps_before(open_of(sources.now_ms, term.timeframe), term.timeframe, 1)
    index = int(candles.open_ms.searchsorted(expected))
    if index >= len(candles) or int(candles.open_ms[index]) != expected:
        span = candle_text(expected, term.timeframe, sources.zone)
        return Missing(f"the {term.timeframe} candle of {span} is not there yet")
    from autotrader.language.vocabulary.columns import column_of

    value = float(column_of(term, candles)[index])
    return Missing(_why(term, candles, index)) if isnan(value) else value


def _why(term: Term, candles: Candles, index: int) -> str:
    """Why a word has no value at a candle that is there."""
    from autotrader.language.vocabulary.columns import period_of, warmup_of

    needed = warmup_of(term)
    if index + 1 < needed and not candles.from_birth:
        return f"needs {needed} closed {term.timeframe} candles, {index + 1} are there"
    period = period_of(term)
    first = max(0, index + 1 - period)
    if index + 1 < period:
        return f"needs {period} closed {term.timeframe} candles, the symbol has only {index + 1}"
    begin = steps_before(int(candles.open_ms[index]), term.timeframe, period - 1)
    if int(candles.open_ms[first]) != begin:
        return f"a {term.timeframe} candle is missing inside the last {period}"
    return "division by zero: nothing moved or nothing was traded in its period"
