"""`autotrader doctor`: is everything in order here? Looks, changes nothing; exit 1 if something failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from autotrader.cli._checks import CHECKS, Facts, Finding, look
from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, say, styled, wants_color
from autotrader.cli._venue import credentials_here
from autotrader.cli._written import SourcedText, account_file, written
from autotrader.errors import ConfigError
from autotrader.exchanges import open_venue
from autotrader.exchanges.venue import Venue
from autotrader.market.exchanges import exchange_at
from autotrader.text import printable

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red"), "skipped": ("-", "grey")}


@click.command("doctor")
@click.option("--send-test", is_flag=True, help="Send a test message to every notification address.")
@config_option
@base_url_option
@state_option
@format_option
def command(*, send_test: bool, config: Path | None, base_url: str | None, state: Path | None, output: str) -> int:
    """Check the installation, rules, clock, key, notifications, store and disk.

    Exit 1 if something failed; warnings leave it at 0. An exchange is asked only if --base-url or the account file
    names one.
    """
    facts = _facts(config, base_url, state, send_test=send_test)
    try:
        found = [finding for check in CHECKS for finding in look(check, facts)]
    finally:
        if facts.venue is not None:
            facts.venue.close()
    exit_code = 1 if any(finding.level == "failed" for finding in found) else 0
    if output == "json":
        return emit_json({"findings": [finding._asdict() for finding in found]}, exit_code)
    for finding in found:
        say(_line(finding))
    say(_summary(found, exit_code))
    return exit_code


def _facts(config: Path | None, base_url: str | None, state: Path | None, *, send_test: bool) -> Facts:
    path = account_file(config)
    in_file: dict[str, SourcedText] = {}
    if path is not None:
        try:
            in_file = written(path)
        except ConfigError:
            in_file = {}  # the check of the rules tells what is wrong with it
    url = base_url or (in_file["exchange.base_url"].text if "exchange.base_url" in in_file else "")
    return Facts(
        environ=os.environ,
        folders=folders(state),
        config=path,
        written=in_file,
        venue=_connected(url) if url else None,
        send_test=send_test,
    )


def _connected(url: str) -> Venue:
    """The exchange, to look at and nothing else. Raises ConfigError for an address that is none of an exchange's."""
    try:
        credentials = credentials_here()
    except ConfigError:
        credentials = None  # the check of the key tells what is wrong with it
    return open_venue(name=exchange_at(url), url=url, credentials=credentials)


def _line(finding: Finding) -> str:
    mark, style = _MARKS[finding.level]
    if not wants_color(sys.stdout) and not _can_write(mark):
        mark = finding.level
    hint = f": {printable(finding.hint)}" if finding.hint else ""
    return f"{styled(mark, style)} {printable(finding.text)}{styled(hint, 'grey')}"


def _can_write(mark: str) -> bool:
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _summary(found: Sequence[Finding], exit_code: int) -> str:
    def count(level: str, one: str, many: str) -> str:
        number = sum(finding.level == level for finding in found)
        return f"{number} {one if number == 1 else many}"

    parts = [count("ok", "ok", "ok"), count("warning", "warning", "warnings"), count("failed", "failed", "failed")]
    return f"{', '.join(parts)}, {count('skipped', 'skipped', 'skipped')} · exit {exit_code}"
