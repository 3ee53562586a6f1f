"""What the engine keeps between cycles, held in memory by the one writer and written with each change.

States and runs are the engine's values; the store keeps them as text. `Kept` loads them once at the start and from
then on writes only what changed, inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from autotrader.engine.requests import Pause
from autotrader.engine.state import RuleState, Run, StateKey, run_from_json, run_to_json, state_from_json, state_to_json
from autotrader.errors import RecordsBroken
from autotrader.language.requests import PauseRequest, RunKey
from autotrader.records.canon import canonical
from autotrader.records.store import Store
from autotrader.records.values import StateKey as RowKey


class Kept:
    """States, runs and pauses of one store."""

    def __init__(self, store: Store) -> None:
        """Load them. Raises RecordsBroken for rows that are not what this program writes."""
        self._store = store
        try:
            self.states = {StateKey(*key): state_from_json(json.loads(t)) for key, t in store.states.all().items()}
            runs = (run_from_json(json.loads(text)) for text in store.runs.all().values())
            self.runs: dict[RunKey, Run] = {run.key: run for run in runs}
            self.pauses = tuple(Pause(*entry) for entry in store.settings.get("paused", []))
        except (KeyError, TypeError, ValueError) as error:
            raise RecordsBroken(
                f"the rule states in {store.folder} cannot be read: {error}",
                hint="restore the backup of this store, or start over with another --state folder",
            ) from error
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
        self._store.states.put({RowKey(*key): canonical(state_to_json(state)) for key, state in states.items()})
        for key in gone:
            self.states.pop(key, None)
            self._store.states.drop(RowKey(*key))

    def keep_run(self, run: Run) -> None:
        """Write a run, or forget it when it is over."""
        if run.is_over:
            self.runs.pop(run.key, None)
            self._store.runs.drop(run_id(run.key))
        else:
            self.runs[run.key] = run
            self._store.runs.put(run_id(run.key), canonical(run_to_json(run)))

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


def run_id(key: RunKey) -> str:
    """The name of a run's row."""
    return canonical(list(key))
