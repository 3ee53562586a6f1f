"""Order lists: placing OCO, OTO, OTOCO and their kin, cancelling and querying them.

Strategy: every order of a list is read from parameters with a prefix (above,
below, working, pending, pendingAbove, pendingBelow) by the same checks as a
single order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrader.simulator import params
from autotrader.simulator.candles import page_range
from autotrader.simulator.errors import ApiError, bad_combination, cancel_rejected, either, missing, unsupported
from autotrader.simulator.lists import check_pair_types, place_chain, place_pair
from autotrader.simulator.market import Market
from autotrader.simulator.model import Order, OrderList, Ticket, generated_id
from autotrader.simulator.orders import SHAPES, cancelled, listed
from autotrader.simulator.protocol import Call, Route, acting, fixed, show_counts
from autotrader.simulator.routes_account import check_span
from autotrader.simulator.tickets import FORCES, PREVENTION, RESPONSES, SIDES, TYPES, Name, check, read

LEG: dict[str, tuple[str, params.Kind]] = {
    "Type": ("type", TYPES),
    "ClientOrderId": ("newClientOrderId", params.client_id),
    "Price": ("price", params.decimal),
    "StopPrice": ("stopPrice", params.decimal),
    "TrailingDelta": ("trailingDelta", params.long),
    "IcebergQty": ("icebergQty", params.decimal),
    "TimeInForce": ("timeInForce", FORCES),
    "StrategyId": ("strategyId", params.long),
    "StrategyType": ("strategyType", params.long),
    "Side": ("side", SIDES),
    "Quantity": ("quantity", params.decimal),
}
"""What can be said of an order of a list: the end of its parameter's name, and the plain name."""
SHARED = ("Side", "Quantity")
PREFIX = {"pendingAbove": "pending", "pendingBelow": "pending"}
"""Whose side and quantity the orders of a pending pair have."""


def _kinds(*prefixes: str, quantity: bool = True) -> dict[str, params.Kind]:
    kinds: dict[str, params.Kind] = {
        "symbol": params.symbol,
        "listClientOrderId": params.client_id,
        "newOrderRespType": RESPONSES,
        "selfTradePreventionMode": PREVENTION,
    }
    for prefix in prefixes:
        own = PREFIX.get(prefix, prefix)
        for end, (_, kind) in LEG.items():
            if end == "Quantity" and own == "pending" and not quantity:
                continue
            kinds[(own if end in SHARED else prefix) + end] = kind
    return kinds


def _leg(call: Call, market: Market, prefix: str, *, quantity_later: bool = False) -> Ticket:
    """The ticket of one order of a list."""
    own = PREFIX.get(prefix, prefix)
    names = {plain: (own if end in SHARED else prefix) + end for end, (plain, _) in LEG.items()}
    if prefix in ("above", "below"):
        names |= {"side": "side", "quantity": "quantity"}
    values = {plain: call.values[name] for plain, name in names.items() if name in call.values}
    if "selfTradePreventionMode" in call.values:
        values["selfTradePreventionMode"] = call.values["selfTradePreventionMode"]
    return read(market, values, _named(names), quantity_later=quantity_later)


def _named(names: Mapping[str, str]) -> Name:
    """From plain names to the names that were sent."""
    return lambda plain: names.get(plain, plain)


def _shown(call: Call, orders: OrderList) -> dict[str, Any]:
    """A new list with a report on each order. Without newOrderRespType each has its type's default shape."""
    show_counts(call)
    return listed(orders) | {"orderReports": [_report(call, order) for order in orders.orders]}


def _report(call: Call, order: Order) -> dict[str, Any]:
    return SHAPES[call.get("newOrderRespType", "RESULT")](order)


def ended(call: Call, orders: OrderList, cancel_id: str) -> dict[str, Any]:
    """A cancelled list with a report on each order."""
    now = call.exchange.now_ms
    shown = listed(orders) | {"transactionTime": now}
    return shown | {"orderReports": [cancelled(order, cancel_id, now) for order in orders.orders]}


def _open(call: Call, flag: str, name: str) -> Market:
    market = call.exchange.market(call.values["symbol"])
    if flag not in market.spec.allowed:
        raise unsupported(f"{name} orders are")
    return market


