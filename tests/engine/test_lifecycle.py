"""The life of a rule (docs/language.md §4): arming, blocking, cooling down, giving back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.halt import Halt
from autotrader.engine.lifecycle import NEXT, Event, given_back, moved
from autotrader.engine.lifecycle import fired as lifecycle_fired
from autotrader.engine.requests import Context, Denied, NeverArrived, Pause
from autotrader.engine.state import Phase, RuleState, StateKey
from autotrader.language.actions.cancel import CancelThis
from autotrader.language.open_orders import OrderFilter
from autotrader.language.plan import At, Branch, Daytime, Every, MaxRuns, OnClose
from autotrader.language.requests import Dropped, NotifyRequest, Skipped
from autotrader.language.tree import Not, Window
from autotrader.market.account import Account, OwnRecord
from autotrader.orders import Accepted, Mismatch, NotSent, Order, OrderStatus, Rejected, Side, Unknown
from tests.worlds.values import (
    PERCENT,
    PLACE,
    START,
    SYMBOL,
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
    venue_order,
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


# ---------------------------------------------------------------------------------------------- what became of it
def bought(result: Any, **more: Any) -> World:
    """A world in which a rule has bought and the venue has answered."""
    world = World(plan(rule(below(200_000), buy(), cooldown_ms=HOUR, max_runs=MaxRuns(1, "day"), **more)))
    world.step()
    world.answer(result)
    return world


@pytest.mark.parametrize(
    "result", [Denied("limit"), Rejected(-2010, "balance"), Skipped("too small"), Mismatch("other")]
)
def test_a_refused_firing_keeps_latch_and_cooldown_but_not_the_count(result: Any) -> None:
    """Denied, rejected, too small: latch and cooldown stay, `max_runs` is left alone."""
    state = bought(result).state()
    assert (state.phase, state.cooldown_until_ms, state.fired_ms) == (Phase.DISARMED, START + HOUR, ())


@pytest.mark.parametrize(
    "result", [NotSent("dns"), Dropped("late"), NeverArrived("horizon"), Rejected(-1021, "clock", "outside")]
)
def test_a_firing_that_failed_through_no_fault_is_given_back(result: Any) -> None:
    """Not sent, dropped, never arrived, clock, rate limit: latch, cooldown and count come back, and it is due again."""
    world = bought(result)
    state = world.state()
    assert (state.phase, state.cooldown_until_ms, state.fired_ms) == (Phase.BLOCKED, None, ())
    world.step()
    first, second = world.orders
    assert first.id != second.id


def test_an_accepted_order_counts() -> None:
    """After an accepted order the rule is disarmed, cools down and is counted."""
    world = World(plan(rule(below(200_000), buy(), cooldown_ms=HOUR)))
    world.step()
    world.answer(Accepted(venue_order(world.orders[0])))
    state = world.state()
    assert (state.phase, state.fired_ms, world.runs) == (Phase.DISARMED, (START,), ())


def test_an_unknown_fate_keeps_the_run_waiting() -> None:
    """An unclear answer decides nothing: the run waits and the rule does not fire again."""
    world = bought(Unknown("time-out"))
    for last in (300_000, 100_000):
        world.step(last)
    assert (len(world.runs), world.runs[0].status, len(world.orders)) == (1, "waiting", 1)
    assert world.decisions[-1].blocked != ""
    world.answer(Accepted(venue_order(world.orders[0])))
    assert world.runs == ()


def test_a_given_back_firing_whose_condition_was_false_meanwhile_is_over() -> None:
    """If the condition was false while the order was under way, that episode is over."""
    world = World(plan(rule(below(200_000), buy())))
    for last in (100_000, 300_000):
        world.step(last)
    world.answer(NotSent("dns"))
    assert (world.state().phase, world.state().pending) == (Phase.ARMED, None)


def test_a_given_back_at_time_is_tried_again_until_retry_for_ends() -> None:
    """An `at` rule whose order was not sent places a new order, as a new decision, for up to ten minutes."""
    world = World(plan(rule(None, buy(), trigger=DAILY)), now_ms=MIDNIGHT)
    for _ in range(40):
        world.step()
        if world.runs:
            world.answer(NotSent("dns"))
    assert len(world.orders) == 21
    assert len({order.id for order in world.orders}) == 21
    assert world.decisions[-1].dropped


def test_booking_an_answer_twice_changes_nothing() -> None:
    """The same answer given again moves nothing."""
    world = bought(NotSent("dns"))
    before = dict(world.states)
    world.answer(NotSent("dns"))
    assert before == world.states


@given(st.integers(1, 5), st.sampled_from(list(Phase)))
def test_giving_back_restores_what_the_firing_took(count: int, phase: Phase) -> None:
    """Cooldown, last firing and count are as they were before."""
    world = World(plan(rule(below(200_000), buy(), cooldown_ms=HOUR)))
    before = RuleState(
        fired_ms=tuple(START - 9 + n for n in range(count)), last_fired_ms=7, cooldown_until_ms=8, when_hash="when-dip"
    )
    world.states = {StateKey("dip", SYMBOL): before}
    world.step()
    state = given_back(replace(world.state(), phase=phase), world.runs[0])
    assert (state.fired_ms, state.last_fired_ms, state.cooldown_until_ms) == (before.fired_ms, 7, 8)


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


def test_a_given_back_on_close_firing_is_tried_between_closes() -> None:
    """A given-back firing of an `on_close` rule is tried every 30 s; a blocked one waits for the next close."""
    world = World(plan(rule(below(200_000), buy(), trigger=OnClose("1h"))), now_ms=MIDNIGHT)
    world.step()
    world.answer(NotSent("dns"))
    for _ in range(2):
        world.step()
    assert [(d.kind, d.fired) for d in world.decisions] == [("slot", True), ("retry", True)]
    halted = Context(store_id="test", halt=Halt("x"))
    world = World(plan(rule(below(200_000), buy(), trigger=OnClose("1h"))), now_ms=MIDNIGHT, context=halted)
    for _ in range(4):
        world.step()
    assert len(world.decisions) == 1


def test_a_retry_leaves_timers_and_counts_of_checks_alone() -> None:
    """What a leaf remembers moves at slots only: a retry between them adds no check."""
    part = held(below(200_000), 0)
    world = World(plan(rule(part, buy(), trigger=OnClose("1h"))), now_ms=MIDNIGHT)
    world.step()
    world.answer(NotSent("dns"))
    before = world.state().leaves
    world.step()
    assert world.decisions[-1].kind == "retry"
    assert world.state().leaves == before


# --------------------------------------------------------------------------- a scheduled time that cannot be judged
def scheduled(*prices: int | None, **more: Any) -> World:
    """A daily rule `last < 100` from midnight on, price by price, 30 s apart."""
    world = World(plan(rule(below(100), trigger=DAILY, **more)), now_ms=MIDNIGHT)
    for price in prices:
        world.step(price)
    return world


def test_a_scheduled_time_whose_data_is_not_there_is_looked_at_again() -> None:
    """Unknown is not false: the time comes once a day, so it is looked at every 30 s until it can be judged."""
    world = scheduled(None, None, 90, 90)
    assert [decision.fired for decision in world.decisions] == [False, False, True]
    assert len({decision.slot_ms for decision in world.decisions}) == 3


def test_a_scheduled_time_that_proves_false_is_over() -> None:
    """Once it is known that the condition did not hold, nothing more is looked at before the next scheduled time."""
    world = scheduled(None, 110, 90, 90)
    assert [decision.holds for decision in world.decisions] == [None, False]


def test_a_scheduled_time_that_stays_unknown_is_dropped_after_retry_for() -> None:
    """For 10 minutes by default; then it is dropped with a notice that says what was not known."""
    world = scheduled(*[None] * 40)
    assert len(world.decisions) == 22
    assert world.decisions[-1].dropped
    assert any("was not known" in text for text in world.notices)
    assert scheduled(None, None, None, None, retry_for_ms=30_000).decisions[-1].dropped


def test_orders_that_could_not_be_listed_at_the_scheduled_time_are_listed_again() -> None:
    """A per-order `at` rule that could not see the orders looks again, and then acts on each of them."""
    anyone = OrderFilter(None, "anyone")
    world = World(plan(rule(None, CancelThis(place=PLACE), trigger=DAILY, for_each_order=anyone)), now_ms=MIDNIGHT)
    world.step()
    world.step()
    listed = Order(symbol=SYMBOL, order_id=9, client_order_id="web_1", side=Side.BUY, type="LIMIT", tif="GTC",
                   price=Decimal(90), quantity=Decimal(1), executed=Decimal(0), quote_executed=Decimal(0),
                   status=OrderStatus.NEW, created_ms=MIDNIGHT, updated_ms=MIDNIGHT)  # fmt: skip
    account = Account(open_orders={SYMBOL: (listed,)}, orders_asked_ms={SYMBOL: world.now_ms})
    world.step(account=account)
    world.step(account=account)
    assert [decision.fired for decision in world.decisions] == [False, False, True]


def test_a_firing_given_back_late_does_not_lose_the_next_one_that_waits() -> None:
    """While an order's fate is unknown the next scheduled time comes and is blocked; it stays due when the old order
    proves never to have arrived.
    """
    twice = At((Daytime(0, frozenset(range(7)), 0, "UTC"), Daytime(2, frozenset(range(7)), 0, "UTC")))
    world = World(plan(rule(below(200_000), buy(), trigger=twice, retry_for_ms=HOUR)), now_ms=MIDNIGHT)
    world.step()
    world.answer(Unknown("no reply"))
    for _ in range(4):
        world.step()
    assert world.fired == 1
    world.answer(NeverArrived("it never arrived"))
    world.step()
    assert world.fired == 2


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
