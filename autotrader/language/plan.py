"""The working form: compiled rules and settings, without optional fields that the engine would have to ask about.

A rule over several symbols becomes one `CompiledRule` per symbol: each has its own state. Durations are
milliseconds, percentages percent points, money Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any
from typing import Literal as Only

from autotrader.language.account_file import settings_data
from autotrader.language.actions.action import Action
from autotrader.language.dump import condition_data
from autotrader.language.open_orders import OrderFilter
from autotrader.language.readback import in_words, window_text
from autotrader.language.settings import Settings
from autotrader.language.tree import Condition, Place, Term, Window
from autotrader.market.needs import Need
from autotrader.structs import dataclass
from autotrader.times import minute_text, span_text


@dataclass(frozen=True, slots=True)
class Every:
    """`every: 30s`: slots at multiples of the period since the epoch, venue time."""

    period_ms: int


@dataclass(frozen=True, slots=True)
class OnClose:
    """`on_close: 1h`: one slot at each close; looked at again every 2 s while the candle is late."""

    timeframe: str


@dataclass(frozen=True, slots=True)
class Daytime:
    """One entry of `at`: a minute of the day on some days. `days` are weekdays (0 = Monday) or, for `monthly`, empty
    with `month_day` set (a day that the month lacks is its last).
    """

    minute: int
    days: frozenset[int]
    month_day: int
    zone: str


@dataclass(frozen=True, slots=True)
class At:
    """`at: [...]` with `catch_up`: 0 = skip, else a missed time is made up once within that span."""

    times: tuple[Daytime, ...]
    catch_up_ms: int = 0


Trigger = Every | OnClose | At


@dataclass(frozen=True, slots=True)
class Branch:
    """What to do, under which further condition (None: no condition: a plain `then`, or `else`)."""

    key: str
    condition: Condition | None
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class MaxRuns:
    """`max_runs: 2 per day`: `window` is day, week, month (account's zone) or a rolling span in milliseconds."""

    count: int
    window: Only["day", "week", "month"] | int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule for one symbol, ready to run.

    `retry_for_ms` None = as long as the condition holds. `hash` covers the rule's text with its parameters and
    signals; `when_hash` only the condition: an edit that leaves it alone keeps `for` timers. `needs` are what its
    condition and branches read; `terms` every distinct term in them; `action_needs` / `action_terms` what its
    actions read in the cycle in which they run.
    """

    id: str
    symbol: str
    place: Place
    about: str = ""
    enabled: bool = True
    labels: tuple[str, ...] = ()
    trigger: Trigger
    between: tuple[Window, ...] = ()
    when: Condition | None
    rearm_when: Condition | None = None
    repeat_ms: int | None = None
    cooldown_ms: int = 0
    max_runs: MaxRuns | None = None
    retry_for_ms: int | None = None
    on_unknown: Only["skip", "alert", "fire"] = "skip"
    priority: int = 0
    order: int = 0  # position over all files, for the order within a cycle
    for_each_order: OrderFilter | None = None
    branches: tuple[Branch, ...]
    needs: frozenset[Need]
    terms: tuple[Term, ...]
    action_needs: frozenset[Need] = frozenset()
    action_terms: tuple[Term, ...] = ()
    hash: str
    when_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All rules that run together. `hash` covers every rule's hash and the settings that decisions depend on."""

    rules: tuple[CompiledRule, ...]
    settings: Settings
    needs: frozenset[Need]
    hash: str
    sources: Mapping[str, str] = field(default_factory=dict)  # file -> text, for excerpts and for the record


# ------------------------------------------------------------------------------------------------ as plain data
Data = dict[str, Any]


def plan_data(plan: Plan) -> Data:
    """The whole plan."""
    return {
        "hash": plan.hash,
        "settings": settings_data(plan.settings),
        "rules": [rule_data(rule) for rule in plan.rules],
    }


def rule_data(rule: CompiledRule) -> Data:
    """One rule of one symbol; keys that say nothing are left out."""
    symbol = rule.symbol
    data: Data = {
        "id": rule.id, "symbol": symbol, "file": rule.place.file, "line": rule.place.line, "enabled": rule.enabled,
        "about": rule.about or None, "labels": list(rule.labels) or None, "trigger": _trigger(rule),
        "between": [window_text(window) for window in rule.between] or None,
        "when": None if rule.when is None else condition_data(rule.when, symbol),
        "when_in_words": None if rule.when is None else in_words(rule.when, symbol),
        "rearm_when": None if rule.rearm_when is None else condition_data(rule.rearm_when, symbol),
        "rearm_in_words": None if rule.rearm_when is None else in_words(rule.rearm_when, symbol),
        "repeat": _span(rule.repeat_ms), "cooldown": _span(rule.cooldown_ms or None),
        "max_runs": None if rule.max_runs is None else f"{rule.max_runs.count} per {_window(rule.max_runs.window)}",
        "retry_for": _span(rule.retry_for_ms), "on_unknown": rule.on_unknown, "priority": rule.priority,
        "for_each_order": None if rule.for_each_order is None else {
            "side": rule.for_each_order.side.value.lower() if rule.for_each_order.side else None,
            "owner": rule.for_each_order.owner, "tag": rule.for_each_order.tag, "label": rule.for_each_order.label,
        },
        "branches": [
            {"key": branch.key, "if": None if branch.condition is None else condition_data(branch.condition, symbol),
             "if_in_words": None if branch.condition is None else in_words(branch.condition, symbol),
             "then": [_action_data(action, symbol) for action in branch.actions]}
            for branch in rule.branches
        ],
        "needs": sorted(str(need) for need in rule.needs | rule.action_needs), "hash": rule.hash,
    }  # fmt: skip
    return {key: value for key, value in data.items() if value is not None}


def _span(span_ms: int | None) -> str | None:
    return None if span_ms is None else span_text(span_ms)


def _window(window: str | int) -> str:
    return span_text(window) if isinstance(window, int) else window


def _trigger(rule: CompiledRule) -> Data:
    match rule.trigger:
        case Every(period_ms=period):
            return {"every": span_text(period)}
        case OnClose(timeframe=timeframe):
            return {"on_close": timeframe}
        case At(times=times, catch_up_ms=catch_up):
            shown = [
                {
                    "time": minute_text(each.minute),
                    "days": sorted(each.days),
                    "month_day": each.month_day or None,
                    "zone": each.zone,
                }
                for each in times
            ]
            return {"at": shown, "catch_up": span_text(catch_up) if catch_up else "skip"}


def _action_data(action: Action, symbol: str) -> Data:
    """One action; `in_words` says it as a sentence."""
    data = {"in_words": action.words(symbol), **action.data(symbol)}
    return {key: value for key, value in data.items() if value is not None}
