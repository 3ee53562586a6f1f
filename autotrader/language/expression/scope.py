"""Where an expression stands, and what it may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from autotrader.language.tree import Literal
from autotrader.market.instrument import Instrument
from autotrader.structs import dataclass


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
