"""Instruments from exchangeInfo, kept on disk for a day.

The venue changes ticks and steps with days of notice and sometimes none, so what is nearly a day old is read again, and
so is a symbol whose order was refused by a filter or because its market is closed; one that is not trading is read
again after half a minute. `market_replies` reads the filters.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any, Final

from autotrader.errors import ExchangeRefused
from autotrader.exchanges.binance.endpoints import PublicCalls
from autotrader.exchanges.binance.errors import NO_SUCH_SYMBOL
from autotrader.exchanges.binance.governor import Governor, order_limits
from autotrader.exchanges.binance.market_replies import RateLimit
from autotrader.exchanges.clock import ExchangeClock
from autotrader.exchanges.reading import (
    AMOUNT,
    TEXT,
    TEXTS,
    TIME,
    BadJson,
    BadReply,
    Model,
    integer,
    parse,
    read_by,
    required,
)
from autotrader.market.instrument import Instrument
from autotrader.money import plain
from autotrader.times import DAY_MS, HOUR_MS, MINUTE_MS

_VERSION: Final = 1
KEPT_MS: Final = DAY_MS - HOUR_MS  # an hour before the limits would refuse to trade on them
_MONEY: Final = (
    "tick", "min_price", "max_price", "step", "min_quantity", "max_quantity", "min_notional", "max_notional",
    "bid_up", "bid_down", "ask_up", "ask_down", "max_position",
)  # fmt: skip
_KEPT: Final = Model(
    "instruments cache",
    Instrument,
    {
        **{name: required(name, TEXT) for name in ("symbol", "base", "quote", "status")},
        **{name: required(name, AMOUNT) for name in _MONEY},
        "max_open_orders": required("max_open_orders", integer(0)),
        "order_types": required("order_types", read_by(frozenset, TEXTS)),
        "fetched_ms": required("fetched_ms", TIME),
        "unknown_filters": required("unknown_filters", TEXTS),
    },
)


class Instruments:
    """Instruments of one host: in memory, then on disk, then from the venue. Thread-safe."""

    def __init__(
        self, market: PublicCalls, clock: ExchangeClock, governor: Governor, cache: Path | None, origin: str
    ) -> None:
        self._market = market
        self._clock = clock
        self._governor = governor
        name = hashlib.sha256(origin.encode()).hexdigest()[:12]
        self._file = cache / f"instruments-{name}.json" if cache is not None else None
        self._lock = threading.RLock()
        self._known: dict[str, Instrument] = {}
        self._limits: tuple[RateLimit, ...] = ()
        self._loaded = False

    def get(self, symbols: Sequence[str], within_ms: int = KEPT_MS) -> Mapping[str, Instrument]:
        """Instruments by symbol, at most a day (or so many ms) old; symbols that the exchange lacks are absent."""
        with self._lock:
            self._load()
            oldest = self._clock.now_ms() - within_ms
            # What was fetched in the future was fetched by a wrong clock, and would stay fresh for too long.
            newest = self._clock.now_ms() + MINUTE_MS
            wanted = sorted({one for one in symbols if not self._fresh(one, oldest, newest)})
            if wanted:
                # Asked for and no longer there: a symbol that left the venue must leave the cache with it.
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
            # The refusal does not say which symbol is unknown; halving finds it in few requests.
            middle = len(symbols) // 2
            return self._fetch(symbols[:middle]) | self._fetch(symbols[middle:])
        self._limits = info.rate_limits
        _teach(self._governor, info.rate_limits)
        return {one.symbol: replace(one, fetched_ms=now) for one in info.instruments}

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
            self._known = {one.symbol: one for one in _KEPT.rows(data["instruments"])}
            self._limits = tuple(RateLimit(str(a), str(b), int(c), int(d)) for a, b, c, d in data["rate_limits"])
        except (BadJson, BadReply, OSError, KeyError, TypeError, ValueError):
            self._known = {}  # a cache that cannot be read is no cache
            return
        _teach(self._governor, self._limits)

    def _save(self) -> None:
        if self._file is None:
            return
        data = {
            "version": _VERSION,
            "rate_limits": [astuple(one) for one in self._limits],
            "instruments": [_kept(one) for _, one in sorted(self._known.items())],
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and put in place: commands of the same minute read the old file or the new one, never half of
        # one.
        beside = self._file.with_suffix(f".{os.getpid()}.new")
        beside.write_text(json.dumps(data, indent=1), "utf-8")
        beside.replace(self._file)


def _teach(governor: Governor, limits: Sequence[RateLimit]) -> None:
    minute = [one.limit for one in limits if (one.kind, one.interval, one.number) == ("REQUEST_WEIGHT", "MINUTE", 1)]
    governor.learn(minute[0] if minute else None, order_limits(limits))


def _kept(one: Instrument) -> dict[str, Any]:
    figures = {name: plain(getattr(one, name)) for name in _MONEY}
    return asdict(one) | figures | {"order_types": sorted(one.order_types)}
