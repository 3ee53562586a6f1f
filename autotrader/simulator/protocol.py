"""What passes between the wire, the exchange and its handlers: requests, answers, calls and routes.

Strategy: these are plain values which know the exchange's state and nothing of who answers, so that handlers, faults
and the HTTP server all stand on them and none of them needs another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from autotrader.simulator.books import Client
from autotrader.simulator.params import Kind
from autotrader.simulator.state import ExchangeState

JSON: Final = "application/json;charset=UTF-8"
CONTROL: Final = "/simulator/"


class Request(NamedTuple):
    """A request as received; header names in lower case."""

    method: str
    path: str
    query: bytes
    body: bytes
    headers: Mapping[str, str]
    address: str

    @property
    def call(self) -> str:
        """Method and path in short: ``POST order``, ``GET /sapi/v1/system/status``."""
        return f"{self.method} {self.path.removeprefix('/api/v3/')}"

    @property
    def key(self) -> str:
        """The API key it names, or nothing."""
        return self.headers.get("x-mbx-apikey", "")

    def params(self) -> dict[str, str]:
        """Query and body as names and texts, the query's value winning."""
        return dict(parse_qsl(self.body.decode("latin-1")) + parse_qsl(self.query.decode("latin-1")))


class Answer(NamedTuple):
    """Status, headers and body of a reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        """A value as JSON."""
        return cls(status, {"Content-Type": JSON}, json.dumps(value, separators=(",", ":")).encode())

    def rewritten(self, value: Any) -> Answer:
        """The same answer with another JSON body."""
        return self._replace(body=json.dumps(value, separators=(",", ":")).encode())


class Delivery(NamedTuple):
    """An answer and how its bytes reach the caller (see ``server``); ``wait`` in real seconds."""

    answer: Answer
    manner: str = "whole"
    wait: float = 0.0
    pause: float = 0.0


class Later(NamedTuple):
    """Ask again in that many real seconds: the request is still on its way."""

    seconds: float
    then: Callable[[], Answer | Delivery]


class Raw(NamedTuple):
    """An answer that is JSON text already."""

    text: str


class Call:
    """One checked request on its way to a handler."""

    __slots__ = ("client", "exchange", "headers", "values")

    def __init__(self, exchange: ExchangeState, values: dict[str, Any], client: Client | None) -> None:
        self.exchange = exchange
        self.values = values
        self.client = client
        self.headers: dict[str, str] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter's value, ``default`` when it was not sent."""
        return self.values.get(name, default)

    def limit(self, default: int, largest: int) -> int:
        """The page size: larger requests get the largest page."""
        return min(int(self.values.get("limit", default)), largest)

    @property
    def owner(self) -> Client:
        """The account of a signed call."""
        if self.client is None:
            raise RuntimeError("a public route asked for an account")
        return self.client


Handler = Callable[[Call], Any]
Weight = Callable[[Mapping[str, str]], int]


def fixed(weight: int) -> Weight:
    """A weight that does not depend on the parameters."""
    return lambda _given: weight


@dataclass(frozen=True, slots=True)
class Route:
    """A call of the venue. ``on_failure`` marks order calls, whose weight counts only when they fail."""

    method: str
    path: str
    handler: Handler
    weight: Weight
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    mandatory: tuple[str, ...] = ()
    security: str = "NONE"
    on_failure: bool = False
    places_or_cancels: bool = False

    @property
    def signed(self) -> bool:
        """Whether key, timestamp and signature are needed."""
        return self.security != "NONE"


def acting(method: str, path: str, handler: Handler, kinds: Mapping[str, Kind], mandatory: tuple[str, ...]) -> Route:
    """A call that places or cancels: weight 1 when it fails; lists that it has set in motion go on afterwards."""

    def act(call: Call) -> Any:
        try:
            return handler(call)
        # Also after a refusal: a replacement that fails in its second half has ended an order already.
        finally:
            call.exchange.engine.run_due()

    return Route(method, path, act, fixed(1), kinds, mandatory, "TRADE", on_failure=True, places_or_cancels=True)


def show_counts(call: Call) -> None:
    """The headers that tell how many unfilled orders the account has placed."""
    counts = call.owner.counts.counts
    call.headers["X-MBX-ORDER-COUNT-10S"] = str(counts[0])
    call.headers["X-MBX-ORDER-COUNT-1D"] = str(counts[1])
