"""A rule's life as a table (docs/language.md §4).

Everything that moves a rule from one phase to another is in `NEXT`. The table does not know what a condition is; it
hears only what became of one. Being blocked does not disarm; unknown neither arms nor disarms; a condition that turns
false while its firing was due is simply over. Cooldown and counts lie beside the phase: they block, they never arm.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from autotrader.engine.state import Pending, Phase, RuleState, Run
from autotrader.language.algebra import Truth
from autotrader.language.plan import At, CompiledRule
from autotrader.times import DAY_MS, MINUTE_MS

KEPT_FIRINGS_MS = 32 * DAY_MS
KEPT_FIRINGS = 1_000  # at least; more where `max_runs` counts further
AT_RETRY_MS = 10 * MINUTE_MS


class Event(StrEnum):
    """What a rule can hear."""

    FREE = "free"  # the condition holds and nothing blocks
    BLOCK = "block"  # the condition holds and something blocks
    OVER = "over"  # the condition is false
    UNKNOWN = "unknown"
    REARM = "rearm"  # what arms it again has come true
    EXPIRE = "expire"  # retry_for has run out
    SETTLED = "settled"  # its actions are at their end
    RETURNED = "returned"  # its order failed through no fault of the rule


_P, _E = Phase, Event
NEXT: dict[tuple[Phase, Event], Phase] = {
    (_P.ARMED, _E.FREE): _P.ACTING,
    (_P.ARMED, _E.BLOCK): _P.BLOCKED,
    (_P.ARMED, _E.OVER): _P.ARMED,
    (_P.ARMED, _E.UNKNOWN): _P.ARMED,
    (_P.ARMED, _E.REARM): _P.ARMED,
    (_P.ARMED, _E.EXPIRE): _P.ARMED,
    (_P.ARMED, _E.SETTLED): _P.ARMED,
    (_P.ARMED, _E.RETURNED): _P.ARMED,
    (_P.BLOCKED, _E.FREE): _P.ACTING,
    (_P.BLOCKED, _E.BLOCK): _P.BLOCKED,
    (_P.BLOCKED, _E.OVER): _P.ARMED,
    (_P.BLOCKED, _E.UNKNOWN): _P.BLOCKED,
    (_P.BLOCKED, _E.REARM): _P.BLOCKED,
    (_P.BLOCKED, _E.EXPIRE): _P.DISARMED,
    (_P.BLOCKED, _E.SETTLED): _P.BLOCKED,
    (_P.BLOCKED, _E.RETURNED): _P.BLOCKED,
    (_P.ACTING, _E.FREE): _P.ACTING,
    (_P.ACTING, _E.BLOCK): _P.ACTING,
    (_P.ACTING, _E.OVER): _P.ACTING,
    (_P.ACTING, _E.UNKNOWN): _P.ACTING,
    (_P.ACTING, _E.REARM): _P.ACTING_REARMED,
    (_P.ACTING, _E.EXPIRE): _P.ACTING,
    (_P.ACTING, _E.SETTLED): _P.DISARMED,
    (_P.ACTING, _E.RETURNED): _P.BLOCKED,
    (_P.ACTING_REARMED, _E.FREE): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.BLOCK): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.OVER): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.UNKNOWN): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.REARM): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.EXPIRE): _P.ACTING_REARMED,
    (_P.ACTING_REARMED, _E.SETTLED): _P.ARMED,
    (_P.ACTING_REARMED, _E.RETURNED): _P.ARMED,
    (_P.DISARMED, _E.FREE): _P.DISARMED,
    (_P.DISARMED, _E.BLOCK): _P.DISARMED,
    (_P.DISARMED, _E.OVER): _P.DISARMED,
    (_P.DISARMED, _E.UNKNOWN): _P.DISARMED,
    (_P.DISARMED, _E.REARM): _P.ARMED,
    (_P.DISARMED, _E.EXPIRE): _P.DISARMED,
    (_P.DISARMED, _E.SETTLED): _P.DISARMED,
    (_P.DISARMED, _E.RETURNED): _P.DISARMED,
}
ARMED = frozenset({Phase.ARMED, Phase.BLOCKED, Phase.ACTING_REARMED})  # the next episode may fire, when nothing blocks
UNDER_WAY = frozenset({Phase.ACTING, Phase.ACTING_REARMED})


def moved(state: RuleState, event: Event) -> RuleState:
    """The state after an event, phase only."""
    phase = NEXT[state.phase, event]
    return state if phase is state.phase else replace(state, phase=phase)


def retry_span_ms(rule: CompiledRule) -> int | None:
    """How long a firing that is blocked or given back stays due; None: as long as the condition holds."""
    if rule.retry_for_ms is not None:
        return rule.retry_for_ms
    return AT_RETRY_MS if isinstance(rule.trigger, At) else None


def scheduled(rule: CompiledRule, state: RuleState) -> RuleState:
    """A scheduled time of an `at` rule begins a new episode: there is no latch."""
    if not isinstance(rule.trigger, At):
        return state
    state = state if state.pending is None else replace(state, pending=None)
    return moved(moved(state, Event.OVER), Event.REARM)


def heard(rule: CompiledRule, state: RuleState, holds: Truth, rearm: Truth, at_ms: int) -> RuleState:
    """The state after an evaluation, before the question whether it fires."""
    if holds is False:
        if state.pending is not None:
            state = replace(state, pending=None)
        state = moved(state, Event.OVER)
    elif holds is None:
        state = moved(state, Event.UNKNOWN)
    if state.phase in ARMED:
        return state
    state = _remembered(rule, state, holds, rearm)
    return _armed_again(state) if _rearms(rule, state, holds, at_ms) else state


def _remembered(rule: CompiledRule, state: RuleState, holds: Truth, rearm: Truth) -> RuleState:
    been_false = state.been_false or holds is False
    rearm_held = state.rearm_held or (rule.rearm_when is not None and rearm is True)
    if (been_false, rearm_held) == (state.been_false, state.rearm_held):
        return state
    return replace(state, been_false=been_false, rearm_held=rearm_held)


def _rearms(rule: CompiledRule, state: RuleState, holds: Truth, at_ms: int) -> bool:
    if state.been_false and (rule.rearm_when is None or state.rearm_held):
        return True
    if rule.repeat_ms is None or holds is not True or state.last_fired_ms is None:
        return False
    return at_ms >= state.last_fired_ms + rule.repeat_ms


def _armed_again(state: RuleState) -> RuleState:
    return replace(moved(state, Event.REARM), been_false=False, rearm_held=False)


def expired(state: RuleState, at_ms: int) -> bool:
    """Whether `retry_for` of a due firing has run out."""
    return state.pending is not None and state.pending.until_ms is not None and at_ms > state.pending.until_ms


def dropped(state: RuleState) -> RuleState:
    """The state when a due firing is given up: its episode is over without a firing."""
    return replace(moved(moved(state, Event.BLOCK), Event.EXPIRE), pending=None)


def blocked(rule: CompiledRule, state: RuleState, at_ms: int) -> RuleState:
    """The state of a due firing that something blocks: due since the first time, and still armed."""
    state = moved(state, Event.BLOCK)
    if state.pending is not None:
        return state
    span = retry_span_ms(rule)
    return replace(state, pending=Pending(at_ms, None if span is None else at_ms + span))


def orphaned(state: RuleState) -> RuleState:
    """The state of a rule whose run is not there any more."""
    return moved(state, Event.SETTLED) if state.phase in UNDER_WAY else state


def fired(rule: CompiledRule, state: RuleState, at_ms: int) -> RuleState:
    """The state of a rule that fires now: disarmed, cooling down, counted."""
    oldest = at_ms - max(KEPT_FIRINGS_MS, _rolling_ms(rule))
    most = max(KEPT_FIRINGS, rule.max_runs.count if rule.max_runs is not None else 0)
    kept = tuple(moment for moment in state.fired_ms if moment > oldest)
    return replace(
        moved(state, Event.FREE),
        been_false=False,
        rearm_held=False,
        pending=None,
        last_fired_ms=at_ms,
        cooldown_until_ms=at_ms + rule.cooldown_ms if rule.cooldown_ms else None,
        fired_ms=(*kept, at_ms)[-most:],
    )


def _rolling_ms(rule: CompiledRule) -> int:
    window = rule.max_runs.window if rule.max_runs is not None else 0
    return window if isinstance(window, int) else 0


def settled(state: RuleState, run: Run, *, counts: bool) -> RuleState:
    """The state when a run has ended. `counts` False: all its orders were refused or too small, so `max_runs` is left
    alone; latch and cooldown stay.
    """
    state = moved(state, Event.SETTLED)
    return state if counts else replace(state, fired_ms=_without(state.fired_ms, run.started_ms))


def given_back(state: RuleState, run: Run) -> RuleState:
    """The state when an order failed through no fault of the rule: latch, cooldown and count as before the firing, and
    the firing due again (unless the condition was false meanwhile: then that episode is over).
    """
    due_again = state.phase is Phase.ACTING
    return replace(
        moved(state, Event.RETURNED),
        fired_ms=_without(state.fired_ms, run.started_ms),
        cooldown_until_ms=run.cooldown_before_ms,
        last_fired_ms=run.last_fired_before_ms,
        been_false=False,
        rearm_held=False,
        pending=Pending(run.pending_since_ms, run.retry_until_ms, returned=True) if due_again else state.pending,
    )


def _without(moments: tuple[int, ...], moment: int) -> tuple[int, ...]:
    """The firings without one of this time; where two share it, one stays."""
    if moment not in moments:
        return moments
    at = moments.index(moment)
    return moments[:at] + moments[at + 1 :]
