"""What commands print: results on stdout, the rest on stderr, colour where it is wanted, harmless text always.

`say` and `note` are the two ways out. Colour is decided per stream (`--color`, NO_COLOR, FORCE_COLOR, TERM=dumb, not
a terminal). Text that came from outside goes through `autotrader.text.printable` before it is laid out; `table`
and `emit_json` do that themselves. Nothing here imports rich.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, Self, TextIO, TypeVar

from autotrader.text import fitted, printable, width

FORMAT_VERSION = 1
Item = TypeVar("Item")
ColorMode = Literal["auto", "always", "never"]
_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "grey": "90",
    "on_red": "41;97;1",
}


class _Choice:
    """What `--color` of this process says."""

    mode: ColorMode = "auto"


def choose_color(mode: ColorMode) -> None:
    """Let `--color` decide for the rest of this process."""
    _Choice.mode = mode


def wants_color(stream: TextIO, mode: ColorMode | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether to colour a stream: the flag, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether it is a terminal."""
    mode = mode or _Choice.mode
    environ = os.environ if environ is None else environ
    if mode != "auto":
        return mode == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """Text in a style ("red", "bold", "bold red", ...) if the stream (stdout) is to be coloured."""
    if not text or not wants_color(stream or sys.stdout):
        return text
    return f"\x1b[{';'.join(_STYLES[name] for name in style.split())}m{text}\x1b[0m"


def say(text: str = "", *, end: str = "\n") -> None:
    """A line of the result, on stdout."""
    sys.stdout.write(text + end)


def note(text: str = "", *, end: str = "\n") -> None:
    """A line for the person, on stderr, behind what was said before it where both go to one place."""
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.flush()
    sys.stderr.write(text + end)
    sys.stderr.flush()


def emit_json(payload: Mapping[str, Any], exit_code: int = 0) -> int:
    """Print the result as JSON with `format_version` and `exit_code` in front; returns the exit code.

    Decimals are written as plain strings (never as floats); control characters inside strings as escapes.
    """
    import json  # here and below: no help screen writes JSON

    document = {"format_version": FORMAT_VERSION, "exit_code": exit_code, **payload}
    text = json.dumps(document, ensure_ascii=False, indent=2, default=_plain)
    say("\n".join(_json_safe(line) for line in text.split("\n")))
    return exit_code


def _json_safe(line: str) -> str:
    """json escapes C0 itself; delete, C1 and direction marks are left, and stand only inside strings."""
    if printable(line) == line:
        return line
    return "".join(char if printable(char) == char else f"\\u{ord(char):04x}" for char in line)


def _plain(value: object) -> object:
    """Values that json does not know: Decimals and Amounts as exact text, sets sorted, dataclasses by field."""
    from dataclasses import fields, is_dataclass  # start-up, as above
    from decimal import Decimal  # start-up, as above
    from enum import Enum  # start-up, as above

    from autotrader.money import Amount, plain  # start-up, as above

    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Amount):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def columns() -> int:
    """How wide the terminal is: COLUMNS, what the terminal says, or 80."""
    with contextlib.suppress(KeyError, ValueError):
        if (said := int(os.environ["COLUMNS"])) > 0:
            return said
    with contextlib.suppress(AttributeError, ValueError, OSError):
        if (said := os.get_terminal_size(sys.__stdout__.fileno()).columns) > 0:  # type: ignore[union-attr]
            return said
    return 80


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] | set[int] = frozenset()) -> str:
    """Rows under a head, columns aligned (wide characters counted); columns in `right` end at the right.

    Cells are made printable; a cell may be a `Styled`, whose colour does not count as width.
    """
    body = [[_cell(cell) for cell in row] for row in rows]
    columns = [max([width(name), *(width(row[i]) for row in body)]) for i, name in enumerate(head)]
    lines = ["  ".join(fitted(name, columns[i], right=i in right) for i, name in enumerate(head)).rstrip()]
    for row, cells in zip(rows, body, strict=True):
        padded = [fitted(text, columns[i], right=i in right) for i, text in enumerate(cells)]
        padded[-1] = padded[-1] if (len(cells) - 1) in right else padded[-1].rstrip()
        lines.append("  ".join(_colored(row[i], text) for i, text in enumerate(padded)).rstrip(" "))
    return "\n".join([styled(lines[0], "bold"), *lines[1:]])


class Column(NamedTuple, Generic[Item]):
    """A column of a list: its name, what it says of an item, and whether it ends at the right, as figures do."""

    name: str
    cell: Callable[[Item], str]
    right: bool = False


def listed(columns: Sequence[Column[Item]], items: Iterable[Item]) -> str:
    """Items as a table, one a row."""
    rows = [[column.cell(item) for column in columns] for item in items]
    right = {number for number, column in enumerate(columns) if column.right}
    return table([column.name for column in columns], rows, right=right)


class Styled(str):
    """A table cell with a style."""

    __slots__ = ("style",)
    style: str

    def __new__(cls, text: str, style: str) -> Self:
        """The text, to be shown in `style`."""
        made = super().__new__(cls, text)
        made.style = style
        return made


def _cell(text: str) -> str:
    return printable(str(text))


def _colored(cell: str, text: str) -> str:
    return styled(text, cell.style) if isinstance(cell, Styled) else text
