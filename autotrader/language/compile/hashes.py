"""Hashes of what rules mean.

The canonical form is the compiled tree without places, source texts and hashes: moving a rule, comments, blanks or
`300s` for `5m` change nothing; a parameter's or a signal's value does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from autotrader.language.plan import CompiledRule, Settings
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
        settings.timezone, settings.exchange, settings.symbols, settings.max_slippage, settings.limits,
    ))  # fmt: skip


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """One text per meaning: every part with its type and length, so that no two values run together."""
    if is_dataclass(value) and not isinstance(value, type):
        inner = "".join(
            canonical(each.name) + canonical(getattr(value, each.name))
            for each in fields(value)
            if each.name not in _MEANINGLESS
        )
        return _part(type(value).__name__, inner)
    if isinstance(value, Mapping):
        return _part("map", "".join(canonical(key) + canonical(value[key]) for key in sorted(value)))
    if isinstance(value, frozenset):
        return _part("set", "".join(sorted(canonical(item) for item in value)))
    if isinstance(value, tuple):
        return _part("list", "".join(canonical(item) for item in value))
    if isinstance(value, Decimal):
        return _part("number", plain(value))
    if isinstance(value, Enum):
        return _part("word", str(value.value))
    return _part("none" if value is None else type(value).__name__, str(value))


def _part(kind: str, inner: str) -> str:
    return f"{kind}:{len(inner)}:{inner};"
