"""Conditions over whole candle columns: the answers of candle leaves, live and for `autotrader eval`.

Row i speaks of the moment at which candle i of the base series closes, and sees nothing later: a value of another
timeframe or symbol is that of the candle which had closed by then and is the newest that could have; where that one is
missing the value is unknown. Answers are int8: 1 true, 0 false, -1 unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from autotrader.engine import memory as memories
from autotrader.engine.calendar import in_windows
from autotrader.engine.evaluate import CandleLeaf, leaf_id
from autotrader.engine.intervals import is_relative
from autotrader.engine.memory import NOTHING, Moment
from autotrader.engine.values import is_ratio_beside_percent
from autotrader.engine.verdict import Truth
from autotrader.language.tree import (
    All,
    AtLeast,
    Between,
    Compare,
    Condition,
    CountOf,
    Cross,
    Flag,
    Held,
    Least,
    Literal,
    Most,
    Named,
    Near,
    Not,
    Plain,
    Term,
    Value,
    WithinLast,
)
from autotrader.language.tree import Any as AnyOf
from autotrader.language.vocabulary import column_of
from autotrader.language.walk import tree_terms
from autotrader.market.candles import Candles
from autotrader.market.sources import Missing, Sources
from autotrader.market.timeframe import approximate_ms, next_open, open_of, steps_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from autotrader.market.candles import Floats, Ints

    Answers: TypeAlias = NDArray[np.int8]
    Flags: TypeAlias = NDArray[np.bool_]

Series: TypeAlias = Callable[[str, str], "Candles | str"]  # (symbol, timeframe) -> candles, or why there are none


# -------------------------------------------------------------------------------------------------------- values
def value_column(node: Value, series: Series, base: Candles) -> Floats:
    """A value at the close of every candle of `base`; NaN where it is not known (or is no candle value)."""
    if isinstance(node, Literal):
        return np.full(len(base), float(node.value))
    if isinstance(node, Term):
        return _term_column(node, series, base)
    if isinstance(node, Least | Most) or node.op in ("+", "-"):
        left, right = pair_columns(node.left, node.right, series, base)
    else:
        left, right = value_column(node.left, series, base), value_column(node.right, series, base)
    if isinstance(node, Least):
        return np.minimum(left, right)
    if isinstance(node, Most):
        return np.maximum(left, right)
    return _combined(node.op, left, right)


def pair_columns(left: Value, right: Value, series: Series, base: Candles) -> tuple[Floats, Floats]:
    """Both sides of a comparison in one unit: a plain ratio beside a percentage counts in percent."""
    a, b = value_column(left, series, base), value_column(right, series, base)
    return (
        a * 100 if is_ratio_beside_percent(left, right) else a,
        b * 100 if is_ratio_beside_percent(right, left) else b,
    )


def _combined(op: str, left: Floats, right: Floats) -> Floats:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            ratio: Floats = np.divide(left, right, out=np.full(len(left), np.nan), where=right != 0)
            return ratio
        case "%of":
            return left * right / 100
        case "+%":
            return left * (1 + right / 100)
        case _:
            return left * (1 - right / 100)


def _term_column(term: Term, series: Series, base: Candles) -> Floats:
    unknown = np.full(len(base), np.nan)
    if not term.is_candle:
        return unknown
    candles = series(term.symbol, term.timeframe)
    if isinstance(candles, str) or not len(candles):
        return unknown
    column = column_of(term, candles)
    if candles is base:
        return column
    wanted = newest_closed(closes_of(base), term.timeframe)
    rows = np.minimum(np.searchsorted(candles.open_ms, wanted), len(candles) - 1)
    unknown[:] = np.where(candles.open_ms[rows] == wanted, column[rows], np.nan)
    return unknown


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


# ------------------------------------------------------------------------------------------------------- answers
def verdict_column(condition: Condition, series: Series, base: Candles) -> Answers:
    """A condition's answer at the close of every candle of `base`."""
    match condition:
        case All() | AnyOf() | AtLeast():
            return _joined(condition, [verdict_column(part, series, base) for part in condition.parts], len(base))
        case Not():
            part = verdict_column(condition.part, series, base)
            return np.where(part < 0, part, 1 - part).astype(np.int8)
        case Named():
            return verdict_column(condition.part, series, base)
        case Held():
            return _held(condition, _plain(condition.part, series, base), base)
        case WithinLast() | CountOf():
            least = condition.least if isinstance(condition, CountOf) else 1
            return _of_last(_plain(condition.part, series, base), least, condition.count, condition.timeframe, base)
        case _:
            return _plain(condition, series, base)


def _joined(node: All | AnyOf | AtLeast, parts: list[Answers], rows: int) -> Answers:
    held = sum((part == 1 for part in parts), start=np.zeros(rows, dtype=np.int64))
    failed = sum((part == 0 for part in parts), start=np.zeros(rows, dtype=np.int64))
    least = len(parts) if isinstance(node, All) else 1 if isinstance(node, AnyOf) else node.count
    return _answers(held >= least, len(parts) - failed < least)


def _answers(true: Flags, false: Flags) -> Answers:
    return np.where(true, 1, np.where(false, 0, -1)).astype(np.int8)


