"""Tokens → syntax, by precedence climbing: `or nothing` < `+ -` < `* / of` < sign < `n candles ago` < words.

No word is looked up here. What can be told from form alone is refused here: `and` between conditions, `==`, two
comparisons in a row, a comma in a number. Every refusal says what may stand there.
"""

from __future__ import annotations

import re
from typing import Literal as Only

from autotrader.language.expression.lexer import Fault, Token, tokens_of
from autotrader.language.expression.syntax import Node, Sentence, Shape

COMPARISONS = ("<", "<=", ">", ">=")
KEYWORDS = frozenset(
    {"between", "near", "within", "crosses", "above", "below", "by", "for", "of", "and", "or", "not", "ago", "candle",
     "check", "checks", "in", "is", "rising", "falling"}
)  # fmt: skip
_STRUCTURE = {
    "and": ("`and` joins two conditions", "put each on its own line below `all:`"),
    "or": ("`or` joins two conditions", "put each on its own line below `any:`"),
    "not": ("`not` inside an expression", "write `not:` as a key with the condition below it"),
    "&&": ("`&&` joins two conditions", "put each on its own line below `all:`"),
    "||": ("`||` joins two conditions", "put each on its own line below `any:`"),
    "&": ("`&` joins two conditions", "put each on its own line below `all:`"),
    "|": ("`|` joins two conditions", "put each on its own line below `any:`"),
    "!": ("`!` inside an expression", "write `not:` as a key with the condition below it"),
}
_WRONG_OPERATORS = {
    "==": (
        "numbers of a market are not compared for equality",
        "use `near X within d`, `between a and b`, `<=` or `>=`",
    ),
    "=": ("`=` is no comparison", "use `<=`, `>=`, `near X within d` or `between a and b`"),
    "!=": ("numbers of a market are not compared for inequality", "use `<` or `>`, or `not:` with `near X within d`"),
    "<>": ("`<>` is no comparison", "use `<` or `>`, or `not:` with `near X within d`"),
    "=>": ("`=>` is no comparison", "write `>=`"),
    "=<": ("`=<` is no comparison", "write `<=`"),
}
_PLAIN_WORDS = {
    "above": "write `>` (or `crosses above`)", "below": "write `<` (or `crosses below`)", "over": "write `>`",
    "under": "write `<`", "greater": "write `>`", "less": "write `<`", "equals": "use `near X within d`",
    "is": "only `exchange is normal` is written with `is`",
    "cross": "write `crosses above`, `crosses below` or `crosses`",
    "crossed": "write `crosses above`, `crosses below` or `crosses`", "rises": "write `crosses above`",
}  # fmt: skip
ALLOWED_BEHIND_VALUE = (
    "`< <= > >=`, `between a and b`, `near x within d`, `crosses above x`, `crosses below x` or `crosses x`"
)
_ASSET = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
MAX_DEPTH = 40


