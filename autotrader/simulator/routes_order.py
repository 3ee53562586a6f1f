"""Placing, testing and cancelling orders: the checks before the engine, in the venue's order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from autotrader.simulator import filters, params
from autotrader.simulator.engine import Ticket
from autotrader.simulator.errors import (
    ApiError,
    bad_combination,
    cancel_rejected,
    either,
    missing,
    not_required,
    rejected,
)
from autotrader.simulator.market import Market
from autotrader.simulator.orders import ack, cancelled, full, generated_id, result
from autotrader.simulator.routes_account import discount, find
from autotrader.simulator.routing import Call, Route, fixed
from autotrader.simulator.symbols import ORDER_TYPES, text

ZERO = Decimal(0)
SIDES = params.one_of(-1117, "Invalid side.", "BUY", "SELL")
FORCES = params.one_of(-1115, "Invalid timeInForce.", "GTC", "IOC", "FOK")
STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
TYPES = params.one_of(-1116, "Invalid orderType.", *ORDER_TYPES, *STOPS)
RESTRICTIONS = params.one_of(-1145, "Invalid cancelRestrictions", "ONLY_NEW", "ONLY_PARTIALLY_FILLED")
PREVENTION = params.choice("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
MANDATORY = {"LIMIT": ("timeInForce", "quantity", "price"), "LIMIT_MAKER": ("quantity", "price"), "MARKET": ()}
FORBIDDEN = {
    "LIMIT": ("quoteOrderQty", "stopPrice", "trailingDelta"),
    "LIMIT_MAKER": ("timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"),
    "MARKET": ("timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty"),
}
MIN_STRATEGY = 1_000_000


def _ticket(call: Call) -> Ticket:
    """The placement, after all checks that need no engine. Raises -11xx, -1013 and -2010."""
    values = call.values
    market = call.exchange.market(values["symbol"])
    kind = values["type"]
    _check_supported(call, kind)
    _check_combination(values, kind)
    spec = market.spec
    filters.check_precision("quantity", values.get("quantity"), spec.precision)
    filters.check_precision("quoteOrderQty", values.get("quoteOrderQty"), spec.precision)
    filters.check_precision("price", values.get("price"), spec.precision)
    call.owner.counts.check(call.exchange.now_us)
    ticket = Ticket(
        spec.symbol, values["side"], kind, values.get("timeInForce", "GTC"), values.get("price", ZERO),
        values.get("quantity", ZERO), values.get("quoteOrderQty", ZERO), values.get("newClientOrderId"),
        values.get("strategyId"), values.get("strategyType"),
    )  # fmt: skip
    _check_filters(call, market, ticket)
    return ticket


def _check_supported(call: Call, kind: str) -> None:
    """What this floor of the simulator does not trade is refused with the venue's own words for it."""
    if kind in STOPS:
        raise rejected(f"{kind.replace('_', ' ').capitalize()} orders are not supported for this symbol.")
    if call.get("icebergQty") and kind != "MARKET":
        raise rejected("Iceberg orders are not supported for this symbol.")
    if call.get("selfTradePreventionMode", "NONE") != "NONE":
        raise ApiError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    if call.get("strategyType", MIN_STRATEGY) < MIN_STRATEGY:
        raise ApiError(-1134, "Parameter 'strategyType' was less than 1000000.")


def _check_combination(values: Mapping[str, Any], kind: str) -> None:
    for name in MANDATORY[kind]:
        if name not in values:
            raise missing(name)
    for name in FORBIDDEN[kind]:
        if name in values:
            raise not_required(name)
    if kind == "MARKET":
        if "quantity" in values and "quoteOrderQty" in values:
            raise bad_combination()
        if "quantity" not in values and "quoteOrderQty" not in values:
            raise either("quantity", "quoteOrderQty")


