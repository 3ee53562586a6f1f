"""Proof that clocks may do what they like (docs/order-safety.md P11): no slot twice, no burst, no signature in doubt.

The production clock (`VenueClock`), jobs (`JobScheduler`), slots (`due`) and decisions run through an hour or two of a
machine whose clocks jump, slew, stop with a suspend, whose venue steps its own clock, whose line is slow, and whose
process dies in between. Hours lie by choice where daylight saving begins or ends. What was evaluated is then compared
with a calendar of this file's own: the day's local hours, counted with the zone's rules alone.

What counts as a doubt: the venue's time as the clock first learned it, moved on by true time. A signature further than
half a second from it, or after an answer of the venue that nothing explained, is a breach; but a time that the venue
has kept saying for a quarter of an hour may be believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from autotrader.engine.decide import decide
from autotrader.engine.due import Due, due
from autotrader.engine.requests import Context
from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.errors import ExchangeUnavailable, SafetyRefused
from autotrader.exchanges.clock import MOST_UNCERTAIN_MS, VenueClock
from autotrader.language.load import load
from autotrader.language.plan import At, CompiledRule, Every, OnClose, Plan
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Sources
from autotrader.prove.proof import Case, Progress, Proof, tried, unheard
from autotrader.records.forms import from_json, to_json
from autotrader.service.jobs import JobScheduler

RULES = """
version: 1
rules:
  minute: {symbol: BTCJPY, every: 1m, when: open_buys < 9, repeat: every 1m while true, then: [{notify: "x"}]}
  half: {symbol: BTCJPY, every: 30s, when: open_buys < 9, repeat: every 1m while true, then: [{notify: "x"}]}
  quarter: {symbol: BTCJPY, on_close: 15m, when: open_buys < 9, repeat: every 1m while true, then: [{notify: "x"}]}
  tokyo: {symbol: BTCJPY, at: ["daily 10:00 JST", "daily 16:00 JST"], when: open_buys < 9, then: [{notify: "x"}]}
  berlin: {symbol: BTCJPY, at: ["daily 02:30 Europe/Berlin"], when: open_buys < 9, then: [{notify: "x"}]}
  berlin_later:
    {symbol: BTCJPY, at: daily 03:10 Europe/Berlin, catch_up: once within 1h, when: open_buys < 9, then: [notify: "x"]}
  new_york: {symbol: BTCJPY, at: ["daily 01:45 America/New_York"], when: open_buys < 9, then: [{notify: "x"}]}
