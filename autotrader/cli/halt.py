"""``autotrader halt``: nothing is placed any more until a person resumes. Works with a broken database too.

Every store below the state folder is halted: whoever halts wants everything to stop. The halt file is written first,
before anything that can fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import config_option, format_option, state_option
from autotrader.cli._output import emit_json, note, say, styled
from autotrader.cli._stores import folder_now_ms
from autotrader.cli._worlds import project_of, world_of
from autotrader.engine.halt import Halt, HaltLevel
from autotrader.errors import UsageError
from autotrader.records.places import Identity
from autotrader.runtime import Runtime
from autotrader.service.control import HaltReply, halt, store_folders
from autotrader.service.hand import cancel_what_stands
from autotrader.text import printable

FAILED = 1


@click.command("halt")
@click.option("--reduce-only", is_flag=True, help="Only buying stops; what is held may still be sold.")
@click.option("--cancel", is_flag=True, help="Take our open orders back as well.")
@click.option("--reason", default="by hand", show_default=True, help="Kept in the records and shown by status.")
@config_option
@format_option
@state_option
def command(
    *,
    reduce_only: bool,
    cancel: bool,
    reason: str,
    config: Path | None,
    output: str,
    state: Path | None,
) -> int:
    """Stop placing orders, in every store below the state folder, until `autotrader resume`.

    A running service goes on looking and recording; restarts change nothing. Open orders stay unless --cancel is given.
    A weaker halt never replaces a stronger one. SIGUSR1 halts one running service.
    """
    if reduce_only and cancel:
        raise UsageError("--reduce-only and --cancel are two levels", hint="--cancel stops sales as well")
    place = folders(state).state
    found = store_folders(place)
    if not found:
        raise UsageError(
            f"nothing was halted: there is no store in {place}", hint="name the folder of the service: --state DIR"
        )
    said = printable(reason)[:200] or "by hand"
    level = HaltLevel.CANCEL if cancel else HaltLevel.REDUCE_ONLY if reduce_only else HaltLevel.HALT
    done = [halt(folder, Halt(said, level), folder_now_ms(folder)) for folder in found]
    if cancel:

        def opened(identity: Identity) -> Runtime:
            project = project_of(config, identity.base_url)
            return world_of(project, state, live=identity.mode == "live")

        done = [cancel_what_stands(one, opened) for one in done]
    code = FAILED if any(one.problem or (cancel and one.remaining) for one in done) else 0
    if output == "json":
        return emit_json({"halted": [_data(one) for one in done], "reason": said}, code)
    for one in done:
        _show(one, level)
    return code


_MEANINGS = {"reduce_only": "nothing is bought, sales go on", "halt": "", "cancel": "orders are taken back"}


def _show(one: HaltReply, asked: HaltLevel) -> None:
    cancel = asked is HaltLevel.CANCEL
    how = {"service": "told to the running service", "records": "no service runs", "file": "by the halt file alone"}
    say(f"{styled('halted', 'bold yellow')}  {one.folder.name}  ({how[one.how]})")
    if one.level is not asked:
        say(f"  an earlier halt is stronger and stays in force: {one.level}")
    elif _MEANINGS[one.level]:
        say(f"  {_MEANINGS[one.level]}")
    if one.cancelled:
        say(f"  cancelled: {', '.join(one.cancelled)}")
    if one.problem:
        note(f"  {styled('warning:', 'bold yellow')} {printable(one.problem)}")
    if one.remaining:
        count = len(one.remaining)
        say(f"  {count} order{'' if count == 1 else 's'} still at the exchange: {', '.join(one.remaining)}")
        say("  cancel by hand at the exchange" if cancel else "  `autotrader halt --cancel` takes them back")
    elif cancel and not one.problem:
        say("  no order of ours stands at the exchange")


def _data(one: HaltReply) -> dict[str, Any]:
    return {
        "store": one.folder.name, "how": one.how, "level": one.level, "cancelled": list(one.cancelled),
        "remaining": list(one.remaining), "problem": one.problem or None,
    }  # fmt: skip
