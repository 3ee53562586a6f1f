"""What the engine keeps between cycles, held in memory by the one writer and written with each change.

`Kept` loads states and runs once at the start and from then on writes only what changed, inside the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autotrader.engine.requests import Pause
from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.language.requests import PauseRequest, RunKey
from autotrader.records.store import Store


class Kept:
    """States, runs and pauses of one store."""

    def __init__(self, store: Store) -> None:
        """Load them. Raises RecordsBroken for rows that are not what this program writes."""
        self._store = store
        self.states = store.states.all()
        self.runs: dict[RunKey, Run] = {run.key: run for run in store.runs.all()}
        self.pauses = tuple(Pause(*entry) for entry in store.settings.get("paused", []))
        self.last_ms: int | None = store.settings.get("last_seen_ms")

    def waiting(self) -> tuple[Run, ...]:
        """Runs whose requests are under way."""
        return tuple(run for run in self.runs.values() if run.status == "waiting")

    def pauses_at(self, now_ms: int) -> tuple[Pause, ...]:
        """The pauses in force."""
        return tuple(pause for pause in self.pauses if pause.until_ms is None or pause.until_ms > now_ms)

    # ---------------------------------------------------------------- writes, inside the caller's transaction
    def keep_states(self, states: Mapping[StateKey, RuleState], gone: Iterable[StateKey] = ()) -> None:
        """Write changed states and forget those of orders that are over."""
        self.states.update(states)
        self._store.states.put(states)
        for key in gone:
            self.states.pop(key, None)
            self._store.states.drop(key)

    def keep_run(self, run: Run) -> None:
        """Write a run, or forget it when it is over."""
        if run.is_over:
            self.runs.pop(run.key, None)
            self._store.runs.drop(run.key)
        else:
            self.runs[run.key] = run
            self._store.runs.put(run)

    def keep_time(self, now_ms: int) -> None:
        """Write the evaluation time of the cycle: slots up to it are never evaluated again."""
        self.last_ms = now_ms
        self._store.settings.set("last_seen_ms", now_ms, now_ms)

    def pause(self, request: PauseRequest, now_ms: int) -> None:
        """Pause or resume rules and labels."""
        named = {("rule", name) for name in request.rules} | {("label", name) for name in request.labels}
        kept = [pause for pause in self.pauses_at(now_ms) if (pause.kind, pause.name) not in named]
        if not request.resume:
            kept += [Pause("rule", name, request.until_ms) for name in request.rules]
            kept += [Pause("label", name, request.until_ms) for name in request.labels]
        self.pauses = tuple(kept)
        rows = [[pause.kind, pause.name, pause.until_ms] for pause in kept]
        self._store.settings.set("paused", rows, now_ms)
