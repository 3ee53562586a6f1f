"""Puts the parts together: one connection to one host, for one account or none.

What needs a key is only there where a key was given, and what places orders only where a `LiveToken` was. A simulator
in stepped time is recognised by its control desk, on loopback alone; then its time is ours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from autotrader.errors import ConfigError, ExchangeUnavailable, UsageError
from autotrader.exchanges.binance.bans import BanFile
from autotrader.exchanges.binance.broker import BinanceBroker
from autotrader.exchanges.binance.candles import SETTLE_MS, CandleFeed
from autotrader.exchanges.binance.client import Client, Patience
from autotrader.exchanges.binance.endpoints import PublicCalls
from autotrader.exchanges.binance.governor import SHARE, Governor, Parked
from autotrader.exchanges.binance.hosts import LIVE_URL, base_url, serves
from autotrader.exchanges.binance.instruments import Instruments
from autotrader.exchanges.binance.market_data import BinanceMarketData
from autotrader.exchanges.binance.market_replies import ServerTime
from autotrader.exchanges.binance.signing import RECV_WINDOW_MS, ReadSigner, TradeSigner, encode
from autotrader.exchanges.candle_store import CandleStore, SqliteCandleStore
from autotrader.exchanges.clock import ExchangeClock, SteppedClock, VenueClock
from autotrader.exchanges.live import LiveToken
from autotrader.exchanges.messages import BaseUrl, Request, Sender
from autotrader.exchanges.pool import THREADS, Pool
from autotrader.exchanges.reading import TIME, BadReply, Model, required
from autotrader.exchanges.secret import Credentials
from autotrader.exchanges.strict_json import BadJson, parse
from autotrader.exchanges.transport import Transport

DESK_SECONDS = 60.0
_DESK_TIME = Model("simulator", ServerTime, {"server_ms": required("now", TIME)})


def _never(_side: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to connect. Everything has a default that is safe.

    `zone` is the account's, for trading days; `cache` a folder for instruments, candles and bans, None to keep none;
    `weight_share` the most request weight a minute for reads, or where that is None `weight_part` of the venue's limit;
    `parked` a ban from before a restart, `on_parked` is told of a new one, in the thread that connected; `halted` is
    asked before each order of a side is signed; `stepped` says that the simulator's time is stepped; `recv_window_ms`
    how old a signed request may be when it arrives. `line` plays the network in a simulation, with `threads` 0 and its
    own clocks.
    """

    zone: tzinfo = UTC
    cache: Path | None = None
    weight_share: int | None = None
    weight_part: float = SHARE
    parked: Parked | None = None
    on_parked: Callable[[Parked], None] | None = None
    halted: Callable[[str], bool] = _never
    stepped: bool = False
    recv_window_ms: int = RECV_WINDOW_MS
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    agent: str = "autotrader"
    line: Callable[[BaseUrl], Sender] | None = None
    threads: int = THREADS


@dataclass(slots=True)
class Connection:
    """One exchange. `broker` is there with a key; whether it may place orders was decided by the token."""

    url: BaseUrl
    clock: ExchangeClock
    governor: Governor
    client: Client
    market: BinanceMarketData
    calls: PublicCalls
    broker: BinanceBroker | None
    fingerprint: str
    _closers: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def serves(self, path: str) -> bool:
        """Whether the host has a call at all."""
        return serves(self.url, path)

    def close(self) -> None:
        """End threads, connections and the candle file. May be called twice."""
        while self._closers:
            self._closers.pop(0)()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    settings: Settings | None = None,
    *,
    url: str = LIVE_URL,
    credentials: Credentials | None = None,
    live_token: LiveToken | None = None,
    store: CandleStore | None = None,
) -> Connection:
    """Make a connection; nothing is asked yet. Raises ConfigError for an address that is not the venue's, UsageError
    for permission to trade without a key.
    """
    settings = settings or Settings()
    checked = base_url(url)
    if live_token is not None and credentials is None:
        raise UsageError("trading needs an API key", hint="set AUTOTRADER_API_KEY and its secret")
    if settings.stepped and not checked.loopback:
        raise ConfigError("stepped time is a simulator's; it runs on loopback only")
    transport = _line(settings, checked)
    clock = _clock(settings, transport, lambda: calls.time())  # noqa: PLW0108 - `calls` is made below
    bans = BanFile(settings.cache / "bans.json", checked.origin) if settings.cache is not None else None
    governor = Governor(
        clock.now_ms,
        share=settings.weight_share,
        part=settings.weight_part,
        parked=settings.parked,
        on_parked=settings.on_parked,
        on_parking=bans.write if bans is not None else None,
    )
    if bans is not None and (kept := bans.read()) is not None:
        governor.keep(kept)
    reader = ReadSigner(credentials, checked.host, settings.recv_window_ms) if credentials else None
    trader = None
    if credentials and live_token:
        trader = TradeSigner(credentials, checked.host, live_token, settings.halted, settings.recv_window_ms)
    patience = Patience(settings.sleep, settings.chance, settings.monotonic)
    client = Client(transport, clock, governor, reader, trader, patience)
    calls = PublicCalls(client)
    pool = Pool(settings.threads)
    candles = store or SqliteCandleStore(settings.cache / "candles.sqlite" if settings.cache else ":memory:")
    instruments = Instruments(calls, clock, governor, settings.cache, checked.origin)
    settle_ms = 0 if settings.stepped else SETTLE_MS
    feed = CandleFeed(calls, clock, candles, checked.origin, monotonic=settings.monotonic, settle_ms=settle_ms)
    return Connection(
        checked,
        clock,
        governor,
        client,
        BinanceMarketData(client, instruments, feed, pool, settings.zone),
        calls,
        BinanceBroker(client, pool, instruments.forget, settings.recv_window_ms) if credentials else None,
        credentials.fingerprint if credentials else "",
        [pool.close, transport.close, *([] if store else [candles.close])],
    )


def _line(settings: Settings, url: BaseUrl) -> Sender:
    if settings.line is not None:
        return settings.line(url)
    return Transport(url, monotonic=settings.monotonic, agent=settings.agent)


def _clock(settings: Settings, transport: Sender, ask: Callable[[], int]) -> ExchangeClock:
    if settings.stepped:
        return SteppedClock(lambda: _desk(transport, "GET", "time"), lambda ms: _desk(transport, "POST", "advance", ms))
    return VenueClock(ask, monotonic=settings.monotonic, wall=settings.wall, sleep=settings.sleep)


def _desk(transport: Sender, method: str, what: str, ms: int | None = None) -> int:
    """Ask a simulator's control desk for its time, or to move it. Raises ExchangeUnavailable."""
    path = f"/simulator/{what}"
    made = Request("GET", path) if method == "GET" else Request("POST", path, body=encode([("ms", ms)]))
    reply = transport.send(made, DESK_SECONDS)
    if reply.status != 200:
        raise ExchangeUnavailable(f"the simulator answered {path} with HTTP {reply.status}")
    try:
        return _DESK_TIME.read(parse(reply.body)).server_ms
    except BadJson as error:
        raise BadReply(f"the simulator answered {path} with something else than JSON: {error}") from None
