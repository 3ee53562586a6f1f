"""A rule's evaluations of a span, added up: how often each condition held it back, and which came nearest to firing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from autotrader.engine.explain import distance_text
from autotrader.engine.values import scalar_to_text
from autotrader.engine.verdict import Verdict
from autotrader.records.evaluations import Evaluation
from autotrader.structs import dataclass
from autotrader.times import iso_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The evaluation that came nearest to firing: when, and the one leaf that kept it from it."""

    time_ms: int
    number: int
    leaf: Verdict

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        first = self.leaf.observed[0] if self.leaf.observed else None
        return {
            "time": iso_utc(self.time_ms), "evaluation": self.number, "condition": self.leaf.text,
            "value": None if first is None else scalar_to_text(first.value)[1:],
            "distance": distance_text(self.leaf) or None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The evaluations of a span. `leaves`: how often a condition was what kept the rule from holding (text -> count);
    `blockers`: how often something blocked although it held; `spent`: it held, but had fired for its episode.
    """

    since_ms: int
    until_ms: int
    evaluations: int
    fired: int
    spent: int
    unknown: int
    leaves: Mapping[str, int]
    blockers: Mapping[str, int]
    nearest: Nearest | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "since": iso_utc(self.since_ms), "until": iso_utc(self.until_ms), "evaluations": self.evaluations,
            "fired": self.fired, "held_but_fired_already": self.spent, "unknown": self.unknown,
            "held_back_by": dict(self.leaves), "blocked_by": dict(self.blockers),
            "nearest": None if self.nearest is None else self.nearest.as_json(),
        }  # fmt: skip


class Tally:
    """Counts, while a day is read."""

    def __init__(self) -> None:
        self.evaluations = self.fired = self.spent = self.unknown = 0
        self.leaves: Counter[str] = Counter()
        self.blockers: Counter[str] = Counter()
        self._near: dict[str, Nearest] = {}
        self._fewest = 1 << 30

    def held_back(self, row: Evaluation, leaves: list[Verdict]) -> None:
        """An evaluation that these leaves kept from holding. Only the fewest at once can be the nearest miss."""
        for leaf in leaves:
            self.leaves[leaf.text] += 1
        if not leaves or len(leaves) > self._fewest or any(leaf.distance is None for leaf in leaves):
            return
        if len(leaves) < self._fewest:
            self._fewest, self._near = len(leaves), {}
        first = leaves[0]
        known = self._near.get(first.text)
        if known is None or _distance(first) < _distance(known.leaf):
            self._near[first.text] = Nearest(time_ms=row.time_ms, number=row.cycle, leaf=first)

    def nearest(self) -> Nearest | None:
        """Of the leaf that held back most often; distances of different units cannot be compared."""
        return max(self._near.values(), key=lambda near: self.leaves[near.leaf.text], default=None)


def _distance(leaf: Verdict) -> float:
    return float("inf") if leaf.distance is None else leaf.distance


def short_reason(reason: str) -> str:
    """A blocker without its figures: `cooling down for another 5m` counts as `cooling down`."""
    return reason.split(" for another ", maxsplit=1)[0].split(":", maxsplit=1)[0]


def blamed(verdict: Verdict) -> list[Verdict]:
    """The leaves that keep a condition from holding: the false ones, or where none is, the unknown ones."""
    return list(_against(verdict, wanted=True))


def _against(verdict: Verdict, *, wanted: bool) -> Iterator[Verdict]:
    if verdict.holds is wanted:
        return
    if not verdict.parts:
        yield verdict
    elif verdict.text == "not":
        yield from _against(verdict.parts[0], wanted=not wanted)
    else:
        guilty = [part for part in verdict.parts if part.holds is verdict.holds]
        for part in guilty:
            yield from _against(part, wanted=wanted)
