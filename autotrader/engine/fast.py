"""Evaluation that only answers: conditions compiled, once per rule, to closures over the float column.

A NaN means "not a plain number" (missing, or only a bound): then the explaining evaluation of that one leaf decides,
so both evaluations agree by construction in everything but the plain case, and a property test covers that.
Leaves with a memory are always evaluated, in every pass; leaves without one are skipped once the answer is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

from autotrader.engine import memory as memories
from autotrader.engine.evaluate import is_candle_leaf, leaf_id, plain_truth, side_key, side_of
from autotrader.engine.intervals import apply, is_relative
from autotrader.engine.memory import NOTHING, LeafMemory, Memory, Moment, Side
from autotrader.engine.values import NAN, Values, is_ratio_beside_percent, term_id
from autotrader.engine.verdict import Truth, count_at_least, every, negated, some
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
from autotrader.market.sources import Missing

Floats: TypeAlias = Mapping[str, float]
Number: TypeAlias = Callable[[Floats], float]
Following: TypeAlias = dict[str, LeafMemory]
Judge: TypeAlias = Callable[[Values, Memory, Moment, Following], Truth]


def compiled(condition: Condition) -> Judge:
    """The condition as one function: (values, memory, moment, next memory to fill) -> true, false or unknown."""
    match condition:
        case All() | AnyOf() | AtLeast():
            return _combinator(condition)
        case Not():
            inner = compiled(condition.part)
            return lambda values, memory, moment, following: negated(inner(values, memory, moment, following))
        case Named():
            return compiled(condition.part)
        case Held():
            return _held(condition)
        case WithinLast() | CountOf() if not condition.timeframe:
            return _checks(condition)
        case WithinLast() | CountOf():
            return _from_table(leaf_id(condition))
        case Compare() | Between() | Near() | Cross() | Flag():
            return _plain(condition)
        case _:
            assert_never(condition)


def has_memory(condition: Condition) -> bool:
    """Whether an evaluation of the condition can change the stored memory."""
    match condition:
        case All() | AnyOf() | AtLeast():
            return any(has_memory(part) for part in condition.parts)
        case Not() | Named():
            return has_memory(condition.part)
        case Held():
            return True
        case WithinLast() | CountOf() | Cross():
            return not condition.timeframe
        case _:
            return False


# ------------------------------------------------------------------------------------------------------- numbers
def number(node: Value) -> Number:
    """A value as a function of the float column; NaN where it is not a plain known number."""
    match node:
        case Literal():
            constant = float(node.value)
            return lambda _: constant
        case Term():
            key = term_id(node)
            return lambda floats: floats.get(key, NAN)
        case Least() | Most():
            return _extreme(node)
    scales = node.op in ("+", "-")
    left = in_percent(node.left, node.right) if scales else number(node.left)
    right = in_percent(node.right, node.left) if scales else number(node.right)
    op = node.op
    return lambda floats: apply(op, left(floats), right(floats))


def in_percent(node: Value, other: Value) -> Number:
    """A value, counted in percent where it is a plain ratio beside a percentage."""
    plain = number(node)
    return (lambda floats: plain(floats) * 100) if is_ratio_beside_percent(node, other) else plain


def _extreme(node: Least | Most) -> Number:
    left, right = in_percent(node.left, node.right), in_percent(node.right, node.left)
    choose: Callable[[float, float], float] = min if isinstance(node, Least) else max

    def extreme(floats: Floats) -> float:
        a, b = left(floats), right(floats)
        return NAN if a != a or b != b else choose(a, b)  # noqa: PLR0124 - NaN differs from itself

    return extreme


# -------------------------------------------------------------------------------------------------- plain leaves
def _plain(leaf: Plain) -> Judge:
    match leaf:
        case Compare():
            return _compare(leaf)
        case Between():
            return _between(leaf)
        case Near():
            return _near(leaf)
        case Cross() if is_candle_leaf(leaf):
            return _from_table(leaf_id(leaf))
        case Cross():
            return _cross(leaf)
        case Flag() if leaf.term is not None:
            return _from_table(term_id(leaf.term))
        case Flag():
            return lambda values, _memory, moment, _following: plain_truth(leaf, values, moment.at_ms)[0]


def _from_table(key: str) -> Judge:
    def answer(values: Values, _memory: Memory, _moment: Moment, _following: Following) -> Truth:
        found = values.table.get(key)
        return found if found is True or found is False else None

    return answer


def _compare(leaf: Compare) -> Judge:
    left, right = in_percent(leaf.left, leaf.right), in_percent(leaf.right, leaf.left)
    if leaf.op in ("<", ">"):
        small, large = (left, right) if leaf.op == "<" else (right, left)

        def strictly(values: Values, _memory: Memory, moment: Moment, _following: Following) -> Truth:
            a, b = small(values.floats), large(values.floats)
            return True if a < b else False if a >= b else plain_truth(leaf, values, moment.at_ms)[0]

        return strictly
    small, large = (left, right) if leaf.op == "<=" else (right, left)

    def loosely(values: Values, _memory: Memory, moment: Moment, _following: Following) -> Truth:
        a, b = small(values.floats), large(values.floats)
        return True if a <= b else False if a > b else plain_truth(leaf, values, moment.at_ms)[0]

    return loosely


def _between(leaf: Between) -> Judge:
    low, high = in_percent(leaf.low, leaf.value), in_percent(leaf.high, leaf.value)
    beside_low, beside_high = in_percent(leaf.value, leaf.low), in_percent(leaf.value, leaf.high)

    def inside(values: Values, _memory: Memory, moment: Moment, _following: Following) -> Truth:
        floats = values.floats
        above, under = beside_low(floats) - low(floats), high(floats) - beside_high(floats)
        if above >= 0 and under >= 0:
            return True
        return False if above < 0 and under == under else plain_truth(leaf, values, moment.at_ms)[0]  # noqa: PLR0124

    return inside


def _near(leaf: Near) -> Judge:
    value, target = in_percent(leaf.value, leaf.target), in_percent(leaf.target, leaf.value)
    plain_target, within, relative = number(leaf.target), number(leaf.within), is_relative(leaf.within, leaf.target)

    def near(values: Values, _memory: Memory, moment: Moment, _following: Following) -> Truth:
        floats = values.floats
        gap, width = abs(value(floats) - target(floats)), within(floats)
        width = abs(plain_target(floats)) * width / 100 if relative else width
        return True if gap <= width else False if gap > width else plain_truth(leaf, values, moment.at_ms)[0]

    return near


def _cross(leaf: Cross) -> Judge:
    key = side_key(leaf)

    def cross(values: Values, memory: Memory, _moment: Moment, following: Following) -> Truth:
        side: Side | Missing | None = side_of(leaf, values)
        before = memory.get(key, NOTHING)
        after, holds = memories.crossed(before, None if isinstance(side, Missing) else side, leaf.direction)
        if after != NOTHING:
            following[key] = after
        return holds

    return cross


# --------------------------------------------------------------------------------------------- shapes with memory
def _held(leaf: Held) -> Judge:
    inner = _plain(leaf.part)

    def held(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
        part = inner(values, memory, moment, following)
        after, holds, _ = memories.held(memory.get(leaf.key, NOTHING), part, moment, leaf.span_ms)
        if after != NOTHING:
            following[leaf.key] = after
        return holds

    return held


def _checks(leaf: WithinLast | CountOf) -> Judge:
    inner = _plain(leaf.part)
    least = leaf.least if isinstance(leaf, CountOf) else 1

    def checks(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
        part = inner(values, memory, moment, following)
        after, holds = memories.checked(memory.get(leaf.key, NOTHING), part, least, leaf.count)
        following[leaf.key] = after
        return holds

    return checks


# --------------------------------------------------------------------------------------------------- combinators
def _combinator(node: All | AnyOf | AtLeast) -> Judge:
    first = [compiled(part) for part in node.parts if has_memory(part)]
    later = [compiled(part) for part in node.parts if not has_memory(part)]
    if isinstance(node, AtLeast):
        count, both = node.count, (*first, *later)
        return lambda values, memory, moment, following: count_at_least(
            [part(values, memory, moment, following) for part in both], count
        )
    settle: Callable[[list[Truth]], Truth] = every if isinstance(node, All) else some
    end = not isinstance(node, All)  # the answer that settles: false for all, true for any

    def join(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
        answers: list[Truth] = [part(values, memory, moment, following) for part in first]
        if end in answers:
            return end
        for part in later:
            answer = part(values, memory, moment, following)
            if answer is end:
                return end
            answers.append(answer)
        return settle(answers)

    return join
