"""``autotrader orders``: what stands at the exchange by our hand, and with --all everything that was ever asked."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._stores import open_for_reading
from autotrader.money import grouped, plain, price_text
from autotrader.records.intents import UNRESOLVED, IntentState, JournalRow
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store
from autotrader.times import clock_text, time_text

_WITHOUT_ORDER = ("DROPPED", "REJECTED", "NOT_SENT", "DEAD")


@click.command("orders")
@click.option("--all", "everything", is_flag=True, help="Ended orders and refused ones too.")
@format_option
@state_option
def command(*, everything: bool, format: str, state: Path | None) -> int:  # noqa: A002 - the flag's name
    """Open orders of autotrader, and those whose fate is unknown; --all shows the ended ones too."""

    with open_for_reading(state) as store:
        rows = _rows(store, everything=everything)
    if format == "json":
        return emit_json({"orders": rows})
    if not rows:
        say("no orders" if everything else "no open orders")
        return 0
    head = ("placed", "symbol", "side", "quantity", "price", "executed", "state", "ends", "rule", "id")
    say(table(head, [_line(row) for row in rows], right={3, 4, 5}))
    return 0


def _rows(store: Store, *, everything: bool) -> list[dict[str, Any]]:

    states = UNRESOLVED | {IntentState.INTENT}
    if everything:
        states |= {IntentState(name) for name in _WITHOUT_ORDER}
    asked = [_of_intent(row) for row in store.intents.in_state(*sorted(states))]
    placed = [_of_order(row) for row in (store.orders.since(0) if everything else store.orders.open())]
    return sorted(asked + placed, key=lambda row: int(row["placed_ms"]))


def _of_intent(row: JournalRow) -> dict[str, Any]:

    request = row.intent.request
    return {
        "client_order_id": row.client_order_id,
        "order_id": None,
        "rule": row.intent.key.rule,
        "symbol": request.symbol,
        "side": str(request.side),
        "price": plain(request.price),
        "quantity": plain(request.quantity),
        "executed": "0",
        "state": str(row.state),
        "reason": row.reason,
        "placed_ms": row.sent_ms if row.sent_ms is not None else row.intent.created_ms,
        "cancel_at_ms": row.cancel_at_ms,
    }


def _of_order(row: OrderRow) -> dict[str, Any]:

    order = row.order
    return {
        "client_order_id": row.client_order_id,
        "order_id": order.order_id,
        "rule": row.rule,
        "symbol": order.symbol,
        "side": str(order.side),
        "price": plain(order.price),
        "quantity": plain(order.quantity),
        "executed": plain(order.executed),
        "state": str(order.status),
        "reason": "",
        "placed_ms": row.placed_ms,
        "cancel_at_ms": row.cancel_at_ms,
    }


def _line(row: dict[str, Any]) -> tuple[str, ...]:

    quote = "JPY" if row["symbol"].endswith("JPY") else ""
    ends = row["cancel_at_ms"]
    return (
        time_text(row["placed_ms"]),
        row["symbol"],
        row["side"],
        grouped(Decimal(row["quantity"])),
        price_text(Decimal(row["price"]), quote).strip(),
        grouped(Decimal(row["executed"])),
        row["state"] + (f": {row['reason']}" if row["reason"] else ""),
        clock_text(ends) if ends is not None else "",
        row["rule"] or "(by hand)",
        row["client_order_id"],
    )


orders = command
