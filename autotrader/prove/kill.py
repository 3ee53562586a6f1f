"""`prove kill`: real processes on a real socket die by real signals at every named point, and come back.

One cycle: an exchange of its own (a process), and a process that trades there by rules, through the signed client, and
dies: by SIGKILL at a named point of `records.crash` (at its first, second or third passing), or by SIGKILL, SIGTERM or
SIGINT from outside at any moment. It is started again, perhaps dies again, until it ends calmly. After each death, and
at the end, somebody else compares journal and exchange (`agreement`). Half of the cycles have an exchange that loses
requests and replies, so that fates are unknown when the process dies.

Processes come from fork servers: programs without threads (`worker`) that have imported everything and fork exchanges
and victims. A cycle follows from its seed alone, so one that fails is shown again by `--cycles 1 --seed N`; only the
moments of outside signals are chance.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from autotrader.errors import UsageError
from autotrader.prove.power import prove_power
from autotrader.prove.proof import Breach, Progress, Proof, unheard
from autotrader.records.crash import CRASH_POINTS

CLAIM: Final = "A process that dies at any moment leaves no order doubled, none lost, and no trade booked twice."
OUTSIDE: Final = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGINT")
LIFE_SECONDS: Final = 60.0
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
class Case:
    """One cycle: its lives (a last one that ends calmly follows) and what the exchange does wrong."""

    seed: int
    lives: tuple[Life, ...]
    faults: Mapping[str, Any]


def case_of(seed: int, point: str = "") -> Case:
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
    return Case(seed=seed, lives=tuple(lives), faults=_faults_for(name, chance))


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


# --------------------------------------------------------------------------------------------------------- the proof
def prove_kill(
    cycles: int,
    seed: int,
    progress: Progress = unheard,
    *,
    workers: int = 2,
    point: str = "",
    moments: int = 0,
    command: Sequence[str] = (sys.executable, "-m", "autotrader.prove.kill"),
) -> Proof:
    """Kill and start again `cycles` times, with the seeds from `seed` on. `point`: only there (`posted`, `posted:2`).

    `command` is the fork server's; a proof of this proof gives one that breaks the product first. `moments`: at how
    many moments the power is cut as well (`power`).
    """
    total = _Total()
    for result in _results(cycles, seed, max(1, min(workers, cycles)), point, command):
        total.add(result)
        progress(total.cycles, cycles)
    proof = total.proof(cycles, seed, point)
    return _with_power(proof, prove_power(moments, seed)) if moments else proof


def _with_power(proof: Proof, power: Proof) -> Proof:
    """Both as one: the figures of the power cuts follow."""
    figures = {**proof.figures, **{f"power: {name}": count for name, count in power.figures.items()}}
    return replace(proof, figures=figures, breaches=proof.breaches + power.breaches)


@dataclass(slots=True)
class _Total:
    """What all cycles came to."""

    cycles: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)

    def add(self, result: Mapping[str, Any]) -> None:
        """One cycle more."""
        self.cycles += 1
        self.counts.update(result["counts"])
        self.died_at.update(result["died_at"])
        self.injected.update(result["injected"])
        case = f"kill --cycles 1 --seed {result['seed']}" + (f" --point {result['point']}" if result["point"] else "")
        for promise, what in result["differences"]:
            self.breaches.append(Breach(promise=promise, what=what, case=case, story=tuple(result["story"])))

    def proof(self, cycles: int, seed: int, point: str) -> Proof:
        """All of it as a proof; each point is shown with how many processes died there."""
        if self.cycles < cycles:
            what = f"only {self.cycles} of {cycles} cycles were played: a fork server ended early"
            self.breaches.append(Breach(promise="-", what=what))
        reached = [name for name in CRASH_POINTS if any(at.startswith(f"{name}:") for at in self.died_at)]
        named = {
            f"  killed at {name}": " ".join(
                str(self.died_at[f"{name}:{nth}"]) for nth in sorted(self._passings(name))
            ) or "-"
            for name in CRASH_POINTS
            if not point or point.partition(":")[0] == name
        }  # fmt: skip
        figures: dict[str, int | str] = {
            "cycles": self.cycles,
            "lives": self.counts["lives"],
            "killed at a named point": sum(self.died_at.values()),
            "killed from outside": self.counts["SIGKILL"],
            "stopped by SIGTERM, SIGINT": self.counts["SIGTERM"] + self.counts["SIGINT"],
            "orders at the exchange": self.counts["orders"],
            "orders of unknown fate": self.counts["unknown"],
            "trades booked": self.counts["trades"],
            "orders doubled": self.counts["doubled"],
            "orders lost": self.counts["lost"],
            "unexplained": self.counts["unexplained"],
            "points covered": f"{len(reached)} of {len(CRASH_POINTS)}",
            **named,
        }
        return Proof(
            name="kill",
            claim=CLAIM,
            parameters=f"--cycles {cycles} --seed {seed}" + (f" --point {point}" if point else ""),
            figures=figures,
            injected=dict(self.injected),
            breaches=tuple(self.breaches),
        )

    def _passings(self, name: str) -> list[int]:
        """At which passings of a point somebody died."""
        return [int(at.partition(":")[2]) for at in self.died_at if at.startswith(f"{name}:")]


def _results(cycles: int, seed: int, workers: int, point: str, command: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Start the fork servers, each with its share of the seeds, and give their results as they come."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((root, os.environ.get("PYTHONPATH", "")))}
    servers = [
        subprocess.Popen(
            [*command, str(seed + number), str(seed + cycles), str(workers), point],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for number in range(workers)
    ]
    try:
        yield from _lines(servers)
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def _lines(servers: Sequence[subprocess.Popen[bytes]]) -> Iterator[Mapping[str, Any]]:
    with selectors.DefaultSelector() as waiting:
        for server in servers:
            if server.stdout is not None:
                waiting.register(server.stdout, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select():
                stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # a pipe that was registered above
                line = stream.readline()
                if line:
                    yield json.loads(line)
                else:
                    waiting.unregister(stream)
                    stream.close()


# -------------------------------------------------------------------------------------------------- the fork server
def worker(first: int, end: int, step: int, point: str) -> None:
    """Play the cycles of every `step`-th seed from `first` to before `end`; one line of JSON for each."""
    from autotrader.prove.cycle import play

    for seed in range(first, end, step):
        case = case_of(seed, point)
        sys.stdout.write(json.dumps({**play(case), "point": point}) + "\n")
        sys.stdout.flush()


def ask_desk(port: int, method: str, what: str) -> Any:
    """Ask a simulator's control desk."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIFE_SECONDS)
    try:
        connection.request(method, f"/simulator/{what}")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def ended(pid: int, life: Life) -> int:
    """Wait for a life, with its signal from outside; returns its exit status (negative: the signal it died of)."""
    if life.signal:
        time.sleep(life.seconds)
        os.kill(pid, signal.Signals[life.signal])
    limit = time.monotonic() + LIFE_SECONDS
    pause = 0.002
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > limit:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return 124
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


if __name__ == "__main__":
    worker(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
