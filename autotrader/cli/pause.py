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
from autotrader.language.requests import PauseRequest
from autotrader.records.store import Store
from autotrader.service.control import ask_service, open_idle
from autotrader.text import did_you_mean, printable
from autotrader.times import iso_utc, time_text
from autotrader.trading.kept import Kept
from autotrader.views.why import Explainer


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
    with Store.read(folder) as store:
        _check_names(store, rules, labels, resume=resume)
    arguments = {"rules": list(rules), "labels": list(labels), "for_ms": for_ms, "resume": resume}
    reply = ask_service(folder, "pause", arguments)
    if reply is not None:
        reply.checked()
    else:
        now_ms = folder_now_ms(folder)
        with open_idle(folder, now_ms) as store:
            _told(store, rules, labels, for_ms, now_ms, resume=resume)
    return _show(folder, rules, labels, resume=resume, output=output)


def _told(
    store: Store, rules: Sequence[str], labels: Sequence[str], for_ms: int | None, now_ms: int, *, resume: bool
) -> None:
    until = None if for_ms is None else now_ms + for_ms
    request = PauseRequest(resume=resume, rules=tuple(rules), labels=tuple(labels), until_ms=until, run=None)
    with store.transaction():
        Kept(store).pause(request, now_ms)


def _check_names(store: Store, rules: Sequence[str], labels: Sequence[str], *, resume: bool) -> None:
    """A name that nobody bears would pause nothing, silently. What is paused may always be resumed."""
    teller = Explainer(store)
    paused = {tuple(entry[:2]) for entry in store.settings.get("paused", [])} if resume else set()
    for rule in rules:
        if ("rule", rule) not in paused:
            teller.known(rule)
    plan = teller.newest_plan()
    known = [] if plan is None else sorted({label for rule in plan.rules for label in rule.labels})
    for label in labels:
        if label in known or ("label", label) in paused:
            continue
        listed = f"there are: {', '.join(known)}" if known else "no rule has a label"
        raise UsageError(f"no rule has the label `{label}`", hint=did_you_mean(label, known, listed))


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
