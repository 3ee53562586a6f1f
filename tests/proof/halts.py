"""Proof that stop means stop (P8): the product trades in the harness, and is halted at a random moment by each cause.

A moment is any point between two steps of the product: before a request leaves, at each named crash point, inside a
transaction or not. From the first moment at which a halt is in force no order that it stops may be signed: the next
request to place one would be a breach. The halt must outlive a restart, and cancels must go on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Final
from urllib.parse import parse_qs

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.limits import View
from autotrader.exchanges.messages import Request
from autotrader.orders import Side
from autotrader.project import Project
from autotrader.prove.harness import ACCOUNT_HEAD, Harness, project_of, remembered, scratch
from autotrader.prove.proof import Case, Progress, Proof, tried, unheard
from autotrader.records.crash import listening
from autotrader.records.halt_file import write_halt_file
from autotrader.records.places import HALT_FILE
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator

MOMENTS_OF_A_PLAY = 25
_ORDER = "/api/v3/order"
_RUN_MS, _WATCHED_MS = 20_000, 15_000  # a halt comes within the first, and is watched for the second
_LATEST_EVENT = 80
ACCOUNT: Final = (
    ACCOUNT_HEAD
    + """\
limits:
  spend_per_day: 90_000_000 JPY
  loss_per_day: 90_000_000 JPY
  keep_free: {JPY: 1_000 JPY}
  halt_after: 1000 refusals
  open_orders: 200
  orders_per_hour: 100000
  holding: {BTC: 100 BTC}
  price_band: 5%
  request_weight: 90%
"""
)
RULES: Final = """
version: 1
rules:
  takes:
    symbol: BTCJPY
    every: 5s
    when: ask > 1 JPY
    repeat: every 5s while true
    then:
      - buy: {spend: 9_000 JPY, price: market}
  bids:
    symbol: BTCJPY
    every: 10s
    when: ask > 1 JPY
    repeat: every 10s while true
    then:
      - buy: {spend: 6_000 JPY, price: bid - 0.5%, cancel_after: 12s}
  sells:
    symbol: BTCJPY
    every: 5s
    when: holding(BTC) > 0.1 BTC
    repeat: every 5s while true
    then:
      - sell: {size: 0.0007 BTC, price: bid - 0.1%}
