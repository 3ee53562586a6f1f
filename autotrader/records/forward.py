"""An order's state moves forward only, whatever order the venue's replies arrive in.

Replies come from a database that lags, from caches, twice, and late. So what is known is the most that was ever seen:
executed quantity never falls, a terminal status never leaves, an older description changes nothing. What contradicts
that is kept as an alert, not as a state. Pure; the tables are in `orders`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace

from autotrader.orders import TERMINAL, Fill, Order, OrderStatus
from autotrader.structs import dataclass

# How far a status is: within a rank, only more execution moves the order.
RANK: dict[OrderStatus, int] = {
    OrderStatus.PENDING_NEW: 0,
    OrderStatus.OTHER: 0,
    OrderStatus.NEW: 1,
    OrderStatus.PENDING_CANCEL: 2,
    OrderStatus.PARTIALLY_FILLED: 2,
    **dict.fromkeys(TERMINAL, 3),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What a reply changes: the order as it is known now, whether that is news, and what was odd about the reply."""

    order: Order
    moved: bool
    alerts: tuple[str, ...] = ()


def advance(known: Order, seen: Order) -> Progress:
    """Merge a venue's description into what is known of the same order."""
    alerts = _contradictions(known, seen)
    if seen.executed < known.executed:
        return Progress(known, moved=False, alerts=alerts)
    further = RANK[seen.status] > RANK[known.status]
    status = seen.status if further else known.status
    quote = known.quote_executed
    if seen.quote_executed is not None and (quote is None or seen.quote_executed > quote):
        quote = seen.quote_executed
    merged = replace(
        known,
        executed=seen.executed,
        quote_executed=quote,
        status=status,
        updated_ms=max(known.updated_ms, seen.updated_ms),
        is_working=seen.is_working if further else known.is_working,
    )
    return Progress(merged, moved=_told(merged) != _told(known), alerts=alerts)


def _told(order: Order) -> tuple[object, ...]:
    return (order.executed, order.quote_executed, order.status)


def _contradictions(known: Order, seen: Order) -> tuple[str, ...]:
    found = []
    if seen.executed < known.executed:
        found.append(f"executed fell from {known.executed} to {seen.executed}: the older reply was ignored")
    if known.status in TERMINAL and seen.executed > known.executed:
        found.append(f"filled {seen.executed - known.executed} more after it was {known.status}")
    if known.status in TERMINAL and seen.status in TERMINAL and seen.status is not known.status:
        found.append(f"was {known.status}, is now said to be {seen.status}")
    if seen.status is OrderStatus.OTHER:
        found.append("has a status that this program does not know; it counts as open")
    if seen.executed > seen.quantity:
        found.append(f"executed {seen.executed} of {seen.quantity}")
    return tuple(found)


# ---------------------------------------------------------------------------------------------------------- fill cache
# Committed fills in memory: they never change, so a cycle need not read a month of them again.
#
# Only what is committed is kept (nothing is cached inside a transaction, which may still be rolled back). New rows
# are recognised by their row number, which only grows. What is older than any regular question (the own record asks
# for a month) is let go, so that a process that runs for months does not grow; who asks for more gets it read.

KEPT_MS = 40 * 86_400_000

Read = Callable[[int], Sequence[tuple[int, Fill]]]


def _key(fill: Fill) -> tuple[int, str, int]:
    return (fill.time_ms, fill.symbol, fill.trade_id)


class FillCache:
    """Fills by time. `read(after)` gives the (row number, fill) pairs whose row number is larger."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._last = 0
        self._fills: list[Fill] = []
        self._floor_ms = 0  # everything from then on is kept

    def since(self, since_ms: int, *, committed: bool) -> tuple[Fill, ...]:
        """Fills from a time on, oldest first. `committed`: whether what is read now is on disk for good."""
        if since_ms < self._floor_ms:
            return self._from(sorted((fill for _, fill in self._read(0)), key=_key), since_ms)
        fresh = self._read(self._last)
        if not fresh:
            return self._from(self._fills, since_ms)
        fills = sorted([*self._fills, *(fill for _, fill in fresh)], key=_key)
        if committed:
            self._last = max(number for number, _ in fresh)
            self._floor_ms = max(self._floor_ms, fills[-1].time_ms - KEPT_MS)
            self._fills = list(self._from(fills, self._floor_ms))
        return self._from(fills, since_ms)

    @staticmethod
    def _from(fills: list[Fill], since_ms: int) -> tuple[Fill, ...]:
        return tuple(fills[bisect_left(fills, (since_ms,), key=lambda fill: (fill.time_ms,)) :])
