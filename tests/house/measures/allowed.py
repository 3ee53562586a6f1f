"""`house.toml`: what is allowed of what should not be, and which names somebody else calls."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.house.measures import imports, names
from tests.house.measures.source import ROOT, Module


@dataclass(frozen=True)
class House:
    """The file's content."""

    allowed: Mapping[str, int]
    hooks: Mapping[str, str]


def read_house(path: Path = ROOT / "house.toml") -> House:
    """Read it. Raises OSError, tomllib.TOMLDecodeError, KeyError."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return House(found["allowed"], found["hooks"])


def found_in(modules: Sequence[Module], hooks: Mapping[str, str]) -> dict[str, list[str]]:
    """What must not become more, each with its places."""
    trader = [module for module in modules if module.part == "trader"]
    return {
        "circles": [" ↔ ".join(group) for group in imports.circles(imports.graph(modules))],
        "doubles": [f"{name}: {', '.join(where)}" for name, where in names.doubles(trader).items()],
        "unused": names.unused(modules, hooks),
    }


def judged(modules: Sequence[Module], house: House) -> tuple[list[str], list[str]]:
    """What is more than allowed, with every place; and what is less, so that the file may fall."""
    more, less = [], []
    for name, places in found_in(modules, house.hooks).items():
        limit = house.allowed[name]
        if len(places) > limit:
            more += [f"{name}: {len(places)} and not more than {limit} are allowed (house.toml)"]
            more += [f"  {place}" for place in places]
        elif len(places) < limit:
            less += [f"{name}: house.toml allows {limit}, there are {len(places)}: write that down"]
    known = {one.name for one in names.definitions(modules)} | {one.where for one in names.definitions(modules)}
    less += [f"hooks: nothing is called {name} any more (house.toml)" for name in house.hooks if name not in known]
    return more, less
