"""Times as people write them on the command line, and "now" as a store knows it.

A store of a simulator in stepped time lives in the past: there "now" is its last cycle, not this machine's clock.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from autotrader.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from autotrader.records.store import Store

_SPANS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_FAR_MS = 3_600_000


def wall_ms() -> int:
    """This machine's clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


def lives_elsewhen(base_url: str, last_seen_ms: int | None, wall: int) -> bool:
    """Whether a store's time is not ours: the demo's, or at a simulator whose last cycle is far from our clock."""
    if base_url.startswith("simulator:"):
        return last_seen_ms is not None
    from autotrader.exchanges.binance.hosts import base_url as checked

    try:
        loopback = checked(base_url).loopback
    except Exception:  # noqa: BLE001 - an address that this version does not know is no simulator
        loopback = False
    return loopback and last_seen_ms is not None and abs(wall - last_seen_ms) > _FAR_MS


def store_now_ms(store: Store) -> int:
    """The venue's time as well as it can be told without asking the venue."""
    wall, seen = wall_ms(), store.settings.get("last_seen_ms")
    return int(seen) if lives_elsewhen(store.identity.base_url, seen, wall) else wall


def at_ms(text: str, now_ms: int, zone: str) -> int:
    """`09:00` (its last occurrence), `2026-11-22T09:00[:02]` in the zone unless it names one, or `6h` back from now.

    Raises UsageError.
    """
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    span = re.fullmatch(r"(\d{1,9})([smhdw])", text)
    if span:
        return now_ms - int(span[1]) * _SPANS[span[2]]
    here = ZoneInfo(zone)
    clock = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)
    try:
        if clock:
            now = datetime.fromtimestamp(now_ms / 1000, here)
            hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
            moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
            moment = moment if moment <= now else moment - timedelta(days=1)
        else:
            moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=here)).timestamp() * 1000)
    except (ValueError, OverflowError):
        hint = "write 09:00, 2026-11-22T09:00, or a span back from now such as 6h"
        raise UsageError(f"`{text}` is no time", hint=hint) from None


def folder_now_ms(folder: Path) -> int:
    """The same for a store's folder; this machine's clock where its records cannot be read."""
    from autotrader.errors import RecordsBroken
    from autotrader.records.store import Store

    try:
        with Store.read(folder) as store:
            return store_now_ms(store)
    except RecordsBroken:
        return wall_ms()
