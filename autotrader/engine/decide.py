"""Say what each due rule wants at this moment; touch nothing.

All due rules see the same frozen sources. A rule (per order, where it says so) is evaluated fast; where its condition
holds, it is armed and nothing blocks it, it fires: the firing becomes a run, and the run takes its first steps. Runs
from earlier cycles take theirs. What comes out are decisions for the record, the next states and runs, and requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from autotrader.engine import lifecycle
from autotrader.engine.advance import advanced
from autotrader.engine.answer import Answer, evaluated, unknown_reason
from autotrader.engine.blockers import Question, blocker
from autotrader.engine.due import LATEST_MS, Due, DueSlot, period_ms
from autotrader.engine.observe import Noted, Prepared, observe, prepared, with_order
from autotrader.engine.outcome import Decision, Notice, Outcome
from autotrader.engine.requests import Context
from autotrader.engine.state import Phase, RuleState, Run, StateKey
from autotrader.engine.values import Scalar, Values
from autotrader.language.open_orders import AnyOrder, cancel_request, listed_orders, open_orders, order_key
from autotrader.language.plan import At, CompiledRule, OnClose, Plan
from autotrader.language.requests import CancelOrder, Request
from autotrader.language.shapes import Moment
from autotrader.market.sources import Missing, Sources
from autotrader.structs import dataclass

ALERT_AFTER_MS = 10_000  # a candle that is this late is worth an alert


@dataclass(slots=True)
class _Cycle:
    """What is gathered while one cycle is decided; it never leaves this module."""

    sources: Sources
    context: Context
    values: Values
    states: dict[StateKey, RuleState]
    runs: dict[tuple[str, str, str, int], Run]
    noted: Noted
    active: dict[StateKey, Run] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    stirred: dict[StateKey, None] = field(default_factory=dict)
    order_values: dict[tuple[str, str], Mapping[str, Scalar]] = field(default_factory=dict)


def decide(
    plan: Plan,
    due: Due,
    sources: Sources,
    states: Mapping[StateKey, RuleState],
    runs: Iterable[Run],
    context: Context,
) -> Outcome:
    """Decisions, next states and runs, and requests, for what is due."""
    # the table is filled once for all rules: two rules that ask the same see the same
    ready = [(slot, prepared(slot.rule)) for slot in due.slots]
    values = observe((rule for _, rule in ready), sources)
    cycle = _Cycle(sources, context, values, dict(states), {run.key: run for run in runs}, Noted(sources))
    cycle.active = {run.state_key: run for run in cycle.runs.values() if not run.is_over}
    _pass_missed(cycle, due)
    _time_out_orders(cycle, due)
    _step_runs(cycle, plan, due)
    for slot, rule in ready:
        if slot.rule.for_each_order is None:
            _decide_one(cycle, slot, rule, values, None)
        else:
            _decide_orders(cycle, slot, rule)
    gone = _forget_orders(cycle, due)
    return Outcome(
        decisions=tuple(cycle.decisions),
        states=cycle.states,
        runs=tuple(cycle.runs.values()),
        requests=_once_each(cycle.requests),
        notices=tuple(cycle.notices),
        values=values,
        order_values=cycle.order_values,
        asked=cycle.noted.asked,
        changed=tuple(key for key in cycle.stirred if key in cycle.states),
        gone=gone,
    )


def _once_each(requests: Iterable[Request]) -> tuple[Request, ...]:
    """One cancel per order and cycle: the first asks for it, later ones ride along."""
    seen: set[str] = set()
    kept: list[Request] = []
    for request in requests:
        if isinstance(request, CancelOrder):
            if request.id in seen:  # two rules may want the same order gone; the exchange is asked once
                continue
            seen.add(request.id)
        kept.append(request)
    return tuple(kept)


# ------------------------------------------------------------------------------------- slots, timers, runs, orders
def _pass_missed(cycle: _Cycle, due: Due) -> None:
    for key, slot_ms in due.passed.items():
        cycle.states[key] = cycle.states.get(key, RuleState()).at_slot(slot_ms)


def _time_out_orders(cycle: _Cycle, due: Due) -> None:
    for order in due.timers:
        cycle.requests.append(CancelOrder(request=cancel_request(order), run=None, reason="cancel_after ran out"))


def _step_runs(cycle: _Cycle, plan: Plan, due: Due) -> None:
    rules = {(rule.id, rule.symbol): rule for rule in plan.rules} if due.runs else {}
    for run in due.runs:
        current = cycle.runs.get(run.key)
        if current is not None and current.status == "ready":  # an earlier step of this cycle may have moved it
            rule = rules.get((run.rule, run.symbol))
            _advance(cycle, rule, current, cycle.sources.now_ms + LATEST_MS)


def _advance(cycle: _Cycle, rule: CompiledRule | None, run: Run, deadline_ms: int) -> None:
    # through the notebook, so that a replay can answer what actions ask
    sources = replace(cycle.sources, recorded=cycle.noted)
    step = advanced(rule, run, cycle.states.get(run.state_key), sources, cycle.context, deadline_ms)
    cycle.runs[run.key] = step.run
    cycle.requests += step.requests
    if step.state is not None:
        cycle.states[run.state_key] = step.state
        cycle.stirred[run.state_key] = None
    if step.run.is_over:
        cycle.active.pop(run.state_key, None)  # its rule may fire again within this very cycle
        if step.run.status == "failed" or (step.run.status == "returned" and is_first_try(run)):
            cycle.notices.append(Notice("warn", f"{run.rule} ({run.symbol}): {step.run.reason}", run.rule, run.symbol))
    else:
        cycle.active[run.state_key] = step.run


def is_first_try(run: Run) -> bool:
    """Whether a run is not the retry of a firing that was given back: only that one is worth a notice."""
    return run.pending_since_ms == run.started_ms


def _decide_orders(cycle: _Cycle, slot: DueSlot, rule: Prepared) -> None:
    """A per-order rule: once per matching order; the slot itself is kept under the rule's own state."""
    key = StateKey(slot.rule.id, slot.rule.symbol)
    holder = cycle.states.get(key, RuleState(when_hash=slot.rule.when_hash))
    wanted = slot.rule.for_each_order
    found = Missing("") if wanted is None else open_orders(cycle.sources, slot.rule.id, slot.rule.symbol, wanted)
    if isinstance(found, Missing):
        # orders that could not be listed are not "no orders"
        holder = _unseen(cycle, slot, key, holder, f"open orders: {found.reason}")
        found = ()
    elif holder.pending is not None:  # at the scheduled time the orders could not be seen: this is it
        holder, slot = replace(holder, phase=Phase.ARMED, pending=None), replace(slot, kind="catch_up")
        cycle.stirred[key] = None
    cycle.states[key] = holder.at_slot(slot.slot_ms)  # the slot counts for the rule, whatever its orders do
    for order in found:
        values = with_order(cycle.values, rule, cycle.sources, order)
        cycle.order_values[slot.rule.id, order_key(order)] = values.only(term for term, _ in rule.of_order)
        _decide_one(cycle, slot, rule, values, order)


