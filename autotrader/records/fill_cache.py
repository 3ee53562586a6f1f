"""Committed fills in memory: they never change, so a cycle need not read a month of them again.

Only what is committed is kept (nothing is cached inside a transaction, which may still be rolled back). New rows are
recognised by their row number, which only grows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from autotrader.orders import Fill

Read = Callable[[int], Sequence[tuple[int, Fill]]]


def _key(fill: Fill) -> tuple[int, str, int]:
    return (fill.time_ms, fill.symbol, fill.trade_id)


class FillCache:
    """Fills by time. `read(after)` gives the (row number, fill) pairs whose row number is larger."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._last = 0
        self._fills: list[Fill] = []

    def since(self, since_ms: int, *, committed: bool) -> tuple[Fill, ...]:
        """Fills from a time on, oldest first. `committed`: whether what is read now is on disk for good."""
        fresh = self._read(self._last)
        if not fresh:
            return self._from(self._fills, since_ms)
        fills = sorted([*self._fills, *(fill for _, fill in fresh)], key=_key)
        if committed:
            self._fills, self._last = fills, max(number for number, _ in fresh)
        return self._from(fills, since_ms)

    @staticmethod
    def _from(fills: list[Fill], since_ms: int) -> tuple[Fill, ...]:
        return tuple(fills[bisect_left(fills, (since_ms,), key=lambda fill: (fill.time_ms,)) :])
