"""Replies about the account and its orders, as tables from the venue's names to values of the domain (docs/venue.md
§2.5 to §2.8); read as in `market_replies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import core_schema as core

from autotrader.exchanges.reading import (
    AMOUNT,
    DECIMAL,
    FLAG,
    PRICE,
    TEXT,
    TEXTS,
    TIME,
    BadReply,
    Field,
    Model,
    derived,
    given,
    integer,
    optional,
    read_by,
    refused,
    required,
    said,
    tuple_of,
)
from autotrader.exchanges.venue import (
    AccountInfo,
    Commission,
    KeyPermissions,
    OrderCount,
    OrderTest,
    Rates,
    WalletAsset,
)
from autotrader.money import ZERO, times
from autotrader.orders import Balance, Fill, Order, OrderStatus, Side

COUNT: Final = integer(0)
SIDE: Final = read_by(Side, said(core.literal_schema(["BUY", "SELL"]), "is neither BUY nor SELL"))


# ------------------------------------------------------------------------------------------------ orders and fills
_STATUSES: Final = {one.value: one for one in OrderStatus}


def _sane(order: Order) -> Order:
    if order.executed > order.quantity > 0:
        raise BadReply("order: field executedQty is more than was ordered")
    return order


def _order_fields(own_id: str) -> dict[str, Field]:
    return {
        "symbol": required("symbol", TEXT),
        "order_id": required("orderId", COUNT),
        "client_order_id": required(own_id, TEXT),
        "side": required("side", SIDE),
        "type": required("type", TEXT),
        "tif": required("timeInForce", TEXT),
        "price": required("price", AMOUNT),
        "quantity": required("origQty", AMOUNT),
        "executed": required("executedQty", AMOUNT),
        # Of very old orders it is negative, which means unknown (docs/venue.md §2.5).
        "quote_executed": required(
            "cummulativeQuoteQty", read_by(lambda amount: amount if amount >= 0 else None, DECIMAL)
        ),
        # A status that nobody has seen must not lose the order: it counts as open.
        "status": required("status", read_by(lambda text: _STATUSES.get(text, OrderStatus.OTHER), TEXT)),
        "created_ms": required("time transactTime", TIME),
        "updated_ms": derived(lambda known: known["created_ms"], "updateTime", TIME),
        "is_working": optional("isWorking", FLAG, default=True),
    }


ORDER: Final = Model("order", Order, _order_fields("clientOrderId"), then=_sane)
# In the reply to a cancel `clientOrderId` is the cancel's own.
CANCELLED: Final = Model("cancelled order", Order, _order_fields("origClientOrderId"), then=_sane)
_NEW_FILL: Final = Model(
    "order.fills",
    Fill,
    {
        **{name: given(name) for name in ("symbol", "order_id", "side", "time_ms", "client_order_id")},
        "is_maker": derived(lambda _known: False),  # an order that fills while it is placed takes
        "trade_id": required("tradeId", COUNT),
        "price": required("price", PRICE),
        "quantity": required("qty", PRICE),
        "quote": derived(lambda known: times(known["price"], known["quantity"])),
        "fee": required("commission", AMOUNT),
        "fee_asset": required("commissionAsset", TEXT),
    },
)


def order_fills(data: Mapping[str, Any], placed: Order) -> tuple[Fill, ...]:
    """Fills in the FULL reply of placing, which leave out what the order says. Raises BadReply."""
    rows = data.get("fills", [])
    if not isinstance(rows, list):
        raise BadReply("order: field fills is not a list")
    return tuple(
        _NEW_FILL.read(
            row,
            symbol=placed.symbol,
            order_id=placed.order_id,
            side=placed.side,
            time_ms=placed.updated_ms,
            client_order_id=placed.client_order_id,
        )
        for row in rows
    )


MY_TRADE: Final = Model(
    "myTrades",
    Fill,
    {
        "symbol": required("symbol", TEXT),
        "trade_id": required("id", COUNT),
        "order_id": required("orderId", COUNT),
        "side": required("isBuyer", read_by(lambda buyer: Side.BUY if buyer else Side.SELL, FLAG)),
        "price": required("price", PRICE),
        "quantity": required("qty", PRICE),
        "quote": required("quoteQty", AMOUNT),
        "fee": required("commission", AMOUNT),
        "fee_asset": required("commissionAsset", TEXT),
        "time_ms": required("time", TIME),
        "is_maker": required("isMaker", FLAG),
    },
)


# ----------------------------------------------------------------------------------------------------- the account
_RATES: Final = Model(
    "commission",
    Rates,
    {
        "maker": required("maker", AMOUNT),
        "taker": required("taker", AMOUNT),
        "buyer": optional("buyer", AMOUNT, ZERO),
        "seller": optional("seller", AMOUNT, ZERO),
    },
)
_BALANCE: Final = Model(
    "account.balances",
    Balance,
    {"asset": required("asset", TEXT), "free": required("free", AMOUNT), "locked": required("locked", AMOUNT)},
)


def _by_asset(balances: tuple[Balance, ...]) -> dict[str, Balance]:
    found = {one.asset: one for one in balances}
    if len(found) < len(balances):
        raise refused("has an asset twice")
    return found


def _account(*, rates: Rates | None, **rest: Any) -> AccountInfo:
    maker, taker = (None, None) if rates is None else (rates.maker, rates.taker)
    return AccountInfo(maker=maker, taker=taker, **rest)


ACCOUNT: Final = Model(
    "account",
    _account,
    {
        "can_trade": required("canTrade", FLAG),
        "can_withdraw": required("canWithdraw", FLAG),
        "update_time": required("updateTime", TIME),
        "account_type": required("accountType", TEXT),
        "permissions": optional("permissions", TEXTS, ()),
        "rates": optional("commissionRates", lambda: _RATES.schema),
        "balances": required("balances", lambda: read_by(_by_asset, tuple_of(_BALANCE.schema))),
    },
)
WALLET_ASSET: Final = Model(
    "getUserAsset",
    WalletAsset,
    {
        "asset": required("asset", TEXT),
        **{name: required(name, AMOUNT) for name in ("free", "locked", "freeze", "withdrawing")},
    },
)
ORDER_COUNT: Final = Model(
    "rateLimit/order",
    OrderCount,
    {
        "interval": required("interval", TEXT),
        "number": required("intervalNum", integer(1)),
        "limit": required("limit", COUNT),
        "count": required("count", COUNT),
    },
)


def _commission(*, for_account: bool, for_symbol: bool, **rest: Any) -> Commission:
    return Commission(discount_enabled=for_account and for_symbol, **rest)


COMMISSION: Final = Model(
    "commission",
    _commission,
    {
        "symbol": required("symbol", TEXT),
        "standard": required("standardCommission", lambda: _RATES.schema),
        "special": optional("specialCommission", lambda: _RATES.schema),
        "tax": required("taxCommission", lambda: _RATES.schema),
        "for_account": required("discount.enabledForAccount", FLAG),
        "for_symbol": required("discount.enabledForSymbol", FLAG),
        "discount_asset": required("discount.discountAsset", TEXT),
        "discount": required("discount.discount", AMOUNT),
    },
)


def _tested(test: OrderTest) -> OrderTest:
    if test.standard is not None and test.tax is None:
        raise BadReply("order/test: field taxCommissionForOrder is missing")
    return test


ORDER_TEST: Final = Model(  # `{}`, or the commission rates of this order
    "order/test",
    OrderTest,
    {
        "standard": optional("standardCommissionForOrder", lambda: _RATES.schema),
        "tax": optional("taxCommissionForOrder", lambda: _RATES.schema),
    },
    then=_tested,
)
_MORE: Final = {
    "enableMargin": "margin",
    "enableFutures": "futures",
    "enableVanillaOptions": "options",
    "enablePortfolioMarginTrading": "portfolio margin",
}


def _permissions(*, universal: bool, internal: bool, **found: Any) -> KeyPermissions:
    more = tuple(word for name, word in _MORE.items() if found.pop(name))
    return KeyPermissions(transfers=universal or internal, more=more, **found)


KEY_PERMISSIONS: Final = Model(
    "apiRestrictions",
    _permissions,
    {
        "trading": required("enableSpotAndMarginTrading", FLAG),
        "reading": required("enableReading", FLAG),
        "withdrawals": required("enableWithdrawals", FLAG),
        "universal": optional("permitsUniversalTransfer", FLAG, default=False),  # left out: one that the key lacks
        "internal": optional("enableInternalTransfer", FLAG, default=False),
        "ip_restricted": required("ipRestrict", FLAG),
        "created_ms": optional("createTime", TIME, 0),
        "expires_ms": optional("tradingAuthorityExpirationTime", TIME),
        **{name: optional(name, FLAG, default=False) for name in _MORE},
    },
)
