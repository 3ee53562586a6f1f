"""The ways in which YAML text says something else than its writer meant, each with its own hint.

Pure functions on text and nodes. Characters that cannot be seen, or that look like others, are named by code point.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from autotrader.language.nodes import Node, Scalar
from autotrader.language.problems import Problem, fault
from autotrader.text import UNSEEN, named_point, visible

_MOST_REPORTED = 20
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d_])")
_KEYED = re.compile(r"^(?P<lead>\s*(?:-\s+)*(?:[A-Za-z0-9_.]+:\s+)?)(?P<value>\S.*)$")


def without_forbidden(file: str, text: str) -> tuple[str, list[Problem]]:
    """The text with every forbidden character replaced by a blank or `?`, so that positions stay; and the problems."""
    problems: list[Problem] = []
    for found in re.finditer(UNSEEN, text):
        if len(problems) == _MOST_REPORTED:
            break
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
        sign = found.group()
        tab = sign == "\t"
        what = "a tab" if tab else f"the character {named_point(sign)}"
        seen = "it cannot be seen and may change what the line means; remove it"
        hint = "YAML is indented with blanks" if tab else seen
        problems.append(fault(file, line, column, "AT004", f"{what} is not allowed", hint))
    if not problems:
        return text, []
    return re.sub(UNSEEN, lambda found: " " if found.group() in "\t\r" else "?", text), problems


def scalar_problems(file: str, scalar: Scalar, *, free: bool) -> list[Problem]:
    """What is wrong with one scalar as text: unescaped characters, look-alikes, line breaks, thousands commas."""
    line, column, length = scalar.line, scalar.column, scalar.length
    plain = scalar.text.isascii() and scalar.text.isprintable()  # nearly all are, and nothing can hide in them
    if plain and "," not in scalar.text:
        return []
    found = None if plain else re.search(UNSEEN, scalar.text)
    if found:
        message = f"the text holds the character {named_point(found.group())}"
        return [fault(file, line, column, "AT004", message, "remove the escape sequence", length)]
    if free:
        return []
    odd = sorted({sign for sign in scalar.text if ord(sign) > 126})
    if odd:
        return [_non_ascii(file, scalar, odd)]
    if "\n" in scalar.text:
        message = "a line break stands inside this value"
        return [fault(file, line, column, "AT009", message, "write the value on one line", length)]
    comma = _outside_parentheses(scalar.text)
    if comma is None:
        return []
    digits, at = comma.group(), scalar.text_column + comma.start()
    message, hint = f"`{digits}`: commas do not group digits", f"write `{digits.replace(',', '_')}`"
    return [fault(file, scalar.text_line, at, "AT011", message, hint, len(digits))]


_YEN = re.compile(r"[¥￥] ?([0-9_]+(?:\.[0-9]+)?)|([0-9_]+(?:\.[0-9]+)?) ?円", re.ASCII)
_MEANT = {ord("≤"): "<=", ord("≥"): ">=", ord("−"): "-", ord("–"): "-", ord("×"): "*", ord("÷"): "/"}


def _non_ascii(file: str, scalar: Scalar, odd: list[str]) -> Problem:
    first = next(index for index, sign in enumerate(scalar.text) if ord(sign) > 126)
    names = ", ".join(named_point(sign) for sign in odd[:3]) + (", ..." if len(odd) > 3 else "")
    guess = _plainly(scalar.text)
    hint = (
        f"write `{guess}`"
        if guess.isascii() and guess.isprintable()
        else "type it again in plain ASCII; other letters belong in texts and comments"
    )
    message = f"`{visible(scalar.text)}` holds {names}"
    return fault(file, scalar.text_line, scalar.text_column + first, "AT005", message, hint)


def _plainly(text: str) -> str:
    """What was probably meant, in ASCII where that is possible: `≤` as `<=`, `¥2000` and `2000円` as `2000 JPY`."""
    yen = _YEN.sub(lambda found: f"{found[1] or found[2]} JPY", text)
    return unicodedata.normalize("NFKC", yen.translate(_MEANT))


def _outside_parentheses(text: str) -> re.Match[str] | None:
    depth = end = 0
    for found in _THOUSANDS.finditer(text):
        between = text[end : found.start()]
        depth += between.count("(") - between.count(")")
        end = found.start()
        if depth <= 0:
            return found
    return None


def without_thousands(text: str) -> str:
    """The same text with `_` in place of commas between groups of three digits."""
    return _THOUSANDS.sub(lambda found: found.group().replace(",", "_"), text)


# ------------------------------------------------------------------------------------------------ flow collections


def _open(text: str) -> bool:
    return text.count("(") > text.count(")")


def _split(file: str, first: Scalar, whole: str) -> Problem:
    line, column, length, seen = first.line, first.column, len(whole), visible(whole)
    if _open(first.text):
        hint = f'inside [ ] and {{ }} put it in quotes: "{seen}", or write it on a line of its own'
        return fault(file, line, column, "AT010", f"the comma in `{seen}` splits it in two for YAML", hint, length)
    hint = f"write `{visible(whole.replace(', ', '_').replace(',', '_'))}`"
    return fault(file, line, column, "AT011", f"`{seen}`: commas do not group digits", hint, length)


def _continues(first: Node, following: Node) -> bool:
    """Whether a comma has torn these two apart: open parentheses, or digits grouped by a comma."""
    if not (isinstance(first, Scalar) and isinstance(following, Scalar) and first.style == following.style == "plain"):
        return False
    grouped = re.search(r"(?:^|\s)[+-]?\d{1,3}$", first.text) and re.match(r"\d{3}(?!\d)", following.text)
    return _open(first.text) or bool(
        grouped and following.line == first.line and following.column == first.column + first.length + 1
    )


def _join(file: str, first: Scalar, parts: list[Scalar], problems: list[Problem]) -> Scalar:
    comma = ", " if _open(first.text) else ","
    whole = comma.join(part.text for part in (first, *parts))
    problems.append(_split(file, first, whole))
    text = whole if _open(first.text) else whole.replace(",", "_")
    return replace(first, text=text, length=len(whole))


def joined_items(file: str, items: list[Node], problems: list[Problem]) -> list[Node]:
    """A flow list's items, with those put together again that a comma inside an expression had split."""
    result: list[Node] = []
    index = 0
    while index < len(items):
        first = items[index]
        index += 1
        parts: list[Scalar] = []
        while isinstance(first, Scalar) and index < len(items) and _torn(first, parts, items[index]):
            part = items[index]
            assert isinstance(part, Scalar)  # noqa: S101 - _torn has looked
            parts.append(part)
            index += 1
        result.append(_join(file, first, parts, problems) if parts and isinstance(first, Scalar) else first)
    return result


