"""``autotrader orders``: what stands at the exchange by our hand, and with --all everything that was ever asked."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._stores import open_for_reading
from autotrader.money import grouped, price_text
from autotrader.times import clock_text, time_text
from autotrader.views.orders import AskedOrder, asked_orders


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
    head = ("placed", "symbol", "side", "quantity", "price", "executed", "state", "ends", "rule", "id")
    say(table(head, [_line(row) for row in rows], right={3, 4, 5}))
    return 0


def _line(row: AskedOrder) -> tuple[str, ...]:
    quote = "JPY" if row.symbol.endswith("JPY") else ""
    return (
        time_text(row.placed_ms),
        row.symbol,
        row.side,
        grouped(row.quantity),
        price_text(row.price, quote).strip(),
        grouped(row.executed),
        row.state + (f": {row.reason}" if row.reason else ""),
        clock_text(row.cancel_at_ms) if row.cancel_at_ms is not None else "",
        row.rule or "(by hand)",
        row.client_order_id,
    )
