"""One whole condition from tokens: what is said of a value, and the time shape behind it."""

from __future__ import annotations

from typing import Literal as Only

from autotrader.language.expression.lexer import Fault, Token
from autotrader.language.expression.parser import (
    COMPARISONS,
    PLAIN_WORDS,
    WRONG_OPERATORS,
    ValueParser,
    unit_hint,
    unsupported,
)
from autotrader.language.expression.syntax import Node, Sentence, Shape

ALLOWED_BEHIND_VALUE = (
    "`< <= > >=`, `between a and b`, `near x within d`, `crosses above x`, `crosses below x` or `crosses x`"
)


class Parser(ValueParser):
    """Conditions, and the values in them. Raises Fault at the first thing that cannot be right."""

    def sentence(self) -> Sentence:
        """Exactly one condition, to the end of the text."""
        if self.now.kind == "end":
            raise Fault("AT105", 0, 1, "an empty condition", f"a condition is a value and {ALLOWED_BEHIND_VALUE}")
        found = self.special() or self.relation()
        found.shape = self.shape()
        self.finish("the end, `for 5m`, `within last 3 candles` or `3 of last 5 candles`")
        return found

    def special(self) -> Sentence | None:
        """`time in`, `exchange is normal`, `signal(name)`."""
        if self.at("time") and self.ahead().text == "in":
            self.take()
            return Sentence("time", windows=self.window_tokens())
        if self.at("exchange"):
            return self.exchange()
        if self.at("signal"):
            self.take()
            self.expect("(", "and the signal's name behind `signal`")
            if self.now.kind != "word":
                raise self.unexpected("expected the name of a signal")
            name = self.take()
            self.expect(")", "behind the signal's name")
            if self.at("for", "within") or self.now.kind == "number":
                raise self.unexpected(
                    "a time shape cannot stand behind a signal", "put it into the signal's own conditions"
                )
            return Sentence("signal", op=name.text, op_start=name.start, op_end=name.end)
        return None

    def exchange(self) -> Sentence:
        """`exchange is normal`."""
        start = self.take()
        if self.at("is") and self.ahead().text == "normal":
            self.take()
            end = self.take()
            return Sentence("exchange", op_start=start.start, op_end=end.end)
        if self.at("is") and self.ahead().text == "not":
            raise Fault("AT110", self.ahead().start, 3, "`not` inside an expression", "write `not: exchange is normal`")
        raise self.unexpected("expected `is normal` behind `exchange`", "the condition is written `exchange is normal`")

    def window_tokens(self) -> tuple[Token, ...]:
        """The tokens of a list of time windows: everything up to a time shape."""
        self.take()
        begin = self.index
        while self.now.kind != "end" and not self.at("for", "within") and self.now.kind != "number":
            self.take()
        return (*self.tokens[begin : self.index], Token("end", "", self.now.start, self.now.start))

    def relation(self) -> Sentence:
        """A value and what is said of it."""
        left = self.value()
        token = self.now
        if token.text in COMPARISONS:
            self.take()
            return Sentence("compare", (left, self.value()), token.text, token.start, token.end)
        if self.accept("between"):
            low = self.value()
            if self.at("to"):
                raise self.unexpected("expected `and` between the two ends of `between`", "write `between a and b`")
            self.expect("and", "between the two ends of `between`")
            return Sentence("between", (left, low, self.value()), "between", token.start, token.end)
        if self.accept("near"):
            return self.near(left, token)
        if self.accept("crosses"):
            return self.cross(left, token)
        if token.text in WRONG_OPERATORS and token.kind == "op":
            raise Fault("AT111", token.start, len(token.text), *WRONG_OPERATORS[token.text])
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        if token.kind == "end":
            raise self.bare(left)
        if token.text == "," or (token.kind == "word" and token.text in PLAIN_WORDS):
            raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", PLAIN_WORDS.get(token.text, ""))
        raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", unit_hint(self.tokens[self.index - 1], token))

    def bare(self, left: Node) -> Fault:
        """A value without a comparison."""
        if left.kind == "call" and not left.called and not left.unit and left.text not in ("rule", "guard"):
            hint = f"a condition is a value and {ALLOWED_BEHIND_VALUE}"
        elif left.kind == "call" and left.text in ("rule", "guard"):
            return Fault(
                "AT404", left.start, left.end - left.start, f"`{left.text}(id)` in a condition is not yet supported"
            )
        else:
            hint = f"add {ALLOWED_BEHIND_VALUE}"
        return Fault("AT106", left.start, left.end - left.start, "a value alone is no condition", hint)

    def near(self, left: Node, token: Token) -> Sentence:
        """`near X within d`."""
        target = self.value()
        if self.at("within") and self.ahead().text != "last":
            self.take()
            return Sentence("near", (left, target, self.value()), "near", token.start, token.end)
        raise self.unexpected(
            "expected `within` and a distance behind `near`", "write `last near 9_000_000 within 0.5%`"
        )

    def cross(self, left: Node, token: Token) -> Sentence:
        """`crosses [above|below] X [by d]`."""
        direction = "either"
        if self.at("above", "below"):
            direction = "up" if self.take().text == "above" else "down"
        right = self.value()
        values = (left, right, self.value()) if self.accept("by") else (left, right)
        return Sentence("cross", values, direction, token.start, token.end)

    # ------------------------------------------------------------------------------------------------ shapes
    def shape(self) -> Shape | None:
        """A time shape, if one stands here."""
        token = self.now
        if self.accept("for"):
            span = self.now
            if span.kind not in ("duration", "param"):
                raise self.unexpected("expected a duration behind `for`", "write `for 5m`")
            self.take()
            return Shape("for", token.start, span.end, span=span)
        if self.accept("within"):
            return self.last("within", token, 0)
        if token.kind == "number" and self.ahead().text == "of":
            least = self.whole("how often")
            self.take()
            return self.last("count", token, least)
        return None

    def last(self, kind: Only["within", "count"], token: Token, least: int) -> Shape:
        """`last n candles|checks`."""
        self.expect("last", "and a number of candles or checks")
        counted = self.now
        count = self.whole("how many")
        if not self.at("candle", "candles", "check", "checks"):
            raise self.unexpected("expected `candles` or `checks`")
        unit = self.take()
        if least > count or (kind == "count" and least == 0):
            raise Fault(
                "AT107",
                token.start,
                len(token.text),
                f"{least} of the last {count} can never be counted",
                f"write a number from 1 to {count}",
            )
        if not 1 <= count <= 1000:
            raise Fault(
                "AT107", counted.start, len(counted.text), f"{count} is out of range", "write a number from 1 to 1000"
            )
        named: Only["candles", "checks"] = "candles" if unit.text.startswith("candle") else "checks"
        return Shape(kind, token.start, unit.end, count=count, least=least, unit=named)

    def whole(self, what: str) -> int:
        """A whole number."""
        token = self.now
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 6:
            raise self.unexpected(f"expected a whole number ({what})")
        self.take()
        return int(token.text)
