"""Conditions over candles: the answers of candle leaves, live and for `autotrader eval`.

Row i speaks of the moment at which candle i of a series closes, and sees nothing later: a value of another timeframe or
symbol is that of the candle which had closed by then and is the newest that could have; where that one is missing the
value is unknown. A leaf over candles (a crossing between candle values, a count of candles) is judged on the series of
its own timeframe, once for all rows, and its answer holds until the next close there: live reads the last one
(`answer_now`), and a file of finer candles the newest at each of its rows (`RowReader`). There is no second definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from autotrader.engine.conditions import CandleLeaf, read_tree
from autotrader.engine.due import in_windows
from autotrader.language import columns, shapes
from autotrader.language.algebra import Truth, compute
from autotrader.language.columns import Columns
from autotrader.language.relations import holds, sides_taken
from autotrader.language.shapes import NOTHING, Moment
from autotrader.language.tree import AtLeast, Condition, Cross, Flag, For, Named, Not, OfLast, Relation, Term, Value
from autotrader.language.vocabulary import column_of
from autotrader.language.walk import leaf_id, tree_terms
from autotrader.market.candles import Candles
from autotrader.market.sources import Missing, Sources
from autotrader.market.timeframe import approximate_ms, next_open, open_of, steps_before

if TYPE_CHECKING:
    from autotrader.language.columns import Answers
    from autotrader.market.candles import Floats, Ints

Series: TypeAlias = Callable[[str, str], "Candles | str"]  # (symbol, timeframe) -> candles, or why there are none


def value_column(node: Value, series: Series, base: Candles) -> Floats:
    """A value at the close of every candle of `base`; NaN where it is not known (or is no candle value)."""
    with np.errstate(all="ignore"):  # what leaves the range of floats is not known, and said so
        over = RowReader(series, base).columns
        return over.over_rows(compute(node, over).values)


def verdict_column(condition: Condition, series: Series, base: Candles) -> Answers:
    """A condition's answer at the close of every candle of `base`: 1 true, 0 false, -1 unknown."""
    with np.errstate(all="ignore"):
        return read_tree(condition, RowReader(series, base))


class RowReader:
    """Reads a condition into its answers at the rows of a series."""

    def __init__(self, series: Series, base: Candles) -> None:
        self._series = series
        self._base = base
        self.columns = Columns(self._term, len(base))

    def _term(self, term: Term) -> Floats:
        """A word at each row; unknown where no candle answers it."""
        unknown = np.full(len(self._base), np.nan)
        if not term.is_candle:
            return unknown
        candles = self._series(term.symbol, term.timeframe)
        if isinstance(candles, str) or not len(candles):
            return unknown
        column = column_of(term, candles)
        if candles is self._base:
            return column
        there, rows = newest_rows(self._base, candles)
        return np.where(there, column[rows], np.nan)

    def joined(self, node: AtLeast, parts: list[Answers]) -> Answers:
        return columns.count_at_least(parts, node.count, len(self._base))

    def denied(self, _node: Not, part: Answers) -> Answers:
        return self.columns.negated(part)

    def named(self, _node: Named, part: Answers) -> Answers:
        return part

    def related(self, leaf: Relation) -> Answers:
        return holds(leaf, self.columns)

    def flagged(self, leaf: Flag) -> Answers:
        if leaf.term is not None:
            return np.full(len(self._base), -1, dtype=np.int8)
        return np.array([in_windows(leaf.windows, int(moment)) for moment in closes_of(self._base)], dtype=np.int8)

    def crossed(self, leaf: Cross) -> Answers:
        return columns.crossed(*sides_taken(leaf, self.columns), leaf.direction)

    def held(self, leaf: For, part: Answers) -> Answers:
        """Stepped row by row with the same memory as live."""
        memory, before, period = NOTHING, None, approximate_ms(self._base.timeframe)
        found: list[int] = []
        for close, answer in zip(closes_of(self._base).tolist(), part.tolist(), strict=True):
            truth: Truth = None if answer < 0 else answer == 1
            memory, held, _ = shapes.held(memory, truth, Moment(close, before, period), leaf.span_ms)
            found.append(-1 if held is None else int(held))
            before = close
        return np.array(found, dtype=np.int8)

    def counted(self, leaf: OfLast, part: Answers) -> Answers:
        rows = np.arange(len(part))
        return columns.of_last(part, leaf.least, leaf.count, np.maximum(rows - leaf.count + 1, 0))

    def over_candles(self, leaf: CandleLeaf) -> Answers:
        own = own_column(leaf, self._series)
        if isinstance(own, str) or not len(own.base):
            return np.full(len(self._base), -1, dtype=np.int8)
        if own.base is self._base:
            return own.answers
        there, rows = newest_rows(self._base, own.base)
        return np.where(there, own.answers[rows], -1).astype(np.int8)


