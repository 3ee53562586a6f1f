"""Everything of execution wired to one store and one venue, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from autotrader.execution.gateway import Gateway, Outcome
from autotrader.execution.observe import Observation, Observer
from autotrader.execution.reconcile import Reconciler, Report
from autotrader.execution.resolve import Resolver
from autotrader.market.needs import OpenOrdersNeed
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, client_order_id
from autotrader.records.intents import Admission, Intent
from autotrader.records.places import Identity
from autotrader.records.store import Store
from tests.execution.venue import HandClock, Venue

WORLD = Identity(mode="live", base_url="http://127.0.0.1:1", fingerprint="k")
D = Decimal


def open_store(folder: Path, now_ms: int = 1) -> Store:
    """The test world's store."""
    return Store.open(folder, WORLD, now_ms=now_ms, make_id=lambda: "abcdefgh")


@dataclass
class Desk:
    """One process's worth of objects; `again()` is a restart over the same files and venue."""

    folder: Path
    venue: Venue
    clock: HandClock

    def __post_init__(self) -> None:
        self.store = open_store(self.folder, self.clock.ms)
        self.gateway = Gateway(self.store, self.venue, self.clock)
        self.resolver = Resolver(self.store, self.venue, self.clock)
        self.observer = Observer(self.store, self.venue, self.clock, self.resolver)
        self.reconciler = Reconciler(self.store, self.venue, self.clock, self.resolver, self.observer)

    def again(self) -> Desk:
        self.store.close()
        return Desk(self.folder, self.venue, self.clock)

    def start(self) -> Report:
        return self.reconciler.run(["BTCJPY"])

    def intend(self, slot: int = 1, *, side: Side = Side.BUY, rule: str = "dip", **more: object) -> str:
        """Commit one intent, as a cycle does; returns its client order id."""
        key = DecisionKey(store_id=self.store.id, rule=rule, symbol="BTCJPY", order_id="", slot_ms=slot, step=0)
        request = OrderRequest(
            symbol="BTCJPY",
            side=side,
            type=OrderType.LIMIT,
            price=D("15000000"),
            quantity=D("0.002"),
            client_order_id=client_order_id(key),
        )
        fields: dict[str, object] = {"cycle": slot, "created_ms": self.clock.ms, "deadline_ms": self.clock.ms + 30_000}
        with self.store.transaction() as store:
            intent = Intent(key=key, request=request, **(fields | more))  # type: ignore[arg-type]
            store.intents.add(intent, Admission(request, store.intents.written))
        return request.client_order_id

    def send(self, slot: int = 1, **more: object) -> Outcome:
        return self.gateway.submit(self.intend(slot, **more))  # type: ignore[arg-type]

    def observe(self) -> Observation:
        needs = frozenset(OpenOrdersNeed(symbol) for symbol in self.observer.symbols())
        return self.observer.observe(self.venue.observe(needs, 0))


def desk(folder: Path) -> Desk:
    """A fresh desk over an empty venue."""
    clock = HandClock()
    return Desk(folder, Venue(clock), clock)
