"""Exact numbers: from text to query string there is no float.

Decimal's default context rounds at 28 digits, which a price of 18 digits times a quantity of 18 digits
exceeds, so all products and quotients of money go through `CONTEXT`. Rounding has one direction: down,
towards less spent and less sold. Only `shown` rounds for the eye.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from autotrader.structs import dataclass

CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)

_YEN = re.compile(r"(?<![\w.,])(-?)(\d[\d,_]*(?:\.\d+)?) JPY\b")
_SMALL_YEN = 1_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:_[0-9]{3})+)(?:\.[0-9]+)?", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    """Read an ASCII decimal number; `_` may stand between groups of three digits.

    Raises ValueError for anything else: signs apart, exponents, full-width digits, spaces, nan, inf.
    """
    if not _NUMBER.fullmatch(text):  # Decimal itself would take full-width digits, spaces, exponents and nan
        raise ValueError(f"not a plain decimal number: {text!r}")
    return Decimal(text.replace("_", ""))


def plain(value: Decimal) -> str:
    """Decimal as text without exponent and without trailing zeros: what is sent, stored and compared."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text  # one text for one value: texts are hashed, sent and compared


def grouped(value: Decimal, places: int | None = None) -> str:
    """For the eye: thousands separated by commas; `places` decimals if given, else all that there are."""
    if places is not None:
        # for the eye alone; nothing that was rounded here is computed with
        value = CONTEXT.quantize(value, Decimal(1).scaleb(-places))
    whole, _, fraction = format(value, "f").partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    fraction = fraction.rstrip("0") if places is None else fraction
    return f"{sign}{int(digits):,}" + (f".{fraction}" if fraction else "")


def money_text(value: Decimal, asset: str) -> str:
    """`¥15,204,110` for JPY (decimals only below one yen), `0.00032 BTC` for others: how much."""
    if asset != "JPY":
        return f"{grouped(value)} {asset}"
    text = grouped(value, 0) if abs(value) >= 1 or value == 0 else grouped(value, 4)
    return f"-¥{text[1:]}" if text.startswith("-") else f"¥{text}"


def price_text(value: Decimal, quote: str) -> str:
    """`¥15,204,110`, `¥350.123`, `0.05 BTC`: a price, with all the digits that it has."""
    return f"¥{grouped(value)}" if quote == "JPY" else f"{grouped(value)} {quote}"


def yen(text: str) -> str:
    """`9,500,000 JPY` as `¥9,500,000`, wherever it stands in a text; from 1,000 yen on without decimals."""
    return _YEN.sub(lambda found: f"{found[1]}{_whole_yen(found[2])}", text)


def _whole_yen(figure: str) -> str:
    value = Decimal(figure.replace(",", "").replace("_", ""))
    return money_text(value, "JPY") if value >= _SMALL_YEN else f"¥{figure.replace('_', ',')}"


def yen_quote(symbol: str) -> str:
    """`JPY` where a symbol's name ends so, else nothing: what records alone know of a quote asset."""
    return "JPY" if symbol.endswith("JPY") else ""


def gain_text(value: Decimal, asset: str) -> str:
    """`+¥312`, `-¥80`, `±¥0`."""
    sign = "+" if value > 0 else "±" if value == 0 else ""
    return sign + money_text(value, asset)


def percent_text(value: Decimal, places: int = 2, *, sign: bool = False) -> str:
    """`-2.71%` of a figure in percentage points."""
    return f"{'+' if sign and value > 0 else ''}{grouped(value, places)}%"


def times(a: Decimal, b: Decimal) -> Decimal:
    """Exact product (60 digits)."""
    return CONTEXT.multiply(a, b)


def over(a: Decimal, b: Decimal) -> Decimal:
    """Quotient to 60 digits; raises decimal.DivisionByZero or InvalidOperation when b is 0."""
    return CONTEXT.divide(a, b)


def total(values: Iterable[Decimal]) -> Decimal:
    """Exact sum."""
    result = ZERO
    for value in values:
        result = CONTEXT.add(result, value)
    return result


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value`; a step of 0 means no grid (docs/venue.md §4)."""
    return _to_grid(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value`; a step of 0 means no grid."""
    return _to_grid(value, step, ROUND_CEILING)


def _to_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step == 0:
        return value
    # counted in steps: a remainder of Decimal is negative for negative values
    count = CONTEXT.divide(value, step).to_integral_value(rounding=rounding)
    return CONTEXT.multiply(count, step)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of an asset: `10000 JPY`, `0.001 BTC`. Exact; never a float."""

    value: Decimal
    asset: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.asset}"
