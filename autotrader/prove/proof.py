"""What every proof is made of: cases that count, one loop over them, and what came of all: a claim with its figures.

A proof never raises for a broken promise: it collects breaches, so that one run shows them all, each with the words
that show it again alone. A case follows from its own text of a seed, and cases share nothing: what they counted is
added up here, in their order, so that figures do not depend on how many processes played.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, of) while a proof runs."""


def unheard(_done: int, _of: int) -> None:
    """The progress of a proof that nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A promise that did not hold. `promise` is its number ("P1"); `case` the arguments of `autotrader prove` that show
    it again alone; `story` the steps that led there.
    """

    promise: str
    what: str
    case: str = ""
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was proved. `figures` are counts by name in the order in which they are shown; `injected` faults by kind;
    `parameters` what makes the run repeatable (seeds, days).
    """

    name: str
    claim: str
    parameters: str
    figures: Mapping[str, int | str]
    injected: Mapping[str, int] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no promise was broken."""
        return not self.breaches

    def as_json(self) -> dict[str, Any]:
        """For `--format json`."""
        return {
            "proof": self.name,
            "claim": self.claim,
            "parameters": self.parameters,
            "holds": self.holds,
            "figures": dict(self.figures),
            "injected": dict(self.injected),
            "breaches": [
                {"promise": one.promise, "what": one.what, "case": one.case, "story": list(one.story)}
                for one in self.breaches
            ],
        }


@dataclass(slots=True)
class Counts:
    """What cases came to: figures and faults by name, the most of what is no sum, and the promises that were broken."""

    figures: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    most: dict[str, float] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)

    def peak(self, name: str, value: float) -> None:
        """Keep it where it is the most so far."""
        self.most[name] = max(value, self.most.get(name, 0.0))

    def note(self, promise: str, what: str, *story: str) -> None:
        """One more broken promise."""
        self.breaches.append(Breach(promise=promise, what=what, story=story))

    def add(self, other: Counts) -> None:
        """What another case came to."""
        self.figures.update(other.figures)
        self.injected.update(other.injected)
        for name, value in other.most.items():
            self.peak(name, value)
        self.breaches += other.breaches

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Counts:
        """From what another process told (`as_json`)."""
        breaches = [Breach(**{**one, "story": tuple(one["story"])}) for one in data["breaches"]]
        return cls(Counter(data["figures"]), Counter(data["injected"]), dict(data["most"]), breaches)

    def as_json(self) -> dict[str, Any]:
        """For another process."""
        return {
            "figures": dict(self.figures),  # `asdict` would rebuild a Counter by counting its items
            "injected": dict(self.injected),
            "most": self.most,
            "breaches": [asdict(one) for one in self.breaches],
        }

    def only(self, *names: str) -> dict[str, int]:
        """These figures in this order; what never happened is 0."""
        return {name: self.figures[name] for name in names}

    def proof(self, name: str, claim: str, parameters: str, figures: Mapping[str, int | str]) -> Proof:
        """All of it as a proof that shows these figures."""
        return Proof(
            name=name,
            claim=claim,
            parameters=parameters,
            figures=figures,
            injected=dict(sorted(self.injected.items())),
            breaches=tuple(self.breaches),
        )


class Case:
    """One case: its own chance, what it counts, and the words that play it again alone (`blind --cases 3 --seed 1`)."""

    promise = ""
    """The promise that its breaches break."""

    def __init__(self, seed: str, again: str) -> None:
        self.chance = random.Random(seed)
        self.again = again
        self.counts = Counts()

    def play(self) -> None:
        """Play it to its end, counting."""
        raise NotImplementedError

    def story(self) -> tuple[str, ...]:
        """What led to a breach; asked once it has been played."""
        return ()

    def breach(self, what: str) -> None:
        """The case's promise did not hold."""
        self.counts.note(self.promise, what)

    def played(self) -> Counts:
        """Play it; what it came to, each breach with its story and with how to see it again."""
        self.play()
        if self.counts.breaches:
            story = self.story()
            self.counts.breaches = [
                replace(one, case=one.case or self.again, story=one.story or story) for one in self.counts.breaches
            ]
        return self.counts


def tried(results: Iterable[Counts], of: int, progress: Progress, *, most: int | None = None) -> Counts:
    """Add up the results of `of` cases as they come; no further than to `most` breaches."""
    total = Counts()
    for done, result in enumerate(results, 1):
        total.add(result)
        progress(done, of)
        if most is not None and len(total.breaches) >= most:
            break
    return total


def seeds_shown(seeds: range) -> str:
    """Which seeds were played, as a proof's parameters say it."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"seeds {seeds[0]:,} to {seeds[-1]:,}" if seeds else "no seeds"
