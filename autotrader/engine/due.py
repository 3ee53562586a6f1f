"""What is due: slots of rules, order timers that ran out, runs to take a step, firings to try again. Pure.

Slots lie on fixed grids of the venue's time. A slot is due once: no slot up to the last evaluated one is ever due
again, whatever the clock does. Only the newest slot of a rule is taken, and only within its deadline (the shorter of
its period and 30 s); everything older is counted as missed and never replayed. Two things come between slots: the
re-look at an `on_close` slot whose candle is late (every 2 s until the next close), and the retry of a firing that was
given back, or of an `at` time that was blocked (every 30 s). An order's timer is due when it runs out, and while the
order stays open (its cancel did not leave, or was not heard of) every 10 s again, not at every turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import date, timedelta

from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.language.plan import At, CompiledRule, Daytime, Every, OnClose, Plan
from autotrader.language.tree import Window
from autotrader.market.account import OwnOrder
from autotrader.market.needs import Need, merged
from autotrader.market.timeframe import approximate_ms, next_open, open_of
from autotrader.structs import dataclass
from autotrader.times import DAY_MS, local, minute_ms

# ------------------------------------------------------------------------------------------------------------ calendar
# When a window is open and when a scheduled time comes, by the calendar of its zone (`times`).


def in_window(window: Window, at_ms: int) -> bool:
    """Whether a moment lies in a time window. One past midnight belongs to the day on which it starts."""
    now = local(at_ms, window.zone)
    minute, weekday = now.hour * 60 + now.minute, now.weekday()
    if window.start_minute < window.end_minute:
        return weekday in window.days and window.start_minute <= minute < window.end_minute
    if minute >= window.start_minute:
        return weekday in window.days
    return minute < window.end_minute and (weekday - 1) % 7 in window.days


def in_windows(windows: Iterable[Window], at_ms: int) -> bool:
    """Whether a moment lies in one of the windows."""
    return any(in_window(window, at_ms) for window in windows)


def occurrences(entry: Daytime, after_ms: int, until_ms: int) -> Iterator[int]:
    """The moments of one `at` entry in (after, until], oldest first."""
    day = local(after_ms, entry.zone).date() - timedelta(days=1)
    last = local(until_ms, entry.zone).date()
    while day <= last:
        if _falls_on(entry, day):
            moment = minute_ms(day, entry.minute, entry.zone)
            if after_ms < moment <= until_ms:
                yield moment
        day += timedelta(days=1)


_FORTY_DAYS_MS = 40 * DAY_MS  # no entry is longer silent: a month has at most 31 days


def next_occurrence(entry: Daytime, after_ms: int) -> int:
    """The first moment of an `at` entry after a time."""
    return next(occurrences(entry, after_ms, after_ms + _FORTY_DAYS_MS))


def _falls_on(entry: Daytime, day: date) -> bool:
    if not entry.month_day:
        return day.weekday() in entry.days
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day.day == min(entry.month_day, last.day)


# ----------------------------------------------------------------------------------------------------------------- due
LATEST_MS = 30_000  # the longest deadline of a slot
LOOK_MS = 2_000
RETRY_MS = 30_000
WATCH_MS = 10_000  # own open orders are looked at this often between the rules' slots
TIMER_MS = 10_000
Kind = str  # "slot", "look", "retry", "catch_up"


@dataclass(frozen=True, slots=True)
class DueSlot:
    """A rule to evaluate. `slot_ms` names the decision; `at_ms` is the time its timers and windows are judged at.

    `kind`: "slot"; "look" (an `on_close` slot again); "retry" (a firing again, outside the grid); "catch_up".
    `deadline_ms`: an order decided here must leave by then.
    """

    rule: CompiledRule
    slot_ms: int
    at_ms: int
    deadline_ms: int
    kind: Kind = "slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What one cycle has to look at. `missed` counts, per rule and symbol, slots that passed unevaluated; `passed`
    is the newest of them, which is never evaluated any more.
    """

    now_ms: int
    slots: tuple[DueSlot, ...] = ()
    missed: Mapping[StateKey, int] = field(default_factory=dict)
    passed: Mapping[StateKey, int] = field(default_factory=dict)
    timers: tuple[OwnOrder, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do (missed slots are still to be counted)."""
        return not (self.slots or self.timers or self.runs or self.missed)


def due(
    plan: Plan,
    states: Mapping[StateKey, RuleState],
    runs: Iterable[Run],
    own_orders: Iterable[OwnOrder],
    last_ms: int | None,
    now_ms: int,
) -> Due:
    """All that is due now. `last_ms` is the evaluation time of the last cycle, None before the first."""
    slots: list[DueSlot] = []
    missed: dict[StateKey, int] = {}
    passed: dict[StateKey, int] = {}
    retries = _retries(states)
    for rule in plan.rules:
        if not rule.enabled:
            continue
        key = StateKey(rule.id, rule.symbol)
        found, late, newest = _slot(rule, states.get(key), last_ms, now_ms)
        if found is None and (rule.id, rule.symbol) in retries:
            found = _retry(rule, states.get(key), last_ms, now_ms)
        if found is not None:
            slots.append(found)
        if late:
            missed[key] = late
        if newest is not None and found is None:
            passed[key] = newest
    return Due(
        now_ms=now_ms,
        slots=tuple(sorted(slots, key=lambda slot: (-slot.rule.priority, slot.rule.order))),
        missed=missed,
        passed=passed,
        timers=tuple(order for order in own_orders if _ran_out(order, last_ms, now_ms)),
        runs=tuple(run for run in runs if run.status == "ready"),
    )


def needs_of_due(plan: Plan, found: Due) -> frozenset[Need]:
    """What has to be observed for what is due: conditions and actions of the due rules, actions of the due runs."""
    rules = {(rule.id, rule.symbol): rule for rule in plan.rules}
    needs: set[Need] = set()
    for slot in found.slots:
        needs |= slot.rule.needs | slot.rule.action_needs
    for run in found.runs:
        rule = rules.get((run.rule, run.symbol))
        if rule is not None:
            needs |= rule.action_needs
    return merged(frozenset(needs))


def period_ms(rule: CompiledRule) -> int:
    """The period of a rule, for `for` timers and deadlines; a day for `at` rules."""
    match rule.trigger:
        case Every(period):
            return period
        case OnClose(timeframe):
            return approximate_ms(timeframe)
        case At():
            return DAY_MS


def _ran_out(order: OwnOrder, last_ms: int | None, now_ms: int) -> bool:
    """Whether a moment of its timer came since the last cycle: the end, and then every 10 s."""
    if order.state != "open" or order.cancel_at_ms is None or order.cancel_at_ms > now_ms:
        return False
    before = -1 if last_ms is None else (last_ms - order.cancel_at_ms) // TIMER_MS
    return (now_ms - order.cancel_at_ms) // TIMER_MS > before


def _next_timer(cancel_at_ms: int, now_ms: int) -> int:
    passed = max(-1, (now_ms - cancel_at_ms) // TIMER_MS)
    return cancel_at_ms + (passed + 1) * TIMER_MS


Found = tuple[DueSlot | None, int, int | None]  # what is due, how many slots were missed, the newest slot that came


def _slot(rule: CompiledRule, state: RuleState | None, last_ms: int | None, now_ms: int) -> Found:
    base = _base(state, last_ms)
    match rule.trigger:
        case Every(period):
            newest = now_ms // period * period
            if base is None:
                return _fresh(rule, newest, now_ms)
            count = newest // period - base // period
            return _counted(rule, newest, count, now_ms)
        case OnClose(timeframe):
            newest = open_of(now_ms, timeframe)
            if state is not None and state.looking_ms == newest:
                return _look(rule, newest, last_ms, now_ms), 0, None
            if base is None:
                return _fresh(rule, newest, now_ms)
            return _counted(rule, newest, _closes(base, newest, timeframe), now_ms)
        case At() as trigger:
            return _at(rule, trigger, base, now_ms)


def _base(state: RuleState | None, last_ms: int | None) -> int | None:
    """The time up to which all slots are done with."""
    seen = None if state is None else state.last_slot_ms
    if seen is None or last_ms is None:
        return last_ms if seen is None else seen
    return max(seen, last_ms)


def _fresh(rule: CompiledRule, newest: int, now_ms: int) -> Found:
    """A rule that was never looked at: its newest slot if that is not late, and nothing is missed."""
    return (_made(rule, newest) if now_ms - newest <= _grace(rule) else None), 0, newest


def _counted(rule: CompiledRule, newest: int, count: int, now_ms: int) -> Found:
    if count <= 0:
        return None, 0, None
    if now_ms - newest <= _grace(rule):
        return _made(rule, newest), count - 1, newest
    return None, count, newest


def _grace(rule: CompiledRule) -> int:
    return min(period_ms(rule), LATEST_MS)


def _made(rule: CompiledRule, slot_ms: int) -> DueSlot:
    return DueSlot(rule, slot_ms, slot_ms, slot_ms + _grace(rule))


def _closes(base: int, newest: int, timeframe: str) -> int:
    """How many closes lie in (base, newest]."""
    if timeframe != "1M":
        return (newest - open_of(base, timeframe)) // approximate_ms(timeframe)
    count, close = 0, open_of(base, timeframe)
    while close < newest:
        close, count = next_open(close, timeframe), count + 1
    return count


def _look(rule: CompiledRule, slot_ms: int, last_ms: int | None, now_ms: int) -> DueSlot | None:
    if last_ms is not None and now_ms // LOOK_MS <= last_ms // LOOK_MS:
        return None
    return DueSlot(rule, slot_ms, slot_ms, now_ms + LATEST_MS, "look")


def _at(rule: CompiledRule, trigger: At, base: int | None, now_ms: int) -> Found:
    start = now_ms - LATEST_MS - 1 if base is None else base
    times = sorted({moment for entry in trigger.times for moment in occurrences(entry, start, now_ms)})
    if not times:
        return None, 0, None
    newest, late = times[-1], now_ms - times[-1]
    if late <= LATEST_MS:
        return _made(rule, newest), len(times) - 1, newest
    if late <= trigger.catch_up_ms:
        return DueSlot(rule, newest, now_ms, now_ms + LATEST_MS, "catch_up"), len(times) - 1, newest
    return None, len(times), newest


# ------------------------------------------------------------------------------------------------------- retries
def _retries(states: Mapping[StateKey, RuleState]) -> frozenset[tuple[str, str]]:
    return frozenset((key.rule, key.symbol) for key, state in states.items() if state.pending is not None)


def _retry(rule: CompiledRule, state: RuleState | None, last_ms: int | None, now_ms: int) -> DueSlot | None:
    """`every` rules try again at their slots; the others every 30 s, as a decision of its own."""
    if isinstance(rule.trigger, Every) or not _retries_between_slots(rule, state):
        return None
    slot, base = now_ms // RETRY_MS * RETRY_MS, _base(state, last_ms)
    if base is not None and slot <= base:
        return None
    return DueSlot(rule, slot, slot, slot + LATEST_MS, "retry")


def _retries_between_slots(rule: CompiledRule, state: RuleState | None) -> bool:
    if isinstance(rule.trigger, At) or rule.for_each_order is not None:
        return True
    return state is not None and state.pending is not None and state.pending.returned


# --------------------------------------------------------------------------------------------------- when to wake
def next_due_ms(
    plan: Plan,
    states: Mapping[StateKey, RuleState],
    runs: Iterable[Run],
    own_orders: Iterable[OwnOrder],
    now_ms: int,
) -> int:
    """The earliest moment after now at which something can be due; at most a day away."""
    moments = [now_ms + DAY_MS]
    if any(run.status == "ready" for run in runs):
        moments.append(now_ms + 1)
    timed = (o.cancel_at_ms for o in own_orders if o.state == "open" and o.cancel_at_ms is not None)
    moments += [_next_timer(ends_ms, now_ms) for ends_ms in timed]
    retries = _retries(states)
    for rule in plan.rules:
        if rule.enabled:
            state = states.get(StateKey(rule.id, rule.symbol))
            moments.append(_next_slot(rule, now_ms))
            if state is not None and state.looking_ms is not None:
                moments.append(now_ms // LOOK_MS * LOOK_MS + LOOK_MS)
            if (rule.id, rule.symbol) in retries:
                moments.append(now_ms // RETRY_MS * RETRY_MS + RETRY_MS)
    return min(moments)


def _next_slot(rule: CompiledRule, now_ms: int) -> int:
    match rule.trigger:
        case Every(period):
            return now_ms // period * period + period
        case OnClose(timeframe):
            return next_open(open_of(now_ms, timeframe), timeframe)
        case At(times):
            return min(next_occurrence(entry, now_ms) for entry in times)
