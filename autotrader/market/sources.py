"""Where the words of a condition look: `Sources` is everything that one evaluation may see, frozen.

What they answer with stands in `answers`; its names can be had from here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from autotrader.market.account import Account, Health, OwnOrder, OwnRecord
from autotrader.market.answers import Answer, LowerBound, Missing
from autotrader.market.instrument import Instrument
from autotrader.market.snapshot import Snapshot
from autotrader.orders import Order
from autotrader.structs import dataclass

__all__ = ["Answer", "LowerBound", "Missing", "Sources"]


class Recorded(Protocol):
    """Answers in the market's place: a record's, when a cycle is decided again."""

    def answer(self, term: Any, order: Order | OwnOrder | None) -> Answer:
        """What a term is, with an order at hand or without."""

    def leaf(self, leaf: Any) -> bool | Missing:
        """Whether a condition over candles holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that one evaluation may look at. `now_ms` is the one evaluation time (venue milliseconds), `zone` the
    account's IANA zone, `order` the order that `order.*` words speak of, where there is one.
    """

    now_ms: int
    snapshot: Snapshot
    account: Account = field(default_factory=Account)
    record: OwnRecord = field(default_factory=OwnRecord)
    health: Health = field(default_factory=Health)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    zone: str = "Asia/Tokyo"
    order: Order | OwnOrder | None = None
    recorded: Recorded | None = None  # where words are answered instead, None: here
