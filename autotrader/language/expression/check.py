"""Syntax → typed values: words are looked up, arguments checked against their entry, units worked out.

Everything refused is refused at the exact token: what was found, what is allowed, the likely fix.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from autotrader.language.expression.arguments import Arguments, TypedValues
from autotrader.language.expression.plainly import duration_ms, is_code
from autotrader.language.expression.scope import Scope
from autotrader.language.expression.syntax import Fault, Node
from autotrader.language.expression.units import (
    COUNT,
    DURATION,
    MINUS_ONE,
    NUMBER,
    PERCENT,
    Sign,
    adopt,
    combine,
    named,
    unify,
)
from autotrader.language.meant import meant_word
from autotrader.language.tree import Kind, Literal, Operation, Term, Unit, Value
from autotrader.language.vocabulary import VOCABULARY
from autotrader.language.walk import rebuilt, tree_terms
from autotrader.money import parse_decimal
from autotrader.text import did_you_mean

UNSUPPORTED = frozenset(
    {"equity", "value", "share", "position", "avg_entry", "pnl", "realised", "fees", "fired", "filled", "losses",
     "refused_in_a_row"}
)  # fmt: skip


class Checker(TypedValues):
    """Turns the nodes of one expression into typed values."""

    def __init__(self, text: str, scope: Scope) -> None:
        super().__init__(text, scope)
        self._tick_symbol = scope.symbol

    # ------------------------------------------------------------------------------------------------ values
    def value(self, node: Node) -> Value:
        """The typed value of a node. Raises Fault."""
        match node.kind:
            case "number":
                return self.number(node)
            case "duration":
                return Literal(Decimal(duration_ms(node.text, node.start)), DURATION, node.text)
            case "param":
                return self.param(node)
            case "call":
                return self.call(node)
            case "minus" | "plus":
                return self.sign(node)
            case "ago":
                return self.ago(node)
            case _:
                return self.binary(node)

    def of_symbol(self, symbol: str, node: Node) -> Value:
        """The value of a node in which words without a prefix mean `symbol`: a series inside `ETHJPY.sma(…)`."""
        before = self.scope
        self.scope = replace(before, symbol=symbol)
        try:
            return self.value(node)
        finally:
            self.scope = before

    def number(self, node: Node, sign: str = "") -> Value:
        """A number with its unit."""
        value = parse_decimal(node.text)
        if sign == "-":
            value = value.copy_negate()  # a product would round to the context's digits
        shown = sign + node.text
        if not node.unit:
            return Literal(value, NUMBER, shown)
        if node.unit == "%":
            return Literal(value, PERCENT, f"{shown}%")
        if node.unit in ("tick", "ticks"):
            quote = self.instrument(self._tick_symbol).quote
            tick = Term("tick", self._tick_symbol, Unit(Kind.PRICE, quote))
            return Operation("*", Literal(value, NUMBER, shown), tick, tick.unit)
        if node.unit in ("level", "levels"):
            return Literal(value, COUNT, f"{shown} levels")
        asset = self.asset(node.unit, node, node.word_start)
        return Literal(value, Unit(Kind.AMOUNT, asset), f"{shown} {asset}")

    def param(self, node: Node) -> Value:
        """`$name`."""
        found = self.scope.params.get(node.text)
        if found is None:
            hint = did_you_mean(node.text, self.scope.params).replace("`", "`$", 1)
            raise node.fault(
                "AT126", f"`${node.text}` is not among the file's `params`", hint or "define it below `params:`"
            )
        return replace(found, text=f"${node.text}", param=node.text)

    def sign(self, node: Node) -> Value:
        """A sign before a number belongs to it; before anything else it turns the value round."""
        inner = node.parts[0]
        if inner.kind == "number" and inner.unit not in ("tick", "ticks"):
            return self.number(inner, node.text)
        if inner.kind == "duration":
            span = Decimal(duration_ms(inner.text, inner.start))
            return Literal(-span if node.kind == "minus" else span, DURATION, node.text + inner.text)
        found = self.value(inner)
        if found.unit.kind is Kind.TEXT:
            raise node.fault("AT121", "text has no sign")
        return (
            found
            if node.kind == "plus"
            else Operation("*", MINUS_ONE, found, found.unit if found.unit != COUNT else NUMBER)
        )

    def binary(self, node: Node) -> Value:
        """`+ - * / of`."""
        left = self.value(node.parts[0])
        before = self._tick_symbol
        self._tick_symbol = next((term.symbol for term in tree_terms(left) if term.symbol), before)
        right = self.value(node.parts[1])
        self._tick_symbol = before
        return combine(cast("Sign", node.kind), left, right, node, self.base_of)

    def ago(self, node: Node) -> Value:
        """`X n candles ago`: every candle term in X is shifted."""
        count = node.text
        if not count.isdigit() or not 1 <= int(count) <= 1000:
            raise Fault(
                "AT107",
                node.word_start,
                node.word_end - node.word_start,
                f"`{count}` candles ago is out of range",
                "write a whole number from 1 to 1000",
            )
        found = self.value(node.parts[0])
        terms = list(tree_terms(found))
        if not terms or not all(term.is_candle for term in terms):
            raise node.fault("AT127", "only candle values have candles ago", "such as `close(1h) 1 candle ago`")
        return _shifted(found, int(count))

    # ------------------------------------------------------------------------------------------------ words
    def call(self, node: Node) -> Value:
        """A word, with prefix and arguments."""
        if node.text in ("min", "max") and not node.unit:
            return self.extreme(node)
        symbol, name = self.prefixed(node)
        word = VOCABULARY.get(name)
        if word is None or word.hidden or word.measure == "flag":
            raise self.unknown(node, name)
        if word.per == "order" and not self.scope.in_order:
            raise node.fault(
                "AT128",
                f"`{name}` needs an order",
                "it stands inside `for_each_order`, or in a `notify` behind a `buy` or `sell`",
            )
        if word.per == "account" and node.unit:
            raise node.fault("AT129", f"`{name}` is the whole account's", f"write it without `{node.unit}.`")
        if node.forming >= 0:
            raise Fault(
                "AT405",
                node.forming,
                len("forming"),
                "`forming` (the candle that is not yet closed) is not yet supported",
            )
        if word.params == () and not word.is_candle and node.called:
            raise node.fault("AT113", f"`{name}` takes no arguments", f"write `{name}`")
        if (word.params or word.is_candle) and not node.called:
            raise node.fault(
                "AT113", f"`{name}` needs arguments", f"write `{word.signature}`, for example `{word.example}`"
            )
        return Arguments(self, node, word, symbol).term()

    def prefixed(self, node: Node) -> tuple[str, str]:
        """Symbol and full name of a word."""
        prefix = node.unit
        length = node.word_start - node.start
        if not prefix:
            return self.scope.symbol, node.text
        if prefix == "order":
            return self.scope.symbol, f"order.{node.text}"
        if prefix == "my":
            raise Fault("AT402", node.start, max(length, 3), "`my.` (this rule's own record) is not yet supported")
        if is_code(prefix, 5, 20):
            symbol_node = Node("call", node.start, node.start + len(prefix))
            self.instrument(prefix, symbol_node)
            return prefix, node.text
        upper = prefix.upper()
        hint = (
            f"write `{upper}.{node.text}`"
            if upper in self.scope.instruments
            else "a prefix is a symbol in capitals (`ETHJPY.last`) or `order`"
        )
        raise Fault("AT124", node.start, len(prefix), f"`{prefix}` is no prefix", hint)

    def unknown(self, node: Node, name: str) -> Fault:
        """A word that is not in the vocabulary, and why."""
        length = node.word_end - node.word_start
        shown = name if name.startswith("order.") else node.text
        start = node.start if name.startswith("order.") else node.word_start
        length = node.word_end - start
        if name in UNSUPPORTED:
            return Fault("AT403", start, length, f"`{name}` is not yet supported")
        if name == "entry":
            return Fault("AT406", start, length, "`entry` belongs to brackets, which are not yet supported")
        if name in ("rule", "guard"):
            return Fault("AT404", start, length, f"`{name}(id)` is not yet supported")
        if name == "signal":
            return Fault(
                "AT113", start, length, "`signal(name)` is a condition by itself", "it stands alone on its line"
            )
        if shown[0].isdigit():
            number = shown[: len(shown) - len(shown.lstrip("0123456789"))]
            return Fault(
                "AT103", start, length, f"`{shown}` is no word", f"write `{number} {shown[len(number) :]}` with a space"
            )
        if shown in ("true", "false"):
            return Fault(
                "AT113", start, length, f"`{shown}` is no value", "a condition is already true or false; write it alone"
            )
        if node.start == node.word_start and shown in self.scope.instruments:
            return Fault("AT113", start, length, f"`{shown}` is a symbol", f"write `{shown}.last` for its price")
        if name.startswith("order."):
            listed = ", ".join(f"`{each}`" for each in VOCABULARY if each.startswith("order."))
            return Fault("AT113", start, length, f"unknown word `{name}`", f"words of an order are {listed}")
        names = [each.name for each in VOCABULARY.values() if not each.hidden and each.measure != "flag"]
        return Fault(
            "AT113",
            start,
            length,
            f"unknown word `{shown}`",
            meant_word(shown) or did_you_mean(shown, [*names, "min", "max"]) or did_you_mean(shown.lower(), names),
        )

    def extreme(self, node: Node) -> Value:
        """`min(a, b)` and `max(a, b)`."""
        if len(node.parts) != 2:
            raise node.fault(
                "AT114", f"`{node.text}` takes 2 values, found {len(node.parts)}", f"write `{node.text}(a, b)`"
            )
        left, right = (self.value(part) for part in node.parts)
        left, right = unify(left, right, (node.parts[0], node.parts[1]), "compared with")
        if left.unit.kind is Kind.TEXT:
            raise node.fault("AT121", "text has no order")
        unit = NUMBER  # a count beside a plain number
        if left.unit == right.unit or Kind.PERCENT in (left.unit.kind, right.unit.kind):
            unit = left.unit if left.unit.kind is not Kind.NUMBER else right.unit
        return Operation(node.text, left, right, unit)

    # ------------------------------------------------------------------------------------------------ results
    def fitted(self, node: Node, wanted: frozenset[Kind], asset: str) -> Value:
        """A value of one of the wanted kinds; a bare number becomes a price where a price is wanted."""
        found = self.value(node)
        if found.unit.kind is Kind.PERCENT and Kind.PERCENT in wanted:
            return found
        for unit in self._units_of(wanted, asset):
            if found.unit.kind is unit.kind and (not unit.asset or found.unit.asset == unit.asset):
                return found
        fault: Fault | None = None
        for unit in self._units_of(wanted, asset):
            try:
                adopted = adopt(found, unit, node)
            except Fault as problem:
                fault, adopted = fault or problem, None
            if adopted is not None:
                return adopted
        raise fault or self._unwanted(found, node, wanted, asset)

    def _units_of(self, wanted: frozenset[Kind], asset: str) -> list[Unit]:
        quote = self.instrument(self.scope.symbol).quote if Kind.PRICE in wanted and self.scope.symbol else ""
        assets = {Kind.PRICE: quote, Kind.AMOUNT: asset}
        return [Unit(kind, assets.get(kind, "")) for kind in Kind if kind in wanted]

    def _unwanted(self, found: Value, node: Node, wanted: frozenset[Kind], asset: str) -> Fault:
        units = self._units_of(wanted, asset)
        allowed = " or ".join(
            named(unit) if unit.asset or unit.kind not in (Kind.PRICE, Kind.AMOUNT) else f"{unit.kind.value}"
            for unit in units
        )
        hint = ""
        if found.unit.kind is Kind.AMOUNT and asset and isinstance(found, Literal):
            hint = f"it is counted in {asset}"
        elif found.unit.kind is Kind.PERCENT and Kind.AMOUNT in wanted:
            hint = f"a percentage is taken of something: `20% of free({asset or 'JPY'})`"
        return node.fault("AT121", f"expected {allowed}, found {named(found.unit)}", hint)


def _shifted(value: Value, count: int) -> Value:
    return rebuilt(value, lambda each: replace(each, shift=each.shift + count) if isinstance(each, Term) else each)
