"""A user's document as nodes with positions: what stands between YAML and everything that judges it.

Scalars are text, always. Lines and columns are 1-based and count characters. A node that was already reported is
`broken`: later stages leave it out, so that one mistake makes one problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import Literal

from autotrader.language.expression.scope import Origin
from autotrader.language.problems import Problem, Severity
from autotrader.language.tree import Place
from autotrader.structs import dataclass

Style = Literal["plain", "quoted", "block"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text. `line`, `column`, `length` are of the source as written; `text_line` and `text_column` are where the
    first character of the text itself stands (behind a quote, or on the line after `|`).
    """

    text: str
    line: int
    column: int
    length: int = 1
    style: Style = "plain"
    text_line: int = 0
    text_column: int = 0
    broken: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written (`key:`), which is not the same as an empty quoted text."""
        return self.style == "plain" and self.text == ""


@dataclass(frozen=True, slots=True)
class Seq:
    """A list, in block or flow form."""

    items: tuple[Node, ...]
    line: int
    column: int
    flow: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping; keys are unique texts, in order."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int
    flow: bool = False
    broken: bool = False
    index: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.index.update({key.text: number for number, (key, _) in enumerate(self.entries)})

    def get(self, key: str) -> Node | None:
        """The value under a key, or None."""
        number = self.index.get(key)
        return None if number is None else self.entries[number][1]

    def key(self, key: str) -> Scalar | None:
        """The node of the key itself, or None."""
        number = self.index.get(key)
        return None if number is None else self.entries[number][0]


Node = Scalar | Seq | Map


@dataclass(frozen=True, slots=True)
class Document:
    """A file's nodes. `text` is the source that places refer to; `root` None where nothing usable could be read."""

    file: str
    text: str
    root: Map | None

    def node(self, path: Sequence[str | int]) -> Node | None:
        """The node at a path, or None where the document has none."""
        found = self.steps(path)
        return found[-1][1] if found is not None else None

    def steps(self, path: Sequence[str | int]) -> list[tuple[Scalar | None, Node]] | None:
        """(key, node) of every step from the root to a path, or None where it does not exist."""
        if self.root is None:
            return None
        result: list[tuple[Scalar | None, Node]] = [(None, self.root)]
        for step in path:
            entry = child(result[-1][1], step)
            if entry is None:
                return None
            result.append(entry)
        return result

    def place(self, path: Sequence[str | int], *, at_key: bool = False) -> Place:
        """The place of what stands at a path (or of its key); of the nearest existing node above if it is missing."""
        for end in range(len(path), -1, -1):
            found = self.steps(path[:end])
            if found is not None:
                key, node = found[-1]
                missing_below = end < len(path)
                return self.place_of(key if key is not None and (at_key or missing_below) else node)
        return Place(self.file, 1, 1)

    def problem(
        self, code: str, path: Sequence[str | int], message: str, hint: str = "", *, at_key: bool = False,
        severity: Severity = "error",
    ) -> Problem:  # fmt: skip
        """What is wrong with what stands at a path (or with its key)."""
        place = self.place(path, at_key=at_key)
        return Problem(code=code, place=place, message=message, hint=hint, path=dotted(path), severity=severity)

    def place_of(self, node: Node) -> Place:
        """The place of a node: a scalar's own text, the start of anything else."""
        length = node.length if isinstance(node, Scalar) else 1
        return Place(self.file, node.line, node.column, max(length, 1))


@lru_cache(maxsize=8)
def rows_of(text: str) -> list[str]:
    """The lines of a source; kept, because many problems ask for them."""
    return text.split("\n")


def child(node: Node, step: str | int) -> tuple[Scalar | None, Node] | None:
    """The key and value one step below a node."""
    if isinstance(node, Map) and isinstance(step, str):
        number = node.index.get(step)
        return None if number is None else node.entries[number]
    if isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    return None


class SourceText(str):
    """A text of a document that knows its place: what reads it says what is wrong with it where it stands."""

    # A subclass, so that forms and parsers take it for the text that it is. Whatever cuts or joins it makes a plain
    # `str`, and so does pydantic's own `str`: what is kept of a file never drags the file's nodes along.
    __slots__ = ("file", "node", "path")
    file: str
    node: Scalar
    path: Path

    @classmethod
    def of(cls, file: str, node: Scalar, path: Path) -> SourceText:
        """The text of a node at a path of a file."""
        made = cls(node.text)
        made.file, made.node, made.path = file, node, path
        return made


def origin_of(text: str) -> Origin:
    """Where a text begins (behind a quote, on the line below a `|`); without a file where it comes from none."""
    if not isinstance(text, SourceText):
        return Origin("", 1, 1)
    return Origin(text.file, text.node.text_line, text.node.text_column, dotted(text.path))


def within(document: Document, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Problems whose columns lie in their line: the text of a folded or escaped scalar is longer than its line."""
    rows = rows_of(document.text)
    for each in problems:
        end = len(rows[each.place.line - 1]) + 1 if each.place.line <= len(rows) else 1
        yield each if each.place.column <= end else replace(each, place=replace(each.place, column=end, length=1))


def broken_paths(node: Node, path: Path = ()) -> Iterator[Path]:
    """The paths of all nodes that were already reported."""
    if node.broken:
        yield path
    elif isinstance(node, Map):
        for key, value in node.entries:
            if key.broken:
                yield (*path, key.text)
            else:
                yield from broken_paths(value, (*path, key.text))
    elif isinstance(node, Seq):
        for number, item in enumerate(node.items):
            yield from broken_paths(item, (*path, number))


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: `rules.buy_the_dip.when.all[2]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
