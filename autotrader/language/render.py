"""Problems as text for people and as data for machines.

The excerpt shows the file's own line with a caret under the place; wide (Japanese) characters take two columns, as on
a terminal. Nothing from a file reaches the terminal raw: control characters are shown as code points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autotrader.language.nodes import rows_of
from autotrader.language.problems import Problem
from autotrader.text import counted, in_place, in_points, width

FORMAT_VERSION = 1
MAX_WIDTH = 110
_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}
_BOLD, _BLUE, _RESET = "\x1b[1m", "\x1b[34m", "\x1b[0m"


def in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """By file, line and column; each said once, and no error without its likely fix."""
    unique = {
        (each.code, each.place.file, each.place.line, each.place.column, each.message): each
        if each.hint or each.severity != "error"
        else replace(each, hint=general_hint(each.code))
        for each in problems
    }
    return tuple(
        sorted(unique.values(), key=lambda each: (each.place.file, each.place.line, each.place.column, each.code))
    )


def general_hint(code: str) -> str:
    """What mends most mistakes of a code, where nothing better is known about one of them."""
    from autotrader.language.codes import CODES  # the catalogue: only mistakes without a hint need it

    if code.startswith("AT4"):
        return CODES[code].why if CODES[code].why.startswith(("Use", "Write", "Copy")) else "remove it"
    right = CODES[code].right
    example = f"such as `{right}`" if right and "\n" not in right else ""
    return example or f"`autotrader rule {code}` explains"


def as_text(problems: Sequence[Problem], sources: Mapping[str, str], *, colour: bool = False) -> str:
    """Every problem with its excerpt, each block ending in a line break."""
    return "".join(_block(problem, sources.get(problem.place.file), colour=colour) for problem in in_order(problems))


def summary(problems: Sequence[Problem], files: int, milliseconds: int) -> str:
    """`3 errors, 1 warning in 3 files (41 ms)`."""
    found = in_order(problems)
    said = []
    for severity in ("error", "warning", "note"):
        count = sum(each.severity == severity for each in found)
        if count or severity == "error":
            said.append(counted(count, severity))
    return f"{', '.join(said)} in {counted(files, 'file')} ({milliseconds} ms)"


def as_data(problems: Sequence[Problem], files: Sequence[str], exit_code: int) -> dict[str, Any]:
    """The same for machines, with `format_version` and `exit_code`."""
    return {
        "format_version": FORMAT_VERSION,
        "exit_code": exit_code,
        "files": sorted(files),
        "problems": [
            {
                "code": each.code, "severity": each.severity, "message": each.message, "hint": each.hint,
                "path": each.path, "file": each.place.file, "line": each.place.line, "column": each.place.column,
                "length": each.place.length,
            }
            for each in in_order(problems)
        ],
    }  # fmt: skip


def _block(problem: Problem, source: str | None, *, colour: bool) -> str:
    place = problem.place
    paint = _painter(colour=colour)
    title = paint(_COLOURS[problem.severity], f"{problem.severity}[{problem.code}]")
    head = f"{title}: {paint(_BOLD, in_points(problem.message))}"
    where = f"  {paint(_BLUE, '-->')} {in_points(place.file)}:{place.line}:{place.column}"
    lines = [head, where + (f"   {in_points(problem.path)}" if problem.path else "")]
    excerpt = _excerpt(source, place.line)
    if excerpt is None:
        lines += [f"   = help: {in_points(problem.hint)}"] if problem.hint else []
        return "\n".join(lines) + "\n"
    margin = " " * len(str(place.line))
    row, start, length = _cut(excerpt, place.column - 1, place.length)
    under = " " * width(row[:start]) + paint(
        _COLOURS[problem.severity], "^" * max(width(row[start : start + length]), 1)
    )
    bar = paint(_BLUE, "|")
    lines += [f"{margin} {bar}", f"{paint(_BLUE, str(place.line))} {bar} {row}"]
    lines.append(f"{margin} {bar} {under}" + (f" help: {in_points(problem.hint)}" if problem.hint else ""))
    return "\n".join(lines) + "\n"


def _painter(*, colour: bool) -> Any:
    return (lambda sign, text: f"{sign}{text}{_RESET}") if colour else (lambda _, text: text)


def _excerpt(source: str | None, line: int) -> str | None:
    rows = rows_of(source) if source else []
    return in_place(rows[line - 1]) if 0 < line <= len(rows) else None


def _cut(row: str, start: int, length: int) -> tuple[str, int, int]:
    """A row that fits the screen, with the place still in it."""
    start = min(start, len(row))
    if len(row) <= MAX_WIDTH:
        return row, start, min(length, max(len(row) - start, 1))
    left = max(start - MAX_WIDTH // 2, 0)
    shown = ("..." if left else "") + row[left : left + MAX_WIDTH] + ("..." if left + MAX_WIDTH < len(row) else "")
    begin = start - left + (3 if left else 0)
    return shown, begin, max(min(length, len(shown) - begin), 1)
