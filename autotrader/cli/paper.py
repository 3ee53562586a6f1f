"""``autotrader paper``: the paper account of dry-run."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, say
from autotrader.cli._stores import folder_now_ms
from autotrader.cli._worlds import project_of, world_of
from autotrader.errors import RecordsBroken, SafetyRefused
from autotrader.exchanges.paper_account import STARTED_OVER, PaperAccount, from_text, to_text
from autotrader.money import money_text, plain
from autotrader.project import Project
from autotrader.records.places import DATABASE, store_dir, writer_pid
from autotrader.records.store import Store
from autotrader.runtime import identity_of
from autotrader.service.control import open_idle
from autotrader.service.hand import cancel_all


@click.group("paper", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The paper account of dry-run: start over."""


@command.command("reset")
@format_option
@base_url_option
@config_option
@state_option
def reset(*, output: str, base_url: str | None, config: Path | None, state: Path | None) -> int:
    """Start over with the account file's `paper` balances: no orders, and every rule as if it had never fired.

    The records stay, fills of today count towards the day's limits. Refused while a service runs on it (exit 4).
    """
    project = project_of(config, base_url)
    cancelled = _reset(project, state)
    balances = project.settings.paper
    if output == "json":
        facts = {asset: plain(amount) for asset, amount in balances.items()}
        return emit_json({"balances": facts, "cancelled": cancelled})
    shown = ", ".join(money_text(amount, asset) for asset, amount in balances.items()) or "nothing"
    say(f"the paper account starts over with {shown}")
    if cancelled:
        say(f"cancelled: {', '.join(cancelled)}")
    return 0


def _reset(project: Project, state: Path | None) -> list[str]:
    """Cancel what stands (that needs the market), then begin anew. Raises SafetyRefused while a service runs."""
    folder = store_dir(folders(state).state, identity_of(project.settings, live=False))
    if not (folder / DATABASE).is_file():
        return []  # dry-run never ran: its first run begins with these balances
    pid = writer_pid(folder)
    if pid is not None:
        raise SafetyRefused(f"a service (pid {pid}) runs on this paper account", hint="stop it first, then reset")
    now_ms = folder_now_ms(folder)
    with open_idle(folder, now_ms) as store:
        stands = bool(store.orders.unsettled()) or bool(store.intents.unresolved())
        if not stands:
            _begin_anew(store, project, now_ms)
            return []
    return _cancelled_first(project, state)


def _cancelled_first(project: Project, state: Path | None) -> list[str]:
    with world_of(project, state, live=False) as world:
        world.start()
        gone = cancel_all(world)
        world.start()  # books what the cancelled orders had traded
        left = [row.client_order_id for row in world.store.orders.unsettled()]
        if left:
            raise SafetyRefused(f"these paper orders are not over: {', '.join(left)}", hint="try again in a moment")
        _begin_anew(world.store, project, world.connection.clock.now_ms())
    return gone


def _begin_anew(store: Store, project: Project, now_ms: int) -> None:
    """One transaction: the account's text, the rules' states and runs; and a notice in the chain.

    Slots up to now are never evaluated again (`last_seen_ms` stays), so no decision can bear the name of an old one.
    """
    account = _account(store)
    with store.transaction():
        store.settings.set("paper", to_text(account.started_over(project.settings.paper)), now_ms)
        for key in store.states.all():
            store.states.drop(key)
        for run in store.runs.all():
            store.runs.drop(run.key)
        store.notice(now_ms, "info", STARTED_OVER)


def _account(store: Store) -> PaperAccount:
    """The account whose ids go on; where its text cannot be read, ids begin above those of the records."""
    text = store.settings.get("paper")
    try:
        return PaperAccount(holdings={}) if text is None else from_text(text)
    except RecordsBroken:
        orders = max((row.order.order_id for row in store.orders.since(0)), default=0)
        trades = max((fill.trade_id for fill in store.orders.fills_since(0)), default=0)
        return PaperAccount(holdings={}, next_order=orders + 1, next_trade=trades + 1)
