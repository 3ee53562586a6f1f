"""`prove kill`: real processes on a real socket die by real signals at every named point, and come back.

One cycle: an exchange of its own (a process), and a process that trades there by rules, through the signed client, and
dies: by SIGKILL at a named point of `records.crash` (at its first, second or third passing), or by SIGKILL, SIGTERM or
SIGINT from outside at any moment. It is started again, perhaps dies again, until it ends calmly. After each death, and
at the end, somebody else compares journal and exchange (`agreement`). Half of the cycles have an exchange that loses
requests and replies, so that fates are unknown when the process dies.

Processes come from fork servers: programs without threads (`cycle`) that have imported everything and fork exchanges
and victims. A cycle follows from its seed alone, so one that fails is shown again by `--cycles 1 --seed N`; only the
moments of outside signals are chance.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from autotrader.prove.cases import Counts, tried
from autotrader.prove.power import prove_power
from autotrader.prove.processes import Programs
from autotrader.prove.proof import Progress, Proof, unheard
from autotrader.records.crash import CRASH_POINTS

CLAIM: Final = "A process that dies at any moment leaves no order doubled, none lost, and no trade booked twice."
KILLED: Final = "killed at "  # the figures of a cycle that end in a point and a passing: `killed at posted:2`


def prove_kill(
    cycles: int,
    seed: int,
    progress: Progress = unheard,
    *,
    workers: int = 2,
    point: str = "",
    moments: int = 0,
    command: Sequence[str] = (sys.executable, "-m", "autotrader.prove.cycle"),
) -> Proof:
    """Kill and start again `cycles` times, with the seeds from `seed` on. `point`: only there (`posted`, `posted:2`).

    `command` is the fork server's; a proof of this proof gives one that breaks the product first. `moments`: at how
    many moments the power is cut as well (`power`).
    """
    workers = max(1, min(workers, cycles))
    commands = [[*command, str(seed + number), str(seed + cycles), str(workers), point] for number in range(workers)]
    with Programs(commands, workers) as servers:
        total = tried((Counts.of(told) for _, told in servers.lines()), cycles, progress)
    if (played := total.figures["cycles"]) < cycles:
        total.note("-", f"only {played} of {cycles} cycles were played: a fork server ended early")
    parameters = f"--cycles {cycles} --seed {seed}" + (f" --point {point}" if point else "")
    proof = total.proof("kill", CLAIM, parameters, _figures(total, point))
    return _with_power(proof, prove_power(moments, seed)) if moments else proof


def _with_power(proof: Proof, power: Proof) -> Proof:
    """Both as one: the figures of the power cuts follow."""
    figures = {**proof.figures, **{f"power: {name}": count for name, count in power.figures.items()}}
    return replace(proof, figures=figures, breaches=proof.breaches + power.breaches)


def _figures(total: Counts, point: str) -> dict[str, int | str]:
    """What all cycles came to; each point with how many processes died at its first passing, its second, and so on."""
    killed = {name.removeprefix(KILLED): count for name, count in total.figures.items() if name.startswith(KILLED)}
    passings: dict[str, dict[int, int]] = {name: {} for name in CRASH_POINTS}
    for at, count in killed.items():
        name, colon, passing = at.partition(":")
        if colon:
            passings[name][int(passing)] = count
    shown = {
        f"  killed at {name}": " ".join(str(count) for _, count in sorted(times.items())) or "-"
        for name, times in passings.items()
        if not point or point.partition(":")[0] == name
    }
    return {
        **total.only("cycles", "lives"),
        "killed at a named point": sum(killed.values()),
        "killed from outside": total.figures["SIGKILL"],
        "stopped by SIGTERM, SIGINT": total.figures["SIGTERM"] + total.figures["SIGINT"],
        "orders at the exchange": total.figures["orders at the exchange"],
        "orders of unknown fate": total.figures["orders of unknown fate"],
        "trades booked": total.figures["trades"],
        "orders doubled": total.figures["duplicated"],
        "orders lost": total.figures["lost"],
        "unexplained": total.figures["unexplained"] + total.figures["unresolved at the end"],
        "points covered": f"{sum(map(bool, passings.values()))} of {len(CRASH_POINTS)}",
        **shown,
    }
