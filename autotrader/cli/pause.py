"""``autotrader pause``: rules that do not fire for a while, or until they are resumed."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._pauses import duration_ms, pause_rules
from autotrader.errors import UsageError


@click.command("pause")
@click.argument("rules", nargs=-1, metavar="RULE...")
@click.option("--label", "labels", multiple=True, metavar="L", help="All rules with this label; may be repeated.")
@click.option("--for", "span", metavar="DURATION", help="They run again by themselves after this, such as 6h.")
@format_option
@state_option
def command(
    *,
    rules: tuple[str, ...],
    labels: tuple[str, ...],
    span: str | None,
    format: str,  # noqa: A002
    state: Path | None,
) -> int:
    """Let RULE not fire: for a time, or until `autotrader resume RULE`. It goes on being evaluated.

    Orders that it has placed stay, with their timers.
    """

    if not rules and not labels:
        raise UsageError("which rules?", hint="name them, or --label L; `autotrader halt` stops all new orders")
    for_ms = None if span is None else duration_ms(span)
    return pause_rules(folders(state).state, rules, labels, for_ms, resume=False, format_=format)
