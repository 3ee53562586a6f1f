"""How an answer about the market or the account can fail to be a plain number.

An answer is a value, or `Missing` with the reason why it is not known, or `LowerBound` where only "at least this much"
can be said (a fetched book that ends too early). Apart from `sources` because the vocabulary needs these when rules
are only read, and what a cycle sees (snapshot, account) not until they run.
"""

from __future__ import annotations

from decimal import Decimal

from autotrader.structs import dataclass


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
