"""`autotrader rule CODE`: what a problem code means."""

from __future__ import annotations

import click

from autotrader.cli._options import format_option
from autotrader.cli._output import emit_json, say, styled
from autotrader.errors import UsageError
from autotrader.language.codes import CODES


@click.command("rule")
@click.argument("code", required=False, metavar="CODE")
@format_option
def command(code: str | None, *, output: str) -> int:
    """Explain a problem code such as AT201; without one, list them all."""
    wanted = (code or "").upper()
    if wanted and wanted not in CODES:
        raise UsageError(f"there is no code `{code}`", hint="`autotrader rule` lists them all")
    names = [wanted] if wanted else sorted(CODES)
    if output == "json":
        return emit_json({"codes": {name: CODES[name]._asdict() for name in names}})
    if not wanted:
        for name in names:
            say(f"{name}  {CODES[name].title}")
        return 0
    entry = CODES[wanted]
    say(f"{styled(wanted, 'bold')}  {entry.title}")
    if entry.why:
        say(f"\n{entry.why}")
    for title, text in (("wrong", entry.wrong), ("right", entry.right)):
        if text:
            say(f"\n{title}:")
            say("\n".join(f"    {line}" for line in text.split("\n")))
    return 0
