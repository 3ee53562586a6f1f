"""Durations as plain milliseconds, with what is wrong about one."""

from __future__ import annotations

import re
from decimal import Decimal

from autotrader.language.expression.syntax import Fault
from autotrader.money import parse_decimal
from autotrader.times import DAY_MS, UNIT_MS

_DURATION_PART = re.compile(r"([0-9_]+(?:\.[0-9]+)?)(ms|[smhdwM])", re.ASCII)
_SPELLED = re.compile(  # a bare `M` is a month and stands for nothing here
    r"([0-9]+) ?((?i:secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)|[smhdwSHDW])", re.ASCII
)
MAX_DURATION_MS = 3_660 * DAY_MS


def is_code(text: str, least: int, most: int) -> bool:
    """Whether a word has the form of an asset's or symbol's code: capitals and digits, not digits alone."""
    return least <= len(text) <= most and text.isascii() and text.isalnum() and text.isupper()


def spelled_duration(text: str) -> str:
    """The hint for `12 hours`, `5 min` or `1day`: the same in the short form; "" for anything else."""
    found = _SPELLED.fullmatch(text.strip())
    return f"write `{found[1]}{found[2][0].lower()}`" if found else ""


def duration_ms(text: str, start: int) -> int:
    """Milliseconds of a duration such as `2m30s`. Raises Fault."""
    total = Decimal(0)
    sizes: list[int] = []
    for number, unit in _DURATION_PART.findall(text):
        if unit == "M":
            raise Fault(
                "AT123",
                start,
                len(text),
                f"`{text}` is a month, which has no fixed length",
                f"write `{text.replace('M', 'm')}` for minutes or `30d` for days",
            )
        try:
            total += parse_decimal(number) * UNIT_MS[unit]
        except ValueError:
            raise Fault(
                "AT103", start, len(text), f"`{text}` is not a plain duration", "write `5m`, `1h30m` or `90s`"
            ) from None
        sizes.append(UNIT_MS[unit])
    if sizes != sorted(set(sizes), reverse=True):
        raise Fault(
            "AT123",
            start,
            len(text),
            f"`{text}` names its units twice or in the wrong order",
            "write `1h30m`, large units first",
        )
    if total != int(total) or total > MAX_DURATION_MS:
        raise Fault(
            "AT123", start, len(text), f"`{text}` is out of range", "durations are whole milliseconds up to ten years"
        )
    return int(total)