class Parser:
    """One pass over the tokens of one expression. Raises Fault at the first thing that cannot be right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.index = 0
        self.depth = 0

    # ------------------------------------------------------------------------------------------------ tokens
    @property
    def now(self) -> Token:
        """The token at hand."""
        return self.tokens[self.index]

    def ahead(self, count: int = 1) -> Token:
        """A later token; the end stays the end."""
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The token at hand, and go on."""
        token = self.now
        if token.kind != "end":
            self.index += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the token at hand is one of these words or signs."""
        return self.now.kind in ("word", "op") and self.now.text in texts

    def accept(self, *texts: str) -> Token | None:
        """Take the token if it is one of these."""
        return self.take() if self.at(*texts) else None

    def expect(self, text: str, where: str) -> Token:
        """Take this word or sign, or say that it is missing."""
        if not self.at(text):
            raise self.unexpected(f"expected `{text}` {where}")
        return self.take()

    def unexpected(self, message: str, hint: str = "") -> Fault:
        """A fault at the token at hand, which is named."""
        token = self.now
        if token.text in _STRUCTURE and token.kind in ("word", "op"):
            return Fault("AT110", token.start, len(token.text), *_STRUCTURE[token.text])
        if token.kind == "end":
            return Fault(
                "AT102", max(0, len(self.text.rstrip()) - 1), 1, f"{message}, but the expression ends here", hint
            )
        return Fault("AT102", token.start, len(token.text), f"{message}, found `{token.text}`", hint)

    def finish(self, allowed: str) -> None:
        """Nothing may follow."""
        token = self.now
        if token.kind == "end":
            return
        if token.text == "," and self.index and self.tokens[self.index - 1].kind == "number":
            start = self.tokens[self.index - 1].start
            raise Fault(
                "AT103", start, self.ahead().end - start, "a comma inside a number", "group digits with `_`: 10_000"
            )
        if token.text in _WRONG_OPERATORS:
            raise Fault("AT111", token.start, len(token.text), *_WRONG_OPERATORS[token.text])
        if token.text in COMPARISONS:
            raise Fault(
                "AT112",
                token.start,
                len(token.text),
                "a second comparison in one condition",
                "write `x between a and b`, or two lines below `all:`",
            )
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        raise self.unexpected(
            f"expected {allowed}", _unit_hint(self.tokens[self.index - 1] if self.index else token, token)
        )

    # ------------------------------------------------------------------------------------------------ values
    def value(self) -> Node:
        """A sum."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Fault("AT104", self.now.start, 1, f"more than {MAX_DEPTH} levels of parentheses")
        left = self.product()
        while self.at("+", "-"):
            op = self.take()
            right = self.product()
            left = Node(op.text, left.start, right.end, op.text, (left, right), word_start=op.start, word_end=op.end)
        self.depth -= 1
        return left

    def product(self) -> Node:
        """Factors, `of` among them."""
        left = self.signed()
        while self.at("*", "/", "of"):
            op = self.take()
            right = self.signed()
            left = Node(op.text, left.start, right.end, op.text, (left, right), word_start=op.start, word_end=op.end)
        return left

    def signed(self) -> Node:
        """A value with its sign."""
        if self.at("+", "-"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Fault("AT104", self.now.start, 1, "too many signs in a row")
            sign = self.take()
            inner = self.signed()
            self.depth -= 1
            return Node("minus" if sign.text == "-" else "plus", sign.start, inner.end, sign.text, (inner,))
        return self.shifted(self.primary())

    def shifted(self, node: Node) -> Node:
        """A value, perhaps `n candles ago`."""
        while self.now.kind == "number" and self.ahead().text in ("candle", "candles") and self.ahead(2).text == "ago":
            count = self.take()
            self.take()
            end = self.take().end
            node = Node("ago", node.start, end, count.text, (node,), word_start=count.start, word_end=count.end)
        return node

    def primary(self) -> Node:
        """A number, a duration, a parameter, a word, or a value in parentheses."""
        token = self.now
        if token.kind == "number":
            return self.number()
        if token.kind == "duration":
            self.take()
            return Node("duration", token.start, token.end, token.text)
        if token.kind == "param":
            self.take()
            return Node("param", token.start, token.end, token.text[1:])
        if token.kind == "word" and token.text not in KEYWORDS:
            return self.word()
        if self.accept("("):
            inner = self.value()
            end = self.expect(")", "to close the parenthesis").end
            return Node(
                inner.kind,
                token.start,
                end,
                inner.text,
                inner.parts,
                inner.unit,
                inner.called,
                inner.word_start,
                inner.word_end,
                inner.forming,
            )
        if token.kind == "time":
            raise Fault(
                "AT102",
                token.start,
                len(token.text),
                f"`{token.text}` is a time of day",
                "a time window is written `time in 09:00-18:00 JST`",
            )
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        raise self.unexpected("expected a value (a word, a number with its unit, `$name` or `(`)")

    def number(self) -> Node:
        """A number with the unit behind it: `%`, a currency, `tick`, `levels`."""
        token = self.take()
        check_number(token)
        unit = self.now
        if unit.kind == "word" and unit.start == token.end:
            raise _glued(token, unit)
        if unit.text == "%" or (
            unit.kind == "word" and (unit.text in ("tick", "ticks", "level", "levels") or _is_asset(unit.text))
        ):
            self.take()
            return Node(
                "number", token.start, unit.end, token.text, unit=unit.text, word_start=unit.start, word_end=unit.end
            )
        return Node("number", token.start, token.end, token.text, word_start=token.start, word_end=token.end)

    def word(self) -> Node:
        """A word with prefix and arguments: `last`, `ETHJPY.last`, `rsi(14, 1h)`, `order.age`."""
        first = self.take()
        prefix, name = "", first
        if self.at("(") and first.text in ("rule", "guard") and self._reference_ahead():
            return Node(
                "call",
                first.start,
                first.end,
                first.text,
                unit="",
                called=True,
                word_start=first.start,
                word_end=first.end,
            )
        if self.accept("."):
            if self.now.kind != "word":
                raise self.unexpected(f"expected a word after `{first.text}.`")
            prefix, name = first.text, self.take()
        node = Node("call", first.start, name.end, name.text, unit=prefix, word_start=name.start, word_end=name.end)
        if self.at("("):
            self.arguments(node)
        return node

    def _reference_ahead(self) -> bool:
        """Skip `rule(id)` / `guard(id)`, which only the checker refuses, so that it points at the right place."""
        if self.ahead().kind == "word" and self.ahead(2).text == ")":
            self.index = len(self.tokens) - 1
            return True
        return False

    def arguments(self, node: Node) -> None:
        """`(a, b)` behind a word."""
        self.take()
        node.called = True
        parts: list[Node] = []
        if not self.at(")"):
            parts.append(self.argument(node))
            while self.accept(","):
                parts.append(self.argument(node))
        if not self.at(")"):
            raise self.unexpected(f"expected `,` or `)` in the arguments of `{node.text}`")
        node.end = self.take().end
        node.parts = tuple(parts)

    def argument(self, owner: Node) -> Node:
        """One argument; `forming` behind it is kept for the checker to refuse."""
        if self.at(")", ","):
            raise self.unexpected(f"expected an argument of `{owner.text}`")
        found = self.value()
        if self.at("forming"):
            owner.forming = self.take().start
        return found

    # ------------------------------------------------------------------------------------------------ conditions
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
            self.expect("and", "between the two ends of `between`")
            return Sentence("between", (left, low, self.value()), "between", token.start, token.end)
        if self.accept("near"):
            return self.near(left, token)
        if self.accept("crosses"):
            return self.cross(left, token)
        if token.text in _WRONG_OPERATORS and token.kind == "op":
            raise Fault("AT111", token.start, len(token.text), *_WRONG_OPERATORS[token.text])
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        if token.kind == "end":
            raise self.bare(left)
        if token.text == "," or (token.kind == "word" and token.text in _PLAIN_WORDS):
            raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", _PLAIN_WORDS.get(token.text, ""))
        raise self.unexpected(f"expected {ALLOWED_BEHIND_VALUE}", _unit_hint(self.tokens[self.index - 1], token))

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


_NUMBER = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:_[0-9]{3})+)(?:\.[0-9]+)?", re.ASCII)


