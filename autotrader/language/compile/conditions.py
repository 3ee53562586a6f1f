"""Written conditions to the typed tree: the structure here, the one-line strings by the expression language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from autotrader.language.compiler import Compiler
from autotrader.language.expression import SignalUse, parse_condition
from autotrader.language.nodes import Path
from autotrader.language.reading import MOST_PROBLEMS
from autotrader.language.rule_file import WrittenAtLeast, WrittenCombinator
from autotrader.language.tree import AtLeast, Condition, Named, Not, all_of, any_of
from autotrader.text import did_you_mean

MOST_CONDITIONS = 1_000
Item = str | WrittenCombinator


def condition_of(at: Compiler, written: Item | list[Item], path: Path, key: str = "") -> Condition | None:
    """The condition written at a path; None where something in it is wrong (then reported).

    `key` begins the keys of its leaves; without one it is the path within the rule.
    """
    key = key or at.key(path)
    at.looked.append(key)
    if len(at.looked) > MOST_CONDITIONS:  # signals of signals may multiply without end
        if len(at.looked) == MOST_CONDITIONS + 1:
            message = f"more than {MOST_CONDITIONS:,} conditions, with those of its signals"
            at.fault(path, "AT210", message, "use fewer signals inside signals")
        return None
    if isinstance(written, str):
        return _leaf(at, written, key)
    if isinstance(written, list):
        parts = _parts(at, written, path, key)
        return None if parts is None else all_of(parts, key, at.file.document.place(path))
    return _combinator(at, written, path, key)


def _combinator(at: Compiler, written: WrittenCombinator, path: Path, key: str) -> Condition | None:
    place = at.file.document.place(path, at_key=False)
    if written.none_of is not None:
        part = condition_of(at, written.none_of, (*path, "not"), f"{key}.not")
        return None if part is None else Not(key=key, place=place, part=part)
    if written.at_least is not None:
        return _at_least(at, written.at_least, (*path, "at_least"), f"{key}.at_least")
    name, items = ("all", written.all_of) if written.all_of is not None else ("any", written.any_of)
    parts = _parts(at, items or [], (*path, name), f"{key}.{name}")
    if parts is None:
        return None
    return (all_of if name == "all" else any_of)(parts, key, place)


def _at_least(at: Compiler, written: WrittenAtLeast, path: Path, key: str) -> Condition | None:
    parts = _parts(at, written.of, (*path, "of"), f"{key}.of")
    if parts is None:
        return None
    return AtLeast(key=key, place=at.file.document.place(path), count=written.n, parts=parts)


def _parts(at: Compiler, items: Sequence[Item], path: Path, key: str) -> tuple[Condition, ...] | None:
    """All parts, or None if one is wrong; every part is looked at."""
    parts = [condition_of(at, item, (*path, number), f"{key}[{number}]") for number, item in enumerate(items)]
    good = tuple(part for part in parts if part is not None)
    return good if good and len(good) == len(parts) else None


def _leaf(at: Compiler, text: str, key: str) -> Condition | None:
    if len(at.problems) > MOST_PROBLEMS:
        at.uses(text)
        return None
    found = at.read(text, lambda text, origin, scope: parse_condition(text, origin, key, scope))
    found = cast("Condition | SignalUse | None", found)  # mypy joins the union to object
    return _named(at, found.name, text, key) if isinstance(found, SignalUse) else found


def _named(at: Compiler, name: str, text: str, key: str) -> Named | None:
    """`signal(name)`: the condition of that name, compiled for this symbol, with keys under the place of its use."""
    signal = at.signals.get(name)
    if signal is None:
        hint = did_you_mean(name, at.signals, "define it below `signals:`")
        at.fault(text, "AT210", f"there is no signal `{name}`", hint)
        return None
    if name in at.inside:
        circle = " → ".join((*at.inside[at.inside.index(name) :], name))
        at.fault(text, "AT210", f"the signal refers to itself: {circle}")
        return None
    at.used.add(f"signal:{name}")
    inner = replace(
        at, file=signal.file, root=signal.path, inside=(*at.inside, name),
        scope=replace(at.scope, params=signal.file.params),
    )  # fmt: skip
    part = condition_of(inner, signal.written, signal.path, f"{key}.{name}")
    return None if part is None else Named(key=key, name=name, place=at.text_place(text), part=part)
