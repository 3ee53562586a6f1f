"""A process to be killed: it trades a fixed list of decisions at a simulator, through the real client.

usage: python victim.py FOLDER URL KEY SECRET

Started again over the same folder it reconciles and goes on where it was. Each decision is a slot; a slot that has an
intent is never decided again. Half of the orders cross the market, half rest; then the resting ones are cancelled.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

from autotrader.exchanges.binance.connection import Settings, connect
from autotrader.exchanges.binance.secret import Credentials, Secret
from autotrader.exchanges.live import grant_live
from autotrader.execution.gateway import Gateway
from autotrader.execution.observe import Observer
from autotrader.execution.reconcile import Reconciler
from autotrader.execution.resolve import Resolver
from autotrader.market.needs import OpenOrdersNeed
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, TimeInForce, client_order_id
from autotrader.records.intents import Admission, Intent
from autotrader.records.places import Identity
from autotrader.records.store import Store

SYMBOL = "BTCJPY"
SLOTS = 3


def main(folder: str, url: str, key: str, secret: str) -> None:
    """Reconcile, decide what is not decided yet, carry it out, take in what happened, end."""
    credentials = Credentials(Secret(key), Secret(secret))
    token = grant_live("live", True, "live")
    with connect(Settings(stepped=True), url=url, credentials=credentials, live_token=token) as link:
        assert link.broker is not None
        clock, broker = link.clock, link.broker
        clock.sync()
        identity = Identity(mode="live", base_url=url, fingerprint=link.fingerprint)
        store = Store.open(Path(folder), identity, now_ms=clock.now_ms())
        resolver = Resolver(store, broker, clock)
        observer = Observer(store, broker, clock, resolver)
        report = Reconciler(store, broker, clock, resolver, observer).run([SYMBOL])
        assert report.armed, report.reasons
        gateway = Gateway(store, broker, clock)
        instrument = link.market.instruments([SYMBOL])[SYMBOL]
        touch = link.calls.best([SYMBOL])[0]
        for slot in range(SLOTS):
            factor = Decimal("1.01") if slot % 2 == 0 else Decimal("0.97")
            price = instrument.fit_price(touch.book.asks[0][0] * factor, Side.BUY)
            submit(store, gateway, clock.now_ms(), slot, price)
            watch(observer, resolver, broker, clock)
        for row in store.orders.open():
            gateway.cancel(row.client_order_id, cycle=store_cycle(store), asked_by="timer")
        while store.intents.unresolved() or store.orders.unsettled():
            watch(observer, resolver, broker, clock)
        store.close(clock.now_ms())


def submit(store: Store, gateway: Gateway, now_ms: int, slot: int, price: Decimal) -> None:
    """Decide a slot, once over all lives of this process, and send it."""
    key = DecisionKey(store_id=store.id, rule=f"r{slot}", symbol=SYMBOL, order_id="", slot_ms=slot, step=0)
    cid = client_order_id(key)
    if store.intents.get(cid) is not None:
        return
    request = OrderRequest(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        price=price,
        quantity=Decimal("0.002"),
        tif=TimeInForce.IOC if slot == 2 else TimeInForce.GTC,
        client_order_id=cid,
    )
    with store.transaction():
        deadline_ms = now_ms + 30_000
        store.intents.add(
            Intent(key=key, request=request, cycle=slot, created_ms=now_ms, deadline_ms=deadline_ms, tag=f"t{slot}"),
            Admission(request, store.intents.written),
        )
    gateway.submit(cid)


def watch(observer: Observer, resolver: Resolver, broker: object, clock: object) -> None:
    """Let five seconds of market pass and take in what happened."""
    clock.sleep(5)  # type: ignore[attr-defined]
    needs = frozenset(OpenOrdersNeed(symbol) for symbol in observer.symbols())
    account = broker.observe(needs, clock.monotonic() + 8)  # type: ignore[attr-defined]
    observer.observe(account)
    resolver.resolve_due(account.open_orders)


def store_cycle(store: Store) -> int:
    """A number that grows over lives."""
    with store.transaction():
        return store.counters.next("cycle")


if __name__ == "__main__":
    main(*sys.argv[1:])
