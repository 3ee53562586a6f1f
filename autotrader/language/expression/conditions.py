"""One whole condition: what is said of a value, and the time shape behind it.

A text is read to its end before any of it is given a meaning, so that a mistake of form is told before one of sense.
Therefore what reads a part answers with the function that will make it: `relation` reads both sides and gives back what
checks them and builds the leaf, `shape` what puts the leaf inside a `for 5m`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal as Only
from typing import TypeAlias

from autotrader.language.expression.check import Checker
from autotrader.language.expression.parser import (
    PLAIN_WORDS,
    WRONG_OPERATORS,
    ValueParser,
    unit_hint,
    unsupported,
)
from autotrader.language.expression.plainly import duration_ms
from autotrader.language.expression.scope import Origin, Scope
from autotrader.language.expression.sense import check_sense
from autotrader.language.expression.syntax import Fault, Node, SignalUse, Token
from autotrader.language.expression.units import COMPARED, PERCENT, is_constant, unify
from autotrader.language.expression.windows import Windows
from autotrader.language.relations import RELATIONS
from autotrader.language.tree import (
    Condition,
    Cross,
    Flag,
    For,
    Kind,
    Literal,
    OfLast,
    Place,
    Plain,
    Relation,
    Term,
    Unit,
    Value,
)
from autotrader.language.walk import finest, tree_terms

Direction: TypeAlias = Only["up", "down", "either"]
_COMPARED = " ".join(name for name in RELATIONS if not name.isalpha())
_WORDED = ", ".join(f"`{entry.example}`" for name, entry in RELATIONS.items() if name.isalpha())
ALLOWED_BEHIND_VALUE = f"`{_COMPARED}`, {_WORDED}, `crosses above x`, `crosses below x` or `crosses x`"
_RELATED = frozenset({*RELATIONS, *WRONG_OPERATORS, "crosses", "rising", "falling"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


class ConditionParser(ValueParser):
    """Reads one text. Raises Fault at the first thing that cannot be right; `faults` keeps what was wrong beside it,
    `checker.notes` warnings and notes.
    """

    def __init__(self, text: str, origin: Origin, key: str, scope: Scope) -> None:
        super().__init__(text)
        self.key = key
        self.scope = scope
        self.place = Place(origin.file, origin.line, origin.column, max(1, len(text.rstrip())))
        self.checker = Checker(text, scope)
        self.faults: list[Fault] = []

    def condition(self) -> Condition | SignalUse:
        """Exactly one condition, to the end of the text."""
        if self.now.kind == "end":
            raise Fault("AT105", 0, 1, "an empty condition", f"a condition is a value and {ALLOWED_BEHIND_VALUE}")
        if self.at("signal"):
            return self.signal()
        return self.rest(self.special() or self.relation(self.value()))

    def either(self, wanted: frozenset[Kind]) -> Value | Condition | SignalUse:
        """A condition where one is written, else a value of one of the wanted kinds."""
        if self.now.kind == "end" or self.at("signal", "exchange") or (self.at("time") and self.ahead().text == "in"):
            return self.condition()
        left = self.value()
        if self.now.text in _RELATED:
            return self.rest(self.relation(left))
        self.finish("an operator or the end")
        return self.checker.fitted(left, wanted, "")

    def rest(self, plain: Callable[[], Plain]) -> Condition:
        """What may stand behind a condition; then all of it is made."""
        around = self.shape()
        self.finish("the end, `for 5m`, `within last 3 candles` or `3 of last 5 candles`")
        made = plain()
        return made if around is None else around(made)

    # ------------------------------------------------------------------------------------------------ special ones
    def special(self) -> Callable[[], Plain] | None:
        """`time in …`, `exchange is normal`."""
        if self.at("time") and self.ahead().text == "in":
            self.take()
            return partial(self.in_windows, self.window_tokens())
        if self.at("exchange"):
            return self.exchange()
        return None

    def in_windows(self, tokens: tuple[Token, ...]) -> Plain:
        """`time in 09:00-18:00 JST`."""
        windows = Windows(tokens, self.scope.zone).all()
        return Flag(key=self.key, text=self.text, place=self.place, windows=windows)

    def window_tokens(self) -> tuple[Token, ...]:
        """The tokens of a list of time windows: everything up to a time shape."""
        self.take()
        begin = self.index
        while self.now.kind != "end" and not self.at("for", "within") and self.now.kind != "number":
            self.take()
        return (*self.tokens[begin : self.index], Token("end", "", self.now.start, self.now.start))

    def exchange(self) -> Callable[[], Plain]:
        """`exchange is normal`."""
        self.take()
        if self.at("is") and self.ahead().text == "normal":
            self.take()
            self.take()
            term = Term("exchange is normal", "", Unit(Kind.TEXT))
            return lambda: Flag(key=self.key, text=self.text, place=self.place, term=term)
        if self.at("is") and self.ahead().text == "not":
            raise Fault("AT110", self.ahead().start, 3, "`not` inside an expression", "write `not: exchange is normal`")
        raise self.unexpected("expected `is normal` behind `exchange`", "the condition is written `exchange is normal`")

    def signal(self) -> SignalUse:
        """`signal(name)`. A name may hold hyphens, which are no part of a word elsewhere."""
        self.take()
        self.expect("(", "and the signal's name behind `signal`")
        first = self.now
        found = _NAME.match(self.text, first.start)
        if found is None:
            raise self.unexpected("expected the name of a signal")
        while self.now.kind != "end" and self.now.start < found.end():
            self.take()
        self.expect(")", "behind the signal's name")
        if self.at("for", "within") or self.now.kind == "number":
            raise self.unexpected(
                "a time shape cannot stand behind a signal", "put it into the signal's own conditions"
            )
        self.finish("the end, `for 5m`, `within last 3 candles` or `3 of last 5 candles`")
        return SignalUse(found[0], first.start)

    # ------------------------------------------------------------------------------------------------ relations
    def relation(self, left: Node) -> Callable[[], Plain]:
        """What is said of a value."""
        token = self.now
        if token.text in RELATIONS:
            return self.related(left, token.text)
        if self.accept("crosses"):
            return self.crosses(left)
        if token.text in WRONG_OPERATORS and token.kind == "op":
            raise token.fault("AT111", *WRONG_OPERATORS[token.text])
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        if token.kind == "end":
            raise self.bare(left)
        if token.text == "," or (token.kind == "word" and token.text in PLAIN_WORDS):
            raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", PLAIN_WORDS.get(token.text, ""))
        raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", unit_hint(self.tokens[self.index - 1], token))

    def related(self, left: Node, name: str) -> Callable[[], Plain]:
        """The words and sides of an entry's grammar."""
        self.take()
        nodes = [left, self.value()]
        for word in RELATIONS[name].grammar:
            if not self.at(word.text) or (word.text == "within" and self.ahead().text == "last"):  # a time shape
                hint = word.hint if not word.meant or self.at(*word.meant) else ""
                raise self.unexpected(f"expected `{word.text}` {word.where}", hint)
            self.take()
            nodes.append(self.value())
        return partial(self.as_relation, name, nodes)

    def crosses(self, left: Node) -> Callable[[], Plain]:
        """`crosses [above|below] X [by d]`."""
        direction: Direction = "either"
        if self.at("above", "below"):
            direction = "up" if self.take().text == "above" else "down"
        nodes = [left, self.value()]
        if self.accept("by"):
            nodes.append(self.value())
        return partial(self.as_cross, direction, nodes)

    def bare(self, left: Node) -> Fault:
        """A value without a comparison."""
        if left.kind == "call" and not left.called and not left.unit and left.text not in ("rule", "guard"):
            hint = f"a condition is a value and {ALLOWED_BEHIND_VALUE}"
        elif left.kind == "call" and left.text in ("rule", "guard"):
            return left.fault("AT404", f"`{left.text}(id)` in a condition is not yet supported")
        else:
            hint = f"add {ALLOWED_BEHIND_VALUE}"
        return left.fault("AT106", "a value alone is no condition", hint)

    # ------------------------------------------------------------------------------------------------ with meaning
    def values(self, nodes: Sequence[Node]) -> list[Value]:
        """All sides, with the mistakes of each."""
        found: list[Value] = []
        for node in nodes:
            try:
                value = self.checker.value(node)
                if value.unit.kind is Kind.TEXT:
                    raise node.fault("AT121", "text is not compared", "it may stand in notifications only")
                found.append(value)
            except Fault as fault:
                self.faults.append(fault)
        if len(found) < len(nodes):
            raise self.faults.pop()
        if all(is_constant(value) for value in found):
            whole = Node("", nodes[0].start, nodes[-1].end)
            raise whole.fault(
                "AT118", "only fixed numbers are compared: this never changes", "one side must be a word such as `last`"
            )
        return found

    def as_relation(self, name: str, nodes: Sequence[Node]) -> Plain:
        """All sides of a relation in one unit."""
        entry = RELATIONS[name]
        first, *others = self.values(nodes)
        sides: list[Value] = []
        for number, (value, node) in enumerate(zip(others, nodes[1:], strict=True), 2):
            if entry.distance and number == len(nodes):
                sides.append(self.distance(value, sides[-1], node))
            else:
                first, side = unify(first, value, (nodes[0], node), COMPARED)
                sides.append(side)
        made = Relation(key=self.key, text=self.text, place=self.place, name=name, sides=(first, *sides))
        check_sense(made, nodes, self.checker)
        return made

    def as_cross(self, direction: Direction, nodes: Sequence[Node]) -> Plain:
        """Both sides of a crossing in one unit, its dead zone a distance from the right one."""
        values = self.values(nodes)
        left, right = unify(values[0], values[1], (nodes[0], nodes[1]), COMPARED)
        dead_zone = self.distance(values[2], right, nodes[2]) if len(values) > 2 else None
        parts = (left, right) if dead_zone is None else (left, right, dead_zone)
        made = Cross(
            key=self.key, text=self.text, place=self.place, left=left, direction=direction, right=right,
            dead_zone=dead_zone, timeframe=finest(parts),
        )  # fmt: skip
        check_sense(made, nodes, self.checker)
        return made

    def distance(self, value: Value, beside: Value, node: Node) -> Value:
        """A distance: a percentage of what it is measured from, or in the same unit."""
        if isinstance(value, Literal) and value.value < 0:
            raise node.fault("AT119", "a distance cannot be negative", f"write `{value.text.lstrip('-')}`")
        if value.unit == PERCENT:
            return value
        return unify(value, beside, (node, node), "a distance from")[0]

    # ------------------------------------------------------------------------------------------------ shapes
    def shape(self) -> Callable[[Plain], Condition] | None:
        """A time shape, if one stands here."""
        token = self.now
        if self.accept("for"):
            span = self.now
            if span.kind not in ("duration", "param"):
                raise self.unexpected("expected a duration behind `for`", "write `for 5m`")
            self.take()
            return partial(self.lasting, span)
        if self.accept("within"):
            return self.of_last(token, 1, "within")
        if token.kind == "number" and self.ahead().text == "of":
            least = self.whole("how often")
            self.take()
            return self.of_last(token, least, "of")
        return None

    def of_last(self, token: Token, least: int, form: Only["of", "within"]) -> Callable[[Plain], Condition]:
        """`last n candles|checks`."""
        self.expect("last", "and a number of candles or checks")
        counted = self.now
        count = self.whole("how many")
        if not self.at("candle", "candles", "check", "checks"):
            raise self.unexpected("expected `candles` or `checks`")
        unit = self.take()
        if form == "of" and not 1 <= least <= count:
            message, hint = f"{least} of the last {count} can never be counted", f"write a number from 1 to {count}"
            raise token.fault("AT107", message, hint)
        if not 1 <= count <= 1000:
            hint = "write a number from 1 to 1000"
            raise counted.fault("AT107", f"{count} is out of range", hint)

        def around(plain: Plain) -> Condition:
            timeframe = self.one_timeframe(plain, token.start, unit.end) if unit.text.startswith("candle") else ""
            return OfLast(
                key=self.key, text=self.text, place=self.place, part=plain, least=least, count=count,
                timeframe=timeframe, form=form,
            )  # fmt: skip

        return around

    def whole(self, what: str) -> int:
        """A whole number."""
        token = self.now
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 6:
            raise self.unexpected(f"expected a whole number ({what})")
        self.take()
        return int(token.text)

    def lasting(self, token: Token, plain: Plain) -> Condition:
        """`for 5m`."""
        span = self.span(token)
        return For(key=self.key, text=self.text, place=self.place, part=plain, span_ms=span)

    def span(self, token: Token) -> int:
        """The duration behind `for`."""
        if token.kind == "param":
            literal = self.checker.param(Node("param", token.start, token.end, token.text[1:]))
            if not isinstance(literal, Literal) or literal.unit.kind is not Kind.DURATION:
                message = f"`{token.text}` is not a duration"
                raise token.fault("AT121", message, "write `for 5m`")
            span = int(literal.value)
        else:
            span = duration_ms(token.text, token.start)
        if span < 1000:
            message = f"`for {token.text}` is shorter than a second"
            raise token.fault("AT123", message, "write `for 30s` or more")
        return span

    def one_timeframe(self, plain: Plain, start: int, end: int) -> str:
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
        message = f"`candles` counts candles of one timeframe, and the condition has {found}"
        raise Fault("AT127", start, end - start, message, "write `checks` instead of `candles`")
