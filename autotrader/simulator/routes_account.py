"""Signed reading: account, orders, trades, counts, and the wallet's calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from autotrader.simulator import params
from autotrader.simulator.accounts import Rates
from autotrader.simulator.books import Client
from autotrader.simulator.candles import DAY, page_range
from autotrader.simulator.errors import ApiError, bad_combination, either
from autotrader.simulator.model import Order, OwnTrade
from autotrader.simulator.orders import queried, traded
from autotrader.simulator.protocol import Call, Route, fixed
from autotrader.simulator.symbols import SymbolSpec, text

ZERO = Decimal(0)
ARCHIVE = 90 * DAY
ARCHIVED = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."


def _assets(call: Call) -> list[str]:
    specs = [market.spec for market in call.exchange.markets.values()]
    known = {spec.base for spec in specs} | {spec.quote for spec in specs}
    return sorted(known | call.owner.purse.assets.keys())


def _account(call: Call) -> Any:
    client, account = call.owner, call.owner.account
    balances = [(asset, client.purse.of(asset)) for asset in _assets(call)]
    if call.get("omitZeroBalances", False):
        balances = [(asset, balance) for asset, balance in balances if balance.free or balance.locked]
    return {
        "makerCommission": int(account.maker_rate * 10_000),
        "takerCommission": int(account.taker_rate * 10_000),
        "buyerCommission": int(account.buyer_rate * 10_000),
        "sellerCommission": int(account.seller_rate * 10_000),
        "commissionRates": rates(account.standard),
        "canTrade": account.can_trade,
        "canWithdraw": account.may_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": client.update_time,
        "accountType": "SPOT",
        "balances": [{"asset": a, "free": text(b.free), "locked": text(b.locked)} for a, b in balances],
        "permissions": list(account.permissions),
        "uid": client.uid,
    } | ({"tradeGroupId": account.trade_group} if account.trade_group >= 0 else {})


def rates(given: Rates) -> dict[str, str]:
    """Commission rates as shares."""
    return {
        "maker": text(given.maker),
        "taker": text(given.taker),
        "buyer": text(given.buyer),
        "seller": text(given.seller),
    }


def discount(client: Client, spec: SymbolSpec) -> dict[str, Any]:
    """The BNB discount block."""
    return {
        "enabledForAccount": client.account.bnb_fees,
        "enabledForSymbol": spec.bnb_fees,
        "discountAsset": "BNB",
        "discount": text(client.account.bnb_discount),
    }


def _commission(call: Call) -> Any:
    spec, account = call.exchange.market(call.values["symbol"]).spec, call.owner.account
    return {
        "symbol": spec.symbol,
        "standardCommission": rates(account.standard),
        "specialCommission": rates(account.special),
        "taxCommission": rates(account.tax),
        "discount": discount(call.owner, spec),
    }


def _archived(order: Order, now: int) -> bool:
    return not order.open and not order.executed and order.update_time < now - ARCHIVE


def find(client: Client, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
    """The order of that id, else the newest with that client id."""
    if order_id is None:
        return client.by_client_id.get((symbol, client_id or ""))
    orders = client.orders.get(symbol, [])
    first, last = page_range(_Ids(orders), order_id, order_id, 1)
    return orders[first] if first < last else None


class _Ids(Sequence[int]):
    """The ids of orders or trades as a sorted sequence, without copying."""

    def __init__(self, rows: Sequence[Order | OwnTrade]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # bisect asks for single positions only
        return self._rows[index].id


class _Times(_Ids):
    """Their times instead."""

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # as above
        return self._rows[index].time


def _order(call: Call) -> Any:
    order_id, client_id = call.get("orderId"), call.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise either("origClientOrderId", "orderId")
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    order = find(call.owner, symbol, order_id, client_id)
    if order is None:
        raise ApiError(-2013, "Order does not exist.")
    if client_id is not None and order.client_id != client_id:
        raise ApiError(-2039, "Client order ID is not correct for this order ID.")
    if _archived(order, call.exchange.now_ms):
        raise ApiError(-2026, ARCHIVED)
    return queried(order)


def _open_orders(call: Call) -> Any:
    symbol = call.get("symbol")
    if symbol is not None:
        call.exchange.market(symbol)
    return [queried(order) for order in call.owner.open_on(symbol)]


def check_span(start: int | None, end: int | None) -> None:
    """-1127 when two times are more than a day apart."""
    if start is not None and end is not None and end - start > DAY:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")


def _all_orders(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    start, end = call.get("startTime"), call.get("endTime")
    check_span(start, end)
    now, limit = call.exchange.now_ms, call.limit(500, 1000)
    orders = [order for order in call.owner.orders.get(symbol, []) if not _archived(order, now)]
    if "orderId" in call.values:
        first, last = page_range(_Ids(orders), call.values["orderId"], None, limit)
    else:
        first, last = page_range(_Times(orders), start, end, limit)
    return [queried(order) for order in orders[first:last]]


_TRADE_COMBINATIONS: tuple[set[str], ...] = (
    set(), {"orderId"}, {"startTime"}, {"endTime"}, {"startTime", "endTime"}, {"fromId"}, {"orderId", "fromId"},
)  # fmt: skip


def _my_trades(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    if call.values.keys() - {"symbol", "limit"} not in _TRADE_COMBINATIONS:
        raise bad_combination()
    start, end, from_id = call.get("startTime"), call.get("endTime"), call.get("fromId")
    check_span(start, end)
    trades = call.owner.trades.get(symbol, [])
    if "orderId" in call.values:
        trades = [trade for trade in trades if trade.order_id == call.values["orderId"]]
    limit = call.limit(500, 1000)
    if from_id is not None:
        first, last = page_range(_Ids(trades), from_id, None, limit)
    else:
        first, last = page_range(_Times(trades), start, end, limit)
    return [traded(trade) for trade in trades[first:last]]


def _order_counts(call: Call) -> Any:
    return call.owner.counts.shown(call.exchange.now_us)


def _user_assets(call: Call) -> Any:
    wanted = call.get("asset")
    rows = []
    for asset in _assets(call):
        balance = call.owner.purse.of(asset)
        if wanted in (None, asset) and (balance.free or balance.locked):
            worth = call.exchange.in_btc(asset, balance.free + balance.locked)
            value = text(worth) if call.get("needBtcValuation", False) else "0"
            rows.append(
                {
                    "asset": asset,
                    "free": text(balance.free),
                    "locked": text(balance.locked),
                    "freeze": "0",
                    "withdrawing": "0",
                    "ipoable": "0",
                    "btcValuation": value,
                }
            )
    return rows


def _restrictions(call: Call) -> Any:
    account = call.owner.account
    ends = call.exchange.started_ms + 365 * DAY if account.trading_ends_ms is None else account.trading_ends_ms
    return ({"tradingAuthorityExpirationTime": ends} if ends else {}) | {
        "ipRestrict": account.ip_restrict,
        "createTime": call.exchange.started_ms,
        "enableReading": account.may_read,
        "enableWithdrawals": account.may_withdraw,
        "enableInternalTransfer": account.may_transfer_inside,
        "enableMargin": account.may_margin,
        "enableFutures": False,
        "permitsUniversalTransfer": account.may_transfer,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
        "enableSpotAndMarginTrading": account.may_trade,
    }


def _open_weight(given: Mapping[str, str]) -> int:
    return 6 if "symbol" in given else 80


def _trades_weight(given: Mapping[str, str]) -> int:
    return 5 if "orderId" in given else 20


_SYMBOL = {"symbol": params.symbol}
_IDS = _SYMBOL | {"orderId": params.long, "origClientOrderId": params.client_id}
_PAGE = _SYMBOL | {
    "orderId": params.long,
    "startTime": params.time,
    "endTime": params.time,
    "limit": params.positive,
}
_ASSET = {"asset": params.symbol, "needBtcValuation": params.boolean}
_V3 = "/api/v3/"
_NAME = ("symbol",)
_READ = "USER_DATA"

ROUTES: tuple[Route, ...] = (
    Route("GET", _V3 + "account", _account, fixed(20), {"omitZeroBalances": params.boolean}, (), _READ),
    Route("GET", _V3 + "account/commission", _commission, fixed(20), _SYMBOL, _NAME, _READ),
    Route("GET", _V3 + "order", _order, fixed(4), _IDS, _NAME, _READ),
    Route("GET", _V3 + "openOrders", _open_orders, _open_weight, _SYMBOL, (), _READ),
    Route("GET", _V3 + "allOrders", _all_orders, fixed(20), _PAGE, _NAME, _READ),
    Route("GET", _V3 + "myTrades", _my_trades, _trades_weight, _PAGE | {"fromId": params.long}, _NAME, _READ),
    Route("GET", _V3 + "rateLimit/order", _order_counts, fixed(40), {}, (), _READ),
    Route("POST", "/sapi/v3/asset/getUserAsset", _user_assets, fixed(5), _ASSET, (), _READ),
    Route("GET", "/sapi/v1/account/apiRestrictions", _restrictions, fixed(1), {}, (), _READ),
)
