"""The value table: what each term of the plan was seen to be in one cycle.

Everything a verdict depends on stands in this table (and in the rule's stored memory), so that recorded tables
rebuild every decision later. A term's id is its canonical text: equal words of different rules are one entry.
Amounts and prices of actions are worked out from it exactly, conditions by the one algebra (`language.algebra`).
Indicator values come as floats and are recorded as such; replay never computes them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from decimal import Decimal

from autotrader.language.algebra import Exact, compute
from autotrader.language.tree import Term, Value
from autotrader.language.walk import term_id
from autotrader.market.sources import LowerBound, Missing
from autotrader.structs import dataclass

Scalar = Decimal | float | str | bool | Missing | LowerBound


@dataclass(frozen=True, slots=True)
class Values:
    """The table of one cycle (or, for a per-order rule, of one order in it): id -> value.

    `floats` are those of its numbers that the live path asked for: many rules ask for the same few.
    """

    table: Mapping[str, Scalar]
    floats: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def also(self, table: Mapping[str, Scalar]) -> Values:
        """This table with more entries; the others win."""
        kept = {key: value for key, value in self.floats.items() if key not in table}
        return Values({**self.table, **table}, kept)

    def get(self, key: str) -> Scalar:
        """The value under an id; missing with its reason where nobody looked."""
        found = self.table.get(key)
        return Missing(f"{key} was not observed") if found is None else found

    def of(self, term: Term) -> Scalar:
        """The value of a term."""
        return self.get(term_id(term))

    def only(self, keys: Iterable[str]) -> Mapping[str, Scalar]:
        """The entries under some ids, as far as they are there."""
        return {key: self.table[key] for key in keys if key in self.table}


EMPTY = Values({})


def exact(node: Value, values: Values) -> Decimal | Missing:
    """A value in Decimal, for amounts and prices of actions. A bound ("at least x") is not an amount: missing."""
    return compute(node, Exact(values.of))


# --------------------------------------------------------------------------------------------------------- JSON
def scalar_to_text(value: Scalar) -> str:
    """A scalar as one tagged text: exact for Decimal, by repr for float."""
    match value:
        case bool():
            return "b1" if value else "b0"
        case Decimal():
            return f"d{value}"
        case float():
            return f"f{value!r}"
        case str():
            return f"s{value}"
        case Missing():
            return f"m{value.reason}"
        case LowerBound():
            return f"l{value.value}"


def scalar_from_text(text: str) -> Scalar:
    """The inverse of `scalar_to_text`. Raises ValueError for an unknown tag."""
    tag, rest = text[:1], text[1:]
    match tag:
        case "b":
            return rest == "1"
        case "d":
            return Decimal(rest)
        case "f":
            return float(rest)
        case "s":
            return rest
        case "m":
            return Missing(rest)
        case "l":
            return LowerBound(Decimal(rest))
    raise ValueError(f"unknown tag of a recorded value: {tag!r}")


def values_to_json(values: Values) -> dict[str, str]:
    """A table as plain JSON data, sorted by id."""
    return {key: scalar_to_text(values.table[key]) for key in sorted(values.table)}
