"""``autotrader trades``: our own fills, for people, for programs, and as accounting needs them (CSV, JST, yen)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from autotrader.cli._options import formats, state_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._stores import open_for_reading, since_ms
from autotrader.money import grouped, money_text, price_text
from autotrader.times import time_text
from autotrader.views.money import TRADE_COLUMNS, Trade, trades


@click.command("trades")
@click.option("--since", help="From this time on: 2026-11-01, 2026-11-01T09:00, 7d.")
@formats("text", "csv", "json")
@state_option
def command(*, since: str | None, output: str, state: Path | None) -> int:
    """Own fills, oldest first: each trade of our orders once, as the exchange booked it."""
    with open_for_reading(state) as store:
        found = list(trades(store, since_ms(since)))
    if output == "json":
        return emit_json({"trades": [one.as_json() for one in found]})
    if output == "csv":
        _write_csv(found)
        return 0
    _write_text(found)
    return 0


def _write_csv(found: Iterable[Trade]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180, what spreadsheets expect
    writer.writerow(TRADE_COLUMNS)
    writer.writerows(one.as_json().values() for one in found)


def _write_text(found: Sequence[Trade]) -> None:
    if not found:
        say("no trades")
        return
    rows = []
    for one in found:
        fill, rule = one.fill, one.rule
        quote = "JPY" if fill.symbol.endswith("JPY") else ""
        rows.append(
            (
                time_text(fill.time_ms),
                fill.symbol,
                str(fill.side),
                grouped(fill.quantity),
                price_text(fill.price, quote).strip(),
                money_text(fill.quote, quote).strip(),
                f"{grouped(fill.fee)} {fill.fee_asset}",
                rule or "(by hand)",
            )
        )
    head = ("time", "symbol", "side", "quantity", "price", "value", "fee", "rule")
    say(table(head, rows, right={3, 4, 5, 6}))
