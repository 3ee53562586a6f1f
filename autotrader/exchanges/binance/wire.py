"""Replies about the market, as typed values.

Read by hand, field by field: what is needed must be there, of the right JSON type and sensible; what we do not know
is passed over, because the venue adds fields without notice. Prices and quantities arrive as decimal strings and
become Decimal at once. A symbol that we did not ask for is refused (a cache may mix replies up).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from autotrader.exchanges.binance.fields import (
    DECIMAL,
    EARLIEST_MS,
    LATEST_MS,
    BadReply,
    Fields,
    rows,
)  # fmt: skip
from autotrader.money import ZERO
from autotrader.structs import dataclass

MOST_PLACES: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class WireTicker:
    """24 hour, trading-day or rolling ticker. `change` is the venue's percentage, or computed where MINI omits it."""

    symbol: str
    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal
    change: Decimal
    open_time: int
    close_time: int
    count: int
    change_amount: Decimal | None = None
    average: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


def ticker(data: Any, asked: str | None = None) -> WireTicker:
    """Read a FULL or MINI ticker. Raises BadReply."""
    fields = Fields(data, "ticker")
    opened, last = fields.price("openPrice"), fields.price("lastPrice")
    full = fields.has("priceChangePercent")
    return WireTicker(
        symbol=fields.symbol(asked),
        last=last,
        open=opened,
        high=fields.price("highPrice"),
        low=fields.price("lowPrice"),
        volume=fields.amount("volume"),
        quote_volume=fields.amount("quoteVolume"),
        change=fields.decimal("priceChangePercent") if full else round((last - opened) / opened * 100, 3),
        open_time=fields.time("openTime"),
        close_time=fields.time("closeTime"),
        count=fields.integer("count", 0),
        change_amount=fields.decimal("priceChange") if fields.has("priceChange") else None,
        average=fields.amount("weightedAvgPrice") if fields.has("weightedAvgPrice") else None,
        bid=fields.amount("bidPrice") if fields.has("bidPrice") else None,
        ask=fields.amount("askPrice") if fields.has("askPrice") else None,
    )


@dataclass(frozen=True, slots=True)
class WirePrice:
    """Last price of a symbol."""

    symbol: str
    price: Decimal


def price(data: Any, asked: str | None = None) -> WirePrice:
    """Read ticker/price. Raises BadReply."""
    fields = Fields(data, "price")
    return WirePrice(fields.symbol(asked), fields.price("price"))


Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class WireBook:
    """Order book, best first on both sides. `update_id` is 0 where the venue gives none (best prices only)."""

    update_id: int
    bids: Levels
    asks: Levels


def book(data: Any) -> WireBook:
    """Read an order book; crossed or unsorted ones are refused. Raises BadReply."""
    fields = Fields(data, "depth")
    bids, asks = _levels(fields.items("bids")), _levels(fields.items("asks"))
    if any(bids[i][0] <= bids[i + 1][0] for i in range(len(bids) - 1)):
        raise BadReply("depth: bids are not in falling order")
    if any(asks[i][0] >= asks[i + 1][0] for i in range(len(asks) - 1)):
        raise BadReply("depth: asks are not in rising order")
    _refuse_crossed(bids, asks)
    return WireBook(fields.integer("lastUpdateId", 0), bids, asks)


@dataclass(frozen=True, slots=True)
class WireBest:
    """Best bid and ask of a symbol; an empty side is an empty tuple."""

    symbol: str
    book: WireBook


def best(data: Any, asked: str | None = None) -> WireBest:
    """Read ticker/bookTicker; an empty side comes as zeros. Raises BadReply."""
    fields = Fields(data, "bookTicker")
    bid, bid_size = fields.amount("bidPrice"), fields.amount("bidQty")
    ask, ask_size = fields.amount("askPrice"), fields.amount("askQty")
    bids: Levels = ((bid, bid_size),) if bid and bid_size else ()
    asks: Levels = ((ask, ask_size),) if ask and ask_size else ()
    _refuse_crossed(bids, asks)
    return WireBest(fields.symbol(asked), WireBook(0, bids, asks))


def _levels(data: list[Any]) -> Levels:
    found = []
    for row in data:
        if not isinstance(row, list) or len(row) < 2:
            raise BadReply("depth: a level is not a pair")
        level_price, size = row[0], row[1]
        if not (isinstance(level_price, str) and isinstance(size, str)):
            raise BadReply("depth: a level is not a pair of decimal strings")
        if not (DECIMAL.fullmatch(level_price) and DECIMAL.fullmatch(size)):
            raise BadReply("depth: a level is not a pair of decimal numbers")
        pair = (Decimal(level_price), Decimal(size))
        if pair[0] <= 0 or pair[1] <= 0:
            raise BadReply("depth: a price or quantity is not above 0")
        found.append(pair)
    return tuple(found)


def _refuse_crossed(bids: Levels, asks: Levels) -> None:
    if bids and asks and bids[0][0] >= asks[0][0]:
        raise BadReply("depth: the best bid is not below the best ask")


