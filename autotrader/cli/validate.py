"""`autotrader validate`: check rule files and say everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._options import config_option, format_option
from autotrader.cli._rules import checked_rules, shown


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--strict", is_flag=True, help="Warnings end with exit code 3.")
@config_option
@format_option
def command(paths: tuple[str, ...], *, strict: bool, config: Path | None, output: str) -> int:
    """Check rule files, folders of them, or standard input (-).

    Exit code 0: nothing wrong; 1: errors; 3: warnings, with --strict.
    """
    checked = checked_rules(paths, config)
    code = 1 if checked.errors else 3 if strict and checked.warnings else 0
    return shown(checked, output, code)
