"""`autotrader run`: the service. Dry-run unless all three keys of live are turned."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from autotrader.cli._folders import folders, private
from autotrader.cli._options import base_url_option, config_option, state_option
from autotrader.cli._output import note, styled, wants_color
from autotrader.cli._worlds import NO_WORD, project_of, world_of
from autotrader.engine.budget import budget_of
from autotrader.errors import SafetyRefused, UsageError
from autotrader.language.expression import Origin, parse_duration_ms
from autotrader.language.requests import PlaceRequest
from autotrader.money import gain_text, money_text, price_text
from autotrader.orders import Fill
from autotrader.runtime import Runtime
from autotrader.service.hand import NOT_ARMED
from autotrader.service.logs import set_up
from autotrader.service.runner import RunMode, Runner
from autotrader.text import counted, printable
from autotrader.times import clock_text
from autotrader.trading.parts import CycleReport
from autotrader.trading.reconcile import Report

_QUIET_MS = 60_000


def report_lines(report: CycleReport, mode: str, zone: str) -> Iterator[str]:
    """One line for each thing that happened; nothing for a quiet cycle."""
    stamp = clock_text(report.now_ms, zone)
    verb = "place" if mode == "LIVE" else "would place"
    for request in report.placed:
        yield f"{stamp}  {verb:<12} {request.key.rule:<16} {_order(request)}  {request.id}"
    for request, reason in report.denied:
        yield f"{stamp}  denied       {request.key.rule:<16} {_order(request)}: {printable(reason)}"
    for cancel in report.cancels:
        yield f"{stamp}  cancel       {cancel.id}  {printable(cancel.reason)}"
    for fill in report.observation.booked:
        yield f"{stamp}  filled       {_fill(fill)}"


class Lasting:
    """Blocks and missing data last for many cycles: each is said when it begins, missing data also when it is over."""

    def __init__(self) -> None:
        self._blocked: dict[tuple[str, str], str] = {}
        self._missing: dict[str, int] = {}

    def blocks(self, report: CycleReport, zone: str) -> list[str]:
        """One line for each rule that is held back, where it was not before, or by something else."""
        lines = []
        for decision in report.decisions:
            key = (decision.rule, decision.symbol)
            why = decision.blocked if decision.phase == "blocked" else ""
            if why and self._blocked.get(key) != why:
                lines.append(f"{clock_text(report.now_ms, zone)}  blocked      {decision.rule:<16} {printable(why)}")
            self._blocked[key] = why
        return lines

    def gaps(self, report: CycleReport, zone: str) -> list[str]:
        """One line for each reason why data is missing, and one when it was not seen for a minute."""
        now, stamp = report.now_ms, clock_text(report.now_ms, zone)
        named = dict.fromkeys(report.missing.values())
        reasons = [why for why in named if not any(why.endswith(f": {other}") for other in named)]
        over = [why for why, seen in self._missing.items() if why not in reasons and now - seen >= _QUIET_MS]
        lines = [f"{stamp}  no data      {printable(why)}" for why in reasons if why not in self._missing]
        lines += [f"{stamp}  data again   after: {printable(why)}" for why in over]
        self._missing |= dict.fromkeys(reasons, now)
        for why in over:
            del self._missing[why]
        return lines


def _order(request: PlaceRequest) -> str:
    order = request.order
    cost = money_text(order.notional, request.quote)
    return f"{order.side} {order.quantity:f} {request.base} @ {price_text(order.price, request.quote)} = {cost}"


def _fill(fill: Fill) -> str:
    role = "maker" if fill.is_maker else "taker"
    return f"{fill.side} {fill.quantity:f} {fill.symbol} @ {fill.price:f} ({role}, fee {fill.fee:f} {fill.fee_asset})"


def status_line(report: CycleReport, world: Runtime, zone: str) -> str:
    """The one line that stays at the bottom of a terminal."""
    orders = len(world.store.orders.open())
    return (
        f"{clock_text(report.now_ms, zone)}  cycle {report.number}  {world.mode}  {len(world.plan.rules)} rules  "
        f"{orders} open orders  missed {world.cycle.missed}"
    )


_STOPPED = {"SIGINT": 130, "SIGTERM": 143}


@click.command("run")
@click.option("--once", is_flag=True, help="Do what is due now, then stop: for cron and systemd timers.")
@click.option("--live", is_flag=True, help="Place real orders; needs `mode: live` and a confirmation too.")
@click.option("--for", "span", metavar="DURATION", help="Stop by itself after this time, such as 24h.")
@click.option("--stepped", is_flag=True, hidden=True, help="Move a simulator's stepped time.")
@config_option
@base_url_option
@state_option
def command(
    *,
    once: bool,
    live: bool,
    span: str | None,
    stepped: bool,
    config: Path | None,
    base_url: str | None,
    state: Path | None,
) -> int:
    """Evaluate the rules on their schedule and carry out what they decide.

    Without --live nothing is placed: orders are simulated on the real market. Ctrl-C and SIGTERM stop it cleanly
    (exit 130 and 143). `autotrader halt` stops new orders at once and leaves the service running.
    """
    project = project_of(config, base_url)
    until = _span_ms(span)
    logs = set_up(private(folders(state).logs))
    try:
        with world_of(project, state, live=live, stepped=stepped, logs=logs) as world:
            _banner(world)
            started = world.start()
            _tell_start(started, world.gone())
            if not started.armed and once:
                hint = NO_WORD if started.differences else NOT_ARMED
                raise SafetyRefused("not armed: " + "; ".join(started.reasons), hint=hint)
            zone, lasting = world.settings.timezone, Lasting()
            runner = Runner(
                world,
                RunMode(
                    once=once,
                    until_ms=None if until is None else world.connection.clock.now_ms() + until,
                    stepped=stepped,
                ),
                on_report=lambda report: _show(report, world, lasting, logs.log),
                log=logs.log,
            )
            _listen(runner)
            why = runner.run()
            _clear_status()
            if once and not runner.cycles and why not in _STOPPED:
                then = clock_text(world.cycle.next_ms(), zone)
                note(f"nothing was due: no rule has a slot just now; the next moment is {then}, and `run` waits for it")
            note(f"stopped: {why}; {counted(runner.cycles, 'cycle')}, {counted(world.cycle.missed, 'slot')} missed")
            return _STOPPED.get(why, 0)
    finally:
        logs.close()


def _span_ms(text: str | None) -> int | None:
    """`24h` as milliseconds. Raises UsageError."""
    if text is None:
        return None

    found, problems = parse_duration_ms(text, Origin("--for", 1, 1))
    if found is None:
        raise UsageError(f"--for: {problems[0].message}", hint=problems[0].hint or "write 30s, 5m, 24h or 2d")
    return found


def _banner(world: Runtime) -> None:
    """Grey for dry-run, red for live, with what may be spent at most, and what the rules' questions cost."""
    limits = world.settings.limits
    where = world.connection.url.origin
    spend = ", ".join(money_text(value, asset) for asset, value in limits.spend_per_day.items()) or "no daily limit"
    key = f" · key {world.connection.fingerprint}" if world.live else ""
    rules, store = counted(len(world.plan.rules), "rule"), world.store.id[:4]
    text = f"{world.mode} · {where}{key} · at most {spend} a day · {rules} · store {store}"
    if world.live and wants_color(sys.stderr):
        text = f" {text} "  # a red field with a margin
    note(styled(text, "on_red" if world.live else "grey", sys.stderr))
    cost = budget_of(world.plan, world.connection.market.weight_per_minute)
    share = f"{cost.total:,.0f} of {world.connection.market.weight_limit():,} request weight a minute"
    note(f"these rules ask for {share}; the limit of the account file is {limits.request_weight.normalize():f}%")
    for warning in world.warnings:
        note(f"warning: {warning}")
    for problem in world.problems:
        if problem.severity == "warning":
            note(f"warning[{problem.code}]: {problem.message} ({problem.place.file}:{problem.place.line})")
    halt = world.store.halt_made()
    if halt is not None:
        note(styled(f"{halt.text}; `autotrader resume` lifts it", "yellow", sys.stderr))