"""
_TURNS = (  # local night hours in which clocks change (or would), as UTC
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 10, tzinfo=UTC),
    datetime(2026, 3, 8, 6, 20, tzinfo=UTC), datetime(2026, 11, 1, 5, 10, tzinfo=UTC),
    datetime(2026, 6, 30, 23, 30, tzinfo=UTC), datetime(2026, 5, 5, 0, 30, tzinfo=UTC),
)  # fmt: skip
KINDS = (
    "wall jump", "suspend", "server jump", "leap second", "slew", "slow line", "no line", "late tick", "restart",
    "crash",
)  # fmt: skip
HOUR = 3_600.0
_UNEXPLAINED_MS = 2_500
_ANOTHER_S = 1.5  # a leap second makes no other time: two slow lines can hide it
_GRACE_MS = 30_000
_BELIEVED_SECONDS = 900.0


def prove_clocks(
    cases: int = 300,
    seed: int = 1,
    progress: Progress = unheard,
    *,
    make_clock: Callable[..., VenueClock] = VenueClock,
    find_due: Callable[..., Due] = due,
) -> Proof:
    """Live through `cases` hours of bad clocks. `make_clock` and `find_due` replace the parts under proof (mutants)."""
    machines = (Machine(seed, number, make_clock, find_due).played() for number in range(cases))
    total = tried(machines, cases, progress)
    figures: dict[str, int | str] = {
        "hours lived": f"{total.figures['ms lived'] / 1000 / HOUR:,.0f}",
        **total.only(*_FIGURES),
        "most that a signature was off, ms": round(total.most.get("off", 0.0)),
    }
    claim = "Whatever the clocks do, no slot is evaluated twice, none in a burst, and nothing is signed in doubt."
    return total.proof("clocks", claim, f"--cases {cases} --seed {seed}", figures)


_FIGURES = (
    "slots evaluated", "slots missed and counted", "slots doubled", "slots lost uncounted", "signatures",
    "signatures refused", "new times of the venue believed", "signatures in doubt",
)  # fmt: skip


@lru_cache(maxsize=1)
def _plan() -> Plan:
    plan, problems = load({"clocks.yaml": RULES})
    if plan is None:
        raise RuntimeError(f"the proof's own rules do not load: {problems[0]}")
    return plan


class Machine(Case):
    """One machine, one venue and one process after the other, in true seconds since the start."""

    promise = "P11"

    def __init__(
        self,
        seed: int,
        number: int,
        make_clock: Callable[..., VenueClock],
        find_due: Callable[..., Due],
    ) -> None:
        super().__init__(f"clocks {seed} {number}", f"clocks --cases {number + 1} --seed {seed}")
        chance, self._figures = self.chance, self.counts.figures
        self._make_clock, self._find_due = make_clock, find_due
        begins = chance.choice(_TURNS).timestamp() + chance.uniform(0, 1_800)
        self.begins = begins
        self.true = self.mono = 0.0
        self.wall_off = chance.choice((0.0, 0.0, 40.0, -7_000.0))
        self.server_off = self.base = self.asked_off = self.leap = 0.0
        self.said_off, self.said_at = 0.0, 0.0  # the venue's step, and since when awake it has said so
        self.slew = 0.0
        self.trip = 0.05
        self.dead = False
        self.pause = 0.0
        self.ends = chance.uniform(0.4, 1.1) * HOUR
        self.events = self._drawn_events()
        self._happened: list[tuple[float, str]] = []
        self.seen: dict[str, list[int]] = {}
        self.missed: dict[str, int] = {}
        self.states: Mapping[StateKey, RuleState] = {}
        self.runs: tuple[Run, ...] = ()
        self.last_ms: int | None = None
        self.running = True

    def _drawn_events(self) -> list[tuple[float, str]]:
        count = self.chance.randint(1, 5)
        return sorted((self.chance.uniform(0.05, 0.9) * self.ends, self.chance.choice(KINDS)) for _ in range(count))

    # ------------------------------------------------------------------------------------------- the machine's clocks
    def server_ms(self) -> float:
        """What the venue's clock shows."""
        return (self.begins + self.true + self.server_off) * 1000

    def wall(self) -> float:
        """What this machine's clock on the wall shows."""
        return self.begins + self.true + self.wall_off

    def monotonic(self) -> float:
        """Seconds while awake."""
        return self.mono

    def sleep(self, seconds: float) -> None:
        """Time passes; what happens meanwhile happens."""
        until = self.true + max(seconds, 0.0)
        while self.events and self.events[0][0] <= until:
            at, kind = self.events.pop(0)
            self._pass(max(at - self.true, 0.0))
            self._happen(kind)
            until = max(until, self.true)
        self._pass(until - self.true)

    def _pass(self, seconds: float) -> None:
        self.true += seconds
        self.mono += seconds * (1 + self.slew)
        self.wall_off += seconds * self.slew

    def ask(self) -> int:
        """The venue's time, over the line."""
        there = self.chance.uniform(0.2, 0.8) * self.trip
        if self.dead:
            self._pass(1.0)
            raise ExchangeUnavailable("no answer")
        self._pass(there)
        found = self.server_ms()
        self.asked_off = self.server_off
        if abs(self.server_off - self.said_off) > _ANOTHER_S:
            self.said_at = self.mono
        self.said_off = self.server_off
        self.base, self.leap = self.base + self.leap, 0.0  # a step of everybody's time is known once it is heard of
        self._pass(self.trip - there)
        return int(found)

    def _happen(self, kind: str) -> None:
        self.counts.injected[kind] += 1
        chance = self.chance
        match kind:
            case "wall jump":
                # Never by what the venue may jump forward: both together are a machine that slept, to anybody's eyes.
                by = chance.choice((0.9 * HOUR, -HOUR, 30.0, -30.0, chance.uniform(-90_000, 90_000)))
                self.wall_off += by
                kind = f"{kind} {by:+.0f} s"
            case "suspend":
                # Never by what the venue may jump back: both together are no jump, to anybody's eyes.
                asleep = chance.choice((8.0, 70.0, 900.0, 1.1 * HOUR))
                self.true += asleep  # the monotonic clock stands still meanwhile
                kind = f"{kind} {asleep:.0f} s"
            case "server jump":
                by = chance.choice((HOUR, -HOUR, 5.0, -5.0))
                self.server_off += by
                kind = f"{kind} {by:+.0f} s"
                if chance.random() < 0.5:
                    self.events = sorted([*self.events, (self.true + chance.uniform(5, 900), "server back")])
            case "server back":
                self.server_off = self.base + self.leap
            case "leap second":
                self.server_off -= 1.0
                self.leap -= 1.0
            case "slew":
                self.slew = chance.choice((500e-6, -500e-6, 0.0))
            case "slow line" | "no line":
                self.dead = kind == "no line" and not self.dead
                self.trip = chance.choice((0.3, 0.9, 1.4, 4.0, 0.05))
            case "late tick":
                self.pause = chance.choice((20.0, 45.0, 400.0))
            case _:
                self.running = False
        self._happened.append((self.true, kind))

    # ---------------------------------------------------------------------------------------------------- the product
    def play(self) -> None:
        """Processes, one after the other, until the time is over; then the judge."""
        while self.true < self.ends:
            self.running = True
            clock = self._make_clock(self.ask, monotonic=self.monotonic, wall=self.wall, sleep=self.sleep)
            self.base, self.leap = self.server_off, 0.0
            self.said_off, self.said_at = self.server_off, self.mono
            try:
                clock.sync()
            except ExchangeUnavailable:
                self.sleep(self.chance.uniform(5, 120))  # a supervisor starts it again
                self.dead = self.dead and self.chance.random() < 0.7
                continue
            self._run(clock)
            self._pass(self.chance.uniform(1, 100))
        self._figures["ms lived"] += round(self.true * 1000)
        self._judge()

    def story(self) -> tuple[str, ...]:
        """What the clocks did."""
        return tuple(f"{at:8.1f} s  {what}" for at, what in self._happened)

    def _run(self, clock: VenueClock) -> None:
        jobs = JobScheduler(clock.monotonic, self._failed)
        jobs.add("tick", self.chance.choice((7, 11, 16)), lambda: self._tick(clock))
        jobs.add("clock", 300, clock.sync)
        jobs.hasten("tick", 0)
        while self.running and self.true < self.ends:
            jobs.run_pending()
            clock.sleep(max(0.05, jobs.idle()))
        # what is kept of a process: its states as text
        self.states = {key: from_json(RuleState, to_json(state)) for key, state in self.states.items()}
        self.runs = ()

    def _failed(self, _name: str, error: Exception) -> None:
        if not isinstance(error, ExchangeUnavailable | SafetyRefused):
            self.breach(f"a job raised {type(error).__name__}: {error}")

    def _tick(self, clock: VenueClock) -> None:
        """As the runner and the cycle do: look at the clocks, ask what is due, decide, and perhaps sign."""
        if clock.diverged():
            clock.sync()
        now_ms = clock.now_ms()
        found = self._find_due(_plan(), self.states, self.runs, (), self.last_ms, now_ms)
        if not found.is_empty:
            sources = Sources(now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms))
            outcome = decide(_plan(), found, sources, self.states, self.runs, Context(store_id="clocks"))
            self.states, self.runs = outcome.states, tuple(run for run in outcome.runs if not run.is_over)
            self._note(found, now_ms)
            self.last_ms = now_ms
        if self.pause:
            self._pass(self.pause)
            self.pause = 0.0
        if self.chance.random() < 0.2:
            self._sign(clock)

    def _note(self, found: Due, now_ms: int) -> None:
        names = [slot.rule.id for slot in found.slots]
        if len(names) != len(set(names)):
            self.breach(f"a burst: {names} at once")
        for slot in found.slots:
            self.seen.setdefault(slot.rule.id, []).append(slot.slot_ms)
            if slot.kind == "slot" and not 0 <= now_ms - slot.slot_ms <= _GRACE_MS:
                self.breach(f"{slot.rule.id}: slot {_shown(slot.slot_ms)} evaluated at {_shown(now_ms)}")
        for key, count in found.missed.items():
            self.missed[key.rule] = self.missed.get(key.rule, 0) + count

    def _sign(self, clock: VenueClock) -> None:
        try:
            signed_ms = clock.certain_ms()
        except (ExchangeUnavailable, SafetyRefused):
            self._figures["signatures refused"] += 1
            return
        self._figures["signatures"] += 1
        off = self._off(signed_ms, self.base)
        if off > MOST_UNCERTAIN_MS and self.mono - self.said_at >= _BELIEVED_SECONDS:
            off, self.base = self._off(signed_ms, self.said_off), self.said_off
            self._figures["new times of the venue believed"] += 1
        self.counts.peak("off", off)
        unexplained = abs(self.asked_off - self.base) * 1000 > _UNEXPLAINED_MS
        if off > MOST_UNCERTAIN_MS or unexplained:
            self._figures["signatures in doubt"] += 1
            why = "after a jump of the venue's clock that nothing explained" if unexplained else f"{off:.0f} ms off"
            self.breach(f"signed {why}, at {self.true:.1f} s (said ± {clock.uncertainty_ms()} ms)")

    def _off(self, signed_ms: int, step: float) -> float:
        """How far a signature is from true time with this step of the venue, in milliseconds."""
        return abs(signed_ms - (self.begins + self.true + step) * 1000)

    # ------------------------------------------------------------------------------------------------------ the judge
    def _judge(self) -> None:
        """Everything that went wrong with the slots."""
        self._figures["slots missed and counted"] += sum(self.missed.values())
        for rule in _plan().rules:
            slots = self.seen.get(rule.id, [])
            self._figures["slots evaluated"] += len(slots)
            doubled = len(slots) - len(set(slots))
            self._figures["slots doubled"] += doubled
            if doubled:
                self.breach(f"{rule.id}: {doubled} slots evaluated twice")
            if slots != sorted(slots):
                self.breach(f"{rule.id}: slots went backwards")
            for slot_ms in slots:
                if not _on_grid(rule, slot_ms):
                    self.breach(f"{rule.id}: {_shown(slot_ms)} is no slot of it")
            self._look_for_uncounted(rule, slots)

    def _look_for_uncounted(self, rule: CompiledRule, slots: list[int]) -> None:
        """Every slot between the first and the last evaluated one is evaluated or counted as missed."""
        if len(slots) < 2:
            return
        came = _came(rule, slots[0], slots[-1])
        lost = came - len(set(slots)) - self.missed.get(rule.id, 0)
        if lost > 0:
            self._figures["slots lost uncounted"] += lost
            self.breach(f"{rule.id}: {lost} of {came} slots neither evaluated nor counted")


