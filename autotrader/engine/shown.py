"""Values for the eye: in notifications and explanations. Only what is shown is rounded, never what is sent."""

from __future__ import annotations

import math
from decimal import Decimal

from autotrader.engine.values import Scalar, Values, exact
from autotrader.language.tree import Kind, Term, Unit, Value
from autotrader.language.walk import term_id
from autotrader.market.sources import LowerBound, Missing
from autotrader.money import grouped
from autotrader.times import age_text

NOTHING = "—"
_PLACES = {Kind.PERCENT: 2, Kind.NUMBER: 4}


def value_text(value: Scalar, unit: Unit) -> str:
    """A value with its unit: `15,005,000 JPY`, `-6.02%`, `28.44`, `2m30s`; what is missing is a dash."""
    match value:
        case Missing():
            return NOTHING
        case LowerBound():
            return f"at least {value_text(value.value, unit)}"
        case bool():
            return "yes" if value else "no"
        case str():
            return value or NOTHING
        case float() if not math.isfinite(value):
            return NOTHING
        case float() | Decimal():
            return _number(Decimal(repr(value)) if isinstance(value, float) else value, unit, exact=value)


def shown(node: Value, values: Values) -> str:
    """What a value of a rule is, by the table; a dash where it is not known."""
    if isinstance(node, Term):
        return value_text(values.get(term_id(node)), node.unit)
    found = exact(node, values)
    return value_text(found if isinstance(found, Missing) else float(found), node.unit)


def _number(value: Decimal, unit: Unit, *, exact: Decimal | float) -> str:
    if unit.kind is Kind.DURATION:
        return age_text(int(value))
    text = _rounded(value, unit, exact)
    if unit.kind is Kind.PERCENT:
        return f"{text}%"
    return f"{text} {unit.asset}" if unit.asset else text


def _rounded(value: Decimal, unit: Unit, exact: Decimal | float) -> str:
    places = _PLACES.get(unit.kind)
    if places is None and isinstance(exact, float):
        places = 8 if abs(value) < 1 else 2
    text = grouped(value, places)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def grouped_amount(value: Decimal, asset: str) -> str:
    """`9,999 JPY`, `0.001 BTC`: all digits that there are."""
    return f"{grouped(value)} {asset}"
