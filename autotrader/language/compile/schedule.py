"""When a rule looks and how often it may act: triggers, `catch_up`, `between`, `repeat`, `max_runs`."""

from __future__ import annotations

import re
from typing import Literal, cast

from autotrader.language.compiler import Compiler
from autotrader.language.expression import parse_windows
from autotrader.language.nodes import origin_of
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


def trigger_of(at: Compiler, rule: WrittenRule) -> Trigger | None:
    """The rule's trigger; without one it looks every minute."""
    if rule.on_close is not None:
        return _on_close(at, rule.on_close)
    if rule.at is not None:
        times = [_daytime(at, text) for text in rule.at]
        catch_up = _catch_up(at, rule.catch_up)
        good = tuple(time for time in times if time is not None)
        return At(good, catch_up or 0) if good and catch_up is not None else None
    if rule.every is None:
        return Every(MINUTE_MS)
    period = at.duration(rule.every, least_ms=LEAST_EVERY_MS, most_ms=MOST_EVERY_MS)
    return None if period is None else Every(period)


def _on_close(at: Compiler, text: str) -> OnClose | None:
    if text in TIMEFRAMES:
        return OnClose(str(text))
    guess = did_you_mean(text, TIMEFRAMES)
    hint = f"{guess} timeframes are {' '.join(TIMEFRAMES)}".strip()
    at.fault(text, "AT212", f"`{text}` is not a timeframe", hint)
    return None


def _daytime(at: Compiler, text: str) -> Daytime | None:
    found = _AT.fullmatch(text.strip())
    if not found:
        at.fault(text, "AT212", f"`{text}` is not a time to look at", _FORMS)
        return None
    if int(found["hour"]) > 23 or int(found["minute"]) > 59:
        message = f"there is no time {found['hour']}:{found['minute']}"
        at.fault(text, "AT212", message, "hours are 00 to 23, minutes 00 to 59")
        return None
    minute, zone = int(found["hour"]) * 60 + int(found["minute"]), _zone(at, found["zone"], text)
    if zone is None:
        return None
    if found["monthly"]:
        day = int(found["day"])
        if 1 <= day <= 31:
            return Daytime(minute, frozenset(), day, zone)
        hint = "write 1 to 31; a day that a month lacks is its last"
        at.fault(text, "AT212", f"there is no day {day} of a month", hint)
        return None
    days = read_days(found["days"])
    if days is None:
        at.fault(text, "AT212", f"`{found['days']}` names no days", _FORMS)
        return None
    return Daytime(minute, days, 0, zone)


def _zone(at: Compiler, name: str | None, text: str) -> str | None:
    try:
        return read_zone(name) if name else at.scope.zone
    except ValueError:
        hint = "write JST, UTC or an IANA name such as Europe/Berlin"
        at.fault(text, "AT212", f"`{name}` is not a time zone", hint)
        return None


def _catch_up(at: Compiler, text: str | None) -> int | None:
    """0 for `skip`, milliseconds for `once within 6h`, None if it is wrong."""
    if text is None or text == "skip":
        return 0
    head = "once within "
    if text.startswith(head):
        return at.duration(text, of=text.removeprefix(head).strip())
    at.fault(text, "AT212", f"`{text}` is not allowed here", "write `skip` or `once within 6h`")
    return None


def windows_of(at: Compiler, texts: list[str] | None) -> tuple[Window, ...] | None:
    """The windows of `between`; None if one is wrong."""
    result: list[Window] = []
    for text in texts or []:
        found = at.kept(text, parse_windows(text, origin_of(text), at.scope.zone))
        if found is None:
            return None
        result += found
    return tuple(result)


def repeat_of(at: Compiler, text: str | None) -> int | None:
    """Milliseconds of `every 4h while true`."""
    if text is None:
        return None
    found = re.fullmatch(r"every\s+(\S+)\s+while\s+true", text.strip())
    if not found:
        at.fault(text, "AT212", f"`{text}` is not allowed here", "write `every 4h while true`")
        return None
    return at.duration(text, least_ms=LEAST_EVERY_MS, of=found[1])


def max_runs_of(at: Compiler, text: str | None) -> MaxRuns | None:
    """`2 per day`, `1 per week`, `3 per month`, `5 per 6h`."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3})\s+per\s+(\S+)", text.strip(), re.ASCII)
    if not found:
        hint = "write `2 per day`, `1 per week`, `3 per month` or `5 per 6h`"
        at.fault(text, "AT212", f"`{text}` is not allowed here", hint)
        return None
    count, window = int(found[1]), found[2]
    if window in {"day", "week", "month"}:
        return MaxRuns(count, cast('Literal["day", "week", "month"]', window))
    span = at.duration(text, of=window)
    return None if span is None else MaxRuns(count, span)