def _contingent_first(first: Ticket, second: Ticket) -> tuple[Ticket, Ticket]:
    return (second, first) if first.type == "LIMIT_MAKER" else (first, second)


def _oco(call: Call) -> Any:
    market = _open(call, "ocoAllowed", "OCO")
    check_pair_types(call.values["side"], call.values["aboveType"], call.values["belowType"])
    tickets = _contingent_first(_leg(call, market, "below"), _leg(call, market, "above"))
    check(call, market, tickets, listed=True)
    return _shown(call, place_pair(call.exchange.engine, call.owner, tickets, call.get("listClientOrderId")))


def _chain(call: Call, *pending: str, proceeds: bool = False) -> Any:
    flag, name = ("opoAllowed", "OPO") if proceeds else ("otoAllowed", "OTO")
    market = _open(call, flag, name)
    values = call.values
    if values["workingType"] not in ("LIMIT", "LIMIT_MAKER"):
        raise ApiError(-1116, "Invalid orderType.")
    if proceeds and values["workingSide"] != "BUY":
        raise ApiError(-1222, "The working order in an OPO must be a buy order.")
    if proceeds and values["pendingSide"] != "SELL":
        raise ApiError(-1223, "The pending order in an OPO must be a sell order.")
    if len(pending) > 1:
        check_pair_types(values["pendingSide"], values["pendingAboveType"], values["pendingBelowType"])
    working = _leg(call, market, "working")
    later = [_leg(call, market, prefix, quantity_later=proceeds) for prefix in pending]
    if len(later) > 1:
        later = list(_contingent_first(later[1], later[0]))
    tickets = (working, *later)
    check(call, market, tickets, listed=True)
    made = place_chain(call.exchange.engine, call.owner, tickets, call.get("listClientOrderId"), from_proceeds=proceeds)
    return _shown(call, made)


def _oto(call: Call) -> Any:
    return _chain(call, "pending")


def _otoco(call: Call) -> Any:
    return _chain(call, "pendingAbove", "pendingBelow")


def _opo(call: Call) -> Any:
    return _chain(call, "pending", proceeds=True)


def _opoco(call: Call) -> Any:
    return _chain(call, "pendingAbove", "pendingBelow", proceeds=True)


OLD_OCO: dict[str, tuple[str, str]] = {
    "limitClientOrderId": ("limit", "newClientOrderId"),
    "price": ("limit", "price"),
    "limitStrategyId": ("limit", "strategyId"),
    "limitStrategyType": ("limit", "strategyType"),
    "limitIcebergQty": ("limit", "icebergQty"),
    "trailingDelta": ("stop", "trailingDelta"),
    "stopClientOrderId": ("stop", "newClientOrderId"),
    "stopPrice": ("stop", "stopPrice"),
    "stopStrategyId": ("stop", "strategyId"),
    "stopStrategyType": ("stop", "strategyType"),
    "stopLimitPrice": ("stop", "price"),
    "stopIcebergQty": ("stop", "icebergQty"),
    "stopLimitTimeInForce": ("stop", "timeInForce"),
}
"""The deprecated call's parameters: which order they speak of, and the plain name."""


def _old_oco(call: Call) -> Any:
    market = _open(call, "ocoAllowed", "OCO")
    kinds = {"limit": "LIMIT_MAKER", "stop": "STOP_LOSS_LIMIT" if "stopLimitPrice" in call.values else "STOP_LOSS"}
    if "stopLimitPrice" in call.values and "stopLimitTimeInForce" not in call.values:
        raise missing("stopLimitTimeInForce")
    tickets: list[Ticket] = []
    for which in ("stop", "limit"):
        names = {plain: name for name, (leg, plain) in OLD_OCO.items() if leg == which}
        values = {plain: call.values[name] for plain, name in names.items() if name in call.values}
        values |= {name: call.values[name] for name in ("side", "quantity", "selfTradePreventionMode")
                   if name in call.values}  # fmt: skip
        tickets.append(read(market, values | {"type": kinds[which]}, _named(names)))
    check(call, market, tickets, listed=True)
    return _shown(call, place_pair(call.exchange.engine, call.owner, tickets, call.get("listClientOrderId")))


# ---- cancelling and reading ----------------------------------------------------


