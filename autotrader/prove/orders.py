"""`prove orders`: no order doubled, none lost, whatever the exchange, the network and the power do.

A play is one seed. Rules trade for a minute under a schedule of faults (`schedule`); the process dies at named points
and is started again as a supervisor would; then the faults stop and the world must come to rest by itself. The referee
compares the exchange's own books with our records. Safety must hold under any mix; coming to rest is asked only of the
calm. Everything runs in one process and in virtual time (`harness`), so a seed always plays the same.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from autotrader.errors import AutotraderError
from autotrader.project import Project
from autotrader.prove.harness import ACCOUNT_HEAD, Harness, drop, project_of, remembered, scratch
from autotrader.prove.proof import Breach, Progress, Proof, unheard
from autotrader.prove.referee import Tally, judged, rows
from autotrader.prove.schedule import LONG_EACH, LONGEST_LAG_S, RULES, Schedule
from autotrader.records.crash import Crash, listening
from autotrader.records.intents import IntentState
from autotrader.runtime import Runtime
from autotrader.service.runner import Manner, Runner
from autotrader.simulator import Account, Faults, Simulator

ACCOUNT: Final = (
    ACCOUNT_HEAD
    + """\
limits:
  spend_per_day: 400_000 JPY
  loss_per_day: 300_000 JPY
  keep_free: {JPY: 1_000 JPY}
  halt_after: 1000 refusals
  open_orders: 6
  orders_per_hour: 60
  holding: {BTC: 1 BTC}
  price_band: 3%
  request_weight: 50%
"""
)
BALANCES: Final = {"JPY": "5000000", "BTC": "0.01", "BNB": "1"}
MOST_CRASHES: Final = 6
REST_STEP_S: Final = 20
LONGEST_REST_S: Final = 2 * 3_600  # an order that was sent while the exchange's clock ran an hour ahead is waited for
CLAIM: Final = (
    "Under faults and crashes no order is doubled, none lost, each trade is booked once, and all comes to rest."
)
CHUNK: Final = 25
MET: Final = frozenset({IntentState.UNKNOWN, IntentState.MISMATCH, IntentState.ADOPTED, IntentState.DEAD})
PLACING: Final = ("POST", "/api/v3/order")
ENOUGH: Final = 20  # schedules after which a proof without a single order proves nothing


@dataclass(slots=True)
class Played:
    """What came of one seed."""

    schedule: Schedule
    tally: Tally
    injected: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    unknown: int = 0
    story: tuple[str, ...] = ()

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Broken promises, with the seed that shows them again."""
        case = f"orders --seed {self.schedule.seed}"
        return tuple(
            Breach(promise=one.promise, what=f"seed {self.schedule.seed}: {one.what}", case=case, story=self.story)
            for one in self.tally.breaches
        )


def prove_orders(
    seeds: Sequence[int], progress: Progress = unheard, *, workers: int = 1, keep: Path | None = None
) -> Proof:
    """Play every seed. A schedule that broke a promise is written into `keep` as a file, if one is given."""
    return _proof(_all(seeds, workers), len(seeds), _span(seeds), progress, keep)


def prove_kept(schedule: Schedule) -> Proof:
    """Play one schedule, from a file that was kept."""
    return _proof(iter((play(schedule),)), 1, f"the schedule of seed {schedule.seed}", unheard, None)


def _proof(plays: Iterator[Played], count: int, parameters: str, progress: Progress, keep: Path | None) -> Proof:
    total, breaches, injected = Counter[str](), list[Breach](), Counter[str]()
    for done, played in enumerate(plays, 1):
        _add(total, played)
        injected.update(played.injected)
        breaches += played.breaches
        if played.breaches and keep is not None:
            played.schedule.write(keep / f"orders-{played.schedule.seed}.json")
        progress(done, count)
    return Proof(
        name="orders",
        claim=CLAIM,
        parameters=parameters,
        figures=_figures(count, total),
        injected=injected,
        breaches=(*breaches, *_vacuous(count, total)),
    )


def _vacuous(count: int, total: Counter[str]) -> tuple[Breach, ...]:
    """A proof in which nothing happened is none."""
    if count < ENOUGH or (total["orders"] and total["crashes"] and total["unknown"]):
        return ()
    return (
        Breach(promise="proof", what="no order, no crash or no unknown fate in all these schedules: nothing is proved"),
    )


