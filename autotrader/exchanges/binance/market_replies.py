"""Replies about the market, as tables from the venue's names to values of the domain (docs/venue.md §2.3, §2.4).

`Model.read` and `Model.rows` refuse what cannot be believed by raising BadReply with the field's name. What needs more
than a table (two sides of a book that must be in order, filters that are found by their type) stands in a function
beside its table, with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, Final

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as core

from autotrader.exchanges.paper import PublicTrade
from autotrader.exchanges.reading import (
    AMOUNT,
    DECIMAL,
    FLAG,
    LATEST_MS,
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
    read_as,
    read_by,
    refused,
    required,
    tuple_of,
)
from autotrader.exchanges.venue import (
    AveragePrice,
    LastPrice,
)
from autotrader.market.candles import Candle
from autotrader.market.instrument import Instrument
from autotrader.market.snapshot import Book, ExchangeStatus, Ticker
from autotrader.money import ONE, ZERO
from autotrader.structs import dataclass

EARLIEST_MS: Final = 1_483_228_800_000  # 2017-01-01, before which the venue had no time
MOST_PLACES: Final = 18
COUNT: Final = integer(0)


# ----------------------------------------------------------------------------------------------------- the venue
@dataclass(frozen=True, slots=True)
class ServerTime:
    """The venue's clock, UTC milliseconds."""

    server_ms: int


def _of_this_venue(time: ServerTime) -> ServerTime:
    if time.server_ms < EARLIEST_MS:
        raise BadReply("time: field serverTime lies before the exchange began")
    return time


SERVER_TIME: Final = Model("time", ServerTime, {"server_ms": required("serverTime", TIME)}, then=_of_this_venue)
SYSTEM_STATUS: Final = Model(
    "system status",
    ExchangeStatus,
    {
        "normal": required("status", read_by(lambda status: status == 0, integer())),
        "message": required("msg", TEXT),
        "asked_ms": given("asked_ms"),
    },
)


# ---------------------------------------------------------------------------------------------------- market data
def _change(known: dict[str, Any]) -> Decimal:
    """MINI has no percentage: three decimals, as the venue rounds its own."""
    opened, last = Decimal(known["open"]), Decimal(known["last"])
    return round((last - opened) / opened * 100, 3)


TICKER: Final = Model(
    "ticker",
    Ticker,
    {
        "symbol": required("symbol", TEXT),
        "last": required("lastPrice", PRICE),
        "open": required("openPrice", PRICE),
        "high": required("highPrice", PRICE),
        "low": required("lowPrice", PRICE),
        "volume": required("volume", AMOUNT),
        "turnover": required("quoteVolume", AMOUNT),
        "change": derived(_change, "priceChangePercent", DECIMAL),
        "open_time_ms": required("openTime", TIME),
        "close_time_ms": required("closeTime", TIME),
        "asked_ms": given("asked_ms"),
        "count": required("count", COUNT),
        "change_amount": optional("priceChange", DECIMAL),
        "average": optional("weightedAvgPrice", AMOUNT),
        "bid": optional("bidPrice", AMOUNT),
        "ask": optional("askPrice", AMOUNT),
    },
)
LAST_PRICE: Final = Model("price", LastPrice, {"symbol": required("symbol", TEXT), "price": required("price", PRICE)})
AVERAGE_PRICE: Final = Model(
    "avgPrice",
    AveragePrice,
    {"minutes": required("mins", COUNT), "price": required("price", PRICE), "close_ms": optional("closeTime", TIME)},
)


def _in_order(book: Book) -> Book:
    """Cut to what was asked for. A book that is crossed or unsorted is two books, or none."""
    bids, asks = book.bids, book.asks
    if any(bids[at][0] <= bids[at + 1][0] for at in range(len(bids) - 1)):
        raise BadReply("depth: bids are not in falling order")
    if any(asks[at][0] >= asks[at + 1][0] for at in range(len(asks) - 1)):
        raise BadReply("depth: asks are not in rising order")
    if bids and asks and bids[0][0] >= asks[0][0]:
        raise BadReply("depth: the best bid is not below the best ask")
    most = book.asked_levels
    return book if max(len(bids), len(asks)) <= most else replace(book, bids=bids[:most], asks=asks[:most])


