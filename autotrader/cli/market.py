"""``autotrader market``: prices, tickers, the order book and candles, as the exchange gives them.

Days of the exchange begin at 00:00 UTC, which is 09:00 in Japan; times are shown in the account's zone with UTC beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from autotrader.cli._options import base_url_option, config_option, format_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._stores import since_ms
from autotrader.cli._venue import venue
from autotrader.exchanges.venue import zone_text
from autotrader.market.candles import Candle
from autotrader.market.snapshot import Book, Ticker
from autotrader.market.timeframe import TIMEFRAMES
from autotrader.money import grouped, percent_text
from autotrader.times import iso_utc, local, time_with_utc

F = TypeVar("F", bound=Callable[..., Any])
LARGEST_DEPTH = 5000
LARGEST_PAGE = 1000


def _common(command: F) -> F:
    return format_option(base_url_option(config_option(command)))


def _symbol(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Symbols are upper-case ASCII; a lower-case one is refused with the right spelling."""
    for one in (value,) if isinstance(value, str) else value or ():
        if not (one.isascii() and one.isalnum() and one == one.upper()):
            raise click.BadParameter(f"`{one}` is no symbol; they are written like {one.upper() or 'BTCJPY'}")
    if isinstance(value, tuple) and len(set(value)) != len(value):
        raise click.BadParameter("a symbol stands twice")
    return value


symbols_argument = click.argument("symbols", metavar="SYMBOL...", nargs=-1, required=True, callback=_symbol)
symbol_argument = click.argument("symbol", metavar="SYMBOL", callback=_symbol)


@click.group("market", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Prices, tickers, order book and candles."""


@command.command("price")
@symbols_argument
@_common
def price(*, symbols: tuple[str, ...], output: str, base_url: str | None, config: Path | None) -> int:
    """Last price of one or several symbols."""
    with venue(base_url, config) as place:
        found = place.connection.calls.prices(symbols)
    rows = [(one.symbol, _figure(one.price)) for one in found]
    return _show(output, {"prices": found}, ("symbol", "price"), rows)


@command.command("ticker")
@symbols_argument
@click.option("--mini", is_flag=True, help="The shorter reply, without change and average.")
@_common
def ticker(*, symbols: tuple[str, ...], mini: bool, output: str, base_url: str | None, config: Path | None) -> int:
    """The last 24 hours of one or several symbols."""
    with venue(base_url, config) as place:
        found = place.connection.calls.ticker_24h(symbols, brief=mini)
        zone = place.zone
    return _show_tickers(output, found, zone)


@command.command("day")
@symbols_argument
@click.option("--timezone", help="Where the day begins, such as 9, -3:30 or 0 (UTC); else the account's zone.")
@click.option("--mini", is_flag=True, help="The shorter reply, without change and average.")
@_common
def day(
    *,
    symbols: tuple[str, ...],
    timezone: str | None,
    mini: bool,
    output: str,
    base_url: str | None,
    config: Path | None,
) -> int:
    """The calendar day so far, of one or several symbols."""
    with venue(base_url, config) as place:
        calls, zone = place.connection.calls, place.zone
        offset = timezone if timezone is not None else zone_text(local(calls.time(), zone))
        found = calls.trading_day(symbols, offset, brief=mini)
    return _show_tickers(output, found, zone)


@command.command("depth")
@symbol_argument
@click.option("--limit", type=click.IntRange(1, LARGEST_DEPTH), default=10, show_default=True, help="Levels a side.")
@_common
def depth(*, symbol: str, limit: int, output: str, base_url: str | None, config: Path | None) -> int:
    """The order book."""
    with venue(base_url, config) as place:
        found = place.connection.calls.depth(symbol, limit)
    rows = _book_rows(found)
    book = {"update_id": found.update_id, "bids": found.bids, "asks": found.asks}
    return _show(output, {"symbol": symbol, "book": book}, ("bid size", "bid", "ask", "ask size"), rows)


@command.command("klines")
@symbol_argument
@click.option("--interval", type=click.Choice(TIMEFRAMES), default="1h", show_default=True, help="1m minute, 1M month.")
@click.option("--limit", type=click.IntRange(1, LARGEST_PAGE), default=24, show_default=True, help="How many.")
@click.option("--start", help="From this time on: 2026-11-01, 2026-11-01T09:00 (account's zone), 7d.")
@click.option("--end", help="Up to this time.")
@_common
def klines(  # noqa: PLR0913 - one argument for each option
    *,
    symbol: str,
    interval: str,
    limit: int,
    start: str | None,
    end: str | None,
    output: str,
    base_url: str | None,
    config: Path | None,
) -> int:
    """Candles, oldest first; one that has not closed yet is marked."""
    span = (since_ms(start) if start else None, since_ms(end) if end else None)
    with venue(base_url, config) as place:
        now, zone = place.connection.calls.time(), place.zone
        found = place.connection.calls.klines(symbol, interval, limit, span)
    rows = [
        (
            time_with_utc(one.open_ms, zone),
            *(_figure(value) for value in (one.open, one.high, one.low, one.close, one.volume)),
            "" if one.close_ms < now else "open",
        )
        for one in found
    ]
    head = ("opens", "open", "high", "low", "close", "volume", "")
    shown = [_named(one) | {"closed": one.close_ms < now} for one in found]
    return _show(output, {"symbol": symbol, "interval": interval, "klines": shown}, head, rows)


def _show_tickers(output: str, found: Sequence[Ticker], zone: str) -> int:
    rows = [
        (
            one.symbol,
            _figure(one.last),
            percent_text(one.change, 3, sign=True),
            *(_figure(value) for value in (one.open, one.high, one.low, one.volume, one.turnover)),
            time_with_utc(one.open_time_ms, zone),
            time_with_utc(one.close_time_ms, zone),
        )
        for one in found
    ]
    head = ("symbol", "last", "change", "open", "high", "low", "volume", "turnover", "from", "to")
    return _show(output, {"tickers": [_named(one) for one in found]}, head, rows)


def _book_rows(book: Book) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for at in range(max(len(book.bids), len(book.asks))):
        bid = book.bids[at] if at < len(book.bids) else None
        ask = book.asks[at] if at < len(book.asks) else None
        rows.append(
            (
                _figure(bid[1]) if bid else "",
                _figure(bid[0]) if bid else "",
                _figure(ask[0]) if ask else "",
                _figure(ask[1]) if ask else "",
            )
        )
    return rows


def _figure(value: Decimal) -> str:
    return grouped(value)


_NAMES = {
    "open_ms": "open_time", "close_ms": "close_time", "open_time_ms": "open_time", "close_time_ms": "close_time",
    "turnover": "quote_volume",
}  # fmt: skip


def _named(value: Candle | Ticker) -> dict[str, Any]:
    """A value's fields under the names that this output promises, with each time also as UTC text."""
    found = {_NAMES.get(field.name, field.name): getattr(value, field.name) for field in fields(value)}
    found.pop("asked_ms", None)
    return found | {f"{name}_utc": iso_utc(found[name]) for name in ("open_time", "close_time")}


def _show(output: str, payload: dict[str, Any], head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    if output == "json":
        return emit_json(payload)
    right = {at for at, name in enumerate(head) if name not in {"symbol", "opens", "from", "to", ""}}
    say(table(head, rows, right=right) if rows else "nothing")
    return 0
