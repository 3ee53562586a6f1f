"""A plan of faults, from a JSON or YAML file or a Python mapping, to rules; one clear error for what is wrong.

    seed: 7
    plan:
      reply_lost: {call: POST order, at: [2, 5]}
      server_error: 0.01
      invisible:
        - {at: [1], seconds: 30}
        - {probability: 0.1, seconds: 5}

A number alone is a probability. ``at`` counts the requests that the rule
matches from 1. Without ``at``, ``every`` or ``probability`` a rule applies to
every matching request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from autotrader.errors import UsageError
from autotrader.simulator.faults.case import FaultCase, Kind
from autotrader.simulator.faults.catalogue import KINDS

CHOICE = ("call", "at", "every", "probability", "times", "after", "until", "where")


class FaultsError(UsageError):
    """A plan of faults that cannot be understood; the message says where and what is allowed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault and when it happens: at these indexes, every so often, or with a probability."""

    name: str
    kind: Kind
    calls: tuple[str, ...]
    at: frozenset[int] = frozenset()
    every: int = 0
    probability: float = 0.0
    times: int | None = None
    after: float = 0.0
    until: float | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def is_about(self, call: str) -> bool:
        """Whether the rule looks at calls of this kind, such as ``GET openOrders``."""
        return any(fnmatchcase(call, pattern) for pattern in self.calls)

    def matches(self, case: FaultCase, seconds: float) -> bool:
        """Whether the rule looks at a request of its kind, ``seconds`` after the start of play."""
        if seconds < self.after or (self.until is not None and seconds >= self.until):
            return False
        return not self.where or all(case.params.get(name) == text for name, text in self.where.items())


def rules(plan: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a plan, in its order. Raises FaultsError."""
    if not isinstance(plan, Mapping):
        raise FaultsError(f"plan: a mapping from the name of a fault to when it happens is needed, not {plan!r}")
    found: list[Rule] = []
    for name, given in plan.items():
        kind = KINDS.get(name)
        if kind is None:
            raise FaultsError(f"plan: there is no fault {name!r}; there are {', '.join(KINDS)}")
        found.extend(_rule(name, kind, one) for one in (given if isinstance(given, list | tuple) else [given]))
    return tuple(found)


def _rule(name: str, kind: Kind, given: Any) -> Rule:
    if isinstance(given, bool) or not isinstance(given, int | float | Mapping):
        raise FaultsError(f"{name}: a probability from 0 to 1, or settings like {{at: [1]}}, is needed, not {given!r}")
    row: Mapping[str, Any] = given if isinstance(given, Mapping) else {"probability": given}
    _check_names(name, kind, row)
    probability = _number(name, row, "probability", 0, 1)
    every = int(_number(name, row, "every", 0, 10**9))
    at = _indexes(name, row)
    if not {"at", "every", "probability"} & row.keys():
        every = 1
    calls = row.get("call", kind.calls)
    times = row.get("times")
    until = row.get("until")
    return Rule(
        name, kind, (calls,) if isinstance(calls, str) else tuple(calls), at, every, probability,
        None if times is None else int(_number(name, row, "times", 0, 10**9)), _number(name, row, "after", 0, 1e12),
        None if until is None else _number(name, row, "until", 0, 1e12),
        {k: str(v) for k, v in row.get("where", {}).items()}, _settings(name, kind, row),
    )  # fmt: skip


def _check_names(name: str, kind: Kind, row: Mapping[str, Any]) -> None:
    unknown = [key for key in row if key not in CHOICE and key not in kind.settings]
    if unknown:
        allowed = ", ".join([*CHOICE, *kind.settings])
        raise FaultsError(f"{name}: unknown {', '.join(map(repr, unknown))}; allowed are {allowed}")
    if not isinstance(row.get("where", {}), Mapping):
        raise FaultsError(f"{name}: where is a mapping from a parameter's name to its text, not {row['where']!r}")
    calls = row.get("call", "*")
    patterns = calls if isinstance(calls, list | tuple) else [calls]
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise FaultsError(f"{name}: call is a pattern like 'POST order' or 'GET *', or a list of them, not {calls!r}")


def _number(name: str, row: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = row.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FaultsError(f"{name}: {key} is a number from {low:g} to {high:g}, not {value!r}")
    return value


def _indexes(name: str, row: Mapping[str, Any]) -> frozenset[int]:
    at = row.get("at", [])
    at = [at] if isinstance(at, int) else at
    if not isinstance(at, list | tuple) or not all(isinstance(i, int) and i > 0 for i in at):
        raise FaultsError(f"{name}: at is a list of whole numbers from 1 on, not {row['at']!r}")
    return frozenset(at)


def _settings(name: str, kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(kind.settings)
    for key, default in kind.settings.items():
        if key not in row:
            continue
        value = row[key]
        fits = default is None or value is None or _same_kind(value, default)
        if not fits:
            raise FaultsError(f"{name}: {key} is {type(default).__name__} like {default!r}, not {value!r}")
        settings[key] = value
    if wrong := kind.check(settings):
        raise FaultsError(f"{name}: {wrong}")
    return settings


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, int | float) if isinstance(default, int | float) else isinstance(value, type(default))


def read(file: Path) -> tuple[int, Mapping[str, Any]]:
    """Seed and plan of a file. Raises FaultsError."""
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=_once) if file.suffix == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        raise FaultsError(f"{file.name}: cannot be read as faults: {error}") from None
    if not isinstance(content, Mapping) or set(content) - {"seed", "plan"} or "plan" not in content:
        raise FaultsError(f'{file.name}: needed is {{"seed": 7, "plan": {{"reply_lost": 0.01}}}}')
    seed = content.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise FaultsError(f"{file.name}: seed is a whole number, not {seed!r}")
    return seed, content["plan"]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice; use a list for several rules of one fault")
    return found


def _yaml(text: str) -> Any:
    import yaml  # a plan in JSON, and a start without one, need it not

    class Loader(yaml.SafeLoader):
        """Refuses a name that stands twice."""

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
        return _once([(loader.construct_object(k, True), loader.construct_object(v, True)) for k, v in node.value])

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader, made stricter
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
