"""Replies about the account and its orders, as typed values (exchange-facts §2.5 to §2.8); read as in `wire`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from autotrader.exchanges.binance.fields import BadReply, Fields, rows
from autotrader.money import ZERO, times
from autotrader.orders import Balance, Fill, Order, OrderStatus, Side
from autotrader.structs import dataclass

_STATUSES = {one.value: one for one in OrderStatus}


def order(data: Any, asked: str | None = None) -> Order:
    """Read an order as queries and placing (RESULT, FULL) give it; ACK lacks too much. Raises BadReply."""
    fields = Fields(data, "order")
    return _order(fields, asked, fields.text("clientOrderId"))


def cancelled(data: Any, asked: str | None = None) -> Order:
    """Read the reply to a cancel: the order's own id is origClientOrderId there. Raises BadReply."""
    fields = Fields(data, "cancelled order")
    return _order(fields, asked, fields.text("origClientOrderId"))


def orders(data: Any, asked: str | None = None) -> tuple[Order, ...]:
    """Read a list of orders. Raises BadReply."""
    return tuple(order(row, asked) for row in rows(data, "orders"))


def _order(fields: Fields, asked: str | None, client_id: str) -> Order:
    created = fields.time("time" if fields.has("time") else "transactTime")
    quote = fields.decimal("cummulativeQuoteQty")
    quantity, executed = fields.amount("origQty"), fields.amount("executedQty")
    if executed > quantity > 0:
        raise fields.bad("executedQty", "is more than was ordered")
    side = fields.text("side")
    if side not in ("BUY", "SELL"):
        raise fields.bad("side", "is neither BUY nor SELL")
    return Order(
        symbol=fields.symbol(asked),
        order_id=fields.integer("orderId", 0),
        client_order_id=client_id,
        side=Side(side),
        type=fields.text("type"),
        tif=fields.text("timeInForce"),
        price=fields.amount("price"),
        quantity=quantity,
        executed=executed,
        quote_executed=quote if quote >= 0 else None,
        status=_STATUSES.get(fields.text("status"), OrderStatus.OTHER),
        created_ms=created,
        updated_ms=fields.time("updateTime") if fields.has("updateTime") else created,
        is_working=fields.flag("isWorking", default=True),
    )


def order_fills(data: Any, placed: Order) -> tuple[Fill, ...]:
    """Fills in the FULL reply of placing: we took, so we are not the maker. Raises BadReply."""
    found = []
    for row in Fields(data, "order").items("fills") if Fields(data, "order").has("fills") else []:
        fields = Fields(row, "order.fills")
        price, quantity = fields.price("price"), fields.price("qty")
        found.append(
            Fill(
                symbol=placed.symbol,
                trade_id=fields.integer("tradeId", 0),
                order_id=placed.order_id,
                side=placed.side,
                price=price,
                quantity=quantity,
                quote=times(price, quantity),
                fee=fields.amount("commission"),
                fee_asset=fields.text("commissionAsset"),
                time_ms=placed.updated_ms,
                is_maker=False,
                client_order_id=placed.client_order_id,
            )
        )
    return tuple(found)


def my_trades(data: Any, asked: str | None = None, order_id: int | None = None) -> tuple[Fill, ...]:
    """Read our trades: of the symbol, and of the order, that were asked for. Raises BadReply."""
    return tuple(_my_trade(Fields(row, "myTrades"), asked, order_id) for row in rows(data, "myTrades"))


def _my_trade(fields: Fields, asked: str | None, order_id: int | None) -> Fill:
    if order_id not in (None, found := fields.integer("orderId", 0)):
        raise fields.bad("orderId", "is of another order")
    return Fill(
        symbol=fields.symbol(asked),
        trade_id=fields.integer("id", 0),
        order_id=found,
        side=Side.BUY if fields.flag("isBuyer") else Side.SELL,
        price=fields.price("price"),
        quantity=fields.price("qty"),
        quote=fields.amount("quoteQty"),
        fee=fields.amount("commission"),
        fee_asset=fields.text("commissionAsset"),
        time_ms=fields.time("time"),
        is_maker=fields.flag("isMaker"),
    )


@dataclass(frozen=True, slots=True)
class WireAccount:
    """The account: what it may do, and its balances by asset. `commission` holds maker and taker rates where given."""

    can_trade: bool
    can_withdraw: bool
    update_time: int
    account_type: str
    permissions: tuple[str, ...]
    maker: Decimal | None
    taker: Decimal | None
    balances: Mapping[str, Balance]


def account(data: Any) -> WireAccount:
    """Read the account; an asset that stands twice is refused. Raises BadReply."""
    fields = Fields(data, "account")
    balances: dict[str, Balance] = {}
    for row in fields.items("balances"):
        one = Fields(row, "account.balances")
        asset = one.text("asset")
        if asset in balances:
            raise BadReply("account: an asset stands twice")
        balances[asset] = Balance(asset, one.amount("free"), one.amount("locked"))
    rates = fields.inner("commissionRates") if fields.has("commissionRates") else None
    return WireAccount(
        fields.flag("canTrade"),
        fields.flag("canWithdraw"),
        fields.time("updateTime"),
        fields.text("accountType"),
        tuple(str(one) for one in fields.items("permissions")) if fields.has("permissions") else (),
        rates.amount("maker") if rates else None,
        rates.amount("taker") if rates else None,
        balances,
    )


