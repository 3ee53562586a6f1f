"""Public market data: general calls, book, trades, candles and tickers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from autotrader.simulator import params
from autotrader.simulator.candles import DAY, Row, open_of, row_text
from autotrader.simulator.errors import ApiError, bad_combination, either
from autotrader.simulator.limits import rate_limits
from autotrader.simulator.market import Market, MarketTrade, RollingWindow
from autotrader.simulator.protocol import Call, Raw, Route, fixed
from autotrader.simulator.symbols import exchange_filters, symbol_info, text

ZERO = Decimal(0)
STATUS = params.one_of(-1122, "Invalid symbolStatus.", "TRADING", "HALT", "BREAK")
TYPE = params.one_of(-1139, "Invalid ticker type.", "FULL", "MINI")
SYMBOL = {"symbol": params.symbol}
MANY = {"symbol": params.symbol, "symbols": params.symbols, "symbolStatus": STATUS}
MISMATCH = "The symbol's status does not match the requested symbolStatus."


def _ping(_call: Call) -> Any:
    return {}


def _time(call: Call) -> Any:
    return {"serverTime": call.exchange.now_ms}


def _exchange_info(call: Call) -> Any:
    exchange = call.exchange
    chosen = [name for name in ("symbol", "symbols") if name in call.values]
    if len(chosen) > 1 or (chosen and ("permissions" in call.values or "symbolStatus" in call.values)):
        raise bad_combination()
    if chosen:
        markets = [exchange.market(name) for name in _names(call)]
    else:
        wanted = set(call.get("permissions", ("SPOT", "MARGIN", "LEVERAGED")))
        markets = [m for m in exchange.markets.values() if wanted & {n for s in m.spec.permission_sets for n in s}]
        status = call.get("symbolStatus")
        markets = [m for m in markets if status in (None, exchange.status(m.spec.symbol))]
    sets = call.get("showPermissionSets", True)
    return {
        "timezone": "UTC",
        "serverTime": exchange.now_ms,
        "rateLimits": rate_limits(exchange.weights.limit, *exchange.order_limits, exchange.weights.raw_limit),
        "exchangeFilters": exchange_filters(exchange.engine.limits),
        "symbols": [symbol_info(m.spec, exchange.status(m.spec.symbol), permission_sets=sets) for m in markets],
    }


def _names(call: Call) -> tuple[str, ...]:
    return (call.values["symbol"],) if "symbol" in call.values else call.values["symbols"]


def _one(call: Call) -> Market:
    """The asked symbol's market; -1220 when it is not in the asked status."""
    market = call.exchange.market(call.values["symbol"])
    status = call.get("symbolStatus")
    if status is not None and call.exchange.status(market.spec.symbol) != status:
        raise ApiError(-1220, MISMATCH)
    return market


def _chosen(call: Call, *, needed: bool = False) -> tuple[list[Market], bool]:
    """The markets asked for by symbol, symbols or none, and whether the answer is one object."""
    if "symbol" in call.values and "symbols" in call.values:
        raise bad_combination()
    if "symbol" in call.values:
        return [_one(call)], True
    if "symbols" in call.values:
        # The venue answers in its own order, not the caller's.
        found = sorted((call.exchange.market(name) for name in call.values["symbols"]), key=lambda m: m.spec.symbol)
    elif needed:
        raise either("symbol", "symbols")
    else:
        found = list(call.exchange.markets.values())
    status = call.get("symbolStatus")
    return [m for m in found if status in (None, call.exchange.status(m.spec.symbol))], False


def _depth(call: Call) -> Any:
    market = _one(call)
    limit = call.limit(100, 5000)
    bids, asks = (
        ",".join(f'["{text(price)}","{text(quantity)}"]' for price, quantity in market.book.depth(side, limit))
        for side in ("BUY", "SELL")
    )
    return Raw(f'{{"lastUpdateId":{call.exchange.update_id(market)},"bids":[{bids}],"asks":[{asks}]}}')


def _trade(trade: MarketTrade) -> dict[str, Any]:
    return {
        "id": trade.id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_maker,
        "isBestMatch": True,
    }


def _trades(call: Call) -> Any:
    market = _one(call)
    limit = call.limit(500, 1000)
    first = call.get("fromId", max(0, market.next_trade_id() - limit))
    return [_trade(trade) for trade in market.trade_page(first, limit)]


def _agg(trade: MarketTrade) -> dict[str, Any]:
    return {
        "a": trade.id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time,
        "m": trade.buyer_maker,
        "M": True,
    }


def _agg_trades(call: Call) -> Any:
    market = _one(call)
    limit = call.limit(500, 1000)
    start, end = call.get("startTime"), call.get("endTime")
    if "fromId" in call.values:
        if start is not None or end is not None:
            raise bad_combination()
        return [_agg(trade) for trade in market.trade_page(call.values["fromId"], limit)]
    last = market.next_trade_id() if end is None else market.first_id_at(end + 1)
    first = max(0, last - limit) if start is None else market.first_id_at(start)
    return [_agg(trade) for trade in market.trade_page(first, max(0, min(limit, last - first)))]


