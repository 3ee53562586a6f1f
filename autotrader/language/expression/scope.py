"""Where an expression stands, and what it may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autotrader.language.expression.syntax import Fault, Node
from autotrader.language.tree import Literal, Value
from autotrader.language.walk import tree_terms
from autotrader.market.instrument import Instrument
from autotrader.structs import dataclass
from autotrader.text import did_you_mean
from autotrader.times import UNIT_MS


@dataclass(frozen=True, slots=True)
class Origin:
    """Place of an expression's first character; the column of offset i is `column + i`. `path` is the dotted path."""

    file: str
    line: int
    column: int
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What words mean here: the rule's symbol, known instruments, parameters.

    `in_order` allows `order.*`; `zone` is the account's zone, used by time windows that name none.
    """

    symbol: str
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    params: Mapping[str, Literal] = field(default_factory=dict)
    in_order: bool = False
    zone: str = "Asia/Tokyo"


SUFFIXES = ("JPY", "USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR", "TRY")


class Surroundings:
    """One text and where it stands. `notes` collects what is odd in it but no mistake."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.notes: list[Fault] = []

    def instrument(self, symbol: str, node: Node | None = None) -> Instrument:
        """The instrument of a symbol; for one that is not known here, base and quote are read from its name."""
        known = self.scope.instruments.get(symbol)
        if known is not None:
            return known
        quote = next((suffix for suffix in SUFFIXES if symbol.endswith(suffix) and len(symbol) > len(suffix)), "")
        if not quote:
            whole = node or Node("", 0, len(self.text))
            raise whole.fault(
                "AT124", f"`{symbol}` is not a known symbol", did_you_mean(symbol, self.scope.instruments)
            )
        if node is not None and self.scope.instruments:
            hint = (
                did_you_mean(symbol, self.scope.instruments)
                or "it is checked against the exchange before anything runs"
            )
            self.notes.append(
                Fault(
                    "AT310", node.start, len(symbol), f"`{symbol}` is not in the table of known symbols", hint, "note"
                )
            )
        return Instrument(symbol=symbol, base=symbol.removesuffix(quote), quote=quote)

    def base_of(self, value: Value) -> str:
        """The base asset that a price is a price of; "" where it is not one symbol's."""
        bases = {self.instrument(term.symbol).base for term in tree_terms(value) if term.symbol}
        return bases.pop() if len(bases) == 1 else ""

    def asset(self, text: str, node: Node, start: int | None = None) -> str:
        """An asset by its code. An unknown one that resembles a known one is refused, another noted."""
        ours = self.scope.instruments.get(self.scope.symbol)
        if ours is not None and text in (ours.base, ours.quote):  # nearly always: the others are hundreds
            return text
        known = {asset for each in self.scope.instruments.values() for asset in (each.base, each.quote)}
        begin = node.start if start is None else start
        if not known or text in known:
            return text
        hint = did_you_mean(text, known)
        if hint or text in UNIT_MS:
            raise Fault("AT125", begin, len(text), f"`{text}` is not a known asset", hint)
        self.notes.append(
            Fault(
                "AT311",
                begin,
                len(text),
                f"`{text}` is no asset of the known symbols",
                "it is checked against the exchange before anything runs",
                "note",
            )
        )
        return text
