"""The exchange itself: a state machine in process, without threads, sockets or a clock of its own.

Strategy: ``advance_to`` moves its time and plays every market's events in
order; ``handle`` answers one request at the present time, which never moves
while it does so. The HTTP server is a thin shell around these two, and the
same core can be driven without HTTP.

The checks of a request come in this order: ban and weight, route, parameter
syntax, key format, timestamp, signature, key and its permission; then the
route's own (symbol, combinations, precision, order count, filters, engine).
A key nobody knows has no secret to check a signature with, so it is refused
(-2015) in the signature's place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrader.simulator import auth, control, params, routes_account, routes_market, routes_order
from autotrader.simulator.accounts import Account, Purse
from autotrader.simulator.engine import Client, Engine
from autotrader.simulator.errors import ApiError
from autotrader.simulator.forgetting import KEEP, forget
from autotrader.simulator.keys import Verifier
from autotrader.simulator.limits import RAW_LIMIT, Addresses, OrderCounts
from autotrader.simulator.market import Market
from autotrader.simulator.routing import Call, Raw, Route
from autotrader.simulator.symbols import SymbolSpec
from autotrader.simulator.tape import Source

if TYPE_CHECKING:
    from autotrader.simulator.faults import Faults

ROUTES: dict[tuple[str, str], Route] = {
    (route.method, route.path): route for route in (*routes_market.ROUTES, *routes_account.ROUTES, *routes_order.ROUTES)
}
TIMES = frozenset(
    (
        "serverTime", "transactTime", "transactionTime", "time", "updateTime", "workingTime", "trailingTime",
        "openTime", "closeTime", "timestamp", "T",
    ),
)  # fmt: skip
JSON = "application/json;charset=UTF-8"
CONTROL = "/simulator/"
LOOPBACK = "127.0.0.1"


class Answer(NamedTuple):
    """Status, headers and body of a reply."""

    status: int
    headers: dict[str, str]
    body: bytes


class Exchange:
    """A Binance-protocol spot exchange. ``now_us`` is its time in microseconds since 1970."""

    def __init__(
        self,
        listings: Iterable[tuple[SymbolSpec, Source]],
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
        self._verifiers: dict[str, Verifier] = {}
        self.faults: Faults | None = None
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

    # ---- state ---------------------------------------------------------------

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
        self._verifiers[account.key] = verify
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

    # ---- requests --------------------------------------------------------------

    def client_of(self, key: str) -> Client | None:
        """The account of an API key."""
        return self._clients.get(key)

    def handle(
        self,
        method: str,
        path: str,
        query: bytes,
        body: bytes,
        headers: Mapping[str, str],
        address: str = LOOPBACK,
    ) -> Answer:
        """Answer one request. ``headers`` have lower-case names; query and body are the bytes received.

        Weight and bans count for ``address``, orders for the account.
        """
        if path.startswith(CONTROL):
            return control.handle(self, method, path, query, body)
        self.weights = self.addresses.of(address)
        self._record(method, path, query, body)
        extra: dict[str, str] = {}
        try:
            value = self._answer(method, path, query, body, headers, extra)
            content = value.text if isinstance(value, Raw) else json.dumps(value, separators=(",", ":"))
            status = 200
            unit = headers.get("x-mbx-time-unit")
            if unit is not None and path.startswith("/api/"):
                content = _in_unit(content, unit)
        except ApiError as error:
            status, content = error.status, json.dumps(error.body)
            extra.update(error.headers)
        name = "X-SAPI-USED-IP-WEIGHT-1M" if path.startswith("/sapi/") else "X-MBX-USED-WEIGHT-1M"
        extra[name] = str(self.weights.used)
        extra["Content-Type"] = JSON
        return Answer(status, extra, b"" if status == 404 else content.encode())

    def _record(self, method: str, path: str, query: bytes, body: bytes) -> None:
        key = (method, path, b"signature=" in query or b"signature=" in body)
        self.requests[key] = self.requests.get(key, 0) + 1
        route = ROUTES.get((method, path))
        if route is not None and route.places_or_cancels:
            self.placing_requests += 1

    def _answer(
        self, method: str, path: str, query: bytes, body: bytes, headers: Mapping[str, str], extra: dict[str, str]
    ) -> Any:
        self.weights.check_ban(self.now_us)
        route = ROUTES.get((method, path))
        if route is None:
            self.weights.add(1, self.now_us)
            raise ApiError(-1000, "Not found.", 404)
        if method == "GET":
            body = b""
        given = params.pairs(query, body)
        # Order calls weigh nothing when they succeed, so only what was used before can stand in their way.
        weight = route.weight(given)
        self.weights.add(0 if route.on_failure else weight, self.now_us)
        try:
            return self._call(route, given, query, body, headers, extra)
        except ApiError:
            self.weights.used += weight if route.on_failure else 0
            raise

    def _call(
        self,
        route: Route,
        given: Mapping[str, str],
        query: bytes,
        body: bytes,
        headers: Mapping[str, str],
        extra: dict[str, str],
    ) -> Any:
        values = params.check(given, route.kinds, route.mandatory, signed=route.signed)
        client = self._authenticate(route, given, query, body, headers) if route.signed else None
        call = Call(self, values, client)
        answer = route.handler(call)
        extra.update(call.headers)
        return answer

    def _authenticate(
        self, route: Route, given: Mapping[str, str], query: bytes, body: bytes, headers: Mapping[str, str]
    ) -> Client:
        key = headers.get("x-mbx-apikey", "")
        client = self._clients.get(key)
        auth.check_key_format(key, known=client is not None)
        auth.check_time(given, self.now_us + self.skew_us)
        denied = ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if client is None or self.now_ms < self.revoked.get(key, 0):
            raise denied
        auth.check_signature(self._verifiers[key], query, body, given["signature"])
        if route.security == "TRADE" and not client.account.may_trade:
            raise denied
        if self.delay_us:
            self._check_time_again(route, given, client)
        return client

    def _check_time_again(self, route: Route, given: Mapping[str, str], client: Client) -> None:
        """The second look at the timestamp, just before the engine; what fails here counts as an order all the same."""
        try:
            auth.check_time(given, self.now_us + self.skew_us + self.delay_us)
        except ApiError:
            if route.method == "POST" and route.places_or_cancels:
                client.counts.add(self.now_us)
            raise


def _in_unit(content: str, unit: str) -> str:
    """The reply's times in the unit that the caller asked for."""
    if unit.upper() == "MILLISECOND":
        return content
    if unit not in ("MICROSECOND", "microsecond"):
        raise ApiError(-1194, "Invalid value for time unit. Supported values are 'MICROSECOND' and 'MILLISECOND'.")
    return json.dumps(_microseconds(json.loads(content)), separators=(",", ":"))


def _microseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stamp(k, v) if k in TIMES and isinstance(v, int) else _microseconds(v) for k, v in value.items()}
    if isinstance(value, list):
        if len(value) == 12 and isinstance(value[0], int):  # a candle: open and close time
            return [value[0] * 1000, *value[1:6], value[6] * 1000 + 999, *value[7:]]
        return [_microseconds(item) for item in value]
    return value


def _stamp(name: str, value: int) -> int:
    return value if value < 0 else value * 1000 + (999 if name == "closeTime" and value % 1000 == 999 else 0)