def _torn(first: Scalar, parts: list[Scalar], following: Node) -> bool:
    if not parts:
        return _continues(first, following)
    if not _open(first.text):
        return False
    return _continues(replace(first, text=", ".join(part.text for part in (first, *parts))), following)


def joined_entries(file: str, entries: list[tuple[Scalar, Node]], problems: list[Problem]) -> list[tuple[Scalar, Node]]:
    """A flow mapping's entries, with values put together again that a comma inside an expression had split."""
    result: list[tuple[Scalar, Node]] = []
    index = 0
    while index < len(entries):
        key, value = entries[index]
        index += 1
        parts: list[Scalar] = []
        while isinstance(value, Scalar) and index < len(entries) and _torn(value, parts, entries[index][0]):
            following, rest = entries[index]
            if not (isinstance(rest, Scalar) and rest.is_empty):
                break
            parts.append(following)
            index += 1
        result.append((key, _join(file, value, parts, problems) if parts and isinstance(value, Scalar) else value))
    return result


# ------------------------------------------------------------------------------------------------ syntax errors


def syntax_error(file: str, text: str, line: int, column: int, reason: str) -> tuple[Problem, str | None]:
    """One clear problem for the parser's error, and the text with that line mended (None where it cannot be)."""
    lines = text.split("\n")
    at_end = line > len(lines) or not any(row.strip() for row in lines[line - 1 :])
    if at_end:
        line = max((number for number, row in enumerate(lines, 1) if row.strip()), default=1)
        column = len(lines[line - 1]) + 1
    row = lines[line - 1]
    code, at, message, hint, mendable = _explained(row, column, reason)
    if not mendable:
        line, late = _noticed_late(lines, line, reason, at_end=at_end)
        if late:
            row = lines[line - 1]
            at = len(row) - len(row.lstrip()) + 1
            message, hint = (
                f"`{visible(row.strip())}` is neither `key: value` nor a list item",
                "write `key: value`, or begin the line with `- `",
            )
    problem = fault(file, line, at, code, message, hint)
    found = _KEYED.match(row)
    if not mendable or not found:
        return problem, None
    quoted = "'" + found["value"].rstrip().replace("'", "''") + "'"
    return problem, "\n".join([*lines[: line - 1], found["lead"] + quoted, *lines[line:]])


