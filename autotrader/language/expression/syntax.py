"""A value as it was written, before any meaning. Every piece knows its offsets, so that a mistake can be shown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal as Only
from typing import NamedTuple

from autotrader.structs import dataclass

# --------------------------------------------------------------------------------------------------------------- lexer
# Text of one expression → tokens with offsets. Whatever is no token is refused here, with its likely meaning.

Severity = Only["error", "warning", "note"]


class Fault(Exception):
    """One mistake in an expression: where (offset and length in its text), what, and the likely fix."""

    def __init__(
        self,
        code: str,
        start: int,
        length: int,
        message: str,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.start = start
        self.length = max(1, length)
        self.message = message
        self.hint = hint
        self.severity = severity


class Token(NamedTuple):
    """A token. Kinds: "number", "duration", "time" (09:00), "word", "param" ($name), "op", "end"."""

    kind: str
    text: str
    start: int
    end: int

    def fault(self, code: str, message: str, hint: str = "") -> Fault:
        """A fault over this token."""
        return Fault(code, self.start, len(self.text), message, hint)


_TOKEN = re.compile(
    r"""
    (?P<time>[0-9]{1,2}:[0-9]{2}(?![0-9:]))
  | (?P<duration>(?:[0-9][0-9_]*(?:\.[0-9]+)?(?:ms|[smhdwM]))+(?![A-Za-z0-9_]))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*|[0-9]+[A-Z][A-Z0-9]+(?![a-z_]))
  | (?P<number>[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)
  | (?P<param>\$[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op><=|>=|==|!=|=>|=<|<>|&&|\|\||[-<>=!+*/(),.%&|:])
    """,
    re.VERBOSE | re.ASCII,
)
_LOOK_ALIKES = {
    "×": "*", "÷": "/", "≤": "<=", "≥": ">=", "−": "-", "–": "-", "—": "-", "％": "%", "＜": "<", "＞": ">", "＝": "=",
    "，": ",", "、": ",", "（": "(", "）": ")", "＋": "+", "．": ".", "¥": "JPY", "￥": "JPY", "円": "JPY",
    "　": "a plain space",
    "\u00a0": "a plain space",
}  # fmt: skip
_HINTS = {
    "{": "an expression has no braces; placeholders belong to notify texts",
    "[": "arguments stand in parentheses: rsi(14, 1h)",
    "^": "there is no power operator",
    "$": "a parameter is `$` and its name: $dip",
    ";": "one string is one condition; use `all:` for several",
    "'": "words are written without quotes",
    '"': "words are written without quotes",
    "#": "a comment needs a space before `#`",
    "@": "",
    "?": "there is no `a ? b : c`; use `choose:`",
}


@lru_cache(
    maxsize=1 << 12
)  # rules repeat themselves: `12h`, `bid - 0.2%`, and all of them for each of a rule's symbols
def tokens_of(text: str) -> tuple[Token, ...]:
    """All tokens, with one of kind "end" behind them. Raises Fault at the first character that begins none."""
    found: list[Token] = []
    position, length = 0, len(text)
    while position < length:
        if text[position] in " \t\r\n":
            position += 1
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise _stray(text, position)
        kind = match.lastgroup or "op"
        found.append(Token(kind, match.group(), position, match.end()))
        position = match.end()
    return (*found, Token("end", "", length, length))


def _stray(text: str, position: int) -> Fault:
    character = text[position]
    plain = _LOOK_ALIKES.get(character)
    if plain is None and not character.isascii():
        import unicodedata  # only mistakes need it

        folded = unicodedata.normalize("NFKC", character)
        plain = folded if folded.isascii() and folded.isprintable() and folded.strip() else None
    if plain is not None:
        shown = plain if plain.startswith("a ") else f"`{plain}`"
        return Fault("AT101", position, 1, f"`{character}` is not an ASCII character", f"write {shown}")
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return Fault("AT101", position, 1, f"{shown} has no meaning in an expression", _HINTS.get(character, ""))


# -------------------------------------------------------------------------------------------------------------- syntax
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
