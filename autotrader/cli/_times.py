"""Times as people write them on the command line, and "now" as a store knows it.

A store of a simulator in stepped time lives in the past: there "now" is its last cycle, not this machine's clock.
"""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

from autotrader.errors import RecordsBroken, UsageError
from autotrader.exchanges.address import is_loopback
from autotrader.records.store import Store
from autotrader.times import HOUR_MS, read_moment

_FAR_MS = HOUR_MS


def wall_ms() -> int:
    """This machine's clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


def lives_elsewhen(base_url: str, last_seen_ms: int | None, wall: int) -> bool:
    """Whether a store's time is not ours: the demo's, or at a simulator whose last cycle is far from our clock."""
    if base_url.startswith("simulator:"):
        return last_seen_ms is not None

    try:
        loopback = is_loopback(urlsplit(base_url).hostname or "")
    except ValueError:
        loopback = False  # an address that is none is no simulator's
    return loopback and last_seen_ms is not None and abs(wall - last_seen_ms) > _FAR_MS


def store_now_ms(store: Store) -> int:
    """The venue's time as well as it can be told without asking the venue."""
    wall, seen = wall_ms(), store.settings.get("last_seen_ms")
    return int(seen) if lives_elsewhen(store.identity.base_url, seen, wall) else wall


def at_ms(text: str, now_ms: int, zone: str) -> int:
    """`09:00` (its last occurrence), `2026-11-22T09:00[:02]` in the zone unless it names one, or `6h` back from now.

    Raises UsageError.
    """
    try:
        return read_moment(text, now_ms, zone)
    except ValueError:
        hint = "write 09:00, 2026-11-22T09:00, or a span back from now such as 6h"
        raise UsageError(f"`{text}` is no time", hint=hint) from None


def folder_now_ms(folder: Path) -> int:
    """The same for a store's folder; this machine's clock where its records cannot be read."""

    try:
        with Store.read(folder) as store:
            return store_now_ms(store)
    except RecordsBroken:
        return wall_ms()
