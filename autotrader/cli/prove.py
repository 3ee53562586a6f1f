"""``autotrader prove``: the promises of docs/safety.md, tried again on this machine, by anybody who doubts them.

Each proof is a function in `autotrader.prove` that gives a `Proof`; this file says it in words. Exit 1 where a promise
did not hold.
"""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from autotrader.cli._options import format_option
from autotrader.cli._output import emit_json, say, styled
from autotrader.prove.kill import check_point, prove_kill, seed_of_today
from autotrader.prove.orders import prove_kept, prove_orders
from autotrader.prove.power import prove_power
from autotrader.prove.processes import cores
from autotrader.prove.proof import Progress, Proof
from autotrader.prove.schedule import Schedule
from autotrader.prove.soak import WARM_UP, prove_soak
from autotrader.prove.tamper import prove_tamper
from autotrader.text import printable

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN_BREACHES = 10
_WIDTH = 96


def count_option(
    flag: str, default: int, text: str, *, least: int = 0, most: int | None = None, name: str = ""
) -> Callable[[F], F]:
    """An option that is a whole number, with its default shown."""
    kind = click.IntRange(least, most)
    return click.option(flag, name or flag.strip("-"), default=default, show_default=True, type=kind, help=text)


@click.group("prove")
def command() -> None:
    """Prove the promises of docs/safety.md: seeded, repeatable, loopback only."""


def reported(make: Callable[[Progress], Proof], *, output: str, door: str = "autotrader prove") -> int:
    """Run a proof with its progress on a terminal, say what came of it, and give the exit code.

    `door` is the command that plays a case of it again.
    """
    began = time.monotonic()
    proof = make(_progress())
    seconds = time.monotonic() - began
    if output == "json":
        return emit_json({**proof.as_json(), "seconds": round(seconds, 1)}, 0 if proof.holds else 1)
    _say(proof, seconds, door)
    return 0 if proof.holds else 1


def _progress() -> Progress:
    """A counter on one line of a terminal; nothing where stderr is none."""
    if not sys.stderr.isatty():
        return lambda _done, _of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r\x1b[K{done:,} of {of:,}" if done < of else "\r\x1b[K")
        sys.stderr.flush()

    return show


def _say(proof: Proof, seconds: float, door: str) -> None:
    say(styled(f"prove {proof.name}", "bold") + f"  {proof.parameters}")
    say(proof.claim + "\n")
    wide = max(map(len, proof.figures), default=0)
    _say_counts(proof.figures, wide)
    if proof.injected:
        by_count = sorted(proof.injected.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{name} {count:,}" for name, count in by_count)
        say(styled(f"\n  faults injected: {sum(proof.injected.values()):,}", "bold"))
        say(textwrap.fill(listed, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    say("")
    for breach in proof.breaches[:_SHOWN_BREACHES]:
        say(styled(f"  {breach.promise} broken: ", "red") + printable(breach.what))
        for line in breach.story:
            say(f"      {printable(line)}")
        if breach.case:
            say(f"      again: {door} {breach.case}")
    if len(proof.breaches) > _SHOWN_BREACHES:
        say(f"  and {len(proof.breaches) - _SHOWN_BREACHES:,} more")
    verdict = styled("holds", "green") if proof.holds else styled(f"broken {len(proof.breaches):,} times", "red")
    say(f"{verdict}   ({seconds:.1f} s)")


def _say_counts(counts: Mapping[str, int | str], wide: int) -> None:
    for name, count in counts.items():
        shown = f"{count:,}" if isinstance(count, int) else count
        say(f"  {name:<{wide}}  {shown:>9}")


@command.command("orders")
@count_option("--seeds", 200, "How many schedules to play.", least=1)
@count_option("--from", 1, "The first seed.", name="first")
@click.option("--seed", type=click.IntRange(0), help="Play this seed alone.")
@click.option(
    "--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Play a schedule that was kept."
)
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Write schedules that failed here.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one for each core]")
@format_option
def orders(
    *,
    seeds: int,
    first: int,
    seed: int | None,
    schedule: Path | None,
    keep: Path | None,
    workers: int | None,
    output: str,
) -> int:
    """No order doubled, none lost, whatever faults and crashes."""
    if schedule is not None:
        kept = Schedule.read(schedule)
        return reported(lambda _progress: prove_kept(kept), output=output)
    chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
    count = workers or cores()
    return reported(lambda progress: prove_orders(chosen, progress, workers=count, keep=keep), output=output)


@command.command("kill")
@count_option("--cycles", 20, "How many processes to kill.", least=1)
@click.option("--seed", type=click.IntRange(0), help="The first cycle's seed.  [default: from the date]")
@click.option("--point", default="", metavar="NAME[:K]", help="Die only there, at the K-th passing.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one for each core]")
@format_option
def kill(*, cycles: int, seed: int | None, point: str, workers: int | None, output: str) -> int:
    """Real processes killed at every named point, and power cuts."""
    check_point(point)
    first, count = seed_of_today() if seed is None else seed, workers or cores()
    cuts = 0 if point else 2 + cycles // 100
    return reported(
        lambda progress: prove_kill(cycles, first, progress, workers=count, point=point, moments=cuts), output=output
    )


@command.command("power")
@count_option("--moments", 10, "When to cut the power.", least=1)
@count_option("--seed", 0, "The first moment's seed.")
@count_option("--every", 24, "512-byte steps; 1 cuts at all.", least=1)
@format_option
def power(*, moments: int, seed: int, every: int, output: str) -> int:
    """Files as power cuts leave them: torn, with rubbish, short."""
    return reported(lambda progress: prove_power(moments, seed, progress, every=every), output=output)


@command.command("tamper")
@count_option("--cases", 1_000, "How many acts of tampering.", least=1)
@count_option("--seed", 1, "Of the world and of the draws.")
@count_option("--first", 0, "The number of the first case.")
@format_option
def tamper(*, cases: int, seed: int, first: int, output: str) -> int:
    """Records altered, cut, forged or put back: all is found."""
    return reported(lambda progress: prove_tamper(cases, seed, first, progress), output=output)


@command.command("soak")
@click.option("--days", default=1.0, show_default=True, type=click.FloatRange(0.02), help="Days of virtual time.")
@click.option("--warm-up", default=None, type=click.FloatRange(0), help="Days before measuring.  [default: 2 at most]")
@format_option
def soak(*, days: float, warm_up: float | None, output: str) -> int:
    """Weeks of the service in virtual time: nothing grows."""
    warm = min(WARM_UP, days / 3) if warm_up is None else warm_up
    return reported(lambda progress: prove_soak(days, progress, warm_up=warm), output=output)


__all__ = ["command", "count_option", "format_option", "reported"]
