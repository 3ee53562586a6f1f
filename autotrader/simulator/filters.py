"""The venue's filters, checked with its formulas; each failure is -1013 with the filter's name.

Own code on purpose: the client has its own rounding and checks, so that each
is a witness against the other. A bound or step of 0 is switched off.
"""

from __future__ import annotations

from decimal import Decimal

from autotrader.simulator.errors import filter_failure, too_precise
from autotrader.simulator.symbols import SymbolSpec


def check_precision(name: str, value: Decimal | None, digits: int) -> None:
    """-1111 when a value has more decimals than its asset (ends of zeros do not count)."""
    if value is not None and value and -int(value.normalize().as_tuple().exponent) > digits:
        raise too_precise(name)


def _outside(value: Decimal, low: Decimal, high: Decimal, grid: Decimal) -> bool:
    return value < low or bool(high and value > high) or bool(grid and value % grid)


def check_price(spec: SymbolSpec, side: str, price: Decimal, reference: Decimal | None) -> None:
    """PRICE_FILTER and the percent band around ``reference`` (None: there was no trade yet)."""
    if _outside(price, spec.min_price, spec.max_price, spec.tick):
        raise filter_failure("PRICE_FILTER")
    if reference is None:
        return
    if spec.old_style:
        up, down, name = spec.bid_up, spec.bid_down, "PERCENT_PRICE"
    elif side == "BUY":
        up, down, name = spec.bid_up, spec.bid_down, "PERCENT_PRICE_BY_SIDE"
    else:
        up, down, name = spec.ask_up, spec.ask_down, "PERCENT_PRICE_BY_SIDE"
    if price < reference * down or (up and price > reference * up):
        raise filter_failure(name)


def check_quantity(spec: SymbolSpec, quantity: Decimal, *, market: bool) -> None:
    """LOT_SIZE, and MARKET_LOT_SIZE for market orders."""
    if _outside(quantity, spec.min_qty, spec.max_qty, spec.step):
        raise filter_failure("LOT_SIZE")
    if market and _outside(quantity, spec.market_min_qty, spec.market_max_qty, spec.market_step):
        raise filter_failure("MARKET_LOT_SIZE")


def check_notional(spec: SymbolSpec, notional: Decimal, *, market: bool) -> None:
    """NOTIONAL (or the older MIN_NOTIONAL)."""
    name = "MIN_NOTIONAL" if spec.old_style else "NOTIONAL"
    if (not market or spec.apply_min_to_market) and notional < spec.min_notional:
        raise filter_failure(name)
    if spec.old_style or not spec.max_notional:
        return
    if (not market or spec.apply_max_to_market) and notional > spec.max_notional:
        raise filter_failure(name)


def check_open_orders(spec: SymbolSpec, already_open: int) -> None:
    """MAX_NUM_ORDERS, the new order included."""
    if already_open + 1 > spec.max_orders:
        raise filter_failure("MAX_NUM_ORDERS")


def check_position(spec: SymbolSpec, base_held: Decimal, open_buys: Decimal, quantity: Decimal) -> None:
    """MAX_POSITION of a buy: what is held, what open buys may add, and this one."""
    if spec.max_position and base_held + open_buys + quantity > spec.max_position:
        raise filter_failure("MAX_POSITION")
