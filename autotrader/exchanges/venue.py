"""What every exchange gives and takes, in words that are no exchange's own: the settings with which one is opened, the
open `Venue`, the tools that people use, and the values that those answer with.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.clock import ExchangeClock
from autotrader.exchanges.messages import Sender
from autotrader.exchanges.paper import PaperSource
from autotrader.market.candles import Candle
from autotrader.market.snapshot import Book, ExchangeStatus, Ticker
from autotrader.money import ZERO
from autotrader.orders import Balance, Order, OrderRequest
from autotrader.ports import Broker, MarketData
from autotrader.structs import dataclass

RECV_WINDOW_MS = 5000
WEIGHT_PART = 0.7
THREADS = 8


@dataclass(frozen=True, slots=True)
class Parked:
    """Silence until a venue time, with the reason."""

    until_ms: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """How to connect. Everything has a default that is safe.

    `zone` is the account's, for trading days; `cache` a folder for instruments, candles and bans, None to keep none;
    `weight_share` the most request weight a minute for reads, or where that is None `weight_part` of the venue's limit;
    `parked` a ban from before a restart, `on_parked` is told of a new one, in the thread that connected;
    `stepped` says that the simulator's time is stepped; `recv_window_ms`
    how old a signed request may be when it arrives. `line` plays the network in a simulation, with `threads` 0 and its
    own clocks.
    """

    zone: tzinfo = UTC
    cache: Path | None = None
    weight_share: int | None = None
    weight_part: float = WEIGHT_PART
    parked: Parked | None = None
    on_parked: Callable[[Parked], None] | None = None
    stepped: bool = False
    recv_window_ms: int = RECV_WINDOW_MS
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    agent: str = "autotrader"
    line: Callable[[BaseUrl], Sender] | None = None
    threads: int = THREADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the safety of live orders stands on. An exchange that lacks one is only watched and traded on paper."""

    own_order_id: bool  # an order bears an id that we give it before it leaves
    query_by_own_id: bool  # and is found by it: so its fate can be asked when no answer came
    entry_bound: bool  # a request that did not arrive within a known time never does: so silence ends
    ended_orders_visible: bool  # orders that are over, and their trades, can be asked for: so nothing is booked twice

    def missing(self) -> tuple[str, ...]:
        """What is lacking, in words."""
        return tuple(one.name.replace("_", " ") for one in fields(self) if not getattr(self, one.name))


class VenueMarket(MarketData, Protocol):
    """Market data that also tells where candles are missing."""

    def gaps(self, symbol: str, timeframe: str) -> Sequence[tuple[int, int]]:
        """Missing intervals of a series as (first missing open, next present open), oldest first."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Venue:
    """An open exchange. `broker` and `account` are there with a key; whether orders may be placed was decided by the
    token. `ask_before_orders` takes who is asked about the side ("BUY", "SELL") before each new order is signed: the
    reason against it, or ""; until somebody is named none is signed. `tells_status` and `tells_permissions`: whether
    this host says if the exchange runs, and what the key may do.
    """

    url: BaseUrl
    clock: ExchangeClock
    market: VenueMarket
    calls: PublicTools
    broker: Broker | None
    account: AccountTools | None
    paper: PaperSource
    weight_used: Callable[[], int]
    fingerprint: str = ""
    tells_status: bool = False
    tells_permissions: bool = False
    ask_before_orders: Callable[[Callable[[str], str]], None] = field(default=lambda _refuse: None, repr=False)
    closers: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def close(self) -> None:
        """End threads, connections and the candle file. May be called twice."""
        while self.closers:
            self.closers.pop(0)()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# ------------------------------------------------------------------------------------------------ tools for people
class PublicTools(Protocol):
    """What anybody may ask. All raise ExchangeUnavailable or ExchangeRefused."""

    def time(self) -> int:
        """The venue's time in milliseconds."""

    def ticker_24h(self, symbols: Sequence[str], *, brief: bool = False) -> Sequence[Ticker]:
        """Rolling 24 hour tickers, in the order asked; a brief one lacks averages and best prices."""

    def trading_day(self, symbols: Sequence[str], zone: str = "0", *, brief: bool = False) -> Sequence[Ticker]:
        """Tickers of the calendar day in a zone such as `9` or `-3:30`, in the order asked."""

    def prices(self, symbols: Sequence[str]) -> Sequence[LastPrice]:
        """Last prices, in the order asked."""

    def best(self, symbols: Sequence[str]) -> Sequence[Book]:
        """Best bids and asks as books of one level, in the order asked."""

    def depth(self, symbol: str, levels: int = 100) -> Book:
        """Order book of up to so many levels a side."""

    def klines(
        self, symbol: str, interval: str, limit: int = 500, span: tuple[int | None, int | None] = (None, None)
    ) -> Sequence[Candle]:
        """Candles, oldest first; the last one is usually still open."""

    def system_status(self) -> ExchangeStatus:
        """Normal, or under maintenance."""


