"""The exchange between two requests: its time, markets, accounts and timers, and what it counts.

Strategy: everything that handlers of requests, the control desk and faults look at or change is here, below all of
them; ``exchange`` stands above them and only answers. ``advance_to`` moves time and plays every market's events in
order, so that the same requests at the same times always meet the same exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, Final, Protocol

from autotrader.simulator import auth
from autotrader.simulator.accounts import Account, Purse
from autotrader.simulator.books import Client
from autotrader.simulator.engine import Engine
from autotrader.simulator.errors import ApiError
from autotrader.simulator.limits import RAW_LIMIT, Addresses, OrderCounts
from autotrader.simulator.market import Market
from autotrader.simulator.symbols import SymbolSpec
from autotrader.simulator.tape import MinuteSource

LOOPBACK: Final = "127.0.0.1"
KEEP: Final = 100_000
"""Orders of an account and symbol that are never forgotten."""


class Injector(Protocol):
    """What spoils requests on their way here, as the control desk sees it."""

    active: bool
    seed: int

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each fault was injected."""
        ...

    def shown(self) -> list[dict[str, Any]]:
        """Its log."""
        ...

    def stop(self) -> None:
        """Inject nothing more."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


class ExchangeState:
    """All that an exchange keeps. ``now_us`` is its time in microseconds since 1970."""

    def __init__(
        self,
        listings: Iterable[tuple[SymbolSpec, MinuteSource]],
        accounts: Iterable[Account],
        start_ms: int,
        *,
        weight_limit: int = 6000,
        order_limits: tuple[int, int] = (100, 200_000),
        raw_limit: int = RAW_LIMIT,
        keep_orders: int = KEEP,
    ) -> None:
        self.now_us = start_ms * 1000
        self.started_ms = start_ms
        self.addresses = Addresses(weight_limit, raw_limit)
        self.weights = self.addresses.of(LOOPBACK)
        self.skew_us = 0
        """By how much the clock that requests are checked with is wrong (µs)."""
        self.delay_us = 0
        """How long the present request takes from its arrival to the engine (µs)."""
        self.order_limits = order_limits
        self.keep_orders = keep_orders
        self.system_down = False
        self.statuses: dict[str, str] = {}
        self.markets = {spec.symbol: Market(spec, source) for spec, source in listings}
        self.statuses = {name: market.spec.status for name, market in self.markets.items()}
        self.engine = Engine(self.markets, self.status, lambda: self.now_ms, self._count_orders)
        self.requests: dict[tuple[str, str, bool], int] = {}
        self.placing_requests = 0
        self._clients: dict[str, Client] = {}
        self.verifiers: dict[str, auth.Verifier] = {}
        self.faults: Injector | None = None
        """What spoils requests on their way here; for the control desk to show."""
        self.revoked: dict[str, int] = {}
        """Keys that are refused until that time (ms)."""
        self._timers: list[tuple[int, int, Callable[[], object]]] = []
        self._timers_set = 0
        for account in accounts:
            self.open_account(account)
        for market in self.markets.values():
            market.skip_to(start_ms)
        self.advance_to(self.now_us)

    @property
    def now_ms(self) -> int:
        """The exchange's time in whole ms."""
        return self.now_us // 1000

    def open_account(self, account: Account) -> Client:
        """Add an account; its balances are paid in."""
        if account.key in self._clients or account.name in self.engine.clients:
            raise ValueError(f"account {account.name!r}: name or key is taken")
        verify = auth.verifier(account.secret, account.public_key)
        client = Client(account, Purse({}), OrderCounts(*self.order_limits), 1000 + len(self._clients), self.now_ms)
        for asset, amount in account.balances.items():
            self.engine.ledger.pay_in(client.purse, asset, Decimal(amount))
        self._clients[account.key] = client
        self.verifiers[account.key] = verify
        self.engine.clients[account.name] = client
        return client

    def market(self, symbol: str) -> Market:
        """The market of a symbol. Raises -1121."""
        found = self.markets.get(symbol)
        if found is None:
            raise ApiError(-1121, "Invalid symbol.")
        return found

    def status(self, symbol: str) -> str:
        """A symbol's trading status: as set, or HALT where the tape has no market."""
        status = self.statuses[symbol]
        return "HALT" if status == "TRADING" and self.markets[symbol].halted else status

    def update_id(self, market: Market) -> int:
        """A number that grows whenever the symbol's book may have changed."""
        return market.updates + self.engine.changes

    def in_btc(self, asset: str, quantity: Decimal) -> Decimal:
        """What an amount is worth in BTC by last prices, 0 where no price leads there."""
        btc = self.markets.get("BTCJPY")
        if asset == "BTC" or btc is None or btc.last is None:
            return quantity if asset == "BTC" else Decimal(0)
        pair = self.markets.get(f"{asset}JPY")
        yen = quantity if asset == "JPY" else quantity * pair.last.price if pair and pair.last else Decimal(0)
        return yen / btc.last.price

    def _count_orders(self, client: Client, change: int) -> None:
        client.counts.add(self.now_us, change)
        if change > 0:
            for symbol in client.orders:
                forget(client, symbol, self.keep_orders)

    # ---- time ----------------------------------------------------------------

    def advance_to(self, now_us: int) -> None:
        """Move time forward (never back) and play everything that happens until then, in order."""
        while self._timers and self._timers[0][0] <= now_us:
            # The market first: what a timer does meets the world of its own moment.
            due, _, action = heappop(self._timers)
            self._play(due)
            action()
        self._play(now_us)

    def at(self, time_us: int, action: Callable[[], object]) -> None:
        """Do something when time reaches that moment; of two at the same moment the one set first."""
        self._timers_set += 1
        heappush(self._timers, (time_us, self._timers_set, action))

    def _play(self, now_us: int) -> None:
        target = now_us // 1000
        markets = list(self.markets.values())
        while markets:
            # All markets share one time, so the earliest event of any of them is next.
            market = markets[0] if len(markets) == 1 else min(markets, key=Market.next_event)
            at = market.next_event()
            if at > target:
                break
            self.now_us = max(self.now_us, at * 1000)
            self.engine.play(market, trading=self.statuses[market.spec.symbol] == "TRADING")
        self.now_us = max(self.now_us, now_us)

    def advance(self, milliseconds: int) -> None:
        """Move time forward by that much."""
        self.advance_to(self.now_us + milliseconds * 1000)

    def client_of(self, key: str) -> Client | None:
        """The account of an API key."""
        return self._clients.get(key)


def forget(client: Client, symbol: str, keep: int = KEEP) -> int:
    """Drop ended orders beyond the newest ``keep`` of a symbol, with their trades; how many.

    Open ones stay however old. Nothing is done until there are a quarter more, so that the work is a constant share of
    an order's. For queries what is forgotten has never been; balances, fees and the ledger are not touched.
    """
    orders = client.orders.get(symbol, [])
    if len(orders) <= keep + max(keep // 4, 1):
        return 0
    edge = len(orders) - keep
    dropped = {order.id: order for order in orders[:edge] if not order.open}
    orders[:edge] = [order for order in orders[:edge] if order.open]
    for order in dropped.values():
        key = (symbol, order.client_id)
        if client.by_client_id.get(key) is order:
            del client.by_client_id[key]
        if order.list is not None and not any(each.id not in dropped for each in order.list.orders):
            client.lists.pop(order.list.id, None)
    trades = client.trades.get(symbol)
    if trades:
        trades[:] = [trade for trade in trades if trade.order_id not in dropped]
    prevented = client.prevented.get(symbol)
    if prevented:
        oldest = orders[0].id if orders else 0
        prevented[:] = [match for match in prevented if match.taker_id >= oldest]
    return len(dropped)
