"""``autotrader trades``: our own fills, for people, for programs, and as accounting needs them (CSV, JST, yen)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from autotrader.cli._options import formats, state_option
from autotrader.cli._output import Column, emit_json, listed, say
from autotrader.cli._stores import open_for_reading, since_ms
from autotrader.money import grouped, money_text, price_text, yen_quote
from autotrader.times import time_text
from autotrader.views.money import TRADE_COLUMNS, Trade, trades

_COLUMNS: tuple[Column[Trade], ...] = (
    Column("time", lambda one: time_text(one.fill.time_ms)),
    Column("symbol", lambda one: one.fill.symbol),
    Column("side", lambda one: str(one.fill.side)),
    Column("quantity", lambda one: grouped(one.fill.quantity), right=True),
    Column("price", lambda one: price_text(one.fill.price, yen_quote(one.fill.symbol)).strip(), right=True),
    Column("value", lambda one: money_text(one.fill.quote, yen_quote(one.fill.symbol)).strip(), right=True),
    Column("fee", lambda one: f"{grouped(one.fill.fee)} {one.fill.fee_asset}", right=True),
    Column("rule", lambda one: one.rule or "(by hand)"),
)


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
    say(listed(_COLUMNS, found) if found else "no trades")
    return 0


def _write_csv(found: Iterable[Trade]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180, what spreadsheets expect
    writer.writerow(TRADE_COLUMNS)
    writer.writerows(one.as_json().values() for one in found)
