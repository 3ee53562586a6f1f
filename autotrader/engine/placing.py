"""What stands against placing an order of a rule, symbol and side, whatever it is worth: asked at every door.

An order passes five doors: its rule fires; the gate admits it to the journal; the gateway sends it, and asks before and
after "sent" is written, since a commit may take long; the gate ages what it was judged on; the signer signs it. Between
them seconds may pass and other orders are sent, so a reason is asked again wherever its answer may have become worse.
Which reason is asked at which door is one list, at the end of `limits`.

A reason answers "" (allowed), a text (denied), or `Missing` (what it must know it cannot know, which refuses as well).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from autotrader.engine.halt import Halt
from autotrader.engine.requests import CannotKnow, Denied
from autotrader.market.answers import Missing
from autotrader.orders import Side
from autotrader.structs import dataclass

MOST_UNCERTAIN_MS = 500  # above this doubt about the venue's time nothing is signed


class Placing(Protocol):
    """What every door knows. `unclear`: an earlier order of this rule, symbol and side may or may not be at the venue;
    `refusals` were refused or unknown in a row, `most_refusals` is `halt_after`.
    """

    @property
    def side(self) -> Side:
        """Buy or sell."""

    @property
    def halt(self) -> Halt | None:
        """The halt in force."""

    @property
    def unclear(self) -> bool:
        """Whether an earlier order has an unknown fate."""

    @property
    def refusals(self) -> int:
        """Refused or unknown orders in a row."""

    @property
    def most_refusals(self) -> int | None:
        """From how many on everything stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known where nothing else is: a rule that would fire, or an order that is to be signed."""

    side: Side
    halt: Halt | None = None
    unclear: bool = False
    refusals: int = 0
    most_refusals: int | None = None


@dataclass(frozen=True, slots=True)
class Datum:
    """Something that an order was judged on: when it was asked for, and how old it may become."""

    name: str
    asked_ms: int | None
    limit_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """An order of the journal that is about to leave. `judged_on` is None where nobody remembers (another process)."""

    side: Side
    now_ms: int
    halt: Halt | None = None
    unclear: bool = False
    refusals: int = 0
    most_refusals: int | None = None
    deadline_ms: int = 0
    uncertainty_ms: int = 0
    judged_on: tuple[Datum, ...] | None = None


P_contra = TypeVar("P_contra", contravariant=True)
P = TypeVar("P")


class Reason(Protocol[P_contra]):
    """One reason not to place."""

    def refuse(self, placing: P_contra) -> str | Missing:
        """Why the order is denied, what cannot be known, or ""."""


def refusal(reasons: Sequence[Reason[P]], placing: P) -> Denied | None:
    """The first of these reasons that has something against it, None where none has."""
    for reason in reasons:
        said = reason.refuse(placing)
        if isinstance(said, Missing):
            return CannotKnow(said.reason, type(reason).__name__)
        if said:
            return Denied(said, type(reason).__name__)
    return None


# ------------------------------------------------------------------------------------------------------- the reasons
class Halted:
    """After a halt no new order is sent, or with a halt of the weakest level no buy. Too many refusals in a row are a
    halt that nobody has written yet.
    """

    def refuse(self, placing: Placing) -> str:
        """What a halt stops, and any order after `halt_after` refusals."""
        if placing.halt is not None and placing.halt.stops(placing.side):
            return placing.halt.text
        return refused_too_often(placing.refusals, placing.most_refusals)


def refused_too_often(row: int, most: int | None) -> str:
    """Why so many refusals in a row stop everything, or ""."""
    return f"halt_after: {row} orders refused or unknown in a row" if most is not None and row >= most else ""


class UnknownFate:
    """While an order may or may not be at the venue, its rule, symbol and side place nothing new."""

    def refuse(self, placing: Placing) -> str:
        """A second order beside one of unknown fate."""
        return f"an earlier {placing.side.lower()} order has an unknown fate" if placing.unclear else ""


class Late:
    """An order of an old decision is none any more."""

    def refuse(self, leaving: Leaving) -> str:
        """What has passed its deadline."""
        late_ms = leaving.now_ms - leaving.deadline_ms
        return f"dropped as late: {late_ms} ms after its deadline" if late_ms > 0 else ""


class UnsureTime:
    """The horizon after which an order cannot arrive any more is counted from the venue's time."""

    def refuse(self, leaving: Leaving) -> str | Missing:
        """Any order while that time is in doubt."""
        if leaving.uncertainty_ms <= MOST_UNCERTAIN_MS:
            return ""
        return Missing(f"the venue's time is not known well enough (± {leaving.uncertainty_ms} ms)")


class Stale:
    """Everything that an order was judged on is still young enough when it leaves."""

    def refuse(self, leaving: Leaving) -> str | Missing:
        """What was judged on something old, or on nobody knows what."""
        if leaving.judged_on is None:
            return Missing("it is not known what this order was judged on")
        for datum in leaving.judged_on:
            if datum.asked_ms is None:
                return Missing(f"{datum.name}: never seen")
            age_ms = leaving.now_ms - datum.asked_ms
            if age_ms > datum.limit_ms:
                return f"{datum.name}: {age_ms / 1000:.1f} s old (limit {datum.limit_ms / 1000:g} s)"
        return ""
