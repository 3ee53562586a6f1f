"""Verdicts: what a condition turned out to be, and why.

Three values: true, false, and None for unknown. Unknown is neither: it passes through `not`, and through `all` and
`any` unless another part settles the answer. The algebra is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from autotrader.engine.values import Scalar
from autotrader.language.tree import Place, Unit
from autotrader.structs import dataclass

Truth: TypeAlias = bool | None


def every(parts: Iterable[Truth]) -> Truth:
    """Any false is false, else any unknown is unknown, else true."""
    known = True
    for part in parts:
        if part is False:
            return False
        known = known and part is not None
    return True if known else None


def some(parts: Iterable[Truth]) -> Truth:
    """Any true is true, else any unknown is unknown, else false."""
    known = True
    for part in parts:
        if part is True:
            return True
        known = known and part is not None
    return False if known else None


def negated(part: Truth) -> Truth:
    """Not unknown is unknown."""
    return None if part is None else not part


def count_at_least(parts: Iterable[Truth], least: int) -> Truth:
    """True when `least` parts hold, false when even all unknown ones could not make that many, else unknown."""
    held = unknown = 0
    for part in parts:
        held += part is True
        unknown += part is None
    if held >= least:
        return True
    return False if held + unknown < least else None


@dataclass(frozen=True, slots=True)
class Observed:
    """One side of a comparison: its role, how it is written, what it was, and its unit."""

    role: str  # "value", "threshold", "low", "high", "within", "dead zone"
    text: str
    value: Scalar
    unit: Unit
    is_literal: bool = False  # a number that already stands in the condition's text


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A condition with its answer. `holds` is None for unknown, and then `reason` says why.

    `distance` is how far a false comparison was from true, in the unit of what was observed; None where there is no
    such number. `reason` may also be a note of a known verdict ("true for 1m30s of 2m").
    """

    holds: Truth
    text: str
    key: str
    place: Place
    observed: tuple[Observed, ...] = ()
    distance: float | None = None
    distance_unit: Unit | None = None
    reason: str = ""
    parts: tuple[Verdict, ...] = ()
