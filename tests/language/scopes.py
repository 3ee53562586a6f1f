"""What the tests of the language share: a scope with three symbols, and short ways to parse."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

from autotrader.language.expression import Origin, Scope, SignalUse, parse_condition, parse_value
from autotrader.language.problems import Problem
from autotrader.language.tree import Condition, Kind, Literal, Place, Unit, Value
from autotrader.market.instrument import Instrument

INSTRUMENTS = {
    f"{base}JPY": Instrument(symbol=f"{base}JPY", base=base, quote="JPY", tick=Decimal(1))
    for base in ("BTC", "ETH", "BNB")
}
PARAMS = {
    "dip": Literal(Decimal(-5), Unit(Kind.PERCENT), "-5%"),
    "spend": Literal(Decimal(10_000), Unit(Kind.AMOUNT, "JPY"), "10_000 JPY"),
    "n": Literal(Decimal(14), Unit(Kind.NUMBER), "14"),
    "hour": Literal(Decimal(3_600_000), Unit(Kind.DURATION), "1h"),
}
SCOPE = Scope(symbol="BTCJPY", instruments=INSTRUMENTS, params=PARAMS, in_order=True)
ORIGIN = Origin("rules/dip.yaml", 7, 11, "rules.dip.when")


def condition(text: str, scope: Scope = SCOPE) -> Condition:
    """A condition without mistakes."""
    found, problems = parse_condition(text, ORIGIN, "when", scope)
    assert found is not None, problems
    assert not isinstance(found, SignalUse)
    return found


def value(text: str, scope: Scope = SCOPE) -> Value:
    """A value without mistakes."""
    found, problems = parse_value(text, ORIGIN, scope)
    assert found is not None, problems
    return found


def mistake(text: str, scope: Scope = SCOPE) -> Problem:
    """The one mistake of a condition."""
    found, problems = parse_condition(text, ORIGIN, "when", scope)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert found is None
    assert len(errors) == 1, problems
    return errors[0]


def marked(text: str, problem: Problem) -> str:
    """The part of the text under the caret."""
    start = problem.place.column - ORIGIN.column
    return text[start : start + problem.place.length]


def bare(node: Any) -> Any:
    """A tree without places, keys and written text, for comparing what it means."""
    if isinstance(node, tuple):
        return tuple(bare(part) for part in node)
    if not is_dataclass(node) or isinstance(node, type | Literal):
        return node
    changes = {each.name: bare(getattr(node, each.name)) for each in fields(node)}
    for name in ("key", "text"):
        if name in changes:
            changes[name] = ""
    if "place" in changes:
        changes["place"] = Place("", 0, 0)
    return replace(node, **changes)
