"""How candle words are read: one column per word and series of candles, and its last value as the value now.

A column holds one float64 value per candle, NaN where not known; row i depends on rows up to i alone. Columns are kept
with the candles they come from (`Candles.memo`), so equal words are computed once for all rules and gone when the next
candle closes.

Now: the latest expected closed candle must be there; nothing older stands in for it. Why a value is not known is told
in numbers: which candle is late, how many candles a word needs and has, or that a hole lies inside its own period.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import abnormal
from autotrader.language.vocabulary.table import VOCABULARY
from autotrader.market.answers import Answer, Missing
from autotrader.market.timeframe import candle_text, open_of, steps_before

if TYPE_CHECKING:
    from autotrader.market.candles import Candles, Floats
    from autotrader.market.sources import Sources


def numbers_of(term: Term) -> tuple[Decimal, ...]:
    """The numeric arguments of a candle word."""
    return tuple(arg for arg in term.args if isinstance(arg, Decimal))


def warmup_of(term: Term) -> int:
    """How many candles up to and including the one asked for a candle word needs to be known (shift included).

    0 for words that are not candle words.
    """
    word = VOCABULARY[term.word]
    if word.warmup is None:
        return 0
    own = word.warmup(numbers_of(term)) + term.shift
    return own + warmup_of(term.series) - 1 if term.series is not None else own


def period_of(term: Term) -> int:
    """How many candles must be there without a hole: the word's own period (shift included)."""
    word = VOCABULARY[term.word]
    if word.span is None:
        return 0
    own = word.span(numbers_of(term)) + term.shift
    return own + period_of(term.series) - 1 if term.series is not None else own


def column_of(term: Term, candles: Candles) -> Floats:
    """The word's value at the close of every candle; NaN = not known. Never write into it: it is shared."""
    known = candles.memo.get(term)
    if known is None:
        known = candles.memo[term] = _computed(term, candles)
    column: Floats = known
    return column


def _computed(term: Term, candles: Candles) -> Floats:
    from autotrader.market import indicators  # numpy and TA-Lib: only where candles are read

    if term.shift:
        whole = column_of(_unshifted(term), candles)
        return indicators.shifted(whole, candles, term.shift)
    word = VOCABULARY[term.word]
    if word.warmup is None or word.span is None:
        raise TypeError(f"`{term.word}` is no candle word")
    numbers = numbers_of(term)
    series = column_of(term.series, candles) if term.series is not None else None
    return indicators.column(
        word.column, numbers, candles, series=series, span=word.span(numbers), warmup=word.warmup(numbers)
    )


def _unshifted(term: Term) -> Term:
    return replace(term, shift=0)


# ------------------------------------------------------------------------------------------------------------- now
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
    value = float(column_of(term, candles)[index])
    return Missing(_why(term, candles, index)) if isnan(value) else value


def _why(term: Term, candles: Candles, index: int) -> str:
    """Why a word has no value at a candle that is there."""
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
