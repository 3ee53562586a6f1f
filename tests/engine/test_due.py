"""Slots: fixed grids of the venue's time, never twice, never in a burst."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.due import due, in_window, needs_of_due, next_due_ms
from autotrader.engine.state import Pending, RuleState, Run, StateKey
from autotrader.language.plan import At, Daytime, Every, OnClose
from autotrader.language.tree import Window
from autotrader.market.needs import TickerNeed
from autotrader.times import start_of
from tests.worlds.values import START, SYMBOL, World, below, notify, own, plan, rule

KEY = StateKey("dip", SYMBOL)
HOUR = 3_600_000
DAYS = frozenset(range(7))


def ms(text: str) -> int:
    """Milliseconds of a UTC moment."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def slots(trigger: Any, now_ms: int, last_ms: int | None, state: RuleState | None = None) -> tuple[list[int], int]:
    """The slots that are due, and how many were missed."""
    states = {} if state is None else {KEY: state}
    found = due(plan(rule(trigger=trigger)), states, (), (), last_ms, now_ms)
    return [slot.slot_ms for slot in found.slots], sum(found.missed.values())


def test_every_lies_on_the_grid() -> None:
    """A slot is a multiple of the period, whenever the cycle happens to run."""
    assert slots(Every(30_000), START + 700, START - 29_000) == ([START], 0)


def test_late_slots_are_missed_and_counted() -> None:
    """After five minutes of silence one slot is due and nine are counted as missed."""
    assert slots(Every(30_000), START + 200, START - 300_000 + 200) == ([START], 9)


def test_an_hour_slot_is_missed_half_a_minute_late() -> None:
    """A slot older than 30 s is not evaluated any more."""
    hour = START // HOUR * HOUR
    assert slots(Every(HOUR), hour + 31_000, hour - 1) == ([], 1)
    assert ([hour], 0) == slots(Every(HOUR), hour + 29_000, hour - 1)


