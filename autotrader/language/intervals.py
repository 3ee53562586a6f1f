"""The algebra that explains: numbers as spans, of which bounds and gaps are known.

A known value is a point, "at least x" reaches from x to infinity, what is missing stays missing with its reason. So
what a bound can settle is settled (a book with at least 400,000 JPY is not below 300,000) and the rest is unknown.

Every other evaluation is measured against this one: where the live path meets anything but plain numbers it asks here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any, NamedTuple, TypeAlias

from autotrader.language.algebra import BY_ZERO, Read, Truth, exact_scalar, negated, scale_of
from autotrader.language.tree import Term
from autotrader.language.walk import term_id
from autotrader.market.answers import LowerBound, Missing
from autotrader.money import ZERO

NO_NUMBER = "not a number"
OPEN = "only a lower bound is known, and it does not settle this"
Scalar: TypeAlias = Any  # Decimal where a comparison is exact, else float: one of them throughout a leaf

# Ends of spans may be infinite, so nothing is trapped here: infinity - infinity is no error, but says nothing.
_LOOSE = Context(prec=60, traps=[])
_EXACT: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _LOOSE.add, "-": _LOOSE.subtract, "*": _LOOSE.multiply, "/": _LOOSE.divide,
}  # fmt: skip
_FLOAT: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


class Interval(NamedTuple):
    """What is known of a number, both ends included. `size` is the largest number that went into it (floats only)."""

    low: Scalar
    high: Scalar
    size: float

    @property
    def reach(self) -> float:
        """The larger of the ends' sizes, as far as they are finite."""
        return max((abs(end) for end in (self.low, self.high) if math.isfinite(end)), default=0.0)


Sized: TypeAlias = Callable[[Interval, Interval], float]
Join: TypeAlias = Callable[[Interval, Interval], Interval | Missing]


class Intervals:
    """Spans of floats, or of decimals where `exact`; for one leaf. `reason` tells why an unknown answer is one."""

    def __init__(self, read: Read, *, exact: bool) -> None:
        self._read = read
        self._exact = exact
        self._steps = _EXACT if exact else _FLOAT
        self._zero: Scalar = ZERO if exact else 0.0
        self._missing = ""

    @property
    def reason(self) -> str:
        """Why something is not known: the first thing that was missing, else that a bound left it open."""
        return self._missing or OPEN

    # ------------------------------------------------------------------------------------------------ numbers
    def constant(self, value: Decimal) -> Interval | Missing:
        return self._span(value, value)

    def term(self, term: Term) -> Interval | Missing:
        seen = self._read(term)
        if isinstance(seen, LowerBound):
            return self._span(seen.value, Decimal("Infinity"))
        number = exact_scalar(seen, term_id(term))
        return self._gone(number) if isinstance(number, Missing) else self._span(number, number)

    def _gone(self, missing: Missing) -> Missing:
        self._missing = self._missing or missing.reason
        return missing

    def _span(self, low: Decimal, high: Decimal) -> Interval:
        if self._exact:
            return Interval(low, high, 0.0)
        return Interval(float(low), float(high), abs(float(low)))

    def add(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        return self._joined("+", a, b, lambda one, two: max(one.size, two.size))

    def subtract(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        return self._joined("-", a, b, lambda one, two: max(one.size, two.size))

    def multiply(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        return self._joined("*", a, b, lambda one, two: max(one.size * two.reach, one.reach * two.size))

    def divide(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        if isinstance(a, Interval) and isinstance(b, Interval) and self._reaches_zero(b):
            return self._gone(Missing(BY_ZERO))
        return self._joined("/", a, b, lambda one, two: max(one.size, one.reach / two.reach * two.size) / two.reach)

    def smaller(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        return _both_known(a, b, lambda one, two: _ends(min, one, two))

    def larger(self, a: Interval | Missing, b: Interval | Missing) -> Interval | Missing:
        return _both_known(a, b, lambda one, two: _ends(max, one, two))

    def size(self, a: Interval | Missing) -> Interval | Missing:
        if isinstance(a, Missing):
            return a
        low, high = sorted((abs(a.low), abs(a.high)))
        return Interval(self._zero if a.low < 0 < a.high else low, high, a.size)

    def _joined(self, step: str, a: Interval | Missing, b: Interval | Missing, sized: Sized) -> Interval | Missing:
        return _both_known(a, b, lambda one, two: self._corners(step, one, two, sized))

    def _corners(self, step: str, a: Interval, b: Interval, sized: Sized) -> Interval | Missing:
        """An operation on spans lies between its results at their ends, since each operation is monotone in each."""
        take = self._steps[step]
        size = 0.0 if self._exact else sized(a, b)
        if a.low == a.high and b.low == b.high:
            point = take(a.low, b.low)
            good = math.isfinite(point) and math.isfinite(size)
            return Interval(point, point, size) if good else self._gone(Missing(NO_NUMBER))
        # 0 x infinity: the bounded side is exactly 0; infinity - infinity: the other corners reach further anyway
        found = [take(x, y) for x in a[:2] for y in b[:2]]
        corners = [self._zero if math.isnan(corner) else corner for corner in found]
        return Interval(min(corners), max(corners), size)

    def _reaches_zero(self, a: Interval) -> bool:
        if self._exact:
            return bool(a.low <= 0 <= a.high)
        low, high = self._rounded(a, a.size)
        return low <= 0 <= high

    def _rounded(self, a: Interval, size: float) -> tuple[float, float]:
        """The ends in units of the last digit that counts."""
        scale = scale_of(size)
        low, high = (end if math.isinf(end) else round(end * scale) for end in a[:2])
        return low, high

    # ------------------------------------------------------------------------------------------------ answers
    def below(self, a: Interval | Missing, b: Interval | Missing) -> Truth:
        if isinstance(a, Missing) or isinstance(b, Missing):
            return None
        one, two = a[:2], b[:2]
        if not self._exact:
            size = max(a.size, b.size, a.reach, b.reach)
            one, two = self._rounded(a, size), self._rounded(b, size)
        return True if one[1] < two[0] else False if one[0] >= two[1] else None

    def negated(self, a: Truth) -> Truth:
        return negated(a)

    def both(self, a: Truth, b: Truth) -> Truth:
        if a is False or b is False:
            return False
        return True if a and b else None


def _ends(pick: Callable[[Scalar, Scalar], Scalar], a: Interval, b: Interval) -> Interval:
    return Interval(pick(a.low, b.low), pick(a.high, b.high), max(a.size, b.size))


def _both_known(a: Interval | Missing, b: Interval | Missing, join: Join) -> Interval | Missing:
    if isinstance(a, Missing):
        return a
    return b if isinstance(b, Missing) else join(a, b)
