"""`python3 dev.py prove NAME`: the promises that are tried on parts of the product, against worlds drawn at random.

What runs the product as a whole, with its processes and files, is `autotrader prove`; both say what came of it alike.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from autotrader.cli.prove import count_option, format_option, reported
from autotrader.prove.proof import Proof
from tests.proof.blind import prove_blind
from tests.proof.clocks import prove_clocks
from tests.proof.feeds import prove_feeds
from tests.proof.halts import prove_halts
from tests.proof.limits import prove_limits
from tests.proof.replay import prove_replay

DOOR = "python3 dev.py prove"


@dataclass(frozen=True)
class Count:
    """An option that is a whole number; the proof's argument has its name."""

    name: str
    default: int
    help: str
    least: int = 0
    most: int | None = None


PROOFS: dict[str, tuple[Callable[..., Proof], str, tuple[Count, ...]]] = {
    "blind": (
        prove_blind, "Knowing less never makes a rule trade that would not.",
        (Count("cases", 300, "How many random rule sets.", 1), Count("seed", 1, "Of the first rule set.")),
    ),
    "limits": (
        prove_limits, "No limit is exceeded, whatever is open, unclear, on its way.",
        (Count("days", 20, "Days of some 23,000 orders each.", 1), Count("seed", 1, "Of the first day.")),
    ),
    "clocks": (
        prove_clocks, "Clocks jump: no slot twice, nothing signed in doubt.",
        (Count("cases", 300, "How many machines.", 1), Count("seed", 1, "Of the first machine.")),
    ),
    "halt": (
        prove_halts, "No order is signed after a halt of any cause, at any moment.",
        (Count("moments", 100, "How often to halt.", 1), Count("seed", 1, "Of the first 25 moments.")),
    ),
    "replay": (
        prove_replay, "The same inputs give the same records, byte for byte.",
        (Count("seeds", 20, "How many worlds.", 1), Count("first", 1, "The first seed."),
         Count("runs", 2, "Processes for each world.", 2, 8)),
    ),
    "feeds": (
        prove_feeds, "Feeds freeze, lag and lie: no order on stale data.",
        (Count("feeds", 300, "How many feeds.", 1), Count("seed", 1, "Of the first feed.")),
    ),
}  # fmt: skip


@click.group()
def command() -> None:
    """Prove the promises of docs/safety.md on parts of the product: seeded, repeatable, loopback only."""


def _added(name: str, prove: Callable[..., Proof], what: str, counts: tuple[Count, ...]) -> None:
    def run(*, output: str, **chosen: int) -> int:
        return reported(lambda progress: prove(**chosen, progress=progress), output=output, door=DOOR)

    run.__doc__ = what
    for one in reversed(counts):
        run = count_option(f"--{one.name}", one.default, one.help, least=one.least, most=one.most)(run)
    command.command(name)(format_option(run))


for _name, (_prove, _what, _counts) in PROOFS.items():
    _added(_name, _prove, _what, _counts)


def main(arguments: list[str]) -> int:
    """Run one proof; 0 where it holds, 1 where not, 2 for a word that is none, 130 when interrupted."""
    try:
        return int(command.main(arguments, prog_name=DOOR, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
