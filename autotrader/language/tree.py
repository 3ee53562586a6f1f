"""The typed tree: what a checked expression is, for everything that works on it.

Three kinds of node. *Values* (`Literal`, `Term`, `Operation`) have a unit. *Leaves* (`Relation`, `Cross`, `Flag`, and
the shapes `For`, `OfLast` around one of them) are one written condition each. *Combinators* (`AtLeast`, which is `all`,
`any` and `at_least`, and `Not`) are the YAML structure. `Named` stands for a signal. Operations and relations are names
here: what they are stands once, in the tables of `algebra` and `relations`.

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
class Operation:
    """Two values joined by an entry of `algebra.OPERATIONS`: `+ - * /`, `min(a, b)`, `max(a, b)`, the percent forms.

    `+%` and `-%`: left is a price, amount or volume and right a percentage of it (`sma(200, 1d) - 20%`);
    `%of`: left is a percentage, right what it is taken of (`20% of free(JPY)`, `1% * 10_000 JPY`).
    """

    op: str
    left: Value
    right: Value
    unit: Unit


Value = Literal | Term | Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Values that stand in a relation of `relations.RELATIONS`: `left < right`, `value between low and high`.

    `sides` are in written order; what each of them is and when they are so related stands in the entry of `name`.
    """

    key: str
    text: str
    place: Place
    name: str
    sides: tuple[Value, ...]


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


Plain = Relation | Cross | Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """`condition for 5m`: true at every evaluation over a span of at least that long."""

    key: str
    text: str
    place: Place
    part: Plain
    span_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLast:
    """`condition k of last n candles` (`timeframe`) or `checks` ("").

    `within last n` is the same with one of them; `form` says how it was written, for those who read it and for hashes.
    """

    key: str
    text: str
    place: Place
    part: Plain
    least: int
    count: int
    timeframe: str
    form: Only["of", "within"] = "of"


Leaf = Plain | For | OfLast


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`signal(name)`: the named condition, with leaves keyed under the place of its use."""

    key: str
    name: str
    place: Place
    part: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`count` of the parts must hold: all of them behind `all:`, one behind `any:`.

    `form` is the key it was written under; `all_of` and `any_of` make the first two.
    """

    key: str
    place: Place
    count: int
    parts: tuple[Condition, ...]
    form: Only["at_least", "all", "any"] = "at_least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part must not hold; not unknown is unknown."""

    key: str
    place: Place
    part: Condition


Condition = Leaf | Named | AtLeast | Not


def all_of(parts: tuple[Condition, ...], key: str, place: Place) -> AtLeast:
    """Every part must hold: any false is false, else any unknown is unknown."""
    return AtLeast(key=key, place=place, count=len(parts), parts=parts, form="all")


def any_of(parts: tuple[Condition, ...], key: str, place: Place) -> AtLeast:
    """One part must hold: any true is true, else any unknown is unknown."""
    return AtLeast(key=key, place=place, count=1, parts=parts, form="any")