"""


def prove_halts(moments: int, seed: int = 1, progress: Progress = unheard) -> Proof:
    """Halt at that many random moments; the plays of a seed are the same for ever."""
    plays = range(0, moments, MOMENTS_OF_A_PLAY)
    counts = (min(MOMENTS_OF_A_PLAY, moments - done) for done in plays)
    total = tried(
        (HaltCase(number, count).played() for number, count in enumerate(counts, seed)),
        len(plays),
        lambda done, _of: progress(min(done * MOMENTS_OF_A_PLAY, moments), moments),
    )
    claim = "after a halt of any cause, at any moment, no order that it stops is signed"
    return total.proof("halt", claim, f"{moments} moments", dict(sorted(total.figures.items())))


@cache
def _project() -> Project:
    with scratch("project") as folder:
        return remembered(project_of(folder, ACCOUNT, RULES))


class HaltCase(Case):
    """One world, halted and resumed again and again."""

    promise = "P8"

    def __init__(self, seed: int, moments: int) -> None:
        super().__init__(f"halts {seed}", f"halt --moments {moments} --seed {seed}")
        account = Account.named("main", {"JPY": "50000000", "BTC": "5", "BNB": "1"})
        self._simulator = Simulator(seed=seed, symbols=["BTCJPY"], accounts=[account], history_minutes=30)
        self._trips = self.chance.choice(((2.0, 80.0), (2.0, 80.0), (100.0, 450.0)))
        self._seed, self._moments = seed, moments
        self._world: Runtime | None = None
        self._runner: Runner | None = None
        self._until_cause = 0
        self._cause = ""
        self._halt: Halt | None = None

    def play(self) -> None:
        """That many halts."""
        with scratch("halts") as folder, listening(lambda _name: self._event()):
            harness = Harness(
                _project(), self._simulator, folder, random.Random(f"trips {self._seed}"), dead=self._heard,
                trip_ms=self._trips,
            )  # fmt: skip
            for _ in range(self._moments):
                self._moment(harness)

    # ---------------------------------------------------------------------------------------------------- a moment
    def _moment(self, harness: Harness) -> None:
        """Trade, be halted, be watched, perhaps after a restart, and resume."""
        self._cause = self.chance.choice(sorted(_CAUSES))
        with harness.open() as world:
            self._begin(world)
            world.start()
            self._until_cause = self.chance.randint(1, _LATEST_EVENT)
            self._go_on(world, _RUN_MS + _WATCHED_MS)
            if self._halt is None:
                self.counts.figures["moments without a halt"] += 1
        if self.chance.random() < 0.2:
            with harness.open() as world:
                self._world = world
                world.start()
                self._go_on(world, _WATCHED_MS)
                self.counts.figures["restarts while halted"] += self._halt is not None
        self._end(harness)

    def _begin(self, world: Runtime) -> None:
        self._world, self._halt, self._until_cause = world, None, 0

    def _go_on(self, world: Runtime, ms: int) -> None:
        self._runner = Runner(world, RunMode(until_ms=world.connection.clock.now_ms() + ms, stepped=True))
        self._runner.run()
        if self._halt is not None and world.store.halt_made() is None:
            self.breach(f"the halt by {self._cause} went away by itself")

    def _end(self, harness: Harness) -> None:
        """A person resumes: from the records, as the command does."""
        self._world = None
        with harness.open() as world:
            world.store.resume(world.connection.clock.now_ms())
            if world.store.halted() is not None:
                self.breach(f"resume did not lift the halt by {self._cause}")
        self.counts.figures["moments"] += 1
        self.counts.figures[f"halted by {self._cause}"] += self._halt is not None

    # ------------------------------------------------------------------------------------------------- its events
    def _event(self) -> None:
        """Something happens between two steps of the product; perhaps the halt comes now."""
        world = self._world
        if world is None:
            return
        if self._until_cause:
            self._until_cause -= 1
            if not self._until_cause:
                _CAUSES[self._cause](self, world)
        # Looked at after each event: the next order that leaves is judged by the halt that is there now.
        if self._halt is None:
            self._halt = world.store.halt_made()

    def _heard(self, request: Request) -> bool:
        """A request leaves, signed: an order that a halt stops is a breach if the halt was there before."""
        if request.method == "POST" and request.path == _ORDER:
            side = Side(parse_qs(request.body or request.query)["side"][0])
            if self._halt is None:
                self.counts.figures["orders signed before a halt"] += 1
            elif self._halt.stops(side):
                self.breach(f"{side} was signed after a halt by {self._cause} ({self._halt.level})")
            else:
                self.counts.figures["sales signed under reduce-only"] += 1
        elif request.method == "DELETE" and self._halt is not None:
            self.counts.figures["cancels sent after a halt"] += 1
        self._event()
        return False

    # ------------------------------------------------------------------------------------------------- the causes
    def by_file(self, world: Runtime) -> None:
        """Somebody makes the file, with any text."""
        (world.store.folder / HALT_FILE).write_text("stop\n", "utf-8")

    def by_reduce_only(self, world: Runtime) -> None:
        """`autotrader halt --reduce-only`, of which the file is the first deed."""
        write_halt_file(world.store.folder, Halt("by hand", HaltLevel.REDUCE_ONLY))

    def by_command(self, world: Runtime) -> None:
        """`autotrader halt` beside a service."""
        self._command(world, HaltLevel.HALT)

    def by_cancelling_command(self, world: Runtime) -> None:
        """`autotrader halt --cancel` beside a service."""
        self._command(world, HaltLevel.CANCEL)

    def _command(self, world: Runtime, level: HaltLevel) -> None:
        write_halt_file(world.store.folder, Halt("by hand", level))
        inbox = world.store.inbox()
        inbox.append(world.connection.clock.now_ms(), "halt", {"reason": "by hand", "level": level})
        inbox.close()

    def by_signal(self, world: Runtime) -> None:
        """SIGUSR1: what its handler does."""
        if self._runner is not None:
            self._runner.halt("by the signal SIGUSR1")

    def by_record(self, world: Runtime) -> None:
        """A rule's action, a mismatch, a key that is refused: all of them call this."""
        world.store.halt("an order is not the one that was asked for", world.connection.clock.now_ms())

    def by_failing_limit(self, world: Runtime) -> None:
        """A limit raises."""
        world.cycle.parts.gate._limits = (_Fails(),)

    def by_loss(self, world: Runtime) -> None:
        """The loss of the day reaches its limit."""
        self._tighten(world, {"loss_per_day": {"JPY": Decimal("0.000001")}})

    def by_refusals(self, world: Runtime) -> None:
        """Too many refusals in a row."""
        self._tighten(world, {"halt_after": 0})

    def _tighten(self, world: Runtime, changes: Mapping[str, object]) -> None:
        limits = replace(world.settings.limits, **changes)  # type: ignore[arg-type]  # names of the fields
        world.cycle.parts.gate._settings = replace(world.settings, limits=limits)


class _Fails:
    """A limit that cannot do its work."""

    def refuse(self, view: View) -> str:
        """Raises."""
        raise KeyError(view.request.order.symbol)


_CAUSES: dict[str, Callable[[HaltCase, Runtime], None]] = {
    "a file": HaltCase.by_file,
    "reduce-only": HaltCase.by_reduce_only,
    "command": HaltCase.by_command,
    "command with cancel": HaltCase.by_cancelling_command,
    "signal": HaltCase.by_signal,
    "record": HaltCase.by_record,
    "a limit that fails": HaltCase.by_failing_limit,
    "loss": HaltCase.by_loss,
    "refusals": HaltCase.by_refusals,
}