def _unseen(cycle: _Cycle, slot: DueSlot, key: StateKey, holder: RuleState, reason: str) -> RuleState:
    """The state of a per-order rule that cannot see the orders: an `at` rule looks again, for as long as it may."""
    cycle.decisions.append(_blind(slot, reason))
    if not isinstance(slot.rule.trigger, At):
        return holder
    cycle.stirred[key] = None
    if not lifecycle.expired(holder, slot.at_ms):
        return lifecycle.blocked(slot.rule, holder, slot.at_ms)
    cycle.notices.append(_dropped_notice(slot.rule, reason))
    return replace(holder, phase=Phase.ARMED, pending=None)


def _blind(slot: DueSlot, reason: str) -> Decision:
    """A per-order rule that could not see the orders."""
    return Decision(
        rule=slot.rule.id, symbol=slot.rule.symbol, order="", slot_ms=slot.slot_ms, at_ms=slot.at_ms, kind=slot.kind,
        rule_hash=slot.rule.hash, holds=None, blocked=reason,
    )  # fmt: skip


def _forget_orders(cycle: _Cycle, due: Due) -> tuple[StateKey, ...]:
    """States of orders that are over and of which no run is left."""
    looked_at = {(slot.rule.id, slot.rule.symbol) for slot in due.slots if slot.rule.for_each_order is not None}
    if not looked_at:
        return ()
    # our own record knows of orders that the exchange's list does not show yet
    alive = {order.client_order_id for order in cycle.sources.record.orders}
    unlisted = set()
    for symbol in {symbol for _, symbol in looked_at}:
        listed = listed_orders(cycle.sources, symbol)
        if isinstance(listed, Missing):
            unlisted.add(symbol)  # what was not listed is not gone: foreign orders keep their state
        else:
            alive |= {order_key(order) for order in listed if order.symbol == symbol}
    gone = tuple(
        key
        for key in cycle.states
        if key.order
        and (key.rule, key.symbol) in looked_at
        and key.order not in alive
        and key not in cycle.active  # a run under way needs the state that it will move
        and (key.symbol not in unlisted or key.order.startswith("at-"))  # of our own orders the record alone decides
    )
    for key in gone:
        del cycle.states[key]
    return gone


