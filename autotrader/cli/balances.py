"""``autotrader balances``: what is free and what is locked, and what it is worth in yen.

Dry-run: the paper account, carried forward to now where the exchange can be asked, else as last recorded. With
`mode: live`: the venue's account, read with the key; nothing can be placed by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, note, say, styled, table
from autotrader.cli._venue import venue
from autotrader.cli._worlds import project_of
from autotrader.errors import AutotraderError, ExchangeRefused, ExchangeUnavailable
from autotrader.exchanges.paper_account import PaperAccount, from_text
from autotrader.exchanges.venue import Venue
from autotrader.market.needs import BalancesNeed
from autotrader.money import grouped, money_text, plain
from autotrader.orders import Balance
from autotrader.project import Project
from autotrader.records.places import DATABASE, store_dir
from autotrader.records.store import Store
from autotrader.runtime import identity_of
from autotrader.text import printable
from autotrader.views.now import open_read_only

YEN = "JPY"


class Held(NamedTuple):
    """The balances, what one of each asset costs in yen, where they are from, and what could not be had."""

    balances: Sequence[Balance]
    prices: Mapping[str, Decimal]
    origin: str
    problem: str


@click.command("balances")
@click.option("--paper", is_flag=True, help="The paper account, also with `mode: live`.")
@format_option
@base_url_option
@config_option
@state_option
def command(
    *,
    paper: bool,
    output: str,
    base_url: str | None,
    config: Path | None,
    state: Path | None,
) -> int:
    """Show what is free, what is locked in orders, and what it is worth in yen at the best bid."""
    project = project_of(config, base_url)
    live = project.settings.mode == "live" and not paper
    held = _at_the_venue(project) if live else _on_paper(project, state)
    worth = {one.asset: _worth(one, held.prices) for one in held.balances}
    known = [value for value in worth.values() if value is not None]
    total = sum(known, Decimal(0)) if len(known) == len(worth) else None
    if output == "json":
        rows = [
            {"asset": one.asset, "free": plain(one.free), "locked": plain(one.locked), "jpy": _text(worth[one.asset])}
            for one in held.balances
        ]
        facts = {"mode": "live" if live else "dry-run", "origin": held.origin, "problem": held.problem or None}
        return emit_json({**facts, "balances": rows, "total_jpy": _text(total)})
    _show(held, worth, total, live=live)
    return 0


def _show(held: Held, worth: Mapping[str, Decimal | None], total: Decimal | None, *, live: bool) -> None:
    say(f"{styled('LIVE', 'on_red') if live else styled('DRY-RUN', 'bold')}   {held.origin}")
    rows = []
    for one in held.balances:
        value = worth[one.asset]
        figures = [
            money_text(amount, YEN) if one.asset == YEN else grouped(amount) for amount in (one.free, one.locked)
        ]
        rows.append((one.asset, *figures, "—" if value is None else money_text(value, YEN)))
    if rows:
        sums = ("in all", "", "", "—" if total is None else money_text(total, YEN))
        say(table(("asset", "free", "locked", "in yen"), [*rows, sums], right={1, 2, 3}))
    else:
        say("no balances")
    if held.problem:
        note(f"prices are missing: {printable(held.problem)}")


def _worth(one: Balance, prices: Mapping[str, Decimal]) -> Decimal | None:
    amount = one.free + one.locked
    if one.asset == YEN or not amount:
        return amount
    return amount * prices[one.asset] if one.asset in prices else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value.quantize(Decimal("0.01")))


# --------------------------------------------------------------------------------------------------- where from
def _at_the_venue(project: Project) -> Held:
    with venue(project.settings.exchange.base_url or None, project.path, signed=True) as place:
        balances = list(place.account.account().balances.values())
        prices, problem = _prices(place.connection, [one.asset for one in balances])
    return Held(_sorted(balances), prices, "the exchange's account", problem)


def _on_paper(project: Project, state: Path | None) -> Held:
    place = folders(state).state
    try:
        with open_read_only(project.settings, place) as here:
            _, account = here.observe(frozenset({BalancesNeed()}))
            balances = list(account.balances.values()) or list(here.broker.account.balances().values())
            prices, problem = _prices(here.connection, [one.asset for one in balances])
            origin = "the paper account" if here.store is not None else "the paper account, before its first run"
            return Held(_sorted(balances), prices, origin, account.missing.get("balances", problem))
    except (ExchangeUnavailable, ExchangeRefused) as error:
        return Held(_sorted(_recorded(project, place)), {}, "the paper account as last recorded", error.message)


def _recorded(project: Project, place: Path) -> list[Balance]:
    """The account as the store has it, without asking anybody."""
    folder = store_dir(place, identity_of(project.settings, live=False))
    text: str | None = None
    if (folder / DATABASE).is_file():
        with Store.read(folder) as store:
            text = store.settings.get("paper")
    account = PaperAccount(holdings=dict(project.settings.paper)) if text is None else from_text(text)
    return list(account.balances().values())


def _prices(connection: Venue, assets: Sequence[str]) -> tuple[dict[str, Decimal], str]:
    """Yen for one of each asset, at the best bid; and why some are missing."""
    names = [f"{asset}{YEN}" for asset in assets if asset != YEN]
    if not names:
        return {}, ""
    try:
        listed = connection.market.instruments(names)
        wanted = [name for name in names if name in listed]
        books = {one.symbol: one for one in connection.calls.best(wanted)} if wanted else {}
    except AutotraderError as error:
        return {}, error.message
    prices = {listed[name].base: book.bids[0][0] for name, book in books.items() if book.bids}
    missing = [name for name in names if name.removesuffix(YEN) not in prices]
    return prices, f"no price of {', '.join(missing)}" if missing else ""


def _sorted(balances: Sequence[Balance]) -> list[Balance]:
    """Yen first, then by name; assets of which there is nothing are left out."""
    kept = [one for one in balances if one.free or one.locked or one.asset == YEN]
    return sorted(kept, key=lambda one: (one.asset != YEN, one.asset))
