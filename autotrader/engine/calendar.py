"""When a window is open and when a scheduled time comes, by the calendar of its zone (`times`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from autotrader.language.plan import Daytime
from autotrader.language.tree import Window
from autotrader.times import DAY_MS, local, minute_ms


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


_FORTY_DAYS_MS = 40 * DAY_MS  # no entry is longer silent: a month has at most 31 days


def next_occurrence(entry: Daytime, after_ms: int) -> int:
    """The first moment of an `at` entry after a time."""
    return next(occurrences(entry, after_ms, after_ms + _FORTY_DAYS_MS))


def _falls_on(entry: Daytime, day: date) -> bool:
    if not entry.month_day:
        return day.weekday() in entry.days
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day.day == min(entry.month_day, last.day)