# --------------------------------------------------------------------------------------------------- one decision
def _decide_one(cycle: _Cycle, slot: DueSlot, ready: Prepared, values: Values, order: AnyOrder | None) -> None:
    rule = slot.rule
    key = StateKey(rule.id, rule.symbol, "" if order is None else order_key(order))
    state = _current(cycle, key, rule)
    if slot.kind == "retry" and state.pending is None:  # what waited has come to its end since it was scheduled
        return
    if slot.kind in {"slot", "catch_up"}:
        state = lifecycle.scheduled(rule, state)  # a new scheduled time ends what an earlier one left waiting
    moment = Moment(slot.at_ms, state.last_slot_ms, period_ms(rule))
    answer = evaluated(ready, state, values, moment)
    task = _Task(slot, ready, key, moment, values, order, answer)
    if _is_to_look_again(cycle, task):
        _look_again(cycle, task, state)
        return
    # a retry falls between slots and must not move timers and sides
    if slot.kind != "retry" and answer.leaves != state.leaves:
        state = replace(state, leaves=answer.leaves)
    _conclude(cycle, task, state)


@dataclass(frozen=True, slots=True)
class _Task:
    """One evaluation: of which rule, state and slot, with which values, and its answer."""

    slot: DueSlot
    ready: Prepared
    key: StateKey
    moment: Moment
    values: Values
    order: AnyOrder | None
    answer: Answer


def _current(cycle: _Cycle, key: StateKey, rule: CompiledRule) -> RuleState:
    """The rule's state; an edit of its condition resets what the leaves remember, and nothing else."""
    state = cycle.states.get(key)
    if state is None:
        return RuleState(when_hash=rule.when_hash)
    if key not in cycle.active:
        state = lifecycle.orphaned(state)  # a crash may have kept the state of a firing whose run was never written
    if state.when_hash == rule.when_hash:
        return state
    # another condition remembers nothing; latch, cooldown and counts are the rule's
    return replace(state, when_hash=rule.when_hash, leaves={})


def _store(cycle: _Cycle, task: _Task, state: RuleState) -> None:
    """Keep the state after a slot; remember it as changed if more than the slot is new, or the slot itself matters:
    timers tell a gap in the evaluations by it.
    """
    before = cycle.states.get(task.key)
    if state is not before or state.looking_ms is not None or state.leaves:
        cycle.stirred[task.key] = None
    # a retry carries an older slot; the newest that was looked at stays
    slot_ms = max(task.slot.slot_ms, state.last_slot_ms or task.slot.slot_ms)
    cycle.states[task.key] = state.at_slot(slot_ms)


def _is_to_look_again(cycle: _Cycle, task: _Task) -> bool:
    """Only a known result is the evaluation of an `on_close` slot: until the next close it is looked at again."""
    rule, slot = task.slot.rule, task.slot
    if task.answer.holds is not None or not isinstance(rule.trigger, OnClose) or slot.kind not in {"slot", "look"}:
        return False
    return task.order is None and not (rule.on_unknown == "fire" and _is_late(cycle, slot))


def _is_late(cycle: _Cycle, slot: DueSlot) -> bool:
    return cycle.sources.now_ms - slot.slot_ms >= ALERT_AFTER_MS


def _look_again(cycle: _Cycle, task: _Task, state: RuleState) -> None:
    before = state
    if state.looking_ms != task.slot.slot_ms:
        state = replace(state, looking_ms=task.slot.slot_ms)
    if _is_late(cycle, task.slot):
        state = _alerted(cycle, task, state)
    if state is not before:
        cycle.stirred[task.key] = None
    cycle.states[task.key] = state
    cycle.decisions.append(_decision(task, state))


