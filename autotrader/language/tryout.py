"""Trying an expression out: text → a value or a condition, and what it means over a file of candles.

Over candles `last` is the close, `change(1h)` the change to the close one hour before, and the 24 hour words are
worked out from the candles of a day; words about the book, the account or the connection have no meaning there.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from autotrader.language.expression import NUMERIC, Origin, Scope, parse_either
from autotrader.language.problems import Problem
from autotrader.language.readback import written
from autotrader.language.tree import Condition, Kind, Literal, Operation, Term, Unit, Value
from autotrader.language.walk import rebuilt, tree_terms
from autotrader.market.timeframe import FIXED_MS
from autotrader.money import HUNDRED
from autotrader.structs import dataclass
from autotrader.times import DAY_MS


@dataclass(frozen=True, slots=True)
class Tried:
    """An expression: exactly one of `value` and `condition` is set where it has no mistakes."""

    text: str
    value: Value | None
    condition: Condition | None
    problems: tuple[Problem, ...]

    @property
    def node(self) -> Value | Condition | None:
        """The tree, whichever it is."""
        return self.value if self.value is not None else self.condition

    @property
    def unit(self) -> Unit | None:
        """What a value measures; None for conditions."""
        return self.value.unit if self.value is not None else None


def tried(text: str, scope: Scope) -> Tried:
    """Read an expression, as a condition where it says something of a value, else as a value."""
    found, problems = parse_either(text, Origin("expression", 1, 1), "expression", scope, NUMERIC)
    if isinstance(found, Literal | Term | Operation):
        return Tried(text, found, None, problems)
    return Tried(text, None, found, problems)


def over_candles(node: Any, interval: str) -> Any:
    """The tree with the words of the ticker replaced by candle words of `interval`."""
    return rebuilt(node, lambda each: _candle_value(each, interval) if isinstance(each, Term) else each)


def _candle_value(term: Term, interval: str) -> Value:
    size = FIXED_MS.get(interval, 0)
    close = replace(term, word="close", args=(), timeframe=interval)
    if term.word == "last":
        return close
    if term.word == "change" and size and isinstance(term.args[0], Literal) and term.args[0].value % size == 0:
        return _change(close, int(term.args[0].value) // size)
    if not size or DAY_MS % size:
        return term
    count = DAY_MS // size
    match term.word:
        case "change_24h":
            return _change(close, count)
        case "open_24h":
            return replace(close, shift=count)
        case "high_24h":
            return replace(close, word="highest", args=(Decimal(count),))
        case "low_24h":
            return replace(close, word="lowest", args=(Decimal(count),))
        case _:
            return term


def _change(close: Term, count: int) -> Value:
    """The change to the close so many candles ago. As live it asks for that one candle, and not for those between
    (`roc` does): a hole in a file takes one row and not a day.
    """
    before = replace(close, shift=count)
    percent, price = Unit(Kind.PERCENT), close.unit
    moved = Operation("-", close, before, price)
    return Operation("/", Operation("*", Literal(HUNDRED, percent, "100%"), moved, price), before, percent)


def without_candles(node: Value | Condition) -> list[str]:
    """The words of a tree that a file of candles cannot answer, as written."""
    return [written(term, term.symbol) for term in tree_terms(node) if not term.is_candle]


def measured(unit: Unit | None) -> str:
    """A unit for a table's head: `JPY`, `%`, `BTC`, or "" for plain numbers."""
    if unit is None:
        return ""
    return {Kind.PERCENT: "%", Kind.DURATION: "ms"}.get(unit.kind, unit.asset)
