"""The typed tree: what a checked expression is, for everything that works on it.

Three kinds of node. *Values* (`Literal`, `Term`, `Arithmetic`, `Least`, `Most`) have a unit. *Leaves* (`Compare`,
`Between`, `Near`, `Cross`, `Flag`, and the shapes `Held`, `WithinLast`, `CountOf` around one of them) are one written
condition each. *Combinators* (`All`, `Any`, `Not`, `AtLeast`) are the YAML structure. `Named` stands for a signal.

A `Term` is a question with an answer: the value table of a cycle maps each distinct term to what was seen. Nothing
else in a tree depends on the outside, so a verdict is a pure function of that table and the rule's state, and can be
rebuilt later from the recorded values. Every leaf has a `key`, its path in the rule: state is kept under it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal as Only

from autotrader.structs import dataclass


class Kind(StrEnum):
    """What a number measures."""

    NUMBER = "number"
    PERCENT = "percent"  # 5% is Decimal(5)
    PRICE = "price"  # quote per base; unit asset = the quote
    AMOUNT = "amount"  # of unit asset
    DURATION = "duration"  # milliseconds
    COUNT = "count"
    TEXT = "text"  # order.side, order.tag, order.id: only in notifications


@dataclass(frozen=True, slots=True)
class Unit:
    """Kind, and the asset for prices and amounts ("" where it does not matter)."""

    kind: Kind
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a rule file: 1-based line and column, and length for the caret."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Literal:
    """A number with its unit. Percent in percent points, durations in milliseconds, amounts in their asset."""

    value: Decimal
    unit: Unit
    text: str  # as written; for a parameter `$name`
    param: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A vocabulary word with its arguments, for one symbol: `rsi(14, 1h)`, `ETHJPY.last`, `free(JPY)`.

    `args` are exact values in the word's order: Decimal, text (asset, side), or `Literal` where the unit matters
    (`0.5%`, `5 levels`, `50_000 JPY`, a duration). `timeframe` is set for candle words; `series` stands in its
    place where a candle series was given (`sma(30, volume(5m))`): then `timeframe` is that of the series.
    `shift` is `n candles ago`.
    """

    word: str
    symbol: str
    unit: Unit
    args: tuple[Decimal | str | Literal, ...] = ()
    timeframe: str = ""
    series: Term | None = None
    shift: int = 0

    @property
    def is_candle(self) -> bool:
        """Whether its value changes only when a candle closes."""
        return self.timeframe != ""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * /` on values, and the three percent forms.

    `+%` and `-%`: left is a price, amount or volume and right a percentage of it (`sma(200, 1d) - 20%`);
    `%of`: left is a percentage, right what it is taken of (`20% of free(JPY)`, `1% * 10_000 JPY`).
    """

    op: Only["+", "-", "*", "/", "+%", "-%", "%of"]
    left: Value
    right: Value
    unit: Unit


@dataclass(frozen=True, slots=True)
class Least:
    """`min(a, b)`."""

    left: Value
    right: Value
    unit: Unit


@dataclass(frozen=True, slots=True)
class Most:
    """`max(a, b)`."""

    left: Value
    right: Value
    unit: Unit


Value = Literal | Term | Arithmetic | Least | Most


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`left op right`."""

    key: str
    text: str
    place: Place
    left: Value
    op: Only["<", "<=", ">", ">="]
    right: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """`value between low and high`, both ends included."""

    key: str
    text: str
    place: Place
    value: Value
    low: Value
    high: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """`value near target within d`: |value - target| <= d; a percentage is taken of the target."""

    key: str
    text: str
    place: Place
    value: Value
    target: Value
    within: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """`left crosses above|below right by dead_zone`.

    The side becomes up when left > right + d, down when left < right - d, and else stays. True when the side turns to
    `direction` ("either" for plain `crosses`). `timeframe` is set (the finest of the candle terms) where every term is
    a candle value: judged once per close from the candles alone; "" means judged per slot with a stored side.
    A percentage as dead zone is taken of `right`.
    """

    key: str
    text: str
    place: Place
    left: Value
    direction: Only["up", "down", "either"]
    right: Value
    dead_zone: Value | None = None
    timeframe: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A time window in a zone: minutes of the day [start, end), on the days on which it *starts* (0 = Monday).

    `end` <= `start` means past midnight; start == end the whole day. `zone` is an IANA name.
    """

    start_minute: int
    end_minute: int
    days: frozenset[int]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A condition that is a word: `exchange is normal` (term) or `time in ...` (windows)."""

    key: str
    text: str
    place: Place
    term: Term | None = None
    windows: tuple[Window, ...] = ()


Plain = Compare | Between | Near | Cross | Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`condition for 5m`: true at every evaluation over a span of at least that long."""

    key: str
    text: str
    place: Place
    part: Plain
    span_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinLast:
    """`condition within last n candles` (`timeframe`) or `checks` ("")."""

    key: str
    text: str
    place: Place
    part: Plain
    count: int
    timeframe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOf:
    """`condition k of last n candles` (`timeframe`) or `checks` ("")."""

    key: str
    text: str
    place: Place
    part: Plain
    least: int
    count: int
    timeframe: str


Leaf = Plain | Held | WithinLast | CountOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`signal(name)`: the named condition, with leaves keyed under the place of its use."""

    key: str
    name: str
    place: Place
    part: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """Every part must hold: any false is false, else any unknown is unknown."""

    key: str
    place: Place
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Any:
    """One part must hold: any true is true, else any unknown is unknown."""

    key: str
    place: Place
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part must not hold; not unknown is unknown."""

    key: str
    place: Place
    part: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`n` of the parts must hold."""

    key: str
    place: Place
    count: int
    parts: tuple[Condition, ...]


Condition = Leaf | Named | All | Any | Not | AtLeast
