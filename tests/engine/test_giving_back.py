"""What a firing that came to nothing gives back, and what is tried again: refusals, scheduled times, closes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine import lifecycle
from autotrader.engine.halt import Halt
from autotrader.engine.lifecycle import given_back
from autotrader.engine.requests import Context, Denied, NeverArrived
from autotrader.engine.state import Pending, Phase, RuleState, Run, StateKey
from autotrader.language.actions.cancel import CancelThis
from autotrader.language.open_orders import OrderFilter
from autotrader.language.plan import At, Daytime, MaxRuns, OnClose
from autotrader.language.requests import Dropped, Skipped
from autotrader.market.account import Account
from autotrader.orders import Accepted, Mismatch, NotSent, Order, OrderStatus, Rejected, Side, Unknown
from tests.worlds.values import (
    PLACE,
    START,
    SYMBOL,
    World,
    below,
    buy,
    held,
    plan,
    rule,
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


NOW = 1_768_460_400_000
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


@pytest.mark.parametrize(
    ("phase", "after"),
    [(Phase.ACTING, Phase.DISARMED), (Phase.ACTING_REARMED, Phase.ARMED), (Phase.ARMED, Phase.ARMED),
     (Phase.BLOCKED, Phase.BLOCKED), (Phase.DISARMED, Phase.DISARMED)],
)  # fmt: skip
def test_a_rule_whose_run_is_gone_is_settled(phase: Phase, after: Phase) -> None:
    """Only one that acts is moved on; it is not armed by the loss."""
    state = RuleState(phase=phase, fired_ms=(3,))
    assert lifecycle.orphaned(state) == replace(state, phase=after)


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
