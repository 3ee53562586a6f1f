"""The venue's filters, checked with its formulas; each failure is -1013 with the filter's name.

Own code on purpose: the client has its own rounding and checks, so that each
is a witness against the other. A bound or step of 0 is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from autotrader.simulator.errors import filter_failure, too_precise
from autotrader.simulator.model import AT_MARKET, STOPS, Order, OrderList, Ticket
from autotrader.simulator.orders import waits_above
from autotrader.simulator.symbols import ExchangeLimits, SymbolSpec

ZERO = Decimal(0)


def check_precision(name: str, value: Decimal | None, digits: int) -> None:
    """-1111 when a value has more decimals than its asset (ends of zeros do not count)."""
    if value is not None and value and -int(value.normalize().as_tuple().exponent) > digits:
        raise too_precise(name)


def _outside(value: Decimal, low: Decimal, high: Decimal, grid: Decimal) -> bool:
    # by the rest of a division from 0, not from the lower bound
    return value < low or bool(high and value > high) or bool(grid and value % grid)


def check_price(spec: SymbolSpec, side: str, price: Decimal, reference: Decimal | None) -> None:
    """PRICE_FILTER and the percent band around ``reference`` (None: there was no trade yet)."""
    if _outside(price, spec.min_price, spec.max_price, spec.tick):
        raise filter_failure("PRICE_FILTER")
    if reference is None:  # before the first trade there is nothing to measure a band by
        return
    if spec.old_style:
        up, down, name = spec.bid_up, spec.bid_down, "PERCENT_PRICE"
    elif side == "BUY":
        up, down, name = spec.bid_up, spec.bid_down, "PERCENT_PRICE_BY_SIDE"
    else:
        up, down, name = spec.ask_up, spec.ask_down, "PERCENT_PRICE_BY_SIDE"
    # an upper factor of 0 means none; a lower one of 0 bounds nothing by itself
    if price < reference * down or (up and price > reference * up):
        raise filter_failure(name)


def check_quantity(spec: SymbolSpec, quantity: Decimal, *, market: bool) -> None:
    """LOT_SIZE, and MARKET_LOT_SIZE for market orders."""
    # holds for market orders too; MARKET_LOT_SIZE comes on top
    if _outside(quantity, spec.min_qty, spec.max_qty, spec.step):
        raise filter_failure("LOT_SIZE")
    if market and _outside(quantity, spec.market_min_qty, spec.market_max_qty, spec.market_step):
        raise filter_failure("MARKET_LOT_SIZE")


def check_notional(spec: SymbolSpec, notional: Decimal, *, market: bool) -> None:
    """NOTIONAL (or the older MIN_NOTIONAL)."""
    name = "MIN_NOTIONAL" if spec.old_style else "NOTIONAL"
    # whether market orders are held to it is the symbol's own setting
    if (not market or spec.apply_min_to_market) and notional < spec.min_notional:
        raise filter_failure(name)
    if spec.old_style or not spec.max_notional:
        return
    if (not market or spec.apply_max_to_market) and notional > spec.max_notional:
        raise filter_failure(name)


def check_position(spec: SymbolSpec, base_held: Decimal, open_buys: Decimal, quantity: Decimal) -> None:
    """MAX_POSITION of a buy: what is held, what open buys may add, and this one."""
    if spec.max_position and base_held + open_buys + quantity > spec.max_position:
        raise filter_failure("MAX_POSITION")


def check_iceberg(spec: SymbolSpec, quantity: Decimal, slice_: Decimal) -> None:
    """LOT_SIZE of the slice, and ICEBERG_PARTS."""
    if not slice_:
        return
    if _outside(slice_, spec.min_qty, spec.max_qty, spec.step):
        raise filter_failure("LOT_SIZE")
    # rounded up: a last slice that is smaller counts as one
    if spec.iceberg_parts and -(-quantity // slice_) > spec.iceberg_parts:
        raise filter_failure("ICEBERG_PARTS")


def check_trailing(spec: SymbolSpec, kind: str, side: str, delta: int | None) -> None:
    """TRAILING_DELTA: bounds for orders that wait for a rising price, and for those that wait for a falling one."""
    if delta is None:
        return
    least, most = spec.trailing[:2] if waits_above(kind, side) else spec.trailing[2:]
    if not least <= delta <= most:
        raise filter_failure("TRAILING_DELTA")


def check_ticket(spec: SymbolSpec, ticket: Ticket, quantity: Decimal, reference: Decimal | None) -> None:
    """Every filter that looks at one order alone. ``quantity`` is 0 for an order by quote amount."""
    at_market = ticket.type in AT_MARKET
    if not at_market:
        check_price(spec, ticket.side, ticket.price, reference)
    if ticket.stop_price and _outside(ticket.stop_price, spec.min_price, spec.max_price, spec.tick):
        raise filter_failure("PRICE_FILTER")
    check_trailing(spec, ticket.type, ticket.side, ticket.trailing_delta)
    if quantity or not ticket.quote_quantity:  # an order by its quote amount has no quantity that could be off the grid
        check_quantity(spec, quantity, market=at_market)
    check_iceberg(spec, quantity, ticket.iceberg)
    check_notional(spec, notional_of(ticket, quantity, reference), market=at_market)


def notional_of(ticket: Ticket, quantity: Decimal, reference: Decimal | None) -> Decimal:
    """What an order is worth to the filters: at its limit, or at the reference when it has none."""
    return ticket.quote_quantity or (reference or ZERO if ticket.type in AT_MARKET else ticket.price) * quantity


def check_counts(spec: SymbolSpec, limits: ExchangeLimits, owned: Sequence[Order], tickets: Sequence[Ticket]) -> None:
    """MAX_NUM_ORDERS, …ALGO…, …ICEBERG… of the symbol and of the exchange, the new orders included."""
    here = [order.ticket for order in owned if order.symbol == spec.symbol]
    everywhere = [order.ticket for order in owned]
    for name, symbol_most, exchange_most, counts in (
        ("MAX_NUM_ORDERS", spec.max_orders, limits.max_orders, _any),
        ("MAX_NUM_ALGO_ORDERS", spec.max_algo_orders, limits.max_algo_orders, _algo),
        ("MAX_NUM_ICEBERG_ORDERS", spec.max_iceberg_orders, limits.max_iceberg_orders, _iceberg),
    ):
        new = sum(map(counts, tickets))
        # only what adds to a count can break it: a plain order passes beside too many stops
        if new and symbol_most and sum(map(counts, here)) + new > symbol_most:
            raise filter_failure(name)
        if new and exchange_most and sum(map(counts, everywhere)) + new > exchange_most:
            raise filter_failure(f"EXCHANGE_{name}")


def _any(_ticket: Ticket) -> bool:
    return True


def _algo(ticket: Ticket) -> bool:
    return ticket.type in STOPS


def _iceberg(ticket: Ticket) -> bool:
    return bool(ticket.iceberg)


def check_lists(spec: SymbolSpec, limits: ExchangeLimits, owned: Sequence[OrderList]) -> None:
    """MAX_NUM_ORDER_LISTS of the symbol and of the exchange, a new list included. ``owned`` are the open ones."""
    # a list counts once, however many orders it holds
    if spec.max_lists and sum(1 for each in owned if each.symbol == spec.symbol) + 1 > spec.max_lists:
        raise filter_failure("MAX_NUM_ORDER_LISTS")
    if limits.max_lists and len(owned) + 1 > limits.max_lists:
        raise filter_failure("EXCHANGE_MAX_NUM_ORDER_LISTS")


def check_assets(spec: SymbolSpec, limits: Mapping[str, Decimal], quantity: Decimal, notional: Decimal) -> None:
    """MAX_ASSET: the most of the base and of the quote asset that one order may move."""
    for asset, moved in ((spec.base, quantity), (spec.quote, notional)):
        if asset in limits and moved > limits[asset]:
            raise filter_failure("MAX_ASSET")
