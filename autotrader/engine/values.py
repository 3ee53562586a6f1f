"""The value table: what each term of the plan was seen to be in one cycle.

Everything a verdict depends on stands in this table (and in the rule's stored memory), so that recorded tables
rebuild every decision later. A term's id is its canonical text: equal words of different rules are one entry.
Conditions read the float column; amounts and prices of actions are worked out exactly from the table itself.
Indicator values come as floats and are recorded as such; replay never computes them again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from decimal import Decimal
from functools import lru_cache

from autotrader.language.tree import Arithmetic, Kind, Least, Literal, Most, Term, Value
from autotrader.market.sources import LowerBound, Missing
from autotrader.money import CONTEXT, HUNDRED, ONE, plain
from autotrader.structs import dataclass

Scalar = Decimal | float | str | bool | Missing | LowerBound
NAN = math.nan


@lru_cache(maxsize=1 << 16)
def term_id(term: Term) -> str:
    """Canonical text of a term: `BTCJPY.rsi(14,1h)`, `BTCJPY.close(4h)~1`."""
    inside = [_argument(arg) for arg in term.args]
    if term.series is not None:
        inside.append(term_id(term.series))
    elif term.timeframe:
        inside.append(term.timeframe)
    shift = f"~{term.shift}" if term.shift else ""
    return f"{term.symbol}.{term.word}{'(' + ','.join(inside) + ')' if inside else ''}{shift}"


def _argument(arg: Decimal | str | Literal) -> str:
    if isinstance(arg, str):
        return arg
    if isinstance(arg, Literal):
        return f"{plain(arg.value)}:{arg.unit.kind}{arg.unit.asset and ':' + arg.unit.asset}"
    return plain(arg)


def value_id(node: Value) -> str:
    """Canonical text of a value, independent of how it was written."""
    match node:
        case Literal():
            return _argument(node)
        case Term():
            return term_id(node)
        case Arithmetic():
            return f"({value_id(node.left)}{node.op}{value_id(node.right)})"
        case Least():
            return f"min({value_id(node.left)},{value_id(node.right)})"
        case Most():
            return f"max({value_id(node.left)},{value_id(node.right)})"


def as_float(value: Scalar) -> float:
    """Float for conditions; NaN for what is not a known number (missing, a bound, text)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else NAN
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    return float(value) if isinstance(value, Decimal) else NAN


@dataclass(frozen=True, slots=True)
class Values:
    """The table of one cycle (or, for a per-order rule, of one order in it): id -> value.

    `floats` is derived from it for the fast path.
    """

    table: Mapping[str, Scalar]
    floats: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, table: Mapping[str, Scalar]) -> Values:
        """A table with its float column."""
        return cls(table, {key: as_float(value) for key, value in table.items()})

    def also(self, table: Mapping[str, Scalar]) -> Values:
        """This table with more entries; the others win."""
        return Values(
            {**self.table, **table}, {**self.floats, **{key: as_float(value) for key, value in table.items()}}
        )

    def get(self, key: str) -> Scalar:
        """The value under an id; missing with its reason where nobody looked."""
        found = self.table.get(key)
        return Missing(f"{key} was not observed") if found is None else found

    def only(self, keys: Iterable[str]) -> Mapping[str, Scalar]:
        """The entries under some ids, as far as they are there."""
        return {key: self.table[key] for key in keys if key in self.table}


EMPTY = Values({}, {})


# -------------------------------------------------------------------------------------------------- exact values
def exact(node: Value, values: Values) -> Decimal | Missing:
    """A value in Decimal, for amounts and prices of actions. A bound ("at least x") is not an amount: missing."""
    match node:
        case Literal():
            return node.value
        case Term():
            return exact_scalar(values.get(term_id(node)), term_id(node))
    left, right = exact(node.left, values), exact(node.right, values)
    if isinstance(left, Missing):
        return left
    if isinstance(right, Missing):
        return right
    if isinstance(node, Arithmetic) and node.op not in {"+", "-"}:
        return _exact_operation(node.op, left, right)
    left, right = scaled(node.left, left, node.right), scaled(node.right, right, node.left)
    if isinstance(node, Arithmetic):
        return _exact_operation(node.op, left, right)
    return min(left, right) if isinstance(node, Least) else max(left, right)


def exact_scalar(value: Scalar, name: str) -> Decimal | Missing:
    """A table entry as Decimal; a float becomes the decimal number that its shortest text names."""
    if isinstance(value, Missing):
        return value
    if isinstance(value, Decimal):
        return value
    if isinstance(value, LowerBound):
        return Missing(f"{name} is only known to be at least {plain(value.value)}")
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    return Missing(f"{name} is not a number")


def scaled(node: Value, value: Decimal, other: Value) -> Decimal:
    """`value` of `node` in the unit of `other`: a plain ratio beside a percentage is counted in percent."""
    return CONTEXT.multiply(value, HUNDRED) if is_ratio_beside_percent(node, other) else value


def is_ratio_beside_percent(node: Value, other: Value) -> bool:
    """Whether a plain number stands where a percentage stands on the other side (rule-language §2, like ÷ like)."""
    return (
        node.unit.kind is Kind.NUMBER
        and other.unit.kind is Kind.PERCENT
        and isinstance(node, Arithmetic | Least | Most)
    )


def _exact_operation(op: str, left: Decimal, right: Decimal) -> Decimal | Missing:
    match op:
        case "+":
            return CONTEXT.add(left, right)
        case "-":
            return CONTEXT.subtract(left, right)
        case "*":
            return CONTEXT.multiply(left, right)
        case "/":
            return Missing("division by zero") if right == 0 else CONTEXT.divide(left, right)
        case "%of":
            return CONTEXT.divide(CONTEXT.multiply(left, right), HUNDRED)
        case _:  # "+%" and "-%"
            share = CONTEXT.divide(right, HUNDRED)
            return CONTEXT.multiply(left, ONE + share if op == "+%" else ONE - share)


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


def values_from_json(data: Mapping[str, str]) -> Values:
    """The inverse of `values_to_json`."""
    return Values.of({key: scalar_from_text(text) for key, text in data.items()})
