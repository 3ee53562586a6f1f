"""Figures for people: times in the account's zone with UTC beside, yen, percent, durations and ages.

Formatting only; nothing here reads a clock. Times are UTC milliseconds, money is Decimal.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def local(ms: int, zone: str = "Asia/Tokyo") -> datetime:
    """A venue time as a datetime of the zone."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
    return moment.astimezone(ZoneInfo(zone))


def time_of(ms: int, zone: str = "Asia/Tokyo", *, millis: bool = False) -> str:
    """`2026-11-22 09:00:02 JST`; with milliseconds if asked."""
    moment = local(ms, zone)
    fraction = f".{ms % 1000:03d}" if millis else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment:%Z}"


def time_with_utc(ms: int, zone: str = "Asia/Tokyo") -> str:
    """`2026-11-22 09:00:02 JST (00:00:02 UTC)`; the UTC date is shown where it is another one."""
    moment, utc = local(ms, zone), local(ms, "UTC")
    beside = f"{utc:%H:%M:%S}" if utc.date() == moment.date() else f"{utc:%Y-%m-%d %H:%M:%S}"
    return time_of(ms, zone) if zone == "UTC" else f"{time_of(ms, zone)} ({beside} UTC)"


def clock_time(ms: int, zone: str = "Asia/Tokyo") -> str:
    """`09:00:02 JST`: where the day is plain."""
    moment = local(ms, zone)
    return f"{moment:%H:%M:%S} {moment:%Z}"


def iso_utc(ms: int) -> str:
    """`2026-11-22T00:00:02.123Z`: for machines."""
    return f"{local(ms, 'UTC'):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def counted(number: int, thing: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def money(value: Decimal, asset: str) -> str:
    """`¥15,204,110` for JPY (decimals only below one yen), `0.00032 BTC` for others: how much."""
    from autotrader.money import grouped

    if asset != "JPY":
        return f"{grouped(value)} {asset}"
    text = grouped(value, 0) if abs(value) >= 1 or value == 0 else grouped(value, 4)
    return f"-¥{text[1:]}" if text.startswith("-") else f"¥{text}"


def price(value: Decimal, quote: str) -> str:
    """`¥15,204,110`, `¥350.123`, `0.05 BTC`: a price, with all the digits that it has."""
    from autotrader.money import grouped

    return f"¥{grouped(value)}" if quote == "JPY" else f"{grouped(value)} {quote}"


def gain(value: Decimal, asset: str) -> str:
    """`+¥312`, `-¥80`, `±¥0`."""
    sign = "+" if value > 0 else "±" if value == 0 else ""
    return sign + money(value, asset)


def percent(value: Decimal, places: int = 2, *, sign: bool = False) -> str:
    """`-2.71%` of a figure in percentage points."""
    from autotrader.money import grouped

    return f"{'+' if sign and value > 0 else ''}{grouped(value, places)}%"


def span(ms: int) -> str:
    """`340 ms`, `6 h 12 m`, `3 d 4 h`: the two largest units."""
    if abs(ms) < 1_000:
        return f"{ms} ms"
    left = abs(ms) // 1000
    parts: list[tuple[int, str]] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append((count, unit))
    shown = [f"{count} {unit}" for count, unit in parts[:2] if count]
    return ("-" if ms < 0 else "") + " ".join(shown)


def age(ms: int) -> str:
    """`0.4 s old`, `6 h 12 m old`."""
    return f"{ms / 1000:.1f} s old" if 0 <= ms < 60_000 else f"{span(ms)} old"
