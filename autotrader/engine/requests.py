"""What a decision knows beside the sources, and the ends of a request that the venue never answered."""

from __future__ import annotations

from typing import Literal

from autotrader.engine.halt import Halt
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused by a limit of the account file: the firing is spent. `limit` is that limit's name."""

    reason: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class CannotKnow(Denied):
    """Refused as well, because something that the limit must know is not known."""


@dataclass(frozen=True, slots=True)
class NeverArrived:
    """An unknown fate was resolved: the venue proved never to have had it. The firing is given back."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause in force: of a rule or of a label, until a time or (None) until resumed."""

    kind: Literal["rule", "label"]
    name: str
    until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a decision must know beside the sources: whose store this is, what is paused, and whether all is halted."""

    store_id: str
    pauses: tuple[Pause, ...] = ()
    halt: Halt | None = None
