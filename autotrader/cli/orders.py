"""``autotrader orders``: what stands at the exchange by our hand, and with --all everything that was ever asked."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import Column, emit_json, listed, say
from autotrader.cli._stores import open_for_reading
from autotrader.money import grouped, price_text, yen_quote
from autotrader.times import clock_text, time_text
from autotrader.views.orders import AskedOrder, asked_orders

_COLUMNS: tuple[Column[AskedOrder], ...] = (
    Column("placed", lambda row: time_text(row.placed_ms)),
    Column("symbol", lambda row: row.symbol),
    Column("side", lambda row: row.side),
    Column("quantity", lambda row: grouped(row.quantity), right=True),
    Column("price", lambda row: price_text(row.price, yen_quote(row.symbol)).strip(), right=True),
    Column("executed", lambda row: grouped(row.executed), right=True),
    Column("state", lambda row: row.state + (f": {row.reason}" if row.reason else "")),
    Column("ends", lambda row: clock_text(row.cancel_at_ms) if row.cancel_at_ms is not None else ""),
    Column("rule", lambda row: row.rule or "(by hand)"),
    Column("id", lambda row: row.client_order_id),
)


@click.command("orders")
@click.option("--all", "everything", is_flag=True, help="Ended orders and refused ones too.")
@format_option
@state_option
def command(*, everything: bool, output: str, state: Path | None) -> int:
    """Open orders of autotrader, and those whose fate is unknown; --all shows the ended ones too."""
    with open_for_reading(state) as store:
        rows = asked_orders(store, everything=everything)
    if output == "json":
        return emit_json({"orders": [row.as_json() for row in rows]})
    if not rows:
        say("no orders" if everything else "no open orders")
        return 0
    say(listed(_COLUMNS, rows))
    return 0
