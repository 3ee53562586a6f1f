"""A halt: why nothing may be placed, and how much of placing it stops. The stronger of two halts is the one in force.

Every level leaves cancelling alone, and none of them ends by itself: a person resumes.
"""

from __future__ import annotations

from enum import StrEnum

from autotrader.orders import Side
from autotrader.structs import dataclass


class HaltLevel(StrEnum):
    """How much a halt stops, from the weakest to the strongest."""

    REDUCE_ONLY = "reduce_only"  # no buys; what is held may be sold
    HALT = "halt"  # no new order
    CANCEL = "cancel"  # no new order, and our open orders are taken back


_STRENGTH = {level: strength for strength, level in enumerate(HaltLevel)}


@dataclass(frozen=True, slots=True)
class Halt:
    """A halt in force."""

    reason: str
    level: HaltLevel = HaltLevel.HALT

    def stops(self, side: Side) -> bool:
        """Whether orders of this side may not be placed. On a spot account a sale can only sell what is held."""
        return self.level is not HaltLevel.REDUCE_ONLY or side is Side.BUY

    @property
    def text(self) -> str:
        """For people: what it means, and why."""
        meaning = "nothing is bought" if self.level is HaltLevel.REDUCE_ONLY else "trading is halted"
        return f"{meaning}: {self.reason}"


def strongest(*halts: Halt | None) -> Halt | None:
    """The strongest of several; the first of those that are equal."""
    made = [halt for halt in halts if halt is not None]
    return max(made, key=lambda halt: _STRENGTH[halt.level], default=None)


def stronger(first: Halt | None, second: Halt | None) -> Halt | None:
    """The stronger of two; the first where they are equal."""
    if first is None or second is None:
        return first or second
    return second if _STRENGTH[second.level] > _STRENGTH[first.level] else first
