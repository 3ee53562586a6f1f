"""What a word of the language is: one entry, from which checks, reference, completion, readback and `why` come.

A word says what it is called, what it takes, what it measures, between which values it can lie, what it needs to be
fetched and how it is read. Nothing about it is written down a second time elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Literal as Only

from autotrader.language.tree import Literal, Term
from autotrader.market.answers import Answer
from autotrader.market.needs import Need
from autotrader.structs import dataclass

if TYPE_CHECKING:
    from autotrader.market.sources import Sources

Arg = Decimal | str | Literal


@dataclass(frozen=True, slots=True)
class Param:
    """One argument. `low` and `high` bound numbers (durations in milliseconds, percentages in points), both included.

    Kinds: "integer", "number", "percent", "asset", "choice" (one of `choices`), "duration", "window" (day, week, month
    or a duration), "distance" (a percentage or a number of levels), "amount" (of the quote).
    """

    name: str
    kind: Only["integer", "number", "percent", "asset", "choice", "duration", "window", "distance", "amount"]
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    choices: tuple[str, ...] = ()


_EXAMPLES = {
    "integer": "14", "number": "2", "percent": "1%", "asset": "JPY", "duration": "1h", "window": "day",
    "distance": "0.5%", "amount": "50_000 JPY",
}  # fmt: skip
_OWN_EXAMPLES = {"macd": "12, 26, 9", "stoch": "14, 3, 3", "bb": "20, 2", "sar": "0.02, 0.2", "supertrend": "10, 3"}
Measure = Only[
    "price", "base", "quote", "asset", "percent", "number", "count", "duration", "text", "series", "flag"
]  # "asset": an amount of the first argument; "series": whatever the candle series measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One entry of the vocabulary.

    `per` says whose value it is: a symbol's, the whole account's, or one order's. Candle words have `column` set, the
    name of their function in market/indicators, with `warmup` (candles until the seed weighs at most 1e-10) and
    `span` (candles of the word's own period), both as functions of the numeric arguments; `takes_series` says that a
    candle series may stand in place of the timeframe. Other words have `read`. `english` and `japanese` are phrases
    in which `{0}`, `{1}` stand for the arguments and `{tf}` for the timeframe.
    """

    name: str
    group: str
    measure: Measure
    english: str
    japanese: str
    params: tuple[Param, ...] = ()
    lowest: Decimal | None = None
    highest: Decimal | None = None
    per: Only["symbol", "account", "order"] = "symbol"
    needs: Callable[[Term], frozenset[Need]] | None = None
    read: Callable[[Term, Sources], Answer] | None = None
    column: str = ""
    takes_series: bool = False
    warmup: Callable[[tuple[Decimal, ...]], int] | None = None
    span: Callable[[tuple[Decimal, ...]], int] | None = None
    order_of: tuple[int, int] | None = None  # argument i must be below argument j
    note: str = ""
    hidden: bool = False  # made by the parser, not written by users

    @property
    def is_candle(self) -> bool:
        """Whether it is a function over candles and takes a timeframe as its last argument."""
        return self.column != ""

    @property
    def example(self) -> str:
        """How it may be written, with usual arguments: `rsi(14, 1h)`."""
        if not self.params and not self.is_candle:
            return self.name
        own = _OWN_EXAMPLES.get(self.name.split("_")[0])
        parts = [own] if own else [each.choices[0] if each.choices else _EXAMPLES[each.kind] for each in self.params]
        return f"{self.name}({', '.join([*parts, *(['1h'] if self.is_candle else [])])})"

    @property
    def signature(self) -> str:
        """How it is written: `rsi(period, tf)`."""
        names = [param.name for param in self.params] + (["tf"] if self.is_candle else [])
        return f"{self.name}({', '.join(names)})" if names else self.name


def literal_of(term: Term, index: int) -> Literal:
    """An argument that keeps its unit. Raises TypeError where the term was not made by the parser."""
    arg = term.args[index]
    if not isinstance(arg, Literal):
        raise TypeError(f"argument {index} of {term.word} has no unit")
    return arg
