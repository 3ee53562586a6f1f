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
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from autotrader.language import plan, tree
from autotrader.language.actions.sizing import MarketPrice
from autotrader.language.facts import Fact
from autotrader.language.open_orders import OrderFilter
from autotrader.language.plan import CompiledRule
from autotrader.language.relations import RELATIONS
from autotrader.language.settings import Limits, Settings
from autotrader.language.tree import Operation, Relation, Value
from autotrader.money import plain


def hashes_of(rule: CompiledRule) -> tuple[str, str]:
    """Two SHA-256 (hex): over everything that a rule means, for its symbol, and over its condition alone.

    The second keeps or resets `for` timers. The condition, most of a rule, is written once for both.
    """
    when = canonical(rule.when)
    called, parts = _form(_STORED[CompiledRule])
    written = (title + (when if title == _WHEN else canonical(get(rule))) for get, title in parts)
    return _digested(_part(called, "".join(written))), _digested(when)


def plan_hash(rules: tuple[CompiledRule, ...], settings: Settings) -> str:
    """SHA-256 (hex) over all rules and the settings that decisions depend on."""
    return _digest((
        tuple((rule.id, rule.symbol, rule.hash) for rule in rules),
        settings.timezone, settings.exchange.name, settings.symbols, settings.max_slippage, settings.limits,
    ))  # fmt: skip


def _digest(value: object) -> str:
    return _digested(canonical(value))


def _digested(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
        return lru_cache(maxsize=1 << 12)(lambda value: _part("number", plain(value)))
    if issubclass(kind, Enum):
        return {member: _part("word", str(member.value)) for member in kind}.__getitem__
    if kind not in _PLAIN:
        raise TypeError(f"{kind.__name__} has no name to be hashed under")
    name = _PLAIN[kind]
    return lru_cache(maxsize=1 << 12)(lambda value: _part(name, str(value)))  # few of them, and often


_PLAIN: Mapping[type, str] = {str: "str", int: "int", bool: "bool", type(None): "none"}


def _fields_writer(kind: type) -> _Writer:
    forms = _FORMS.get(kind)
    return _form_writer(_stored(kind)) if forms is None else lambda value: _form_writer(forms(value))(value)


@cache
def _form_writer(stored: str) -> _Writer:
    """What writes a class under its stored names."""
    called, parts = _form(stored)

    def write(value: Any) -> str:
        text = ""
        for get, title in parts:
            part = get(value)
            kind: Any = type(part)
            text += title + _writer(kind)(part)
        return f"{called}:{len(text)}:{text};"

    return write


@cache
def _form(stored: str) -> tuple[str, list[tuple[Callable[[Any], Any], str]]]:
    """A class's stored name, and how each field is taken and called; a field may be one of a relation's sides."""
    called, *names = stored.split()
    parts = []
    for name in names:
        ours, _, theirs = name.partition("=")
        get: Callable[[Any], Any] = _side(int(ours)) if ours.isdigit() else attrgetter(ours)
        parts.append((get, canonical(theirs or ours)))
    return called, parts


def _side(number: int) -> Callable[[Relation], Value]:
    return lambda relation: relation.sides[number]


def _stored(kind: Any) -> str:
    """What a class and its fields are called in hashes. Raises TypeError for one that has no such names."""
    stored: str | None = getattr(kind, "stored", None) or _STORED.get(kind)
    if stored is None:
        raise TypeError(f"{kind.__name__} has no names to be hashed under: write them in `_STORED`, or as its `stored`")
    return stored


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
    # conditions
    tree.Cross: "Cross key left direction right dead_zone timeframe",
    tree.Window: "Window start_minute end_minute days zone",
    tree.Flag: "Flag key term windows",
    tree.For: "Held key part span_ms",
    tree.Named: "Named key name part",
    tree.Not: "Not key part",
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
    # the account file: a limit that is not named is not in the plan's hash, and a new name gives every plan another one
    Limits: (
        "Limits spend_per_day loss_per_day keep_free halt_after open_orders orders_per_hour holding price_band "
        "request_weight"
    ),
}


# What is one class now and was several: under which of them a value is hashed. Relations say it in their entries.
_OPERATIONS = {"min": "Least left right unit", "max": "Most left right unit"}
_OF_LAST = {"within": "WithinLast key part count timeframe", "of": "CountOf key part least count timeframe"}
_AT_LEAST = {"all": "All key parts", "any": "Any key parts", "at_least": "AtLeast key count parts"}
_FORMS: Mapping[type, Callable[[Any], str]] = {
    Operation: lambda node: _OPERATIONS.get(node.op, "Arithmetic op left right unit"),
    Relation: lambda node: RELATIONS[node.name].stored,
    tree.OfLast: lambda node: _OF_LAST[node.form],
    tree.AtLeast: lambda node: _AT_LEAST[node.form],
}


def _part(kind: str, inner: str) -> str:
    return f"{kind}:{len(inner)}:{inner};"


_WHEN = canonical("when")
