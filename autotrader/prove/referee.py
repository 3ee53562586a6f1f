"""The referee: what the exchange saw, against what our records say, to the last digit.

It reads the simulator's own books, not answers to queries, and the store as an auditor would. It shares no code with
the product's reconciliation. Every order at the exchange must be one intent of ours, every intent that was given up
must be absent there, every trade must be booked once and as it was, and the chain must hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

from autotrader.prove.proof import Counts
from autotrader.records.intents import FAILED, Intent, IntentState
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store

KNOWN = frozenset({IntentState.ACCEPTED, IntentState.ADOPTED})
UNSETTLED = frozenset({IntentState.INTENT, IntentState.SENT, IntentState.UNKNOWN, IntentState.MISMATCH})


class ExchangeBooks(Protocol):
    """What an exchange itself knows of one account, in its own words: a `Simulator`, or what another process told."""

    def orders(self) -> list[dict[str, Any]]:
        """All orders, oldest first."""
        ...

    def trades(self) -> list[dict[str, Any]]:
        """All own trades, oldest first."""
        ...


def judged(simulator: ExchangeBooks, store: Store) -> Counts:
    """Compare, when nothing is on its way any more: counts of what there is, of what is wrong, and this in words."""
    found = Counts()
    theirs = simulator.orders()
    journal = {row.client_order_id: row for row in rows(store)}
    found.figures.update({"orders at the exchange": len(theirs), "trades": len(simulator.trades())})
    _doubled(theirs, found)
    _lost(theirs, journal, store, found)
    _given_up(theirs, journal, found)
    _trades(simulator.trades(), store, found)
    report = store.verify()
    for problem in report.problems:
        found.note("P9", f"the record does not verify: {problem}")
    return found


def rows(store: Store) -> Iterator[Intent]:
    """Every intent of the journal."""
    for state in IntentState:
        yield from store.intents.in_state(state)


def _doubled(theirs: list[dict[str, Any]], found: Counts) -> None:
    for cid, count in Counter(order["clientOrderId"] for order in theirs).items():
        if count > 1:
            found.figures["duplicated"] += count - 1
            found.note("P1", f"the exchange has {count} orders named {cid}")


def _lost(theirs: list[dict[str, Any]], journal: Mapping[str, Intent], store: Store, found: Counts) -> None:
    """Every order at the exchange is a decision of ours, and our row of it agrees."""
    for order in theirs:
        cid = order["clientOrderId"]
        row, ours = journal.get(cid), store.orders.get(cid)
        if row is None:
            found.figures["unexplained"] += 1
            found.note("P1", f"order {cid} at the exchange belongs to no decision: sent without a row, or sent again")
        elif ours is None:
            found.figures["lost"] += 1
            found.note("P2", f"order {cid} is at the exchange ({order['status']}), the journal says {row.state}")
        elif difference := _difference(order, ours):
            found.figures["lost"] += 1
            found.note("P2", f"order {cid}: {difference}")
    # The other way round too: what only our records have was never taken, or was taken from somebody else.
    there = {order["clientOrderId"] for order in theirs}
    for cid in sorted(row.client_order_id for row in store.orders.since(0)):
        if cid not in there:
            found.figures["unexplained"] += 1
            found.note("P2", f"order {cid} is in our records and not at the exchange")


def _difference(theirs: Mapping[str, Any], ours: OrderRow) -> str:
    """What differs between the exchange's order and ours, or ""."""
    order = ours.order
    pairs = (
        ("status", theirs["status"], order.status.value),
        ("executed", Decimal(theirs["executedQty"]), order.executed),
        ("quantity", Decimal(theirs["origQty"]), order.quantity),
        ("price", Decimal(theirs["price"]), order.price),
        ("booked", Decimal(theirs["executedQty"]), ours.booked),
    )
    differing = [f"{name} {seen} there, {known} here" for name, seen, known in pairs if seen != known]
    # A fill after the exchange itself had confirmed the cancel: booked, and the end that was recorded stays (P3).
    late_fill = (theirs["status"], order.status.value) == ("FILLED", "CANCELED")
    return "" if late_fill and len(differing) == 1 else ", ".join(differing)


def _given_up(theirs: list[dict[str, Any]], journal: Mapping[str, Intent], found: Counts) -> None:
    """What the journal gave up must not exist; what it says exists must; and nothing stays open for ever."""
    there = {order["clientOrderId"] for order in theirs}
    for cid, row in journal.items():
        if row.state in FAILED and cid in there:
            found.figures["duplicated"] += 1
            found.note(
                "P1", f"{cid} was given up as {row.state} ({row.reason}) and is at the exchange: its rule ordered again"
            )
        elif row.state in KNOWN and cid not in there:
            found.figures["unexplained"] += 1
            found.note("P2", f"{cid} is {row.state} here and unknown at the exchange")
        elif row.state in UNSETTLED:
            found.figures["unresolved at the end"] += 1
            found.note("P2", f"the fate of {cid} is still open: {row.state} ({row.reason})")
        if row.state is IntentState.ADOPTED and "given up" in row.reason:
            found.figures["duplicated"] += 1
            found.note("P1", f"{cid} was given up although it lived: {row.reason}")


def _trades(theirs: list[dict[str, Any]], store: Store, found: Counts) -> None:
    """Each trade of the exchange is booked once, as it was."""
    booked = {fill.trade_id: fill for fill in store.orders.fills_since(0)}
    for trade in theirs:
        # Popped: what is booked and was no trade there is left over at the end.
        fill = booked.pop(int(trade["id"]), None)
        if fill is None:
            found.figures["lost"] += 1
            found.note("P4", f"trade {trade['id']} of order {trade['orderId']} is not booked")
            continue
        seen = (Decimal(trade["price"]), Decimal(trade["qty"]), Decimal(trade["commission"]), trade["commissionAsset"])
        if seen != (fill.price, fill.quantity, fill.fee, fill.fee_asset):
            found.figures["lost"] += 1
            found.note("P4", f"trade {trade['id']} is booked otherwise than it was")
    for trade_id in booked:
        found.figures["unexplained"] += 1
        found.note("P4", f"trade {trade_id} is booked and the exchange has none of that number")
