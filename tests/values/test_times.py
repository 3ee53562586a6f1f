"""Spans, days, zones and moments: what is written is read back as the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.language.expression.plainly import duration_ms
from autotrader.times import (
    EVERY_DAY,
    age_text,
    clock_text,
    day_range,
    days_text,
    iso_utc,
    minute_text,
    read_days,
    read_moment,
    read_zone,
    span_text,
    time_text,
    time_with_utc,
    zone_text,
)

NINE = 1_795_305_600_000  # 2026-11-22 09:00 in Tokyo


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0, "0s"), (250, "250ms"), (15_000, "15s"), (1_500, "1s500ms"), (540_000, "9m"), (7_200_000, "2h"),
        (5_430_000, "1h30m30s"), (93_784_000, "1d2h3m4s"), (-5_000, "-5s"),
    ],
)  # fmt: skip
def test_a_span_has_one_text(span: int, text: str) -> None:
    """As rules write it, with nothing left out and nothing added."""
    assert span_text(span) == text


@given(st.integers(1, 3_000 * 86_400_000))
def test_a_span_is_read_as_it_was_written(span: int) -> None:
    """Its text, as a duration of a rule, is that span."""
    assert duration_ms(span_text(span), 0) == span


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0, "0s"), (340, "340ms"), (1_000, "1s"), (1_099, "1s"), (12_345, "12.3s"), (59_999, "59.9s"),
        (60_999, "1m"), (22_325_900, "6h12m5s"), (273_600_000, "3d4h"), (-12_345, "-12.3s"),
    ],
)  # fmt: skip
def test_a_measured_span_is_cut_to_what_is_known_of_it(span: int, text: str) -> None:
    """Tenths of a second below a minute, whole seconds above, rounded down."""
    assert age_text(span) == text


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_are_read_as_they_were_written(days: frozenset[int]) -> None:
    """Any set of days, as its text."""
    assert read_days(days_text(days)) == days


def test_days_of_the_week() -> None:
    """Ranges may pass Sunday; what names no days is None."""
    assert [days_text(EVERY_DAY), days_text(frozenset(range(5))), days_text(frozenset({0, 3}))] == [
        "daily", "mon-fri", "mon,thu",
    ]  # fmt: skip
    assert read_days("sat-mon") == day_range(5, 0) == {5, 6, 0}
    assert [read_days(text) for text in ("", "mo", "mon-", "mon,", "Mon", "mon-xyz")] == [
        None,
        None,
        {0},
        None,
        None,
        None,
    ]


def test_minutes_of_the_day() -> None:
    """The end of the day is 24:00, its beginning 00:00."""
    assert [minute_text(minute) for minute in (0, 545, 1440)] == ["00:00", "09:05", "24:00"]


def test_zones_by_name() -> None:
    """JST and UTC are short for their IANA names; an unknown name is an error."""
    assert [read_zone(name) for name in ("JST", "UTC", "Europe/Berlin")] == ["Asia/Tokyo", "UTC", "Europe/Berlin"]
    assert [zone_text(name) for name in ("Asia/Tokyo", "Europe/Berlin")] == ["JST", "Europe/Berlin"]
    for wrong in ("Moon/Base", "", "../x", "europe"):
        with pytest.raises(ValueError, match="unknown time zone"):
            read_zone(wrong)


def test_times_show_the_zone_and_utc() -> None:
    """Midnight UTC is shown as nine o'clock in Japan, with UTC beside it, dated where the day differs."""
    assert time_with_utc(NINE) == "2026-11-22 09:00:00 JST (00:00:00 UTC)"
    assert time_with_utc(NINE - 3_600_000) == "2026-11-22 08:00:00 JST (2026-11-21 23:00:00 UTC)"
    assert time_with_utc(NINE, "UTC") == "2026-11-22 00:00:00 UTC"
    assert iso_utc(NINE + 123) == "2026-11-22T00:00:00.123Z"
    assert clock_text(NINE + 2_000) == "09:00:02 JST"
    assert time_text(NINE + 7, millis=True) == "2026-11-22 09:00:00.007 JST"


def test_moments_as_a_person_writes_them() -> None:
    """A time of day is its last occurrence, a span counts back, and a date is in the zone unless it names one."""
    zone, hour = "Asia/Tokyo", 3_600_000
    assert read_moment("09:00", NINE, zone) == NINE
    assert read_moment("09:00:01", NINE, zone) == NINE + 1_000 - 24 * hour
    assert read_moment("6h", NINE, zone) == NINE - 6 * hour
    assert read_moment("2026-11-22T09:00", 0, zone) == NINE
    assert read_moment("2026-11-22T00:00:00Z", 0, zone) == NINE
    for wrong in ("25:00", "9", "yesterday", "09:60", "9999999999d", ""):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are datetime's or ours, and the caller says its own
            read_moment(wrong, NINE, zone)
