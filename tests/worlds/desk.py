"""Everything of execution between one store and one broker, for tests: what a cycle uses, without rules."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Generic, TypeVar

from autotrader.market.needs import OpenOrdersNeed
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, client_order_id
from autotrader.ports import Broker, Clock
from autotrader.records.intents import Admission, Intent
from autotrader.records.orders import OrderRow
from autotrader.records.places import Identity
from autotrader.records.store import Store
from autotrader.trading.gateway import CancelOutcome, Gateway, OrderOutcome
from autotrader.trading.observer import Observation, Observer
from autotrader.trading.reconcile import Reconciler, Report
from autotrader.trading.resolve import Resolver
from tests.worlds.venue import HandClock, Venue

WORLD = Identity(mode="live", base_url="http://127.0.0.1:1", fingerprint="k")
D = Decimal
AnyBroker = TypeVar("AnyBroker", bound=Broker)
AnyClock = TypeVar("AnyClock", bound=Clock)


def open_store(folder: Path, now_ms: int = 1, identity: Identity = WORLD) -> Store:
    """The test world's store."""
    return Store.open(folder, identity, now_ms=now_ms, make_id=lambda: "abcdefgh")


class Process(Generic[AnyBroker, AnyClock]):
    """One process's worth of objects over a store's files and a broker."""

    price, quantity = D(15_000_000), D("0.002")

    def __init__(self, folder: Path, venue: AnyBroker, clock: AnyClock, identity: Identity = WORLD) -> None:
        self.folder, self.venue, self.clock = folder, venue, clock
        self.store = open_store(folder, clock.now_ms(), identity)
        self.gateway = Gateway(self.store, venue, clock)
        self.resolver = Resolver(self.store, venue, clock)
        self.observer = Observer(self.store, venue, clock, self.resolver)
        self.reconciler = Reconciler(self.store, venue, clock, self.resolver, self.observer)

    def start(self) -> Report:
        """Start-up."""
        return self.reconciler.run(["BTCJPY"])

    def key(self, slot: int, rule: str = "dip") -> DecisionKey:
        """The decision of a rule in a slot."""
        return DecisionKey(store_id=self.store.id, rule=rule, symbol="BTCJPY", order_id="", slot_ms=slot, step=0)

    def name(self, slot: int, rule: str = "dip") -> str:
        """The client order id of that decision."""
        return client_order_id(self.key(slot, rule))

    def intend(self, slot: int = 1, *, side: Side = Side.BUY, rule: str = "dip", **more: object) -> str:
        """Commit one intent, as a cycle does; returns its client order id."""
        cid, now_ms = self.name(slot, rule), self.clock.now_ms()
        request = OrderRequest(
            symbol="BTCJPY",
            side=side,
            type=OrderType.LIMIT,
            price=self.price,
            quantity=self.quantity,
            client_order_id=cid,
        )
        fields: dict[str, object] = {"cycle": slot, "created_ms": now_ms, "deadline_ms": now_ms + 30_000}
        with self.store.transaction() as store:
            intent = Intent(key=self.key(slot, rule), request=request, **(fields | more))  # type: ignore[arg-type]
            store.intents.add(intent, Admission(request, store.intents.written))
        return cid

    def send(self, slot: int = 1, **more: object) -> OrderOutcome:
        """One decision, committed and sent as a cycle does it."""
        return self.gateway.submit(self.intend(slot, **more))  # type: ignore[arg-type]

    def cancel(self, cid: str, cycle: int = 1) -> CancelOutcome:
        """Ask to cancel."""
        return self.gateway.cancel(cid, cycle=cycle, asked_by="timer")

    def observe(self) -> Observation:
        """One look at our own orders."""
        needs = frozenset(OpenOrdersNeed(symbol) for symbol in self.observer.symbols())
        return self.observer.observe(self.venue.observe(needs, self.clock.monotonic() + 5))

    def row(self, cid: str) -> OrderRow:
        """An order as the records have it."""
        found = self.store.orders.get(cid)
        assert found is not None
        return found


class Desk(Process[Venue, HandClock]):
    """A process at the venue in memory."""

    def again(self) -> Desk:
        """A restart over the same files and venue."""
        self.store.close()
        return Desk(self.folder, self.venue, self.clock)


def desk(folder: Path) -> Desk:
    """A fresh desk over an empty venue."""
    clock = HandClock()
    return Desk(folder, Venue(clock), clock)
