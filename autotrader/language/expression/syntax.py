"""A value as it was written, before any meaning. Every piece knows its offsets, so that a mistake can be shown."""

from __future__ import annotations

from autotrader.language.expression.lexer import Fault, Severity
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class SignalUse:
    """`signal(name)`, with the place of the name: what it stands for is known to whoever reads the whole file."""

    name: str
    start: int


@dataclass(slots=True)
class Node:
    """A piece of a value.

    Kinds and what their parts are: "number" (text; `unit` as written or ""), "duration", "param" (text without `$`),
    "call" (text = word; parts = arguments; `unit` = the prefix before a dot; `called` tells `f()` from `f`), "minus"
    and "plus" (one part), "+", "-", "*", "/", "of" (two parts), "ago" (one part; text = the count).
    """

    kind: str
    start: int
    end: int
    text: str = ""
    parts: tuple[Node, ...] = ()
    unit: str = ""
    called: bool = False
    word_start: int = 0  # of a call: where the word itself begins, behind a prefix
    word_end: int = 0
    forming: int = -1  # offset of the word `forming`, if written

    def fault(self, code: str, message: str, hint: str = "", severity: Severity = "error") -> Fault:
        """A fault over this piece."""
        return Fault(code, self.start, self.end - self.start, message, hint, severity)
