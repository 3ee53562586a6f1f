"""Every call of the venue that autotrader uses, as one method each: arguments in, typed value out (exchange-facts §2).

Market calls need no key. Account calls need one, and only look. Placing and cancelling live in `broker`, because
their answers are outcomes, not values. All methods raise ExchangeUnavailable or ExchangeRefused; the signed ones also
SafetyRefused where there is no key or no certain time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from autotrader.errors import UsageError
from autotrader.exchanges.binance import weights, wire, wire_account
from autotrader.exchanges.binance.client import READ_SECONDS, Client
from autotrader.exchanges.binance.fields import BadReply, by_symbol
from autotrader.exchanges.binance.signing import Params, Value
from autotrader.orders import Fill, Order, OrderRequest, OrderType

Span = tuple[int | None, int | None]
TickerType = Literal["FULL", "MINI"]
OPEN: Span = (None, None)
T = TypeVar("T")
Each = Mapping[str, T | BadReply]


class Market:
    """Public calls. `seconds` is the total time that one call may take, retries included."""

    def __init__(self, client: Client, seconds: float = READ_SECONDS) -> None:
        self._client = client
        self._seconds = seconds

    def within(self, seconds: float) -> Market:
        """The same calls with less time."""
        return Market(self._client, seconds)

    def ping(self) -> None:
        """Whether the venue answers at all."""
        self._get("/api/v3/ping")

    def time(self) -> int:
        """The venue's time in milliseconds."""
        return wire.server_time(self._get("/api/v3/time"))

    def exchange_info(self, symbols: Sequence[str] = ()) -> wire.WireExchange:
        """Filters and limits of some symbols, or of all; without the huge permission sets."""
        params = [*_names(symbols, always_list=True), ("showPermissionSets", False)]
        info = wire.exchange_info(self._get("/api/v3/exchangeInfo", params))
        if symbols and (others := {one.symbol for one in info.symbols} - set(symbols)):
            raise BadReply(f"exchangeInfo: {len(others)} symbols that were not asked for")
        return info

    def ticker_24h(self, symbols: Sequence[str], kind: TickerType = "FULL") -> tuple[wire.WireTicker, ...]:
        """Rolling 24 hour tickers, in the order asked."""
        return _all(self.ticker_24h_each(symbols, kind))

    def ticker_24h_each(self, symbols: Sequence[str], kind: TickerType = "FULL") -> Each[wire.WireTicker]:
        """Rolling 24 hour tickers by symbol; one that cannot be believed spoils no other."""
        params = [*_names(symbols), ("type", kind)]
        data = self._get("/api/v3/ticker/24hr", params, weights.tickers(len(symbols)))
        return _each(data, symbols, wire.ticker, "ticker")

    def trading_day(
        self, symbols: Sequence[str], zone: str = "0", kind: TickerType = "FULL"
    ) -> tuple[wire.WireTicker, ...]:
        """Tickers of the calendar day in a zone such as `9` or `-3:30`, in the order asked."""
        return _all(self.trading_day_each(symbols, zone, kind))

    def trading_day_each(
        self, symbols: Sequence[str], zone: str = "0", kind: TickerType = "FULL"
    ) -> Each[wire.WireTicker]:
        """Trading-day tickers by symbol; one that cannot be believed spoils no other."""
        params = [*_names(symbols), ("timeZone", zone), ("type", kind)]
        data = self._get("/api/v3/ticker/tradingDay", params, weights.trading_days(len(symbols)))
        return _each(data, symbols, wire.ticker, "tradingDay")

    def prices(self, symbols: Sequence[str]) -> tuple[wire.WirePrice, ...]:
        """Last prices, in the order asked."""
        data = self._get("/api/v3/ticker/price", _names(symbols), weights.best_prices(len(symbols)))
        return _all(_each(data, symbols, wire.price, "price"))

    def best(self, symbols: Sequence[str]) -> tuple[wire.WireBest, ...]:
        """Best bids and asks, in the order asked."""
        return _all(self.best_each(symbols))

    def best_each(self, symbols: Sequence[str]) -> Each[wire.WireBest]:
        """Best bids and asks by symbol; one that cannot be believed spoils no other."""
        data = self._get("/api/v3/ticker/bookTicker", _names(symbols), weights.best_prices(len(symbols)))
        return _each(data, symbols, wire.best, "bookTicker")

    def depth(self, symbol: str, limit: int = 100) -> wire.WireBook:
        """Order book of up to `limit` levels a side."""
        data = self._get("/api/v3/depth", [("symbol", symbol), ("limit", limit)], weights.depth(limit))
        return wire.book(data)

    def klines(
        self, symbol: str, interval: str, limit: int = 500, span: Span = OPEN, zone: str | None = None
    ) -> tuple[wire.WireKline, ...]:
        """Candles, oldest first; the last one is usually still open. At most 1000."""
        params: Params = [
            ("symbol", symbol),
            ("interval", interval),
            ("startTime", span[0]),
            ("endTime", span[1]),
            ("timeZone", zone),
            ("limit", limit),
        ]
        return wire.klines(self._get("/api/v3/klines", params))

    def trades(self, symbol: str, limit: int = 500) -> tuple[wire.WireTrade, ...]:
        """The market's last trades, oldest first."""
        return wire.trades(self._get("/api/v3/trades", [("symbol", symbol), ("limit", limit)]))

    def agg_trades(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 500
    ) -> tuple[wire.WireTrade, ...]:
        """The market's trades, those of one taker at one price in one; from an id, of a span, or the last ones."""
        params: Params = [
            ("symbol", symbol),
            ("fromId", from_id),
            ("startTime", span[0]),
            ("endTime", span[1]),
            ("limit", limit),
        ]
        return wire.agg_trades(self._get("/api/v3/aggTrades", params))

    def average_price(self, symbol: str) -> wire.WireAverage:
        """Average price of the last minutes, the reference of the PERCENT_PRICE filters."""
        return wire.average(self._get("/api/v3/avgPrice", [("symbol", symbol)]))

    def system_status(self) -> wire.WireStatus:
        """Normal, or under maintenance. Live hosts only."""
        return wire.system_status(self._get("/sapi/v1/system/status"))

    def _get(self, path: str, params: Params = (), weight: int | None = None) -> Any:
        cost = weights.FIXED[("GET", path)] if weight is None else weight
        return self._client.public(path, params, weight=cost, seconds=self._seconds)


