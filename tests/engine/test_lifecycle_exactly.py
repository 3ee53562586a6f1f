"""A rule's life to the letter: whole states before and after each thing that can happen to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotrader.engine import lifecycle
from autotrader.engine.lifecycle import KEPT_FIRINGS, KEPT_FIRINGS_MS, Event
from autotrader.engine.state import Pending, Phase, RuleState, Run
from autotrader.language.plan import At, CompiledRule, Daytime, Every, MaxRuns
from tests.worlds.values import below, buy, rule

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_768_460_400_000
DAILY = At((Daytime(0, frozenset(range(7)), 0, "UTC"),))
PENDING = Pending(NOW - 5, NOW + 5)
PLAIN = rule(below(100), buy(), cooldown_ms=HOUR)
AT_RULE = rule(below(100), buy(), trigger=DAILY)
RUN = Run(
    rule="dip", symbol="BTCJPY", order="", slot_ms=NOW, branch=0, hash="h", started_ms=NOW, pending_since_ms=NOW - 7,
    retry_until_ms=NOW + 70, cooldown_before_ms=8, last_fired_before_ms=9,
)  # fmt: skip


@pytest.mark.parametrize("phase", Phase)
def test_a_scheduled_time_begins_anew(phase: Phase) -> None:
    """At its time an `at` rule has no due firing of the day before and is armed, unless it still acts; others hear
    nothing of it.
    """
    state = RuleState(phase=phase, pending=PENDING, fired_ms=(1,))
    acting = phase in lifecycle.UNDER_WAY
    begun = lifecycle.scheduled(AT_RULE, state)
    assert begun == replace(state, phase=Phase.ACTING_REARMED if acting else Phase.ARMED, pending=None)
    assert lifecycle.scheduled(PLAIN, state) is state


@pytest.mark.parametrize("phase", [Phase.DISARMED, Phase.ACTING])
def test_arming_again_forgets_what_armed_it(phase: Phase) -> None:
    """Once armed, having been false counts for the next time only from the next firing on."""
    again = rule(below(100), buy(), rearm_when=below(90))
    spent = RuleState(phase=phase, been_false=True, rearm_held=False)
    armed = lifecycle.heard(again, spent, holds=True, rearm=True, at_ms=NOW)
    wanted = Phase.ARMED if phase is Phase.DISARMED else Phase.ACTING_REARMED
    assert armed == RuleState(phase=wanted, been_false=False, rearm_held=False)


def test_what_is_remembered_of_a_spent_rule() -> None:
    """Until it is armed, that it was false and that `rearm_when` held are kept, each from its own moment."""
    again = rule(below(100), buy(), rearm_when=below(90))
    spent = RuleState(phase=Phase.DISARMED)
    assert lifecycle.heard(again, spent, holds=True, rearm=False, at_ms=NOW) is spent
    assert lifecycle.heard(again, spent, holds=True, rearm=None, at_ms=NOW) is spent
    assert lifecycle.heard(again, spent, holds=True, rearm=True, at_ms=NOW) == replace(spent, rearm_held=True)
    assert lifecycle.heard(again, spent, holds=False, rearm=False, at_ms=NOW) == replace(spent, been_false=True)
    assert lifecycle.heard(PLAIN, spent, holds=None, rearm=None, at_ms=NOW) is spent


def test_a_false_condition_ends_what_was_due() -> None:
    """A due firing whose condition is false is over; an armed rule stays armed."""
    due = RuleState(phase=Phase.BLOCKED, pending=PENDING)
    assert lifecycle.heard(PLAIN, due, holds=False, rearm=None, at_ms=NOW) == RuleState(phase=Phase.ARMED)
    assert lifecycle.heard(PLAIN, due, holds=None, rearm=None, at_ms=NOW) is due


@pytest.mark.parametrize(
    ("repeat_ms", "holds", "fired_before", "armed"),
    [
        (HOUR, True, NOW - HOUR, True),
        (HOUR, True, NOW - HOUR + 1, False),
        (HOUR, None, NOW - 2 * HOUR, False),
        (HOUR, True, None, False),
        (None, True, NOW - 2 * HOUR, False),
    ],
)
def test_repeat_arms_at_its_time_while_the_condition_holds(
    repeat_ms: int | None, holds: bool | None, fired_before: int | None, armed: bool
) -> None:
    """`repeat` counts from the firing; unknown is not true; without `repeat`, or a firing, nothing repeats."""
    again = rule(below(100), buy(), repeat_ms=repeat_ms)
    spent = RuleState(phase=Phase.DISARMED, last_fired_ms=fired_before)
    after = lifecycle.heard(again, spent, holds=holds, rearm=None, at_ms=NOW)
    assert after.phase is (Phase.ARMED if armed else Phase.DISARMED)


@pytest.mark.parametrize(
    ("phase", "after"),
    [(Phase.ACTING, Phase.DISARMED), (Phase.ACTING_REARMED, Phase.ARMED), (Phase.ARMED, Phase.ARMED),
     (Phase.BLOCKED, Phase.BLOCKED), (Phase.DISARMED, Phase.DISARMED)],
)  # fmt: skip
def test_a_rule_whose_run_is_gone_is_settled(phase: Phase, after: Phase) -> None:
    """Only one that acts is moved on; it is not armed by the loss."""
    state = RuleState(phase=phase, fired_ms=(3,))
    assert lifecycle.orphaned(state) == replace(state, phase=after)


def test_a_blocked_firing_is_due_since_the_first_time() -> None:
    """`retry_for` counts from the first time; `at` rules have ten minutes; without either it is due while it holds."""
    limited = rule(below(100), buy(), retry_for_ms=MINUTE)
    first = lifecycle.blocked(limited, RuleState(), NOW)
    assert first == RuleState(phase=Phase.BLOCKED, pending=Pending(NOW, NOW + MINUTE))
    assert lifecycle.blocked(limited, first, NOW + 30_000) == first
    assert lifecycle.blocked(AT_RULE, RuleState(), NOW).pending == Pending(NOW, NOW + 10 * MINUTE)
    assert lifecycle.blocked(PLAIN, RuleState(), NOW).pending == Pending(NOW, None)


def test_when_a_due_firing_is_too_old() -> None:
    """Still due at its last moment, not after it; without an end never too old; dropped it is spent."""
    due = RuleState(phase=Phase.BLOCKED, pending=PENDING)
    assert not lifecycle.expired(due, NOW + 5)
    assert lifecycle.expired(due, NOW + 6)
    assert not lifecycle.expired(replace(due, pending=Pending(NOW, None)), NOW + 10 * DAY)
    assert not lifecycle.expired(RuleState(), NOW)
    assert lifecycle.dropped(due) == RuleState(phase=Phase.DISARMED)
    assert lifecycle.dropped(RuleState(pending=PENDING)) == RuleState(phase=Phase.DISARMED)


def test_a_firing_writes_all_that_it_changes() -> None:
    """Disarmed until it has been false again, cooling down, counted, and nothing due any more."""
    before = RuleState(
        phase=Phase.BLOCKED, been_false=True, rearm_held=True, pending=PENDING, last_fired_ms=1, cooldown_until_ms=2,
        fired_ms=(NOW - DAY,), when_hash="w",
    )  # fmt: skip
    after = RuleState(
        phase=Phase.ACTING, last_fired_ms=NOW, cooldown_until_ms=NOW + HOUR, fired_ms=(NOW - DAY, NOW), when_hash="w"
    )
    assert lifecycle.fired(PLAIN, before, NOW) == after
    assert lifecycle.fired(rule(below(100), buy()), before, NOW).cooldown_until_ms is None


def kept(counted: CompiledRule, *moments: int) -> tuple[int, ...]:
    return lifecycle.fired(counted, RuleState(fired_ms=moments), NOW).fired_ms


def test_which_firings_are_kept() -> None:
    """Those of 32 days, or of a longer window of `max_runs`; at most 1,000, or as many as it counts."""
    edge = NOW - KEPT_FIRINGS_MS
    assert kept(PLAIN, edge, edge + 1) == (edge + 1, NOW)
    longer = rule(below(100), buy(), max_runs=MaxRuns(3, 40 * DAY))
    edge = NOW - 40 * DAY
    assert kept(longer, edge, edge + 1) == (edge + 1, NOW)
    daily = rule(below(100), buy(), max_runs=MaxRuns(3, "day"))
    assert kept(daily, NOW - KEPT_FIRINGS_MS) == (NOW,)
    many = tuple(range(NOW - 3 * KEPT_FIRINGS, NOW))
    assert kept(PLAIN, *many) == (*many[1 - KEPT_FIRINGS :], NOW)
    wider = rule(below(100), buy(), max_runs=MaxRuns(KEPT_FIRINGS + 7, DAY))
    assert kept(wider, *many) == (*many[-6 - KEPT_FIRINGS :], NOW)


@pytest.mark.parametrize("phase", [Phase.ACTING, Phase.ACTING_REARMED])
def test_giving_back_restores_everything(phase: Phase) -> None:
    """Count, cooldown and last firing as before, due again with its old times; or, where it was false meanwhile, over.
    One firing of that moment is taken out, and only that.
    """
    state = RuleState(
        phase=phase, been_false=True, rearm_held=True, fired_ms=(1, NOW, NOW, NOW + 1), last_fired_ms=NOW,
        cooldown_until_ms=NOW + HOUR, when_hash="w",
    )  # fmt: skip
    again = phase is Phase.ACTING
    assert lifecycle.given_back(state, RUN) == RuleState(
        phase=Phase.BLOCKED if again else Phase.ARMED, fired_ms=(1, NOW, NOW + 1), last_fired_ms=9,
        cooldown_until_ms=8, pending=Pending(NOW - 7, NOW + 70, returned=True) if again else None, when_hash="w",
    )  # fmt: skip


def test_a_spent_firing_counts_only_where_an_order_came_of_it() -> None:
    """A run whose orders were all refused leaves `max_runs` alone and keeps latch and cooldown."""
    moments = (NOW - 1, NOW, NOW + 1)
    state = RuleState(phase=Phase.ACTING, fired_ms=moments, last_fired_ms=NOW, cooldown_until_ms=NOW + 2)
    over = replace(state, phase=Phase.DISARMED)
    assert lifecycle.settled(state, RUN, counts=True) == over
    assert lifecycle.settled(state, RUN, counts=False) == replace(over, fired_ms=(NOW - 1, NOW + 1))
    older = replace(RUN, started_ms=5)
    assert lifecycle.settled(state, older, counts=False) == over


def test_a_move_that_stays_gives_the_same_state() -> None:
    """States of rules that nothing happens to are not copied: thousands of them are looked at in each cycle."""
    state = RuleState()
    assert lifecycle.moved(state, Event.UNKNOWN) is state
    assert isinstance(PLAIN.trigger, Every)
