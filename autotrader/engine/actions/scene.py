"""What an action sees, and the three things that it can give."""

from __future__ import annotations

from typing import TypeAlias

from autotrader.engine.requests import Context, Dropped, Request, Skipped
from autotrader.engine.state import Run
from autotrader.engine.values import Values
from autotrader.language.plan import CompiledRule
from autotrader.market.sources import Sources
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One step of a run. `values` hold the action's own terms; `sources.order` is the run's latest order."""

    rule: CompiledRule
    run: Run
    values: Values
    sources: Sources
    context: Context
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    """The step is complete with these requests; the next action follows at once."""

    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The step is complete when each of `awaiting` has been answered."""

    requests: tuple[Request, ...]
    awaiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The step cannot be done and ends the list: skipped spends the firing, dropped gives it back."""

    why: Skipped | Dropped


Given: TypeAlias = Done | Waits | Failed
