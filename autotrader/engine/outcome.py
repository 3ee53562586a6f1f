"""What one `decide` gives, as values: decisions for the record, notices for people, next states and requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autotrader.engine.state import Phase, RuleState, Run, StateKey
from autotrader.engine.values import Scalar, Values
from autotrader.language.algebra import Truth
from autotrader.language.requests import Request
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one due rule, symbol and order. With the recorded values and the state before, the verdict tree
    can be rebuilt (`explain.retold`). `branch` is the index of what it did or would do.
    """

    rule: str
    symbol: str
    order: str
    slot_ms: int
    at_ms: int
    kind: str
    rule_hash: str
    holds: Truth
    fired: bool = False
    branch: int | None = None
    blocked: str = ""
    dropped: bool = False
    phase: Phase = Phase.ARMED


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should hear that is no `notify` of theirs."""

    level: Literal["info", "warn", "critical"]
    text: str
    rule: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one `decide`. `states` and `runs` are complete; `changed` names the states to keep: those in which
    more than the last evaluated slot is new, or whose timers need that slot; `gone` were dropped with their orders.
    `values` is the shared table of the cycle, `order_values` what was seen beside it of single orders, by rule and id,
    `asked` what actions looked at, by order ("" for none) and term: with these three a cycle can be decided again.
    """

    decisions: tuple[Decision, ...]
    states: Mapping[StateKey, RuleState]
    runs: tuple[Run, ...]
    requests: tuple[Request, ...]
    notices: tuple[Notice, ...]
    values: Values
    order_values: Mapping[tuple[str, str], Mapping[str, Scalar]]
    asked: Mapping[tuple[str, str], Scalar]
    changed: tuple[StateKey, ...]
    gone: tuple[StateKey, ...] = ()
