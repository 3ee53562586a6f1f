"""``autotrader account``: what the exchange says of the account. Signs with the key, and only looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from autotrader.cli._options import base_url_option, config_option, format_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._venue import venue
from autotrader.cli.market import symbols_argument
from autotrader.money import grouped
from autotrader.text import counted
from autotrader.times import time_with_utc

F = TypeVar("F", bound=Callable[..., Any])


def _common(command: F) -> F:
    return format_option(base_url_option(config_option(command)))


@click.group("account", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What the exchange says of the account."""


@command.command("assets")
@click.argument("asset", required=False)
@_common
def assets(*, asset: str | None, output: str, base_url: str | None, config: Path | None) -> int:
    """Assets of the spot wallet (getUserAsset); of one asset, or of all that are held."""
    with venue(base_url, config, signed=True) as place:
        found = place.account.user_assets(asset)
    rows = [(one.asset, *map(_figure, (one.free, one.locked, one.freeze, one.withdrawing))) for one in found]
    head = ("asset", "free", "locked", "frozen", "withdrawing")
    return _show(output, {"assets": found}, head, rows, right={1, 2, 3, 4})


@command.command("info")
@_common
def info(*, output: str, base_url: str | None, config: Path | None) -> int:
    """Balances, what the account may do, and how many orders it has placed."""
    with venue(base_url, config, signed=True) as place:
        found, counts = place.account.account(), place.account.order_counts()
    if output == "json":
        balances = list(found.balances.values())
        facts = {"may_trade": found.can_trade, "may_withdraw": found.can_withdraw, "type": found.account_type}
        rates = {"maker": found.maker, "taker": found.taker, "permissions": list(found.permissions)}
        return emit_json({"account": facts | rates, "balances": balances, "order_counts": counts})
    rows = [(one.asset, _figure(one.free), _figure(one.locked)) for one in found.balances.values()]
    say(table(("asset", "free", "locked"), rows, right={1, 2}) if rows else "no balances")
    say(f"\n{found.account_type}: trading {_yes(found.can_trade)}, withdrawals {_yes(found.can_withdraw)}")
    for one in counts:
        say(f"orders: {one.count:,} of {one.limit:,} in {counted(one.number, one.interval.lower())}")
    return 0


@command.command("commission")
@symbols_argument
@_common
def commission(*, symbols: tuple[str, ...], output: str, base_url: str | None, config: Path | None) -> int:
    """Commission rates of symbols, in percent; standard, special and tax add up."""
    with venue(base_url, config, signed=True) as place:
        found = [place.account.commission(symbol) for symbol in symbols]
    rows = []
    for one in found:
        parts = [part for part in (one.standard, one.special, one.tax) if part is not None]
        discount = f"x {one.discount} in {one.discount_asset}" if one.discount_enabled else "off"
        maker, taker = sum((part.maker for part in parts), Decimal(0)), sum((part.taker for part in parts), Decimal(0))
        rows.append((one.symbol, f"{_figure(maker * 100)}%", f"{_figure(taker * 100)}%", discount))
    return _show(output, {"commissions": found}, ("symbol", "maker", "taker", "discount"), rows, right={1, 2})


@command.command("restrictions")
@_common
def restrictions(*, output: str, base_url: str | None, config: Path | None) -> int:
    """What the API key may do. It should trade, not withdraw, and work from few addresses."""
    with venue(base_url, config, signed=True) as place:
        found, zone, key = place.account.restrictions(), place.zone, place.connection.fingerprint
    ends = time_with_utc(found.expires_ms, zone) if found.expires_ms else "no end given"
    rows = [
        ("key", key),
        ("reading", _yes(found.reading)),
        ("trading", _yes(found.trading)),
        ("withdrawals", _yes(found.withdrawals)),
        ("transfers", _yes(found.transfers)),
        ("only from listed addresses", _yes(found.ip_restricted)),
        ("trading permission ends", ends),
    ]
    return _show(output, {"key": key, "restrictions": found}, ("the key may", ""), rows)


def _show(
    output: str,
    payload: dict[str, Any],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] | set[int] = frozenset(),
) -> int:
    if output == "json":
        return emit_json(payload)
    say(table(head, rows, right=right) if rows else "nothing")
    return 0


def _figure(value: Decimal) -> str:
    return grouped(value)


def _yes(value: bool) -> str:  # noqa: FBT001 - a fact to show, not a switch
    return "yes" if value else "no"