def _klines(call: Call) -> Any:
    market = _one(call)
    limit = call.limit(500, 1000)
    interval, zone = call.values["interval"], call.get("timeZone", 0)
    start, end = call.get("startTime"), call.get("endTime")
    if interval == "1s":
        return Raw(_seconds(market, call.exchange.now_ms, start, end, limit))
    return Raw(market.series(interval, zone).page(market.live(), start, end, limit))


def _seconds(market: Market, now: int, start: int | None, end: int | None, limit: int) -> str:
    """One-second candles, made on demand from the trades; seconds without a trade are flat."""
    opens = market.minutes.opens
    born = opens[0] if opens else now
    newest = min(now, end if end is not None else now) // 1000
    first = max(newest - limit + 1 if start is None else -(-start // 1000), born // 1000)
    last = newest if start is None else min(newest, first + limit - 1)
    trades = market.trade_page(market.first_id_at(first * 1000), 8 * (limit // 15 + 2))
    by_second: dict[int, list[MarketTrade]] = {}
    for trade in trades:
        by_second.setdefault(trade.time // 1000, []).append(trade)
    next_id = market.first_id_at(first * 1000)
    before = market.trade_page(max(0, next_id - 1), 1)
    close = before[0].price if before else ZERO
    rows: list[str] = []
    for second in range(first, last + 1):
        row = _second(second * 1000, by_second.get(second, []), close)
        close = row.close
        if opens and not market.in_halt(second * 1000):
            rows.append(row_text(row, second * 1000 + 999))
    return f"[{','.join(rows)}]"


def _second(open_time: int, trades: list[MarketTrade], close: Decimal) -> Row:
    prices = [t.price for t in trades] or [close]
    bought = [t for t in trades if not t.buyer_maker]
    return Row(
        open_time, prices[0], max(prices), min(prices), prices[-1], sum((t.quantity for t in trades), ZERO),
        sum((t.price * t.quantity for t in trades), ZERO), len(trades), sum((t.quantity for t in bought), ZERO),
        sum((t.price * t.quantity for t in bought), ZERO), 0,
    )  # fmt: skip


def _avg_price(call: Call) -> Any:
    market = _one(call)
    last = market.last
    return {
        "mins": market.spec.avg_price_mins,
        "price": text(market.average() or ZERO),
        "closeTime": last.time if last else 0,
    }


def _figures(market: Market, window: RollingWindow | None, opened: int, closed: int, *, full: bool) -> dict[str, Any]:
    """The fields that all three tickers share, MINI or FULL."""
    last = market.last.price if market.last else ZERO
    if window is None:
        window = RollingWindow(last, last, last, ZERO, ZERO, -1, -1, 0, last)
    shown: dict[str, Any] = {"symbol": market.spec.symbol}
    if full:
        change = last - window.open
        percent = change / window.open * 100 if window.open else ZERO
        average = window.quote_volume / window.volume if window.volume else ZERO
        shown |= {
            "priceChange": text(change),
            "priceChangePercent": f"{percent:.3f}",
            "weightedAvgPrice": text(average),
        }
    return shown | {
        "openPrice": text(window.open),
        "highPrice": text(window.high),
        "lowPrice": text(window.low),
        "lastPrice": text(last),
        "volume": text(window.volume),
        "quoteVolume": text(window.quote_volume),
        "openTime": opened,
        "closeTime": closed,
        "firstId": window.first_id,
        "lastId": window.last_id,
        "count": window.trades,
    }


def _ticker_24hr(call: Call) -> Any:
    markets, single = _chosen(call)
    shown = [_one_24hr(market, call.exchange.now_ms, full=call.get("type", "FULL") == "FULL") for market in markets]
    return shown[0] if single else shown


def _one_24hr(market: Market, now: int, *, full: bool) -> dict[str, Any]:
    closed = market.last.time if market.last else now
    window = market.window(closed - DAY, closed, 1)
    shown = _figures(market, window, closed - DAY, closed, full=full)
    if full:
        bid, ask = market.book.best("BUY"), market.book.best("SELL")
        shown |= {
            "prevClosePrice": text(window.before if window else ZERO),
            "lastQty": text(market.last.quantity if market.last else ZERO),
            "bidPrice": text(bid.price if bid else ZERO),
            "bidQty": text(bid.quantity if bid else ZERO),
            "askPrice": text(ask.price if ask else ZERO),
            "askQty": text(ask.quantity if ask else ZERO),
        }
    return shown


def _trading_day(call: Call) -> Any:
    markets, single = _chosen(call, needed=True)
    now = call.exchange.now_ms
    start = open_of(now, "1d", call.get("timeZone", 0))
    full = call.get("type", "FULL") == "FULL"
    shown = [_figures(m, m.window(start - 1, now, start), start, start + DAY - 1, full=full) for m in markets]
    return shown[0] if single else shown


def _rolling(call: Call) -> Any:
    markets, single = _chosen(call, needed=True)
    now, size = call.exchange.now_ms, call.get("windowSize", DAY)
    start = (now - size) // 60_000 * 60_000
    full = call.get("type", "FULL") == "FULL"
    shown: list[dict[str, Any]] = []
    for market in markets:
        window = market.window(start - 1, now, 2)
        if window is None:
            raise ApiError(-2016, "No trading window could be found for the symbol. Try ticker/24hrs instead.")
        shown.append(_figures(market, window, start, now, full=full))
    return shown[0] if single else shown


def _price(call: Call) -> Any:
    markets, single = _chosen(call)
    shown = [{"symbol": m.spec.symbol, "price": text(m.last.price if m.last else ZERO)} for m in markets]
    return shown[0] if single else shown


def _book_ticker(call: Call) -> Any:
    markets, single = _chosen(call)
    shown = []
    for market in markets:
        bid, ask = market.book.best("BUY"), market.book.best("SELL")
        shown.append(
            {
                "symbol": market.spec.symbol,
                "bidPrice": text(bid.price if bid else ZERO),
                "bidQty": text(bid.quantity if bid else ZERO),
                "askPrice": text(ask.price if ask else ZERO),
                "askQty": text(ask.quantity if ask else ZERO),
            }
        )
    return shown[0] if single else shown


def _system_status(call: Call) -> Any:
    down = call.exchange.system_down
    return {"status": int(down), "msg": "system_maintenance" if down else "normal"}


# ---- weights that depend on parameters ---------------------------------------


def _count(given: Mapping[str, str]) -> int:
    listed = given.get("symbols", "")
    return listed.count(",") + 1 if listed else 0


def _depth_weight(given: Mapping[str, str]) -> int:
    asked = given.get("limit", "100")
    limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 20 else 100
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (10**20, 250)) if limit <= most)


def _ticker_weight(given: Mapping[str, str]) -> int:
    if "symbol" in given:
        return 2
    count = _count(given)
    return 80 if not count or count > 100 else 40 if count > 20 else 2


def _window_weight(given: Mapping[str, str]) -> int:
    return min(200, 4 * max(1, _count(given)))


def _price_weight(given: Mapping[str, str]) -> int:
    return 2 if "symbol" in given else 4


# ---- the table ---------------------------------------------------------------

_PAGE = SYMBOL | {"limit": params.positive}
_CANDLES = _PAGE | {
    "interval": params.interval,
    "startTime": params.time,
    "endTime": params.time,
    "timeZone": params.zone,
}
_INFO = MANY | {"permissions": params.names, "showPermissionSets": params.boolean}
_DAY = MANY | {"timeZone": params.zone, "type": TYPE}
_ROLL = MANY | {"windowSize": params.window_size, "type": TYPE}
_AGG = _PAGE | {"fromId": params.long, "startTime": params.time, "endTime": params.time}
_V3 = "/api/v3/"

ROUTES: tuple[Route, ...] = (
    Route("GET", _V3 + "ping", _ping, fixed(1)),
    Route("GET", _V3 + "time", _time, fixed(1)),
    Route("GET", _V3 + "exchangeInfo", _exchange_info, fixed(20), _INFO),
    Route("GET", _V3 + "depth", _depth, _depth_weight, _PAGE | {"symbolStatus": STATUS}, ("symbol",)),
    Route("GET", _V3 + "trades", _trades, fixed(25), _PAGE, ("symbol",)),
    Route("GET", _V3 + "historicalTrades", _trades, fixed(25), _PAGE | {"fromId": params.long}, ("symbol",)),
    Route("GET", _V3 + "aggTrades", _agg_trades, fixed(4), _AGG, ("symbol",)),
    Route("GET", _V3 + "klines", _klines, fixed(2), _CANDLES, ("symbol", "interval")),
    Route("GET", _V3 + "uiKlines", _klines, fixed(2), _CANDLES, ("symbol", "interval")),
    Route("GET", _V3 + "avgPrice", _avg_price, fixed(2), SYMBOL, ("symbol",)),
    Route("GET", _V3 + "ticker/24hr", _ticker_24hr, _ticker_weight, MANY | {"type": TYPE}),
    Route("GET", _V3 + "ticker/tradingDay", _trading_day, _window_weight, _DAY),
    Route("GET", _V3 + "ticker", _rolling, _window_weight, _ROLL),
    Route("GET", _V3 + "ticker/price", _price, _price_weight, MANY),
    Route("GET", _V3 + "ticker/bookTicker", _book_ticker, _price_weight, MANY),
    Route("GET", "/sapi/v1/system/status", _system_status, fixed(1)),
)
