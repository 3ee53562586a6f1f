"""Looks that wait while the exchange has banned us (429, 418, 403).

A slot whose candle could not be had is looked at again every 2 s. During a ban nothing can come of that, and each look
would be a row of the record. So in one ban a slot is looked at once, which says why it is unknown, and once more when
it is late enough for its rule to raise an alert or to fire on the unknown. After the ban it is looked at at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autotrader.engine.decide import ALERT_AFTER_MS
from autotrader.engine.due import Due, DueSlot
from autotrader.engine.state import StateKey

Look = tuple[int, int, bool]  # the slot, the end of the ban, whether the slot was late


class Silence:
    """Remembers which slots were looked at in which ban. Kept in memory: after a restart each is looked at anew."""

    def __init__(self) -> None:
        self._looks: dict[StateKey, Look] = {}

    def without_waiting(self, found: Due, until_ms: int | None) -> Due:
        """What is due, less the looks that wait for `until_ms`, the end of the ban; all of it where there is none."""
        if until_ms is None:
            return found
        due = (slot for slot in found.slots if not self._waits(slot, until_ms, found.now_ms))
        return replace(found, slots=tuple(due))

    def looked(self, slots: Iterable[DueSlot], until_ms: int | None, now_ms: int) -> None:
        """These were evaluated, and this is the end of the ban that is now in force."""
        if until_ms is None:
            self._looks.clear()
            return
        self._looks |= {_key(slot): _look(slot, until_ms, now_ms) for slot in slots}

    def _waits(self, slot: DueSlot, until_ms: int, now_ms: int) -> bool:
        return slot.kind == "look" and self._looks.get(_key(slot)) == _look(slot, until_ms, now_ms)


def _key(slot: DueSlot) -> StateKey:
    return StateKey(slot.rule.id, slot.rule.symbol)


def _look(slot: DueSlot, until_ms: int, now_ms: int) -> Look:
    return slot.slot_ms, until_ms, now_ms - slot.slot_ms >= ALERT_AFTER_MS
