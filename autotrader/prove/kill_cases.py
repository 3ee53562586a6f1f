"""What a cycle of `prove kill` is to be, drawn from its seed: where its lives die, and what the exchange does wrong.

Four of five cycles walk through the named crash points, at their first, second and third passing; the fifth is a signal
from outside. A point that only a lost reply or an earlier death leads to brings that with it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autotrader.errors import UsageError
from autotrader.records.crash import CRASH_POINTS

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
    if name in _ONCE:
        nth = 1
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
