"""The day's loss, watched between decisions.

A cycle that may place sees fresh books of everything that was traded today, and judges the loss by them. Where no such
cycle comes, the market may still fall under what was bought. So while there are trades of today and a limit on their
loss, their best prices are asked for every 30 s (one request, of weight 4 at most) and the loss is judged by them.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from autotrader.engine.halt import HaltLevel
from autotrader.engine.limits import review_needs
from autotrader.market.needs import BookNeed, MarketNeed
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Sources
from autotrader.trading.parts import Parts

EVERY_MS = 30_000
ANSWER_SECONDS = 8.0


class LossWatch:
    """Judges the day's loss where no cycle has done so for a while. `sources` are those of a snapshot, as of now."""

    def __init__(self, parts: Parts, sources: Callable[[Snapshot], Sources]) -> None:
        self._parts = parts
        self._sources = sources
        self._zone = ZoneInfo(parts.plan.settings.timezone)
        self._judged_ms: int | None = None

    def judged(self, now_ms: int) -> None:
        """A cycle has judged it, on books of everything that was traded today."""
        self._judged_ms = now_ms

    def look(self, now_ms: int) -> None:
        """Halt where the loss has reached its limit; does nothing before it is time."""
        if not self._is_due(now_ms):
            return
        self._judged_ms = now_ms
        record = self._parts.store.own_record(now_ms, self._zone)
        needs = review_needs((), record, self._parts.plan.settings, now_ms)
        books: frozenset[MarketNeed] = frozenset(need for need in needs if isinstance(need, BookNeed))
        if books:
            deadline = self._parts.clock.monotonic() + ANSWER_SECONDS
            self._parts.gate.trip(self._sources(self._parts.market.observe(books, deadline)))

    def _is_due(self, now_ms: int) -> bool:
        if not self._parts.plan.settings.limits.loss_per_day:
            return False
        if self._judged_ms is not None and 0 <= now_ms - self._judged_ms < EVERY_MS:
            return False
        halt = self._parts.store.halt_made()
        return halt is None or halt.level is HaltLevel.REDUCE_ONLY
