"""The exchange itself: a state machine in process, without threads, sockets or a clock of its own.

Strategy: ``handle`` answers one request at the present time, which never moves
while it does so; time is the state's (``state``). The HTTP server is a thin
shell around both, and the same core can be driven without HTTP.

The checks of a request come in this order: ban and weight, route, parameter
syntax, key format, timestamp, signature, key and its permission; then the
route's own (symbol, combinations, precision, order count, filters, engine).
A key nobody knows has no secret to check a signature with, so it is refused
(-2015) in the signature's place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autotrader.simulator import auth, control, params, routes_account, routes_market, routes_order
from autotrader.simulator.books import Client
from autotrader.simulator.errors import ApiError
from autotrader.simulator.protocol import CONTROL, JSON, Answer, Call, Raw, Route
from autotrader.simulator.state import LOOPBACK, ExchangeState

ROUTES: dict[tuple[str, str], Route] = {
    (route.method, route.path): route for route in (*routes_market.ROUTES, *routes_account.ROUTES, *routes_order.ROUTES)
}
TIMES = frozenset(
    (
        "serverTime", "transactTime", "transactionTime", "time", "updateTime", "workingTime", "trailingTime",
        "openTime", "closeTime", "timestamp", "T",
    ),
)  # fmt: skip


class Exchange(ExchangeState):
    """A Binance-protocol spot exchange."""

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
        if path.startswith(CONTROL):  # the test's own door: no weight, no signature, and it stays open during a ban
            return control.handle(self, method, path, query, body)
        # limits are those of the address, not of the key: two bots on one machine share them
        self.weights = self.addresses.of(address)
        # before anything can refuse it: a request that failed was made all the same
        self._record(method, path, query, body)
        extra: dict[str, str] = {}
        try:
            value = self._answer(method, path, query, body, headers, extra)
            content = value.text if isinstance(value, Raw) else json.dumps(value, separators=(",", ":"))
            status = 200
            unit = headers.get("x-mbx-time-unit")
            if unit is not None and path.startswith("/api/"):  # `/sapi` ignores that header
                content = _in_unit(content, unit)  # over the finished text, so that no route needs to know about units
        except ApiError as error:
            status, content = error.status, json.dumps(error.body)
            extra.update(error.headers)
        name = "X-SAPI-USED-IP-WEIGHT-1M" if path.startswith("/sapi/") else "X-MBX-USED-WEIGHT-1M"
        extra[name] = str(self.weights.used)  # errors carry the used weight too
        extra["Content-Type"] = JSON
        return Answer(status, extra, b"" if status == 404 else content.encode())

    def _record(self, method: str, path: str, query: bytes, body: bytes) -> None:
        # signed or not is what proofs of dry runs count
        key = (method, path, b"signature=" in query or b"signature=" in body)
        self.requests[key] = self.requests.get(key, 0) + 1
        route = ROUTES.get((method, path))
        if route is not None and route.places_or_cancels:
            self.placing_requests += 1

    def _answer(
        self, method: str, path: str, query: bytes, body: bytes, headers: Mapping[str, str], extra: dict[str, str]
    ) -> Any:
        # A banned address is refused before anything else is looked at.
        self.weights.check_ban(self.now_us)
        route = ROUTES.get((method, path))
        if route is None:
            self.weights.add(1, self.now_us)  # a route that is not there costs as well
            raise ApiError(-1000, "Not found.", 404)
        if method == "GET":  # a body is no part of a GET, and no part of what was signed
            body = b""
        given = params.pairs(query, body)
        # Order calls weigh nothing when they succeed, so only what was used before can stand in their way.
        weight = route.weight(given)
        self.weights.add(0 if route.on_failure else weight, self.now_us)
        try:
            return self._call(route, given, query, body, headers, extra)
        except ApiError:
            # Order calls are free where they succeed, as the venue has it.
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
        # syntax first: what cannot be read is refused before anybody asks who sent it
        client = self._authenticate(route, given, query, body, headers) if route.signed else None
        call = Call(self, values, client)
        answer = route.handler(call)
        extra.update(call.headers)
        return answer

    def _authenticate(
        self, route: Route, given: Mapping[str, str], query: bytes, body: bytes, headers: Mapping[str, str]
    ) -> Client:
        key = headers.get("x-mbx-apikey", "")
        client = self.client_of(key)
        auth.check_key_format(key, known=client is not None)
        auth.check_time(given, self.now_us + self.skew_us)
        # one text for an unknown key, a revoked one and a missing right: nothing can be learnt by trying
        denied = ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        # An unknown key has no secret to check a signature with: it is refused in the signature's place.
        if client is None or self.now_ms < self.revoked.get(key, 0):
            raise denied
        auth.check_signature(self.verifiers[key], query, body, given["signature"])
        # after the signature, or anybody could ask what a key may do
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
            # so late in its way the request already counts as an order
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
    # -1 stands for "not yet" in every unit
    return value if value < 0 else value * 1000 + (999 if name == "closeTime" and value % 1000 == 999 else 0)
