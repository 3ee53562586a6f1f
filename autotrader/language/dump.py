"""Values and conditions as plain data: every number an exact text with its unit (`9400000 JPY`, `0.001 BTC`, `-5%`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any as AnyType

from autotrader.language.readback import written, written_condition
from autotrader.language.tree import AtLeast, Condition, Kind, Literal, Named, Not, Value
from autotrader.language.walk import Tree, rebuilt
from autotrader.money import plain
from autotrader.times import span_text

Data = dict[str, AnyType]


def condition_data(condition: Condition, symbol: str) -> AnyType:
    """A condition in the form in which it is written, units exact."""
    match condition:
        case AtLeast(form=("all" | "any") as form, parts=parts):
            return {form: [condition_data(part, symbol) for part in parts]}
        case Not(part=part):
            return {"not": condition_data(part, symbol)}
        case AtLeast(count=count, parts=parts):
            return {"at_least": {"n": count, "of": [condition_data(part, symbol) for part in parts]}}
        case Named(name=name, part=part):
            return {"signal": name, "is": condition_data(part, symbol)}
        case _:
            return written_condition(_resolved(condition), symbol)


def value_data(value: Value, symbol: str) -> str:
    """A value as it would be written, with every number exact, parameters filled in."""
    return written(_resolved(value), symbol)


def _resolved(node: Tree) -> Tree:
    """The same tree with every literal's text made from its value: `10_000 JPY` and `$spend` become `10000 JPY`."""
    return rebuilt(node, lambda each: replace(each, text=_exact(each), param="") if isinstance(each, Literal) else each)


def _exact(literal: Literal) -> str:
    number = plain(literal.value)
    match literal.unit.kind:
        case Kind.PERCENT:
            return f"{number}%"
        case Kind.DURATION:
            return span_text(int(literal.value))
        case Kind.PRICE | Kind.AMOUNT:
            return f"{number} {literal.unit.asset}"
        case Kind.COUNT if "level" in literal.text:
            return f"{number} levels"
        case _:
            return number