_LEVELS: Final = tuple_of(core.tuple_schema([PRICE, PRICE]))
BOOK: Final = Model(
    "depth",
    Book,
    {
        "symbol": given("symbol"),
        "bids": required("bids", _LEVELS),
        "asks": required("asks", _LEVELS),
        "update_id": required("lastUpdateId", COUNT),
        "asked_levels": given("asked_levels"),
        "asked_ms": given("asked_ms"),
    },
    then=_in_order,
)


def _best(**found: Any) -> Book:
    """bookTicker has the two best levels as four fields, and zeros for a side that is empty."""
    bid, ask = (found["bid"], found["bid_size"]), (found["ask"], found["ask_size"])
    return Book(
        symbol=found["symbol"],
        bids=(bid,) if all(bid) else (),
        asks=(ask,) if all(ask) else (),
        asked_levels=1,
        update_id=0,  # the venue numbers whole books only
        asked_ms=found["asked_ms"],
    )


BEST: Final = Model(
    "bookTicker",
    _best,
    {
        "symbol": required("symbol", TEXT),
        "bid": required("bidPrice", AMOUNT),
        "bid_size": required("bidQty", AMOUNT),
        "ask": required("askPrice", AMOUNT),
        "ask_size": required("askQty", AMOUNT),
        "asked_ms": given("asked_ms"),
    },
    then=_in_order,
)
PUBLIC_TRADE: Final = Model(
    "aggTrades",
    PublicTrade,
    {
        "trade_id": required("a", COUNT),
        "price": required("p", PRICE),
        "quantity": required("q", AMOUNT),
        "time_ms": required("T", TIME),
    },
)


def _candle(row: tuple[Any, ...]) -> Candle:
    opened, high, low, close = row[1:5]
    if not (ZERO < low <= opened <= high and low <= close <= high):
        raise BadReply("klines: the figures of a candle contradict each other")
    if row[6] < row[0]:
        raise BadReply("klines: a candle closes before it opens")
    return Candle(*row[:9])


@cache
def _klines() -> SchemaValidator:
    when = integer(0, LATEST_MS)
    row = [when, DECIMAL, DECIMAL, DECIMAL, DECIMAL, AMOUNT, when, AMOUNT, when, core.any_schema()]
    return SchemaValidator(tuple_of(read_by(_candle, core.tuple_schema(row, variadic_item_index=9))))


def klines(data: Any) -> tuple[Candle, ...]:
    """Candles, which come as arrays without names; times that do not rise are refused. Raises BadReply."""
    found: tuple[Candle, ...] = read_as("klines", _klines(), data)
    if any(found[at].open_ms >= found[at + 1].open_ms for at in range(len(found) - 1)):
        raise BadReply("klines: a candle stands twice or out of order")
    return found


