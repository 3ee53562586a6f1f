"""The algebra of the live path: a leaf written out as the text of a Python function, compiled once for all like it.

A function works in floats and answers where both sides are further apart than rounding could bring together, with room
to spare; what is closer is compared as the algebra says (`algebra`: exactness). Anything but plain numbers (a value
that is missing, a bound, a division by zero, a sum that left the range of floats) it hands to the explaining
evaluation, so that both agree by construction in all but the plain case; and of that a property test is in charge.

Keys and constants are arguments of the text, never part of it: nothing that a user wrote is ever compiled, and the
hundredth `change_24h <= -5%` costs a call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from autotrader.language.algebra import is_exact, refuse_zero, rounded_below
from autotrader.language.intervals import Interval, Intervals
from autotrader.language.relations import holds, sides_taken
from autotrader.language.tree import Cross, Relation, Term
from autotrader.language.walk import term_id
from autotrader.market.answers import Missing
from autotrader.structs import dataclass


class Table(Protocol):
    """A value table, with those of its numbers that were asked for as floats."""

    @property
    def table(self) -> Mapping[str, Any]: ...
    @property
    def floats(self) -> dict[str, float]: ...


Explain: TypeAlias = Callable[[Any], Any]  # value table -> the answer, by the explaining evaluation
Leaf: TypeAlias = Callable[..., Any]  # the same; what else an evaluation is given (memory, moment) it passes over

# Both sides are apart by more than two units of the 12th digit where the square of their difference is more than this
# share of the squares of all that went in: (2e-11)^2, four times for the sum of four sizes. Squares, because a product
# takes a third of the time of a call of `abs`.
_APART = "1.6e-21"
_CONSTANTS = Intervals(lambda term: Missing(term.word), exact=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the text: the variable that holds it, and that of the largest number that went into it ("" where that
    is itself). `known` is what is known of a constant; `exact` what a plain number that is compared exactly stands for.
    """

    name: str
    size: str = ""
    known: Interval | None = None
    exact: str = ""


class Source:
    """Gathers the lines of one function. Numbers are names of variables, answers are expressions."""

    def __init__(self, *, exact: bool) -> None:
        self._exact = exact
        self._names: dict[str, str] = {}  # by what they stand for: nothing is worked out twice
        self._keys: dict[str, str] = {}
        self.lines: list[str] = []
        self.given: list[object] = []  # keys and constants, in the order of their names

    @property
    def keys(self) -> Iterable[str]:
        """The names of the keys of all terms."""
        return self._keys.values()

    def _argument(self, value: object) -> str:
        self.given.append(value)
        return f"g{len(self.given) - 1}"

    def _named(self, expression: str) -> str:
        name = self._names.get(expression)
        if name is None:
            name = self._names[expression] = f"v{len(self._names)}"
            self.lines.append(f"{name} = {expression}")
        return name

    def _own(self, a: Number) -> str:
        """The size of a number itself."""
        return self._argument(abs(a.known.low)) if a.known else self._named(f"abs({a.name})")

    def _size(self, a: Number) -> str:
        """The largest number that went into it."""
        return self._argument(a.known.size) if a.known else a.size or self._own(a)

    def _larger_of(self, a: str, b: str) -> str:
        return a if a == b else self._named(f"{a} if {a} > {b} else {b}")

    def _constant(self, known: Interval, exact: str = "") -> Number:
        return Number(self._argument(known.low), known=known, exact=exact)

    def _folded(self, step: str, a: Number, b: Number) -> Number | None:
        """Two constants joined here and now."""
        if a.known is None or b.known is None:
            return None
        known = getattr(_CONSTANTS, step)(a.known, b.known)
        return self._constant(known) if isinstance(known, Interval) else None

    # ------------------------------------------------------------------------------------------------ numbers
    def constant(self, value: Decimal) -> Number:
        known = Interval(float(value), float(value), abs(float(value)))
        return self._constant(known, self._argument(value) if self._exact else "")

    def term(self, term: Term) -> Number:
        name = term_id(term)
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = self._argument(name)
        return Number(self._named(f"floats[{key}]"), exact=f"values.table[{key}]" if self._exact else "")

    def add(self, a: Number, b: Number) -> Number:
        return self._folded("add", a, b) or self._sum("+", a, b)

    def subtract(self, a: Number, b: Number) -> Number:
        return self._folded("subtract", a, b) or self._sum("-", a, b)

    def _sum(self, sign: str, a: Number, b: Number) -> Number:
        return Number(self._named(f"{a.name} {sign} {b.name}"), self._larger_of(self._size(a), self._size(b)))

    def multiply(self, a: Number, b: Number) -> Number:
        folded = self._folded("multiply", a, b)
        if folded is not None:
            return folded
        one, two = self._named(f"{self._size(a)} * {self._own(b)}"), self._named(f"{self._own(a)} * {self._size(b)}")
        return Number(self._named(f"{a.name} * {b.name}"), self._larger_of(one, two))

    def divide(self, a: Number, b: Number) -> Number:
        folded = self._folded("divide", a, b)
        if folded is not None:
            return folded
        if b.size:  # else it is plain: a float that is not 0 has 12 digits of its own
            self.lines.append(f"refuse_zero({b.name}, {b.size})")
        quotient = Number(self._named(f"{a.name} / {b.name}"))
        larger = self._larger_of(self._size(a), self._named(f"{self._own(quotient)} * {self._size(b)}"))
        return Number(quotient.name, self._named(f"{larger} / {self._own(b)}"))

    def smaller(self, a: Number, b: Number) -> Number:
        return self._picked("<", a, b)

    def larger(self, a: Number, b: Number) -> Number:
        return self._picked(">", a, b)

    def _picked(self, sign: str, a: Number, b: Number) -> Number:
        name = self._named(f"{a.name} if {a.name} {sign} {b.name} else {b.name}")
        return Number(name, self._larger_of(self._size(a), self._size(b)))

    def size(self, a: Number) -> Number:
        return Number(self._own(a), a.size)

    # ------------------------------------------------------------------------------------------------ answers
    def below(self, a: Number, b: Number) -> str:
        apart = self._named(f"{a.name} - {b.name}")
        squares = " + ".join(dict.fromkeys((*self._squares(a), *self._squares(b))))
        if self._exact:
            close = f"exactly_below({a.exact}, {b.exact})" if a.exact and b.exact else "undecided()"
        else:
            sizes = ", ".join(f"abs({name})" for side in (a, b) for name in (side.name, side.size) if name)
            close = f"rounded_below({a.name}, {b.name}, max({sizes}))"
        return self._named(f"{apart} < 0 if {apart} * {apart} > ({squares}) * {_APART} else {close}")

    def _squares(self, a: Number) -> Iterable[str]:
        if a.known is not None:
            return (self._argument(a.known.low**2 + a.known.size**2),)
        return (f"{name} * {name}" for name in (a.name, a.size) if name)

    def negated(self, a: str) -> str:
        return f"(not {a})"

    def both(self, a: str, b: str) -> str:
        return f"({a} and {b})"