def _tell_start(started: Report, gone: tuple[str, ...]) -> None:
    for text in gone:
        note(styled(f"{printable(text)}; `autotrader orders` lists them", "yellow", sys.stderr))
    parts = [
        f"{len(started.dropped)} intents never sent" if started.dropped else "",
        f"{len(started.unresolved)} orders of unknown fate, still asked about" if started.unresolved else "",
        f"{len(started.adopted)} orders taken over" if started.adopted else "",
        f"{started.booked} trades booked" if started.booked else "",
        f"{len(started.foreign)} orders of another autotrader store are left alone" if started.foreign else "",
    ]

    said = ", ".join(part for part in parts if part)
    if started.changed:
        moved = ", ".join(gain_text(amount, asset) for asset, amount in started.changed.items())
        note(f"balances moved without autotrader since the last start: {moved}; they are taken as they are")
    if started.armed:
        note(f"journal and exchange agree{': ' + said if said else ''}")
        return
    note(styled("read-only: nothing is placed", "bold yellow", sys.stderr) + (f"; {said}" if said else ""))
    for reason in started.reasons:
        note(f"  {printable(reason)}")
    note(NO_WORD if started.differences else "the exchange is asked again every 15 s")


def _show(report: CycleReport, world: Runtime, lasting: Lasting, log: Callable[[str, str], None]) -> None:
    _clear_status()
    zone = world.settings.timezone
    gaps = lasting.gaps(report, zone)
    for line in (*report_lines(report, world.mode, zone), *lasting.blocks(report, zone), *gaps):
        note(line)
    for line in gaps:
        log("warn", line)
    if sys.stderr.isatty():
        note("\r" + status_line(report, world, zone), end="")


def _clear_status() -> None:
    if sys.stderr.isatty() and wants_color(sys.stderr):
        note("\r\x1b[2K", end="")


def _listen(runner: Runner) -> None:
    """Two signals ask for a clean stop between steps; a second Ctrl-C ends at once. SIGUSR1 halts at once."""

    def stop(number: int, _frame: object) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        runner.stop(signal.Signals(number).name)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: runner.halt("by the signal SIGUSR1"))
