"""``autotrader resume``: end a halt, or let paused rules run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import emit_json, say
from autotrader.cli._stores import folder_now_ms
from autotrader.cli.pause import pause_rules
from autotrader.errors import UsageError
from autotrader.service.control import halt_reason, resume, store_folders
from autotrader.text import printable


@click.command("resume")
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--label", "labels", multiple=True, metavar="L", help="All rules with this label; may be repeated.")
@format_option
@state_option
def command(*, rules: tuple[str, ...], labels: tuple[str, ...], output: str, state: Path | None) -> int:
    """End a halt; or with RULE or --label, let paused rules run again.

    Refused and unknown orders before now do not count towards `halt_after` any more.
    """
    place = folders(state).state
    if rules or labels:
        return pause_rules(place, rules, labels, None, resume=True, output=output)
    return _end_halt(place, output)


def _end_halt(place: Path, output: str) -> int:
    found = store_folders(place)
    if not found:
        raise UsageError(f"there is no store in {place}", hint="name the folder of the service: --state DIR")
    halted = {folder: reason for folder in found if (reason := halt_reason(folder)) is not None}
    if len(halted) > 1:
        names = ", ".join(folder.name for folder in halted)
        raise UsageError(
            f"{len(halted)} stores are halted: {names}", hint=f"resume one at a time: --state {next(iter(halted))}"
        )
    facts: dict[str, Any] = {"resumed": None, "reason": None}
    for folder, reason in halted.items():
        resume(folder, folder_now_ms)
        facts = {"resumed": folder.name, "reason": reason}
    if output == "json":
        return emit_json(facts)
    said = f"resumed  {facts['resumed']}  (it was halted: {printable(str(facts['reason']))})"
    say(said if facts["resumed"] else "nothing was halted")
    return 0