def _plain(leaf: Plain, series: Series, base: Candles) -> Answers:
    match leaf:
        case Compare():
            return _compare(leaf.op, *pair_columns(leaf.left, leaf.right, series, base))
        case Between():
            low = _compare(">=", *pair_columns(leaf.value, leaf.low, series, base))
            high = _compare("<=", *pair_columns(leaf.value, leaf.high, series, base))
            return _answers((low == 1) & (high == 1), (low == 0) | (high == 0))
        case Near():
            value, target = pair_columns(leaf.value, leaf.target, series, base)
            return _compare("<=", np.abs(value - target), _margin(leaf.within, leaf.target, series, base))
        case Cross():
            return _cross(leaf, series, base)
        case Flag() if leaf.term is None:
            inside = [in_windows(leaf.windows, int(moment)) for moment in closes_of(base)]
            return np.array(inside, dtype=np.int8)
        case Flag():
            return np.full(len(base), -1, dtype=np.int8)


_OPERATIONS: dict[str, Callable[[Floats, Floats], Flags]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def _compare(op: str, left: Floats, right: Floats) -> Answers:
    known = ~(np.isnan(left) | np.isnan(right))
    holds = _OPERATIONS[op](left, right)
    return _answers(known & holds, known & ~holds)


def _margin(within: Value, target: Value, series: Series, base: Candles) -> Floats:
    width = value_column(within, series, base)
    return np.abs(value_column(target, series, base)) * width / 100 if is_relative(within, target) else width


def _cross(leaf: Cross, series: Series, base: Candles) -> Answers:
    left, right = pair_columns(leaf.left, leaf.right, series, base)
    zone = np.zeros(len(base)) if leaf.dead_zone is None else _margin(leaf.dead_zone, leaf.right, series, base)
    known = ~(np.isnan(left) | np.isnan(right) | np.isnan(zone))
    sides = np.where(left > right + zone, 1, np.where(left < right - zone, -1, 0)) * known
    rows = np.arange(len(base))
    last = np.maximum.accumulate(np.where(sides != 0, rows, -1))  # the row that last showed a side
    before = np.concatenate(([-1], last[:-1])) if len(base) else last
    turned = (sides != 0) & (before >= 0) & (sides != sides[before])
    wanted = {"up": sides == 1, "down": sides == -1, "either": sides != 0}[leaf.direction]
    return _answers(known & turned & wanted, known)


def _of_last(part: Answers, least: int, count: int, timeframe: str, base: Candles) -> Answers:
    """`least` of the last `count` candles (rows, for checks); candles that are missing are unknown."""
    rows = np.arange(len(base))
    if not timeframe:
        first = np.maximum(rows - count + 1, 0)
    else:
        first = np.searchsorted(base.open_ms, _window_starts(base, count))
    held = np.concatenate(([0], np.cumsum(part == 1)))
    failed = np.concatenate(([0], np.cumsum(part == 0)))
    true = held[rows + 1] - held[first]
    false = failed[rows + 1] - failed[first]
    return _answers(true >= least, count - false < least)


def _window_starts(base: Candles, count: int) -> Ints:
    if base.timeframe == "1M":
        return np.array([steps_before(int(m), "1M", count - 1) for m in base.open_ms], dtype=np.int64)
    return base.open_ms - (count - 1) * approximate_ms(base.timeframe)


def _held(leaf: Held, part: Answers, base: Candles) -> Answers:
    """`for`: stepped row by row with the same memory as live."""
    memory, before, period = NOTHING, None, approximate_ms(base.timeframe)
    found: list[int] = []
    for close, answer in zip(closes_of(base).tolist(), part.tolist(), strict=True):
        truth: Truth = None if answer < 0 else answer == 1
        memory, holds, _ = memories.held(memory, truth, Moment(close, before, period), leaf.span_ms)
        found.append(-1 if holds is None else int(holds))
        before = close
    return np.array(found, dtype=np.int8)


# ---------------------------------------------------------------------------------------------------------- live
def leaf_terms(leaf: CandleLeaf) -> tuple[Term, ...]:
    """The terms of a candle leaf."""
    return tuple(tree_terms(leaf))


def answer_now(leaf: CandleLeaf, sources: Sources) -> bool | Missing:
    """A candle leaf's answer at the latest close, or why it is not known."""
    base_term = next((term for term in leaf_terms(leaf) if term.timeframe == leaf.timeframe), None)
    if base_term is None:
        return Missing(f"no value of {leaf.timeframe} candles in it")
    base = sources.snapshot.candles(base_term.symbol, leaf.timeframe)
    if isinstance(base, str):
        return Missing(f"{leaf.timeframe} candles: {base}")
    expected = steps_before(open_of(sources.now_ms, leaf.timeframe), leaf.timeframe, 1)
    row = int(base.open_ms.searchsorted(expected))
    if row >= len(base) or int(base.open_ms[row]) != expected:
        return Missing(f"the latest closed {leaf.timeframe} candle is not there yet")
    answer = int(_kept_column(leaf, sources, base)[row])
    return Missing("too few known candles to tell") if answer < 0 else answer == 1


def _kept_column(leaf: CandleLeaf, sources: Sources, base: Candles) -> Answers:
    """The leaf's column, kept with the candles it was computed from."""
    used = {(term.symbol, term.timeframe) for term in leaf_terms(leaf) if term.is_candle}
    others = [sources.snapshot.candles(*pair) for pair in sorted(used)]
    key = ("answers", leaf_id(leaf))
    known = base.memo.get(key)
    if known is not None and all(a is b for a, b in zip(known[0], others, strict=True)):
        kept: Answers = known[1]
        return kept
    column = verdict_column(leaf, sources.snapshot.candles, base)
    base.memo[key] = (others, column)
    return column
