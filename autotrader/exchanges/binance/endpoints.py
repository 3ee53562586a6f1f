"""Every call of the venue that autotrader uses: a row each (path, weight, names of its parameters), and a method that
fills it and reads the reply into a value of the domain (docs/venue.md §2).

Market calls need no key. Account calls need one, and only look. Placing and cancelling live in `broker`, because their
answers are outcomes, not values. All methods raise ExchangeUnavailable or ExchangeRefused; the signed ones also
SafetyRefused where there is no key or no certain time. `asked_ms` of what they give is the venue's time before the
request left (before its first try, so that retries only make a datum look older than it is).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from autotrader.errors import UsageError
from autotrader.exchanges.binance import account_replies as own
from autotrader.exchanges.binance import market_replies as public
from autotrader.exchanges.binance import weights
from autotrader.exchanges.binance.client import READ_SECONDS, Client, Endpoint
from autotrader.exchanges.binance.signing import Params, Value
from autotrader.exchanges.paper import PublicTrade
from autotrader.exchanges.reading import BadReply, Model, by_symbol
from autotrader.exchanges.venue import (
    AccountInfo,
    AveragePrice,
    Commission,
    KeyPermissions,
    LastPrice,
    OrderCount,
    OrderTest,
    WalletAsset,
)
from autotrader.market.candles import Candle
from autotrader.market.snapshot import Book, ExchangeStatus, Ticker
from autotrader.orders import Fill, Order, OrderRequest, OrderType

Span = tuple[int | None, int | None]
OPEN: Final[Span] = (None, None)
T = TypeVar("T")
Each = Mapping[str, T | BadReply]


# fmt: off
TIME            = Endpoint("GET", "/api/v3/time", 1)
EXCHANGE_INFO   = Endpoint("GET", "/api/v3/exchangeInfo", 20, "symbols showPermissionSets")
TICKER_24H      = Endpoint("GET", "/api/v3/ticker/24hr", weights.tickers, "symbol symbols type")
TRADING_DAY     = Endpoint("GET", "/api/v3/ticker/tradingDay", weights.trading_days, "symbol symbols timeZone type")
LAST_PRICE      = Endpoint("GET", "/api/v3/ticker/price", weights.best_prices, "symbol symbols")
BOOK_TICKER     = Endpoint("GET", "/api/v3/ticker/bookTicker", weights.best_prices, "symbol symbols")
DEPTH           = Endpoint("GET", "/api/v3/depth", weights.depth, "symbol limit")
KLINES          = Endpoint("GET", "/api/v3/klines", 2, "symbol interval startTime endTime timeZone limit")
AGG_TRADES      = Endpoint("GET", "/api/v3/aggTrades", 4, "symbol fromId startTime endTime limit")
AVERAGE_PRICE   = Endpoint("GET", "/api/v3/avgPrice", 2, "symbol")
SYSTEM_STATUS   = Endpoint("GET", "/sapi/v1/system/status", 1)
ACCOUNT         = Endpoint("GET", "/api/v3/account", 20, "omitZeroBalances", signed=True)
USER_ASSETS     = Endpoint("POST", "/sapi/v3/asset/getUserAsset", 5, "asset", signed=True)
COMMISSION      = Endpoint("GET", "/api/v3/account/commission", 20, "symbol", signed=True)
RESTRICTIONS    = Endpoint("GET", "/sapi/v1/account/apiRestrictions", 1, signed=True)
ORDER_COUNTS    = Endpoint("GET", "/api/v3/rateLimit/order", 40, signed=True)
OPEN_ORDERS     = Endpoint("GET", "/api/v3/openOrders", weights.open_orders, "symbol", signed=True)
ALL_ORDERS      = Endpoint("GET", "/api/v3/allOrders", 20, "symbol orderId startTime endTime limit", signed=True)
ONE_ORDER       = Endpoint("GET", "/api/v3/order", 4, "symbol origClientOrderId", urgent=True, signed=True)
MY_TRADES       = Endpoint("GET", "/api/v3/myTrades", 20, "symbol fromId startTime endTime limit", signed=True)
TRADES_OF_ORDER = Endpoint("GET", "/api/v3/myTrades", 5, "symbol orderId fromId limit", signed=True)
ORDER_TEST      = Endpoint("POST", "/api/v3/order/test", 1, signed=True)
ORDER_TEST_RATES = ORDER_TEST._replace(weight=20)
# fmt: on


class _Calls:
    """`seconds` is the total time that one call may take, retries included."""

    def __init__(self, client: Client, seconds: float = READ_SECONDS) -> None:
        self._client = client
        self._seconds = seconds

    def _ask(self, row: Endpoint, size: int = 1, **values: Value | None) -> Any:
        """The JSON value of a call; values that are None are left out of the request."""
        params: Params = [(name, values.pop(name)) for name in row.names.split() if name in values]
        if values:
            raise TypeError(f"{row.path} has no parameter {', '.join(values)}")
        return self._client.ask(row, params, size=size, seconds=self._seconds)

    @property
    def origin(self) -> str:
        """The host that is asked."""
        return self._client.url.origin

    def _now_ms(self) -> int:
        return self._client.clock.now_ms()


class PublicCalls(_Calls):
    """Calls without a key."""

    def within(self, seconds: float) -> PublicCalls:
        """The same calls with less time."""
        return PublicCalls(self._client, seconds)

    def time(self) -> int:
        """The venue's time in milliseconds."""
        return public.SERVER_TIME.read(self._ask(TIME)).server_ms

    def exchange_info(self, symbols: Sequence[str] = ()) -> public.ExchangeInfo:
        """Filters and limits of some symbols, or of all; without the huge permission sets."""
        names = tuple(symbols) or None
        info = public.EXCHANGE_INFO.read(self._ask(EXCHANGE_INFO, symbols=names, showPermissionSets=False))
        # Filters of a symbol that nobody asked about would be kept for a day, and trusted.
        if symbols and (others := {one.symbol for one in info.instruments} - set(symbols)):
            raise BadReply(f"exchangeInfo: {len(others)} symbols that were not asked for")
        return info

    def ticker_24h(self, symbols: Sequence[str], *, brief: bool = False) -> tuple[Ticker, ...]:
        """Rolling 24 hour tickers, in the order asked."""
        return _all(self.ticker_24h_each(symbols, brief=brief))

    def ticker_24h_each(self, symbols: Sequence[str], *, brief: bool = False) -> Each[Ticker]:
        """Rolling 24 hour tickers by symbol; one that cannot be believed spoils no other."""
        return self._each(public.TICKER, TICKER_24H, symbols, type=_form(brief=brief))

    def trading_day(self, symbols: Sequence[str], zone: str = "0", *, brief: bool = False) -> tuple[Ticker, ...]:
        """Tickers of the calendar day in a zone such as `9` or `-3:30`, in the order asked."""
        return _all(self.trading_day_each(symbols, zone, brief=brief))

    def trading_day_each(self, symbols: Sequence[str], zone: str = "0", *, brief: bool = False) -> Each[Ticker]:
        """Trading-day tickers by symbol; one that cannot be believed spoils no other."""
        return self._each(public.TICKER, TRADING_DAY, symbols, timeZone=zone, type=_form(brief=brief))

    def prices(self, symbols: Sequence[str]) -> tuple[LastPrice, ...]:
        """Last prices, in the order asked."""
        found = self._each(public.LAST_PRICE, LAST_PRICE, symbols)
        return _all(found)

    def best(self, symbols: Sequence[str]) -> tuple[Book, ...]:
        """Best bids and asks as books of one level, in the order asked."""
        return _all(self.best_each(symbols))

    def best_each(self, symbols: Sequence[str]) -> Each[Book]:
        """Best bids and asks by symbol; one that cannot be believed spoils no other."""
        return self._each(public.BEST, BOOK_TICKER, symbols)

    def depth(self, symbol: str, levels: int = 100) -> Book:
        """Order book of up to so many levels a side."""
        # Replies about books carry no time of their own: the moment before the request left is the only honest age.
        asked_ms = self._now_ms()
        data = self._ask(DEPTH, levels, symbol=symbol, limit=levels)
        return public.BOOK.read(data, symbol=symbol, asked_levels=levels, asked_ms=asked_ms)

    def klines(
        self, symbol: str, interval: str, limit: int = 500, span: Span = OPEN, zone: str | None = None
    ) -> tuple[Candle, ...]:
        """Candles, oldest first; the last one is usually still open. At most 1000."""
        start, end = span
        return public.klines(
            self._ask(
                KLINES, symbol=symbol, interval=interval, startTime=start, endTime=end, timeZone=zone, limit=limit
            )
        )

    def agg_trades(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 500
    ) -> tuple[PublicTrade, ...]:
        """The market's trades, those of one taker at one price in one; from an id, of a span, or the last ones."""
        start, end = span
        return public.PUBLIC_TRADE.rows(
            self._ask(AGG_TRADES, symbol=symbol, fromId=from_id, startTime=start, endTime=end, limit=limit)
        )

    def average_price(self, symbol: str) -> AveragePrice:
        """Average price of the last minutes, the reference of the PERCENT_PRICE filters."""
        return public.AVERAGE_PRICE.read(self._ask(AVERAGE_PRICE, symbol=symbol))

    def system_status(self) -> ExchangeStatus:
        """Normal, or under maintenance. Live hosts only."""
        asked_ms = self._now_ms()
        return public.SYSTEM_STATUS.read(self._ask(SYSTEM_STATUS), asked_ms=asked_ms)

    def _each(self, model: Model[T], row: Endpoint, symbols: Sequence[str], **values: Value) -> Each[T]:
        """Values by symbol in the order asked (the venue answers in its own), or why one has none. Raises BadReply."""
        if len(set(symbols)) != len(symbols):
            raise UsageError("a symbol stands twice in one request")
        asked_ms = self._now_ms()
        # `symbol=` for one, `symbols=` for several: one form each that the venue accepts, and the cheaper.
        names: dict[str, Value] = {"symbol": symbols[0]} if len(symbols) == 1 else {"symbols": tuple(symbols)}
        data = self._ask(row, len(symbols), **names, **values)
        found = {symbols[0]: data} if len(symbols) == 1 else by_symbol(data, symbols, model.what)
        each: dict[str, T | BadReply] = {}
        for symbol in symbols:
            try:
                each[symbol] = model.read(found[symbol], symbol, asked_ms=asked_ms)
            except KeyError:
                each[symbol] = BadReply(f"{model.what}: no answer for {symbol}")
            except BadReply as error:
                each[symbol] = error
        return each


