"""``autotrader trades``: our own fills, for people, for programs, and as accounting needs them (CSV, JST, yen)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from autotrader.cli._options import formats, state_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._stores import open_for_reading, since_ms
from autotrader.money import grouped, money_text, plain, price_text
from autotrader.orders import Fill
from autotrader.times import TOKYO, local, time_text

COLUMNS = (
    "time_jst", "symbol", "side", "price", "quantity", "quote_jpy", "quote", "fee", "fee_asset", "liquidity",
    "trade_id", "order_id", "client_order_id", "rule",
)  # fmt: skip


@click.command("trades")
@click.option("--since", help="From this time on: 2026-11-01, 2026-11-01T09:00, 7d.")
@formats("text", "csv", "json")
@state_option
def command(*, since: str | None, format: str, state: Path | None) -> int:  # noqa: A002 - the flag's name
    """Own fills, oldest first: each trade of our orders once, as the exchange booked it."""

    with open_for_reading(state) as store:
        fills = list(store.orders.fills_with_rule(since_ms(since)))
    if format == "json":
        return emit_json({"trades": [dict(zip(COLUMNS, _cells(fill, rule), strict=True)) for fill, rule in fills]})
    if format == "csv":
        _write_csv(fills)
        return 0
    _write_text(fills)
    return 0


def _cells(fill: Fill, rule: str) -> tuple[str, ...]:
    """One fill in the order of COLUMNS. `quote_jpy` is empty for a symbol that is not quoted in yen."""

    quote = plain(fill.quote)
    return (
        f"{local(fill.time_ms, TOKYO):%Y-%m-%d %H:%M:%S}",
        fill.symbol,
        str(fill.side),
        plain(fill.price),
        plain(fill.quantity),
        quote if fill.symbol.endswith("JPY") else "",
        quote,
        plain(fill.fee),
        fill.fee_asset,
        "maker" if fill.is_maker else "taker",
        str(fill.trade_id),
        str(fill.order_id),
        fill.client_order_id,
        rule,
    )


def _write_csv(fills: Iterable[tuple[Fill, str]]) -> None:

    writer = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180, what spreadsheets expect
    writer.writerow(COLUMNS)
    writer.writerows(_cells(fill, rule) for fill, rule in fills)


def _write_text(fills: list[tuple[Fill, str]]) -> None:

    if not fills:
        say("no trades")
        return
    rows = []
    for fill, rule in fills:
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


trades = command
