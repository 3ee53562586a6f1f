"""Tokens → syntax, by precedence climbing: `or nothing` < `+ -` < `* / of` < sign < `n candles ago` < words.

No word is looked up here. What can be told from form alone is refused here: `and` between conditions, `==`, two
comparisons in a row, a comma in a number. Every refusal says what may stand there.
"""

from __future__ import annotations

from contextlib import suppress

from autotrader.language.expression.plainly import is_code
from autotrader.language.expression.syntax import Fault, Node, Token, tokens_of
from autotrader.language.relations import COMPARISONS, RELATIONS
from autotrader.money import parse_decimal

KEYWORDS = frozenset(
    {"within", "crosses", "above", "below", "by", "for", "of", "and", "or", "not", "ago", "candle",
     "check", "checks", "in", "is", "rising", "falling", *RELATIONS,
     *(word.text for entry in RELATIONS.values() for word in entry.grammar)}
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
WRONG_OPERATORS = {
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
PLAIN_WORDS = {
    "above": "write `>` (or `crosses above`)", "below": "write `<` (or `crosses below`)", "over": "write `>`",
    "under": "write `<`", "greater": "write `>`", "less": "write `<`", "equals": "use `near X within d`",
    "is": "only `exchange is normal` is written with `is`",
    "cross": "write `crosses above`, `crosses below` or `crosses`",
    "crossed": "write `crosses above`, `crosses below` or `crosses`", "rises": "write `crosses above`",
}  # fmt: skip
MAX_DEPTH = 40


class ValueParser:
    """Values, in one pass over the tokens of one expression. Raises Fault at the first thing that cannot be right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.index = 0
        self.now: Token = self.tokens[0]  # the token at hand, always that of `index`
        self.depth = 0

    # ------------------------------------------------------------------------------------------------ tokens
    def ahead(self, count: int = 1) -> Token:
        """A later token; the end stays the end."""
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The token at hand, and go on."""
        token = self.now
        if token.kind != "end":
            self.index += 1
            self.now = self.tokens[self.index]
        return token

    def at(self, *texts: str) -> bool:
        """Whether the token at hand is one of these words or signs."""
        now = self.now
        return now.text in texts and now.kind in ("word", "op")

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
            return token.fault("AT110", *_STRUCTURE[token.text])
        if token.kind == "end":
            return Fault(
                "AT102", max(0, len(self.text.rstrip()) - 1), 1, f"{message}, but the expression ends here", hint
            )
        return token.fault("AT102", f"{message}, found `{token.text}`", hint)

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
        if token.text in WRONG_OPERATORS:
            raise token.fault("AT111", *WRONG_OPERATORS[token.text])
        if token.text in COMPARISONS:
            raise token.fault(
                "AT112", "a second comparison in one condition", "write `x between a and b`, or two lines below `all:`"
            )
        if token.text in ("rising", "falling"):
            raise unsupported(token, f"`{token.text} n in a row`")
        raise self.unexpected(
            f"expected {allowed}", unit_hint(self.tokens[self.index - 1] if self.index else token, token)
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
            inner.start, inner.end = token.start, self.expect(")", "to close the parenthesis").end
            return inner
        if token.kind == "time":
            raise token.fault(
                "AT102", f"`{token.text}` is a time of day", "a time window is written `time in 09:00-18:00 JST`"
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
            self.now = self.tokens[self.index]
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


def check_number(token: Token) -> None:
    """Refuse what `parse_decimal` would not read: `1.`, `.5`, `10_00`."""
    with suppress(ValueError):
        parse_decimal(token.text)
        if len(token.text) <= 40:
            return
    if len(token.text) > 40:
        hint = "a number has at most 40 characters"
    elif "_" in token.text:
        hint = "`_` stands between groups of three digits: 10_000"
    elif token.text.startswith("."):
        hint = f"write 0{token.text}"
    else:
        hint = f"write {token.text.rstrip('.')[:30]}"
    raise token.fault("AT103", f"`{token.text[:40]}` is not a plain number", hint)


def _glued(number: Token, unit: Token) -> Fault:
    """A number with letters glued to it that are no time unit: `1H`, `1e3`, `5min`."""
    text = number.text + unit.text
    if unit.text[0] in "eE" and unit.text[1:].isdigit():
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
    return token.fault("AT401", f"{what} is not yet supported")


def _is_asset(text: str) -> bool:
    return is_code(text, 2, 12)


def unit_hint(before: Token, token: Token) -> str:
    """What a word behind a number was perhaps meant as."""
    if before.kind == "number" and token.kind == "word" and token.text not in KEYWORDS:
        upper = token.text.upper()
        known = f"; write {before.text} {upper}" if upper != token.text and _is_asset(upper) and len(upper) <= 5 else ""
        units = "a number takes `%`, a currency in capitals, `tick`, or a glued time unit (5m)"
        return f"`{token.text}` is no unit: {units}{known}"
    return PLAIN_WORDS.get(token.text, "")
