"""What a route is: its parameters, weight, security and handler. The route tables are made of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrader.simulator.params import Kind

if TYPE_CHECKING:
    from autotrader.simulator.engine import Client
    from autotrader.simulator.exchange import Exchange


class Raw(NamedTuple):
    """An answer that is JSON text already."""

    text: str


class Call:
    """One checked request on its way to a handler."""

    __slots__ = ("client", "exchange", "headers", "values")

    def __init__(self, exchange: Exchange, values: dict[str, Any], client: Client | None) -> None:
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
        finally:
            call.exchange.engine.run_due()

    return Route(method, path, act, fixed(1), kinds, mandatory, "TRADE", on_failure=True, places_or_cancels=True)


def show_counts(call: Call) -> None:
    """The headers that tell how many unfilled orders the account has placed."""
    counts = call.owner.counts.counts
    call.headers["X-MBX-ORDER-COUNT-10S"] = str(counts[0])
    call.headers["X-MBX-ORDER-COUNT-1D"] = str(counts[1])
