"""`prove orders`: no order doubled, none lost, whatever the exchange, the network and the power do.

A play is one seed. Rules trade for a minute under a schedule of faults (`schedule`); the process dies at named points
and is started again as a supervisor would; then the faults stop and the world must come to rest by itself. The referee
compares the exchange's own books with our records. Safety must hold under any mix; coming to rest is asked only of the
calm. Everything runs in one process and in virtual time (`harness`), so a seed always plays the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from autotrader.errors import AutotraderError
from autotrader.project import Project
from autotrader.prove.harness import ACCOUNT_HEAD, Harness, drop, project_of, remembered, scratch
from autotrader.prove.processes import spread
from autotrader.prove.proof import Case, Counts, Progress, Proof, seeds_shown, tried, unheard
from autotrader.prove.referee import judged, rows
from autotrader.prove.schedule import LONG_EACH, LONGEST_LAG_S, RULES, Schedule
from autotrader.records.crash import Crash, listening
from autotrader.records.intents import Intent, IntentState
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
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
MET: Final = frozenset({IntentState.UNKNOWN, IntentState.MISMATCH, IntentState.ADOPTED, IntentState.DEAD})
PLACING: Final = ("POST", "/api/v3/order")
_POINT: Final = "died at "
_ENDS: Final = {
    IntentState.ADOPTED: "  found after all",
    IntentState.DEAD: "  given up after the horizon",
}
_SOMETHING: Final = ("orders at the exchange", "crashes", "orders of unknown fate")
_FIGURES: Final = (
    "schedules", "decisions to order", "orders at the exchange", "trades", "crashes", "crash points met", "starts",
    "orders of unknown fate", *_ENDS.values(), "duplicated", "lost", "unexplained", "unresolved at the end",
)  # fmt: skip
ENOUGH: Final = 20  # schedules after which a proof without a single order proves nothing


def prove_orders(seeds: range, progress: Progress = unheard, *, workers: int = 1, keep: Path | None = None) -> Proof:
    """Play every seed. A schedule that broke a promise is written into `keep` as a file, if one is given."""
    results = zip(seeds, spread(play_seed, seeds, workers), strict=True)
    return _proof(
        (_kept(Schedule.drawn(seed), found, keep) for seed, found in results), seeds_shown(seeds), len(seeds), progress
    )


def prove_kept(schedule: Schedule) -> Proof:
    """Play one schedule, from a file that was kept."""
    return _proof((play(schedule),), f"the schedule of seed {schedule.seed}", 1, unheard)


def _kept(schedule: Schedule, found: Counts, keep: Path | None) -> Counts:
    if found.breaches and keep is not None:
        schedule.write(keep / f"orders-{schedule.seed}.json")
    return found


def _proof(results: Iterable[Counts], parameters: str, count: int, progress: Progress) -> Proof:
    total = tried(results, count, progress)
    total.figures["schedules"] = count
    total.figures["crash points met"] = sum(name.startswith(_POINT) for name in total.figures)
    if count >= ENOUGH and not all(total.figures[name] for name in _SOMETHING):  # a proof in which nothing happened
        total.note("proof", "no order, no crash or no unknown fate in all these schedules: nothing is proved")
    return total.proof("orders", CLAIM, parameters, total.only(*_FIGURES))


def play_seed(seed: int) -> Counts:
    """Play the schedule of a seed."""
    return play(Schedule.drawn(seed))


def play(schedule: Schedule) -> Counts:
    """Play one schedule to its end and judge it."""
    with scratch("orders") as folder:
        return OrdersCase(schedule, folder).played()


@cache
def _project(names: tuple[str, ...]) -> Project:
    """The project of these rules, read and compiled once a process."""
    with scratch("project") as folder:
        rules = "version: 1\nrules:\n" + "".join(RULES[name] for name in names)
        return remembered(project_of(folder, ACCOUNT, rules))


class OrdersCase(Case):
    """One schedule under way."""

    def __init__(self, schedule: Schedule, folder: Path) -> None:
        super().__init__(f"play {schedule.seed}", f"orders --seed {schedule.seed}")
        self._schedule = schedule
        self._faults = Faults(schedule.seed, schedule.plan)
        account = Account.named("main", BALANCES)
        simulator = Simulator(
            seed=schedule.seed, symbols=["BTCJPY"], accounts=[account], faults=self._faults, history_minutes=30
        )
        self._harness = Harness(
            _project(schedule.rules), simulator, folder, random.Random(f"trips {schedule.seed}"), dead=self._is_dead
        )
        self._calm = False
        self._story: list[str] = []

    def play(self) -> None:
        """Trade under faults, come to rest in the calm, be judged."""
        harness, alive = self._harness, None
        ends = harness.time.monotonic() + self._schedule.seconds
        with listening(self._point):
            while harness.time.monotonic() < ends:
                self._ended(alive)
                alive = self._live(ends)
            # Half of the worlds come to rest in the process that traded, half after a restart.
            if self._schedule.seed % 2:
                self._ended(alive)
                alive = None
        self._calm = True
        self._faults.stop()
        if self._schedule.seed % 2:  # what is on its way arrives while nobody is there, or while we look on
            harness.time.sleep(LONGEST_LAG_S)
        self._rest(alive)

    # ------------------------------------------------------------------------------------------------ under faults
    def _live(self, ends: float) -> Runtime | None:
        """One life of the process, until a crash, a refusal to go on, or the end of trading: then it is still there."""
        world: Runtime | None = None
        try:
            world = self._harness.open()
            if self._is_armed(world):
                left = ends - self._harness.time.monotonic()
                Runner(world, RunMode(until_ms=_until(world, left), stepped=True)).run()
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
        self.counts.figures["starts"] += 1
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
        self.counts.figures["crashes"] += 1
        self.counts.figures[_POINT + point] += 1
        self._tell(f"died at {point}")
        if world is not None:
            drop(world)
        self._harness.time.sleep(self.chance.uniform(*self._schedule.down))

    def _point(self, name: str) -> None:
        """A named point is passed: perhaps the process dies here."""
        if self.counts.figures["crashes"] < MOST_CRASHES and self.chance.random() < self._schedule.crash:
            raise Crash(name)

    def _is_dead(self, _request: object) -> bool:
        """Whether a request cannot connect; and perhaps the process dies before or after it."""
        if self._calm:
            return False
        return self.chance.random() < self._schedule.dead

    # ------------------------------------------------------------------------------------------------- in the calm
    def _rest(self, alive: Runtime | None) -> None:
        """Go on, or start once more, without faults; halt, and wait until nothing is open; then judge."""
        harness = self._harness
        with _opened(harness, alive) as world:
            armed = alive is not None or self._is_armed(world)
            # Rules would go on ordering for ever; a halt also tries that nothing leaves after it.
            world.store.halt("the proof comes to its end", world.connection.clock.now_ms())
            before = harness.heard().get(PLACING, 0)
            ends, step = harness.time.monotonic() + LONGEST_REST_S, REST_STEP_S
            while not (armed and _is_quiet(world, looks=alive is not None)) and harness.time.monotonic() < ends:
                armed = armed or self._is_armed(world)
                Runner(world, RunMode(until_ms=_until(world, step), stepped=True)).run()
                # The venue's horizon is minutes away: looking ever more rarely costs less and finds the same.
                step *= 2
            if self._schedule.seed % LONG_EACH == 0:
                world.start()  # once more, as a restart would: looking twice changes nothing
            found = judged(harness.simulator, world.store)
            if (after := harness.heard().get(PLACING, 0)) > before:
                found.note("P8", f"{after - before} orders left after the halt")
            if not armed:
                found.note("P2", "the store could not be armed although the exchange behaved")
            journal = tuple(rows(world.store))
        harness.simulator.check()
        self._count(found, journal)

    def _count(self, found: Counts, journal: Sequence[Intent]) -> None:
        self.counts.figures.update(found.figures)
        self.counts.injected.update(self._faults.counts)
        self.counts.figures["decisions to order"] += len(journal)
        self.counts.figures["orders of unknown fate"] += sum(row.looks > 0 or row.state in MET for row in journal)
        for state, name in _ENDS.items():
            self.counts.figures[name] += sum(row.state is state for row in journal)
        # The seed is in the words, so that a breach in a long list can be played again.
        for one in found.breaches:
            self.counts.note(one.promise, f"seed {self._schedule.seed}: {one.what}")

    def _tell(self, text: str) -> None:
        self._story.append(
            f"{self._harness.time.monotonic() - self._harness.simulator.exchange.started_ms / 1000:8.3f} s  {text}"
        )

    def story(self) -> tuple[str, ...]:
        """Faults and deaths by time."""
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
