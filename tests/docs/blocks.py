"""Fenced blocks of the documents: where they stand, what kind they are, and the commands of a console."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FRESH = "<!-- a fresh project -->"
_EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its kind ("" where it names none), its text, and the line of its fence.

    `part` counts the comments `<!-- a fresh project -->` before it: there, a document's commands begin anew.
    """

    kind: str
    text: str
    file: Path
    line: int
    part: int = 0

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a console block, the exit code that the document promises, and the output that it shows."""

    command: str
    code: int
    shown: tuple[str, ...]
    place: str


def documents() -> list[Path]:
    """Every document that people read: those of the root and all below docs/."""
    return [
        *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def blocks(file: Path) -> list[Block]:
    """The fenced blocks of a document. Raises ValueError for a fence that is never closed."""
    found: list[Block] = []
    kind, start, lines, part = "", 0, list[str](), 0
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if line.startswith("```") and not start:
            kind, start, lines = line[3:].strip(), number, []
        elif line.startswith("```"):
            found.append(Block(kind, "\n".join(lines) + "\n", file, start, part))
            start = 0
        elif start:
            lines.append(line)
        elif line == FRESH:
            part += 1
    if start:
        raise ValueError(f"{file.name}:{start}: the block is never closed")
    return found


def steps(block: Block) -> list[Step]:
    """The commands of a console block. Raises ValueError where it does not begin with one."""
    found: list[Step] = []
    for number, line in enumerate(block.text.rstrip("\n").split("\n"), block.line + 1):
        if line.startswith("$ "):
            ends = _EXIT.search(line)
            found.append(Step(_EXIT.sub("", line[2:]), int(ends[1]) if ends else 0, (), f"{block.file.name}:{number}"))
        elif found:
            last = found[-1]
            found[-1] = Step(last.command, last.code, (*last.shown, line), last.place)
        else:
            raise ValueError(f"{block}: a console block begins with `$ `")
    return found


def agrees(shown: tuple[str, ...], printed: str) -> str:
    """ "" where the printed lines hold the shown ones in their order, else the first shown line that is not there.

    `…` stands for anything inside a line, a line that is `…` alone for any lines; runs of blanks count as one.
    """
    rest = [" ".join(line.split()) for line in printed.split("\n")]
    for line in shown:
        wanted = " ".join(line.split())
        if wanted in {"", "…"}:
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("…")))
        place = next((index for index, each in enumerate(rest) if pattern.fullmatch(each)), None)
        if place is None:
            return line
        rest = rest[place + 1 :]
    return ""
