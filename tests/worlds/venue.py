"""A venue in memory for tests: the Broker port, a clock that tests move, and a plan of faults.

It keeps what really happened (`posts`, `orders`) apart from what it answers, so that a test can ask the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from autotrader.errors import ExchangeUnavailable
from autotrader.market.account import Account
from autotrader.market.needs import AccountNeed, OpenOrdersNeed
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    CancelResult,
    Fill,
    NotFound,
    Order,
    OrderRequest,
    OrderStatus,
    Rejected,
    SubmitResult,
    Unknown,
)

START_MS = 1_768_460_400_000


class HandClock:
    """The Clock port; only tests move it."""

    def __init__(self) -> None:
        self.ms = START_MS
        self.doubt_ms = 5

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)

    def uncertainty_ms(self) -> int:
        return self.doubt_ms

    def sync(self) -> None:
        pass


@dataclass
class Venue:
    """The Broker port over a dictionary. `on_submit` replaces the next answers to a POST, one each."""

    clock: HandClock
    orders: dict[int, Order] = field(default_factory=dict)
    trades: list[Fill] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    on_submit: list[Callable[[Venue, OrderRequest], SubmitResult]] = field(default_factory=list)
    on_cancel: list[Callable[[Venue, CancelRequest], CancelResult]] = field(default_factory=list)
    hidden_until: dict[int, int] = field(default_factory=dict)
    down: bool = False
    before_post: Callable[[], None] = lambda: None

    def place(self, request: OrderRequest) -> Order:
        """What the engine does, whatever the client is told."""
        number = 1000 + len(self.orders) + 1
        order = Order(
            symbol=request.symbol,
            order_id=number,
            client_order_id=request.client_order_id,
            side=request.side,
            type=request.type,
            tif=request.tif,
            price=request.price,
            quantity=request.quantity,
            executed=Decimal(0),
            quote_executed=Decimal(0),
            status=OrderStatus.NEW,
            created_ms=self.clock.ms,
            updated_ms=self.clock.ms,
        )
        self.orders[number] = order
        return order

    def fill(self, number: int, quantity: str, fee: str = "0") -> Fill:
        """Execute a part of an order."""
        order, part = self.orders[number], Decimal(quantity)
        executed = order.executed + part
        status = OrderStatus.FILLED if executed == order.quantity else OrderStatus.PARTIALLY_FILLED
        self.orders[number] = replace(
            order,
            executed=executed,
            quote_executed=(order.quote_executed or Decimal(0)) + part * order.price,
            status=status,
            updated_ms=self.clock.ms,
        )
        trade = Fill(
            symbol=order.symbol,
            trade_id=5000 + len(self.trades) + 1,
            order_id=number,
            side=order.side,
            price=order.price,
            quantity=part,
            quote=part * order.price,
            fee=Decimal(fee),
            fee_asset="BNB",
            time_ms=self.clock.ms,
            is_maker=True,
        )
        self.trades.append(trade)
        return trade

    def end(self, number: int, status: OrderStatus = OrderStatus.CANCELED) -> Order:
        """End an order."""
        self.orders[number] = replace(self.orders[number], status=status, updated_ms=self.clock.ms)
        return self.orders[number]

    def named(self, cid: str) -> list[Order]:
        """The truth: every order that ever bore this name."""
        return [order for order in self.orders.values() if order.client_order_id == cid]

    # --------------------------------------------------------------------------------------------------- the port
    def _visible(self) -> list[Order]:
        if self.down:
            raise ExchangeUnavailable("the venue is down")
        return [order for number, order in self.orders.items() if self.hidden_until.get(number, 0) <= self.clock.ms]

    def observe(self, needs: frozenset[AccountNeed], deadline: float) -> Account:
        symbols = sorted(need.symbol for need in needs if isinstance(need, OpenOrdersNeed))
        seen = self._visible()
        return Account(
            open_orders={s: tuple(o for o in seen if o.symbol == s and o.is_open) for s in symbols},
            orders_asked_ms=dict.fromkeys(symbols, self.clock.ms),
        )

    def fills(self, symbol: str, from_trade_id: int | None, from_ms: int) -> Sequence[Fill]:
        visible = {order.order_id for order in self._visible()}
        mine = [trade for trade in self.trades if trade.symbol == symbol and trade.order_id in visible]
        if from_trade_id is not None:
            return [trade for trade in mine if trade.trade_id > from_trade_id]
        return [trade for trade in mine if trade.time_ms >= from_ms]

    def fills_of(self, symbol: str, order_id: int) -> Sequence[Fill]:
        return [trade for trade in self.fills(symbol, None, 0) if trade.order_id == order_id]

    def submit(self, request: OrderRequest, sent_ms: int) -> SubmitResult:
        self.before_post()
        self.posts.append(request.client_order_id)
        if self.on_submit:
            return self.on_submit.pop(0)(self, request)
        return Accepted(self.place(request))

    def cancel(self, request: CancelRequest) -> CancelResult:
        self.deletes.append(request.client_order_id)
        if self.on_cancel:
            return self.on_cancel.pop(0)(self, request)
        order = self.orders.get(request.order_id or 0)
        if order is None or not order.is_open:
            return Rejected(-2011, "Unknown order sent.")
        return Cancelled(self.end(order.order_id))

    def find(self, symbol: str, client_order_id: str) -> Order | NotFound | Unknown:
        found = [o for o in self._visible() if o.symbol == symbol and o.client_order_id == client_order_id]
        return found[-1] if found else NotFound()

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        return [order for order in self._visible() if order.symbol == symbol and order.created_ms >= from_ms]