def relation(leaf: Relation, explain: Explain) -> Leaf:
    """A relation as a function of the value table: true, false or unknown."""
    source = Source(exact=is_exact(leaf))
    return _made(source, holds(leaf, source), explain)


def side(leaf: Cross, explain: Explain) -> Leaf:
    """On which side of right the left of a crossing is, as a function: "up", "down", "" or None."""
    source = Source(exact=is_exact(leaf))
    up, down = sides_taken(leaf, source)
    return _made(source, f"'up' if {up} else 'down' if {down} else ''", explain)


def _made(source: Source, answer: str, explain: Explain) -> Leaf:
    body = "".join(f"            {line}\n" for line in source.lines)
    names = ", ".join(["explain", *(f"g{number}" for number in range(len(source.given)))])
    text = (
        f"def make({names}):\n"
        f"    def leaf(values, memory=None, moment=None, following=None):\n"
        f"        floats = values.floats\n"
        f"        try:\n{body}            return {answer}\n"
        f"        except KeyError:\n"
        f"            return first(leaf, values, ({''.join(f'{key}, ' for key in source.keys)}), explain)\n"
        f"        except ArithmeticError:\n"
        f"            return explain(values)\n"
        f"    return leaf\n"
    )
    made: Leaf = _factory(text)(explain, *source.given)
    return made


@lru_cache(maxsize=1 << 12)
def _factory(text: str) -> Callable[..., Leaf]:
    names: dict[str, Any] = {
        "rounded_below": rounded_below, "refuse_zero": refuse_zero, "exactly_below": exactly_below,
        "undecided": undecided, "first": first,
    }  # fmt: skip
    exec(compile(text, "<a condition>", "exec"), names)  # noqa: S102 - of our tables alone: see above
    factory: Callable[..., Leaf] = names["make"]
    return factory


# ------------------------------------------------------------------------------------------- what the functions call
def first(leaf: Leaf, values: Table, keys: Iterable[str], explain: Explain) -> Any:
    """The answer where a number was not asked for before: it is put beside the others, if it is one."""
    for key in keys:
        found = values.table.get(key)
        if not isinstance(found, Decimal | float) or not math.isfinite(found):
            return explain(values)
        values.floats[key] = float(found)
    return leaf(values)


def exactly_below(a: Decimal | float, b: Decimal | float) -> bool:
    """Whether a < b as decimals, a float being the number that its text names."""
    return Decimal(repr(a) if isinstance(a, float) else a) < Decimal(repr(b) if isinstance(b, float) else b)


def undecided() -> bool:
    """Raises ArithmeticError: what was worked out in floats is too close to be told by them."""
    raise ArithmeticError
