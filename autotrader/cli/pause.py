"""``autotrader pause``: rules that do not fire for a while, or until they are resumed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import emit_json, say
from autotrader.cli._stores import folder_now_ms, meant, store_now_ms
from autotrader.errors import UsageError
from autotrader.language.expression import Origin, parse_duration_ms
from autotrader.records.store import Store
from autotrader.service.pausing import Pausing, pause
from autotrader.text import printable
from autotrader.times import iso_utc, time_text


def duration_ms(text: str, flag: str = "--for") -> int:
    """`6h` in milliseconds. Raises UsageError."""
    found, problems = parse_duration_ms(text, Origin(flag, 1, 1))
    if found is None:
        raise UsageError(f"{flag}: {problems[0].message}", hint=problems[0].hint or "write 30m, 6h or 2d")
    if found <= 0:
        raise UsageError(f"{flag}: {text} is over at once", hint="write 30m, 6h or 2d")
    return found


def pause_rules(
    state: Path, rules: Sequence[str], labels: Sequence[str], for_ms: int | None, *, resume: bool, output: str
) -> int:
    """Pause or resume by name or label, by way of the service where one runs."""
    folder = meant(state)
    pause(folder, Pausing(rules=tuple(rules), labels=tuple(labels), for_ms=for_ms, resume=resume), folder_now_ms)
    return _show(folder, rules, labels, resume=resume, output=output)


def _show(folder: Path, rules: Sequence[str], labels: Sequence[str], *, resume: bool, output: str) -> int:
    with Store.read(folder) as store:
        now_ms, entries = store_now_ms(store), store.settings.get("paused", [])
    kept = [entry for entry in entries if entry[2] is None or entry[2] > now_ms]
    if output == "json":
        facts: list[dict[str, Any]] = [
            {"kind": kind, "name": name, "until": None if until is None else iso_utc(until)}
            for kind, name, until in kept
        ]
        return emit_json({"store": folder.name, "paused": facts})
    if resume:
        say(f"resumed  {printable(', '.join([*rules, *(f'label {label}' for label in labels)]))}")
    for kind, name, until in kept:
        ends = "until resumed" if until is None else f"until {time_text(until)}"
        say(f"{'still ' if resume else ''}paused  {'label ' if kind == 'label' else ''}{printable(name)} {ends}")
    return 0


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
    output: str,
    state: Path | None,
) -> int:
    """Let RULE not fire: for a time, or until `autotrader resume RULE`. It goes on being evaluated.

    Orders that it has placed stay, with their timers.
    """
    if not rules and not labels:
        raise UsageError("which rules?", hint="name them, or --label L; `autotrader halt` stops all new orders")
    for_ms = None if span is None else duration_ms(span)
    return pause_rules(folders(state).state, rules, labels, for_ms, resume=False, output=output)
