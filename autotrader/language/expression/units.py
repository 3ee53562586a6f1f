"""Units: what may be added to, compared with and divided by what; and what a bare number becomes beside a price.

A bare number takes the unit of its neighbour only where the language says so: prices and counts may be bare,
percentages, amounts and durations may not. Like ÷ like is a plain number that also compares with a percentage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Literal as Only

from autotrader.language.algebra import OPERATIONS
from autotrader.language.expression.syntax import Fault, Node
from autotrader.language.tree import Kind, Literal, Operation, Unit, Value
from autotrader.money import HUNDRED, grouped, over

NUMBER = Unit(Kind.NUMBER)
PERCENT = Unit(Kind.PERCENT)
DURATION = Unit(Kind.DURATION)
COUNT = Unit(Kind.COUNT)
TEXT = Unit(Kind.TEXT)
_RELATIVE = (Kind.PRICE, Kind.AMOUNT)
_USUAL = {"JPY": "10_000", "USDT": "100", "USDC": "100"}
_PLAIN = (Kind.NUMBER, Kind.COUNT)
_ONE_HUNDRED = Literal(HUNDRED, NUMBER, "100")
_NAMES = {
    Kind.NUMBER: "a plain number",
    Kind.PERCENT: "a percentage",
    Kind.DURATION: "a duration",
    Kind.COUNT: "a count",
    Kind.TEXT: "text",
}
COMPARED = "compared with"
Sign = Only["+", "-", "*", "/", "of"]


def named(unit: Unit) -> str:
    """A unit in words: `a price in JPY`."""
    if unit.kind is Kind.PRICE:
        return f"a price in {unit.asset}"
    return f"an amount of {unit.asset}" if unit.kind is Kind.AMOUNT else _NAMES[unit.kind]


def is_constant(value: Value) -> bool:
    """Whether nothing in it comes from outside."""
    if isinstance(value, Operation):
        return is_constant(value.left) and is_constant(value.right)
    return isinstance(value, Literal)


def is_bare(value: Value) -> bool:
    """A number without unit, or a sum of such."""
    if isinstance(value, Operation):
        return is_bare(value.left) and (value.op in ("+%", "-%") or is_bare(value.right))
    return isinstance(value, Literal) and value.unit == NUMBER


def is_ratio(value: Value) -> bool:
    """Like ÷ like, or a sum or multiple of such: it may stand beside a percentage."""
    if not isinstance(value, Operation) or value.unit != NUMBER:
        return False
    if value.op == "/":
        return is_ratio(value.left) if is_bare(value.right) else value.left.unit == value.right.unit
    return value.op in ("+", "-", "*", "min", "max") and _ratio_pair(value.left, value.right)


def _ratio_pair(left: Value, right: Value) -> bool:
    one, other = is_ratio(left), is_ratio(right)
    return (one and other) or (one and is_constant(right)) or (other and is_constant(left))


def adopt(value: Value, unit: Unit, node: Node) -> Value | None:
    """The value in a unit it may take beside a neighbour, or None where it may not.

    Raises Fault where the number lacks the unit it must carry.
    """
    if value.unit == unit:
        return value
    if isinstance(value, Literal):
        return _adopt_literal(value, unit, node)
    if {value.unit.kind, unit.kind} == {Kind.NUMBER, Kind.COUNT}:
        return value
    if not is_constant(value) or not isinstance(value, Operation):
        return None
    if OPERATIONS[value.op].alike:
        left, right = adopt(value.left, unit, node), adopt(value.right, unit, node)
        return replace(value, left=left, right=right, unit=unit) if left is not None and right is not None else None
    if value.op == "%of":
        right = adopt(value.right, unit, node)
        return replace(value, right=right, unit=unit) if right is not None else None
    if value.unit == value.left.unit:
        left = adopt(value.left, unit, node)
        return replace(value, left=left, unit=unit) if left is not None else None
    return None


def _adopt_literal(value: Literal, unit: Unit, node: Node) -> Literal | None:
    if value.unit.kind is Kind.NUMBER or (value.unit.kind is Kind.COUNT and unit.kind is Kind.NUMBER):
        if unit.kind in (Kind.PRICE, Kind.COUNT, Kind.NUMBER):
            return replace(value, unit=unit)
        raise unitless(value, unit, node)
    if value.unit.kind is Kind.AMOUNT and unit == Unit(Kind.PRICE, value.unit.asset):
        return replace(value, unit=unit)
    return None


def unitless(value: Literal, unit: Unit, node: Node) -> Fault:
    """A number that must carry a unit does not."""
    start, length = node.start, node.end - node.start
    shown = value.text
    if unit.kind is Kind.PERCENT:
        return Fault("AT120", start, length, "a percentage needs its sign", f"write `{shown}%`")
    if unit.kind is Kind.AMOUNT:
        return Fault("AT120", start, length, "an amount needs its currency", f"write `{shown} {unit.asset or 'JPY'}`")
    if unit.kind is Kind.DURATION:
        return Fault("AT120", start, length, "a duration needs its unit", f"write `{shown}m`, `{shown}s` or `{shown}h`")
    return Fault("AT121", start, length, f"a number cannot stand for {named(unit)}")


def unify(left: Value, right: Value, nodes: tuple[Node, Node], verb: str) -> tuple[Value, Value]:
    """Both sides in one unit. Raises Fault at the side that does not fit."""
    if left.unit == right.unit:
        return left, right
    if left.unit.kind is Kind.PERCENT and is_ratio(right):
        right, left = _beside_percent(right, left, verb)
        return left, right
    if right.unit.kind is Kind.PERCENT and is_ratio(left):
        return _beside_percent(left, right, verb)
    if is_constant(left) and not is_constant(right):
        adopted = adopt(left, right.unit, nodes[0])
        if adopted is not None:
            return adopted, right
        raise _misfit(left, right, nodes[0], verb)
    adopted = adopt(right, left.unit, nodes[1])
    if adopted is None and is_constant(left):
        back = adopt(left, right.unit, nodes[0])
        if back is not None:
            return back, right
    if adopted is None:
        raise _misfit(right, left, nodes[1], verb)
    return left, adopted


def _beside_percent(ratio: Value, percent: Value, verb: str) -> tuple[Value, Value]:
    """A comparison of a ratio with a percentage stays as written; in a sum the percentage becomes a number."""
    if verb == COMPARED:
        return ratio, percent
    if isinstance(percent, Literal):
        return ratio, replace(percent, value=over(percent.value, HUNDRED), unit=NUMBER)
    return Operation("*", ratio, _ONE_HUNDRED, PERCENT), percent


def _misfit(found: Value, beside: Value, node: Node, verb: str) -> Fault:
    hint = ""
    mine, other = found.unit, beside.unit
    if isinstance(found, Literal) and mine.kind is Kind.AMOUNT and other.kind in _RELATIVE:
        hint = f"it is counted in {other.asset}, such as `{_USUAL.get(other.asset, '0.01')} {other.asset}`"
    elif isinstance(found, Literal) and other.kind in _PLAIN:
        hint = f"it has no unit: write `{_number_of(found)}`"
    elif isinstance(found, Literal) and other.kind is Kind.PERCENT:
        hint = f"write a percentage, such as `{_number_of(found)}%`"
    elif mine.kind is Kind.PERCENT and other.kind in _RELATIVE:
        hint = "a percentage of something is written `X - 5%` or `5% of X`"
    text = f"{named(mine)} cannot be {verb} {named(other)}"
    return node.fault("AT121", text, hint)


def _number_of(value: Literal) -> str:
    if value.unit.kind is Kind.DURATION or value.param:
        return grouped(value.value).replace(",", "_")
    return value.text.rstrip("%").split(" ")[0]


# ---------------------------------------------------------------------------------------------------- arithmetic
def combine(op: Sign, left: Value, right: Value, node: Node, base_of: Callable[[Value], str]) -> Value:
    """`left op right` with its unit. Raises Fault where the units make no sense together."""
    for side, part in ((left, node.parts[0]), (right, node.parts[1])):
        if side.unit.kind is Kind.TEXT:
            raise part.fault("AT121", "text has no arithmetic")
    if op in ("+", "-"):
        return _sum(op, left, right, node)
    if op == "of":
        if left.unit.kind is not Kind.PERCENT:
            part = node.parts[0]
            if isinstance(left, Literal) and left.unit == NUMBER:
                raise unitless(left, PERCENT, part)
            raise part.fault("AT121", f"`of` takes a percentage, found {named(left.unit)}", "write `20% of free(JPY)`")
        return Operation("%of", left, right, right.unit)
    return _product(left, right, node, base_of) if op == "*" else _quotient(left, right, node, base_of)


def _sum(op: Only["+", "-"], left: Value, right: Value, node: Node) -> Value:
    if right.unit.kind is Kind.PERCENT and not is_ratio(left):
        if left.unit.kind in _RELATIVE or is_bare(left):
            return Operation("+%" if op == "+" else "-%", left, right, left.unit)
    elif left.unit.kind is Kind.PERCENT and right.unit.kind in _RELATIVE:
        part = node.parts[0]
        raise part.fault(
            "AT121",
            f"{named(right.unit)} cannot be added to a percentage",
            "the price or amount stands first: `ask + 0.3%`",
        )
    left, right = unify(left, right, (node.parts[0], node.parts[1]), "added to" if op == "+" else "subtracted from")
    unit = NUMBER if left.unit != right.unit else left.unit
    return Operation(op, left, right, unit)


def _product(left: Value, right: Value, node: Node, base_of: Callable[[Value], str]) -> Value:
    one, two = left.unit.kind, right.unit.kind
    if Kind.PERCENT in (one, two) and not (one is two or one in _PLAIN or two in _PLAIN):
        part, whole = (left, right) if one is Kind.PERCENT else (right, left)
        return Operation("%of", part, whole, whole.unit)
    if one in _PLAIN:
        return Operation("*", left, right, right.unit if two is not Kind.COUNT else NUMBER)
    if two in _PLAIN:
        return Operation("*", left, right, left.unit)
    for price, amount in ((left, right), (right, left)):
        if price.unit.kind is Kind.PRICE and amount.unit.kind is Kind.AMOUNT and base_of(price) == amount.unit.asset:
            return Operation("*", left, right, Unit(Kind.AMOUNT, price.unit.asset))
    raise _senseless(left, right, node, "multiplied by")


def _quotient(left: Value, right: Value, node: Node, base_of: Callable[[Value], str]) -> Value:
    if isinstance(right, Literal) and right.value == 0:
        part = node.parts[1]
        raise part.fault("AT122", "division by zero")
    if isinstance(right, Literal) and left.unit.kind is Kind.PRICE and right.unit == Unit(Kind.AMOUNT, left.unit.asset):
        right = replace(right, unit=left.unit)
    if isinstance(left, Literal) and right.unit.kind is Kind.PRICE and left.unit == Unit(Kind.AMOUNT, right.unit.asset):
        return Operation("/", left, right, Unit(Kind.AMOUNT, base_of(right)))
    if left.unit == right.unit:
        return Operation("/", left, right, NUMBER)
    if right.unit.kind in _PLAIN:
        return Operation("/", left, right, left.unit if left.unit.kind is not Kind.COUNT else NUMBER)
    if left.unit.kind is Kind.AMOUNT and right.unit == Unit(Kind.PRICE, left.unit.asset) and base_of(right):
        return Operation("/", left, right, Unit(Kind.AMOUNT, base_of(right)))
    raise _senseless(left, right, node, "divided by")


def _senseless(left: Value, right: Value, node: Node, verb: str) -> Fault:
    hint = ""
    if left.unit.kind is right.unit.kind is Kind.PERCENT:
        hint = "write `5% of X` with one percentage"
    return node.fault("AT121", f"{named(left.unit)} cannot be {verb} {named(right.unit)}", hint)


ZERO_LITERAL = Literal(Decimal(0), NUMBER, "0")
MINUS_ONE = Literal(Decimal(-1), NUMBER, "-1")