@dataclass(frozen=True, slots=True)
class WireAsset:
    """A row of getUserAsset."""

    asset: str
    free: Decimal
    locked: Decimal
    freeze: Decimal
    withdrawing: Decimal


def user_assets(data: Any) -> tuple[WireAsset, ...]:
    """Read getUserAsset; rows of zeros may come or be left out. Raises BadReply."""
    names = ("free", "locked", "freeze", "withdrawing")
    found = [Fields(row, "getUserAsset") for row in rows(data, "getUserAsset")]
    return tuple(WireAsset(one.text("asset"), *(one.amount(name) for name in names)) for one in found)


@dataclass(frozen=True, slots=True)
class Rates:
    """Commission as a fraction of what is received."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class WireCommission:
    """Commission of a symbol: standard, special and tax add up; `discount` multiplies the standard part."""

    symbol: str
    standard: Rates
    special: Rates | None
    tax: Rates
    discount_enabled: bool
    discount_asset: str
    discount: Decimal


def commission(data: Any, asked: str | None = None) -> WireCommission:
    """Read account/commission. Raises BadReply."""
    fields = Fields(data, "commission")
    discount = fields.inner("discount")
    return WireCommission(
        symbol=fields.symbol(asked),
        standard=_rates(fields.inner("standardCommission")),
        special=_rates(fields.inner("specialCommission")) if fields.has("specialCommission") else None,
        tax=_rates(fields.inner("taxCommission")),
        discount_enabled=discount.flag("enabledForAccount") and discount.flag("enabledForSymbol"),
        discount_asset=discount.text("discountAsset"),
        discount=discount.amount("discount"),
    )


def _rates(fields: Fields) -> Rates:
    both = (fields.amount("buyer"), fields.amount("seller")) if fields.has("buyer") else (ZERO, ZERO)
    return Rates(fields.amount("maker"), fields.amount("taker"), *both)


@dataclass(frozen=True, slots=True)
class WireTested:
    """The reply to an order test; rates only where they were asked for."""

    standard: Rates | None = None
    tax: Rates | None = None


def tested(data: Any) -> WireTested:
    """Read order/test: `{}`, or the commission rates of this order. Raises BadReply."""
    fields = Fields(data, "order/test")
    if not fields.has("standardCommissionForOrder"):
        return WireTested()
    return WireTested(_rates(fields.inner("standardCommissionForOrder")), _rates(fields.inner("taxCommissionForOrder")))


@dataclass(frozen=True, slots=True)
class WireRestrictions:
    """What the key may do. `expires_ms` is when its trading permission ends, None where it does not."""

    trading: bool
    reading: bool
    withdrawals: bool
    transfers: bool
    ip_restricted: bool
    created_ms: int
    expires_ms: int | None
    more: tuple[str, ...] = ()  # what else it may do, of which spot trading needs nothing


_MORE = {
    "enableMargin": "margin",
    "enableFutures": "futures",
    "enableVanillaOptions": "options",
    "enablePortfolioMarginTrading": "portfolio margin",
}


def restrictions(data: Any) -> WireRestrictions:
    """Read apiRestrictions; a permission that is left out is one that the key lacks. Raises BadReply."""
    fields = Fields(data, "apiRestrictions")
    return WireRestrictions(
        fields.flag("enableSpotAndMarginTrading"),
        fields.flag("enableReading"),
        fields.flag("enableWithdrawals"),
        fields.flag("permitsUniversalTransfer", default=False) or fields.flag("enableInternalTransfer", default=False),
        fields.flag("ipRestrict"),
        fields.time("createTime") if fields.has("createTime") else 0,
        fields.time("tradingAuthorityExpirationTime") if fields.has("tradingAuthorityExpirationTime") else None,
        tuple(word for name, word in _MORE.items() if fields.flag(name, default=False)),
    )


@dataclass(frozen=True, slots=True)
class WireOrderCount:
    """Unfilled orders in a window, and how many are allowed."""

    interval: str
    number: int
    limit: int
    count: int


def order_counts(data: Any) -> tuple[WireOrderCount, ...]:
    """Read rateLimit/order. Raises BadReply."""
    found = [Fields(row, "rateLimit/order") for row in rows(data, "rateLimit/order")]
    return tuple(
        WireOrderCount(
            one.text("interval"), one.integer("intervalNum", 1), one.integer("limit", 0), one.integer("count", 0)
        )
        for one in found
    )


def asset_limits(data: Any) -> Mapping[str, Decimal]:
    """Read myFilters: MAX_ASSET limits by asset (shown nowhere else). Raises BadReply."""
    found = [Fields(row, "myFilters") for row in Fields(data, "myFilters").items("assetFilters")]
    return {one.text("asset"): one.amount("limit") for one in found if one.text("filterType") == "MAX_ASSET"}
