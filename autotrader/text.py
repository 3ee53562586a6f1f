"""Text for the eye: what is safe to show, how wide it is, and what a mistyped name was meant to be.

Text from outside (files, ids, a venue's messages) can move a cursor, reorder a line or forge one of its own.
`printable` is for terminals and logs, where every such character becomes an escape; `visible` is for quoting a piece of
a file in a message; `in_place` keeps a row's columns, for the caret below it. Widths are those of Unicode Standard
Annex #11, by way of the standard library's tables. Pure: nothing here asks the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# C0 and C1 controls, delete, bidirectional and invisible marks, line separators, lone surrogates: what can move a
# cursor, hide or reorder text, or forge a line of its own.
_HARMFUL = "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# Both patterns stay texts: `re` compiles one when it is first used, and keeps it. `--help` never needs either.

# What no text file of ours may hold (it cannot be seen, or is no character at all): C0 but the line feed, DEL, C1, soft
# hyphen, Arabic letter mark, Mongolian separator, zero-width and bidi marks, line and paragraph separators, invisible
# operators, byte-order mark, annotation marks, surrogates, tags, non-characters.
UNSEEN = (
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)

# One policy for all guesses. Below 0.6 the guesses are of the kind that make a person look twice ("stop" for "step" is
# 0.75, "spreed" for "spread" 0.83, two symbols that share only `JPY` 0.5).
_LIKENESS = 0.6


# ---------------------------------------------------------------------------------------------------- safe to show
def printable(text: str) -> str:
    """Text from outside (ids, symbols, a venue's messages, user files) made harmless for terminals and logs.

    Control and direction characters become visible escapes (`\\x1b`, `\\u202e`, `\\n`); all else stays.
    """
    return text if text.isascii() and text.isprintable() else re.sub(_HARMFUL, _escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return _SHORT.get(found.group()) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def code_point(character: str) -> str:
    """A character by its code point: `U+200B`."""
    return f"U+{ord(character):04X}"


def named_point(character: str) -> str:
    """A character by its code point and name: `U+200B ZERO WIDTH SPACE`."""
    from unicodedata import name  # a megabyte of tables that only mistakes need

    known = name(character, "")
    return code_point(character) + (f" {known}" if known else "")


def visible(text: str, most: int = 60) -> str:
    """A piece of a file for a message: what cannot be seen as code points, cut to so many characters."""
    shown = re.sub(UNSEEN, lambda found: f"<{code_point(found.group())}>", text.replace("\n", "⏎"))
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def in_points(text: str) -> str:
    """Text in which all that has no picture of its own (also blanks that are not U+0020) stands as `<U+3000>`."""
    return "".join(sign if sign.isprintable() else f"<{code_point(sign)}>" for sign in text)


def in_place(row: str) -> str:
    """A file's row for an excerpt: one character stays one, so that the caret below it still points at its place."""
    return "".join(sign if sign.isprintable() else " " if sign == "\t" else "?" for sign in row)


def path_text(path: object) -> str:
    """A path that can be printed and kept, whatever bytes it has (those that are no UTF-8 as `\\xff`)."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


# ---------------------------------------------------------------------------------------------------- width
def width(text: str) -> int:
    """Columns that a text takes on a terminal: wide and full-width characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # most of what is shown is ASCII

    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def fitted(text: str, columns: int, *, right: bool = False) -> str:
    """Text filled up with spaces to so many terminal columns."""
    gap = " " * max(0, columns - width(text))
    return gap + text if right else text + gap


def clipped(text: str, columns: int) -> str:
    """Text cut to so many terminal columns, with `…` at the cut."""
    if width(text) <= columns:
        return text
    kept, used = "", 1
    for sign in text:
        used += width(sign)
        if used > columns:
            break
        kept += sign
    return kept + "…"


def counted(number: int, thing: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


# ---------------------------------------------------------------------------------------------------- guesses
def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known names that a mistyped one may have meant, best first."""
    from difflib import get_close_matches  # only mistakes need it

    return get_close_matches(name, list(known), most, _LIKENESS)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "", most: int = 1) -> str:
    """The hint for a mistyped name: "did you mean `x`?", or what else can be said."""
    near = nearest(name, known, most)
    return f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else otherwise
