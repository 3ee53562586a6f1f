"""Puts the parts together: one connection to one host, for one account or none.

What needs a key is only there where a key was given, and what places orders only where a `LiveToken` was. A simulator
in stepped time is recognised by its control desk, on loopback alone; then its time is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from autotrader.errors import ConfigError, ExchangeUnavailable, UsageError
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.binance.broker import BinanceBroker
from autotrader.exchanges.binance.client import LIVE_URL, Client, Patience, base_url, serves
from autotrader.exchanges.binance.endpoints import RESTRICTIONS, SYSTEM_STATUS, AccountCalls, PublicCalls, Span
from autotrader.exchanges.binance.governor import BanFile, Governor
from autotrader.exchanges.binance.instruments import Instruments
from autotrader.exchanges.binance.market_data import BinanceMarketData
from autotrader.exchanges.binance.market_replies import ServerTime
from autotrader.exchanges.binance.signing import ReadSigner, TradeSigner, encode
from autotrader.exchanges.clock import ExchangeClock, SteppedClock, VenueClock
from autotrader.exchanges.live import LiveToken
from autotrader.exchanges.messages import Request, Sender
from autotrader.exchanges.paper import PaperSource, PublicTrade
from autotrader.exchanges.pool import Pool
from autotrader.exchanges.reading import TIME, BadJson, BadReply, Model, parse, required
from autotrader.exchanges.secret import Credentials
from autotrader.exchanges.transport import Transport
from autotrader.exchanges.venue import Venue, VenueSettings
from autotrader.market.candles import Candle
from autotrader.market.instrument import Instrument
from autotrader.market.needs import CandleNeed
from autotrader.structs import dataclass

if TYPE_CHECKING:
    from autotrader.exchanges.candle_feed import CandleFeed
    from autotrader.exchanges.candle_store import CandleStore

DESK_SECONDS = 60.0
PAPER_LEVELS = 100
PAPER_PAGE = 1_000
_DESK_TIME = Model("simulator", ServerTime, {"server_ms": required("now", TIME)})


@dataclass(slots=True, kw_only=True)
class Connection(Venue):
    """Binance, open: also with what only its own tests look at."""

    market: BinanceMarketData
    calls: PublicCalls
    account: AccountCalls | None
    broker: BinanceBroker | None
    governor: Governor
    client: Client


def connect(
    settings: VenueSettings | None = None,
    *,
    url: str = "",
    credentials: Credentials | None = None,
    live_token: LiveToken | None = None,
    store: CandleStore | None = None,
) -> Connection:
    """Make a connection; nothing is asked yet. Raises ConfigError for an address that is not the venue's, UsageError
    for permission to trade without a key.
    """
    settings = settings or VenueSettings()
    checked = base_url(url or LIVE_URL)
    if live_token is not None and credentials is None:
        raise UsageError("trading needs an API key", hint="set AUTOTRADER_API_KEY and its secret")
    if settings.stepped and not checked.loopback:
        raise ConfigError("stepped time is a simulator's; it runs on loopback only")
    transport = _line(settings, checked)
    clock = _clock(settings, transport, lambda: calls.time())  # noqa: PLW0108 - `calls` is made below
    governor = _governor(settings, clock, checked)
    reader = ReadSigner(credentials, checked.host, settings.recv_window_ms) if credentials else None
    trader = None
    if credentials and live_token:
        trader = TradeSigner(credentials, checked.host, live_token, recv_window_ms=settings.recv_window_ms)
    patience = Patience(settings.sleep, settings.chance, settings.monotonic)
    client = Client(transport, clock, governor, reader, trader, patience)
    calls = PublicCalls(client)
    pool = Pool(settings.threads)
    instruments = Instruments(calls, clock, governor, settings.cache, checked.origin)
    closers = [pool.close, transport.close]

    feed = partial(_candle_feed, settings, clock, calls, store, closers)
    return Connection(
        url=checked,
        clock=clock,
        governor=governor,
        client=client,
        market=BinanceMarketData(client, instruments, feed, pool, settings.zone),
        calls=calls,
        broker=BinanceBroker(client, pool, instruments.forget, settings.recv_window_ms) if credentials else None,
        account=AccountCalls(client) if credentials else None,
        paper=venue_source(calls, instruments),
        weight_used=lambda: governor.used,
        fingerprint=credentials.fingerprint if credentials else "",
        tells_status=serves(checked, SYSTEM_STATUS.path),
        tells_permissions=serves(checked, RESTRICTIONS.path),
        ask_before_orders=(lambda _refuse: None) if trader is None else trader.ask_before_orders,
        closers=closers,
    )


def venue_source(calls: PublicCalls, instruments: Instruments) -> PaperSource:
    """The paper broker's source at a venue. Its calls raise ExchangeUnavailable or ExchangeRefused.

    Weight per look: 4 for each page of trades of a symbol in which paper orders rest, and for each new order 20 for the
    symbol's status, 5 for its book of 100 levels and 2 for the average price where the symbol has a percent filter.
    """

    # The status is read for each order, because a real one would meet the market as it is then.
    def instrument(symbol: str) -> Instrument | None:
        return instruments.get([symbol], within_ms=0).get(symbol)

    def trades(symbol: str, from_id: int | None, from_ms: int) -> Sequence[PublicTrade]:
        return calls.agg_trades(symbol, from_id, (from_ms, None) if from_id is None else (None, None), PAPER_PAGE)

    return PaperSource(
        instrument=instrument,
        book=lambda symbol: calls.depth(symbol, PAPER_LEVELS),
        trades=trades,
        average=lambda symbol: calls.average_price(symbol).price,
    )


def _candle_feed(
    settings: VenueSettings,
    clock: ExchangeClock,
    calls: PublicCalls,
    store: CandleStore | None,
    closers: list[Callable[[], None]],
) -> CandleFeed:
    # Here, because numpy, in which candles stand, costs a start 0.1 s, and prices, books and orders need none.
    from autotrader.exchanges.candle_feed import SETTLE_MS, CandleFeed
    from autotrader.exchanges.candle_store import SqliteCandleStore  # the same

    if store is None:
        store = SqliteCandleStore(settings.cache / "candles.sqlite" if settings.cache else ":memory:")
        closers.append(store.close)

    def ask(need: CandleNeed, limit: int, span: Span, seconds: float) -> Sequence[Candle]:
        return calls.within(seconds).klines(need.symbol, need.timeframe, limit, span)

    settle_ms = 0 if settings.stepped else SETTLE_MS
    return CandleFeed(ask, clock, store, calls.origin, monotonic=settings.monotonic, settle_ms=settle_ms)


def _governor(settings: VenueSettings, clock: ExchangeClock, url: BaseUrl) -> Governor:
    """Knows of a ban from before a restart, this process's or another's: the venue bans addresses, not programs."""
    bans = BanFile(settings.cache / "bans.json", url.origin) if settings.cache is not None else None
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
    return governor


def _line(settings: VenueSettings, url: BaseUrl) -> Sender:
    if settings.line is not None:
        return settings.line(url)
    return Transport(url, monotonic=settings.monotonic, agent=settings.agent)


def _clock(settings: VenueSettings, transport: Sender, ask: Callable[[], int]) -> ExchangeClock:
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