def _noticed_late(lines: list[str], line: int, reason: str, *, at_end: bool) -> tuple[int, bool]:
    """The line that is to blame: a line without colon is noticed by the parser only behind the next one."""
    if "could not find" in reason and at_end:
        return line, True
    earlier = next((number for number in range(line - 1, 0, -1) if lines[number - 1].strip()), 0)
    if not earlier:
        return line, False
    above, row = lines[earlier - 1], lines[line - 1]
    beside = len(above) - len(above.lstrip()) == len(row) - len(row.lstrip())
    bare = ":" not in above and not above.lstrip().startswith(("- ", "#"))
    if "could not find" in reason or ("mapping values" in reason and beside and bare):
        return earlier, True
    return line, False


_Explained = tuple[str, int, str, str, bool]  # code, column, message, hint, whether quoting the value would mend it
_CLOSING = {"{": "}", "[": "]"}
_BY_REASON = (  # part of the parser's own words -> message, hint
    ("end of stream", "what begins here is never closed", "close the quote, `]` or `}`"),
    ("',' or", "a bracket is not closed, or a comma is missing", "close `]` or `}` on its line"),
    *(
        (
            reason,
            "this line does not fit the lines above it",
            "indent it exactly like the other lines of the same block, or give the line above a key",
        )
        for reason in ("mapping values", "expected key", "'-' indicator")
    ),
)


def _explained(row: str, column: int, reason: str) -> _Explained:
    """What the line says to YAML, from its text and the parser's reason."""
    if row.startswith("%"):
        return "AT007", 1, "YAML directives (`%YAML`, `%TAG`) are not read", "remove the line", False
    if row.lstrip().startswith(":"):
        return "AT014", len(row) - len(row.lstrip()) + 1, "a key is missing before `:`", "write `name: value`", False
    found = _KEYED.match(row)
    if "escape" in reason:
        said, mends = "an escape sequence that YAML does not know", "use single quotes, or write `\\\\`"
        return "AT006", column, said, mends, False
    if found and found["lead"].strip() and (explained := _by_value(found, column, reason)):
        return explained
    for words, message, hint in _BY_REASON:
        if words in reason:
            return "AT006", column, message, hint, False
    return "AT006", column, f"not valid YAML: {reason}", "see the line above as well: the cause is often there", False


def _by_value(found: re.Match[str], column: int, reason: str) -> _Explained | None:
    """A value behind a key or a dash that YAML takes for something else."""
    value, at = found["value"], len(found["lead"]) + 1
    first = value[0]
    sign = '"' if '"' not in value else "'"
    quote = f"put it in quotes: {sign}{visible(value)}{sign}"
    if first in _CLOSING and value.count(first) > value.count(_CLOSING[first]):
        return "AT006", at, f"`{first}` is not closed on its line", "close it, or write the items on lines below", False
    if first in _CLOSING and column > at:
        return "AT015", at, f"a text that begins with `{first}` is read as a YAML collection", quote, True
    if ": " in value and at < column and first not in "\"'":
        return "AT015", column, "`: ` inside a text without quotes", quote, True
    if first in "@`%|>,":
        return "AT015", at, f"a value cannot begin with `{first}`", quote, True
    if first in "\"'" and column > at + 1 and "end of stream" not in reason:
        return "AT006", at, "quotes must stand around the whole value", "quote all of it or nothing", False
    return None
