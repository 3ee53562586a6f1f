"""Opening the records for looking: which store a reading command means. Works while the service runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from autotrader.cli._folders import folders
from autotrader.cli._written import account_file, written
from autotrader.errors import ConfigError, RecordsBroken, UsageError
from autotrader.exchanges.address import is_loopback
from autotrader.market.exchanges import DEFAULT, EXCHANGES
from autotrader.records.places import stores_in
from autotrader.records.store import Store
from autotrader.service.control import one_store
from autotrader.times import HOUR_MS, read_moment

ZONE = "Asia/Tokyo"
_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def open_for_reading(state: Path | None) -> Store:
    """The store that is meant (see `meant`). Raises RecordsBroken where there is none, UsageError for several."""
    place = folders(state).state
    if not stores_in(place):
        raise RecordsBroken(f"there are no records in {place}", hint="`autotrader run` makes them; or give --state DIR")
    return Store.read(meant(place))


def meant(place: Path) -> Path:
    """The store at or below a folder that a command means: the only one, the running one, or the account file's.

    Raises UsageError.
    """
    return one_store(place, _account_world())


def _account_world() -> tuple[str, str] | None:
    """Mode and address of the account file here, None where there is none that can be read."""
    try:
        file = account_file(None)
        values = {} if file is None else written(file)
    except ConfigError:
        return None
    if not values:
        return None
    mode = "live" if "mode" in values and values["mode"].text == "live" else "dry-run"
    if "exchange.base_url" in values:
        return mode, values["exchange.base_url"].text
    name = values["exchange.name"].text if "exchange.name" in values else DEFAULT
    return mode, EXCHANGES[name if name in EXCHANGES else DEFAULT].address


def since_ms(text: str | None, now: datetime | None = None) -> int:
    """`2026-11-01`, `2026-11-01T09:00` (in the account's zone unless it names one) or `7d`, `12h`: UTC milliseconds.

    None is the beginning. Raises UsageError.
    """
    if text is None:
        return 0
    count, unit = text[:-1], text[-1:]
    if count.isascii() and count.isdigit() and unit in _SPANS:
        moment = (now or datetime.now(UTC)) - timedelta(**{_SPANS[unit]: int(count)})
        return int(moment.timestamp() * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"`{text}` is no time", hint="write 2026-11-01, 2026-11-01T09:00, or a span back from now such as 7d or 12h"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(ZONE))).timestamp() * 1000)


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
