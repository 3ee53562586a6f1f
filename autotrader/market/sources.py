"""Where the words of a condition look, and how an answer can fail to be a plain number.

`Sources` is everything that one evaluation may see, frozen. An answer is a value, or `Missing` with the reason why it
is not known, or `LowerBound` where only "at least this much" can be said (a fetched book that ends too early).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from autotrader.market.account import Account, Health, OwnOrder, OwnRecord
from autotrader.market.instrument import Instrument
from autotrader.market.snapshot import Snapshot
from autotrader.orders import Order


@dataclass(frozen=True, slots=True)
class Missing:
    """Not known, and why: one phrase without the word's name (`ticker is 19s old (limit 15s)`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class LowerBound:
    """At least this much: it settles `> 300_000` when the bound is above, and `< 300_000` then too (as false).

    What the bound cannot settle is unknown.
    """

    value: Decimal


Answer = Decimal | float | str | bool | Missing | LowerBound


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
