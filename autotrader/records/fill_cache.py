"""Committed fills in memory: they never change, so a cycle need not read a month of them again.

Only what is committed is kept (nothing is cached inside a transaction, which may still be rolled back). New rows are
recognised by their row number, which only grows. What is older than any regular question (the own record asks for a
month) is let go, so that a process that runs for months does not grow; who asks for more gets it read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from autotrader.orders import Fill

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
