"""What every proof gives: a claim, what was tried, and each time that the claim did not hold.

A proof never raises for a broken promise: it collects breaches, so that one run shows them all, each with the seed
that shows it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
