"""Hashes of what rules mean.

The canonical form is the compiled tree without places, source texts and hashes: moving a rule, comments, blanks or
`300s` for `5m` change nothing; a parameter's or a signal's value does. Classes and fields stand in it under names of
their own (`_STORED`), so that the code's names may change and the hashes that stores hold do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from autotrader.language import plan, tree
from autotrader.language.actions.sizing import MarketPrice
from autotrader.language.facts import Fact
from autotrader.language.open_orders import OrderFilter
from autotrader.language.plan import CompiledRule
from autotrader.language.settings import Limits, Settings
from autotrader.language.tree import Condition
from autotrader.money import plain


def rule_hash(rule: CompiledRule) -> str:
    """SHA-256 (hex) over everything that a rule means, for its symbol."""
    return _digest(rule)


def when_hash(condition: Condition | None) -> str:
    """SHA-256 (hex) over a condition alone: what keeps or resets `for` timers."""
    return _digest(condition)


def plan_hash(rules: tuple[CompiledRule, ...], settings: Settings) -> str:
    """SHA-256 (hex) over all rules and the settings that decisions depend on."""
    return _digest((
        tuple((rule.id, rule.symbol, rule.hash) for rule in rules),
        settings.timezone, settings.exchange.name, settings.symbols, settings.max_slippage, settings.limits,
    ))  # fmt: skip


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """One text per meaning: every part with its type and length, so that no two values run together."""
    kind: Any = type(value)
    return _writer(kind)(value)


_Writer = Callable[[Any], str]


@cache
def _writer(kind: type) -> _Writer:
    """How values of a type are written, found once a type: a rule set has hundreds of thousands of parts."""
    if is_dataclass(kind):
        return _fields_writer(kind)
    if issubclass(kind, Mapping):
        return lambda value: _part("map", "".join([canonical(key) + canonical(value[key]) for key in sorted(value)]))
    if issubclass(kind, frozenset):
        return lambda value: _part("set", "".join(sorted(map(canonical, value))))
    if issubclass(kind, tuple):
        return lambda value: _part("list", "".join(map(canonical, value)))
    if issubclass(kind, Decimal):
        return lambda value: _part("number", plain(value))
    if issubclass(kind, Enum):
        return lambda value: _part("word", str(value.value))
    if kind not in _PLAIN:
        raise TypeError(f"{kind.__name__} has no name to be hashed under")
    name = _PLAIN[kind]
    return lambda value: _part(name, str(value))


_PLAIN: Mapping[type, str] = {str: "str", int: "int", bool: "bool", type(None): "none"}


def _fields_writer(kind: type) -> _Writer:
    called, *names = _stored(kind)
    parts = []
    for name in names:
        ours, _, theirs = name.partition("=")
        parts.append((ours, canonical(theirs or ours)))

    def write(value: Any) -> str:
        return _part(called, "".join([title + canonical(getattr(value, name)) for name, title in parts]))

    return write


def _stored(kind: Any) -> list[str]:
    """What a class and its fields are called in hashes. Raises TypeError for one that has no such names."""
    stored: str | None = getattr(kind, "stored", None) or _STORED.get(kind)
    if stored is None:
        raise TypeError(f"{kind.__name__} has no names to be hashed under: write them in `_STORED`, or as its `stored`")
    return stored.split()


# The names under which hashes know classes and fields: those of the edition whose stores are oldest. A store keeps
# hashes, and a hash that is another after an update resets every `for` timer and every crossing and forgets what has
# fired; so a class or field that gets a new name in the code keeps its name here (`new_name=old_name`). A field that
# is not named has no meaning that hashes cover: places, source texts, what follows from other fields. Actions have
# theirs beside their fields, as `stored`.
_STORED: Mapping[type, str] = {
    # values
    tree.Unit: "Unit kind asset",
    tree.Literal: "Literal value unit",
    tree.Term: "Term word symbol unit args timeframe series shift",
    tree.Arithmetic: "Arithmetic op left right unit",
    tree.Least: "Least left right unit",
    tree.Most: "Most left right unit",
    # conditions
    tree.Compare: "Compare key left op right",
    tree.Between: "Between key value low high",
    tree.Near: "Near key value target within",
    tree.Cross: "Cross key left direction right dead_zone timeframe",
    tree.Window: "Window start_minute end_minute days zone",
    tree.Flag: "Flag key term windows",
    tree.Held: "Held key part span_ms",
    tree.WithinLast: "WithinLast key part count timeframe",
    tree.CountOf: "CountOf key part least count timeframe",
    tree.Named: "Named key name part",
    tree.All: "All key parts",
    tree.Any: "Any key parts",
    tree.Not: "Not key part",
    tree.AtLeast: "AtLeast key count parts",
    # rules
    plan.Every: "Every period_ms",
    plan.OnClose: "OnClose timeframe",
    plan.Daytime: "Daytime minute days month_day zone",
    plan.At: "At times catch_up_ms",
    plan.Branch: "Branch key condition actions",
    plan.MaxRuns: "MaxRuns count window",
    plan.CompiledRule: (
        "CompiledRule id symbol about enabled labels trigger between when rearm_when repeat_ms cooldown_ms max_runs "
        "retry_for_ms on_unknown priority for_each_order branches"
    ),
    OrderFilter: "OrderFilter side owner tag label",
    MarketPrice: "MarketPrice max_slippage",
    Fact: "Fact name",
    # the account file
    Limits: (
        "Limits spend_per_day loss_per_day keep_free halt_after open_orders orders_per_hour holding price_band "
        "request_weight"
    ),
}


def _part(kind: str, inner: str) -> str:
    return f"{kind}:{len(inner)}:{inner};"
