"""A run takes its steps: one action after the other, until one has to wait for an answer or the list is at its end.

`advanced` takes the steps that are possible now; `settled` books an answer. Both move the rule's lifecycle when the run
ends: done; failed (denied, rejected, too small: the firing is spent); returned (no fault of the rule: given back).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeAlias

from autotrader.engine import lifecycle
from autotrader.engine.observe import observe_terms
from autotrader.engine.requests import Context, Denied, NeverArrived
from autotrader.engine.shown import shown
from autotrader.engine.state import RuleState, Run
from autotrader.engine.values import exact
from autotrader.language.actions.action import ActionContext, Failed, Waits
from autotrader.language.plan import CompiledRule
from autotrader.language.requests import Dropped, Request, Skipped
from autotrader.market.account import OwnOrder
from autotrader.market.sources import Sources
from autotrader.orders import (
    Accepted,
    Cancelled,
    Mismatch,
    NotSent,
    Order,
    Rejected,
    Unknown,
)
from autotrader.structs import dataclass

Result: TypeAlias = (
    Accepted | Rejected | NotSent | Unknown | Mismatch | Cancelled | Denied | Skipped | Dropped | NeverArrived
)


@dataclass(frozen=True, slots=True)
class Step:
    """The run and the rule's state after a step, with what it asks for. `state` None: there is none (any more)."""

    run: Run
    state: RuleState | None
    requests: tuple[Request, ...] = ()


def advanced(
    rule: CompiledRule | None,
    run: Run,
    state: RuleState | None,
    sources: Sources,
    context: Context,
    deadline_ms: int,
) -> Step:
    """Take all steps of a ready run that are possible now. `rule` None: it was removed; an edit ends the run too."""
    if rule is None or rule.hash != run.hash:
        return _over(run, state, "failed", "the rule was edited or removed while its actions were under way")
    actions = rule.branches[run.branch].actions
    sources = replace(sources, order=latest_order(run, sources))
    values = observe_terms(rule.action_terms, sources)
    requests: list[Request] = []
    while run.step < len(actions):
        step = actions[run.step].requests(ActionContext(
            rule=rule.id, symbol=rule.symbol, labels=rule.labels, run=run.key, branch=run.branch, step=run.step,
            latest=run.latest, later=actions[run.step + 1 :], sources=sources, store_id=context.store_id,
            deadline_ms=deadline_ms, exact=partial(exact, values=values), shown=partial(shown, values=values),
        ))  # fmt: skip
        if isinstance(step, Failed):
            ended = _failed(run, state, step.why)
            return Step(ended.run, ended.state, tuple(requests))
        requests += step.requests
        if isinstance(step, Waits):
            return Step(replace(run, status="waiting", awaiting=step.awaiting), state, tuple(requests))
        run = replace(run, step=run.step + 1)
    ended = _over(run, state, "done", "")
    return Step(ended.run, ended.state, tuple(requests))


def latest_order(run: Run, sources: Sources) -> Order | OwnOrder | None:
    """The order that `order.*` speaks of, as the record knows it now."""
    if run.latest is None:
        return None
    known = (order for order in sources.record.orders if order.client_order_id == run.latest.client_order_id)
    return next(known, run.latest)


def settled(run: Run, state: RuleState | None, request_id: str, result: Result, steps: int) -> Step:
    """Book the answer to one request of a waiting run. `steps` is the number of actions in its list.

    An answer to something that the run does not wait for changes nothing, so booking twice is harmless.
    """
    if run.is_over or request_id not in run.awaiting:
        return Step(run, state)
    match result:
        case Accepted(order):
            taken = replace(run, placed=(*run.placed, order.client_order_id), latest=order)
            return _answered(taken, state, request_id, steps)
        case Cancelled():
            return _answered(run, state, request_id, steps)
        case Unknown(reason):
            said = f"fate unknown: {reason}"
            return Step(run if run.reason == said else replace(run, reason=said), state)
        case _:
            return _failed(run, state, result)


def _answered(run: Run, state: RuleState | None, request_id: str, steps: int) -> Step:
    awaiting = tuple(other for other in run.awaiting if other != request_id)
    if awaiting:
        return Step(replace(run, awaiting=awaiting), state)
    run = replace(run, awaiting=(), step=run.step + 1, status="ready", reason="")
    return _over(run, state, "done", "") if run.step >= steps else Step(run, state)


Failure: TypeAlias = Rejected | NotSent | Mismatch | Denied | Skipped | Dropped | NeverArrived


def _failed(run: Run, state: RuleState | None, why: Failure) -> Step:
    match why:
        case Rejected(_, reason, "outside"):
            return _over(run, state, "returned", f"rejected: {reason}")
        case NotSent(reason):
            return _over(run, state, "returned", f"not sent: {reason}")
        case Dropped(reason):
            return _over(run, state, "returned", f"dropped: {reason}")
        case NeverArrived(reason):
            return _over(run, state, "returned", f"never arrived: {reason}")
        case Rejected(_, reason):
            return _over(run, state, "failed", f"rejected: {reason}")
        case Denied(reason):
            return _over(run, state, "failed", f"denied: {reason}")
        case Skipped(reason):
            return _over(run, state, "failed", f"skipped: {reason}")
        case Mismatch(reason):
            return _over(run, state, "failed", f"the venue answered with another order: {reason}")


def _over(run: Run, state: RuleState | None, status: str, reason: str) -> Step:
    """The end of a run, and what it means for the rule."""
    if status == "returned":
        return Step(
            replace(run, status="returned", reason=reason, awaiting=()),
            None if state is None else lifecycle.given_back(state, run),
        )
    ended = replace(run, status="done" if status == "done" else "failed", reason=reason, awaiting=())
    counts = status == "done" or bool(run.placed)
    return Step(ended, None if state is None else lifecycle.settled(state, run, counts=counts))
