"""``autotrader prove``: the promises of docs/safety.md, tried again on this machine, by anybody who doubts them.

Each proof is a function in `autotrader.study` that gives a `Proof`; this file says it in words. Exit 1 where a promise
did not hold.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from autotrader.cli._options import format_option

if TYPE_CHECKING:
    from autotrader.study.proof import Progress, Proof

_SHOWN_BREACHES = 10


@click.group("prove")
def command() -> None:
    """Prove the promises of safety on this machine: seeded, repeatable, no network but loopback."""


def reported(make: Callable[[Progress], Proof], *, format: str) -> int:  # noqa: A002 - the flag's name
    """Run a proof with its progress on a terminal, say what came of it, and give the exit code."""
    from autotrader.cli._output import emit_json

    began = time.monotonic()
    proof = make(_progress())
    seconds = time.monotonic() - began
    if format == "json":
        return emit_json({**proof.as_json(), "seconds": round(seconds, 1)}, 0 if proof.holds else 1)
    _say(proof, seconds)
    return 0 if proof.holds else 1


def _progress() -> Progress:
    """A counter on one line of a terminal; nothing where stderr is none."""
    if not sys.stderr.isatty():
        return lambda _done, _of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r\x1b[K{done:,} of {of:,}" if done < of else "\r\x1b[K")
        sys.stderr.flush()

    return show


def _say(proof: Proof, seconds: float) -> None:
    from autotrader.cli._output import say, styled
    from autotrader.errors import printable

    say(styled(f"prove {proof.name}", "bold") + f"  {proof.parameters}")
    say(proof.claim + "\n")
    wide = max((len(name) for name in (*proof.figures, *proof.injected)), default=0)
    _say_counts(proof.figures, wide)
    if proof.injected:
        say(styled(f"\n  faults injected: {sum(proof.injected.values()):,}", "bold"))
        _say_counts(dict(sorted(proof.injected.items())), wide)
    say("")
    for breach in proof.breaches[:_SHOWN_BREACHES]:
        say(styled(f"  {breach.promise} broken: ", "red") + printable(breach.what))
        for line in breach.story:
            say(f"      {printable(line)}")
        if breach.case:
            say(f"      again: autotrader prove {breach.case}")
    if len(proof.breaches) > _SHOWN_BREACHES:
        say(f"  and {len(proof.breaches) - _SHOWN_BREACHES:,} more")
    verdict = styled("holds", "green") if proof.holds else styled(f"broken {len(proof.breaches):,} times", "red")
    say(f"{verdict}   ({seconds:.1f} s)")


def _say_counts(counts: Mapping[str, int | str], wide: int) -> None:
    from autotrader.cli._output import say

    for name, count in counts.items():
        shown = f"{count:,}" if isinstance(count, int) else count
        say(f"  {name:<{wide}}  {shown:>9}")


__all__ = ["command", "format_option", "reported"]
