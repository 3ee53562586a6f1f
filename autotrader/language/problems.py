"""What is wrong with a user's file, as values: code, place, what was found, what is allowed, the likely fix.

Everything that reads user text collects `Problem`s and goes on, so that all mistakes of all files are reported at
once. Codes: AT0xx file and YAML, AT1xx expressions and units, AT2xx rules and actions, AT3xx warnings (lint),
AT4xx not yet supported, AT5xx account file.
"""

from __future__ import annotations

from typing import Literal

from autotrader.language.tree import Place
from autotrader.structs import dataclass

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake at one place. `hint` is the help line; `path` the dotted path in the document."""

    code: str
    place: Place
    message: str
    hint: str = ""
    path: str = ""
    severity: Severity = "error"


def fault(file: str, line: int, column: int, code: str, message: str, hint: str = "", length: int = 1) -> Problem:
    """An error at a line and column of a file."""
    return Problem(code=code, place=Place(file, line, column, max(length, 1)), message=message, hint=hint)
