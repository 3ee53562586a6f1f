"""What journal and exchange must agree on when a process has died, and what the referee cannot see when it came back.

The exchange's side is what the simulator itself knows (its control desk), not what its API told the product. Orders and
trades are compared row by row by the `referee`; here are the money, and whether rules did more than they may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from autotrader.errors import RecordsBroken
from autotrader.orders import ORDER_ID_PREFIX
from autotrader.records.intents import IntentState
from autotrader.records.places import stores_in
from autotrader.records.store import Store

Difference = tuple[str, str]
"""The promise that is broken ("P1") and how."""

# What the journal may say of an order that the exchange has: that it left this machine, or may have.
_LEFT = frozenset(IntentState) - {
    IntentState.INTENT,
    IntentState.DROPPED,
    IntentState.REJECTED,
    IntentState.NOT_SENT,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """One account as the exchange knows it: `orders` and `trades` in its own words, `balances` free and locked."""

    _orders: tuple[dict[str, Any], ...]
    _trades: tuple[dict[str, Any], ...]
    balances: Mapping[str, Decimal]
    paid_in: Mapping[str, Decimal]

    @classmethod
    def of(cls, state: Mapping[str, Any], account: str) -> Truth:
        """From the simulator's state (`Simulator.state()`, GET /simulator/state), which has no other account."""
        mine = state["accounts"][account]
        whole = {asset: Decimal(b["free"]) + Decimal(b["locked"]) for asset, b in mine["balances"].items()}
        paid = {asset: Decimal(amount) for asset, amount in state["paidIn"].items()}
        return cls(tuple(mine["orders"]), tuple(mine["trades"]), whole, paid)

    def orders(self) -> list[dict[str, Any]]:
        """All orders, oldest first."""
        return sorted(self._orders, key=lambda row: int(row["orderId"]))

    def trades(self) -> list[dict[str, Any]]:
        """All own trades, oldest first."""
        return sorted(self._trades, key=lambda row: int(row["id"]))

    @property
    def names(self) -> list[str]:
        """Client order ids of orders that bear our name, each as often as there is an order."""
        return [o["clientOrderId"] for o in self.orders() if o["clientOrderId"].startswith(ORDER_ID_PREFIX)]


def store_folder(state: Path) -> Path | None:
    """The one store of a state folder, None before there is one."""
    found = stores_in(state)
    return found[0] if found else None


def after_death(state: Path, truth: Truth) -> list[Difference]:
    """What must hold at any moment, also of a process that has just died: nothing at the exchange that the journal
    had not promised before.
    """
    found = [("P1", f"the exchange has {n} orders named {cid}") for cid, n in Counter(truth.names).items() if n > 1]
    folder = store_folder(state)
    journal: dict[str, IntentState] = {}
    if folder is not None:
        try:
            with Store.read(folder) as store:
                journal = {cid: row.state for cid in truth.names if (row := store.intents.get(cid)) is not None}
        except RecordsBroken:
            journal = {}  # killed while it was made: then nothing can have been sent
    early = [cid for cid in dict.fromkeys(truth.names) if journal.get(cid) not in _LEFT]
    says = {cid: journal.get(cid, "nothing") for cid in early}
    return found + [("P1", f"order {cid} is at the exchange, and the journal says {says[cid]}") for cid in early]


def money(store: Store, truth: Truth) -> Iterable[Difference]:
    """The exchange's balances are what was paid in and what our booked trades made of it. BTCJPY alone is traded."""
    expected = dict(truth.paid_in)
    for fill in store.orders.fills_since(0):
        sign = 1 if fill.side == "BUY" else -1
        for asset, change in (
            ("BTC", sign * fill.quantity),
            ("JPY", -sign * fill.quote),
            (fill.fee_asset, -fill.fee),
        ):
            expected[asset] = expected.get(asset, Decimal(0)) + change
    for asset in sorted(expected.keys() | truth.balances.keys()):
        there = truth.balances.get(asset, Decimal(0))
        if expected.get(asset, Decimal(0)) != there:
            yield "P4", f"{asset}: the exchange has {there}, our booked trades explain {expected.get(asset)}"


def too_many(store: Store, truth: Truth, most: Mapping[str, int]) -> Iterable[Difference]:
    """No decision has two orders, by whatever names: a rule has as many as it may have, and one for each slot."""
    rules: Counter[str] = Counter()
    slots: Counter[tuple[object, ...]] = Counter()
    for cid in truth.names:
        row = store.intents.get(cid)
        if row is not None:
            key = row.key
            rules[key.rule] += 1
            slots[key.rule, key.symbol, key.order_id, key.slot_ms, key.step] += 1
    for rule, count in rules.items():
        if count > most.get(rule, count):
            yield "P1", f"rule {rule or '(by hand)'} has {count} orders at the exchange and may have {most[rule]}"
    for slot, count in slots.items():
        if count > 1:
            yield "P1", f"slot {slot} has {count} orders at the exchange"


def unexplained(store: Store) -> Iterable[Difference]:
    """What start-up could not explain."""
    for text in store.settings.get("unexplained", {}).values():
        yield "P2", f"unexplained: {text}"
