"""Sentences → typed conditions: both sides in one unit, the time shape around them, and what can never be true."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any as AnyType
from typing import Literal as Only
from typing import cast

from autotrader.language.expression.check import Checker
from autotrader.language.expression.lexer import Fault, Token
from autotrader.language.expression.plainly import duration_ms
from autotrader.language.expression.scope import Origin, Scope
from autotrader.language.expression.sense import check_sense
from autotrader.language.expression.syntax import Node, Sentence, Shape
from autotrader.language.expression.units import COMPARED, PERCENT, is_constant, unify
from autotrader.language.expression.windows import Windows
from autotrader.language.tree import (
    Between,
    Compare,
    Condition,
    CountOf,
    Cross,
    Flag,
    Held,
    Kind,
    Literal,
    Named,
    Near,
    Place,
    Plain,
    Term,
    Unit,
    Value,
    WithinLast,
)
from autotrader.language.walk import tree_terms
from autotrader.market.timeframe import approximate_ms
from autotrader.text import did_you_mean


class Conditions:
    """Builds the condition of one sentence. Raises Fault; `checker.notes` keeps warnings and notes."""

    def __init__(self, text: str, origin: Origin, key: str, scope: Scope) -> None:
        self.text = text
        self.key = key
        self.scope = scope
        self.place = Place(origin.file, origin.line, origin.column, max(1, len(text.rstrip())))
        self.checker = Checker(text, scope)
        self.faults: list[Fault] = []

    def condition(self, sentence: Sentence) -> Condition:
        """The whole condition with its shape."""
        if sentence.relation == "signal":
            return self.signal(sentence)
        plain = self.plain(sentence)
        check_sense(plain, sentence, self.checker)
        return self.shaped(plain, sentence.shape) if sentence.shape else plain

    def plain(self, sentence: Sentence) -> Plain:
        """The condition without its shape."""
        if sentence.relation == "time":
            windows = Windows(sentence.windows, self.scope.zone).all()
            return Flag(key=self.key, text=self.text, place=self.place, windows=windows)
        if sentence.relation == "exchange":
            term = Term("exchange is normal", "", Unit(Kind.TEXT))
            return Flag(key=self.key, text=self.text, place=self.place, term=term)
        values = self.values(sentence)
        match sentence.relation:
            case "compare":
                return self.compare(sentence, values)
            case "between":
                return self.between(sentence, values)
            case "near":
                return self.near(sentence, values)
            case _:
                return self.cross(sentence, values)

    def values(self, sentence: Sentence) -> list[Value]:
        """All sides, with the mistakes of each."""
        found: list[Value] = []
        for node in sentence.values:
            try:
                value = self.checker.value(node)
                if value.unit.kind is Kind.TEXT:
                    raise self.checker.fault_at(
                        node, "AT121", "text is not compared", "it may stand in notifications only"
                    )
                found.append(value)
            except Fault as fault:
                self.faults.append(fault)
        if len(found) < len(sentence.values):
            raise self.faults.pop()
        if all(is_constant(value) for value in found):
            whole = Node("", sentence.values[0].start, sentence.values[-1].end)
            raise self.checker.fault_at(
                whole,
                "AT118",
                "only fixed numbers are compared: this never changes",
                "one side must be a word such as `last`",
            )
        return found

    def compare(self, sentence: Sentence, values: list[Value]) -> Plain:
        """`left op right`."""
        left, right = unify(values[0], values[1], (sentence.values[0], sentence.values[1]), COMPARED)
        op = cast("Only['<', '<=', '>', '>=']", sentence.op)
        return Compare(key=self.key, text=self.text, place=self.place, left=left, op=op, right=right)

    def between(self, sentence: Sentence, values: list[Value]) -> Plain:
        """`value between low and high`."""
        nodes = sentence.values
        value, low = unify(values[0], values[1], (nodes[0], nodes[1]), COMPARED)
        value, high = unify(value, values[2], (nodes[0], nodes[2]), COMPARED)
        return Between(key=self.key, text=self.text, place=self.place, value=value, low=low, high=high)

    def near(self, sentence: Sentence, values: list[Value]) -> Plain:
        """`value near target within d`."""
        nodes = sentence.values
        value, target = unify(values[0], values[1], (nodes[0], nodes[1]), COMPARED)
        within = self.distance(values[2], target, nodes[2])
        return Near(key=self.key, text=self.text, place=self.place, value=value, target=target, within=within)

    def cross(self, sentence: Sentence, values: list[Value]) -> Plain:
        """`left crosses [above|below] right [by d]`."""
        nodes = sentence.values
        left, right = unify(values[0], values[1], (nodes[0], nodes[1]), COMPARED)
        dead_zone = self.distance(values[2], right, nodes[2]) if len(values) > 2 else None
        parts = (left, right) if dead_zone is None else (left, right, dead_zone)
        direction = cast("Only['up', 'down', 'either']", sentence.op)
        return Cross(
            key=self.key, text=self.text, place=self.place, left=left, direction=direction, right=right,
            dead_zone=dead_zone, timeframe=finest(parts),
        )  # fmt: skip

    def distance(self, value: Value, beside: Value, node: Node) -> Value:
        """A distance: a percentage of what it is measured from, or in the same unit."""
        if isinstance(value, Literal) and value.value < 0:
            raise self.checker.fault_at(
                node, "AT119", "a distance cannot be negative", f"write `{value.text.lstrip('-')}`"
            )
        if value.unit == PERCENT:
            return value
        return unify(value, beside, (node, node), "a distance from")[0]

    # ------------------------------------------------------------------------------------------------ shapes
    def shaped(self, plain: Plain, shape: Shape) -> Condition:
        """A time shape around a condition."""
        if shape.span is not None:
            return Held(key=self.key, text=self.text, place=self.place, part=plain, span_ms=self.span(shape.span))
        timeframe = self.one_timeframe(plain, shape) if shape.unit == "candles" else ""
        if shape.kind == "within":
            return WithinLast(
                key=self.key, text=self.text, place=self.place, part=plain, count=shape.count, timeframe=timeframe
            )
        return CountOf(
            key=self.key,
            text=self.text,
            place=self.place,
            part=plain,
            least=shape.least,
            count=shape.count,
            timeframe=timeframe,
        )

    def span(self, token: Token) -> int:
        """The duration behind `for`."""
        if token.kind == "param":
            literal = self.checker.param(Node("param", token.start, token.end, token.text[1:]))
            if not isinstance(literal, Literal) or literal.unit.kind is not Kind.DURATION:
                raise Fault(
                    "AT121", token.start, len(token.text), f"`{token.text}` is not a duration", "write `for 5m`"
                )
            span = int(literal.value)
        else:
            span = duration_ms(token.text, token.start)
        if span < 1000:
            raise Fault(
                "AT123",
                token.start,
                len(token.text),
                f"`for {token.text}` is shorter than a second",
                "write `for 30s` or more",
            )
        return span

    def one_timeframe(self, plain: Plain, shape: Shape) -> str:
        """The timeframe in whose candles is counted."""
        terms = list(tree_terms(plain))
        timeframes = {term.timeframe for term in terms}
        if len(timeframes) == 1 and timeframes != {""}:
            return timeframes.pop()
        found = (
            "words that are not candle values"
            if "" in timeframes or not terms
            else f"the timeframes {', '.join(sorted(timeframes))}"
        )
        raise Fault(
            "AT127",
            shape.start,
            shape.end - shape.start,
            f"`candles` counts candles of one timeframe, and the condition has {found}",
            "write `checks` instead of `candles`",
        )

    # ------------------------------------------------------------------------------------------------ signals
    def signal(self, sentence: Sentence) -> Condition:
        """`signal(name)`."""
        found = self.scope.signals.get(sentence.op)
        if found is None:
            hint = did_you_mean(sentence.op, self.scope.signals) or "define it below `signals:`"
            raise Fault(
                "AT126",
                sentence.op_start,
                sentence.op_end - sentence.op_start,
                f"there is no signal `{sentence.op}`",
                hint,
            )
        return Named(key=self.key, name=sentence.op, place=self.place, part=rekeyed(found, self.key))


def rekeyed(condition: Condition, prefix: str) -> Condition:
    """A condition whose leaves are keyed below another place: a signal's state belongs to where it is used."""

    def under(node: AnyType) -> AnyType:
        if isinstance(node, tuple):
            return tuple(under(part) for part in node)
        if not is_dataclass(node) or not hasattr(node, "key"):
            return node
        changes = {
            each.name: under(getattr(node, each.name)) for each in fields(node) if each.name in ("part", "parts")
        }
        return replace(cast("AnyType", node), key=f"{prefix}/{node.key}", **changes)

    return cast("Condition", under(condition))


def finest(values: tuple[Value, ...]) -> str:
    """The finest timeframe where every term is a candle value, else ""."""
    timeframes = {term.timeframe for value in values for term in tree_terms(value)}
    return "" if "" in timeframes or not timeframes else min(timeframes, key=approximate_ms)