def _conclude(cycle: _Cycle, task: _Task, state: RuleState) -> None:
    rule, answer, at_ms = task.slot.rule, task.answer, task.slot.at_ms
    state = _alerted(cycle, task, state)
    acts = answer.holds is True or (answer.holds is None and rule.on_unknown == "fire")
    state = lifecycle.heard(rule, state, True if acts else answer.holds, answer.rearm, at_ms)
    branch = answer.branch
    # nothing to do, or it may not: only then can a scheduled time be left for later
    if not acts or branch is None or state.phase not in lifecycle.ARMED:
        if _is_to_judge_later(task, state):
            _judge_later(cycle, task, state)
            return
        _store(cycle, task, state)
        cycle.decisions.append(_decision(task, state))
        return
    run = cycle.active.get(task.key)
    reason = blocker(Question(rule, state, rule.branches[branch], run, at_ms, cycle.sources, cycle.context))
    if lifecycle.expired(state, at_ms):
        _drop(cycle, task, state, reason or "retry_for ran out")
    elif reason:
        state = lifecycle.blocked(rule, state, at_ms)
        _store(cycle, task, state)
        cycle.decisions.append(_decision(task, state, blocked=reason))
    else:
        _fire(cycle, task, state, branch)


def _is_to_judge_later(task: _Task, state: RuleState) -> bool:
    """Whether a scheduled time (`at`) could not be judged: it comes once, so it is looked at again."""
    return task.answer.holds is None and isinstance(task.slot.rule.trigger, At) and state.phase in lifecycle.ARMED


def _judge_later(cycle: _Cycle, task: _Task, state: RuleState) -> None:
    if lifecycle.expired(state, task.slot.at_ms):
        why = unknown_reason(task.slot.rule, task.values, state, task.moment)
        _drop(cycle, task, state, f"its condition was not known: {why}")
        return
    state = lifecycle.blocked(task.slot.rule, state, task.slot.at_ms)
    _store(cycle, task, state)
    cycle.decisions.append(_decision(task, state))


def _drop(cycle: _Cycle, task: _Task, state: RuleState, reason: str) -> None:
    state = lifecycle.dropped(state)
    _store(cycle, task, state)
    cycle.decisions.append(_decision(task, state, blocked=reason, dropped=True))
    cycle.notices.append(_dropped_notice(task.slot.rule, reason))


def _dropped_notice(rule: CompiledRule, reason: str) -> Notice:
    text = f"{rule.id} ({rule.symbol}): firing dropped, retry_for has run out: {reason}"
    return Notice("warn", text, rule.id, rule.symbol)


def _fire(cycle: _Cycle, task: _Task, state: RuleState, branch: int) -> None:
    rule, slot, key = task.slot.rule, task.slot, task.key
    span = lifecycle.retry_span_ms(rule)
    # a firing that was given back goes on waiting from its first try
    since = slot.at_ms if state.pending is None else state.pending.since_ms
    run = Run(
        rule=rule.id, symbol=rule.symbol, order=key.order, slot_ms=slot.slot_ms, branch=branch, hash=rule.hash,
        started_ms=slot.at_ms, pending_since_ms=since, retry_until_ms=None if span is None else since + span,
        cooldown_before_ms=state.cooldown_until_ms, last_fired_before_ms=state.last_fired_ms, latest=task.order,
    )  # fmt: skip
    # before its first step, which may end and move the state again
    _store(cycle, task, lifecycle.fired(rule, state, slot.at_ms))
    _advance(cycle, rule, run, slot.deadline_ms)
    cycle.decisions.append(_decision(task, cycle.states[key], fired=True))


def _alerted(cycle: _Cycle, task: _Task, state: RuleState) -> RuleState:
    """Report a stretch of unknown once, where the rule asks for it; a known answer ends the stretch."""
    rule = task.slot.rule
    if task.answer.holds is not None:
        # a known answer ends the stretch, so the next one is told again
        return replace(state, alerted=False) if state.alerted else state
    if state.alerted or rule.on_unknown != "alert":
        return state
    why = unknown_reason(rule, task.values, state, task.moment)
    cycle.notices.append(Notice("warn", f"{rule.id} ({rule.symbol}): unknown: {why}", rule.id, rule.symbol))
    return replace(state, alerted=True)


def _decision(
    task: _Task, state: RuleState, *, fired: bool = False, blocked: str = "", dropped: bool = False
) -> Decision:
    slot = task.slot
    return Decision(
        rule=slot.rule.id, symbol=slot.rule.symbol, order=task.key.order, slot_ms=slot.slot_ms, at_ms=slot.at_ms,
        kind=slot.kind, rule_hash=slot.rule.hash, holds=task.answer.holds, fired=fired, branch=task.answer.branch,
        blocked=blocked, dropped=dropped, phase=state.phase,
    )  # fmt: skip
