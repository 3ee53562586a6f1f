"""Hashes of what rules mean.

The canonical form is the compiled tree without places, source texts and hashes: moving a rule, comments, blanks or
`300s` for `5m` change nothing; a parameter's or a signal's value does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from autotrader.language.plan import CompiledRule
from autotrader.language.settings import Settings
from autotrader.language.tree import Condition
from autotrader.money import plain

_MEANINGLESS = frozenset(
    {"place", "text", "param", "hash", "when_hash", "order", "needs", "terms", "action_needs", "action_terms"}
)


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
    name = "none" if kind is type(None) else kind.__name__
    return lambda value: _part(name, str(value))


def _fields_writer(kind: type) -> _Writer:
    names = [(each.name, canonical(each.name)) for each in fields(kind) if each.name not in _MEANINGLESS]
    called = kind.__name__

    def write(value: Any) -> str:
        return _part(called, "".join([title + canonical(getattr(value, name)) for name, title in names]))

    return write


def _part(kind: str, inner: str) -> str:
    return f"{kind}:{len(inner)}:{inner};"
