"""The vocabulary: every word of the language, one file per group, one entry per word.

To add a word write its entry in the file of its group (a candle word also its function in market/indicators). Checks,
reference, completion, readback and `why` read this table and follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autotrader.language.tree import AtLeast, Condition, Cross, Flag, For, Named, Not, OfLast, Plain, Term
from autotrader.language.vocabulary.candles import candle_value, column_of, period_of, warmup_of
from autotrader.language.vocabulary.table import GROUPS, VOCABULARY
from autotrader.language.vocabulary.word import Param, Word
from autotrader.language.walk import tree_terms
from autotrader.market.answers import Answer
from autotrader.market.needs import CandleNeed, Need, merged

if TYPE_CHECKING:
    from autotrader.market.sources import Sources


_CROSS_HISTORY = 20  # earlier closes that show on which side a crossing stood before
_DEAD_ZONE_HISTORY = 200  # a dead zone keeps its side longer

__all__ = [
    "GROUPS",
    "VOCABULARY",
    "Param",
    "Word",
    "column_of",
    "needs_of",
    "needs_of_condition",
    "period_of",
    "value_of",
    "warmup_of",
]


def needs_of(term: Term, *, earlier: int = 0) -> frozenset[Need]:
    """What must be fetched to answer a term; `earlier` closes before the last one are wanted too."""
    word = VOCABULARY[term.word]
    if word.is_candle:
        return frozenset({CandleNeed(term.symbol, term.timeframe, warmup_of(term) + earlier)})
    return word.needs(term) if word.needs else frozenset()


def value_of(term: Term, sources: Sources) -> Answer:
    """What a term's answer is at the evaluation time; `Missing` with the reason where it is not known."""
    if sources.recorded is not None:
        return sources.recorded.answer(term, sources.order)
    word = VOCABULARY[term.word]
    if word.is_candle:
        return candle_value(term, sources)
    if word.read is None:
        raise TypeError(f"`{term.word}` cannot be read")
    return word.read(term, sources)


def needs_of_condition(condition: Condition) -> frozenset[Need]:
    """Everything a condition reads, with the earlier closes that crossings and `last n candles` look back at."""
    return merged(frozenset(_needs(condition, 0)))


def _needs(condition: Condition, earlier: int) -> Iterable[Need]:
    match condition:
        case AtLeast(parts=parts):
            for part in parts:
                yield from _needs(part, earlier)
        case Not(part=part) | Named(part=part) | For(part=part):
            yield from _needs(part, earlier)
        case OfLast(part=part, count=count, timeframe=timeframe):
            yield from _needs(part, earlier + count if timeframe else earlier)
        case _:
            yield from _plain_needs(condition, earlier)


def _plain_needs(condition: Plain, earlier: int) -> Iterable[Need]:
    if isinstance(condition, Cross) and condition.timeframe:
        earlier += _DEAD_ZONE_HISTORY if condition.dead_zone is not None else _CROSS_HISTORY
    if isinstance(condition, Flag) and condition.term is None:
        return
    for term in tree_terms(condition):
        yield from needs_of(term, earlier=earlier)
