"""The shapes in which the venue shows orders, order lists and own trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autotrader.simulator.model import STOPS, Amendment, Order, OrderList, OwnTrade, PreventedMatch
from autotrader.simulator.symbols import text


def _extras(order: Order) -> dict[str, Any]:
    """Fields that only some orders have."""
    ticket = order.ticket
    shown: dict[str, Any] = {}
    if order.type in STOPS:
        shown["stopPrice"] = text(ticket.stop_price)
    if ticket.trailing_delta is not None:
        shown |= {"trailingDelta": ticket.trailing_delta, "trailingTime": order.trailing_time}
    if ticket.iceberg:
        shown["icebergQty"] = text(ticket.iceberg)
    if ticket.strategy_id is not None:
        shown["strategyId"] = ticket.strategy_id
    if ticket.strategy_type is not None:
        shown["strategyType"] = ticket.strategy_type
    if order.trade_group >= 0:
        shown["tradeGroupId"] = order.trade_group
    if order.prevented:
        shown["preventedQuantity"] = text(order.prevented)
    return shown


def _figures(order: Order) -> dict[str, Any]:
    return {
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.ticket.quote_quantity),
        "cummulativeQuoteQty": text(order.quote_executed),
        "status": order.status,
        "timeInForce": order.ticket.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def ack(order: Order) -> dict[str, Any]:
    """The shortest answer to a placement."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": order.time,
    }


def result(order: Order) -> dict[str, Any]:
    """ACK and the order's state."""
    shown = ack(order) | _figures(order) | {"workingTime": order.working_time} | _extras(order)
    if order.expiry_reason:
        shown["expiryReason"] = order.expiry_reason
    if order.prevented_matches:
        shown["preventedMatches"] = [_prevented(order, match) for match in order.prevented_matches]
    shown["selfTradePreventionMode"] = order.ticket.prevention
    return shown


def full(order: Order) -> dict[str, Any]:
    """RESULT and the fills made at once."""
    fills = [
        {
            "price": text(fill.price),
            "qty": text(fill.quantity),
            "commission": text(fill.commission),
            "commissionAsset": fill.commission_asset,
            "tradeId": fill.id,
        }
        for fill in order.fills
    ]
    return result(order) | {"fills": fills}


SHAPES = {"ACK": ack, "RESULT": result, "FULL": full}


def cancelled(order: Order, cancel_id: str, now: int) -> dict[str, Any]:
    """The answer to a cancel: ``clientOrderId`` names the cancel, the order's own is origClientOrderId."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": now,
        **_figures(order),
        **_extras(order),
        "selfTradePreventionMode": order.ticket.prevention,
    }


def queried(order: Order) -> dict[str, Any]:
    """The order as GET order, openOrders and allOrders show it."""
    shown: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        **_figures(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": order.working,
        "workingTime": order.working_time,
        **_extras(order),
        "selfTradePreventionMode": order.ticket.prevention,
    }
    if order.prevented:
        shown["preventedMatchId"] = order.prevented_id
    if order.expiry_reason:
        shown["expiryReason"] = order.expiry_reason
    return shown


def amended(order: Order, now: int) -> dict[str, Any]:
    """The answer to an amendment; some fields are spelt otherwise than elsewhere."""
    last = order.amendments[-1]
    shown: dict[str, Any] = {
        "transactTime": now,
        "executionId": last.execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.id,
            "orderListId": order.list_id,
            "origClientOrderId": last.old_client_id,
            "clientOrderId": order.client_id,
            "price": text(order.price),
            "qty": text(order.quantity),
            "executedQty": text(order.executed),
            "preventedQty": text(order.prevented),
            "quoteOrderQty": text(order.ticket.quote_quantity),
            "cumulativeQuoteQty": text(order.quote_executed),
            "status": order.status,
            "timeInForce": order.ticket.time_in_force,
            "type": order.type,
            "side": order.side,
            "workingTime": order.working_time,
            "selfTradePreventionMode": order.ticket.prevention,
        },
    }
    if order.list is not None:
        status = listed(order.list)
        names = ("orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol", "orders")
        shown["listStatus"] = {name: status[name] for name in names}
    return shown


def amendment(order: Order, change: Amendment) -> dict[str, Any]:
    """A row of order/amendments."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "executionId": change.execution_id,
        "origClientOrderId": change.old_client_id,
        "newClientOrderId": change.new_client_id,
        "origQty": text(change.old_quantity),
        "newQty": text(change.new_quantity),
        "time": change.time,
    }


