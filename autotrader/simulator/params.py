"""Request parameters: splitting the received bytes, and one checker per kind of value.

Strategy: a route names its parameters and their kinds in a table; a kind is a
function from the text to the value which raises the venue's error. Nothing is
defaulted here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

from autotrader.simulator.candles import INTERVALS
from autotrader.simulator.errors import ApiError, empty, illegal, missing, not_valid

Kind = Callable[[str, str], Any]

SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
SYMBOLS = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
LONG = r"^[0-9]{1,20}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
ZONE = r"^[+-]?([0-9]{1,2})(:[0-5][0-9])?$"
MAX_LONG = 2**63 - 1
SIGNED = ("timestamp", "recvWindow", "signature")

_PATTERNS = {text: re.compile(text) for text in (SYMBOL, SYMBOLS, DECIMAL, LONG, CLIENT_ID, ZONE)}


def _match(name: str, text: str, pattern: str) -> str:
    if not _PATTERNS[pattern].match(text) or text.endswith("\n"):
        raise illegal(name, pattern)
    return text


def symbol(name: str, text: str) -> str:
    """A symbol's name. Letters outside ASCII are legal since 2025-12."""
    return text if not text.isascii() and len(text) <= 20 else _match(name, text, SYMBOL)


def symbols(name: str, text: str) -> tuple[str, ...]:
    """A JSON list of symbols without spaces."""
    _match(name, text, SYMBOLS)
    found: list[str] = json.loads(text)
    if len(found) > 100:
        raise ApiError(-1101, f"Too many values sent for parameter '{name}', maximum allowed up to 100.")
    if len(set(found)) < len(found):
        raise ApiError(-1151, "Symbol is present multiple times in the list.")
    return tuple(found)


def decimal(name: str, text: str) -> Decimal:
    """A decimal without sign, exponent or separators."""
    return Decimal(_match(name, text, DECIMAL))


def long(name: str, text: str) -> int:
    """A whole number that fits 64 bits."""
    value = int(_match(name, text, LONG))
    if value > MAX_LONG:
        raise ApiError(-1108, f"Parameter '{name}' overflowed.")
    return value


def positive(name: str, text: str) -> int:
    """A whole number above zero."""
    value = long(name, text)
    if value < 1:
        raise not_valid(name)
    return value


def time(name: str, text: str) -> int:
    """A time in ms or µs since 1970; ms are returned."""
    value = long(name, text)
    return value // 1000 if value >= 10**14 else value


def client_id(name: str, text: str) -> str:
    """A client order id."""
    return _match(name, text, CLIENT_ID)


def boolean(name: str, text: str) -> bool:
    """true or false."""
    if text not in ("true", "false"):
        raise not_valid(name)
    return text == "true"


def zone(name: str, text: str) -> int:
    """A time zone such as 0, 9, -1:00, 05:45 between -12:00 and +14:00; ms east of UTC."""
    match = _PATTERNS[ZONE].match(text)
    if match is None:
        raise not_valid(name)
    minutes = int(match[1]) * 60 + int((match[2] or ":0")[1:])
    minutes = -minutes if text.startswith("-") else minutes
    if not -12 * 60 <= minutes <= 14 * 60:
        raise not_valid(name)
    return minutes * 60_000


def interval(_name: str, text: str) -> str:
    """A candle interval; case matters."""
    if text not in INTERVALS:
        raise ApiError(-1120, "Invalid interval.")
    return text


def window_size(name: str, text: str) -> int:
    """1m…59m, 1h…23h, 1d…7d; ms."""
    match = re.match(r"^([1-9][0-9]?)([mhd])$", text)
    if match is None or int(match[1]) > {"m": 59, "h": 23, "d": 7}[match[2]]:
        raise not_valid(name)
    return int(match[1]) * {"m": 60_000, "h": 3_600_000, "d": 86_400_000}[match[2]]


def one_of(code: int, message: str, *values: str) -> Kind:
    """One of ``values``, else the venue's own code and text."""

    def check(_name: str, text: str) -> str:
        if text not in values:
            raise ApiError(code, message)
        return text

    return check


def choice(*values: str) -> Kind:
    """One of ``values``, else -1130."""

    def check(name: str, text: str) -> str:
        if text not in values:
            raise not_valid(name)
        return text

    return check


def names(name: str, text: str) -> tuple[str, ...]:
    """One name, or a JSON list of names."""
    if not text.startswith("["):
        return (text,)
    try:
        found = json.loads(text)
    except ValueError:
        raise not_valid(name) from None
    if not all(isinstance(item, str) for item in found):
        raise not_valid(name)
    return tuple(found)


def pairs(query: bytes, body: bytes) -> dict[str, str]:
    """Names and texts of query and body; a name in both counts once, with the query's text."""
    found = _split(body)
    found.update(_split(query))
    return found


def _split(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in raw.decode("utf-8", "replace").split("&"):
        if not piece:
            continue
        name, _, text = piece.partition("=")
        if "%" in piece or "+" in piece:
            name, text = unquote_plus(name), unquote_plus(text)
        if name in found:
            raise ApiError(-1101, "Duplicate values for a parameter detected.")
        found[name] = text
    return found


def check(
    given: Mapping[str, str], kinds: Mapping[str, Kind], mandatory: tuple[str, ...], *, signed: bool
) -> dict[str, Any]:
    """The values of a request by its route's table. Raises the venue's -11xx errors."""
    _check_known(given, kinds, signed=signed)
    for name in mandatory:
        if name not in given:
            raise missing(name)
    for name in ("timestamp", "signature") if signed else ():
        if not given.get(name):
            raise missing(name)
    values: dict[str, Any] = {}
    for name, text in given.items():
        if not text:
            raise empty(name)
        if name in kinds:
            values[name] = kinds[name](name, text)
    return values


def _check_known(given: Mapping[str, str], kinds: Mapping[str, Kind], *, signed: bool) -> None:
    known = sum(1 for name in given if name in kinds or (signed and name in SIGNED))
    if known == len(given):
        return
    if not kinds and not signed:
        raise ApiError(-1101, f"Too many parameters; expected '0' and received '{len(given)}'.")
    raise ApiError(
        -1104, f"Not all sent parameters were read; read '{known}' parameter(s) but was sent '{len(given)}'."
    )
