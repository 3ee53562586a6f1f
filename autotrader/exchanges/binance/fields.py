"""Reading one JSON object of a reply field by field: of the right type, sensible, or a `BadReply` that names it.

Decimal strings become Decimal at once; exponents, full-width digits, NaN and bare JSON numbers are refused there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from autotrader.errors import ExchangeUnavailable

DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
EARLIEST_MS: Final = 1_483_228_800_000  # 2017-01-01, before which the venue had no time
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01
MOST_INTEGER: Final = 2**63 - 1  # ids are the venue's 64 bit numbers, and records keep no larger ones


class BadReply(ExchangeUnavailable):
    """A reply that came whole but cannot be believed: a field is missing or makes no sense."""


class Fields:
    """Reads one JSON object field by field; `what` names it in errors. All methods raise BadReply."""

    __slots__ = ("_data", "_what")

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, dict):
            raise BadReply(f"{what}: not a JSON object")
        self._data = data
        self._what = what

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return name in self._data

    def bad(self, name: str, why: str) -> BadReply:
        """The error for a field."""
        return BadReply(f"{self._what}: field {name} {why}")

    def decimal(self, name: str) -> Decimal:
        """Any decimal string."""
        value = self._data.get(name)
        if not isinstance(value, str) or not DECIMAL.fullmatch(value):
            raise self.bad(name, "is missing" if value is None else "is not a decimal number in quotes")
        return Decimal(value)

    def amount(self, name: str) -> Decimal:
        """A decimal string of at least 0."""
        value = self.decimal(name)
        if value < 0:
            raise self.bad(name, "is negative")
        return value

    def price(self, name: str) -> Decimal:
        """A decimal string above 0."""
        value = self.decimal(name)
        if value <= 0:
            raise self.bad(name, "is not above 0")
        return value

    def integer(self, name: str, least: int | None = None) -> int:
        """A JSON integer."""
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.bad(name, "is missing" if value is None else "is not a whole number")
        if least is not None and value < least:
            raise self.bad(name, f"is below {least}")
        if value > MOST_INTEGER:
            raise self.bad(name, "is larger than any number of the exchange")
        return value

    def time(self, name: str) -> int:
        """Milliseconds UTC, between 1970 and 2100 (old sample replies carry small ones)."""
        value = self.integer(name, 0)
        if value > LATEST_MS:
            raise self.bad(name, "is not a time in milliseconds")
        return value

    def text(self, name: str) -> str:
        """A string that is not empty."""
        value = self._data.get(name)
        if not isinstance(value, str) or not value:
            raise self.bad(name, "is missing" if value is None else "is not a text")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001 - a default value, not a switch
        """A JSON boolean; `default` where it may be left out."""
        value = self._data.get(name, default)
        if not isinstance(value, bool):
            raise self.bad(name, "is missing or neither true nor false")
        return value

    def items(self, name: str) -> list[Any]:
        """A JSON array."""
        value = self._data.get(name)
        if not isinstance(value, list):
            raise self.bad(name, "is missing or not a list")
        return value

    def inner(self, name: str) -> Fields:
        """An object in this object."""
        return Fields(self._data.get(name), f"{self._what}.{name}")

    def symbol(self, asked: str | None) -> str:
        """The symbol; it must be the one that was asked for, if one was."""
        found = self.text("symbol")
        if asked is not None and found != asked:
            raise BadReply(f"{self._what}: the reply is about another symbol than {asked}")
        return found


def rows(data: Any, what: str) -> list[Any]:
    """A reply that must be a JSON array. Raises BadReply."""
    if not isinstance(data, list):
        raise BadReply(f"{what}: not a list")
    return data


def by_symbol(data: Any, asked: Sequence[str], what: str) -> dict[str, dict[str, Any]]:
    """Objects of a list by their symbol, in no order (exchange-facts §2.0); one that was not asked for, or stands
    twice, is refused. One that is absent stays absent.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows(data, what):
        symbol = Fields(row, what).text("symbol")
        if symbol not in asked or symbol in found:
            raise BadReply(f"{what}: a symbol stands twice or was not asked for")
        found[symbol] = row
    return found
