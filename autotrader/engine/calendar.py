"""Venue milliseconds and the calendar of a zone: windows of the day, scheduled times, starts of day, week and month.

The zone's rules come from `zoneinfo`. A local time that a clock change skips happens at the moment of the change's
far side (02:30 becomes 03:30); a local time that comes twice means the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from autotrader.language.plan import Daytime
from autotrader.language.tree import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ZoneInfoNotFoundError (a KeyError) for an unknown one."""
    return ZoneInfo(name)


def local(at_ms: int, zone_name: str) -> datetime:
    """The moment in a zone."""
    return (_EPOCH + at_ms * _MS).astimezone(zone(zone_name))


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware moment."""
    return (moment - _EPOCH) // _MS


def midnight_ms(day: date, zone_name: str) -> int:
    """When a day begins in a zone."""
    return minute_ms(day, 0, zone_name)


def minute_ms(day: date, minute: int, zone_name: str) -> int:
    """When a minute of a local day comes."""
    wall = datetime.combine(day, time(), tzinfo=zone(zone_name)) + timedelta(minutes=minute)
    return to_ms(wall.astimezone(UTC))


def start_of(window: str, at_ms: int, zone_name: str) -> int:
    """Start of the `day`, `week` (Monday) or `month` in which a moment lies, in a zone."""
    today = local(at_ms, zone_name).date()
    if window == "week":
        today -= timedelta(days=today.weekday())
    elif window == "month":
        today = today.replace(day=1)
    return midnight_ms(today, zone_name)


def in_window(window: Window, at_ms: int) -> bool:
    """Whether a moment lies in a time window. One past midnight belongs to the day on which it starts."""
    now = local(at_ms, window.zone)
    minute, weekday = now.hour * 60 + now.minute, now.weekday()
    if window.start_minute < window.end_minute:
        return weekday in window.days and window.start_minute <= minute < window.end_minute
    if minute >= window.start_minute:
        return weekday in window.days
    return minute < window.end_minute and (weekday - 1) % 7 in window.days


def in_windows(windows: Iterable[Window], at_ms: int) -> bool:
    """Whether a moment lies in one of the windows."""
    return any(in_window(window, at_ms) for window in windows)


def occurrences(entry: Daytime, after_ms: int, until_ms: int) -> Iterator[int]:
    """The moments of one `at` entry in (after, until], oldest first."""
    day = local(after_ms, entry.zone).date() - timedelta(days=1)
    last = local(until_ms, entry.zone).date()
    while day <= last:
        if _falls_on(entry, day):
            moment = minute_ms(day, entry.minute, entry.zone)
            if after_ms < moment <= until_ms:
                yield moment
        day += timedelta(days=1)


_FORTY_DAYS_MS = 40 * 86_400_000  # no entry is longer silent: a month has at most 31 days


def next_occurrence(entry: Daytime, after_ms: int) -> int:
    """The first moment of an `at` entry after a time."""
    return next(occurrences(entry, after_ms, after_ms + _FORTY_DAYS_MS))


def _falls_on(entry: Daytime, day: date) -> bool:
    if not entry.month_day:
        return day.weekday() in entry.days
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day.day == min(entry.month_day, last.day)