class AccountCalls:
    """Signed calls that only look."""

    def __init__(self, client: Client, seconds: float = READ_SECONDS) -> None:
        self._client = client
        self._seconds = seconds

    def within(self, seconds: float) -> AccountCalls:
        """The same calls with less time."""
        return AccountCalls(self._client, seconds)

    def account(self, *, omit_zero: bool = True) -> wire_account.WireAccount:
        """Balances and permissions."""
        return wire_account.account(self._get("/api/v3/account", [("omitZeroBalances", omit_zero)]))

    def user_assets(self, asset: str | None = None) -> tuple[wire_account.WireAsset, ...]:
        """Assets of the spot wallet. Live hosts only."""
        path = "/sapi/v3/asset/getUserAsset"
        data = self._client.account("POST", path, [("asset", asset)], weight=5, seconds=self._seconds)
        return wire_account.user_assets(data)

    def commission(self, symbol: str) -> wire_account.WireCommission:
        """Commission rates of a symbol."""
        return wire_account.commission(self._get("/api/v3/account/commission", [("symbol", symbol)]), symbol)

    def restrictions(self) -> wire_account.WireRestrictions:
        """What the key may do. Live hosts only."""
        return wire_account.restrictions(self._get("/sapi/v1/account/apiRestrictions"))

    def order_counts(self) -> tuple[wire_account.WireOrderCount, ...]:
        """Unfilled orders in each window."""
        return wire_account.order_counts(self._get("/api/v3/rateLimit/order"))

    def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Open orders of a symbol, or (at 80 weight) of all."""
        weight = weights.OPEN_ORDERS_ONE if symbol else weights.OPEN_ORDERS_ALL
        return wire_account.orders(self._get("/api/v3/openOrders", [("symbol", symbol)], weight), symbol)

    def all_orders(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 500
    ) -> tuple[Order, ...]:
        """Orders of any status, oldest first; from an order id, or of a span of at most 24 hours."""
        params: Params = [
            ("symbol", symbol),
            ("orderId", from_id),
            ("startTime", span[0]),
            ("endTime", span[1]),
            ("limit", limit),
        ]
        return wire_account.orders(self._get("/api/v3/allOrders", params), symbol)

    def order(self, symbol: str, client_order_id: str) -> Order:
        """One order by the id that we gave it. Raises ExchangeRefused with -2013 where the venue does not know it."""
        params: Params = [("symbol", symbol), ("origClientOrderId", client_order_id)]
        data = self._client.account("GET", "/api/v3/order", params, weight=4, seconds=self._seconds, urgent=True)
        return wire_account.order(data, symbol)

    def my_trades(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 1000
    ) -> tuple[Fill, ...]:
        """Our trades, oldest first; from a trade id, or of a span of at most 24 hours."""
        params: Params = [
            ("symbol", symbol),
            ("fromId", from_id),
            ("startTime", span[0]),
            ("endTime", span[1]),
            ("limit", limit),
        ]
        return wire_account.my_trades(self._get("/api/v3/myTrades", params), symbol)

    def trades_of(self, symbol: str, order_id: int, from_id: int | None, limit: int) -> tuple[Fill, ...]:
        """Our trades of one order, oldest first; from a trade id."""
        params: Params = [("symbol", symbol), ("orderId", order_id), ("fromId", from_id), ("limit", limit)]
        data = self._get("/api/v3/myTrades", params, weights.TRADES_OF_ORDER)
        return wire_account.my_trades(data, symbol, order_id)

    def test_order(self, request: OrderRequest, *, rates: bool = False) -> wire_account.WireTested:
        """Have the venue check an order without placing it: parameters, signature and filters, not the balance."""
        params: Params = [*order_params(request), ("computeCommissionRates", True if rates else None)]
        weight = 20 if rates else 1
        data = self._client.account("POST", "/api/v3/order/test", params, weight=weight, seconds=self._seconds)
        return wire_account.tested(data)

    def _get(self, path: str, params: Params = (), weight: int | None = None) -> Any:
        cost = weights.FIXED[("GET", path)] if weight is None else weight
        return self._client.account("GET", path, params, weight=cost, seconds=self._seconds)


def order_params(request: OrderRequest) -> list[tuple[str, Value | None]]:
    """The parameters of an order, as the venue wants them for its type (exchange-facts §2.5)."""
    return [
        ("symbol", request.symbol),
        ("side", request.side.value),
        ("type", request.type.value),
        ("timeInForce", request.tif.value if request.type is OrderType.LIMIT else None),
        ("quantity", request.quantity),
        ("price", request.price),
        ("newClientOrderId", request.client_order_id),
    ]


def _names(symbols: Sequence[str], *, always_list: bool = False) -> list[tuple[str, Value]]:
    """`symbol=` for one, `symbols=` for several: one form each that the venue accepts, and the cheaper."""
    if len(set(symbols)) != len(symbols):
        raise UsageError("a symbol stands twice in one request")
    if len(symbols) == 1 and not always_list:
        return [("symbol", symbols[0])]
    return [("symbols", tuple(symbols))] if symbols else []


def _each(data: Any, symbols: Sequence[str], read: Callable[[Any, str], T], what: str) -> Each[T]:
    """Values by symbol in the order asked (the venue answers in its own), or why one has none. Raises BadReply."""
    found = {symbols[0]: data} if len(symbols) == 1 else by_symbol(data, symbols, what)
    values: dict[str, T | BadReply] = {}
    for symbol in symbols:
        try:
            values[symbol] = read(found[symbol], symbol)
        except KeyError:
            values[symbol] = BadReply(f"{what}: no answer for {symbol}")
        except BadReply as error:
            values[symbol] = error
    return values


def _all(each: Each[T]) -> tuple[T, ...]:
    """All values, or the first reason why there is none. Raises BadReply."""
    found: list[T] = []
    for value in each.values():
        if isinstance(value, BadReply):
            raise value
        found.append(value)
    return tuple(found)
