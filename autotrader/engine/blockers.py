"""What keeps a rule from firing although its condition holds. A function per blocker, in the order they are told.

Each gives the reason, or "" where it does not block. Blocking never disarms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autotrader.engine.due import in_windows
from autotrader.engine.limits import FIRING_FATE, FIRING_HALT
from autotrader.engine.placing import Placing, Reason, Standing, refusal
from autotrader.engine.requests import Context
from autotrader.engine.state import RuleState, Run
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.open_orders import closed, has_unknown_fate
from autotrader.language.plan import Branch, CompiledRule, MaxRuns
from autotrader.market.sources import Sources
from autotrader.structs import dataclass
from autotrader.times import age_text, span_text, start_of


@dataclass(frozen=True, slots=True)
class Question:
    """A rule that would fire: `at_ms` is the time of its slot, `branch` what it would do, `run` its run under way."""

    rule: CompiledRule
    state: RuleState
    branch: Branch
    run: Run | None
    at_ms: int
    sources: Sources
    context: Context


def _between(q: Question) -> str:
    return "outside its time window" if q.rule.between and not in_windows(q.rule.between, q.at_ms) else ""


def _cooldown(q: Question) -> str:
    until = q.state.cooldown_until_ms
    if until is None or q.at_ms >= until:
        return ""
    return f"cooling down for another {age_text(until - q.at_ms)}"


def _max_runs(q: Question) -> str:
    most = q.rule.max_runs
    if most is None:
        return ""
    since = window_start(most, q.at_ms, q.sources.zone)
    count = sum(moment >= since for moment in q.state.fired_ms)
    if count < most.count:
        return ""
    window = most.window if isinstance(most.window, str) else span_text(most.window)
    return f"has run {count} times this {window} (max_runs {most.count})"


def window_start(most: MaxRuns, at_ms: int, zone: str) -> int:
    """Since when firings count: the start of the day, week or month, or a rolling span ago (excluded)."""
    if isinstance(most.window, int):
        return at_ms - most.window + 1  # a firing exactly that long ago has left the window
    return start_of(most.window, at_ms, zone)


def _paused(q: Question) -> str:
    for pause in q.context.pauses:
        # a rule may bear a label that is another rule's name
        named = pause.name == q.rule.id if pause.kind == "rule" else pause.name in q.rule.labels
        if named and (pause.until_ms is None or q.sources.now_ms < pause.until_ms):
            return "paused" if pause.kind == "rule" else f"paused with label {pause.name}"
    return ""


def _halted(q: Question) -> str:
    return _against_placing(q, FIRING_HALT)


def _against_placing(q: Question, reasons: Sequence[Reason[Placing]]) -> str:
    """What the list of reasons has against one of the orders that the branch would place."""
    for action in q.branch.actions:  # only what places is held back: a rule that cancels or tells goes on under a halt
        if isinstance(action, PlaceOrder):
            unclear = has_unknown_fate(q.sources.record, q.rule.id, q.rule.symbol, action.side)
            found = refusal(reasons, Standing(side=action.side, halt=q.context.halt, unclear=unclear))
            if found is not None:
                return found.reason
    return ""


def _closed(q: Question) -> str:
    places = any(action.trades for action in q.branch.actions)
    return closed(q.sources, q.rule.symbol) if places else ""


def _acting(q: Question) -> str:
    return "its actions are still under way" if q.run is not None else ""


def _unknown_fate(q: Question) -> str:
    return _against_placing(q, FIRING_FATE)


BLOCKERS: tuple[Callable[[Question], str], ...] = (
    _between, _cooldown, _max_runs, _paused, _halted, _closed, _acting, _unknown_fate,
)  # fmt: skip


def blocker(question: Question) -> str:
    """The first thing that blocks, or ""."""
    return next((reason for block in BLOCKERS if (reason := block(question))), "")