def listed(orders: OrderList) -> dict[str, Any]:
    """An order list without reports."""
    return {
        "orderListId": orders.id,
        "contingencyType": orders.kind,
        "listStatusType": "EXEC_STARTED" if orders.open else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if orders.open else "ALL_DONE",
        "listClientOrderId": orders.client_id,
        "transactionTime": orders.time,
        "symbol": orders.symbol,
        "orders": [
            {"symbol": order.symbol, "orderId": order.id, "clientOrderId": order.client_id} for order in orders.orders
        ],
    }


def _prevented(order: Order, match: PreventedMatch) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "preventedMatchId": match.id,
        "makerSymbol": order.symbol,
        "makerOrderId": match.maker_id,
        "price": text(match.price),
    }
    return shown | _lost(match)


def _lost(match: PreventedMatch) -> dict[str, Any]:
    pairs = (("takerPreventedQuantity", match.taker_quantity), ("makerPreventedQuantity", match.maker_quantity))
    return {name: text(value) for name, value in pairs if value is not None}


def prevented_match(match: PreventedMatch) -> dict[str, Any]:
    """A row of myPreventedMatches."""
    return {
        "symbol": match.symbol,
        "preventedMatchId": match.id,
        "takerOrderId": match.taker_id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_id,
        "tradeGroupId": match.trade_group,
        "selfTradePreventionMode": match.mode,
        "price": text(match.price),
        **_lost(match),
        "transactTime": match.time,
    }


def traded(trade: OwnTrade) -> dict[str, Any]:
    """A row of myTrades."""
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": trade.list_id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.quote_quantity),
        "commission": text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time,
        "isBuyer": trade.buyer,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


# --------------------------------------------------------------------------------------------------------------- stops
# When a stop order triggers, by the last trade's price (the venue's rules for stops and trailing stops).
#
# Strategy: two facts decide everything. An order waits for the price to rise ("above": STOP_LOSS buys, TAKE_PROFIT
# sells) or to fall ("below": the others) to its stop price. With a trailing delta that is only where tracking begins
# (at the next trade when there is no stop price): the best price since then is kept, and the trigger is a move of
# delta hundredths of a percent against the order.

BIP = Decimal(10_000)


def waits_above(kind: str, side: str) -> bool:
    """Whether such an order waits for a rising price."""
    return kind.startswith("STOP_LOSS") == (side == "BUY")


def reached(kind: str, side: str, stop_price: Decimal, price: Decimal) -> bool:
    """Whether ``price`` meets the stop price's condition."""
    return price >= stop_price if waits_above(kind, side) else price <= stop_price


def would_trigger(kind: str, side: str, stop_price: Decimal, last: Decimal | None) -> bool:
    """Whether an order would trigger (or begin to track) at once, which the venue refuses."""
    # a trailing order without a stop price has nothing to reach
    return bool(stop_price) and last is not None and reached(kind, side, stop_price, last)


def on_trade(order: Order, price: Decimal, now: int) -> bool:
    """Take a trade into account; True when it triggers the order. Moves the tracked extreme."""
    ticket = order.ticket
    if ticket.trailing_delta is None:
        return reached(order.type, order.side, ticket.stop_price, price)
    if order.extreme is None:
        if not ticket.stop_price or reached(order.type, order.side, ticket.stop_price, price):
            # this trade only begins the tracking; it cannot trigger as well
            order.extreme, order.trailing_time = price, now
        return False
    if order.side == "SELL":
        order.extreme = max(order.extreme, price)  # the high first: a new high moves the trigger before it is compared
        return price <= order.extreme * (BIP - ticket.trailing_delta) / BIP
    order.extreme = min(order.extreme, price)
    return price >= order.extreme * (BIP + ticket.trailing_delta) / BIP