class AccountTools(Protocol):
    """What the key's owner may ask; nothing here places or cancels. Raises as `PublicTools`, and SafetyRefused."""

    def account(self) -> AccountInfo:
        """Balances and permissions."""

    def user_assets(self, asset: str | None = None) -> Sequence[WalletAsset]:
        """Assets of the wallet."""

    def commission(self, symbol: str) -> Commission:
        """Commission rates of a symbol."""

    def restrictions(self) -> KeyPermissions:
        """What the key may do."""

    def order_counts(self) -> Sequence[OrderCount]:
        """Unfilled orders in each window."""

    def open_orders(self, symbol: str) -> Sequence[Order]:
        """Open orders of a symbol, whoever placed them."""

    def all_orders(
        self,
        symbol: str,
        from_id: int | None = None,
        span: tuple[int | None, int | None] = (None, None),
        limit: int = 500,
    ) -> Sequence[Order]:
        """Orders of any status, oldest first; from an order id, or of a span of at most 24 hours."""

    def test_order(self, request: OrderRequest, *, rates: bool = False) -> OrderTest:
        """Have the venue check an order without placing it."""


def zone_text(moment: datetime) -> str:
    """A moment's offset from UTC in hours, as trading days are asked by: `9`, `-3:30`."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a moment without a zone has no offset")
    minutes = round(offset.total_seconds() / 60)
    sign, (hours, rest) = "-" if minutes < 0 else "", divmod(abs(minutes), 60)
    return f"{sign}{hours}:{rest:02d}" if rest else f"{sign}{hours}"


# ------------------------------------------------------------------------------------------------------- answers
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The account: what it may do, and its balances by asset. `maker` and `taker` are its rates where given."""

    can_trade: bool
    can_withdraw: bool
    update_time: int
    account_type: str
    permissions: tuple[str, ...] = ()
    maker: Decimal | None = None
    taker: Decimal | None = None
    balances: Mapping[str, Balance]


@dataclass(frozen=True, slots=True)
class WalletAsset:
    """An asset of the wallet, also what is frozen or on its way out."""

    asset: str
    free: Decimal
    locked: Decimal
    freeze: Decimal
    withdrawing: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """Commission as a fraction of what is received."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """Commission of a symbol: standard, special and tax add up; `discount` multiplies the standard part."""

    symbol: str
    standard: Rates
    special: Rates | None
    tax: Rates
    discount_enabled: bool
    discount_asset: str
    discount: Decimal


@dataclass(frozen=True, slots=True)
class OrderTest:
    """What the test of an order says; rates only where they were asked for."""

    standard: Rates | None = None
    tax: Rates | None = None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What the key may do. `expires_ms` is when its trading permission ends, None where it does not."""

    trading: bool
    reading: bool
    withdrawals: bool
    transfers: bool
    ip_restricted: bool
    created_ms: int
    expires_ms: int | None
    more: tuple[str, ...] = ()  # what else it may do, of which spot trading needs nothing


@dataclass(frozen=True, slots=True)
class OrderCount:
    """Unfilled orders in a window, and how many are allowed."""

    interval: str
    number: int
    limit: int
    count: int


@dataclass(frozen=True, slots=True)
class LastPrice:
    """Last price of a symbol."""

    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class AveragePrice:
    """Average price of the last `minutes`; `close_ms` is the last trade's, where given."""

    minutes: int
    price: Decimal
    close_ms: int | None
