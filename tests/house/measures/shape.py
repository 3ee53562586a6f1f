"""Sizes: lines and tokens of code, functions, docstrings, comments that give a reason."""

from __future__ import annotations

import io
import re
import statistics
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.house.measures.source import Function, Module, docstrings

NO_CODE = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
})  # fmt: skip
# Comments that speak to a tool or draw a line give no reason.
NO_REASON = re.compile(r"#\s*(noqa|fmt:|type:|pragma|mypy:|ruff:|!|-{3,}|={3,}|-\*-)|^#[\s#=-]*$")


@dataclass(frozen=True)
class Size:
    """Lines (no blanks, comments, docstrings) and tokens of code, and the number of files."""

    files: int = 0
    lines: int = 0
    tokens: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.files + other.files, self.lines + other.lines, self.tokens + other.tokens)


def tokens_of(module: Module) -> list[tokenize.TokenInfo]:
    """Its tokens, comments among them."""
    return list(tokenize.generate_tokens(io.StringIO(module.text).readline))


def size_of(module: Module) -> Size:
    """The code of one file; a docstring is none."""
    said = {(node.lineno, node.col_offset) for node in docstrings(module)}
    lines: set[int] = set()
    tokens = 0
    for token in tokens_of(module):
        # An f-string's text arrives as three kinds of tokens since Python 3.12: the counts are for one Python.
        if token.type not in NO_CODE and token.start not in said:
            tokens += 1
            lines.update(range(token.start[0], token.end[0] + 1))
    return Size(1, len(lines), tokens)


def sizes(modules: Iterable[Module]) -> dict[str, Size]:
    """The code of each part of the house."""
    found = {"trader": Size(), "simulator": Size(), "prove": Size()}
    for module in modules:
        found[module.part] += size_of(module)
    return found


def length(function: Function) -> int:
    """Lines of a function from `def` to its end, decorators left out."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@dataclass(frozen=True)
class Functions:
    """How long functions are."""

    count: int
    median: int
    p90: int
    longest: int
    where: str


def functions(modules: Iterable[Module]) -> Functions:
    """Their number, median, ninth decile and longest, with its place."""
    found = sorted((length(one), f"{module.path}:{one.lineno}") for module in modules for one in module.functions)
    lengths = [lines for lines, _ in found]
    p90 = lengths[int(len(lengths) * 0.9)]
    return Functions(len(found), round(statistics.median(lengths)), p90, *found[-1])


def longest_file(modules: Iterable[Module]) -> tuple[int, str]:
    """The file with most lines, of any kind."""
    return max((module.text.count("\n"), module.path) for module in modules)


def docstring_share(modules: Sequence[Module]) -> float:
    """The part of all lines that is docstring, in percent."""
    said = sum((node.end_lineno or 0) - node.lineno + 1 for module in modules for node in docstrings(module))
    return 100 * said / sum(module.text.count("\n") for module in modules)


@dataclass(frozen=True)
class Comments:
    """Lines with a reason behind `#`, on lines of their own and behind code; blocks that the formatter leaves alone."""

    own_lines: int
    trailing: int
    unformatted: int

    @property
    def reasons(self) -> int:
        """Both kinds."""
        return self.own_lines + self.trailing


def comments(modules: Iterable[Module]) -> Comments:
    """Comments that give a reason: neither rulers nor orders to tools."""
    own = trailing = unformatted = 0
    for module in modules:
        for token in tokens_of(module):
            if token.type != tokenize.COMMENT:
                continue
            unformatted += "fmt: skip" in token.string
            if NO_REASON.search(token.string):
                continue
            if token.line[: token.start[1]].strip():
                trailing += 1
            else:
                own += 1
    return Comments(own, trailing, unformatted)
