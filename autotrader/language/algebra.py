"""One algebra: every operation on values and what counts as a tie, written once for all who work values out.

An operation is an entry of `OPERATIONS` over the few steps of an `Algebra`; a relation (`relations.RELATIONS`) is one
over the same steps. Who takes them decides what comes out: `Intervals` explain (they know bounds and what is missing),
`Exact` gives amounts and prices, `columns.Columns` whole series, `source.Source` the text of a function for the live
path. So a rule, `why` and `eval` cannot mean different things by the same line.

Exactness. A value that came as the venue's text, and what is worked out from such values, is compared as an exact
decimal. Candle words went through float: where one takes part, both sides are compared after rounding to 12
significant digits of the largest number that went into the comparison, counted in the unit of the comparison. So the
difference of two equal averages is 0 and not 1e-9, and -10 % is -10 %. Which of the two it is can be told from the
text alone (`is_exact`), whatever the values turn out to be.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, TypeVar

from autotrader.language.tree import Kind, Literal, Term, Unit, Value
from autotrader.language.walk import Node, term_id, tree_terms
from autotrader.market.answers import Answer, LowerBound, Missing
from autotrader.money import CONTEXT, HUNDRED, ONE, plain
from autotrader.structs import dataclass

Truth: TypeAlias = bool | None  # None: unknown
Read: TypeAlias = Callable[[Term], Answer]
BY_ZERO = "division by zero"
N = TypeVar("N")
T = TypeVar("T")


class Numbers(Protocol[N]):
    """The steps that operations are made of. Division by zero, and by what may be zero, is unknown in each of them."""

    def constant(self, value: Decimal) -> N: ...
    def term(self, term: Term) -> N: ...
    def add(self, a: N, b: N) -> N: ...
    def subtract(self, a: N, b: N) -> N: ...
    def multiply(self, a: N, b: N) -> N: ...
    def divide(self, a: N, b: N) -> N: ...
    def smaller(self, a: N, b: N) -> N: ...
    def larger(self, a: N, b: N) -> N: ...
    def size(self, a: N) -> N: ...


class Algebra(Numbers[N], Protocol[N, T]):
    """The steps that relations are made of: those of numbers, and answers that are true, false or unknown."""

    def below(self, a: N, b: N) -> T: ...
    def negated(self, a: T) -> T: ...
    def both(self, a: T, b: T) -> T: ...


# ----------------------------------------------------------------------------------------------------- operations
@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEntry:
    """One operation. `written` and `english` are patterns of both sides; `level` binds: the higher, the closer.

    `alike`: both sides count in one unit, so that a ratio beside a percentage becomes one.
    """

    written: str
    english: str
    level: int
    apply: Callable[[Numbers[Any], Any, Any], Any]
    alike: bool = False


def _share(o: Numbers[N], percent: N) -> N:
    return o.divide(percent, o.constant(HUNDRED))


CALLED = 3  # the level of operations that are written like a word, and never need parentheses
OPERATIONS: Mapping[str, OperationEntry] = {
    "+": OperationEntry(
        written="{0} + {1}", english="{0} plus {1}", level=1, alike=True, apply=lambda o, a, b: o.add(a, b)
    ),
    "-": OperationEntry(
        written="{0} - {1}", english="{0} minus {1}", level=1, alike=True, apply=lambda o, a, b: o.subtract(a, b)
    ),
    "+%": OperationEntry(
        written="{0} + {1}", english="{0} plus {1}", level=1,
        apply=lambda o, a, b: o.multiply(a, o.add(o.constant(ONE), _share(o, b))),
    ),
    "-%": OperationEntry(
        written="{0} - {1}", english="{0} minus {1}", level=1,
        apply=lambda o, a, b: o.multiply(a, o.subtract(o.constant(ONE), _share(o, b))),
    ),
    "*": OperationEntry(
        written="{0} * {1}", english="{0} times {1}", level=2, apply=lambda o, a, b: o.multiply(a, b)
    ),
    "/": OperationEntry(
        written="{0} / {1}", english="{0} divided by {1}", level=2, apply=lambda o, a, b: o.divide(a, b)
    ),
    "%of": OperationEntry(
        written="{0} of {1}", english="{0} of {1}", level=2, apply=lambda o, a, b: _share(o, o.multiply(a, b))
    ),
    "min": OperationEntry(
        written="min({0}, {1})", english="the smaller of {0} and {1}", level=CALLED, alike=True,
        apply=lambda o, a, b: o.smaller(a, b),
    ),
    "max": OperationEntry(
        written="max({0}, {1})", english="the larger of {0} and {1}", level=CALLED, alike=True,
        apply=lambda o, a, b: o.larger(a, b),
    ),
}  # fmt: skip


def compute(node: Value, o: Numbers[N]) -> N:
    """A value, worked out in an algebra."""
    match node:
        case Literal():
            return o.constant(node.value)
        case Term():
            return o.term(node)
    entry, sides = OPERATIONS[node.op], (node.left, node.right)
    left, right = in_one_unit(sides, o) if entry.alike else (compute(side, o) for side in sides)
    result: N = entry.apply(o, left, right)
    return result


def in_one_unit(sides: Sequence[Value], o: Numbers[N]) -> list[N]:
    """Values that stand side by side: like divided by like is a plain number, and counts in percent beside one."""
    units = units_of(sides)
    return [
        compute(side, o) if side.unit == unit else o.multiply(compute(side, o), o.constant(HUNDRED))
        for side, unit in zip(sides, units, strict=True)
    ]


def units_of(sides: Sequence[Value]) -> list[Unit]:
    """In which unit each of some values that stand side by side counts."""
    percent = next((side.unit for side in sides if side.unit.kind is Kind.PERCENT), None)
    return [side.unit if percent is None or side.unit.kind is not Kind.NUMBER else percent for side in sides]


def distance_from(within: Value, from_value: Value, measured_from: N, unit: Unit, o: Numbers[N]) -> N:
    """A distance from a value: a percentage of it, or a number in its unit; beside a percentage, percent points."""
    if within.unit.kind is Kind.PERCENT and from_value.unit.kind is not Kind.PERCENT:
        return _share(o, o.multiply(o.size(measured_from), compute(within, o)))
    width = compute(within, o)
    in_percent = unit.kind is Kind.PERCENT and within.unit.kind is Kind.NUMBER
    return o.multiply(width, o.constant(HUNDRED)) if in_percent else width


# ---------------------------------------------------------------------------------------------------------- truth
def negated(answer: Truth) -> Truth:
    """Not unknown is unknown."""
    return None if answer is None else not answer


def count_at_least(answers: Iterable[Truth], least: int) -> Truth:
    """True when `least` answers hold, false when even all unknown ones could not make that many, else unknown."""
    held = unknown = 0
    for answer in answers:
        held += answer is True
        unknown += answer is None
    if held >= least:
        return True
    return False if held + unknown < least else None


# ------------------------------------------------------------------------------------------------------ exactness
DIGITS = 12
_LEAST = -290  # beyond these sizes a float has no 12 digits left, or a power of ten is none
POWERS = tuple(float(f"1e{exponent}") for exponent in range(_LEAST, 297))
SCALES = tuple(float(f"1e{DIGITS - 1 - max(_LEAST, _LEAST + place - 1)}") for place in range(len(POWERS) + 1))


def is_exact(node: Node) -> bool:
    """Whether nothing in it went through float: no word of candles takes part."""
    return not any(term.is_candle for term in tree_terms(node))


def scale_of(size: float) -> float:
    """Times this, the 12th significant digit of a number of that size counts ones. Looked up, never by a logarithm,
    whose last bit differs from library to library.
    """
    return SCALES[bisect_right(POWERS, size)]


def rounded_below(a: float, b: float, size: float) -> bool:
    """Whether a < b at 12 significant digits of `size`. Raises ArithmeticError where something is not a number."""
    if not math.isfinite(size) or not (math.isfinite(a) and math.isfinite(b)):
        raise ArithmeticError
    scale = scale_of(size)
    return round(a * scale) < round(b * scale)


def refuse_zero(value: float, size: float) -> None:
    """Raises ArithmeticError where a divisor is 0 at 12 significant digits of `size`, or no number."""
    if not math.isfinite(size) or round(value * scale_of(size)) == 0:
        raise ZeroDivisionError


# ------------------------------------------------------------------------------------------------ exact decimals
class Exact:
    """Decimals for amounts and prices. A bound ("at least x") is no amount, a float the number that its text names."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def constant(self, value: Decimal) -> Decimal | Missing:
        return value

    def term(self, term: Term) -> Decimal | Missing:
        return exact_scalar(self._read(term), term_id(term))

    def add(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return _known(CONTEXT.add, a, b)

    def subtract(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return _known(CONTEXT.subtract, a, b)

    def multiply(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return _known(CONTEXT.multiply, a, b)

    def divide(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return Missing(BY_ZERO) if b == 0 and not isinstance(a, Missing) else _known(CONTEXT.divide, a, b)

    def smaller(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return _known(min, a, b)

    def larger(self, a: Decimal | Missing, b: Decimal | Missing) -> Decimal | Missing:
        return _known(max, a, b)

    def size(self, a: Decimal | Missing) -> Decimal | Missing:
        return a if isinstance(a, Missing) else a.copy_abs()


def _known(
    join: Callable[[Decimal, Decimal], Decimal], a: Decimal | Missing, b: Decimal | Missing
) -> Decimal | Missing:
    if isinstance(a, Missing):
        return a
    return b if isinstance(b, Missing) else join(a, b)


def exact_scalar(value: Answer, name: str) -> Decimal | Missing:
    """An answer as Decimal; a float becomes the decimal number that its shortest text names."""
    if isinstance(value, Missing | Decimal):
        return value
    if isinstance(value, LowerBound):
        return Missing(f"{name} is only known to be at least {plain(value.value)}")
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    return Missing(f"{name} is not a number")
