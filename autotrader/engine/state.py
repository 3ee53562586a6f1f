"""What is kept of a rule between cycles and over restarts: its state, and the runs that its firings made.

There is one state per rule and symbol, and for `for_each_order` one more per order. A run is one firing on its way
through its list of actions. Both are plain values; how they are kept is the task of `records.forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Literal, NamedTuple

from autotrader.language.requests import RunKey
from autotrader.language.shapes import LeafMemory
from autotrader.market.account import OwnOrder
from autotrader.orders import Order
from autotrader.structs import dataclass


class Phase(StrEnum):
    """Where a rule stands; the moves between the phases are in `lifecycle.NEXT`."""

    ARMED = "armed"  # the next slot at which the condition holds fires
    BLOCKED = "blocked"  # a firing is due, and something blocks it
    ACTING = "acting"  # fired; its actions are under way
    ACTING_REARMED = "acting_rearmed"  # the same, and the next episode is armed already
    DISARMED = "disarmed"  # fired; waits until the condition has been false


class StateKey(NamedTuple):
    """A rule and symbol, and the order at hand for per-order rules (client order id, or the venue's id), else ""."""

    rule: str
    symbol: str
    order: str = ""


class Pending(NamedTuple):
    """A firing that is still due: blocked, or given back because its order failed through no fault of the rule.

    `since_ms` is when it first was due, `until_ms` when it is dropped (None: as long as the condition holds).
    """

    since_ms: int
    until_ms: int | None
    returned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """All that is kept of one rule, symbol and order. Times are venue milliseconds.

    `last_slot_ms` is the last evaluated slot: no slot up to it is ever evaluated (again). `looking_ms` is an
    `on_close` slot that is looked at again because its candle was late.
    """

    phase: Phase = Phase.ARMED
    been_false: bool = False  # since the firing
    rearm_held: bool = False  # `rearm_when` has held since the firing
    leaves: Mapping[str, LeafMemory] = field(default_factory=dict)
    last_slot_ms: int | None = None
    looking_ms: int | None = None
    last_fired_ms: int | None = None
    cooldown_until_ms: int | None = None
    fired_ms: tuple[int, ...] = ()  # the firings that count for max_runs
    pending: Pending | None = None
    alerted: bool = False  # the present stretch of unknown has been reported
    when_hash: str = ""

    def at_slot(self, slot_ms: int) -> RuleState:
        """This state after a slot: nothing is looked at again. (`replace`, but four times as fast: every due rule
        comes through here in every cycle.)
        """
        copy: RuleState = object.__new__(RuleState)
        for name in _STATE_FIELDS:
            object.__setattr__(copy, name, getattr(self, name))
        object.__setattr__(copy, "last_slot_ms", slot_ms)
        object.__setattr__(copy, "looking_ms", None)
        return copy


_STATE_FIELDS = tuple(RuleState.__dataclass_fields__)

RunStatus = Literal["ready", "waiting", "done", "failed", "returned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One firing on its way through its actions.

    `step` is the action at hand. Status "ready": the next cycle takes the step; "waiting": requests of this step are
    under way (`awaiting`: client order ids or venue ids). "done", "failed" and "returned" are ends. `before` is the
    rule's state as it was before the firing: what a firing that is given back restores.
    """

    rule: str
    symbol: str
    order: str
    slot_ms: int
    branch: int
    step: int = 0
    status: RunStatus = "ready"
    hash: str
    started_ms: int
    pending_since_ms: int
    retry_until_ms: int | None = None
    awaiting: tuple[str, ...] = ()
    placed: tuple[str, ...] = ()  # client order ids of orders that the venue took
    reason: str = ""
    cooldown_before_ms: int | None = None
    last_fired_before_ms: int | None = None
    latest: Order | OwnOrder | None = None

    @property
    def key(self) -> RunKey:
        """What makes it this run."""
        return (self.rule, self.symbol, self.order, self.slot_ms)

    @property
    def state_key(self) -> StateKey:
        """The state that this run's end moves."""
        return StateKey(self.rule, self.symbol, self.order)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in {"done", "failed", "returned"}
