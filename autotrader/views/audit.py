"""Recorded cycles decided again: the engine of now on the inputs of then, compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from autotrader.language.plan import Plan
from autotrader.records.evaluations import Evaluation
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.evaluation import decided_again
from autotrader.views.why import plan_of_text


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A cycle that comes out otherwise, or whose record does not hold what deciding needs."""

    cycle: int
    time_ms: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What deciding again gave. `decisions` counts those compared; `without` cycles were recorded without inputs."""

    cycles: int
    decisions: int
    without: int
    differences: tuple[ReplayDifference, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def replayed(store: Store, *, cycle: int | None = None, since_ms: int = 0) -> Replay:
    """Decide one recorded cycle again, or all since a time."""
    plans: dict[str, Plan | None] = {}
    cycles = decisions = without = 0
    differences: list[ReplayDifference] = []
    for row in _rows(store, cycle, since_ms):
        if "given" not in row.body:
            without += 1
            continue
        if row.plan not in plans:
            plans[row.plan] = plan_of_text(store.chain.text(row.plan))
        plan = plans[row.plan]
        cycles, decisions = cycles + 1, decisions + len(row.body["decisions"])
        what = "its rules cannot be read any more" if plan is None else decided_again(plan, store.id, row.body)
        if what:
            differences.append(ReplayDifference(row.cycle, row.time_ms, what))
    return Replay(cycles=cycles, decisions=decisions, without=without, differences=tuple(differences))


def _rows(store: Store, cycle: int | None, since_ms: int) -> Iterator[Evaluation]:
    if cycle is None:
        yield from store.evaluations.all(since_ms)
        return
    row = store.evaluations.get(cycle)
    if row is not None:
        yield row
