"""``autotrader status``: what runs, how it is, what each rule waits for. From the records: nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import Styled, emit_json, say, styled, table
from autotrader.cli._stores import folder_now_ms, wall_ms
from autotrader.cli._story import gap_text
from autotrader.errors import RecordsBroken
from autotrader.money import money_text, yen, yen_quote
from autotrader.records.orders import gone_texts
from autotrader.records.places import stores_in
from autotrader.text import counted, printable
from autotrader.times import age_text, local, time_text
from autotrader.views.status import RuleStatus, Status, read_status

_STYLES = {
    "ready": "green", "acting": "cyan", "cooling": "yellow", "blocked": "yellow", "paused": "yellow",
    "unknown": "red", "disarmed": "grey", "off": "grey", "new": "grey",
}  # fmt: skip
_HALTED = {"reduce_only": "HALTED, sales go on", "halt": "HALTED", "cancel": "HALTED, orders are taken back"}
_FAR_MS = 3_600_000
_LATE_MS = 120_000


@click.command("status")
@format_option
@state_option
def command(*, output: str, state: Path | None) -> int:
    """Say what runs, when it last looked, whether it is halted, and what each rule waits for."""
    place = folders(state).state
    found = stores_in(place)
    if not found:
        raise RecordsBroken(f"there are no records in {place}", hint="`autotrader run` makes them; or give --state DIR")
    stands = [read_status(folder, folder_now_ms(folder)) for folder in found]
    if output == "json":
        return emit_json({"stores": [one.as_json() for one in stands]})
    for index, one in enumerate(stands):
        if index:
            say()
        _show(one, wall_ms(), named=len(stands) > 1)
    return 0


def _show(one: Status, wall: int, *, named: bool) -> None:
    if named:  # two keys have two stores, and both are LIVE
        say(styled(printable(one.folder.name), "bold"))
    say(_head(one, wall))
    for line in _warnings(one):
        say(line)
    if one.rules:
        head = ("rule", "state", "last fired", "to fire", "orders", "today")
        say(table(head, [_row(one, rule) for rule in one.rules]))
    else:
        say("no rules have run here yet")
    notes = [f"{rule.rule} {rule.state}: {yen(printable(rule.why))}" for rule in one.rules if rule.state in _EXPLAINED]
    for note in dict.fromkeys(notes):
        say(styled(f"  {note}", "grey"))
    spent = [
        f"{money_text(each.spent, each.asset)}"
        + ("" if each.limit is None else f" of {money_text(each.limit, each.asset)}")
        for each in one.spending
    ]
    if spent:
        say(f"spent today {', '.join(spent)}   {one.open_orders} open order{'' if one.open_orders == 1 else 's'}")


def _warnings(one: Status) -> Iterator[str]:
    """What a person must know before anything else: what stops placing, what nobody minds, what is not known."""
    if one.halt is not None:
        what = _HALTED[one.halt.level]
        yield styled(f"{what}: {printable(one.halt.reason)}; `autotrader resume` lifts it", "bold yellow")
    for waits in one.differences:
        cid = waits.client_order_id
        yield styled(f"READ-ONLY: {printable(waits.text)}", "bold red")
        yield styled(f"  `autotrader adopt {cid}` makes it ours, `autotrader ignore {cid}` leaves it alone", "yellow")
    for kind, name, until in one.paused:
        ends = "until resumed" if until is None else f"until {_moment(one, until)}"
        yield styled(f"paused {'label ' if kind == 'label' else ''}{printable(name)} {ends}", "yellow")
    if one.unknown_orders:
        yield styled(f"{counted(one.unknown_orders, 'order')} of unknown fate: `autotrader orders`", "bold red")
    for text in gone_texts(one.gone):
        yield styled(f"{printable(text)}: `autotrader orders` lists them, no rule minds them any more", "bold yellow")
    if one.unwitnessed is not None:
        since = _moment(one, one.unwitnessed["since_ms"])
        yield styled(f"no checkpoints since {since}: {printable(one.unwitnessed['reason'])}", "bold yellow")


_EXPLAINED = frozenset({"blocked", "unknown"})


def _head(one: Status, wall: int) -> str:
    live = one.mode == "live"
    parts = [
        styled("LIVE" if live else "DRY-RUN", "on_red" if live else "bold"),
        _up(one, wall),
        _last_cycle(one, wall),
        _clock(one),
        f"audit #{one.head_number:,} {one.head_hash[:4]}…" if one.head_hash else "",
        f"missed slots {one.missed:,}",
    ]
    return "   ".join(part for part in parts if part)


def _up(one: Status, wall: int) -> str:
    if one.pid is None:
        return styled("not running", "yellow")
    return f"up {age_text(max(0, wall - one.since_ms))}" if one.since_ms is not None else f"running (pid {one.pid})"


def _last_cycle(one: Status, wall: int) -> str:
    if one.last_cycle_ms is None:
        return "no cycle yet"
    if abs(wall - one.now_ms) > _FAR_MS:  # a simulator in stepped time
        return f"last cycle {time_text(one.last_cycle_ms, one.zone)}"
    ago = max(0, one.now_ms - one.last_cycle_ms)
    text = f"last cycle {age_text(ago // 1000 * 1000)} ago"
    return styled(text, "yellow") if one.pid is not None and ago > _LATE_MS else text


def _row(one: Status, rule: RuleStatus) -> tuple[str, ...]:
    several = len({other.symbol for other in one.rules if other.rule == rule.rule}) > 1
    fired = "never" if rule.last_fired_ms is None else _moment(one, rule.last_fired_ms)
    state = rule.state
    if state == "cooling":
        state = f"cooling to {_moment(one, int(rule.why.removeprefix('until ')))}"
    return (
        f"{rule.rule} {rule.symbol}" if several else rule.rule,
        Styled(state, _STYLES[rule.state]),
        fired,
        _to_fire(rule),
        f"{rule.open_orders} open" if rule.open_orders else "0",
        _today(rule),
    )


def _to_fire(rule: RuleStatus) -> str:
    if rule.fired:
        return "fired"
    if rule.short is None:
        return "—"
    first = rule.short.observed[0].text if rule.short.observed else rule.short.text
    more = f" +{rule.missing - 1} more" if rule.missing > 1 else ""
    return f"{first} {gap_text(rule.short)}{more}"


def _today(rule: RuleStatus) -> str:
    quote = yen_quote(rule.symbol)
    parts = [
        f"bought {money_text(rule.bought, quote).strip()}" if rule.bought else "",
        f"sold {money_text(rule.sold, quote).strip()}" if rule.sold else "",
    ]
    return ", ".join(part for part in parts if part) or "—"


def _moment(one: Status, ms: int) -> str:
    """`07:40` today, else with its day."""
    then, now = local(ms, one.zone), local(one.now_ms, one.zone)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"


def _clock(one: Status) -> str:
    """How far this machine's clock is from the venue's; a simulator's time is no measure of it."""
    skew = one.clock_skew_ms
    if skew is None:
        return ""
    return f"clock {skew / 1000:+.1f} s" if abs(skew) < _FAR_MS else "simulated time"
