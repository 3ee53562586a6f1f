"""The life of a rule (docs/language.md §4): arming, blocking, cooling down; whole states before and after."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine import lifecycle
from autotrader.engine.halt import Halt
from autotrader.engine.lifecycle import KEPT_FIRINGS, KEPT_FIRINGS_MS, NEXT, Event, moved
from autotrader.engine.lifecycle import fired as lifecycle_fired
from autotrader.engine.requests import Context, Denied, Pause
from autotrader.engine.state import Pending, Phase, RuleState
from autotrader.language.plan import At, Branch, CompiledRule, Daytime, Every, MaxRuns, OnClose
from autotrader.language.requests import Dropped, NotifyRequest
from autotrader.language.tree import Not, Window
from autotrader.market.account import OwnRecord
from autotrader.orders import NotSent, Rejected, Unknown
from tests.worlds.values import (
    PERCENT,
    PLACE,
    START,
    World,
    below,
    buy,
    compare,
    held,
    lit,
    notify,
    own,
    plan,
    rule,
    sources,
    term,
)

HOUR, MINUTE = 3_600_000, 60_000
DAILY = At((Daytime(0, frozenset(range(7)), 0, "UTC"),))
MIDNIGHT = START // 86_400_000 * 86_400_000 + 86_400_000


def fired(*prices: int | None, **more: Any) -> list[bool]:
    """Where a rule `last < 100` fires, price by price, 30 s apart."""
    world = World(plan(rule(below(100), **more)))
    for price in prices:
        world.step(price)
    return [decision.fired for decision in world.decisions]


# ---------------------------------------------------------------------------------------------------- the table
def test_the_table_is_complete() -> None:
    """Every phase answers every event."""
    assert set(product(Phase, Event)) == set(NEXT)


def test_unknown_moves_nothing() -> None:
    """Unknown neither arms nor disarms: no phase moves on it."""
    assert all(NEXT[phase, Event.UNKNOWN] is phase for phase in Phase)


def test_being_blocked_never_disarms() -> None:
    """From no armed phase does being blocked lead to a disarmed one."""
    armed = {Phase.ARMED, Phase.BLOCKED, Phase.ACTING_REARMED}
    assert all(NEXT[phase, Event.BLOCK] in armed for phase in armed)


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_no_firing_without_being_armed(events: list[Event]) -> None:
    """Between two firings the rule was armed again, or the first was given back."""
    state, acting = RuleState(), False
    for event in events:
        before = state.phase
        state = moved(state, event)
        if state.phase is Phase.ACTING and before is not Phase.ACTING:
            assert before in {Phase.ARMED, Phase.BLOCKED}
            assert not acting
        acting = state.phase in {Phase.ACTING, Phase.ACTING_REARMED}


# ------------------------------------------------------------------------------------------------------- the latch
def test_armed_at_first_load() -> None:
    """A rule whose condition holds when it is loaded fires at once."""
    assert fired(90) == [True]


def test_rearm_when_and_false_in_any_order() -> None:
    """With `rearm_when` the rule is armed once that has held and the condition has been false, in any order."""
    above = compare(term("last"), ">", lit(120), "rearm_when")
    assert fired(90, 110, 90, 130, 90, rearm_when=above) == [True, False, False, False, True]
    either = compare(term("last"), "<", lit(50), "rearm_when")
    assert fired(90, 40, 90, 110, 90, rearm_when=either) == [True, False, False, False, True]


def test_repeat_fires_again_while_true() -> None:
    """`repeat: every 1m while true` re-arms after its time while the condition stays true."""
    assert fired(90, 90, 90, 90, 90, repeat_ms=60_000) == [True, False, True, False, True]
    assert fired(90, 90, None, None, 90, repeat_ms=60_000) == [True, False, False, False, True]


def test_an_edit_keeps_the_latch_and_resets_timers_only_if_the_condition_changed() -> None:
    """After an edit of the condition `for` starts anew; latch, cooldown and counts stay."""
    first = rule(held(below(100), 60_000))
    world = World(plan(first))
    for _ in range(2):
        world.step(90)
    world.plan = plan(replace(first, hash="other"))
    assert world.step(90).decisions[0].fired
    world = World(plan(first))
    for _ in range(2):
        world.step(90)
    world.plan = plan(replace(first, hash="other", when_hash="other"))
    assert not world.step(90).decisions[0].fired


# -------------------------------------------------------------------------------------------------------- blockers
def test_a_blocked_rule_fires_when_nothing_blocks_any_more() -> None:
    """Being blocked does not disarm; a condition that turns false meanwhile is simply over."""
    assert fired(90, 110, 90, 90, 90, cooldown_ms=100_000) == [True, False, False, False, True]
    assert fired(90, 110, 90, 110, 110, cooldown_ms=100_000) == [True, False, False, False, False]


def test_cooldown_counts_from_the_firing() -> None:
    """A cooldown of a minute ends a minute after the firing, to the slot."""
    assert fired(90, 110, 90, cooldown_ms=60_000) == [True, False, True]


def test_max_runs_per_day() -> None:
    """`max_runs: 2 per day` blocks the third firing until midnight of the account's zone."""
    world = World(plan(rule(below(100), trigger=Every(HOUR), max_runs=MaxRuns(2, "day"))), now_ms=MIDNIGHT - 11 * HOUR)
    for _ in range(24):
        world.step(90, after_ms=HOUR)
        world.states = {key: replace(state, phase=Phase.ARMED) for key, state in world.states.items()}
    days = [(d.slot_ms + 9 * HOUR) // (24 * HOUR) for d in world.decisions if d.fired]
    assert [days.count(day) for day in sorted(set(days))] == [2, 2]


def test_max_runs_rolling() -> None:
    """A rolling window counts the firings of that span."""
    runs = fired(90, 110, 90, 110, 90, 110, 90, max_runs=MaxRuns(1, 120_000))
    assert runs == [True, False, False, False, True, False, False]


def test_between_blocks_outside_its_window() -> None:
    """Outside `between` the rule is evaluated but blocked."""
    world = World(plan(rule(below(100), between=(Window(60, 120, frozenset(range(7)), "UTC"),))), now_ms=MIDNIGHT)
    world.step(90, after_ms=HOUR)
    world.step(90)
    assert [d.blocked for d in world.decisions] == ["outside its time window", ""]
    assert [d.fired for d in world.decisions] == [False, True]


@pytest.mark.parametrize("pause", [Pause("rule", "dip", None), Pause("label", "dips", START + 100_000)])
def test_pause_blocks_by_rule_or_label(pause: Pause) -> None:
    """A paused rule does not fire until it is resumed or the pause is over."""
    world = World(plan(rule(below(100), labels=("dips",))), context=Context(store_id="test", pauses=(pause,)))
    world.step(90)
    assert world.decisions[0].blocked.startswith("paused")
    world.context = Context(store_id="test", pauses=() if pause.until_ms is None else (pause,))
    world.now_ms = START + 120_000
    world.step(90)
    assert world.decisions[1].fired


def test_halt_blocks_orders_but_not_messages() -> None:
    """After a halt rules that place orders are blocked; those that only notify or cancel go on."""
    halted = Context(store_id="test", halt=Halt("by hand"))
    world = World(plan(rule(below(200_000), buy(), name="a"), rule(below(200_000), notify(), name="b")), context=halted)
    world.step()
    assert [(d.fired, d.blocked) for d in world.decisions] == [(False, "trading is halted: by hand"), (True, "")]


def test_an_order_of_unknown_fate_blocks_its_rule_and_side() -> None:
    """While one order of a rule has an unknown fate, that rule, symbol and side place nothing new."""
    world = World(plan(rule(below(200_000), buy())), record=OwnRecord(orders=(own(state="unknown"),)))
    world.step()
    assert world.decisions[0].blocked == "an earlier buy order has an unknown fate"
    world.record = OwnRecord(orders=(own(state="unknown", rule="other"),))
    world.step()
    assert world.decisions[1].fired


def test_a_firing_that_stays_blocked_is_dropped_after_retry_for() -> None:
    """After `retry_for` a blocked firing is dropped, recorded and notified; the next episode can fire."""
    halted = Context(store_id="test", halt=Halt("x"))
    world = World(plan(rule(below(200_000), buy(), retry_for_ms=MINUTE)), context=halted)
    for _ in range(4):
        world.step()
    assert [d.dropped for d in world.decisions] == [False, False, False, True]
    assert "retry_for has run out" in world.notices[0]
    world.context = Context(store_id="test")
    for last in (100_000, 300_000, 100_000):
        world.step(last)
    assert [d.fired for d in world.decisions[4:]] == [False, False, True]


# ------------------------------------------------------------------------------------------------------- at rules
def test_at_rules_have_no_latch() -> None:
    """Each scheduled time at which the condition holds fires."""
    world = World(plan(rule(below(100), trigger=DAILY)), now_ms=MIDNIGHT)
    for last in (90, 90, 110, 90):
        world.step(last, after_ms=86_400_000)
    assert [d.fired for d in world.decisions] == [True, True, False, True]


def test_a_blocked_at_time_stays_due_for_ten_minutes() -> None:
    """A blocked scheduled time is tried again every 30 s until nothing blocks; after ten minutes it is gone."""
    halted = Context(store_id="test", halt=Halt("x"))
    chosen = rule(below(200_000), buy(), trigger=DAILY)
    world = World(plan(chosen), now_ms=MIDNIGHT, context=halted)
    for _ in range(3):
        world.step()
    world.context = Context(store_id="test")
    world.step()
    assert [(d.kind, d.fired) for d in world.decisions] == [("slot", False), *[("retry", False)] * 2, ("retry", True)]
    world = World(plan(chosen), now_ms=MIDNIGHT, context=halted)
    for _ in range(40):
        world.step()
    assert (len(world.decisions), world.decisions[-1].dropped) == (22, True)


# --------------------------------------------------------------------------------------------------------- unknown
def test_on_unknown_alert_tells_once_per_stretch() -> None:
    """`alert` reports a stretch of unknown once, with its reason."""
    world = World(plan(rule(below(100), on_unknown="alert")))
    for last in (None, None, 110, None):
        world.step(last)
    assert len(world.notices) == 2
    assert "ticker" in world.notices[0]


def test_on_unknown_fire_acts_once() -> None:
    """`fire` acts on unknown like on true: once, until the condition has been false."""
    world = World(plan(rule(below(100), notify(), on_unknown="fire")))
    for last in (None, None, 110, None):
        world.step(last)
    assert [d.fired for d in world.decisions] == [True, False, False, True]


def test_a_negated_unknown_does_not_fire() -> None:
    """`not` of an unknown is unknown: nothing happens."""
    world = World(plan(rule(Not(key="n", place=PLACE, part=below(100)))))
    world.step(None)
    assert (world.decisions[0].holds, world.fired) == (None, 0)


def test_on_close_only_a_known_result_is_the_evaluation() -> None:
    """A close whose candle is late is looked at again every 2 s, and fires when it is known."""
    world = World(plan(rule(below(100), trigger=OnClose("1h"), on_unknown="alert")), now_ms=MIDNIGHT + 300)
    for last in (None, None, None, None, None, None, None, 90, 90):
        world.step(last, after_ms=2_000)
    assert [d.kind for d in world.decisions] == ["slot", *["look"] * 7]
    assert [d.fired for d in world.decisions] == [False] * 7 + [True]
    assert len(world.notices) == 1


def test_on_close_unknown_fires_late_where_asked_to() -> None:
    """`on_unknown: fire` with `on_close` acts when the candle is ten seconds late."""
    world = World(plan(rule(below(100), trigger=OnClose("1h"), on_unknown="fire")), now_ms=MIDNIGHT + 300)
    for _ in range(8):
        world.step(None, after_ms=2_000)
    assert world.fired == 1


# ---------------------------------------------------------------------------------------------------------- choose
def choice(*branches: Any) -> World:
    """A rule with branches."""
    made = tuple(Branch(f"choose[{i}]", condition, (notify(text),)) for i, (condition, text) in enumerate(branches))
    return World(plan(rule(None, branches=made)))


def texts(world: World) -> list[str]:
    """What was notified."""
    return [request.text for request in world.requests if isinstance(request, NotifyRequest)]


def test_the_first_true_branch_acts() -> None:
    """`choose` takes the first branch whose `if` holds, else the last."""
    for last, expected in ((90, "low"), (150, "middle"), (250, "else")):
        world = choice((below(100, "a"), "low"), (below(200, "b"), "middle"), (None, "else"))
        world.step(last)
        assert texts(world) == [expected]


def test_an_unknown_if_ends_the_choice() -> None:
    """What cannot be known is not skipped: an `else` behind an unknown `if` does not act."""
    world = choice((below(100, "a"), "low"), (None, "else"))
    world.step(None)
    assert (texts(world), world.decisions[0].holds) == ([], None)


def test_no_true_branch_is_no_firing() -> None:
    """Where no branch holds the rule has not fired, and stays armed."""
    world = choice((below(100, "a"), "low"))
    for last in (150, 90):
        world.step(last)
    assert [d.fired for d in world.decisions] == [False, True]


# ------------------------------------------------------------------------------------------------------ quiet steps
@given(st.lists(st.sampled_from((90, 110, None)), max_size=8), st.sampled_from((90, 110)), st.booleans())
def test_quiet_steps_change_nothing(prices: list[int | None], last: int, timed: bool) -> None:
    """A step in which no leaf changed and no timer ran out leaves the state as it was, but for its slot."""
    part = below(100)
    world = World(plan(rule(held(part, 60_000) if timed else part, notify(), rearm_when=below(95, "rearm_when"))))
    for price in [*prices, last, last, last, last, last]:
        world.step(price)
    before = world.state()
    world.step(last)
    assert replace(before, last_slot_ms=None) == replace(world.state(), last_slot_ms=None)


@given(st.lists(st.tuples(st.sampled_from((90_000, 110_000, None)), st.booleans(), st.integers(0, 6)), max_size=25))
def test_blocked_never_disarms_in_any_history(history: list[tuple[int | None, bool, int]]) -> None:
    """Whatever happens, a decision that was blocked leaves the rule armed, and only a firing disarms it."""
    world = World(plan(rule(below(100_000), buy())))
    answers = (None, NotSent("x"), Denied("x"), Unknown("x"), Dropped("x"), Rejected(-1013, "x"), None)
    for last, halted, answer in history:
        world.context = Context(store_id="test", halt=Halt("x") if halted else None)
        world.step(last, sources=None if last is None else sources(world.now_ms, last))
        if world.decisions[-1].blocked:
            assert world.decisions[-1].phase in {Phase.BLOCKED, Phase.ACTING_REARMED}
        if world.runs and answers[answer] is not None:
            world.answer(answers[answer])
    assert len({order.id for order in world.orders}) == len(world.orders)


def test_percent_words_are_points() -> None:
    """`change_24h <= -5%` compares percent points."""
    world = World(plan(rule(compare(term("change_24h", PERCENT), "<=", lit(-5, PERCENT)))))
    world.step(change="-4.99")
    world.step(change="-5")
    assert [d.fired for d in world.decisions] == [False, True]


# --------------------------------------------------------------------------- a scheduled time that cannot be judged
def scheduled(*prices: int | None, **more: Any) -> World:
    """A daily rule `last < 100` from midnight on, price by price, 30 s apart."""
    world = World(plan(rule(below(100), trigger=DAILY, **more)), now_ms=MIDNIGHT)
    for price in prices:
        world.step(price)
    return world


def test_a_rule_that_fires_all_the_time_does_not_grow() -> None:
    """What is kept of firings is bounded, and `max_runs` still counts as many as it allows."""
    busy = rule(below(100), repeat_ms=30_000)
    state = RuleState()
    for at_ms in range(START, START + 30_000 * 3_000, 30_000):
        state = lifecycle_fired(busy, replace(state, phase=Phase.ARMED), at_ms)
    assert len(state.fired_ms) == 1_000
    many = replace(busy, max_runs=MaxRuns(2_000, "month"))
    for at_ms in range(START, START + 30_000 * 3_000, 30_000):
        state = lifecycle_fired(many, replace(state, phase=Phase.ARMED), at_ms)
    assert len(state.fired_ms) == 2_000


DAY = 86_400_000
NOW = 1_768_460_400_000
PENDING = Pending(NOW - 5, NOW + 5)
PLAIN = rule(below(100), buy(), cooldown_ms=HOUR)
AT_RULE = rule(below(100), buy(), trigger=DAILY)


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


def test_a_move_that_stays_gives_the_same_state() -> None:
    """States of rules that nothing happens to are not copied: thousands of them are looked at in each cycle."""
    state = RuleState()
    assert lifecycle.moved(state, Event.UNKNOWN) is state
    assert isinstance(PLAIN.trigger, Every)
