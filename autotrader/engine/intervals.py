"""Numbers as intervals: a known value is a point, "at least x" reaches from x to infinity.

So what a bound can settle is settled (a book with at least 400,000 JPY is not below 300,000) and the rest is unknown.
All in float64, with the same operations as the fast evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from autotrader.engine.values import Values, as_float, is_ratio_beside_percent, term_id
from autotrader.engine.verdict import Truth, negated
from autotrader.engine.written import written
from autotrader.language.tree import Kind, Least, Literal, Most, Term, Value
from autotrader.market.sources import LowerBound, Missing

Interval: TypeAlias = tuple[float, float]


def apply(op: str, left: float, right: float) -> float:
    """One arithmetic operation in float64; NaN for a division by zero."""
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right if right != 0 else math.nan
        case "%of":
            return left * right / 100
        case "+%":
            return left * (1 + right / 100)
        case _:
            return left * (1 - right / 100)


def interval(node: Value, values: Values) -> Interval | Missing:
    """What is known of a value: a point, an interval, or why it is missing."""
    if isinstance(node, Literal):
        return (float(node.value), float(node.value))
    if isinstance(node, Term):
        return _interval_of_term(node, values)
    left, right = interval(node.left, values), interval(node.right, values)
    if isinstance(left, Missing):
        return left
    if isinstance(right, Missing):
        return right
    if isinstance(node, Least | Most):
        left, right = in_unit_of(node.left, left, node.right), in_unit_of(node.right, right, node.left)
        choose: Callable[[float, float], float] = min if isinstance(node, Least) else max
        return (choose(left[0], right[0]), choose(left[1], right[1]))
    if node.op in ("+", "-"):
        left, right = in_unit_of(node.left, left, node.right), in_unit_of(node.right, right, node.left)
    return _combined(node.op, left, right)


def _interval_of_term(term: Term, values: Values) -> Interval | Missing:
    value = values.get(term_id(term))
    if isinstance(value, Missing):
        return value
    if isinstance(value, LowerBound):
        return (float(value.value), math.inf)
    number = as_float(value)
    return Missing(f"{written(term)} is not a number") if math.isnan(number) else (number, number)


def _combined(op: str, left: Interval, right: Interval) -> Interval | Missing:
    if op == "/" and right[0] <= 0 <= right[1]:
        return Missing("division by zero")
    if left[0] == left[1] and right[0] == right[1]:
        point = apply(op, left[0], right[0])
        return Missing("not a number") if math.isnan(point) else (point, point)
    corners = [_corner(apply(op, x, y)) for x in left for y in right]
    return (min(corners), max(corners))


def _corner(value: float) -> float:
    return 0.0 if math.isnan(value) else value  # 0 x infinity: the bounded side is exactly 0


def in_unit_of(node: Value, known: Interval, other: Value) -> Interval:
    """A plain ratio counted in percent where the other side is a percentage."""
    return (known[0] * 100, known[1] * 100) if is_ratio_beside_percent(node, other) else known


def pair(left: Value, right: Value, values: Values) -> tuple[Interval, Interval] | Missing:
    """Both sides of a comparison in one unit."""
    a, b = interval(left, values), interval(right, values)
    if isinstance(a, Missing):
        return a
    if isinstance(b, Missing):
        return b
    return in_unit_of(left, a, right), in_unit_of(right, b, left)


def below(a: Interval, b: Interval) -> Truth:
    """a < b."""
    return True if a[1] < b[0] else False if a[0] >= b[1] else None


def compared(op: str, a: Interval, b: Interval) -> Truth:
    """a op b."""
    match op:
        case "<":
            return below(a, b)
        case ">":
            return below(b, a)
        case "<=":
            return negated(below(b, a))
        case _:
            return negated(below(a, b))


def margin(within: Value, target: Value, values: Values) -> Interval | Missing:
    """A distance: absolute, or a percentage of the target's size. Beside a percentage it is percent points."""
    width = interval(within, values)
    if isinstance(width, Missing) or not is_relative(within, target):
        return width
    around = interval(target, values)
    if isinstance(around, Missing):
        return around
    low, high = size(around)
    return (low * width[0] / 100, high * width[1] / 100)


def is_relative(within: Value, target: Value) -> bool:
    """Whether a distance is a percentage of its target."""
    return within.unit.kind is Kind.PERCENT and target.unit.kind is not Kind.PERCENT


def size(a: Interval) -> Interval:
    """The absolute value."""
    low, high = sorted((abs(a[0]), abs(a[1])))
    return (0.0, high) if a[0] < 0 < a[1] else (low, high)
