"""One line of rule text → a typed tree, or what is wrong with it and where.

The way: `lexer` (tokens) → `parser` (values by form alone) → `check` (words, arguments, units), for conditions by
`conditions` (relations, time shapes) with `sense` (never true, always true). Nothing here raises for bad text: each
function answers with the tree, or None, and with every `Problem` at its exact column.

Written by hand rather than generated: a parser generator's errors name symbols of the grammar where a user needs the
likely fix, and nothing has to be loaded before the first line is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from autotrader.language.expression.check import Checker
from autotrader.language.expression.conditions import ConditionParser
from autotrader.language.expression.parser import ValueParser
from autotrader.language.expression.plainly import duration_ms, spelled_duration
from autotrader.language.expression.scope import Origin, Scope
from autotrader.language.expression.syntax import Fault, SignalUse, tokens_of
from autotrader.language.expression.windows import Windows
from autotrader.language.facts import Fact
from autotrader.language.problems import Problem
from autotrader.language.tree import Condition, Kind, Literal, Place, Value, Window
from autotrader.text import did_you_mean

NUMERIC = frozenset(Kind) - {Kind.TEXT}
MOST_CHARACTERS = 2000
FACTS = ("symbol", "rule", "state")
Problems = tuple[Problem, ...]
Template = tuple[str | Fact | Value, ...]
_Found = TypeVar("_Found")

__all__ = [
    "NUMERIC",
    "Origin",
    "Scope",
    "SignalUse",
    "parse_condition",
    "parse_duration_ms",
    "parse_either",
    "parse_literal",
    "parse_template",
    "parse_value",
    "parse_windows",
]


def parse_condition(text: str, origin: Origin, key: str, scope: Scope) -> tuple[Condition | SignalUse | None, Problems]:
    """Exactly one written condition. `key` is its path in the rule, under which its state is kept."""
    return _of_parser(text, origin, key, scope, ConditionParser.condition)


def parse_either(
    text: str, origin: Origin, key: str, scope: Scope, wanted: frozenset[Kind] = NUMERIC
) -> tuple[Value | Condition | None, Problems]:
    """A condition where the text says something of a value, else a value. It stands alone: there are no signals."""

    def read(parser: ConditionParser) -> Value | Condition:
        found = parser.either(wanted)
        if isinstance(found, SignalUse):
            hint = "define it below `signals:`"
            raise Fault("AT126", found.start, len(found.name), f"there is no signal `{found.name}`", hint)
        return found

    return _of_parser(text, origin, key, scope, read)


def _of_parser(
    text: str, origin: Origin, key: str, scope: Scope, read: Callable[[ConditionParser], _Found]
) -> tuple[_Found | None, Problems]:
    made: list[ConditionParser] = []

    def parsed() -> _Found:
        made.append(ConditionParser(text, origin, key, scope))  # a text without tokens is refused here
        return read(made[0])

    found, faults = _guarded(text, parsed)
    beside = [fault for parser in made for fault in (*parser.faults, *parser.checker.notes)]
    return found, _problems([*beside, *faults], text, origin)


def parse_value(
    text: str, origin: Origin, scope: Scope, wanted: frozenset[Kind] = NUMERIC, asset: str = ""
) -> tuple[Value | None, Problems]:
    """A price, an amount, a percentage …: `bid - 0.2%`, `20% of free(JPY)`. `asset` is that of a wanted amount."""
    checker = Checker(text, scope)

    def read() -> Value:
        parser = ValueParser(text)
        node = parser.value()
        parser.finish("an operator or the end")
        return checker.fitted(node, wanted, asset)

    found, faults = _guarded(text, read)
    return found, _problems([*faults, *checker.notes], text, origin)


def parse_literal(text: str, origin: Origin, wanted: frozenset[Kind], scope: Scope) -> tuple[Literal | None, Problems]:
    """A written number with its unit, or `$name`: `10_000 JPY`, `-5%`, `5m`, `14`."""
    checker = Checker(text, scope)

    def read() -> Literal:
        parser = ValueParser(text)
        node = parser.value()
        parser.finish("the end")
        value = checker.fitted(node, wanted, "")
        if not isinstance(value, Literal):
            raise node.fault("AT117", "a fixed number is needed here", "such as `10_000 JPY`, `-5%`, `5m` or `14`")
        return value

    found, faults = _guarded(text, read)
    return found, _problems([*faults, *checker.notes], text, origin)


def parse_duration_ms(text: str, origin: Origin) -> tuple[int | None, Problems]:
    """A duration in milliseconds: `5m`, `1h30m`."""

    def read() -> int:
        token, *rest = tokens_of(text)
        if token.kind == "number" and len(rest) == 1:
            raise token.fault(
                "AT120", "a duration needs its unit", f"write `{token.text}m`, `{token.text}s` or `{token.text}h`"
            )
        if token.kind != "duration" or len(rest) != 1:
            wrong = rest[0] if token.kind == "duration" else token
            raise Fault(
                "AT123",
                wrong.start,
                max(1, wrong.end - wrong.start),
                f"`{text}` is not a duration",
                spelled_duration(text) or "write `5m`, `90s`, `1h30m` or `7d`",
            )
        return duration_ms(token.text, token.start)

    found, faults = _guarded(text, read)
    return found, _problems(faults, text, origin)


def parse_windows(text: str, origin: Origin, zone: str) -> tuple[tuple[Window, ...] | None, Problems]:
    """Time windows separated by commas: `09:00-18:00 JST mon-fri, 20:00-22:00`. `zone` where none is named."""
    found, faults = _guarded(text, lambda: Windows(tokens_of(text), zone).all())
    return found, _problems(faults, text, origin)


def parse_template(text: str, origin: Origin, scope: Scope) -> tuple[Template | None, Problems]:
    """A notification's text with `{placeholders}`; `{{` and `}}` stand for braces."""
    if len(text) > MOST_CHARACTERS:
        fault = Fault("AT104", 0, 1, f"a text of {len(text):,} characters", f"at most {MOST_CHARACTERS:,} are read")
        return None, _problems([fault], text, origin)
    parts: list[str | Fact | Value] = []
    faults: list[Fault] = []
    notes: list[Fault] = []
    for plain, start, inner in _pieces(text, faults):
        if plain:
            parts.append(plain)
        if inner is None:
            continue
        if inner.strip() in FACTS:
            parts.append(Fact(inner.strip()))  # type: ignore[arg-type]
            continue
        checker = Checker(inner, scope)
        found, wrong = _guarded(inner, lambda inner=inner, checker=checker: _placeholder(inner, checker))  # type: ignore[misc]
        faults += [_moved(fault, start) for fault in wrong]
        notes += [_moved(fault, start) for fault in checker.notes]
        if found is not None:
            parts.append(found)
    problems = _problems([*faults, *notes], text, origin)
    return (None if faults else tuple(parts)), problems


