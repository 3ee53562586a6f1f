"""A whole rule evaluated: `when`, `rearm_when` and the choice of a branch, joined into one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autotrader.engine.conditions import judge
from autotrader.engine.observe import Prepared
from autotrader.engine.state import RuleState
from autotrader.engine.values import Values
from autotrader.engine.verdict import Verdict
from autotrader.language.algebra import Truth
from autotrader.language.plan import CompiledRule
from autotrader.language.shapes import LeafMemory, Moment
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A rule's condition evaluated: its own answer joined with that of its choice, and the next memory."""

    holds: Truth
    rearm: Truth
    branch: int | None
    leaves: Mapping[str, LeafMemory]


def evaluated(ready: Prepared, state: RuleState, values: Values, moment: Moment) -> Answer:
    """The fast evaluation of a whole rule: `when`, `rearm_when` and the choice of a branch."""
    following: dict[str, LeafMemory] = {}
    memory = state.leaves
    # a rule without a condition always holds: its schedule alone decides
    holds: Truth = True if ready.when is None else ready.when(values, memory, moment, following)
    rearm: Truth = None if ready.rearm is None else ready.rearm(values, memory, moment, following)
    taken: int | None = None
    open_choice = False
    for index, branch in enumerate(ready.branches):
        # all branches are judged, also behind the one taken: their timers must go on
        met = True if branch is None else branch(values, memory, moment, following)
        if taken is None and not open_choice:
            open_choice = met is None  # an unknown `if` ends the choice: a later branch must not act in its place
            taken = index if met is True else None
    return Answer(joined(holds, taken, open_choice=open_choice), rearm, taken, following)


def joined(holds: Truth, taken: int | None, *, open_choice: bool) -> Truth:
    """`when` and the choice: an unknown `if` ends the choice as unknown, no true branch is no firing."""
    if holds is False or (taken is None and not open_choice):
        return False
    return None if open_choice or holds is None else True


def unknown_reason(rule: CompiledRule, values: Values, state: RuleState, moment: Moment) -> str:
    """Why a rule's condition is not known: its unknown leaves with their reasons."""
    conditions = [c for c in (rule.when, *(branch.condition for branch in rule.branches)) if c is not None]
    verdicts = [judge(condition, values, state.leaves, moment)[0] for condition in conditions]
    return "; ".join(dict.fromkeys(reason for verdict in verdicts for reason in _reasons(verdict)))


def _reasons(verdict: Verdict) -> Iterable[str]:
    if verdict.holds is not None:
        return
    if not verdict.parts:
        yield f"{verdict.text}: {verdict.reason}"
    for part in verdict.parts:
        yield from _reasons(part)