def test_a_missed_slot_is_counted_once() -> None:
    """What was counted as missed is not counted again in the next cycle."""
    world = World(plan(rule(below(1), trigger=Every(HOUR))), now_ms=START // HOUR * HOUR + 100)
    world.step(after_ms=HOUR + 60_000)
    world.step(after_ms=1_000)
    world.step(after_ms=1_000)
    assert (world.missed, len(world.decisions)) == (1, 1)


@given(st.lists(st.integers(-4_000_000, 4_000_000), max_size=25), st.sampled_from((5_000, 30_000, 60_000, HOUR)))
def test_no_slot_twice_whatever_the_clock_does(jumps: list[int], period: int) -> None:
    """Under any jumps of the clock, forwards and backwards, every slot is evaluated at most once."""
    on_close = OnClose("1h") if period == HOUR else Every(period)
    world = World(plan(rule(below(1), name="a", trigger=Every(period)), rule(below(1), name="b", trigger=on_close)))
    for jump in jumps:
        world.step(after_ms=1_000)
        world.now_ms = max(0, world.now_ms + jump)
    seen = [(decision.rule, decision.slot_ms) for decision in world.decisions]
    assert len(seen) == len(set(seen))


@given(st.lists(st.integers(1, 100_000), max_size=30))
def test_every_slot_is_evaluated_or_missed(waits: list[int]) -> None:
    """Evaluated and missed slots together are all slots that passed."""
    world = World(plan(rule(below(1))))
    first = START // 30_000
    for wait in waits:
        world.step(after_ms=wait)
    world.step()
    assert len(world.decisions) + world.missed == world.last_ms // 30_000 - first + 1  # type: ignore[operator]


def test_disabled_rules_are_not_due() -> None:
    """`enabled: false` is never evaluated."""
    assert due(plan(rule(enabled=False)), {}, (), (), None, START).is_empty


def test_priority_then_file_order() -> None:
    """Within a cycle higher priority comes first, then the order in the files."""
    found = due(plan(rule(name="a"), rule(name="b", priority=5), rule(name="c")), {}, (), (), None, START)
    assert [slot.rule.id for slot in found.slots] == ["b", "a", "c"]


# -------------------------------------------------------------------------------------------------------- on_close
def test_on_close_is_due_at_the_close() -> None:
    """The slot of an hour candle is the moment it closes; a month's candle closes on the first."""
    assert ([ms("2026-03-01T12:00")], 0) == slots(OnClose("1h"), ms("2026-03-01T12:00") + 400, ms("2026-03-01T11:59"))
    assert ([ms("2026-03-01")], 2) == slots(OnClose("1M"), ms("2026-03-01") + 400, ms("2025-12-15"))


def test_a_late_candle_is_looked_at_every_two_seconds() -> None:
    """While a slot is looked at again, it is due every 2 s, until the next close."""
    close = ms("2026-03-01T12:00")
    looking = RuleState(looking_ms=close, last_slot_ms=close - HOUR)
    assert ([close], 0) == slots(OnClose("1h"), close + 2_000, close + 1_500, looking)
    assert slots(OnClose("1h"), close + 3_500, close + 2_000, looking) == ([], 0)
    assert ([close], 0) == slots(OnClose("1h"), close + 40_000, close + 37_000, looking)
    assert ([close + HOUR], 0) == slots(OnClose("1h"), close + HOUR, close + HOUR - 500, looking)


# -------------------------------------------------------------------------------------------------------------- at
def at(
    hour: int, *, days: frozenset[int] = DAYS, zone: str = "Asia/Tokyo", month_day: int = 0, catch_up: int = 0
) -> At:
    """`at` with one entry."""
    return At((Daytime(hour * 60, frozenset() if month_day else days, month_day, zone),), catch_up)


def test_at_is_a_local_time() -> None:
    """09:00 JST is midnight UTC."""
    assert ([ms("2026-03-02")], 0) == slots(at(9), ms("2026-03-02") + 900, ms("2026-03-01T23:59"))
    assert slots(at(9), ms("2026-03-01T23:59"), ms("2026-03-01T23:58")) == ([], 0)


def test_at_weekday() -> None:
    """Tuesday 20:30 JST comes on Tuesdays only."""
    tuesday = At((Daytime(20 * 60 + 30, frozenset({1}), 0, "Asia/Tokyo"),))
    assert ([ms("2026-03-03T11:30")], 0) == slots(tuesday, ms("2026-03-03T11:30"), ms("2026-03-02"))
    assert ms("2026-03-10T11:30") == next_due_ms(plan(rule(trigger=tuesday)), {}, (), (), ms("2026-03-10T11:00"))


def test_monthly_day_that_is_lacking_is_the_last() -> None:
    """`monthly 31` comes on February 28."""
    trigger = at(0, month_day=31, zone="UTC")
    assert ([ms("2026-02-28")], 0) == slots(trigger, ms("2026-02-28") + 5, ms("2026-02-27"))
    assert ([ms("2026-03-31")], 0) == slots(trigger, ms("2026-03-31") + 5, ms("2026-03-30"))
    assert slots(trigger, ms("2026-03-30") + 5, ms("2026-03-29")) == ([], 0)


def test_times_through_clock_changes() -> None:
    """A local time that a clock change skips comes right after it; one that comes twice comes once."""
    new_york = At((Daytime(150, DAYS, 0, "America/New_York"),))
    spring = slots(new_york, ms("2026-03-08T07:30") + 5, ms("2026-03-08T05:00"))
    assert ([ms("2026-03-08T07:30")], 0) == spring
    night = At((Daytime(90, DAYS, 0, "America/New_York"),))
    assert ([ms("2026-11-01T05:30")], 0) == slots(night, ms("2026-11-01T05:30") + 5, ms("2026-11-01T04:00"))
    assert slots(night, ms("2026-11-01T06:30") + 5, ms("2026-11-01T05:31")) == ([], 0)


def test_catch_up_makes_up_the_last_missed_time_once() -> None:
    """Three hours late: `catch_up: once within 6h` makes it up once; without it the time is missed."""
    now, last = ms("2026-03-03T03:00"), ms("2026-03-01T12:00")
    assert ([ms("2026-03-03")], 1) == slots(at(9, catch_up=6 * HOUR), now, last)
    assert slots(at(9), now, last) == ([], 2)
    assert slots(at(9, catch_up=6 * HOUR), now, now - 5, RuleState(last_slot_ms=ms("2026-03-03"))) == ([], 0)
    assert slots(at(9, catch_up=6 * HOUR), now, None) == ([], 0)


# ---------------------------------------------------------------------------------------------- timers, runs, wake
def test_order_timers_run_out() -> None:
    """An open order whose time is over is due; one of unknown fate is left to be resolved."""
    orders = (own("a", cancel_at_ms=START), own("b", cancel_at_ms=START + 1), own("c", "unknown", cancel_at_ms=START))
    assert [order.client_order_id for order in due(plan(), {}, (), orders, START - 1, START).timers] == ["a"]


def test_a_timer_whose_order_stays_open_is_due_every_ten_seconds() -> None:
    """While the exchange bans us a cancel cannot leave: it is tried again six times a minute, not at every turn."""
    orders, last, tried = (own("a", cancel_at_ms=START),), START - 700, []
    for now in range(START - 500, START + 60_000, 500):
        if due(plan(), {}, (), orders, last, now).timers:
            tried.append(now - START)
        assert next_due_ms(plan(), {}, (), orders, now) > now
        last = now
    assert tried == [0, 10_000, 20_000, 30_000, 40_000, 50_000]
    assert next_due_ms(plan(), {}, (), orders, START + 1) == START + 10_000
    assert due(plan(), {}, (), orders, None, START + 7_000).timers == orders


def some_run(**more: Any) -> Run:
    """A run."""
    fields: dict[str, Any] = {
        "rule": "dip", "symbol": SYMBOL, "order": "", "slot_ms": START, "branch": 0, "hash": "hash-dip",
        "started_ms": START, "pending_since_ms": START,
    }  # fmt: skip
    return Run(**{**fields, **more})


def test_ready_runs_are_due_and_waiting_ones_are_not() -> None:
    """A run takes its next step as soon as it can."""
    runs = (some_run(), some_run(slot_ms=1, status="waiting"))
    found = due(plan(), {}, runs, (), START - 1, START)
    assert (runs[0],) == found.runs


def test_needs_of_what_is_due() -> None:
    """Conditions and actions of due rules, and actions of due runs, have to be observed."""
    resting = rule(trigger=Every(HOUR), action_needs=frozenset({TickerNeed("ETHJPY")}))
    chosen = plan(resting)
    assert {TickerNeed("ETHJPY")} == needs_of_due(chosen, due(chosen, {}, (some_run(),), (), START, START + 1))
    first = due(chosen, {}, (), (), None, START // HOUR * HOUR)
    assert {TickerNeed("ETHJPY"), TickerNeed(SYMBOL)} == needs_of_due(chosen, first)
    gone = due(plan(), {}, (some_run(),), (), START, START + 1)
    assert frozenset() == needs_of_due(plan(), gone)


@pytest.mark.parametrize(
    ("trigger", "state", "now", "expected"),
    [
        (Every(30_000), RuleState(), START + 1, START + 30_000),
        (OnClose("1h"), RuleState(), ms("2026-03-01T12:10"), ms("2026-03-01T13:00")),
        (OnClose("1h"), RuleState(looking_ms=1), ms("2026-03-01T12:10") + 1, ms("2026-03-01T12:10") + 2_000),
        (at(9), RuleState(pending=Pending(0, None)), ms("2026-03-01T12:10") + 1, ms("2026-03-01T12:10") + 30_000),
    ],
)
def test_when_to_wake(trigger: Any, state: RuleState, now: int, expected: int) -> None:
    """The next moment at which something can be due."""
    assert expected == next_due_ms(plan(rule(trigger=trigger)), {KEY: state}, (), (), now)


def test_wake_for_timers_and_runs() -> None:
    """Timers and runs wake earlier than any slot."""
    chosen = plan(rule(trigger=Every(HOUR)))
    hour = START // HOUR * HOUR + 1
    assert hour + 50 == next_due_ms(chosen, {}, (), (own(cancel_at_ms=hour + 50),), hour)
    assert hour + 1 == next_due_ms(chosen, {}, (some_run(),), (), hour)


def test_nothing_is_due_before_the_moment_to_wake() -> None:
    """Sleeping until `next_due_ms` misses nothing."""
    chosen = plan(rule(trigger=Every(45_000)), rule(name="b", trigger=at(9)), rule(name="c", trigger=OnClose("5m")))
    now = START + 1
    for _ in range(50):
        after = next_due_ms(chosen, {}, (), (), now)
        assert due(chosen, {}, (), (), now, after - 1).is_empty
        assert not due(chosen, {}, (), (), now, after).is_empty
        now = after


# -------------------------------------------------------------------------------------------------------- calendar
def test_a_window_past_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    """22:00-02:00 on Fridays goes on into Saturday morning."""
    night = Window(22 * 60, 2 * 60, frozenset({4}), "Asia/Tokyo")
    inside = [in_window(night, ms(text)) for text in
              ("2026-03-06T13:00", "2026-03-06T16:59", "2026-03-06T17:00", "2026-03-05T16:00",
               "2026-03-07T13:00")]  # fmt: skip
    assert inside == [True, True, False, False, False]


def test_a_window_takes_its_start_and_not_its_end() -> None:
    """09:00-18:00: 09:00 belongs to it, 18:00 does not; equal ends are the whole day."""
    office = Window(9 * 60, 18 * 60, DAYS, "Asia/Tokyo")
    assert [
        in_window(office, ms(text))
        for text in ("2026-03-01T23:59", "2026-03-02T00:00", "2026-03-02T08:59", "2026-03-02T09:00")
    ] == [False, True, True, False]
    assert in_window(Window(60, 60, DAYS, "UTC"), ms("2026-03-02T00:30"))


def test_day_week_and_month_begin_at_local_midnight() -> None:
    """Windows of record begin at midnight of the account's zone, weeks on Monday."""
    now = ms("2026-03-04T16:00")  # Thursday 01:00 in Tokyo
    found = [start_of(window, now, "Asia/Tokyo") for window in ("day", "week", "month")]
    assert [ms("2026-03-04T15:00"), ms("2026-03-01T15:00"), ms("2026-02-28T15:00")] == found


def test_a_slot_is_named_by_the_grid_and_not_by_the_cycle() -> None:
    """Two starts within one slot meet the same slot, so a decision keeps its name."""
    one = due(plan(rule()), {}, (), (), None, START + 1).slots[0]
    two = due(plan(rule()), {}, (), (), None, START + 20_000).slots[0]
    assert replace(one, rule=two.rule) == two


def test_notify_only_world_runs() -> None:
    """A rule without a condition fires at each scheduled time."""
    world = World(plan(rule(None, notify(), trigger=at(9))), now_ms=ms("2026-03-02") + 500)
    world.step(after_ms=24 * HOUR)
    world.step()
    assert world.fired == 2