def _placeholder(inner: str, checker: Checker) -> Value:
    if not inner.strip():
        raise Fault("AT131", 0, max(1, len(inner)), "an empty placeholder", "write `{last}`, or `{{` for a brace")
    parser = ValueParser(inner)
    node = parser.value()
    if parser.now.text in {":", "!"}:
        raise Fault("AT131", parser.now.start, 1, "a placeholder has no format", "write the word alone: `{last}`")
    parser.finish("`}`")
    try:
        return checker.value(node)
    except Fault as fault:
        near = "" if fault.hint or node.called or node.unit else did_you_mean(node.text, FACTS)
        raise (Fault(fault.code, fault.start, fault.length, fault.message, near) if near else fault) from None


def _pieces(text: str, faults: list[Fault]) -> Iterable[tuple[str, int, str | None]]:
    """(plain text, offset of the placeholder's inside, its inside or None) in order."""
    plain, position = "", 0
    while position < len(text):
        character = text[position]
        if text.startswith(("{{", "}}"), position):
            plain, position = plain + character, position + 2
        elif character == "{":
            end = text.find("}", position)
            if end < 0:
                faults.append(
                    Fault("AT131", position, 1, "`{` is never closed", "write `}` behind the word, or `{{` for a brace")
                )
                return
            yield plain, position + 1, text[position + 1 : end]
            plain, position = "", end + 1
        elif character == "}":
            faults.append(Fault("AT131", position, 1, "`}` without `{`", "write `}}` for a brace"))
            position += 1
        else:
            plain, position = plain + character, position + 1
    yield plain, position, None


def _moved(fault: Fault, by: int) -> Fault:
    return Fault(fault.code, fault.start + by, fault.length, fault.message, fault.hint, fault.severity)


def _guarded(text: str, read: Callable[[], _Found]) -> tuple[_Found | None, list[Fault]]:
    if len(text) > MOST_CHARACTERS:
        said = f"an expression of {len(text)} characters"
        return None, [Fault("AT104", 0, 1, said, f"at most {MOST_CHARACTERS:,} are read")]
    try:
        return read(), []
    except Fault as fault:
        return None, [fault]


def _problems(faults: Iterable[Fault], text: str, origin: Origin) -> Problems:
    found: list[Problem] = []
    for fault in sorted(faults, key=lambda each: each.start):
        start = min(max(0, fault.start), max(0, len(text) - 1))
        length = max(1, min(fault.length, len(text) - start))
        place = Place(origin.file, origin.line, origin.column + start, length)
        found.append(
            Problem(
                code=fault.code,
                place=place,
                message=fault.message,
                hint=fault.hint,
                path=origin.path,
                severity=fault.severity,
            )
        )
    return tuple(found)
