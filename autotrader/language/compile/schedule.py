"""When a rule looks and how often it may act: triggers, `catch_up`, `between`, `repeat`, `max_runs`."""

from __future__ import annotations

import re
from typing import Literal, cast

from autotrader.language.compile.bench import Bench
from autotrader.language.expression import parse_windows
from autotrader.language.nodes import Path, Scalar
from autotrader.language.plan import At, Daytime, Every, MaxRuns, OnClose, Trigger
from autotrader.language.rule_file import WrittenRule
from autotrader.language.tree import Window
from autotrader.market.timeframe import TIMEFRAMES
from autotrader.text import did_you_mean
from autotrader.times import MINUTE_MS, read_days, read_zone

LEAST_EVERY_MS = 5_000
MOST_EVERY_MS = 31 * 86_400_000
_AT = re.compile(
    r"(?:(?P<monthly>monthly\s+(?P<day>[0-9]{1,2}))|(?P<days>[A-Za-z]+(?:[,-][A-Za-z]+)*))\s+"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?:\s+(?P<zone>\S+))?",
    re.ASCII,
)
_FORMS = "write `daily 09:00`, `mon,thu 09:00 JST` or `monthly 1 09:00`"


def trigger_of(bench: Bench, rule: WrittenRule, path: Path) -> Trigger | None:
    """The rule's trigger; without one it looks every minute."""
    if rule.on_close is not None:
        return _on_close(bench, rule.on_close, (*path, "on_close"))
    if rule.at is not None:
        times = [_daytime(bench, text, _item(bench, (*path, "at"), number)) for number, text in enumerate(rule.at)]
        catch_up = _catch_up(bench, rule.catch_up, (*path, "catch_up"))
        good = tuple(time for time in times if time is not None)
        return At(good, catch_up or 0) if good and catch_up is not None else None
    if rule.every is None:
        return Every(MINUTE_MS)
    period = bench.duration((*path, "every"), rule.every, least_ms=LEAST_EVERY_MS, most_ms=MOST_EVERY_MS)
    return None if period is None else Every(period)


def _item(bench: Bench, path: Path, number: int) -> Path:
    """The path of an item of something that may be written as one text or as a list."""
    return path if isinstance(bench.document.node(path), Scalar) else (*path, number)


def _on_close(bench: Bench, text: str, path: Path) -> OnClose | None:
    if text in TIMEFRAMES:
        return OnClose(text)
    guess = did_you_mean(text, TIMEFRAMES)
    hint = f"{guess} timeframes are {' '.join(TIMEFRAMES)}".strip()
    bench.report("AT212", path, f"`{text}` is not a timeframe", hint=hint)
    return None


def _daytime(bench: Bench, text: str, path: Path) -> Daytime | None:
    found = _AT.fullmatch(text.strip())
    if not found:
        bench.report("AT212", path, f"`{text}` is not a time to look at", hint=_FORMS)
        return None
    minute = int(found["hour"]) * 60 + int(found["minute"])
    if int(found["hour"]) > 23 or int(found["minute"]) > 59:
        bench.report(
            "AT212",
            path,
            f"there is no time {found['hour']}:{found['minute']}",
            hint="hours are 00 to 23, minutes 00 to 59",
        )
        return None
    zone = _zone(bench, found["zone"], path)
    if zone is None:
        return None
    if found["monthly"]:
        day = int(found["day"])
        if 1 <= day <= 31:
            return Daytime(minute, frozenset(), day, zone)
        bench.report(
            "AT212",
            path,
            f"there is no day {day} of a month",
            hint="write 1 to 31; a day that a month lacks is its last",
        )
        return None
    days = read_days(found["days"])
    if days is None:
        bench.report("AT212", path, f"`{found['days']}` names no days", hint=_FORMS)
        return None
    return Daytime(minute, days, 0, zone)


def _zone(bench: Bench, name: str | None, path: Path) -> str | None:
    try:
        return read_zone(name) if name else bench.scope.zone
    except ValueError:
        bench.report(
            "AT212", path, f"`{name}` is not a time zone", hint="write JST, UTC or an IANA name such as Europe/Berlin"
        )
        return None


def _catch_up(bench: Bench, text: str | None, path: Path) -> int | None:
    """0 for `skip`, milliseconds for `once within 6h`, None if it is wrong."""
    if text is None or text == "skip":
        return 0
    head = "once within "
    if text.startswith(head):
        return bench.duration(path, text.removeprefix(head).strip())
    bench.report("AT212", path, f"`{text}` is not allowed here", hint="write `skip` or `once within 6h`")
    return None


def windows_of(bench: Bench, texts: list[str] | None, path: Path) -> tuple[Window, ...] | None:
    """The windows of `between`; None if one is wrong."""
    result: list[Window] = []
    for number, text in enumerate(texts or []):
        item = _item(bench, path, number)
        found = bench.kept(item, parse_windows(text, bench.origin(item), bench.scope.zone))
        if found is None:
            return None
        result += found
    return tuple(result)


def repeat_of(bench: Bench, text: str | None, path: Path) -> int | None:
    """Milliseconds of `every 4h while true`."""
    if text is None:
        return None
    found = re.fullmatch(r"every\s+(\S+)\s+while\s+true", text.strip())
    if not found:
        bench.report("AT212", path, f"`{text}` is not allowed here", hint="write `every 4h while true`")
        return None
    return bench.duration(path, found[1], least_ms=LEAST_EVERY_MS)


def max_runs_of(bench: Bench, text: str | None, path: Path) -> MaxRuns | None:
    """`2 per day`, `1 per week`, `3 per month`, `5 per 6h`."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3})\s+per\s+(\S+)", text.strip(), re.ASCII)
    if not found:
        bench.report(
            "AT212",
            path,
            f"`{text}` is not allowed here",
            hint="write `2 per day`, `1 per week`, `3 per month` or `5 per 6h`",
        )
        return None
    count, window = int(found[1]), found[2]
    if window in {"day", "week", "month"}:
        return MaxRuns(count, cast('Literal["day", "week", "month"]', window))
    span = bench.duration(path, window)
    return None if span is None else MaxRuns(count, span)