# ------------------------------------------------------------------------------------------------- leaves over candles
class Own(NamedTuple):
    """A leaf's answers on the series of its own timeframe."""

    base: Candles
    answers: Answers


def own_column(leaf: CandleLeaf, series: Series) -> Own | str:
    """A leaf over candles, judged on the series of its own timeframe; or why there is none.

    The column is kept with the candles that it was computed from, and made anew when one of them is.
    """
    terms = dict.fromkeys((term.symbol, term.timeframe) for term in tree_terms(leaf) if term.is_candle)
    first = next((pair for pair in terms if pair[1] == leaf.timeframe), None)
    if first is None:
        return f"no value of {leaf.timeframe} candles in it"
    used = {pair: series(*pair) for pair in terms}
    base = used[first]
    if isinstance(base, str):
        return f"{leaf.timeframe} candles: {base}"
    key, known = ("answers", leaf_id(leaf)), base.memo.get(("answers", leaf_id(leaf)))
    if known is None or any(a is not b for a, b in zip(known[0], used.values(), strict=True)):
        known = base.memo[key] = (list(used.values()), _judged(leaf, series, base))
    return Own(base, known[1])


def _judged(leaf: CandleLeaf, series: Series, base: Candles) -> Answers:
    rows = RowReader(series, base)
    with np.errstate(all="ignore"):
        if isinstance(leaf, Cross):
            return rows.crossed(leaf)
        inside = leaf.part
        part = rows.crossed(inside) if isinstance(inside, Cross) else read_tree(inside, rows)
        return columns.of_last(
            part, leaf.least, leaf.count, base.open_ms.searchsorted(_window_starts(base, leaf.count))
        )


def answer_now(leaf: CandleLeaf, sources: Sources) -> bool | Missing:
    """A candle leaf's answer at the latest close, or why it is not known."""
    own = own_column(leaf, sources.snapshot.candles)
    if isinstance(own, str):
        return Missing(own)
    expected = steps_before(open_of(sources.now_ms, leaf.timeframe), leaf.timeframe, 1)
    row = int(own.base.open_ms.searchsorted(expected))
    if row >= len(own.base) or int(own.base.open_ms[row]) != expected:
        return Missing(f"the latest closed {leaf.timeframe} candle is not there yet")
    answer = int(own.answers[row])
    return Missing("too few known candles to tell") if answer < 0 else answer == 1


# ---------------------------------------------------------------------------------------------------------- moments
def newest_rows(base: Candles, other: Candles) -> tuple[columns.Flags, Ints]:
    """At each row of `base` the row of the newest candle of another series that can have closed by then, and whether
    that one is there: an older one does not stand in for it.
    """
    wanted = newest_closed(closes_of(base), other.timeframe)
    rows = np.minimum(np.searchsorted(other.open_ms, wanted), len(other) - 1)
    return other.open_ms[rows] == wanted, rows


def closes_of(candles: Candles) -> Ints:
    """The moment at which each candle has closed: the open time of the next."""
    if candles.timeframe == "1M":
        return np.array([next_open(int(moment), "1M") for moment in candles.open_ms], dtype=np.int64)
    return candles.open_ms + approximate_ms(candles.timeframe)


def newest_closed(moments: Ints, timeframe: str) -> Ints:
    """Open time of the newest candle that can have closed by each moment."""
    if timeframe == "1M":
        found = [steps_before(open_of(int(moment), "1M"), "1M", 1) for moment in moments]
        return np.array(found, dtype=np.int64)
    size, anchor = approximate_ms(timeframe), open_of(0, timeframe)
    return (moments - anchor) // size * size + anchor - size


def _window_starts(base: Candles, count: int) -> Ints:
    if base.timeframe == "1M":
        return np.array([steps_before(int(m), "1M", count - 1) for m in base.open_ms], dtype=np.int64)
    return base.open_ms - (count - 1) * approximate_ms(base.timeframe)