@dataclass(frozen=True, slots=True)
class WireKline:
    """One candle as the venue gave it; the text of its figures is exact."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: int
    quote_volume: Decimal
    count: int


def klines(data: Any) -> tuple[WireKline, ...]:
    """Read candles; figures that contradict each other, and times that do not rise, are refused. Raises BadReply."""
    found = tuple(_kline(row) for row in rows(data, "klines"))
    if any(found[i].open_time >= found[i + 1].open_time for i in range(len(found) - 1)):
        raise BadReply("klines: a candle stands twice or out of order")
    return found


def _kline(row: Any) -> WireKline:
    if not isinstance(row, list) or len(row) < 9:
        raise BadReply("klines: a row is too short")
    times = (row[0], row[6], row[8])
    texts = (row[1], row[2], row[3], row[4], row[5], row[7])
    if not all(type(one) is int and 0 <= one <= LATEST_MS for one in times):
        raise BadReply("klines: a time or count is not a whole number")
    if not all(type(one) is str and DECIMAL.fullmatch(one) for one in texts):
        raise BadReply("klines: a figure is not a decimal number in quotes")
    opened, high, low, closed, volume, turnover = (Decimal(one) for one in texts)
    if not (ZERO < low <= opened <= high and low <= closed <= high and volume >= 0 and turnover >= 0):
        raise BadReply("klines: the figures of a candle contradict each other")
    if row[6] < row[0]:
        raise BadReply("klines: a candle closes before it opens")
    return WireKline(row[0], opened, high, low, closed, volume, row[6], turnover, row[8])


@dataclass(frozen=True, slots=True)
class WireTrade:
    """A trade of the market; in aggregated ones `last_id` is the last trade in it."""

    id: int
    price: Decimal
    quantity: Decimal
    time: int
    is_buyer_maker: bool
    first_id: int
    last_id: int


def trades(data: Any) -> tuple[WireTrade, ...]:
    """Read trades or historicalTrades. Raises BadReply."""
    return tuple(
        _trade(Fields(row, "trades"), ("id", "price", "qty", "time", "isBuyerMaker")) for row in rows(data, "trades")
    )


def agg_trades(data: Any) -> tuple[WireTrade, ...]:
    """Read aggTrades. Raises BadReply."""
    return tuple(_trade(Fields(row, "aggTrades"), ("a", "p", "q", "T", "m")) for row in rows(data, "aggTrades"))


def _trade(fields: Fields, names: tuple[str, str, str, str, str]) -> WireTrade:
    id_, price_, quantity, time, maker = names
    number = fields.integer(id_, 0)
    return WireTrade(
        number,
        fields.price(price_),
        fields.amount(quantity),
        fields.time(time),
        fields.flag(maker),
        fields.integer("f", -1) if fields.has("f") else number,
        fields.integer("l", -1) if fields.has("l") else number,
    )


@dataclass(frozen=True, slots=True)
class WireAverage:
    """Average price of the last `minutes`; `close_time` is the last trade's, where given."""

    minutes: int
    price: Decimal
    close_time: int | None


def average(data: Any) -> WireAverage:
    """Read avgPrice. Raises BadReply."""
    fields = Fields(data, "avgPrice")
    closed = fields.time("closeTime") if fields.has("closeTime") else None
    return WireAverage(fields.integer("mins", 0), fields.price("price"), closed)


def server_time(data: Any) -> int:
    """Read /time: milliseconds, of this century. Raises BadReply."""
    fields = Fields(data, "time")
    value = fields.time("serverTime")
    if value < EARLIEST_MS:
        raise fields.bad("serverTime", "lies before the exchange began")
    return value


@dataclass(frozen=True, slots=True)
class WireStatus:
    """System status: 0 normal, 1 maintenance."""

    status: int
    message: str


def system_status(data: Any) -> WireStatus:
    """Read sapi system/status. Raises BadReply."""
    fields = Fields(data, "system status")
    return WireStatus(fields.integer("status"), fields.text("msg"))


@dataclass(frozen=True, slots=True)
class WireSymbol:
    """A symbol of exchangeInfo; `filters` by their type, unread. `base_places` and `quote_places` are the most decimals
    that quantities and prices may have.
    """

    symbol: str
    status: str
    base: str
    quote: str
    order_types: frozenset[str]
    spot_allowed: bool
    filters: Mapping[str, Mapping[str, Any]]
    base_places: int = 8
    quote_places: int = 8


@dataclass(frozen=True, slots=True)
class WireExchange:
    """exchangeInfo. `rate_limits` are rows of (type, interval, intervalNum, limit)."""

    server_time: int
    rate_limits: tuple[tuple[str, str, int, int], ...]
    symbols: tuple[WireSymbol, ...]


def exchange_info(data: Any) -> WireExchange:
    """Read exchangeInfo. A rate limit of a kind that we do not know is passed over. Raises BadReply."""
    fields = Fields(data, "exchangeInfo")
    limits = [Fields(row, "exchangeInfo.rateLimits") for row in fields.items("rateLimits")]
    return WireExchange(
        fields.time("serverTime"),
        tuple(
            (one.text("rateLimitType"), one.text("interval"), one.integer("intervalNum", 1), one.integer("limit", 1))
            for one in limits
            if one.has("rateLimitType")
        ),
        tuple(_symbol(row) for row in fields.items("symbols")),
    )


def _symbol(row: Any) -> WireSymbol:
    fields = Fields(row, "exchangeInfo.symbols")
    filters = {Fields(one, "exchangeInfo.filters").text("filterType"): one for one in fields.items("filters")}
    return WireSymbol(
        fields.text("symbol"),
        fields.text("status"),
        fields.text("baseAsset"),
        fields.text("quoteAsset"),
        frozenset(str(one) for one in fields.items("orderTypes")),
        fields.flag("isSpotTradingAllowed", default=True),
        filters,
        *(_places(fields, name) for name in ("baseAssetPrecision", "quoteAssetPrecision")),
    )


def _places(fields: Fields, name: str) -> int:
    """A number of decimals; 8 where it is not given (exchange-facts §4)."""
    places = fields.integer(name, 0) if fields.has(name) else 8
    if places > MOST_PLACES:
        raise fields.bad(name, f"is above {MOST_PLACES}")
    return places