def _check_filters(call: Call, market: Market, ticket: Ticket) -> None:
    spec, average = market.spec, market.average()
    is_market = ticket.type == "MARKET"
    if not is_market:
        filters.check_price(spec, ticket.side, ticket.price, average)
    if ticket.quantity or not ticket.quote_quantity:
        filters.check_quantity(spec, ticket.quantity, market=is_market)
    notional = ticket.quote_quantity or (average or ZERO if is_market else ticket.price) * ticket.quantity
    filters.check_notional(spec, notional, market=is_market)
    orders = call.owner.open_on(spec.symbol)
    filters.check_open_orders(spec, len(orders))
    if ticket.side == "BUY" and spec.max_position:
        held = call.owner.purse.of(spec.base)
        buys = sum((order.quantity - order.executed for order in orders if order.side == "BUY"), ZERO)
        quantity = ticket.quantity or (notional / average if average else ZERO)
        filters.check_position(spec, held.free + held.locked, buys, quantity)


def _place(call: Call) -> Any:
    ticket = _ticket(call)
    order = call.exchange.engine.place(call.owner, ticket)
    counts = call.owner.counts.counts
    call.headers["X-MBX-ORDER-COUNT-10S"] = str(counts[0])
    call.headers["X-MBX-ORDER-COUNT-1D"] = str(counts[1])
    shape = call.get("newOrderRespType", "ACK" if ticket.type == "LIMIT_MAKER" else "FULL")
    return {"ACK": ack, "RESULT": result, "FULL": full}[shape](order)


def _test(call: Call) -> Any:
    _ticket(call)
    if not call.get("computeCommissionRates", False):
        return {}
    account = call.owner.account
    nothing = {"maker": text(ZERO), "taker": text(ZERO)}
    return {
        "standardCommissionForOrder": {"maker": text(account.maker_rate), "taker": text(account.taker_rate)},
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": discount(call.owner),
    }


def _cancel(call: Call) -> Any:
    order_id, client_id = call.get("orderId"), call.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise either("origClientOrderId", "orderId")
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    order = find(call.owner, symbol, order_id, client_id)
    if order is None or not order.open:
        raise cancel_rejected()
    if client_id is not None and order.client_id != client_id:
        raise cancel_rejected("Cancel order is invalid. Check origClOrdId and orderId.")
    wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}.get(call.get("cancelRestrictions"))
    if wanted is not None and order.status != wanted:
        raise cancel_rejected("Order was not canceled due to cancel restrictions.")
    call.exchange.engine.cancel(call.owner, order)
    cancel_id = call.get("newClientOrderId") or generated_id(f"cancel {order.id}")
    return cancelled(order, cancel_id, call.exchange.now_ms)


def _cancel_all(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    orders = call.owner.open_on(symbol)
    if not orders:
        raise cancel_rejected()
    for order in orders:
        call.exchange.engine.cancel(call.owner, order)
    cancel_id = generated_id(f"cancel all {orders[0].id}")
    return [cancelled(order, cancel_id, call.exchange.now_ms) for order in orders]


def _test_weight(given: Mapping[str, str]) -> int:
    return 20 if given.get("computeCommissionRates") == "true" else 1


_ORDER = {
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
    "newOrderRespType": params.choice("ACK", "RESULT", "FULL"),
    "selfTradePreventionMode": PREVENTION,
}
_CANCEL = {
    "symbol": params.symbol,
    "orderId": params.long,
    "origClientOrderId": params.client_id,
    "newClientOrderId": params.client_id,
    "cancelRestrictions": RESTRICTIONS,
}
_NEEDED = ("symbol", "side", "type")
_V3 = "/api/v3/"

ROUTES: tuple[Route, ...] = (
    Route(
        "POST", _V3 + "order", _place, fixed(1), _ORDER, _NEEDED, "TRADE",
        on_failure=True, places_or_cancels=True,
    ),
    Route(
        "POST", _V3 + "order/test", _test, _test_weight,
        _ORDER | {"computeCommissionRates": params.boolean}, _NEEDED, "TRADE",
    ),
    Route(
        "DELETE", _V3 + "order", _cancel, fixed(1), _CANCEL, ("symbol",), "TRADE",
        on_failure=True, places_or_cancels=True,
    ),
    Route(
        "DELETE", _V3 + "openOrders", _cancel_all, fixed(1), {"symbol": params.symbol}, ("symbol",), "TRADE",
        on_failure=True, places_or_cancels=True,
    ),
)  # fmt: skip
