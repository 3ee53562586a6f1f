"""Time zones by name: `JST`, `UTC` or an IANA name."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo

JST = timezone(timedelta(hours=9), "JST")  # Japan has had no summer time since 1951
SHORT = {"JST": "Asia/Tokyo", "UTC": "UTC"}
_KNOWN: dict[str, tzinfo] = {"Asia/Tokyo": JST, "UTC": UTC}


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name. Raises ValueError for an unknown one."""
    if name not in _KNOWN:
        from zoneinfo import ZoneInfo  # costs start-up time that JST and UTC need not pay

        try:
            _KNOWN[name] = ZoneInfo(name)
        except (KeyError, OSError, ValueError) as cause:
            raise ValueError(f"unknown time zone {name!r}") from cause
    return _KNOWN[name]
