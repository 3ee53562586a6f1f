"""The loaded plan as plain data: every number an exact text with its unit (`9400000 JPY`, `0.001 BTC`, `-5%`)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any as AnyType

from autotrader.language.account_file import settings_data
from autotrader.language.actions.readback import action_in_words, template
from autotrader.language.plan import (
    Action,
    At,
    CancelOrders,
    CompiledRule,
    Every,
    MarketPrice,
    Notify,
    OnClose,
    PauseRules,
    PlaceOrder,
    Plan,
)
from autotrader.language.readback import in_words, window_text, written, written_condition
from autotrader.language.tree import All, Any, AtLeast, Condition, Kind, Literal, Named, Not, Value
from autotrader.money import plain
from autotrader.times import minute_text, span_text

Data = dict[str, AnyType]


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
             "then": [action_data(action, symbol) for action in branch.actions]}
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


def condition_data(condition: Condition, symbol: str) -> AnyType:
    """A condition in the form in which it is written, units exact."""
    match condition:
        case All(parts=parts):
            return {"all": [condition_data(part, symbol) for part in parts]}
        case Any(parts=parts):
            return {"any": [condition_data(part, symbol) for part in parts]}
        case Not(part=part):
            return {"not": condition_data(part, symbol)}
        case AtLeast(count=count, parts=parts):
            return {"at_least": {"n": count, "of": [condition_data(part, symbol) for part in parts]}}
        case Named(name=name, part=part):
            return {"signal": name, "is": condition_data(part, symbol)}
        case _:
            return written_condition(_resolved(condition), symbol)


def value_data(value: Value, symbol: str) -> str:
    """A value as it would be written, with every number exact, parameters filled in."""
    return written(_resolved(value), symbol)


def _resolved(node: AnyType) -> AnyType:
    """The same tree with every literal's text made from its value: `10_000 JPY` and `$spend` become `10000 JPY`."""
    if isinstance(node, Literal):
        return replace(node, text=_exact(node), param="")
    if isinstance(node, tuple):
        return tuple(_resolved(item) for item in node)
    if is_dataclass(node) and not isinstance(node, type):
        changed = {
            each.name: _resolved(getattr(node, each.name))
            for each in fields(node)
            if each.name not in {"place", "unit"}
        }
        return replace(node, **changed)
    return node


def _exact(literal: Literal) -> str:
    number = plain(literal.value)
    match literal.unit.kind:
        case Kind.PERCENT:
            return f"{number}%"
        case Kind.DURATION:
            return span_text(int(literal.value))
        case Kind.PRICE | Kind.AMOUNT:
            return f"{number} {literal.unit.asset}"
        case Kind.COUNT if "level" in literal.text:
            return f"{number} levels"
        case _:
            return number


def action_data(action: Action, symbol: str) -> Data:
    """One action; `in_words` says it as a sentence."""
    data: Data = {"in_words": action_in_words(action, symbol)}
    match action:
        case PlaceOrder():
            amounts = {name: getattr(action, name) for name in ("spend", "size", "max_spend", "max_size")}
            data |= {"action": action.side.value.lower()}
            data |= {name: value_data(value, symbol) for name, value in amounts.items() if value is not None}
            data["price"] = "market" if isinstance(action.price, MarketPrice) else value_data(action.price, symbol)
            if isinstance(action.price, MarketPrice):
                data["max_slippage"] = f"{plain(action.price.max_slippage)}%"
            data |= {
                "tif": action.tif.value.lower(),
                "post_only": action.post_only,
                "cancel_after": _span(action.cancel_after_ms),
            }
            data |= {"tag": action.tag} if action.tag else {}
        case CancelOrders():
            data |= {
                "action": "cancel_orders", "owner": action.owner,
                "side": action.side.value.lower() if action.side else None,
                "tag": action.tag, "older_than": _span(action.older_than_ms),
                "further_than": None if action.further_than is None else value_data(action.further_than, symbol),
            }  # fmt: skip
        case Notify():
            data |= {
                "action": "notify",
                "to": action.to,
                "level": action.level,
                "text": template(action, symbol),
                "throttle": _span(action.throttle_ms or None),
            }
        case PauseRules():
            data |= {
                "action": "resume" if action.resume else "pause",
                "rules": list(action.rules),
                "labels": list(action.labels),
                "for": _span(action.span_ms),
            }
        case _:
            data |= {"action": action_in_words(action, symbol).split()[0].rstrip(":")}
    return {key: value for key, value in data.items() if value is not None}