def _add(total: Counter[str], played: Played) -> None:
    tally = played.tally
    for name in ("orders", "trades", "duplicated", "lost", "unexplained", "unresolved"):
        total[name] += getattr(tally, name)
    total["starts"] += played.starts
    total["unknown"] += played.unknown
    total["crashes"] += sum(played.crashes.values())
    total.update({f"state {name}": count for name, count in played.states.items()})
    total.update({f"point {name}": count for name, count in played.crashes.items()})


def _figures(count: int, total: Counter[str]) -> dict[str, int | str]:
    intents = sum(number for name, number in total.items() if name.startswith("state "))
    points = sum(name.startswith("point ") for name in total)
    return {
        "schedules": count,
        "decisions to order": intents,
        "orders at the exchange": total["orders"],
        "trades": total["trades"],
        "crashes": total["crashes"],
        "crash points met": points,
        "starts": total["starts"],
        "orders of unknown fate": total["unknown"],
        "  found after all": total[f"state {IntentState.ADOPTED}"],
        "  given up after the horizon": total[f"state {IntentState.DEAD}"],
        "duplicated": total["duplicated"],
        "lost": total["lost"],
        "unexplained": total["unexplained"],
        "unresolved at the end": total["unresolved"],
    }


def _span(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"seeds {min(seeds):,} to {max(seeds):,}" if seeds else "no seeds"


# ----------------------------------------------------------------------------------------------------- many seeds
def _all(seeds: Sequence[int], workers: int) -> Iterator[Played]:
    if workers <= 1 or len(seeds) <= CHUNK:
        yield from play_all(seeds)
        return
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=get_context("spawn")) as pool:
        for plays in pool.map(_chunk, chunks):
            yield from plays


def _chunk(seeds: Sequence[int]) -> list[Played]:
    return list(play_all(seeds))


def play_all(seeds: Iterable[int]) -> Iterator[Played]:
    """Play seeds one after the other in this process."""
    for seed in seeds:
        yield play(Schedule.drawn(seed))


