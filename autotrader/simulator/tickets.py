"""From request parameters to tickets: types, combinations, precision, filters, in the venue's order of checks.

Strategy: one table says what each type must and must not have. Orders of a list
bring their parameters under other names (abovePrice, pendingQuantity …); they are
read under the plain names and refused under the names that were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from typing import Any

from autotrader.simulator import filters, params
from autotrader.simulator.errors import (
    ApiError,
    bad_combination,
    either,
    missing,
    not_required,
    rejected,
    unsupported,
)
from autotrader.simulator.market import Market
from autotrader.simulator.model import STOPS, Ticket
from autotrader.simulator.protocol import Call
from autotrader.simulator.symbols import ORDER_TYPES, SymbolSpec

ZERO = Decimal(0)
SIDES = params.one_of(-1117, "Invalid side.", "BUY", "SELL")
FORCES = params.one_of(-1115, "Invalid timeInForce.", "GTC", "IOC", "FOK")
TYPES = params.one_of(-1116, "Invalid orderType.", *ORDER_TYPES)
PREVENTION = params.choice("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
RESPONSES = params.choice("ACK", "RESULT", "FULL")

NEEDED = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_BY_STOP = ("timeInForce", "quoteOrderQty", "price", "icebergQty")
FORBIDDEN = {
    "LIMIT": ("quoteOrderQty", "stopPrice", "trailingDelta"),
    # it can only rest, so a time in force would contradict it
    "LIMIT_MAKER": ("timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"),
    # it never rests, so nothing that shapes a resting order fits
    "MARKET": ("timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty"),
    "STOP_LOSS": _BY_STOP,
    "STOP_LOSS_LIMIT": ("quoteOrderQty",),
    "TAKE_PROFIT": _BY_STOP,
    "TAKE_PROFIT_LIMIT": ("quoteOrderQty",),
}
MIN_STRATEGY = 1_000_000
Name = Callable[[str], str]


def plain(name: str) -> str:
    """The name of a parameter of a single order: itself."""
    return name


def read(market: Market, values: Mapping[str, Any], name: Name = plain, *, quantity_later: bool = False) -> Ticket:
    """The ticket that parameters describe, after all checks that look at them alone. Raises -11xx, -1013, -2010.

    ``quantity_later``: the quantity comes from another order's fills.
    """
    spec, kind = market.spec, values["type"]
    mode = _check_supported(spec, values, kind)
    _check_combination(values, kind, name, quantity_later=quantity_later)
    for each in ("quantity", "quoteOrderQty", "price", "stopPrice", "icebergQty"):
        filters.check_precision(name(each), values.get(each), spec.precision)
    return Ticket(
        spec.symbol, values["side"], kind, values.get("timeInForce", "GTC"), values.get("price", ZERO),
        values.get("quantity", ZERO), values.get("quoteOrderQty", ZERO), values.get("newClientOrderId"),
        values.get("strategyId"), values.get("strategyType"), values.get("stopPrice", ZERO),
        values.get("trailingDelta"), values.get("icebergQty", ZERO), mode,
    )  # fmt: skip


def _check_supported(spec: SymbolSpec, values: Mapping[str, Any], kind: str) -> str:
    """What the symbol does not allow is refused in the venue's words; the mode of self-trade prevention."""
    if kind not in spec.order_types:
        raise unsupported(f"{kind.replace('_', ' ').capitalize()} orders are")
    if values.get("icebergQty") and kind != "MARKET" and "icebergAllowed" not in spec.allowed:
        raise unsupported("Iceberg orders are")
    if values.get("trailingDelta") is not None and "allowTrailingStop" not in spec.allowed:
        raise unsupported("Trailing stop orders are")
    if "quoteOrderQty" in values and "quoteOrderQtyMarketAllowed" not in spec.allowed:
        raise rejected("Quote order qty market orders are not support for this symbol.")
    mode = values.get("selfTradePreventionMode")
    if mode is not None and mode not in spec.prevention_modes:
        raise ApiError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    if values.get("strategyType", MIN_STRATEGY) < MIN_STRATEGY:
        raise ApiError(-1134, "Parameter 'strategyType' was less than 1000000.")
    return mode or spec.prevention


