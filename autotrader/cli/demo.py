"""`autotrader demo`: a recorded day of market, traded at an exchange on this machine, in under a minute."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from autotrader.cli._output import note, say, styled, table, wants_color
from autotrader.cli._worlds import notifier_of
from autotrader.cli.run import report_lines
from autotrader.demo import Comparison, Demo, compared, fresh_folder, play, stage
from autotrader.engine.explain import distance_text
from autotrader.money import money_text, price_text
from autotrader.records.places import stores_in
from autotrader.records.store import Store
from autotrader.service.logs import set_up
from autotrader.times import clock_text, time_text
from autotrader.trading.parts import CycleReport
from autotrader.views.why import DAY_MS, Explainer

ZONE = "Asia/Tokyo"
_BAR = 30


@click.command("demo")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path("autotrader-demo"), show_default=True,
    metavar="DIR", help="Where the demo's rules and records go.",
)  # fmt: skip
def command(*, into: Path) -> int:
    """Play a recorded day of BTC/JPY against an exchange on this machine: no key, no network.

    The rules of examples/demo run live: real signatures, real HTTP, real records; only the exchange is a simulator.
    """
    began = time.monotonic()
    folder = fresh_folder(into)
    logs = set_up(folder / "state" / "logs")
    note(styled("autotrader demo", "bold", sys.stderr) + ": a recorded day of BTC/JPY (bitFlyer, 25 January 2018),")
    note("traded live at a simulated exchange on this machine. No key, no network.\n")
    try:
        with stage(folder, notifier_of(logs)) as on:
            progress = _Progress(on)
            runner = play(on, progress.show, logs.log)
            progress.clear()
            on.world.notifier.close(5.0)  # what was told comes before what happened
            agreement = compared(on)
            _happened(on, runner.cycles)
        whole = _verified(folder)
    finally:
        logs.close()
    _agreed(agreement)
    say(f"{whole}   ({time.monotonic() - began:.0f} s)")
    _next_commands(folder)
    return 1 if agreement.differences else 0


class _Progress:
    """Events as they happen, and a line with the market's time that stays at the bottom of a terminal."""

    def __init__(self, on: Demo) -> None:
        self._on = on
        self._live = sys.stderr.isatty()
        self._drawn = 0.0

    def show(self, report: CycleReport) -> None:
        """One cycle."""
        for line in report_lines(report, "LIVE", ZONE):
            self.clear()
            note(line)
        if self._live and time.monotonic() - self._drawn > 0.05:
            self._drawn = time.monotonic()
            done = (report.now_ms - self._on.began_ms) / 86_400_000
            bar = "━" * round(done * _BAR) + "╌" * (_BAR - round(done * _BAR))
            note(
                f"\r{styled(bar, 'cyan', sys.stderr)} {clock_text(report.now_ms, ZONE)}  cycle {report.number}", end=""
            )

    def clear(self) -> None:
        """Take the bottom line away."""
        if self._live:
            note("\r\x1b[2K" if wants_color(sys.stderr) else "\r" + " " * 70 + "\r", end="")


def _happened(on: Demo, cycles: int) -> None:
    store = on.world.store
    rows = []
    for row in store.orders.since(0):
        order = row.order
        rows.append(
            (
                time_text(row.placed_ms, ZONE)[11:19], row.rule, str(order.side), f"{order.quantity.normalize():f} BTC",
                price_text(order.price.normalize(), "JPY"), f"{order.executed.normalize():f}", order.status.lower(),
            )
        )  # fmt: skip
    day = time_text(on.began_ms, ZONE)[:10]
    say(f"\nWhat happened on {day} (Japanese time), in {cycles:,} evaluations of 5 rules:\n")
    say(table(("time", "rule", "side", "quantity", "price", "filled", "end"), rows, right={3, 4, 5}))
    for rule, text in _silent(on):
        say(f"          {rule} did not fire{text}")


def _silent(on: Demo) -> list[tuple[str, str]]:
    """Rules that never fired, with the moment at which they came nearest."""
    store, found = on.world.store, []
    fired = {act.subject for act in store.chain.acts(kind="decision")}
    for rule in on.world.plan.rules:
        if rule.id in fired:
            continue
        near = Explainer(store).day(rule.id, rule.symbol, on.began_ms + DAY_MS).nearest
        text = "" if near is None else f": at {clock_text(near.time_ms, ZONE)} it was {distance_text(near.leaf)} short"
        found.append((rule.id, text if near is None else f"{text} of `{near.leaf.text}`"))
    return found


def _agreed(agreement: Comparison) -> None:
    shown = ", ".join(
        f"{money_text(free + locked, asset)}"
        for asset, (free, locked) in sorted(agreement.balances.items(), reverse=True)
    )
    if agreement.differences:
        say(styled("\nThe exchange's record differs from ours:", "red"))
        for difference in agreement.differences:
            say(f"  {difference}")
        return
    counted = f"{agreement.orders} orders, {agreement.trades} trades"
    say(
        f"\n{styled('✓', 'green')} the exchange's own record agrees with ours to the last digit: {counted}; now {shown}"
    )


def _verified(folder: Path) -> str:
    with Store.read(stores_in(folder / "state")[0]) as store:
        report = store.verify()
    mark = styled("✓", "green") if report.whole else styled("✗", "red")
    head = "" if report.head is None else f", head {report.head.hash[:16]}…"
    return f"{mark} audit verify: {report.rows} records, chain {'whole' if report.whole else 'DAMAGED'}{head}"


def _next_commands(folder: Path) -> None:
    launcher = Path(sys.prefix) / "bin" / "autotrader"
    try:
        name = str(launcher.relative_to(Path.cwd())) if launcher.exists() else "autotrader"
    except ValueError:
        name = "autotrader"
    state = folder / "state"
    say("\nTry next:")
    for words, what in (
        (f"why crash_buy --state {state}", "why this rule did not fire, and by how little"),
        (f"audit show --state {state}", "every act, in order, with its hash"),
        ("init my-rules", "a commented project of your own, dry-run"),
    ):
        say(f"  {styled(name + ' ' + words, 'bold')}\n      {what}")
