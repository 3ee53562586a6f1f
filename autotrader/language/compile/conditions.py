"""Written conditions to the typed tree: the structure here, the one-line strings by the expression language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from autotrader.language.compile.bench import Bench
from autotrader.language.expression import parse_condition
from autotrader.language.nodes import Path
from autotrader.language.reading import MOST_PROBLEMS
from autotrader.language.rule_file import WrittenAtLeast, WrittenCombinator
from autotrader.language.tree import All, Any, AtLeast, Condition, Named, Not
from autotrader.text import did_you_mean

_SIGNAL = re.compile(r"\s*signal\s*\(\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\)\s*", re.ASCII)

MOST_CONDITIONS = 1_000
Item = str | WrittenCombinator


def condition_of(bench: Bench, written: Item | list[Item], path: Path, key: str = "") -> Condition | None:
    """The condition written at a path; None where something in it is wrong (then reported).

    `key` begins the keys of its leaves; without one it is the path within the rule.
    """
    key = key or bench.key(path)
    bench.looked.append(key)
    if len(bench.looked) > MOST_CONDITIONS:  # signals of signals may multiply without end
        if len(bench.looked) == MOST_CONDITIONS + 1:
            message = f"more than {MOST_CONDITIONS:,} conditions, with those of its signals"
            bench.report("AT210", path, message, hint="use fewer signals inside signals")
        return None
    if isinstance(written, str):
        return _leaf(bench, written, path, key)
    if isinstance(written, list):
        parts = _parts(bench, written, path, key)
        return None if parts is None else All(key=key, place=bench.document.place(path), parts=parts)
    return _combinator(bench, written, path, key)


def _combinator(bench: Bench, written: WrittenCombinator, path: Path, key: str) -> Condition | None:
    place = bench.document.place(path, at_key=False)
    if written.none_of is not None:
        part = condition_of(bench, written.none_of, (*path, "not"), f"{key}.not")
        return None if part is None else Not(key=key, place=place, part=part)
    if written.at_least is not None:
        return _at_least(bench, written.at_least, (*path, "at_least"), f"{key}.at_least")
    name, items = ("all", written.all_of) if written.all_of is not None else ("any", written.any_of)
    parts = _parts(bench, items or [], (*path, name), f"{key}.{name}")
    if parts is None:
        return None
    return All(key=key, place=place, parts=parts) if name == "all" else Any(key=key, place=place, parts=parts)


def _at_least(bench: Bench, written: WrittenAtLeast, path: Path, key: str) -> Condition | None:
    parts = _parts(bench, written.of, (*path, "of"), f"{key}.of")
    if parts is None:
        return None
    return AtLeast(key=key, place=bench.document.place(path), count=written.n, parts=parts)


def _parts(bench: Bench, items: Sequence[Item], path: Path, key: str) -> tuple[Condition, ...] | None:
    """All parts, or None if one is wrong; every part is looked at."""
    parts = [condition_of(bench, item, (*path, number), f"{key}[{number}]") for number, item in enumerate(items)]
    good = tuple(part for part in parts if part is not None)
    return good if good and len(good) == len(parts) else None


def _leaf(bench: Bench, text: str, path: Path, key: str) -> Condition | None:
    bench.uses(text)
    if bench.hopeless(text) or len(bench.problems) > MOST_PROBLEMS:
        return None
    found = _SIGNAL.fullmatch(text)
    if found:
        return _named(bench, found[1], path, key)
    outcome = parse_condition(text, bench.origin(path), key, bench.scope)
    return cast("Condition | None", bench.kept(path, outcome))  # mypy joins the union to object


def _named(bench: Bench, name: str, path: Path, key: str) -> Condition | None:
    """`signal(name)`: the condition of that name, compiled for this symbol, with keys under the place of its use."""
    signal = bench.signals.get(name)
    if signal is None:
        hint = did_you_mean(name, bench.signals, "define it below `signals:`")
        bench.report("AT210", path, f"there is no signal `{name}`", hint=hint)
        return None
    if name in bench.inside:
        circle = " → ".join((*bench.inside[bench.inside.index(name) :], name))
        bench.report("AT210", path, f"the signal refers to itself: {circle}")
        return None
    bench.used.add(f"signal:{name}")
    inner = replace(
        bench, document=signal.document, checked=signal.checked, root=signal.path, inside=(*bench.inside, name),
        scope=replace(bench.scope, params=signal.params), broken=signal.broken,
    )  # fmt: skip
    part = condition_of(inner, signal.written, signal.path, f"{key}.{name}")
    return None if part is None else Named(key=key, name=name, place=bench.document.place(path), part=part)
