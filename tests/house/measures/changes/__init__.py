"""Six changes that people make, as scripts: each is applied to a copy of the checkout, where it must work.

A change is a module of this folder with `PATCHES` (where, what is found there, what stands there afterwards) and
`tried()`, which runs inside the copy and fails where the new thing is not validated, decided, read back, told and
documented. How many files of the package it touches is the measure. A change whose room is still being rebuilt is not
scripted yet; what stood before was traced by hand.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.house.measures.source import ROOT

COPIED = ("autotrader", "docs", "tests/house/measures", "pyproject.toml", "house.toml")


@dataclass(frozen=True)
class Patch:
    """One place of one file. `old` must stand there exactly once; an empty `old` makes a new file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """One of the six: how many files it touched before, how many it should, and the module that makes it."""

    name: str
    before: str
    reach: str
    module: str = ""


CHANGES = (
    Change("a word", "2", "1", "word"),
    Change("a relation", "11", "2", "relation"),
    Change("an action", "9–15", "2", "action"),
    Change("a setting with its limit", "6–7", "2", "setting"),
    Change("an exchange", "~20", "its folder + 1", "exchange"),
    Change("a column of the trades CSV", "1", "1", "trades_column"),
)


class DoesNotFitError(Exception):
    """A patch whose place is gone or stands there twice: the script is older than the code."""


def patched(folder: Path, patches: Iterable[Patch]) -> None:
    """Apply the patches to the copy in `folder`. Raises DoesNotFitError."""
    for patch in patches:
        path = folder / patch.path
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if (before.count(patch.old) != 1) if patch.old else bool(before):
            raise DoesNotFitError(f"{patch.path}: the place of the patch is not there once: {patch.old[:60]!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before.replace(patch.old, patch.new) if patch.old else patch.new, encoding="utf-8")


def copied(folder: Path) -> None:
    """What a change may touch or ask, copied."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


def touched(change: Change) -> list[str]:
    """The files of the package that the change touches, once it was seen to work in a copy.

    Raises DoesNotFitError, and AssertionError with what the copy said where it does not work there.
    """
    patches: list[Patch] = importlib.import_module(f"{__name__}.{change.module}").PATCHES
    with tempfile.TemporaryDirectory(prefix="autotrader-change-") as name:
        copied(Path(name))
        patched(Path(name), patches)
        argv = [sys.executable, "-c", f"from {__name__}.{change.module} import tried; tried()"]
        home = {"HOME": name, "XDG_STATE_HOME": f"{name}/state", "XDG_CACHE_HOME": f"{name}/cache"}
        done = subprocess.run(
            argv, check=False, cwd=name, env=os.environ | home, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{change.name}: does not work in the copy\n{done.stderr[-2000:]}"
    return sorted({patch.path for patch in patches if patch.path.startswith("autotrader/")})
