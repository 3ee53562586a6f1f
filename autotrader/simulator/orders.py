"""Orders and own trades, and the shapes in which the venue shows them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from autotrader.matching import Side
from autotrader.simulator.symbols import text

ZERO = Decimal(0)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
OPEN = ("NEW", "PARTIALLY_FILLED")


class OwnTrade(NamedTuple):
    """A fill of an account's order; ``time`` in ms."""

    id: int
    order_id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    buyer: bool
    maker: bool


@dataclass(slots=True)
class Order:
    """An order at the exchange. Times in ms; ``locked`` is what of its account it holds now."""

    id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    quote_order_quantity: Decimal
    time: int
    strategy_id: int | None = None
    strategy_type: int | None = None
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    status: str = "NEW"
    expiry_reason: str = ""
    update_time: int = 0
    locked: Decimal = ZERO
    lock_asset: str = ""
    fills: list[OwnTrade] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it still rests."""
        return self.status in OPEN


def generated_id(seed: str) -> str:
    """A client order id of 22 characters, for an order or a cancel that came without one."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:17], "big")
    letters = []
    for _ in range(22):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def _strategy(order: Order) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if order.strategy_id is not None:
        shown["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        shown["strategyType"] = order.strategy_type
    return shown


def _figures(order: Order) -> dict[str, Any]:
    return {
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_order_quantity),
        "cummulativeQuoteQty": text(order.quote_executed),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def ack(order: Order) -> dict[str, Any]:
    """The shortest answer to a placement."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.time,
    }


def result(order: Order) -> dict[str, Any]:
    """ACK and the order's state."""
    shown = ack(order) | _figures(order) | {"workingTime": order.time} | _strategy(order)
    if order.expiry_reason:
        shown["expiryReason"] = order.expiry_reason
    shown["selfTradePreventionMode"] = "NONE"
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


def cancelled(order: Order, cancel_id: str, now: int) -> dict[str, Any]:
    """The answer to a cancel: ``clientOrderId`` names the cancel, the order's own is origClientOrderId."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": now,
        **_figures(order),
        **_strategy(order),
        "selfTradePreventionMode": "NONE",
    }


def queried(order: Order) -> dict[str, Any]:
    """The order as GET order, openOrders and allOrders show it."""
    shown: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        **_figures(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": True,
        "workingTime": order.time,
        **_strategy(order),
        "selfTradePreventionMode": "NONE",
    }
    if order.expiry_reason:
        shown["expiryReason"] = order.expiry_reason
    return shown


def traded(trade: OwnTrade) -> dict[str, Any]:
    """A row of myTrades."""
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": -1,
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
