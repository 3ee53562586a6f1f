"""Placing, testing, cancelling, replacing and amending single orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from autotrader.simulator import filters, params, routes_list, routes_rules
from autotrader.simulator.books import Client
from autotrader.simulator.engine import Engine
from autotrader.simulator.errors import (
    CLOSED,
    DUPLICATE,
    MAY_NOT_TRADE,
    NO_CHANGE,
    NO_INCREASE,
    ApiError,
    amend_rejected,
    cancel_rejected,
    either,
    missing,
    unsupported,
)
from autotrader.simulator.model import Amendment, Order, OrderList, Ticket, generated_id
from autotrader.simulator.orders import SHAPES, amended, cancelled
from autotrader.simulator.protocol import Call, Route, acting, fixed, show_counts
from autotrader.simulator.routes_account import discount, find
from autotrader.simulator.symbols import text
from autotrader.simulator.tickets import ORDER, check, check_filters, read

# ------------------------------------------------------------------------------------------------------------ amending
# Amend keepPriority: an order made smaller where it stands.

ALLOWED_IN = ("TRADING", "CANCEL_ONLY")


def amend(engine: Engine, client: Client, order: Order, quantity: Decimal, client_id: str | None) -> None:
    """Make ``order`` (and the other of its pair) ``quantity``; it gets ``client_id`` or a generated one.

    An order that has already traded as much ends. Raises -2038 and -1013; then nothing has changed.
    """
    _check(engine, client, order, quantity, client_id)
    earlier, before = order.client_id, order.quantity
    number = engine.next_execution()
    order.client_id = client_id or generated_id(f"amend {number}")
    client.by_client_id.pop((order.symbol, earlier), None)
    client.by_client_id[(order.symbol, order.client_id)] = order
    order.amendments += (Amendment(number, earlier, order.client_id, before, quantity, engine.clock()),)
    pair = order.list.pair if order.list is not None and order in order.list.pair else (order,)
    for each in pair:
        each.quantity, each.update_time = quantity, engine.clock()
    engine.changes += 1
    if order.available <= 0:
        engine.finish(client, order, "EXPIRED")
        return
    for each in pair:
        engine.markets[each.symbol].book.amend(each.id, each.available)
    engine.relock(client, order)


def _check(engine: Engine, client: Client, order: Order, quantity: Decimal, client_id: str | None) -> None:
    spec = engine.markets[order.symbol].spec
    if not client.account.can_trade:
        raise amend_rejected(MAY_NOT_TRADE)
    if engine.status(order.symbol) not in ALLOWED_IN:
        raise amend_rejected(CLOSED)
    filters.check_precision("newQty", quantity, spec.precision)
    if quantity == order.quantity:
        raise amend_rejected(NO_CHANGE)
    if quantity > order.quantity:
        raise amend_rejected(NO_INCREASE)
    if spec.max_amends and len(order.amendments) >= spec.max_amends:
        raise amend_rejected("Filter failure: MAX_NUM_ORDER_AMENDS")
    if client_id is not None and client_id != order.client_id:
        other = client.by_client_id.get((order.symbol, client_id))
        if other is not None and other.open:
            raise amend_rejected(DUPLICATE)
    filters.check_ticket(spec, order.ticket, quantity, engine.reference(order.symbol))


# -------------------------------------------------------------------------------------------------------- routes order
ZERO = Decimal(0)
RESTRICTIONS = params.one_of(-1145, "Invalid cancelRestrictions", "ONLY_NEW", "ONLY_PARTIALLY_FILLED")
FULL_BY_DEFAULT = ("MARKET", "LIMIT")  # the other kinds answer without status or fills unless asked


def _ticket(call: Call) -> Ticket:
    """The placement, after all checks that need no engine. Raises -11xx, -1013 and -2010."""
    market = call.exchange.market(call.values["symbol"])
    ticket = read(market, call.values)
    check(call, market, (ticket,))  # the count of orders comes before the filters
    return ticket


def _placed(call: Call, ticket: Ticket) -> dict[str, Any]:
    order = call.exchange.engine.place(call.owner, ticket)
    shape: str = call.get("newOrderRespType", "FULL" if ticket.type in FULL_BY_DEFAULT else "ACK")
    return SHAPES[shape](order)


def _place(call: Call) -> Any:
    shown = _placed(call, _ticket(call))
    show_counts(call)
    return shown


def _test(call: Call) -> Any:
    ticket = _ticket(call)
    if not call.get("computeCommissionRates", False):
        return {}
    account, buying = call.owner.account, ticket.side == "BUY"
    parts = (("standard", account.standard), ("special", account.special), ("tax", account.tax))
    shown: dict[str, Any] = {
        f"{name}CommissionForOrder": {
            "maker": text(rates.of(maker=True, buying=buying)),
            "taker": text(rates.of(maker=False, buying=buying)),
        }
        for name, rates in parts
    }
    market = call.exchange.market(ticket.symbol)
    return shown | {"discount": discount(call.owner, market.spec)}


# ---- cancelling --------------------------------------------------------------


def _sought(call: Call, id_name: str, client_name: str) -> Order:
    """The open order that a cancel names and may end. Raises -1102 and -2011."""
    order_id, client_id = call.get(id_name), call.get(client_name)
    if order_id is None and client_id is None:
        raise either(client_name, id_name)
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    order = find(call.owner, symbol, order_id, client_id)
    if order is None or not order.open:
        raise cancel_rejected()
    if client_id is not None and order.client_id != client_id:
        raise cancel_rejected("Cancel order is invalid. Check origClOrdId and orderId.")
    wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}.get(call.get("cancelRestrictions"))
    if wanted is not None and order.status != wanted:
        raise cancel_rejected("Order was not canceled due to cancel restrictions.")
    return order


def _end(call: Call, order: Order, cancel_id: str | None) -> dict[str, Any]:
    """Cancel. An order of a list takes the list with it, and the answer is the list."""
    orders, name = order.list, cancel_id or generated_id(f"cancel {order.id}")
    call.exchange.engine.cancel(call.owner, order)
    return cancelled(order, name, call.exchange.now_ms) if orders is None else routes_list.ended(call, orders, name)


def _cancel(call: Call) -> Any:
    return _end(call, _sought(call, "orderId", "origClientOrderId"), call.get("newClientOrderId"))


def _cancel_all(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    orders = call.owner.open_on(symbol)
    if not orders:
        raise cancel_rejected()
    for order in orders:
        if order.open:
            call.exchange.engine.cancel(call.owner, order)
    cancel_id = generated_id(f"cancel all {orders[0].id}")
    return [cancelled(o, cancel_id, call.exchange.now_ms) for o in orders if o.list is None] + [
        routes_list.ended(call, each, cancel_id) for each in _lists(orders)
    ]


def _lists(orders: Sequence[Order]) -> list[OrderList]:
    found = {order.list.id: order.list for order in orders if order.list is not None}
    return list(found.values())


# ---- cancel and replace ------------------------------------------------------

PARTLY = (-2021, "Order cancel-replace partially failed.", 409)
FAILED = (-2022, "Order cancel-replace failed.", 400)
NOT_ATTEMPTED = "NOT_ATTEMPTED"


def _replace(call: Call) -> Any:
    """Not one transaction: the table of outcomes stands in docs/simulator.md."""
    market = call.exchange.market(call.values["symbol"])
    if call.get("cancelOrderId") is None and call.get("cancelOrigClientOrderId") is None:
        raise either("cancelOrigClientOrderId", "cancelOrderId")
    if "cancelReplaceAllowed" not in market.spec.allowed:
        raise unsupported("Order cancel-replace is")
    ticket = read(market, call.values)
    over = _over_limit(call)  # looked at before anything is cancelled, and kept: the mode decides what it means
    if over is not None and call.get("orderRateLimitExceededMode", "DO_NOTHING") == "DO_NOTHING":
        raise over
    check_filters(call, market, (ticket,))
    stop = call.values["cancelReplaceMode"] == "STOP_ON_FAILURE"
    # two steps that can fail apart: that is what makes this call dangerous to rely on
    gone, ended = _try(lambda: _cancel_first(call))
    # The venue counts the placement that was not attempted as an order all the same.
    if not gone and stop:
        if over is None:
            # an attempt that was not made counts as an order all the same, as documented
            call.exchange.engine.counted(call.owner, 1)
        raise _outcome(gone, ended, NOT_ATTEMPTED, None, 400 if over is None else 429)
    done, placed = (False, over.body) if over is not None else _try(lambda: _placed(call, ticket))
    if gone and done:
        show_counts(call)
        return _data("SUCCESS", ended, "SUCCESS", placed)
    raise _outcome(gone, ended, "SUCCESS" if done else "FAILURE", placed, 429 if over is not None and stop else None)


def _cancel_first(call: Call) -> dict[str, Any]:
    order = _sought(call, "cancelOrderId", "cancelOrigClientOrderId")
    return _end(call, order, call.get("cancelNewClientOrderId"))


def _over_limit(call: Call) -> ApiError | None:
    try:
        call.owner.counts.check(call.exchange.now_us)
    except ApiError as error:
        return error
    return None


def _try(action: Callable[[], dict[str, Any]]) -> tuple[bool, dict[str, Any]]:
    try:
        return True, action()
    except ApiError as error:
        return False, error.body


def _outcome(
    gone: bool,  # noqa: FBT001 - the outcome of the cancel
    ended: dict[str, Any],
    placing: str,
    placed: dict[str, Any] | None,
    status: int | None,
) -> ApiError:
    code, message, usual = PARTLY if gone or placing == "SUCCESS" else FAILED
    data = _data("SUCCESS" if gone else "FAILURE", ended, placing, placed)
    return ApiError(code, message, status or usual, data=data)


def _data(cancel: str, ended: dict[str, Any], placing: str, placed: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "cancelResult": cancel,
        "newOrderResult": placing,
        "cancelResponse": ended,
        "newOrderResponse": placed,
    }


# ---- amending ----------------------------------------------------------------


def _amend(call: Call) -> Any:
    market = call.exchange.market(call.values["symbol"])
    order_id, client_id = call.get("orderId"), call.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise either("origClientOrderId", "orderId")
    if "newQty" not in call.values:
        raise missing("newQty")
    if "amendAllowed" not in market.spec.allowed:
        raise unsupported("Order amend is")
    order = find(call.owner, market.spec.symbol, order_id, client_id)
    if order is None or not order.open:
        raise amend_rejected("Unknown order sent.")
    if client_id is not None and order.client_id != client_id:
        raise amend_rejected("Cancel order is invalid. Check origClOrdId and orderId.")
    amend(call.exchange.engine, call.owner, order, call.values["newQty"], call.get("newClientOrderId"))
    return amended(order, call.exchange.now_ms)


def _test_weight(given: Mapping[str, str]) -> int:
    return 20 if given.get("computeCommissionRates") == "true" else 1


_CANCEL = {
    "symbol": params.symbol,
    "orderId": params.long,
    "origClientOrderId": params.client_id,
    "newClientOrderId": params.client_id,
    "cancelRestrictions": RESTRICTIONS,
}
_REPLACE = ORDER | {
    "cancelReplaceMode": params.choice("STOP_ON_FAILURE", "ALLOW_FAILURE"),
    "cancelOrderId": params.long,
    "cancelOrigClientOrderId": params.client_id,
    "cancelNewClientOrderId": params.client_id,
    "cancelRestrictions": RESTRICTIONS,
    "orderRateLimitExceededMode": params.choice("DO_NOTHING", "CANCEL_ONLY"),
}
_AMEND = {
    "symbol": params.symbol,
    "orderId": params.long,
    "origClientOrderId": params.client_id,
    "newClientOrderId": params.client_id,
    "newQty": params.decimal,
}
_NEEDED = ("symbol", "side", "type")
_V3 = "/api/v3/"

ROUTES: tuple[Route, ...] = (
    acting("POST", _V3 + "order", _place, ORDER, _NEEDED),
    Route(
        "POST", _V3 + "order/test", _test, _test_weight,
        ORDER | {"computeCommissionRates": params.boolean}, _NEEDED, "TRADE",
    ),
    acting("DELETE", _V3 + "order", _cancel, _CANCEL, ("symbol",)),
    acting("DELETE", _V3 + "openOrders", _cancel_all, {"symbol": params.symbol}, ("symbol",)),
    acting("POST", _V3 + "order/cancelReplace", _replace, _REPLACE, (*_NEEDED, "cancelReplaceMode")),
    Route(
        "PUT", _V3 + "order/amend/keepPriority", _amend, fixed(4), _AMEND, ("symbol",), "TRADE",
        places_or_cancels=True,
    ),
    *routes_list.ROUTES,
    *routes_rules.ROUTES,
)  # fmt: skip
