"""The arguments of one word, checked against its entry in the vocabulary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal

from autotrader.language.expression.plainly import duration_ms
from autotrader.language.expression.scope import Surroundings
from autotrader.language.expression.syntax import Fault, Node
from autotrader.language.tree import Kind, Literal, Term, Unit, Value
from autotrader.language.vocabulary.word import Param, Word
from autotrader.market.timeframe import FIXED_MS, TIMEFRAMES
from autotrader.money import plain
from autotrader.text import did_you_mean
from autotrader.times import span_text

Arg = Decimal | str | Literal
_BY_MS = {span: name for name, span in FIXED_MS.items()}
_WANTED = {
    "integer": "a whole number", "number": "a number", "percent": "a percentage", "duration": "a duration",
    "window": "`day`, `week`, `month` or a duration", "distance": "a percentage or `n levels`",
}  # fmt: skip
MAX_LEVELS = 5000


class TypedValues(Surroundings, ABC):
    """Typed values of one text, as arguments need them: some are expressions themselves."""

    @abstractmethod
    def value(self, node: Node) -> Value:
        """The typed value of a node. Raises Fault."""

    @abstractmethod
    def param(self, node: Node) -> Value:
        """What a `$name` stands for. Raises Fault."""

    @abstractmethod
    def of_symbol(self, symbol: str, node: Node) -> Value:
        """The value of a node in which words without a prefix mean another symbol. Raises Fault."""


class Arguments:
    """Builds the `Term` of one call. Raises Fault at the argument that does not fit."""

    def __init__(self, checker: TypedValues, node: Node, word: Word, symbol: str) -> None:
        self.checker = checker
        self.node = node
        self.word = word
        self.symbol = symbol if word.per != "account" else ""

    def term(self) -> Term:
        """The whole term."""
        parts, params = self.node.parts, self.word.params
        self.count(len(parts))
        args = tuple(self.argument(part, param) for part, param in zip(parts, params, strict=False))
        self.ordered(args, parts)
        timeframe, series = self.over(parts[-1]) if self.word.is_candle else ("", None)
        return Term(self.word.name, self.symbol, self.unit(args, series), args, timeframe, series)

    def count(self, found: int) -> None:
        """As many arguments as the entry names."""
        wanted = len(self.word.params) + self.word.is_candle
        if found == wanted:
            return
        names = ", ".join([param.name for param in self.word.params] + (["tf"] if self.word.is_candle else []))
        plural = "argument" if wanted == 1 else "arguments"
        missing_timeframe = self.word.is_candle and found == wanted - 1 and not self.is_timeframe(self.node.parts[-1:])
        hint = ("the timeframe is missing: " if missing_timeframe else "") + f"for example `{self.word.example}`"
        raise self.node.fault("AT114", f"`{self.word.name}` takes {wanted} {plural} ({names}), found {found}", hint)

    def is_timeframe(self, parts: tuple[Node, ...]) -> bool:
        """Whether the last argument can only be a timeframe or a series."""
        return bool(parts) and parts[0].kind in ("duration", "call")

    def ordered(self, args: tuple[Arg, ...], parts: tuple[Node, ...]) -> None:
        """Arguments that must rise (fast below slow)."""
        if self.word.order_of is None:
            return
        low, high = self.word.order_of
        first, second = args[low], args[high]
        if isinstance(first, Decimal) and isinstance(second, Decimal) and first >= second:
            names = self.word.params[low].name, self.word.params[high].name
            raise parts[low].fault(
                "AT115",
                f"`{names[0]}` must be below `{names[1]}`, found {plain(first)} and {plain(second)}",
                "swap them" if first > second else "",
            )

    def unit(self, args: tuple[Arg, ...], series: Term | None) -> Unit:
        """What the term measures."""
        measure = self.word.measure
        if measure in ("number", "count", "percent", "duration", "text"):
            return Unit(Kind(measure))
        if measure == "asset":
            return Unit(Kind.AMOUNT, str(args[0]))
        if measure == "series" and series is not None:
            return series.unit
        instrument = self.checker.instrument(self.symbol or self.checker.scope.symbol)
        if measure in ("price", "series"):
            return Unit(Kind.PRICE, instrument.quote)
        return Unit(Kind.AMOUNT, instrument.base if measure == "base" else instrument.quote)

    # ------------------------------------------------------------------------------------------------ timeframes
    def over(self, node: Node) -> tuple[str, Term | None]:
        """The timeframe, or the series that stands in its place."""
        if node.kind == "duration":
            return self.timeframe(node), None
        if node.kind == "param":
            literal = self.checker.param(node)
            if isinstance(literal, Literal) and literal.unit.kind is Kind.DURATION and int(literal.value) in _BY_MS:
                return _BY_MS[int(literal.value)], None
            raise node.fault("AT116", f"`${node.text}` is no timeframe", f"timeframes are {' '.join(TIMEFRAMES)}")
        if node.kind in ("call", "ago"):
            return self.series(node)
        raise node.fault(
            "AT116", f"the last argument of `{self.word.name}` is a timeframe", f"timeframes are {' '.join(TIMEFRAMES)}"
        )

    def timeframe(self, node: Node) -> str:
        """One of the venue's timeframes."""
        if node.text in TIMEFRAMES:
            return node.text
        hint = f"timeframes are {' '.join(TIMEFRAMES)}"
        if node.text.endswith("M"):
            hint = f"`1M` is a month and `1m` a minute; {hint}"
        else:
            same = _BY_MS.get(duration_ms(node.text, node.start))
            hint = f"write `{same}`" if same else hint
        raise node.fault("AT116", f"`{node.text}` is no timeframe", hint)

    def series(self, node: Node) -> tuple[str, Term]:
        """A candle series such as `volume(5m)`."""
        if not self.word.takes_series:
            raise node.fault(
                "AT117",
                f"`{self.word.name}` is computed from whole candles, not from a series",
                f"give a timeframe: {self.word.signature}",
            )
        found = self.checker.of_symbol(self.symbol, node)
        if not isinstance(found, Term) or not found.is_candle:
            raise node.fault(
                "AT117", "only a candle word can stand in place of a timeframe", "such as `volume(5m)` or `rsi(14, 1h)`"
            )
        if found.symbol != self.symbol:
            if self.node.unit:
                raise node.fault(
                    "AT117", "the series is another symbol's than the word", "put the prefix on the series alone"
                )
            self.symbol = found.symbol
        return found.timeframe, found

    # ------------------------------------------------------------------------------------------------ arguments
    def argument(self, node: Node, param: Param) -> Arg:
        """One argument by its kind."""
        if param.kind == "asset":
            return self.asset(node)
        if param.kind == "choice":
            return self.choice(node, param)
        if param.kind == "window" and node.kind == "call" and not node.called and node.text in ("day", "week", "month"):
            return node.text
        literal = self.literal(node, param)
        accepted = {
            "integer": (Kind.NUMBER, Kind.COUNT), "number": (Kind.NUMBER, Kind.COUNT), "percent": (Kind.PERCENT,),
            "duration": (Kind.DURATION,), "window": (Kind.DURATION,), "distance": (Kind.PERCENT, Kind.COUNT),
            "amount": (Kind.AMOUNT,),
        }[param.kind]  # fmt: skip
        if literal.unit.kind not in accepted:
            raise self.misfit(node, param, literal)
        return self.ranged(node, param, literal)

    def literal(self, node: Node, param: Param) -> Literal:
        """An argument that is a written number."""
        if node.kind in ("number", "duration", "param", "minus", "plus"):
            found = self.checker.value(node)
            if isinstance(found, Literal):
                return found
        raise self.misfit(node, param, None)

    def misfit(self, node: Node, param: Param, literal: Literal | None) -> Fault:
        """An argument of the wrong kind."""
        wanted = _WANTED.get(param.kind) or f"an amount of {self.checker.instrument(self.symbol).quote}"
        found = self.checker.text[node.start : node.end]
        hint = f"{self.word.signature}"
        if literal is not None and literal.unit.kind is Kind.NUMBER and param.kind in ("percent", "distance"):
            hint = f"write `{literal.text}%`" + (f" or `{literal.text} levels`" if param.kind == "distance" else "")
        elif literal is not None and literal.unit.kind is Kind.NUMBER and param.kind in ("duration", "window"):
            hint = f"write `{literal.text}m` or `{literal.text}h`"
        elif literal is not None and literal.unit.kind is Kind.NUMBER and param.kind == "amount":
            hint = f"write `{literal.text} {self.checker.instrument(self.symbol).quote}`"
        elif literal is not None and literal.unit.kind is Kind.DURATION and self.word.is_candle:
            hint = f"the timeframe stands last: {self.word.signature}"
        return node.fault("AT115", f"`{param.name}` of `{self.word.name}` is {wanted}, found `{found}`", hint)

    def ranged(self, node: Node, param: Param, literal: Literal) -> Arg:
        """A number inside its range, in the form the term keeps."""
        value = literal.value
        low, high = (
            (Decimal(1), Decimal(MAX_LEVELS))
            if literal.unit.kind is Kind.COUNT and param.kind == "distance"
            else (param.low, param.high)
        )
        whole = param.kind == "integer" or literal.unit.kind is Kind.COUNT
        shown = _duration if literal.unit.kind is Kind.DURATION else plain
        if not low <= value <= high or (whole and value != int(value)):
            number = "a whole number" if whole else "a value"
            raise node.fault(
                "AT115",
                f"`{param.name}` of `{self.word.name}` is {number} from {shown(low)} to {shown(high)}, "
                f"found `{literal.text}`",
            )
        if param.kind in ("integer", "number"):
            return value.normalize() if value != int(value) else Decimal(int(value))
        if param.kind == "amount" and literal.unit.asset != self.checker.instrument(self.symbol).quote:
            raise self.misfit(node, param, literal)
        if self.word.name == "change" and int(value) % 60_000:
            raise node.fault("AT115", f"`change` counts whole minutes, found `{literal.text}`")
        return canonical(literal)

    def asset(self, node: Node) -> str:
        """An asset's code."""
        if node.kind != "call" or node.called or node.unit:
            raise node.fault("AT115", f"`{self.word.name}` takes an asset", f"such as `{self.word.name}(JPY)`")
        text = node.text
        if text != text.upper():
            raise node.fault(
                "AT125", f"`{text}` is not an asset", f"write `{text.upper()}`; assets are written in capitals"
            )
        if text in self.checker.scope.instruments:
            instrument = self.checker.scope.instruments[text]
            raise node.fault(
                "AT125", f"`{text}` is a symbol, not an asset", f"write `{instrument.base}` or `{instrument.quote}`"
            )
        return self.checker.asset(text, node)

    def choice(self, node: Node, param: Param) -> str:
        """One of a few words."""
        allowed = ", ".join(param.choices)
        if node.kind == "call" and not node.called and not node.unit and node.text in param.choices:
            return node.text
        found = self.checker.text[node.start : node.end]
        raise node.fault(
            "AT115",
            f"`{param.name}` of `{self.word.name}` is one of {allowed}; found `{found}`",
            did_you_mean(found, param.choices),
        )


def canonical(literal: Literal) -> Literal:
    """One form for equal values, so that equal terms are one question: `0.50%` and `0.5%`."""
    value = literal.value if literal.value == 0 else literal.value.normalize()
    return replace(literal, value=value, text=literal_text(value, literal.unit), param="")


def literal_text(value: Decimal, unit: Unit) -> str:
    """A number as it would be written."""
    match unit.kind:
        case Kind.PERCENT:
            return f"{plain(value)}%"
        case Kind.DURATION:
            return _duration(value)
        case Kind.COUNT:
            return f"{plain(value)} levels"
        case Kind.AMOUNT:
            return f"{plain(value)} {unit.asset}"
        case _:
            return plain(value)


def _duration(value: Decimal) -> str:
    return span_text(int(value))