# ---------------------------------------------------------------------------------------------------- instruments
@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` of a kind in so many intervals; a row of exchangeInfo."""

    kind: str
    interval: str
    number: int
    limit: int


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """exchangeInfo: filters and limits."""

    server_ms: int
    rate_limits: tuple[RateLimit, ...]
    instruments: tuple[Instrument, ...]


_IRRELEVANT: Final = frozenset({
    "ICEBERG_PARTS", "MARKET_LOT_SIZE", "TRAILING_DELTA", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS",
    "MAX_NUM_ORDER_LISTS", "MAX_NUM_ORDER_AMENDS",
})  # fmt: skip
_READ: Final = frozenset({
    "PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL", "NOTIONAL", "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE", "MAX_NUM_ORDERS",
    "MAX_POSITION",
})  # fmt: skip


def _by_type(row: Any) -> Any:
    """Filters are found by their type, never by position: the venue has changed their order more than once. Types that
    nobody here knows are named, so that somebody can say so.
    """
    if not isinstance(row, dict):
        return row
    filters = row.get("filters")
    if not isinstance(filters, list):
        raise refused("has no list of filters")
    if not all(isinstance(one, dict) and isinstance(one.get("filterType"), str) for one in filters):
        raise refused("has a filter without a type")
    found = {one["filterType"]: one for one in filters}
    if "PERCENT_PRICE_BY_SIDE" in found:
        found.pop("PERCENT_PRICE", None)
    return {**row, "filters": found, "(unknown_filters)": tuple(sorted(found.keys() - _READ - _IRRELEVANT))}


def _filter(*names: str) -> Field:
    return optional(" ".join(f"filters.{name}" for name in names), AMOUNT, ZERO)


def _instrument(**found: Any) -> Instrument:
    """An instrument without the time at which it was fetched. Where a grid is switched off (tick or step 0) the
    decimals that the venue takes at all are the grid; both kinds of least notional hold, where both are there.
    """
    prices, quantities = found.pop("quote_places"), found.pop("base_places")
    found["tick"] = found["tick"] or ONE.scaleb(-prices)
    found["step"] = found["step"] or ONE.scaleb(-quantities)
    found["min_notional"] = max(found["min_notional"], found.pop("older_min_notional"))
    if not found.pop("spot_allowed"):
        found["status"] = "NOT_SPOT"
    return Instrument(**found)


_PLACES: Final = integer(0, MOST_PLACES)
_PERCENT: Final = "PERCENT_PRICE_BY_SIDE.{side}Multiplier{way}", "PERCENT_PRICE.multiplier{way}"


def _percent(side: str, way: str) -> Field:
    return _filter(*(one.format(side=side, way=way) for one in _PERCENT))


INSTRUMENT: Final = Model(
    "exchangeInfo.symbols",
    _instrument,
    {
        "symbol": required("symbol", TEXT),
        "status": required("status", TEXT),
        "base": required("baseAsset", TEXT),
        "quote": required("quoteAsset", TEXT),
        "order_types": required("orderTypes", read_by(frozenset, TEXTS)),
        "spot_allowed": optional("isSpotTradingAllowed", FLAG, default=True),
        "base_places": optional("baseAssetPrecision", _PLACES, 8),
        "quote_places": optional("quoteAssetPrecision", _PLACES, 8),
        "unknown_filters": given("unknown_filters"),
        "tick": _filter("PRICE_FILTER.tickSize"),
        "min_price": _filter("PRICE_FILTER.minPrice"),
        "max_price": _filter("PRICE_FILTER.maxPrice"),
        "step": _filter("LOT_SIZE.stepSize"),
        "min_quantity": _filter("LOT_SIZE.minQty"),
        "max_quantity": _filter("LOT_SIZE.maxQty"),
        "min_notional": _filter("NOTIONAL.minNotional"),
        "older_min_notional": _filter("MIN_NOTIONAL.minNotional"),
        "max_notional": _filter("NOTIONAL.maxNotional"),
        "bid_up": _percent("bid", "Up"),
        "bid_down": _percent("bid", "Down"),
        "ask_up": _percent("ask", "Up"),
        "ask_down": _percent("ask", "Down"),
        "max_open_orders": optional("filters.MAX_NUM_ORDERS.maxNumOrders filters.MAX_NUM_ORDERS.limit", COUNT, 0),
        "max_position": _filter("MAX_POSITION.maxPosition"),
    },
    before=_by_type,
)
_RATE_LIMIT: Final = Model(
    "exchangeInfo.rateLimits",
    RateLimit,
    {
        "kind": required("rateLimitType", TEXT),
        "interval": required("interval", TEXT),
        "number": required("intervalNum", integer(1)),
        "limit": required("limit", integer(1)),
    },
)


def _of_a_kind(rows: Any) -> Any:
    """A limit of a sort that is not documented is passed over."""
    return (
        [one for one in rows if not isinstance(one, dict) or "rateLimitType" in one] if isinstance(rows, list) else rows
    )


EXCHANGE_INFO: Final = Model(
    "exchangeInfo",
    ExchangeInfo,
    {
        "server_ms": required("serverTime", TIME),
        "rate_limits": required(
            "rateLimits", lambda: core.no_info_before_validator_function(_of_a_kind, tuple_of(_RATE_LIMIT.schema))
        ),
        "instruments": required("symbols", lambda: tuple_of(INSTRUMENT.schema)),
    },
)