def _check_combination(values: Mapping[str, Any], kind: str, name: Name, *, quantity_later: bool) -> None:
    for each in NEEDED[kind]:  # what is missing is told before what is too much, as the exchange does
        if each not in values and not (quantity_later and each == "quantity"):
            raise missing(name(each))
    for each in FORBIDDEN[kind]:
        if each in values:
            raise not_required(name(each))
    if kind in STOPS and "stopPrice" not in values and "trailingDelta" not in values:
        raise either(name("stopPrice"), name("trailingDelta"))
    if kind == "MARKET" and "quantity" in values and "quoteOrderQty" in values:
        raise bad_combination()
    if kind == "MARKET" and not quantity_later and "quantity" not in values and "quoteOrderQty" not in values:
        raise either("quantity", "quoteOrderQty") if name is plain else missing(name("quantity"))
    if values.get("icebergQty"):
        _check_iceberg(values, name)


def _check_iceberg(values: Mapping[str, Any], name: Name) -> None:
    if values.get("timeInForce", "GTC") != "GTC":  # an iceberg shows itself again and again, so it must be able to rest
        if name is plain:
            raise rejected("Unsupported order combination")
        raise ApiError(
            -1160, f"Parameter '{name('icebergQty')}' is not supported if '{name('timeInForce')}' is not GTC."
        )
    if "quantity" in values and values["icebergQty"] > values["quantity"]:
        raise rejected("IcebergQty exceeds QTY.")


def check(call: Call, market: Market, tickets: Sequence[Ticket], *, listed: bool = False) -> None:
    """Order count, then all filters, for orders that come together. Raises -1015 and -1013."""
    counts, now = call.owner.counts, call.exchange.now_us
    counts.check(now)
    if len(tickets) > 1:
        after = copy(counts)  # on a copy: a list that does not fit must leave the count as it was
        after.add(now, len(tickets) - 1)
        after.check(now)
    check_filters(call, market, tickets, listed=listed)


def check_filters(call: Call, market: Market, tickets: Sequence[Ticket], *, listed: bool = False) -> None:
    """All filters. Raises -1013."""
    spec, owner, engine = market.spec, call.owner, call.exchange.engine
    reference = engine.reference(spec.symbol)
    for ticket in tickets:
        if ticket.quantity or ticket.quote_quantity or not listed:
            filters.check_ticket(spec, ticket, ticket.quantity, reference)
    owned = list(owner.open.values())  # read once, so that all filters count the same orders
    filters.check_counts(spec, engine.limits, owned, tickets)
    if listed:
        filters.check_lists(spec, engine.limits, [each for each in owner.lists.values() if each.open])
    for ticket in tickets:
        notional = filters.notional_of(ticket, ticket.quantity, reference)
        filters.check_assets(spec, owner.account.max_assets, ticket.quantity, notional)
        if ticket.side == "BUY" and spec.max_position:
            held = owner.purse.of(spec.base)
            buys = sum((o.available for o in owned if o.side == "BUY" and o.symbol == spec.symbol), ZERO)
            # a market order in quote has no quantity yet; what it buys is estimated by the reference
            quantity = ticket.quantity or (notional / reference if reference else ZERO)
            filters.check_position(spec, held.free + held.locked, buys, quantity)


ORDER: dict[str, params.Kind] = {
    "symbol": params.symbol,
    "side": SIDES,
    "type": TYPES,
    "timeInForce": FORCES,
    "quantity": params.decimal,
    "quoteOrderQty": params.decimal,
    "price": params.decimal,
    "newClientOrderId": params.client_id,
    "strategyId": params.long,
    "strategyType": params.long,
    "stopPrice": params.decimal,
    "trailingDelta": params.long,
    "icebergQty": params.decimal,
    "newOrderRespType": RESPONSES,
    "selfTradePreventionMode": PREVENTION,
}
"""The parameters of a new order."""
