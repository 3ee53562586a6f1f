"""The part below `files` decides and computes: it does no input or output, reads no clock, draws no number.

import-linter (`python3 dev.py check`) sees which modules are imported; these tests read the syntax trees for
what it cannot see: `datetime.now()`, `open()`, `np.random`, `.read_text()` and their like.  The checker is
itself checked, on one small sample for each thing it must find.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {contract["id"]: contract for contract in SETTINGS["contracts"]}
PURE: list[str] = CONTRACTS["pure"]["source_modules"]

# Whole modules, by the first parts of a dotted name.
IMPURE_MODULES = frozenset(CONTRACTS["pure"]["forbidden_modules"]) | {
    "_io", "_thread", "builtins", "fcntl", "fileinput", "getpass", "importlib.resources", "linecache", "mmap",
    "numpy.random", "pkgutil", "platform", "pty", "resource", "sched", "shelve", "tarfile", "webbrowser", "zipfile",
}  # fmt: skip
IMPURE_NAMES = frozenset({
    "datetime.date.today", "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow",
    "numpy.fromfile", "numpy.genfromtxt", "numpy.load", "numpy.loadtxt", "numpy.memmap", "numpy.save", "numpy.savetxt",
})  # fmt: skip
IMPURE_BUILTINS = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})
# What is compiled there is written by the algebra alone, with keys and constants as arguments; a test of the algebra
# says that nothing of a rule gets into it.
COMPILED = ("autotrader/language/source.py", "exec")
# Calls that are impure on whatever object they are made: a clock handed down as an argument is still a clock.
IMPURE_METHODS = frozenset({
    "getenv", "monotonic", "now", "read_bytes", "read_text", "sleep", "today", "utcnow", "write_bytes", "write_text",
})  # fmt: skip


def pure_files() -> list[Path]:
    """Every source file of the pure part."""
    files = []
    for module in PURE:
        path = ROOT.joinpath(*module.split("."))
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return files


def imported_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, as a dotted path."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".", maxsplit=1)[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """The full path an expression such as `np.random.default_rng` stands for, None when it is not a plain path."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, names)):
        return f"{base}.{node.attr}"
    return None


def is_impure_path(path: str) -> bool:
    """Whether a dotted path is, or lies in, something that touches the world."""
    parts = path.split(".")
    heads = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return bool(heads & IMPURE_MODULES) or path in IMPURE_NAMES


def impure_call(call: ast.Call, names: dict[str, str]) -> str | None:
    """What is impure about this call, judged by the bare name or the method's name."""
    match call.func:
        case ast.Name(id=name) if name in IMPURE_BUILTINS and name not in names:
            return name
        case ast.Attribute(attr=name) if name in IMPURE_METHODS:
            return f".{name}()"
        case ast.Attribute(attr="astimezone") if not call.args and not call.keywords:
            return ".astimezone() without a zone asks the machine"
    return None


def impurities(source: str) -> Iterator[tuple[int, str]]:
    """Each line of the source that touches the world, with what it touches."""
    tree = ast.parse(source)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if is_impure_path(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, path) for path in paths if is_impure_path(path))
        elif isinstance(node, ast.Attribute | ast.Name) and (path := dotted(node, names)) and is_impure_path(path):
            yield node.lineno, path
        elif isinstance(node, ast.Call) and (what := impure_call(node, names)):
            yield node.lineno, what


def test_the_pure_part_touches_nothing() -> None:
    """No file below `files` reads, writes, waits, looks at a clock or draws a random number."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in pure_files()
        for line, what in impurities(path.read_text(encoding="utf-8"))
        if (path.relative_to(ROOT).as_posix(), what) != COMPILED
    ]
    assert not found, "\n".join(["the pure part touches the world:", *found])


def test_the_pure_part_is_everything_below_files() -> None:
    """The list of pure modules is exactly the layers under `files`, so a new layer cannot slip by."""
    layers: list[str] = CONTRACTS["layers"]["layers"]
    below = [part.strip() for layer in layers[layers.index("files") + 1 :] for part in layer.split("|")]
    assert [f"autotrader.{name}" for name in below] == PURE


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\nx = datetime.datetime.now(datetime.UTC)",
        "from datetime import datetime as d, UTC\nx = d.now(UTC)",
        "from datetime import datetime\nfield(default_factory=datetime.utcnow)",
        "from datetime import date\nx = date.today()",
        "x = moment.astimezone()",
        "def f(clock): return clock.monotonic()",
        "import time\nx = time.time()",
        "from time import sleep",
        "def f():\n    import time as t\n    return t.monotonic()",
        "x = open('file')",
        "print('hello')",
        "def f(path): return path.read_text()",
        "from pathlib import Path",
        "import os\nx = os.environ['KEY']",
        "import random\nx = random.random()",
        "import secrets",
        "from uuid import uuid4",
        "import numpy as np\nx = np.random.default_rng()",
        "from numpy import random",
        "import numpy\nx = numpy.load('file')",
        "import logging",
        "import urllib.request",
        "from importlib import resources",
    ],
)
def test_the_checker_finds(source: str) -> None:
    """Each way of touching the world is found in a sample."""
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)",
        "from datetime import datetime, time\nx = time(9, 0)",
        "def f(view): return view.now - 3",
        "x = moment.astimezone(zone)",
        "import numpy as np\nx = np.nan",
        "from decimal import Decimal\nx = Decimal(1)",
        "class Clock:\n    def now(self) -> int: ...",
    ],
)
def test_the_checker_leaves_alone(source: str) -> None:
    """Values of time, zones given by name and plain computing are fine."""
    assert not list(impurities(source))
