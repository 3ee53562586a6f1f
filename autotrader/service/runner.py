"""The runner: keeps a runtime turning until it is told to stop.

Jobs are held by `schedule` on the runner's clock: the tick that asks what is due, the clock's re-sync, the filters, the
record's upkeep, the disk. Each is wrapped, so one failure stops nothing; it is logged, recorded and told. A signal is
heard between steps: the step under way is finished, nothing new is begun. Rules, slots and orders are not this file's
business; it only decides when to call `cycle.tick`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.errors import ExchangeUnavailable, RecordsBroken, SafetyRefused
from autotrader.market.needs import CandleNeed
from autotrader.runtime import Runtime
from autotrader.service.hand import cancel_all
from autotrader.service.inbox import Desk
from autotrader.service.jobs import JobScheduler
from autotrader.service.witness import send_head
from autotrader.structs import dataclass
from autotrader.trading.parts import CycleReport

TICK_SECONDS = 1
LOW_DISK_BYTES = 200_000_000
TOLD_AGAIN_SECONDS = 6 * 3_600  # the same failure is told again after this time
CANCEL_AGAIN_SECONDS = 5.0  # while a halt takes orders back: those that still stand are asked for again
START_AGAIN_SECONDS = 15.0  # while start-up could not ask the exchange everything, it is run again
SILENT_AFTER = 2  # evaluations in a row without any data


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMode:
    """How to run. `once`: what is due now and what follows from it, then stop. `until_ms`: stop at that venue time.

    `stepped`: between ticks time is moved to the next moment at which something can be due, instead of waiting.
    """

    once: bool = False
    until_ms: int | None = None
    stepped: bool = False


class Runner:
    """Runs one runtime. `on_report` hears every cycle that did something, `log` takes (level, text)."""

    def __init__(
        self,
        runtime: Runtime,
        mode: RunMode,
        *,
        on_report: Callable[[CycleReport], None] = lambda _report: None,
        log: Callable[[str, str], None] = lambda _level, _text: None,
    ) -> None:
        self._runtime = runtime
        self._mode = mode
        self._on_report = on_report
        self._log = log
        self._stopping = ""
        self._clock = runtime.connection.clock
        self._desk = Desk(runtime, log)
        self._jobs = JobScheduler(self._clock.monotonic, self._failed)
        self._fatal: Exception | None = None
        self._told: dict[str, float] = {}
        self._silent = 0
        self._halt = runtime.store.halt_in_force()  # one that stood at the start was told by the start
        self._cancelled_at: float | None = None
        self._started_at = self._clock.monotonic()
        self._unclear: frozenset[str] = frozenset()
        self.cycles = 0

    def stop(self, why: str) -> None:
        """Ask it to stop between steps; safe in a signal handler."""
        # the first reason stays: a second signal is the impatience of the same person
        self._stopping = self._stopping or why

    def halt(self, why: str) -> None:
        """Stop placing at once and go on looking; safe in a signal handler. The records learn it with the next tick."""
        self._runtime.store.halt_at_once(Halt(why))

    def run(self) -> str:
        """Run until stopped; returns why. Raises RecordsBroken or SafetyRefused where going on would be unsafe."""
        self._tell("info", f"autotrader started: {self._runtime.mode}, {len(self._runtime.plan.rules)} rules")
        if self._mode.once:
            self._run_once()
        else:
            self._hold_jobs()
            self._send_head("start")
            self._turn()
        if self._fatal is not None:
            self._tell("critical", f"autotrader stops: {self._fatal}")
            raise self._fatal
        self._tell("info", f"autotrader stopped: {self._stopping or 'done'}")
        self._send_head("stop")
        return self._stopping or "done"

    # ------------------------------------------------------------------------------------------------------ the loop
    def _hold_jobs(self) -> None:
        self._jobs.add("tick", TICK_SECONDS, self._tick)
        # twice as often as the clock needs it, so that one lost answer harms nothing
        self._jobs.add("clock", 300, self._sync)
        self._jobs.add("filters", 3_600, self._read_filters)
        self._jobs.add("upkeep", 3_600, self._keep_up)
        self._jobs.add("disk", 600, self._look_at_disk)
        if witness := self._runtime.settings.witness:
            self._jobs.add("witness", witness.every_ms // 1000, lambda: self._send_head("as asked"))
        self._jobs.hasten("tick", 0)

    def _turn(self) -> None:
        while self._may_go_on():
            self._jobs.run_pending()
            if self._is_over() or not self._may_go_on():  # looked at before sleeping: a job may have been told to stop
                break
            self._clock.sleep(self._pause())

    def _may_go_on(self) -> bool:
        """Asked anew each time: a signal may have come in between."""
        return not self._stopping and self._fatal is None

    def _pause(self) -> float:
        """Until the next job; in stepped time the tick is moved to the next moment that matters."""
        if not self._mode.stepped:
            return min(self._jobs.idle(), float(TICK_SECONDS))
        ahead = float(TICK_SECONDS)  # while nothing is decided yet, as in real time: what is long due stays so
        if not self._runtime.unanswered:
            ahead = (self._runtime.cycle.next_ms() - self._clock.now_ms()) / 1000
        # never 0: stepped time must move, or nothing would ever become due
        self._jobs.hasten("tick", max(0.001, ahead))
        pause = self._jobs.idle()
        if self._mode.until_ms is not None:
            pause = min(pause, max(0.001, (self._mode.until_ms - self._clock.now_ms()) / 1000))
        return pause

    def _is_over(self) -> bool:
        if self._mode.until_ms is not None and self._clock.now_ms() >= self._mode.until_ms:
            self._stopping = "the given time is over"
            return True
        return False

    def _run_once(self) -> None:
        """What is due, and the steps that follow from it, for at most a minute: for cron and systemd timers."""
        ends = self._clock.monotonic() + 60
        while self._may_go_on() and self._clock.monotonic() < ends:
            self._guard(self._tick)
            unbooked = any(row.unbooked > 0 for row in self._runtime.store.orders.unsettled())
            # what was begun is seen to its end before a timer's run ends
            if not (unbooked or self._runtime.store.intents.unresolved() or self._runtime.cycle.kept.runs):
                return
            if unbooked:
                self._runtime.cycle.look_soon()  # the trades of what filled just now belong to this run's record
            self._clock.sleep(0.5)

    # ---------------------------------------------------------------------------------------------------------- jobs
    def _tick(self) -> None:
        self._desk.obey()  # first: a halt is heard although the exchange may not answer
        self._hold_halt()
        self._notice_suspend()
        if not self._has_started():
            return
        report = self._runtime.cycle.tick()
        if report.number or report.observation.booked:
            self._on_report(report)
        if report.number:
            self.cycles += 1
            if self.cycles == 1:
                self._note_gaps()
            beat = getattr(self._runtime.notifier, "beat", None)
            if beat is not None and not report.missing:  # a heartbeat while blind would say that all is well
                beat()
        if report.missed and not self._mode.once:  # between two runs of a timer slots pass by intention
            self._tell("warn", f"{report.missed} slots were missed (the machine slept or was late)")
        self._tell_silence(report)
        self._runtime.cycle.parts.gate.trip_on_refusals()
        self._tell_fates()
        if news := self._runtime.store.note_witness(self._clock.now_ms()):
            self._tell("warn", news)

    def _tell_silence(self, report: CycleReport) -> None:
        """The exchange says nothing that a rule could be judged by: told the second time in a row, and at its end."""
        if not report.decisions:
            return
        # one rule that could be judged means that the exchange still speaks
        is_silent = bool(report.missing) and all(decision.holds is None for decision in report.decisions)
        before, self._silent = self._silent, self._silent + 1 if is_silent else 0
        if self._silent == SILENT_AFTER:
            why = next(iter(report.missing.values()))
            self._tell("warn", f"no data that a rule could be judged by, nothing is traded meanwhile: {why}")
        elif before >= SILENT_AFTER and not is_silent:
            self._tell("info", "data is there again")

    def _has_started(self) -> bool:
        """Whether start-up got all its answers; where not, it is run again now and then, and nothing is decided."""
        runtime, now = self._runtime, self._clock.monotonic()
        if not runtime.unanswered:
            return True
        if now - self._started_at >= START_AGAIN_SECONDS:
            self._started_at = now
            if not runtime.start().failures:
                self._tell("info", "start-up has got all its answers")
        return not runtime.unanswered

    def _hold_halt(self) -> None:
        """Write down a halt that came by signal, and take our orders back where the halt says so, until none stands."""
        store, now = self._runtime.store, self._clock.monotonic()
        store.keep_halt(self._clock.now_ms())
        halt = store.halt_made()
        # the other levels leave resting orders where they are
        if halt is None or halt.level is not HaltLevel.CANCEL or not store.orders.open():
            return
        if self._cancelled_at is None or now - self._cancelled_at >= CANCEL_AGAIN_SECONDS:
            self._cancelled_at = now
            cancel_all(self._runtime)

    def _tell_fates(self) -> None:
        """A halt, however it came about, and every order whose fate became unknown are told once."""
        store = self._runtime.store
        halt = store.halt_in_force()
        if halt is not None and halt != self._halt:  # however it came: by a limit, a command, a file or another process
            self._tell("critical", halt.text)
        self._halt = halt
        unresolved = {row.client_order_id: row for row in store.intents.unresolved()}
        for cid in unresolved.keys() - self._unclear:  # each once: how long it stays unclear is seen in `status`
            request = unresolved[cid].request
            text = f"the fate of {request.side.lower()} order {cid} ({request.symbol}) is unknown; it is not sent again"
            self._tell("critical", f"{text}, the exchange is asked about it")
        self._unclear = frozenset(unresolved)

    def _notice_suspend(self) -> None:
        """Where the wall clock parts from the monotonic one, the venue's time is asked anew. Trust regained is told."""
        if not self._mode.stepped and self._clock.diverged():
            self._log("warn", "this machine's clock jumped, or it slept; asking the exchange for its time")
            self._sync()
        if news := self._clock.news():
            self._tell("warn", news)

    def _sync(self) -> None:
        self._clock.sync()

    def _read_filters(self) -> None:
        known = self._runtime.connection.market.instruments(sorted(self._runtime.instruments))
        self._runtime.cycle.take_instruments(known)

    def _keep_up(self) -> None:
        now_ms = self._clock.now_ms()
        with self._runtime.store.transaction() as store:
            store.evaluations.prune(now_ms)
            store.errors.prune(now_ms - 2 * 86_400_000)

    def _note_gaps(self) -> None:
        """Intervals that the exchange does not have: known holes in the history, for the log."""
        for need in sorted(self._runtime.plan.needs, key=repr):
            if isinstance(need, CandleNeed):
                gaps = self._runtime.connection.market.gaps(need.symbol, need.timeframe)
                if gaps:
                    self._log(
                        "info", f"{need.symbol} {need.timeframe}: the exchange lacks {len(gaps)} intervals of candles"
                    )

    def _send_head(self, when: str) -> None:
        if witness := self._runtime.settings.witness:
            send_head(self._runtime.store, self._runtime.notifier, witness.to, when)

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self._runtime.store.folder).free
        if free < LOW_DISK_BYTES:
            self._tell_once("disk", "warn", f"only {free // 1_000_000} MB are free where the records are kept")

    # -------------------------------------------------------------------------------------------------------- failing
    def _guard(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as for every job
            self._failed("tick", error)

    def _failed(self, name: str, error: Exception) -> None:
        """What a job raised. Records that cannot be written, and refusals for safety, stop the runner."""
        # everything else passes; these two say that going on would be unsafe
        if isinstance(error, RecordsBroken | SafetyRefused):
            self._fatal = error
            return
        text = f"{name}: {type(error).__name__}: {error}"
        level = "warn" if isinstance(error, ExchangeUnavailable) else "critical"
        self._log(level, text)
        now_ms = self._clock.now_ms()
        try:
            with self._runtime.store.transaction() as store:
                store.errors.add(now_ms, text)
        except RecordsBroken as broken:  # a failure that cannot even be written down is one of the records
            self._fatal = broken
            return
        self._tell_once(text, level, text)

    def _tell(self, level: str, text: str) -> None:
        self._log(level, text)
        checked = level if level in {"info", "warn", "critical"} else "info"
        self._runtime.store.notice(self._clock.now_ms(), checked, text)  # type: ignore[arg-type]  # one of the three
        self._runtime.notifier.notify("default", checked, text)  # type: ignore[arg-type]  # one of the three

    def _tell_once(self, key: str, level: str, text: str) -> None:
        """Tell it, and what is the same again only after a while: a second outage is news."""
        now = self._clock.monotonic()
        self._told = {one: told for one, told in self._told.items() if now - told < TOLD_AGAIN_SECONDS}
        if key not in self._told:
            self._told[key] = now
            self._tell(level, text)
