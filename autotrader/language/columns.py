"""The algebra of whole series: a number is a column of floats, an answer one of int8 (1 true, 0 false, -1 unknown).

What is not known is NaN. A comparison is decided as everywhere (`algebra`: exactness); only rows on which both sides
lie so close that a rounding could bring them together are rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from autotrader.language.algebra import POWERS, SCALES
from autotrader.language.tree import Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from autotrader.market.candles import Floats, Ints

    Answers: TypeAlias = NDArray[np.int8]
    Flags: TypeAlias = NDArray[np.bool_]

_APART = 4e-11  # times what went into both sides: twice what a rounding to 12 digits can move
_POWERS, _SCALES = np.array(POWERS), np.array(SCALES)


class ValueColumn(NamedTuple):
    """A number at every row, and the largest number that went into it; a constant is one number for all rows. `plain`:
    nothing but itself went into it.
    """

    values: Floats
    sizes: Floats
    plain: bool = False

    @property
    def reach(self) -> Floats:
        """The larger of its own size and the largest number that went into it."""
        return self.sizes if self.plain else np.maximum(np.abs(self.values), self.sizes)


class Columns:
    """Columns of `rows` rows. `read` gives those of words."""

    def __init__(self, read: Callable[[Term], Floats], rows: int) -> None:
        self._read = read
        self._rows = rows

    # ------------------------------------------------------------------------------------------------ numbers
    def constant(self, value: Decimal) -> ValueColumn:
        number = np.asarray(float(value))
        return ValueColumn(number, np.abs(number), plain=True)

    def term(self, term: Term) -> ValueColumn:
        column = self._read(term)
        return ValueColumn(column, np.abs(column), plain=True)

    def add(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        return _number(a.values + b.values, np.maximum(a.sizes, b.sizes))

    def subtract(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        return _number(a.values - b.values, np.maximum(a.sizes, b.sizes))

    def multiply(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        sizes = np.maximum(a.sizes * np.abs(b.values), np.abs(a.values) * b.sizes)
        return _number(a.values * b.values, sizes)

    def divide(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        # A plain float that is not 0 has 12 digits of its own.
        zero = b.values == 0 if b.plain else np.rint(b.values * _scales_of(b.sizes)) == 0
        below = np.where(zero, np.nan, b.values)
        values = a.values / below
        return _number(values, np.maximum(a.sizes, np.abs(values) * b.sizes) / np.abs(below))

    def smaller(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        return ValueColumn(np.minimum(a.values, b.values), np.maximum(a.sizes, b.sizes))

    def larger(self, a: ValueColumn, b: ValueColumn) -> ValueColumn:
        return ValueColumn(np.maximum(a.values, b.values), np.maximum(a.sizes, b.sizes))

    def size(self, a: ValueColumn) -> ValueColumn:
        return ValueColumn(np.abs(a.values), a.sizes, a.plain)

    def over_rows(self, column: Floats) -> Floats:
        """A column of all rows, also of a constant."""
        return np.full(self._rows, column) if column.ndim == 0 else column

    # ------------------------------------------------------------------------------------------------ answers
    def below(self, a: ValueColumn, b: ValueColumn) -> Answers:
        apart = self.over_rows(a.values - b.values)
        size = a.reach + b.reach
        answers = np.where(np.isnan(apart), -1, apart < 0).astype(np.int8)
        (close,) = np.nonzero(~(np.abs(apart) > size * _APART) & (answers >= 0))
        if len(close):
            answers[close] = _rounded_below(a, b, close)
        return answers

    def negated(self, a: Answers) -> Answers:
        return np.where(a < 0, a, 1 - a).astype(np.int8)

    def both(self, a: Answers, b: Answers) -> Answers:
        return answers_of((a == 1) & (b == 1), (a == 0) | (b == 0))


def _number(values: Floats, sizes: Floats) -> ValueColumn:
    """A result; one that left the range of floats is not known."""
    good = np.isfinite(values) & np.isfinite(sizes)
    return ValueColumn(values, sizes) if good.all() else ValueColumn(np.where(good, values, np.nan), sizes)


def _rounded_below(a: ValueColumn, b: ValueColumn, rows: Ints) -> Answers:
    """The answers of some rows, at 12 significant digits of the largest number that went in."""
    one, two, largest = (
        each if each.ndim == 0 else each[rows] for each in (a.values, b.values, np.maximum(a.reach, b.reach))
    )
    scales = _scales_of(largest)
    under = np.rint(one * scales) < np.rint(two * scales)
    return np.where(np.isfinite(largest), under, -1).astype(np.int8)


def _scales_of(sizes: Floats) -> Floats:
    scales: Floats = _SCALES[np.searchsorted(_POWERS, sizes, side="right")]
    return scales


def answers_of(true: Flags, false: Flags) -> Answers:
    """One column from what is true and what is false; the rest is unknown."""
    return np.where(true, 1, np.where(false, 0, -1)).astype(np.int8)


def count_at_least(parts: list[Answers], least: int, rows: int) -> Answers:
    """At least so many of the parts, row by row."""
    held = sum((part == 1 for part in parts), start=np.zeros(rows, dtype=np.int64))
    failed = sum((part == 0 for part in parts), start=np.zeros(rows, dtype=np.int64))
    return answers_of(held >= least, len(parts) - failed < least)


# ------------------------------------------------------------------------------------------------------- shapes
def crossed(up: Answers, down: Answers, direction: str) -> Answers:
    """`shapes.crossed` taken for all rows: a known side that differs from the last known one."""
    sides = np.where(up == 1, 1, np.where(down == 1, -1, 0))
    known = (sides != 0) | ((up == 0) & (down == 0))
    rows = np.arange(len(up))
    last = np.maximum.accumulate(np.where(sides != 0, rows, -1))  # the row that last showed a side
    before = np.concatenate(([-1], last[:-1])) if len(up) else last
    turned = (sides != 0) & (before >= 0) & (sides != sides[before])
    wanted = {"up": sides == 1, "down": sides == -1, "either": sides != 0}[direction]
    return answers_of(known & turned & wanted, known)


def of_last(part: Answers, least: int, count: int, first: Ints) -> Answers:
    """`shapes.checked` taken for all rows: `least` of the `count` from row `first` on; what is not there is unknown."""
    rows = np.arange(len(part))
    held = np.concatenate(([0], np.cumsum(part == 1)))
    failed = np.concatenate(([0], np.cumsum(part == 0)))
    true = held[rows + 1] - held[first]
    false = failed[rows + 1] - failed[first]
    return answers_of(true >= least, count - false < least)
