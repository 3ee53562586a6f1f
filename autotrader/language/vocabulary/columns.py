"""Columns of candle words: one float64 value per candle, NaN where not known; and how much history they need.

A column at row i depends on rows up to i alone. Columns are kept with the candles they come from (`Candles.memo`),
so equal words are computed once for all rules and gone when the next candle closes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term

if TYPE_CHECKING:
    from autotrader.market.candles import Candles, Floats


def numbers_of(term: Term) -> tuple[Decimal, ...]:
    """The numeric arguments of a candle word."""
    return tuple(arg for arg in term.args if isinstance(arg, Decimal))


def warmup_of(term: Term) -> int:
    """How many candles up to and including the one asked for a candle word needs to be known (shift included).

    0 for words that are not candle words.
    """
    from autotrader.language.vocabulary import VOCABULARY

    word = VOCABULARY[term.word]
    if word.warmup is None:
        return 0
    own = word.warmup(numbers_of(term)) + term.shift
    return own + warmup_of(term.series) - 1 if term.series is not None else own


def period_of(term: Term) -> int:
    """How many candles must be there without a hole: the word's own period (shift included)."""
    from autotrader.language.vocabulary import VOCABULARY

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
    from autotrader.language.vocabulary import VOCABULARY
    from autotrader.market import indicators

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
    from dataclasses import replace

    return replace(term, shift=0)
