"""``autotrader audit show|verify|replay|reconcile|export``: the hash-chained record, also while a service writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import Column, emit_json, listed, note, say, styled
from autotrader.cli._stores import folder_now_ms, meant, open_for_reading, since_ms
from autotrader.cli._venue import credentials_here
from autotrader.errors import UsageError
from autotrader.records.audit_key import find_key
from autotrader.records.canon import canonical
from autotrader.records.chain import Act, ChainReport
from autotrader.records.heads import Head
from autotrader.records.store import Store
from autotrader.text import clipped, counted, printable
from autotrader.times import iso_utc, time_text
from autotrader.trading.agree import Agreement
from autotrader.views.agreement import reconciled
from autotrader.views.audit import replayed

_SHOWN_LENGTH = 100
_TIMES_FROM = 1_000_000_000_000  # September 2001, in milliseconds


_ACTS: tuple[Column[Act], ...] = (
    Column("act", lambda act: f"#{act.n}", right=True),
    Column("time", lambda act: time_text(act.time_ms)),
    Column("kind", lambda act: act.kind),
    Column("about", lambda act: act.subject),
    Column("what", lambda act: clipped(_summary(act), _SHOWN_LENGTH)),
)


@click.group("audit")
def command() -> None:
    """Show, verify and export the hash-chained record."""


@command.command("show")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many of the newest acts.")
@click.option("--kind", help="Only acts of this kind: intent, order, fill, cancel, notice, ...")
@click.option("--about", help="Only acts about this: a client order id, for instance.")
@format_option
@state_option
def show(*, limit: int, kind: str | None, about: str | None, output: str, state: Path | None) -> int:
    """The newest acts, oldest first."""
    with open_for_reading(state) as store:
        acts = store.chain.latest(limit, kind=kind, subject=about)
    if output == "json":
        return emit_json({"acts": [_as_json(act) for act in acts]})
    say(listed(_ACTS, acts) if acts else "no such acts")
    return 0


@command.command("verify")
@click.option("--head", "heads", multiple=True, metavar="N:HASH", help="A head noted earlier: is it in the chain?")
@format_option
@state_option
def verify(*, heads: tuple[str, ...], output: str, state: Path | None) -> int:
    """Verify the whole chain, its checkpoints, and the tables against it. Exit 1 where something was altered.

    With the audit key the checkpoints' HMACs are checked too. `--head` (any number of them) proves that a head which a
    channel was told, or which was written down, is still in the chain: an old copy put back is found so.
    """
    told = [_head(text) for text in heads]
    with open_for_reading(state) as store:
        report, unwitnessed = store.verify(told), store.settings.get("unwitnessed")
    code = 0 if report.whole else 1
    if output == "json":
        return emit_json({**_verified(report, len(told)), "unwitnessed": unwitnessed}, code)
    for problem in report.problems:
        say(styled(printable(str(problem)), "red"))
    if report.problems:
        say(f"{report.rows:,} records read: the chain is damaged, {len(report.problems)} findings")
    else:
        say(_whole(report))
        _say_counts(report, len(told))
    for missed in report.notes:
        say(f"not checked: {printable(missed)}")
    if unwitnessed is not None:
        since, reason = time_text(unwitnessed["since_ms"]), printable(unwitnessed["reason"])
        say(styled(f"no checkpoints since {since}: {reason}; a cut-off end would not be noticed", "bold yellow"))
    return code


def _say_counts(report: ChainReport, told: int) -> None:
    if report.proven:
        say(f"{counted(report.proven, 'checkpoint')} proven with the audit key")
    if told:
        say(f"{counted(told, 'head')} noted earlier: all in the chain")


def _verified(report: ChainReport, told: int) -> dict[str, Any]:
    problems = [{"n": p.n, "what": p.what, "expected": p.expected, "found": p.found} for p in report.problems]
    return {
        "records": report.rows,
        "whole": report.whole,
        "head": None if report.head is None else {"n": report.head.n, "hash": report.head.hash},
        "checkpoints_proven": report.proven,
        "heads_given": told,
        "not_checked": list(report.notes),
        "problems": problems,
    }


def _head(text: str) -> Head:
    """`5521:8c1e…`, also with a `#` before it or a space between. Raises UsageError."""
    found = re.fullmatch(r"#?([1-9][0-9]{0,17})[: ]([0-9a-fA-F]{16,64})…?", text.strip(), re.ASCII)
    if found is None:
        raise UsageError(f"`{text}` is no head", hint="write number:hash, 16 digits or more: 5521:8c1e90ab77d2f001")
    return Head(int(found[1]), found[2].lower())


def _whole(report: ChainReport) -> str:
    if report.head is None or report.first_ms is None or report.last_ms is None:
        return "0 records: nothing has happened yet"
    span = f"{time_text(report.first_ms)} → {time_text(report.last_ms)}"
    return f"{report.rows:,} records, {span}: chain whole, head {report.head.n}:{report.head.hash[:16]}…, 0 gaps"


@command.command("rekey")
@state_option
def rekey(*, state: Path | None) -> int:
    """Go on with another audit key, or with none: after you changed, lost or added it.

    Stop the service first. The change is an act; checkpoints of the earlier key are not proven any more.
    """
    folder = meant(folders(state).state)
    key, now_ms = find_key(folder.parent), folder_now_ms(folder)
    name = "none" if key is None else key.id
    with Store.read(folder) as store:
        identity = store.identity
    with Store.open(folder, identity, now_ms=now_ms, rekey=True) as store:
        store.notice(now_ms, "warn", f"the audit key is {name} from here on", audit_key=name)
    say(f"audit key: {name}, from the newest record of {folder.name} on")
    return 0


@command.command("replay")
@click.option("--cycle", type=click.IntRange(1), help="This cycle alone.")
@click.option("--since", help="From this time on: 2026-11-01, 2026-11-01T09:00, 7d.  [default: all that is kept]")
@format_option
@state_option
def replay(*, cycle: int | None, since: str | None, output: str, state: Path | None) -> int:
    """Decide the recorded cycles again from their recorded inputs; exit 1 where one comes out otherwise.

    Decisions are compared byte for byte; next rule states, runs and requests by their hash.
    """
    with open_for_reading(state) as store:
        found = replayed(store, cycle=cycle, since_ms=since_ms(since))
    if cycle is not None and not found.cycles + found.without:
        raise UsageError(f"there is no cycle {cycle} in these records", hint="they are kept for 30 days")
    code = 1 if found.differences else 0
    if output == "json":
        return emit_json(found.as_json(), code)
    for one in found.differences[:20]:
        say(styled(f"cycle {one.cycle} ({time_text(one.time_ms)}): {printable(one.what)}", "red"))
    without = f"; {counted(found.without, 'cycle')} recorded without inputs" if found.without else ""
    done = f"{counted(found.cycles, 'cycle')} replayed, {counted(found.decisions, 'decision')}"
    say(f"{done}, differing {len(found.differences)}{without}")
    return code


@command.command("export")
@click.option("--since", help="From this time on: 2026-11-01, 2026-11-01T09:00, 7d.")
@click.option("--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="A file; else standard output.")
@state_option
def export(*, since: str | None, file: Path | None, state: Path | None) -> int:
    """All acts as JSON lines, with their hashes; the kept texts (rules, plans) come before them."""
    with open_for_reading(state) as store:
        lines = _lines(store, since_ms(since))
        if file is None:
            for line in lines:
                say(line)
            return 0
        try:
            with file.open("x", encoding="utf-8") as written:
                count = sum(1 for line in lines if written.write(line + "\n"))
        except FileExistsError:
            raise UsageError(f"{file} exists already", hint="name a new file; nothing was overwritten") from None
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from None
    note(f"{count:,} lines written to {file}")
    return 0


@command.command("reconcile")
@click.option("--since", default="7d", show_default=True, help="From this time on: 2026-11-01, 2026-11-01T09:00, 12h.")
@format_option
@state_option
def reconcile(*, since: str, output: str, state: Path | None) -> int:
    """Compare orders, trades and fees with the exchange's, row by row. Only looks; live needs the store's key.

    Exit 1 where something is unexplained. What the exchange is merely ahead in is listed apart.
    """
    folder = meant(folders(state).state)

    def begin(now_ms: int) -> int:
        return since_ms(since, datetime.fromtimestamp(now_ms / 1000, UTC))

    found = reconciled(folder, credentials_here, begin)
    code = 1 if found.unexplained else 0
    if output == "json":
        return emit_json(found.as_json(), code)
    _say_agreement(found)
    return code


def _say_agreement(found: Agreement) -> None:
    for one in found.findings:
        word = styled("not taken in yet:", "yellow") if one.pending else styled("unexplained:", "bold red")
        say(f"{word} {one.kind} {printable(one.name)} of {one.symbol}: {printable(one.what)}")
        for side, text in (("records ", one.ours), ("exchange", one.theirs)):
            say(f"  {side}  {'nothing' if text is None else printable(text)}")
    compared = f"{counted(found.orders, 'order')} and {counted(found.trades, 'trade')} compared"
    where = f"since {time_text(found.since_ms)}: {', '.join(found.symbols) or 'no symbols'}"
    say(f"{compared} {where}")
    if found.others:
        say(f"{counted(found.others, 'order')} of other stores or by hand: not ours")
    say(styled(f"unexplained {len(found.unexplained)}", "bold red" if found.unexplained else "green"))


def _lines(store: Any, from_ms: int) -> Iterator[str]:
    identity = store.identity
    yield canonical({"store": store.id, "mode": identity.mode, "base_url": identity.base_url, "format_version": 1})
    for name, text in store.chain.texts():
        yield canonical({"text": name, "content": text})
    for act in store.chain.acts(since_ms=from_ms):
        yield json.dumps(_as_json(act), ensure_ascii=True, separators=(",", ":"))


def _as_json(act: Act) -> dict[str, Any]:
    return {
        "n": act.n,
        "time": iso_utc(act.time_ms),
        "time_ms": act.time_ms,
        "kind": act.kind,
        "subject": act.subject,
        "body": act.data,
        "hash": act.hash,
    }


def _summary(act: Act) -> str:
    """A body in one line: the message of a notice, else its fields without those that say nothing."""
    data = act.data
    if act.kind == "notice":
        return f"{data.get('level', '')}: {data.get('text', '')}"
    if act.kind == "intent-state":
        return f"{data['from']} → {data['state']}" + (f": {data['reason']}" if data["reason"] else "")
    if act.kind in {"intent", "order", "fill"}:
        named = ("side", "quantity", "symbol", "price", "executed", "status", "rule")
        return " ".join(str(data[name]) for name in named if data.get(name) not in {None, ""})
    if act.kind == "setting":
        return _written(data.get("value")) or "none"
    return ", ".join(f"{name} {value}" for name, value in data.items() if value not in ("", None, [], {}))


def _written(value: Any) -> str:
    """A kept value in words: times as times, no braces."""
    if isinstance(value, dict):
        named = ((name, time_text(each) if _is_time(each) else _written(each)) for name, each in value.items())
        return ", ".join(f"{name.removesuffix('_ms')} {text}" for name, text in named if text)
    if isinstance(value, list | tuple):
        return " ".join(text for each in value if (text := time_text(each) if _is_time(each) else _written(each)))
    return "" if value is None else str(value)


def _is_time(value: object) -> bool:
    """A venue time: a whole number that no count of anything reaches."""
    return type(value) is int and value > _TIMES_FROM


audit = command
