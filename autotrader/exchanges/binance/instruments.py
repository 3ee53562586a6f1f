"""Instruments from exchangeInfo, kept on disk for a day.

The venue changes ticks and steps with days of notice and sometimes none, so what is nearly a day old is read again, and
so is a symbol whose order was refused by a filter or because its market is closed; one that is not trading is read
again after half a minute. Filters are found by their type, never by position; types that
we do not know are named in the instrument, so that somebody can say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from autotrader.errors import ExchangeRefused
from autotrader.exchanges.binance.endpoints import Market
from autotrader.exchanges.binance.errors import NO_SUCH_SYMBOL
from autotrader.exchanges.binance.fields import BadReply, Fields
from autotrader.exchanges.binance.governor import Governor, order_limits
from autotrader.exchanges.binance.wire import WireExchange, WireSymbol
from autotrader.exchanges.clock import ExchangeClock
from autotrader.exchanges.strict_json import BadJson, parse
from autotrader.market.instrument import Instrument
from autotrader.money import ONE, ZERO, plain
from autotrader.times import DAY_MS, HOUR_MS, MINUTE_MS

_IRRELEVANT: Final = frozenset(
    {
        "ICEBERG_PARTS", "MARKET_LOT_SIZE", "TRAILING_DELTA", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS",
        "MAX_NUM_ORDER_LISTS", "MAX_NUM_ORDER_AMENDS",
    }
)  # fmt: skip
_READ: Final = frozenset(
    {
        "PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL", "NOTIONAL", "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE",
        "MAX_NUM_ORDERS", "MAX_POSITION",
    }
)  # fmt: skip
_VERSION: Final = 1
KEPT_MS: Final = DAY_MS - HOUR_MS  # an hour before the limits would refuse to trade on them
_MONEY: Final = (
    "tick", "min_price", "max_price", "step", "min_quantity", "max_quantity", "min_notional", "max_notional",
    "bid_up", "bid_down", "ask_up", "ask_down", "max_position",
)  # fmt: skip


def instrument(found: WireSymbol, fetched_ms: int) -> Instrument:
    """An instrument with the filters of exchange-facts §4. Raises BadReply where one cannot be read.

    Where a grid is switched off (tick or step 0) the decimals that the venue takes at all are the grid.
    """
    none = Fields({}, "filter")

    def filter_of(name: str) -> Fields:
        return Fields(found.filters[name], f"{found.symbol}.{name}") if name in found.filters else none

    def figure(fields: Fields, *names: str) -> Decimal:
        return next((fields.amount(name) for name in names if fields.has(name)), ZERO)

    price, lot = filter_of("PRICE_FILTER"), filter_of("LOT_SIZE")
    notional, older = filter_of("NOTIONAL"), filter_of("MIN_NOTIONAL")
    sides, both = filter_of("PERCENT_PRICE_BY_SIDE"), filter_of("PERCENT_PRICE")
    percent = sides if "PERCENT_PRICE_BY_SIDE" in found.filters else both
    orders = filter_of("MAX_NUM_ORDERS")
    return Instrument(
        symbol=found.symbol,
        base=found.base,
        quote=found.quote,
        status=found.status if found.spot_allowed else "NOT_SPOT",
        tick=figure(price, "tickSize") or ONE.scaleb(-found.quote_places),
        min_price=figure(price, "minPrice"),
        max_price=figure(price, "maxPrice"),
        step=figure(lot, "stepSize") or ONE.scaleb(-found.base_places),
        min_quantity=figure(lot, "minQty"),
        max_quantity=figure(lot, "maxQty"),
        min_notional=max(figure(notional, "minNotional"), figure(older, "minNotional")),
        max_notional=figure(notional, "maxNotional"),
        bid_up=figure(percent, "bidMultiplierUp", "multiplierUp"),
        bid_down=figure(percent, "bidMultiplierDown", "multiplierDown"),
        ask_up=figure(percent, "askMultiplierUp", "multiplierUp"),
        ask_down=figure(percent, "askMultiplierDown", "multiplierDown"),
        max_open_orders=next((orders.integer(n, 0) for n in ("maxNumOrders", "limit") if orders.has(n)), 0),
        max_position=figure(filter_of("MAX_POSITION"), "maxPosition"),
        order_types=found.order_types,
        fetched_ms=fetched_ms,
        unknown_filters=tuple(sorted(set(found.filters) - _READ - _IRRELEVANT)),
    )


class Instruments:
    """Instruments of one host: in memory, then on disk, then from the venue. Thread-safe."""

    def __init__(
        self, market: Market, clock: ExchangeClock, governor: Governor, cache: Path | None, origin: str
    ) -> None:
        self._market = market
        self._clock = clock
        self._governor = governor
        name = hashlib.sha256(origin.encode()).hexdigest()[:12]
        self._file = cache / f"instruments-{name}.json" if cache is not None else None
        self._lock = threading.RLock()
        self._known: dict[str, Instrument] = {}
        self._limits: tuple[tuple[str, str, int, int], ...] = ()
        self._loaded = False

    def get(self, symbols: Sequence[str], within_ms: int = KEPT_MS) -> Mapping[str, Instrument]:
        """Instruments by symbol, at most a day (or so many ms) old; symbols that the exchange lacks are absent."""
        with self._lock:
            self._load()
            oldest = self._clock.now_ms() - within_ms
            newest = self._clock.now_ms() + MINUTE_MS
            wanted = sorted({one for one in symbols if not self._fresh(one, oldest, newest)})
            if wanted:
                found = self._fetch(wanted)  # raises: what is known stays known
                kept = {one: known for one, known in self._known.items() if one not in wanted}
                self._known = kept | found
                self._save()
            return {one: self._known[one] for one in symbols if one in self._known}

    def forget(self, symbol: str) -> None:
        """Read a symbol's filters again next time: the venue refused an order by one of them."""
        with self._lock:
            self._load()
            self._known.pop(symbol, None)

    def _fresh(self, symbol: str, oldest: int, newest: int) -> bool:
        known = self._known.get(symbol)
        if known is not None and known.status != "TRADING":
            oldest = max(oldest, newest - MINUTE_MS - MINUTE_MS // 2)  # a closed market may open again at any minute
        return known is not None and oldest <= (known.fetched_ms or 0) <= newest

    def _fetch(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        """Ask for symbols; where one of several is unknown the venue refuses all, so halves are asked."""
        now = self._clock.now_ms()
        try:
            info = self._market.exchange_info(symbols)
        except ExchangeRefused as refused:
            if refused.code != NO_SUCH_SYMBOL:
                raise
            if len(symbols) == 1:
                return {}
            middle = len(symbols) // 2
            return self._fetch(symbols[:middle]) | self._fetch(symbols[middle:])
        self._learn(info)
        return {one.symbol: instrument(one, now) for one in info.symbols}

    def _learn(self, info: WireExchange) -> None:
        self._limits = info.rate_limits
        _teach(self._governor, info.rate_limits)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        if self._file is None or not self._file.is_file():
            return
        try:
            data = parse(self._file.read_bytes())
            if data["version"] != _VERSION:
                return
            self._known = {one["symbol"]: _from_json(one) for one in data["instruments"]}
            self._limits = tuple((str(a), str(b), int(c), int(d)) for a, b, c, d in data["rate_limits"])
        except (BadJson, BadReply, OSError, KeyError, TypeError, ValueError):
            self._known = {}  # a cache that cannot be read is no cache
            return
        _teach(self._governor, self._limits)

    def _save(self) -> None:
        if self._file is None:
            return
        data = {
            "version": _VERSION,
            "rate_limits": self._limits,
            "instruments": [_to_json(one) for _, one in sorted(self._known.items())],
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(f".{os.getpid()}.new")
        beside.write_text(json.dumps(data, indent=1), "utf-8")
        beside.replace(self._file)


def _teach(governor: Governor, limits: tuple[tuple[str, str, int, int], ...]) -> None:
    minute = [
        limit for kind, interval, number, limit in limits if (kind, interval, number) == ("REQUEST_WEIGHT", "MINUTE", 1)
    ]
    governor.learn(minute[0] if minute else None, order_limits(limits))


def _to_json(one: Instrument) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "base": one.base,
        "quote": one.quote,
        "status": one.status,
        "max_open_orders": one.max_open_orders,
        "order_types": sorted(one.order_types),
        "fetched_ms": one.fetched_ms,
        "unknown_filters": list(one.unknown_filters),
        **{name: plain(getattr(one, name)) for name in _MONEY},
    }


def _from_json(data: dict[str, Any]) -> Instrument:
    fields = Fields(data, "instruments cache")
    return Instrument(
        symbol=fields.text("symbol"),
        base=fields.text("base"),
        quote=fields.text("quote"),
        status=fields.text("status"),
        max_open_orders=fields.integer("max_open_orders", 0),
        order_types=frozenset(str(one) for one in fields.items("order_types")),
        fetched_ms=fields.time("fetched_ms"),
        unknown_filters=tuple(str(one) for one in fields.items("unknown_filters")),
        **{name: fields.amount(name) for name in _MONEY},
    )
