"""`prove kill`: real processes on a real socket die by real signals at every named point, and come back.

One cycle: an exchange of its own (a process), and a process that trades there by rules, through the signed client, and
dies: by SIGKILL at a named point of `records.crash` (at its first, second or third passing), or by SIGKILL, SIGTERM or
SIGINT from outside at any moment. It is started again, perhaps dies again, until it ends calmly. After each death, and
at the end, somebody else compares journal and exchange (`agreement`). Half of the cycles have an exchange that loses
requests and replies, so that fates are unknown when the process dies.

One cycle follows from its seed: four of five walk through the named crash points, at their first, second and third
passing; the fifth is a signal from outside. A point that only a lost reply or an earlier death leads to brings that
with it.

Processes come from fork servers: programs without threads (`cycle`) that have imported everything and fork exchanges
and victims. A cycle follows from its seed alone, so one that fails is shown again by `--cycles 1 --seed N`; only the
moments of outside signals are chance.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from autotrader.errors import UsageError
from autotrader.prove.power import prove_power
from autotrader.prove.processes import Programs
from autotrader.prove.proof import Counts, Progress, Proof, tried, unheard
from autotrader.records.crash import CRASH_POINTS

CLAIM: Final = "A process that dies at any moment leaves no order doubled, none lost, and no trade booked twice."
KILLED: Final = "killed at "  # the figures of a cycle that end in a point and a passing: `killed at posted:2`
OUTSIDE: Final = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGINT")
_ONCE: Final = frozenset(  # passed once in a life
    {"store_made", "replay_uncommitted", "replayed", "compared", "command_begun", "command_done", "halt_uncommitted",
     "closing"}
)  # fmt: skip
# What must have gone wrong before a life can pass the point.
_LOST_REPLIES: Final = frozenset({"looked", "look_committed", "adopt_uncommitted"})
_LOST_REQUESTS: Final = frozenset({"dead_uncommitted"})
_AFTER_DEATH: Final = frozenset({"replay_uncommitted", "replayed"})
_COMMANDS: Final = {"command_begun": "order", "command_done": "order", "halt_uncommitted": "halt"}
_FATES: Final[tuple[Mapping[str, Any], ...]] = (
    {"reply_lost": {}},
    {"request_lost": {}},
    {"late": {"ms": 2000}},
    {"late": {"ms": 4500}},
    {"code_1007": {"executed": True}},
    {"code_1007": {"executed": False}},
    {"code_1006": {"executed": True}},
    {"server_error": {"executed": True}},
    {"server_error": {"executed": False, "json": True}},
    {"reset_before_reply": {}},
    {"half_body": {}},
    {"ok_html": {"executed": True}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How one life is to end: at a point (`posted:2`), by a signal after so many seconds, or calmly (`minutes` of the
    exchange's time after the beginning; 0: once all is known). `told`: a command in the inbox when it starts.
    """

    crash_at: str = ""
    signal: str = ""
    seconds: float = 0.0
    minutes: int = 0
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclePlan:
    """One cycle: its lives (a last one that ends calmly follows) and what the exchange does wrong."""

    seed: int
    lives: tuple[Life, ...]
    faults: Mapping[str, Any]


def plan_of(seed: int, point: str = "") -> CyclePlan:
    """The cycle of a seed. `point` (`posted`, `posted:2`) replaces the death that the seed chooses."""
    chance = random.Random(f"kill/{seed}")
    name, target = _target(seed, point, chance)
    lives = [target]
    if name in _AFTER_DEATH:
        lives.insert(0, Life(crash_at=chance.choice(("intent_committed", "sent_committed", "posted", "cancel_posted"))))
    elif name in _COMMANDS:
        lives.insert(0, Life(minutes=chance.randint(1, 3)))
    if chance.random() < 0.3:
        lives.append(_any_death(chance))
    return CyclePlan(seed=seed, lives=tuple(lives), faults=_faults_for(name, chance))


def _target(seed: int, point: str, chance: random.Random) -> tuple[str, Life]:
    """Every fifth seed a signal from outside; the others walk through all points, then all second passings, ..."""
    if not point and seed % 5 == 4:
        name = OUTSIDE[seed // 5 % len(OUTSIDE)]
        return name, Life(signal=name, seconds=chance.uniform(0.0, 0.6))
    number = seed - seed // 5
    name, _, count = (point or CRASH_POINTS[number % len(CRASH_POINTS)]).partition(":")
    nth = int(count) if count else 1 + number // len(CRASH_POINTS) % 3
    # A second passing never comes in one life; the case would wait for it in vain.
    if name in _ONCE:
        nth = 1
    # Checkpoints are written all the time: its first passings alone would try the first minute only.
    elif name == "head_unwritten" and not count:
        nth = chance.randint(1, 60)
    return name, Life(crash_at=f"{name}:{nth}", told=_COMMANDS.get(name, ""))


def _any_death(chance: random.Random) -> Life:
    if chance.random() < 0.3:
        return Life(signal="SIGKILL", seconds=chance.uniform(0.0, 0.4))
    return Life(crash_at=f"{chance.choice(CRASH_POINTS)}:{chance.randint(1, 3)}")


def _faults_for(name: str, chance: random.Random) -> Mapping[str, Any]:
    """What the exchange does wrong to placings and cancels; reads are left alone, as they cost real time to repeat."""
    if name in _LOST_REPLIES or name in _LOST_REQUESTS:
        fault = "reply_lost" if name in _LOST_REPLIES else "request_lost"
        return {fault: {"call": "POST order", "probability": 0.7}}
    if chance.random() < 0.5:
        return {}
    plan: dict[str, Any] = {}
    for call, often in (("POST order", 0.35), ("DELETE order", 0.25)):
        for one in chance.sample(_FATES, 2):
            ((fault, settings),) = one.items()
            if call == "POST order" or fault in {"reply_lost", "request_lost", "reset_before_reply", "half_body"}:
                plan.setdefault(fault, []).append({"call": call, "probability": often, **settings})
    if chance.random() < 0.3:
        plan["invisible"] = {"probability": 0.2, "seconds": chance.choice((5, 20, 45))}
    return plan


def check_point(point: str) -> None:
    """Raises UsageError for a point that does not exist."""
    name, _, count = point.partition(":")
    if point and (name not in CRASH_POINTS or not (count or "1").isdigit() or int(count or "1") < 1):
        raise UsageError(
            f"--point {point}: there is no such point",
            hint=f"a name and perhaps a number, such as posted:2; names are {', '.join(CRASH_POINTS)}",
        )


def seed_of_today() -> int:
    """Another choice of points each day."""
    return int(time.time() // 86_400) * 20


# --------------------------------------------------------------------------------------------------------- the proof
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
    # A server that dies tells nothing, and a proof without its cases would hold.
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