def _find(call: Call, client_name: str) -> OrderList | None:
    number, name = call.get("orderListId"), call.get(client_name)
    if number is None and name is None:
        raise either("orderListId", client_name)
    lists = call.owner.lists
    if number is not None:
        found = lists.get(number)
        return found if found is not None and name in (None, found.client_id) else None
    return next((each for each in reversed(lists.values()) if each.client_id == name), None)


def _cancel(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    found = _find(call, "listClientOrderId")
    if found is None or not found.open or found.symbol != symbol:
        raise cancel_rejected()
    order = next(order for order in found.orders if order.open)
    call.exchange.engine.cancel(call.owner, order)
    return ended(call, found, call.get("newClientOrderId") or generated_id(f"cancel list {found.id}"))


def _query(call: Call) -> Any:
    found = _find(call, "origClientOrderId")
    if found is None:
        raise ApiError(-2018, "Order list does not exist.")
    return listed(found)


def _all(call: Call) -> Any:
    start, end, from_id = call.get("startTime"), call.get("endTime"), call.get("fromId")
    if from_id is not None and (start is not None or end is not None):
        raise bad_combination()
    check_span(start, end)
    lists, limit = list(call.owner.lists.values()), call.limit(500, 1000)
    if from_id is not None:
        first, last = page_range([each.id for each in lists], from_id, None, limit)
    else:
        first, last = page_range([each.time for each in lists], start, end, limit)
    return [listed(each) for each in lists[first:last]]


def _open_lists(call: Call) -> Any:
    return [listed(each) for each in call.owner.lists.values() if each.open]


# ---- the table -----------------------------------------------------------------

_OCO = _kinds("above", "below") | {"side": SIDES, "quantity": params.decimal}
for _name in ("aboveSide", "belowSide", "aboveQuantity", "belowQuantity"):
    del _OCO[_name]
_OLD_KINDS: Mapping[str, params.Kind] = {
    name: next(kind for plain, kind in LEG.values() if plain == leg[1]) for name, leg in OLD_OCO.items()
} | {name: kind for name, kind in _OCO.items() if not name.startswith(("above", "below"))}
_CANCEL = {
    "symbol": params.symbol,
    "orderListId": params.long,
    "listClientOrderId": params.client_id,
    "newClientOrderId": params.client_id,
}
_PAGE = {"fromId": params.long, "startTime": params.time, "endTime": params.time, "limit": params.positive}
_WORKING = ("symbol", "workingType", "workingSide", "workingPrice", "workingQuantity")
_ONE = ("pendingType", "pendingSide")
_TWO = ("pendingSide", "pendingAboveType", "pendingBelowType")
_PAIR = ("working", "pendingAbove", "pendingBelow")
_V3 = "/api/v3/"
_LIST = _V3 + "orderList"

ROUTES: tuple[Route, ...] = (
    acting("POST", _LIST + "/oco", _oco, _OCO, ("symbol", "side", "quantity", "aboveType", "belowType")),
    acting("POST", _LIST + "/oto", _oto, _kinds("working", "pending"), (*_WORKING, *_ONE, "pendingQuantity")),
    acting("POST", _LIST + "/otoco", _otoco, _kinds(*_PAIR), (*_WORKING, *_TWO, "pendingQuantity")),
    acting("POST", _LIST + "/opo", _opo, _kinds("working", "pending", quantity=False), (*_WORKING, *_ONE)),
    acting("POST", _LIST + "/opoco", _opoco, _kinds(*_PAIR, quantity=False), (*_WORKING, *_TWO)),
    acting("POST", _V3 + "order/oco", _old_oco, _OLD_KINDS, ("symbol", "side", "quantity", "price", "stopPrice")),
    acting("DELETE", _LIST, _cancel, _CANCEL, ("symbol",)),
    Route(
        "GET", _LIST, _query, fixed(4), {"orderListId": params.long, "origClientOrderId": params.client_id}, (),
        "USER_DATA",
    ),
    Route("GET", _V3 + "allOrderList", _all, fixed(20), _PAGE, (), "USER_DATA"),
    Route("GET", _V3 + "openOrderList", _open_lists, fixed(6), {}, (), "USER_DATA"),
)  # fmt: skip
