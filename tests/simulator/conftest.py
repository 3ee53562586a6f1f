"""A hand-made client of the simulator: raw HTTP and its own signing, so that nothing of the product is trusted."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from autotrader.simulator import Account, Simulator


class Reply(NamedTuple):
    """Status, headers and parsed body."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> tuple[int, int, str]:
        """HTTP status, code and text of a refusal."""
        return self.status, self.body["code"], self.body["msg"]


class Caller:
    """One keep-alive connection of one account."""

    def __init__(self, sim: Simulator, account: Account | None = None) -> None:
        self.sim = sim
        self.account = account or sim.accounts[0]
        self._connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=60)

    def raw(self, method: str, target: str, body: str = "", headers: dict[str, str] | None = None) -> Reply:
        """Send exactly this."""
        given = {"X-MBX-APIKEY": self.account.key} if headers is None else headers
        self._connection.request(method, target, body.encode() or None, given)
        response = self._connection.getresponse()
        content = response.read()
        return Reply(response.status, dict(response.getheaders()), json.loads(content) if content else None)

    def get(self, path: str, **params: object) -> Reply:
        """A public call."""
        query = urlencode(params)
        return self.raw("GET", f"/api/v3/{path}" + (f"?{query}" if query else ""))

    def signed(self, method: str, path: str, **params: object) -> Reply:
        """A signed call with everything in the query."""
        query = self.sign({"timestamp": self.sim.now_ms} | params)
        prefix = "" if path.startswith("/") else "/api/v3/"
        return self.raw(method, f"{prefix}{path}?{query}")

    def sign(self, params: dict[str, object]) -> str:
        """The query with its signature at the end."""
        query = urlencode(params)
        return f"{query}&signature={self.mac(query)}"

    def mac(self, payload: str) -> str:
        """HMAC-SHA256 of a payload with the account's secret."""
        return hmac.new(self.account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def order(self, side: str = "BUY", kind: str = "LIMIT", **params: object) -> Reply:
        """Place an order; a limit order is GTC unless said otherwise."""
        base: dict[str, object] = {"symbol": "BTCJPY", "side": side, "type": kind}
        if kind == "LIMIT" and "timeInForce" not in params:
            base["timeInForce"] = "GTC"
        return self.signed("POST", "order", **(base | params))

    def control(self, method: str, path: str) -> Any:
        """Ask the control desk."""
        return self.raw(method, f"/simulator/{path}").body

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Caller]]:
    """Make callers that are hung up at the end."""
    made: list[Caller] = []

    def make(sim: Simulator, account: Account | None = None) -> Caller:
        made.append(Caller(sim, account))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The packaged tape at the start of its last day, stepped."""
    with Simulator(tape="btcjpy-2018-01") as simulator:
        yield simulator
        simulator.check()


@pytest.fixture
def venue(sim: Simulator, connect: Callable[..., Caller]) -> Caller:
    """A caller of ``sim``."""
    return connect(sim)