def cores() -> int:
    """How many processes may work here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------------------ one play
def play(schedule: Schedule) -> Played:
    """Play one schedule to its end and judge it."""
    with scratch("orders") as folder:
        return _Play(schedule, folder).run()


@cache
def _project(names: tuple[str, ...]) -> Project:
    """The project of these rules, read and compiled once a process."""
    with scratch("project") as folder:
        rules = "version: 1\nrules:\n" + "".join(RULES[name] for name in names)
        return remembered(project_of(folder, ACCOUNT, rules))


class _Play:
    """One schedule under way."""

    def __init__(self, schedule: Schedule, folder: Path) -> None:
        self._schedule = schedule
        self._chance = random.Random(f"play {schedule.seed}")
        self._faults = Faults(schedule.seed, schedule.plan)
        account = Account.named("main", BALANCES)
        simulator = Simulator(
            seed=schedule.seed, symbols=["BTCJPY"], accounts=[account], faults=self._faults, history_minutes=30
        )
        self._harness = Harness(
            _project(schedule.rules), simulator, folder, random.Random(f"trips {schedule.seed}"), dead=self._is_dead
        )
        self._calm = False
        self._crashes: Counter[str] = Counter()
        self._starts = 0
        self._story: list[str] = []

    def run(self) -> Played:
        """Trade under faults, come to rest in the calm, be judged."""
        harness, alive = self._harness, None
        ends = harness.time.monotonic() + self._schedule.seconds
        with listening(self._point):
            while harness.time.monotonic() < ends:
                self._ended(alive)
                alive = self._live(ends)
            if self._schedule.seed % 2:
                self._ended(alive)
                alive = None
        self._calm = True
        self._faults.stop()
        if self._schedule.seed % 2:  # what is on its way arrives while nobody is there, or while we look on
            harness.time.sleep(LONGEST_LAG_S)
        return self._rest(alive)

    # ------------------------------------------------------------------------------------------------ under faults
    def _live(self, ends: float) -> Runtime | None:
        """One life of the process, until a crash, a refusal to go on, or the end of trading: then it is still there."""
        world: Runtime | None = None
        try:
            world = self._harness.open()
            if self._is_armed(world):
                left = ends - self._harness.time.monotonic()
                Runner(world, Manner(until_ms=_until(world, left), stepped=True)).run()
                return world
        except Crash as crash:
            self._died(world, str(crash))
            return None
        except AutotraderError as error:
            self._gave_up(world, error)
            return None
        self._ended(world)
        return None

    def _ended(self, world: Runtime | None) -> None:
        """Close a world properly, if there is one, or die on the way."""
        try:
            if world is not None:
                world.close()
        except Crash as crash:
            self._died(world, str(crash))
        except AutotraderError as error:
            self._gave_up(world, error)

    def _is_armed(self, world: Runtime) -> bool:
        self._starts += 1
        report = world.start()
        if not report.armed:
            self._tell(f"not armed: {'; '.join(report.reasons)}")
            self._harness.time.sleep(5)
        return report.armed

    def _gave_up(self, world: Runtime | None, error: AutotraderError) -> None:
        self._tell(f"the process ended: {error}")
        if world is not None:
            drop(world)
        self._harness.time.sleep(5)

    def _died(self, world: Runtime | None, point: str) -> None:
        self._crashes[point] += 1
        self._tell(f"died at {point}")
        if world is not None:
            drop(world)
        self._harness.time.sleep(self._chance.uniform(*self._schedule.down))

    def _point(self, name: str) -> None:
        """A named point is passed: perhaps the process dies here."""
        if self._crashes.total() < MOST_CRASHES and self._chance.random() < self._schedule.crash:
            raise Crash(name)

    def _is_dead(self, _request: object) -> bool:
        """Whether a request cannot connect; and perhaps the process dies before or after it."""
        if self._calm:
            return False
        return self._chance.random() < self._schedule.dead

    # ------------------------------------------------------------------------------------------------- in the calm
    def _rest(self, alive: Runtime | None) -> Played:
        """Go on, or start once more, without faults; halt, and wait until nothing is open; then judge."""
        harness = self._harness
        with _opened(harness, alive) as world:
            armed = alive is not None or self._is_armed(world)
            world.store.halt("the proof comes to its end", world.connection.clock.now_ms())
            before = harness.heard().get(PLACING, 0)
            ends, step = harness.time.monotonic() + LONGEST_REST_S, REST_STEP_S
            while not (armed and _is_quiet(world, looks=alive is not None)) and harness.time.monotonic() < ends:
                armed = armed or self._is_armed(world)
                Runner(world, Manner(until_ms=_until(world, step), stepped=True)).run()
                step *= 2
            if self._schedule.seed % LONG_EACH == 0:
                world.start()  # once more, as a restart would: looking twice changes nothing
            tally = judged(harness.simulator, world.store)
            if (after := harness.heard().get(PLACING, 0)) > before:
                tally.note("P8", f"{after - before} orders left after the halt")
            if not armed:
                tally.note("P2", "the store could not be armed although the exchange behaved")
            journal = tuple(rows(world.store))
        harness.simulator.check()
        return Played(
            self._schedule, tally, Counter(self._faults.counts), Counter(row.state.value for row in journal),
            self._crashes, self._starts, sum(row.looks > 0 or row.state in MET for row in journal), self._told(tally),
        )  # fmt: skip

    def _tell(self, text: str) -> None:
        self._story.append(
            f"{self._harness.time.monotonic() - self._harness.simulator.exchange.started_ms / 1000:8.3f} s  {text}"
        )

    def _told(self, tally: Tally) -> tuple[str, ...]:
        """The story of a play that broke a promise: faults and deaths by time."""
        if not tally.breaches:
            return ()
        begun = self._harness.simulator.exchange.started_ms
        faults = [
            f"{(one.time - begun) / 1000:8.3f} s  {one.fault}: {one.method} {one.path} {dict(one.details) or ''}"
            for one in self._faults.log
        ]
        return tuple(sorted([*self._story, *faults]))


@contextmanager
def _opened(harness: Harness, alive: Runtime | None) -> Iterator[Runtime]:
    world = harness.open() if alive is None else alive
    try:
        yield world
    finally:
        world.close()


def _until(world: Runtime, seconds: float) -> int:
    return world.connection.clock.now_ms() + max(1, round(seconds * 1000))


def _is_quiet(world: Runtime, *, looks: bool) -> bool:
    """Whether nothing is on its way any more. `looks`: nor any look after a cancel, which a new start makes at once."""
    waiting = world.store.intents.unresolved() or world.store.orders.unsettled()
    return not waiting and not (looks and world.cycle.parts.observer.next_looks())


__all__ = ["Played", "cores", "play", "play_all", "prove_kept", "prove_orders"]
