"""An exchange for the study of limits: small and fast, with requests that are lost, late or unclear.

It keeps what is true (orders, trades, balances) apart from what it tells, and tells its listener of everything that is
true. It is clock and broker of the product under study. It knows nothing of limits.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from autotrader.market.account import Account
from autotrader.market.instrument import Instrument
from autotrader.market.needs import AccountNeed, OpenOrdersNeed
from autotrader.market.snapshot import Book
from autotrader.orders import (
    Accepted,
    Balance,
    Cancelled,
    CancelRequest,
    CancelResult,
    Fill,
    NotFound,
    NotSent,
    Order,
    OrderRequest,
    OrderStatus,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)

STEP_MS = 30_000  # how often the market moves
FEE = Decimal("0.001")
ZERO = Decimal(0)


@dataclass(slots=True)
class Standing:
    """An order as it truly is at the exchange."""

    request: OrderRequest
    number: int
    created_ms: int
    shown_ms: int  # from this time on queries find it
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    status: OrderStatus = OrderStatus.NEW
    updated_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)

    @property
    def remaining(self) -> Decimal:
        """What may still trade, in base."""
        return self.request.quantity - self.executed

    def told(self) -> Order:
        """As the exchange describes it."""
        asked = self.request
        return Order(
            symbol=asked.symbol, order_id=self.number, client_order_id=asked.client_order_id, side=asked.side,
            type=asked.type, tif=asked.tif, price=asked.price, quantity=asked.quantity, executed=self.executed,
            quote_executed=self.quote, status=self.status, created_ms=self.created_ms, updated_ms=self.updated_ms,
        )  # fmt: skip


class Listener(Protocol):
    """Hears what is true at the exchange, and what it told."""

    def posted(self, request: OrderRequest, sent_ms: int) -> None:
        """A request to place an order left the product."""

    def arrived(self, order: Standing) -> None:
        """An order stands at the exchange now, before any of it trades."""

    def told(self, client_order_id: str, fate: str) -> None:
        """The product was told of an order: "taken", "refused" or "unclear"."""

    def showed(self, fill: Fill) -> None:
        """The product was shown a trade."""


@dataclass(slots=True)
class Venue:
    """Market, books and replies. `during` is called while a request is under way."""

    chance: random.Random
    instruments: dict[str, Instrument]
    mids: dict[str, Decimal]
    balances: dict[str, Decimal]  # free, by asset
    swing: float
    now: int
    listener: Listener
    during: Callable[[], None] = lambda: None
    doubt_ms: int = 20
    orders: dict[int, Standing] = field(default_factory=dict)
    by_name: dict[str, Standing] = field(default_factory=dict)
    standing: dict[int, Standing] = field(default_factory=dict)  # those that are open
    trades: list[Fill] = field(default_factory=list)
    shown_ms: dict[int, int] = field(default_factory=dict)  # trade id -> from when lists of trades have it
    on_the_way: list[tuple[int, OrderRequest]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------------- ports.Clock
    def now_ms(self) -> int:
        """The time."""
        return self.now

    def monotonic(self) -> float:
        """The time in seconds."""
        return self.now / 1000

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.advance(int(seconds * 1000))

    def uncertainty_ms(self) -> int:
        """How well the product knows the time."""
        return self.doubt_ms

    def sync(self) -> None:
        """The time is always right here."""

    # ------------------------------------------------------------------------------------------------- the market
    def advance(self, ms: int) -> None:
        """Let time pass: the market moves, and late requests arrive, each at its moment."""
        ends = self.now + ms
        while True:
            step = (self.now // STEP_MS + 1) * STEP_MS
            late = min((at for at, _ in self.on_the_way), default=ends + 1)
            if min(step, late) > ends:
                break
            self.now = max(self.now, min(step, late))
            if late <= step:
                self._arrive_late(late)
            else:
                self._move()
        self.now = ends

    def _arrive_late(self, at: int) -> None:
        due = [request for moment, request in self.on_the_way if moment <= at]
        self.on_the_way = [(moment, request) for moment, request in self.on_the_way if moment > at]
        for request in due:
            self._take(request)

    def _move(self) -> None:
        for symbol, mid in self.mids.items():
            tick = self.instruments[symbol].tick
            moved = mid * Decimal(round(1 + self.chance.gauss(0, self.swing), 6))
            self.mids[symbol] = max(tick * 100, (moved // tick) * tick)
        for order in list(self.standing.values()):
            if self._crosses(order) and self.chance.random() < 0.7:
                self._trade(order, order.request.price)

    def touch(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Bid and ask."""
        mid, tick = self.mids[symbol], self.instruments[symbol].tick
        half = max(tick, (mid * Decimal("0.0005") // tick) * tick)
        return mid - half, mid + half

    def _crosses(self, order: Standing) -> bool:
        bid, ask = self.touch(order.request.symbol)
        return order.request.price >= ask if order.request.side is Side.BUY else order.request.price <= bid

    def book(self, symbol: str) -> Book:
        """The best level, as asked for now."""
        bid, ask = self.touch(symbol)
        one = Decimal(1)
        return Book(
            symbol=symbol, bids=((bid, one),), asks=((ask, one),), asked_levels=1, update_id=self.now, asked_ms=self.now
        )

    # ------------------------------------------------------------------------------------------------- the engine
    def free(self, asset: str) -> Decimal:
        """What is truly free."""
        return self.balances.get(asset, ZERO)

    def held(self, asset: str) -> Decimal:
        """Free and locked."""
        locked = sum((cost for cost, bound in map(self._bound, self.standing.values()) if bound == asset), ZERO)
        return self.free(asset) + locked

    def _bound(self, order: Standing) -> tuple[Decimal, str]:
        instrument = self.instruments[order.request.symbol]
        if order.request.side is Side.BUY:
            return order.remaining * order.request.price, instrument.quote
        return order.remaining, instrument.base

    def _take(self, request: OrderRequest) -> Standing | None:
        order = Standing(request, 1000 + len(self.orders), self.now, self.now, updated_ms=self.now)
        cost, asset = self._bound(order)
        if cost > self.free(asset):
            self.count("refused for lack of funds")
            return None
        if self.chance.random() < 0.2:
            order.shown_ms = self.now + self.chance.randint(1_000, 20_000)
        self.balances[asset] = self.free(asset) - cost
        self.orders[order.number] = self.standing[order.number] = self.by_name[request.client_order_id] = order
        self.listener.arrived(order)
        if self._crosses(order):
            bid, ask = self.touch(request.symbol)
            self._trade(order, ask if request.side is Side.BUY else bid)
        return order

    def _trade(self, order: Standing, price: Decimal) -> None:
        """Trade all of what is left of an order, or half of it."""
        asked, instrument = order.request, self.instruments[order.request.symbol]
        half = (order.remaining / 2 // instrument.step) * instrument.step
        part = half if half > 0 and self.chance.random() < 0.4 else order.remaining
        quote, buys = part * price, asked.side is Side.BUY
        fee_asset = instrument.base if buys else instrument.quote
        fee = (part if buys else quote) * FEE
        gained = instrument.base if buys else instrument.quote
        self.balances[gained] = self.free(gained) + (part if buys else quote) - fee
        if buys:
            self.balances[instrument.quote] = self.free(instrument.quote) + part * asked.price - quote
        order.executed += part
        order.quote += quote
        order.updated_ms = self.now
        order.status = OrderStatus.FILLED if order.remaining == 0 else OrderStatus.PARTIALLY_FILLED
        if not order.is_open:
            del self.standing[order.number]
        number = 1 + len(self.trades)
        self.trades.append(
            Fill(symbol=asked.symbol, trade_id=number, order_id=order.number, side=asked.side, price=price,
                 quantity=part, quote=quote, fee=fee, fee_asset=fee_asset, time_ms=self.now, is_maker=False)
        )  # fmt: skip
        late = self.chance.randint(500, 20_000) if self.chance.random() < 0.3 else 0
        self.shown_ms[number] = self.now + late

    def _end(self, order: Standing) -> None:
        cost, asset = self._bound(order)
        self.balances[asset] = self.free(asset) + cost
        order.status, order.updated_ms = OrderStatus.CANCELED, self.now
        del self.standing[order.number]

    # ------------------------------------------------------------------------------------------------- ports.Broker
    def observe(self, needs: frozenset[AccountNeed], deadline: float) -> Account:
        """Balances, and the open orders of the symbols that were asked for."""
        symbols = [need.symbol for need in needs if isinstance(need, OpenOrdersNeed)]
        asked = (order for order in self.standing.values() if order.request.symbol in symbols)
        seen = [order for order in asked if order.shown_ms <= self.now]
        for order in seen:
            self.listener.told(order.request.client_order_id, "taken")
        listed = {s: tuple(order.told() for order in seen if order.request.symbol == s) for s in symbols}
        assets = sorted({a for i in self.instruments.values() for a in (i.base, i.quote)})
        balances = {asset: Balance(asset, self.free(asset), self.held(asset) - self.free(asset)) for asset in assets}
        return Account(
            balances=balances, balances_asked_ms=self.now, open_orders=listed,
            orders_asked_ms=dict.fromkeys(symbols, self.now),
        )  # fmt: skip

    def fills(self, symbol: str, from_trade_id: int | None, from_ms: int) -> Sequence[Fill]:
        """Trades as far as lists have them yet: none behind one that they lack."""
        found = []
        for fill in self.trades:
            if fill.symbol != symbol or (
                fill.time_ms < from_ms if from_trade_id is None else fill.trade_id <= from_trade_id
            ):
                continue
            if self.shown_ms[fill.trade_id] > self.now:
                break
            self.listener.showed(fill)
            found.append(fill)
        return found

    def fills_of(self, symbol: str, order_id: int) -> Sequence[Fill]:
        """The same, of one order."""
        return [fill for fill in self.fills(symbol, None, 0) if fill.order_id == order_id]

    def submit(self, request: OrderRequest, sent_ms: int) -> SubmitResult:
        """Take it, refuse it, lose it, take it and lose the answer, or let it come late."""
        if self.chance.random() < 0.03:
            self.count("not sent")
            return NotSent("connection refused")
        self.listener.posted(request, sent_ms)
        fate = self.chance.random()
        self.advance(self.chance.randint(20, 200) if self.chance.random() < 0.9 else self.chance.randint(2_000, 9_000))
        self.during()
        name = request.client_order_id
        if fate < 0.05:
            self.count("lost")
        elif fate < 0.10:
            self.count("late")
            self.on_the_way.append((max(self.now, sent_ms + self.chance.randint(500, 15_000)), request))
        elif fate < 0.15:
            self.count("answer lost")
            self._take(request)
        else:
            order = None if fate < 0.19 else self._take(request)
            self.listener.told(name, "refused" if order is None else "taken")
            self.count("refused" if order is None else "taken")
            return Rejected(-2010, "refused") if order is None else Accepted(order.told())
        self.listener.told(name, "unclear")
        return Unknown("no answer")

    def cancel(self, request: CancelRequest) -> CancelResult:
        """Cancel, or lose the answer, or the request."""
        order = self.by_name[request.client_order_id]
        if not order.is_open:
            return Rejected(-2011, "Unknown order sent.")
        fate = self.chance.random()
        if fate > 0.05:
            self._end(order)
        return Unknown("no answer") if fate < 0.1 else Cancelled(order.told())

    def find(self, symbol: str, client_order_id: str) -> Order | NotFound | Unknown:
        """Look it up."""
        order = self.by_name.get(client_order_id)
        if order is None or order.shown_ms > self.now:
            return NotFound()
        self.listener.told(client_order_id, "taken")
        return order.told()

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        """All orders since then."""
        every = (o for o in self.orders.values() if o.request.symbol == symbol and from_ms <= o.created_ms)
        found = [order for order in every if order.shown_ms <= self.now]
        for order in found:
            self.listener.told(order.request.client_order_id, "taken")
        return [order.told() for order in found]

    def count(self, what: str) -> None:
        """Count a fate."""
        self.counts[what] = self.counts.get(what, 0) + 1