class AccountCalls(_Calls):
    """Signed calls that only look."""

    def within(self, seconds: float) -> AccountCalls:
        """The same calls with less time."""
        return AccountCalls(self._client, seconds)

    def account(self, *, omit_zero: bool = True) -> AccountInfo:
        """Balances and permissions."""
        return own.ACCOUNT.read(self._ask(ACCOUNT, omitZeroBalances=omit_zero))

    def user_assets(self, asset: str | None = None) -> tuple[WalletAsset, ...]:
        """Assets of the spot wallet; rows of zeros may come or be left out. Live hosts only."""
        return own.WALLET_ASSET.rows(self._ask(USER_ASSETS, asset=asset))

    def commission(self, symbol: str) -> Commission:
        """Commission rates of a symbol."""
        return own.COMMISSION.read(self._ask(COMMISSION, symbol=symbol), symbol)

    def restrictions(self) -> KeyPermissions:
        """What the key may do. Live hosts only."""
        return own.KEY_PERMISSIONS.read(self._ask(RESTRICTIONS))

    def order_counts(self) -> tuple[OrderCount, ...]:
        """Unfilled orders in each window."""
        return own.ORDER_COUNT.rows(self._ask(ORDER_COUNTS))

    def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Open orders of a symbol, or (at 80 weight) of all."""
        return own.ORDER.rows(self._ask(OPEN_ORDERS, 1 if symbol else 0, symbol=symbol), symbol)

    def all_orders(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 500
    ) -> tuple[Order, ...]:
        """Orders of any status, oldest first; from an order id, or of a span of at most 24 hours."""
        start, end = span
        data = self._ask(ALL_ORDERS, symbol=symbol, orderId=from_id, startTime=start, endTime=end, limit=limit)
        return own.ORDER.rows(data, symbol)

    def order(self, symbol: str, client_order_id: str) -> Order:
        """One order by the id that we gave it. Raises ExchangeRefused with -2013 where the venue does not know it."""
        return own.ORDER.read(self._ask(ONE_ORDER, symbol=symbol, origClientOrderId=client_order_id), symbol)

    def my_trades(
        self, symbol: str, from_id: int | None = None, span: Span = OPEN, limit: int = 1000
    ) -> tuple[Fill, ...]:
        """Our trades, oldest first; from a trade id, or of a span of at most 24 hours."""
        start, end = span
        data = self._ask(MY_TRADES, symbol=symbol, fromId=from_id, startTime=start, endTime=end, limit=limit)
        return own.MY_TRADE.rows(data, symbol)

    def trades_of(self, symbol: str, order_id: int, from_id: int | None, limit: int) -> tuple[Fill, ...]:
        """Our trades of one order, oldest first; from a trade id."""
        found = own.MY_TRADE.rows(
            self._ask(TRADES_OF_ORDER, symbol=symbol, orderId=order_id, fromId=from_id, limit=limit), symbol
        )
        if any(one.order_id != order_id for one in found):
            raise BadReply("myTrades: field orderId is of another order")
        return found

    def test_order(self, request: OrderRequest, *, rates: bool = False) -> OrderTest:
        """Have the venue check an order without placing it: parameters, signature and filters, not the balance."""
        row = ORDER_TEST_RATES if rates else ORDER_TEST
        params: Params = [*order_params(request), ("computeCommissionRates", True if rates else None)]
        return own.ORDER_TEST.read(self._client.ask(row, params, seconds=self._seconds))


def order_params(request: OrderRequest) -> list[tuple[str, Value | None]]:
    """The parameters of an order, as the venue wants them for its type (docs/venue.md §2.5)."""
    return [
        ("symbol", request.symbol),
        ("side", request.side.value),
        ("type", request.type.value),
        ("timeInForce", request.tif.value if request.type is OrderType.LIMIT else None),
        ("quantity", request.quantity),
        ("price", request.price),
        ("newClientOrderId", request.client_order_id),
    ]


def _form(*, brief: bool) -> str:
    return "MINI" if brief else "FULL"


def _all(each: Each[T]) -> tuple[T, ...]:
    """All values, or the first reason why there is none. Raises BadReply."""
    found: list[T] = []
    for value in each.values():
        if isinstance(value, BadReply):
            raise value
        found.append(value)
    return tuple(found)
