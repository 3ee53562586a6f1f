"""Time as people write and read it: spans, times of day, days of the week, zones, and the calendar of a zone.

Moments and spans are whole milliseconds (moments since 1970 in UTC). What is written here is read here. A span has one
text, in the form in which rules are written and with nothing left out: 5,430,000 ms is `1h30m30s`. What was measured
(an age, how long something runs) is first cut to what can be known of it (`age_text`).

Rules of a zone come from `zoneinfo`. A local time that a clock change skips happens at the moment of the change's far
side (02:30 becomes 03:30); a local time that comes twice means the first. Pure: nothing here reads a clock.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
UNIT_MS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of the week by number, 0 = Monday."""
EVERY_DAY = frozenset(range(7))

TOKYO = "Asia/Tokyo"
_SHORT_ZONES = {"JST": TOKYO, "UTC": "UTC"}
JST = timezone(timedelta(hours=9), "JST")  # Japan has had no summer time since 1951
_ZONES: dict[str, tzinfo] = {TOKYO: JST, "UTC": UTC}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


# ---------------------------------------------------------------------------------------------------- spans
def span_text(span_ms: int) -> str:
    """A span with nothing left out: `1h30m30s`, `250ms`, `1d`, `0s`. Weeks are seven days."""
    if span_ms < 0:
        return "-" + span_text(-span_ms)
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, span_ms = divmod(span_ms, UNIT_MS[unit])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def age_text(span_ms: int) -> str:
    """A measured span: `340ms`, `12.3s`, `6h12m5s`: tenths below a minute, then whole seconds (rounded down)."""
    if span_ms < 0:
        return "-" + age_text(-span_ms)
    if SECOND_MS <= span_ms < MINUTE_MS and span_ms % SECOND_MS >= 100:
        return f"{span_ms // SECOND_MS}.{span_ms % SECOND_MS // 100}s"
    return span_text(span_ms if span_ms < SECOND_MS else span_ms // SECOND_MS * SECOND_MS)


# ---------------------------------------------------------------------------------------------------- times and days
def minute_text(minute: int) -> str:
    """A minute of the day: `09:05`; the end of the day, 1440, is `24:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def day_number(text: str) -> int | None:
    """The number of `mon` … `sun`, 0 = Monday; None for anything else."""
    lowered = text.lower()
    return DAYS.index(lowered) if lowered in DAYS else None


def day_range(first: int, last: int) -> frozenset[int]:
    """The days from one to another, which may pass Sunday."""
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def read_days(text: str) -> frozenset[int] | None:
    """The days of `daily`, `mon`, `mon,thu`, `mon-fri`; None where something else is written."""
    if text == "daily":
        return EVERY_DAY
    days: frozenset[int] = frozenset()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            return None
        days |= day_range(DAYS.index(first), DAYS.index(last or first))
    return days


def days_text(days: frozenset[int]) -> str:
    """Days as they are written: `daily`, `mon-fri`, `sat`, `mon,thu`."""
    if days == EVERY_DAY:
        return "daily"
    listed = sorted(days)
    if len(listed) > 2 and listed[-1] - listed[0] == len(listed) - 1:
        return f"{DAYS[listed[0]]}-{DAYS[listed[-1]]}"
    return ",".join(DAYS[day] for day in listed)


# ---------------------------------------------------------------------------------------------------- zones
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name. Raises ValueError for an unknown one."""
    if name not in _ZONES:
        from zoneinfo import ZoneInfo  # costs start-up time that JST and UTC need not pay

        try:
            _ZONES[name] = ZoneInfo(name)
        except (KeyError, OSError, ValueError) as cause:
            raise ValueError(f"unknown time zone {name!r}") from cause
    return _ZONES[name]


def read_zone(text: str) -> str:
    """The IANA name of `JST`, `UTC` or an IANA name. Raises ValueError for an unknown one."""
    name = _SHORT_ZONES.get(text, text)
    zone_of(name)
    return name


def zone_text(name: str) -> str:
    """A zone as it is written, the short way where there is one: `JST`."""
    return next((short for short, known in _SHORT_ZONES.items() if known == name), name)


# ---------------------------------------------------------------------------------------------------- calendar
def local(at_ms: int, zone: str) -> datetime:
    """The moment in a zone."""
    return (_EPOCH + at_ms * _MS).astimezone(zone_of(zone))


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware moment."""
    return (moment - _EPOCH) // _MS


def minute_ms(day: date, minute: int, zone: str) -> int:
    """When a minute of a local day comes."""
    wall = datetime.combine(day, time(), tzinfo=zone_of(zone)) + timedelta(minutes=minute)
    return to_ms(wall.astimezone(UTC))


def start_of(window: str, at_ms: int, zone: str) -> int:
    """Start of the `day`, `week` (Monday) or `month` in which a moment lies, in a zone."""
    today = local(at_ms, zone).date()
    if window == "week":
        today -= timedelta(days=today.weekday())
    elif window == "month":
        today = today.replace(day=1)
    return minute_ms(today, 0, zone)


# ---------------------------------------------------------------------------------------------------- moments
def time_text(at_ms: int, zone: str = TOKYO, *, millis: bool = False) -> str:
    """`2026-11-22 09:00:02 JST`; with milliseconds if asked."""
    moment = local(at_ms, zone)
    fraction = f".{at_ms % 1000:03d}" if millis else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment:%Z}"


def time_with_utc(at_ms: int, zone: str = TOKYO) -> str:
    """`2026-11-22 09:00:02 JST (00:00:02 UTC)`; the UTC date is shown where it is another one."""
    moment, utc = local(at_ms, zone), local(at_ms, "UTC")
    beside = f"{utc:%H:%M:%S}" if utc.date() == moment.date() else f"{utc:%Y-%m-%d %H:%M:%S}"
    return time_text(at_ms, zone) if zone == "UTC" else f"{time_text(at_ms, zone)} ({beside} UTC)"


def clock_text(at_ms: int, zone: str = TOKYO) -> str:
    """`09:00:02 JST`: where the day is plain."""
    return f"{local(at_ms, zone):%H:%M:%S %Z}"


def iso_utc(at_ms: int) -> str:
    """`2026-11-22T00:00:02.123Z`: for machines."""
    return f"{local(at_ms, 'UTC'):%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def read_moment(text: str, now_ms: int, zone: str) -> int:
    """`09:00` (its last occurrence), `2026-11-22T09:00[:02]` in the zone unless it names one, or `6h` back from now.

    Raises ValueError.
    """
    span = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if span:
        return now_ms - int(span[1]) * UNIT_MS[span[2]]
    clock = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", text)
    if not clock:
        moment = datetime.fromisoformat(text)
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone)))
    now = local(now_ms, zone)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return to_ms(moment if moment <= now else moment - timedelta(days=1))