# ------------------------------------------------------------------------------------------------ a calendar of its own
def _shown(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _period(rule: CompiledRule) -> int:
    return rule.trigger.period_ms if isinstance(rule.trigger, Every) else 15 * 60_000


def _on_grid(rule: CompiledRule, slot_ms: int) -> bool:
    """By the zone's own wall clock: the hour and minute that the rule names, or where a change skips that minute, the
    same distance behind the change; of a minute that comes twice, the first.
    """
    if isinstance(rule.trigger, Every | OnClose):
        return slot_ms % _period(rule) == 0
    trigger: At = rule.trigger
    for entry in trigger.times:
        local = datetime.fromtimestamp(slot_ms / 1000, ZoneInfo(entry.zone))
        minute = local.hour * 60 + local.minute
        before = datetime.fromtimestamp(slot_ms / 1000 - 3_600, ZoneInfo(entry.zone))
        skipped = local.utcoffset() != before.utcoffset() and (before.hour + 2) % 24 == local.hour
        named = minute - 60 if skipped and minute != entry.minute else minute
        if named == entry.minute and local.fold == 0 and local.second == 0:
            return True
    return False


def _came(rule: CompiledRule, first_ms: int, last_ms: int) -> int:
    """How many slots lie in [first, last]."""
    if isinstance(rule.trigger, At):
        return sum(_on_grid(rule, moment) for moment in range(first_ms, last_ms + 1, 60_000))
    return (last_ms - first_ms) // _period(rule) + 1
