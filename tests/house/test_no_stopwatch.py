"""No test measures this machine: a busy one must not turn the suite red.

Refused is a measured time (or a rate made of one) that must stay below, or above, a plain number. What holds instead: a
count of work, a ratio to something measured in the same run (`tests/worlds/work.py`), or a bound made of the time that
was given to the thing tried. A lower bound of a wait is no such thing: no machine makes a second shorter.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CLOCKS = frozenset({"monotonic", "perf_counter", "process_time", "thread_time", "time", "getrusage"})


def is_measured(node: ast.expr, known: set[str]) -> bool:
    """Whether a clock, or a name that holds what one said, stands in it."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in CLOCKS:
            base = part.func.value
            if isinstance(base, ast.Name) and base.id in {"time", "resource"}:
                return True
        if isinstance(part, ast.Name) and part.id in known:
            return True
    return False


def is_plain(node: ast.expr) -> bool:
    """A number, also one that is reckoned from numbers."""
    return all(isinstance(part, ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop)
               for part in ast.walk(node))  # fmt: skip


def stopwatches(text: str) -> list[int]:
    """The lines where a measured time is held to a plain number."""
    found = []
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef):
            continue
        known: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and is_measured(node.value, known):
                known |= {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        for node in ast.walk(function):
            if isinstance(node, ast.Assert):
                found += [
                    node.lineno for one in ast.walk(node.test) if isinstance(one, ast.Compare) and _held(one, known)
                ]
    return found


def _held(compare: ast.Compare, known: set[str]) -> bool:
    if len(compare.ops) != 1:
        return False
    left, op, right = compare.left, compare.ops[0], compare.comparators[0]
    if is_measured(right, known):
        left, right, op = right, left, {ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Lt: ast.Gt}.get(type(op), ast.Gt)()
    if not is_measured(left, known) or not is_plain(right):
        return False
    is_rate = any(isinstance(part, ast.Div) for part in ast.walk(left)) or not isinstance(left, ast.BinOp)
    return isinstance(op, ast.Lt | ast.LtE) or (is_rate and isinstance(op, ast.Gt | ast.GtE))


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("assert time.monotonic() - begun < 5", True),
        ("assert 2 > time.process_time() - begun", True),
        ("rate = rows / (time.process_time() - begun)\n    assert rate > 100_000", True),
        ("spent = time.perf_counter() - begun\n    assert spent / 10 < 0.02", True),
        ("assert time.monotonic() - begun >= 0.5", False),
        ("assert time.monotonic() - begun < hang / 10", False),
        ("assert cost(job) < 30", False),
        ("assert calls(job) < 5", False),
    ],
)
def test_the_stopwatch_is_found(line: str, refused: bool) -> None:
    """A plain number beside a measured time is refused; a ratio, a count and a wait's lower bound are not."""
    assert bool(stopwatches(f"def test():\n    begun = time.monotonic()\n    {line}\n")) is refused


def test_no_test_holds_this_machine_to_a_number() -> None:
    """In no test file stands one."""
    found = [f"{path.relative_to(TESTS)}:{line}" for path in sorted(TESTS.rglob("test_*.py"))
             for line in stopwatches(path.read_text(encoding="utf-8"))]  # fmt: skip
    assert found == []