def check_number(token: Token) -> None:
    """Refuse what `parse_decimal` would not read: `1.`, `.5`, `10_00`."""
    if _NUMBER.fullmatch(token.text) and len(token.text) <= 40:
        return
    if "_" in token.text:
        hint = "`_` stands between groups of three digits: 10_000"
    elif token.text.startswith("."):
        hint = f"write 0{token.text}"
    else:
        hint = f"write {token.text.rstrip('.')[:30]}"
    raise Fault("AT103", token.start, len(token.text), f"`{token.text[:40]}` is not a plain number", hint)


def _glued(number: Token, unit: Token) -> Fault:
    """A number with letters glued to it that are no time unit: `1H`, `1e3`, `5min`."""
    text = number.text + unit.text
    if re.fullmatch(r"[eE][0-9]+", unit.text):
        hint = "write the number out: 10_000"
    elif unit.text[0].lower() in "smhdw" and not _is_asset(unit.text):
        hint = f"write `{number.text}{unit.text[0].lower()}`; time units are s m h d w"
    else:
        hint = (
            f"write `{number.text} {unit.text}` with a space"
            if _is_asset(unit.text)
            else "numbers carry `%`, a currency, or s m h d w"
        )
    return Fault("AT103", number.start, len(text), f"`{text}` is no number", hint)


def unsupported(token: Token, what: str) -> Fault:
    """A form of the language that this version does not have."""
    return Fault("AT401", token.start, len(token.text), f"{what} is not yet supported")


def _is_asset(text: str) -> bool:
    return _ASSET.fullmatch(text) is not None and not text.isdigit()


def _unit_hint(before: Token, token: Token) -> str:
    if before.kind == "number" and token.kind == "word" and token.text not in KEYWORDS:
        upper = token.text.upper()
        known = f"; write {before.text} {upper}" if upper != token.text and _is_asset(upper) and len(upper) <= 5 else ""
        units = "a number takes `%`, a currency in capitals, `tick`, or a glued time unit (5m)"
        return f"`{token.text}` is no unit: {units}{known}"
    return _PLAIN_WORDS.get(token.text, "")
