"""The venue's filters, written a second time from the facts about it, in fractions, for the client's orders.

Nothing here comes from the program: JSON and query text in, reasons out. A bound, tick or step of 0 is switched off.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor
from typing import Any

PLACES = 8
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
Filters = dict[str, dict[str, Any]]


def number(filters: Filters, kind: str, name: str) -> Fraction:
    """A figure of a filter, 0 where the filter is absent."""
    return Fraction(str(filters.get(kind, {}).get(name, "0")))


def grid(value: Fraction, unit: Fraction, *, up: bool) -> Fraction:
    """Down or up to a multiple of the unit, or of the last decimal that is taken where the unit is 0."""
    unit = unit or Fraction(1, 10**PLACES)
    return (ceil(value / unit) if up else floor(value / unit)) * unit


def between(value: Fraction, low: Fraction, high: Fraction) -> bool:
    """Inside bounds that may be switched off."""
    return value >= low and (high == 0 or value <= high)


def refusals(filters: Filters, text: dict[str, str], average: Fraction) -> list[str]:
    """What a venue with these filters has against the parameters of a limit order, as they stand in its query."""
    found = [f"{name} is not plain digits" for name in ("price", "quantity") if not _PLAIN.fullmatch(text[name])]
    if found:
        return found
    long = [name for name in ("price", "quantity") if len(text[name].partition(".")[2]) > PLACES]
    price, quantity = Fraction(text["price"]), Fraction(text["quantity"])
    tick, step = number(filters, "PRICE_FILTER", "tickSize"), number(filters, "LOT_SIZE", "stepSize")
    side = "bid" if text["side"] == "BUY" else "ask"
    by_side = {
        f"multiplier{way}": number(filters, "PERCENT_PRICE_BY_SIDE", f"{side}Multiplier{way}") for way in ("Up", "Down")
    }
    both = {f"multiplier{way}": number(filters, "PERCENT_PRICE", f"multiplier{way}") for way in ("Up", "Down")}
    checks = {
        "precision": not long,
        "above 0": price > 0 and quantity > 0,
        "PRICE_FILTER bounds": between(
            price, number(filters, "PRICE_FILTER", "minPrice"), number(filters, "PRICE_FILTER", "maxPrice")
        ),
        "PRICE_FILTER tick": tick == 0 or price % tick == 0,
        "LOT_SIZE bounds": between(
            quantity, number(filters, "LOT_SIZE", "minQty"), number(filters, "LOT_SIZE", "maxQty")
        ),
        "LOT_SIZE step": step == 0 or quantity % step == 0,
        "NOTIONAL": between(
            price * quantity, number(filters, "NOTIONAL", "minNotional"), number(filters, "NOTIONAL", "maxNotional")
        ),
        "MIN_NOTIONAL": price * quantity >= number(filters, "MIN_NOTIONAL", "minNotional"),
        "PERCENT_PRICE_BY_SIDE": between(price, average * by_side["multiplierDown"], average * by_side["multiplierUp"]),
        "PERCENT_PRICE": between(price, average * both["multiplierDown"], average * both["multiplierUp"]),
    }
    return [name for name, passed in checks.items() if not passed]


def wanted(
    filters: Filters, side: str, price: Fraction, spends: list[Fraction], sizes: list[Fraction]
) -> tuple[Fraction, Fraction]:
    """The order that comes nearest to what was asked and is worse for nobody: price, quantity."""
    at = grid(price, number(filters, "PRICE_FILTER", "tickSize"), up=side == "SELL")
    if at <= 0:
        return Fraction(0), Fraction(0)
    most = min([spend / at for spend in spends] + sizes)
    largest = number(filters, "LOT_SIZE", "maxQty")
    return at, grid(min(most, largest) if largest else most, number(filters, "LOT_SIZE", "stepSize"), up=False)
