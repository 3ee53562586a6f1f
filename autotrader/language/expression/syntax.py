"""What was written, before any meaning: values as `Node`s, a condition as one `Sentence`.

Every piece knows its offsets, so that whoever finds it wrong can point at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Only

from autotrader.language.expression.lexer import Token


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


@dataclass(slots=True)
class Shape:
    """A time shape behind a condition: `for 5m`, `within last 3 candles`, `3 of last 5 checks`."""

    kind: Only["for", "within", "count"]
    start: int
    end: int
    span: Token | None = None
    count: int = 0
    least: int = 0
    unit: Only["candles", "checks"] = "checks"


@dataclass(slots=True)
class Sentence:
    """One written condition: a relation between values, or a word that is a condition by itself.

    Relations: "compare" (2 values, `op`), "between" (3), "near" (3), "cross" (2 or 3, `op` = up, down, either),
    "exchange", "time" (tokens `time` .. in `windows`), "signal" (`op` = its name).
    """

    relation: Only["compare", "between", "near", "cross", "exchange", "time", "signal"]
    values: tuple[Node, ...] = ()
    op: str = ""
    op_start: int = 0
    op_end: int = 0
    windows: tuple[Token, ...] = ()
    shape: Shape | None = None
