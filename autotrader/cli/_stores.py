"""Opening the records for looking: which store a reading command means. Works while the service runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from autotrader.errors import RecordsBroken, UsageError

if TYPE_CHECKING:
    from autotrader.records.store import Store

ZONE = "Asia/Tokyo"
_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def open_for_reading(state: Path | None) -> Store:
    """The one store at or below the state folder. Raises RecordsBroken where there is none, UsageError for several."""
    from autotrader.cli._folders import folders
    from autotrader.records.places import stores_in
    from autotrader.records.store import Store

    place = folders(state).state
    found = stores_in(place)
    if not found:
        raise RecordsBroken(f"there are no records in {place}", hint="`autotrader run` makes them; or give --state DIR")
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise UsageError(
            f"{place} holds {len(found)} stores: {names}", hint=f"name one: --state {place / found[0].name}"
        )
    return Store.read(found[0])


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
