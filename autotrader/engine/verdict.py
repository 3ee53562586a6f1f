"""Verdicts: what a condition turned out to be, and why.

Three values: true, false, and None for unknown. Unknown is neither: it passes through `not`, and through `all` and
`any` unless another part settles the answer.
"""

from __future__ import annotations

from autotrader.engine.values import Scalar
from autotrader.language.algebra import Truth
from autotrader.language.tree import Place, Unit
from autotrader.structs import dataclass


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
