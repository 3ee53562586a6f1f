"""Bytes to nodes: the strict reading of YAML (rule-language §7, order-safety §5.2).

The C parser of PyYAML gives events; sizes are counted on the events before anything is built. Everything that YAML
would do behind the writer's back is refused: tags, anchors, aliases, merge keys, directives, second documents,
duplicate keys, resolved scalars. After a mistake reading goes on where it safely can, on mended text, so that the
other mistakes of the file are found too; the caller must not run a document that has problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from autotrader.language import yaml_traps as traps
from autotrader.language.nodes import Document, Map, Node, Scalar, Seq, Style
from autotrader.language.problems import Problem
from autotrader.language.tree import Place
from autotrader.text import visible

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_REPAIRS = 8
FREE_TEXT = frozenset({"about", "help", "text", "because", "notify"})


def read_document(file: str, content: str | bytes) -> tuple[Document, tuple[Problem, ...]]:
    """Read one document. Never raises: whatever is wrong becomes problems, and `root` is None if nothing is left."""
    problems: list[Problem] = []
    text = _decoded(file, content, problems)
    if text is None:
        return Document(file, "", None), tuple(problems)
    clean, marks = traps.without_forbidden(file, text)
    problems += marks
    # a carriage return alone may or may not end a line: nothing behind it could be placed
    events = None if "\r" in text else _events(file, clean, problems)
    root: Map | None = None
    if events is not None:
        builder = _Builder(file, clean, problems, frozenset(mark.place.line for mark in marks))
        root = builder.document(events)
    return Document(file, text, root), tuple(problems)


def _decoded(file: str, content: str | bytes, problems: list[Problem]) -> str | None:
    """The text without byte-order mark and carriage returns, or None with a problem."""
    start = Place(file, 1, 1)
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(data) > MAX_BYTES:
        problems.append(
            Problem(
                code="AT002",
                place=start,
                message=f"the file has more than {MAX_BYTES:,} bytes, which is the most that is read",
                hint="split it into several files",
            )
        )
        return None
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or data[:4] == b"\x00\x00\xfe\xff":
        problems.append(
            Problem(
                code="AT003", place=start, message="the file is UTF-16 or UTF-32, not UTF-8", hint="save it as UTF-8"
            )
        )
        return None
    if isinstance(content, str):
        text = content
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8", "replace")
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            problems.append(
                Problem(
                    code="AT003",
                    place=Place(file, line, column),
                    message=f"byte 0x{data[error.start]:02x} is not UTF-8",
                    hint="save the file as UTF-8",
                )
            )
            return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


# ------------------------------------------------------------------------------------------------ events


class _TooMuch(Exception):
    """A limit on the event stream was passed: (line, column), message."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line, self.column, self.message = line, column, message


def _events(file: str, text: str, problems: list[Problem]) -> list[_Event] | None:
    """All events; a syntax error is reported, its line mended where that is possible, and the text read again."""
    import yaml

    dirty = {problem.place.line for problem in problems}
    last_line = 0
    for _ in range(MAX_REPAIRS):
        try:
            return list(_parsed(text))
        except _TooMuch as error:
            problems.append(Problem(code="AT002", place=Place(file, error.line, error.column), message=error.message))
            return None
        except yaml.MarkedYAMLError as error:
            # what is never closed is shown where it begins
            ends = "end of stream" in str(error.problem) and error.context_mark is not None
            mark = error.context_mark if ends else error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem, mended = traps.syntax_error(file, text, line, column, str(error.problem or error.context))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problems.append(Problem(code="AT006", place=Place(file, 1, 1), message=f"not readable as YAML: {error}"))
            return None
        if problem.place.line == last_line:
            return None
        last_line = problem.place.line
        if last_line not in dirty:
            problems.append(problem)
        if mended is None:
            return None
        text = mended
    return None


_Event = tuple[str, str, Style, int, int, int, int, bool]
"""(kind, text, style, line, column, end line, end column, flow): lines and columns 1-based.

Kinds: `[` `]` `{` `}` `=` (scalar) `*` (alias) `!` (an anchor or tag, before its node) `%` (directive) `-` (second
document).
"""


def _parsed(text: str) -> Iterator[_Event]:
    """The parser's events in our form. Raises yaml.YAMLError, _TooMuch."""
    import yaml

    # libyaml only where it is there: the pure parser gives the same events, slower.
    parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    depth = nodes = documents = 0
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            at = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                yield from _document(event, documents)
                if documents > 1:
                    return
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                yield _event("]" if isinstance(event, yaml.SequenceEndEvent) else "}", event)
            elif isinstance(event, yaml.NodeEvent):
                nodes += 1
                depth += isinstance(event, yaml.CollectionStartEvent)
                if nodes > MAX_NODES:
                    raise _TooMuch(*at, f"the file has more than {MAX_NODES:,} nodes")
                if depth > MAX_DEPTH:
                    raise _TooMuch(*at, f"the file is nested more than {MAX_DEPTH} deep")
                yield from _node_events(event)
    finally:
        parser.dispose()


def _event(kind: str, event: Any, text: str = "", style: Style = "plain") -> _Event:
    start, end = event.start_mark, event.end_mark
    flow = bool(getattr(event, "flow_style", False))
    return (kind, text, style, start.line + 1, start.column + 1, end.line + 1, end.column + 1, flow)


def _document(event: Any, number: int) -> Iterator[_Event]:
    """A document's start says something only if it is the second one or has directives."""
    if number > 1:
        yield _event("-", event)
    elif event.version or event.tags:
        yield _event("%", event)


def _node_events(event: Any) -> Iterator[_Event]:
    """An alias, or a node with what stands before it."""
    import yaml

    if isinstance(event, yaml.AliasEvent):
        yield _event("*", event, event.anchor or "")
        return
    if event.anchor or event.tag:
        yield _event("!", event, f"&{event.anchor}" if event.anchor else str(event.tag))
    if isinstance(event, yaml.ScalarEvent):
        style: Style = "plain" if not event.style else "block" if event.style in "|>" else "quoted"
        yield _event("=", event, event.value, style)
    else:
        yield _event("[" if isinstance(event, yaml.SequenceStartEvent) else "{", event)


# ------------------------------------------------------------------------------------------------ nodes


class _Builder:
    """Builds nodes from checked events. Depth is bounded by MAX_DEPTH, so it may recurse."""

    def __init__(self, file: str, text: str, problems: list[Problem], dirty: frozenset[int]) -> None:
        self.file = file
        self.dirty = dirty  # lines in which a character was replaced by `?`
        self.lines = text.split("\n")
        self.problems = problems
        self.events: list[_Event] = []
        self.next = 0

    def document(self, events: list[_Event]) -> Map | None:
        """The root mapping, or None with a problem."""
        self.events = events
        if events and events[0][0] == "%":
            self._report("AT007", events[0], "YAML directives (`%YAML`, `%TAG`) are not read", "remove the line")
            self.next = 1
        if self.next >= len(events) or (events[self.next][0] == "=" and events[self.next][1] == ""):
            self.problems.append(
                Problem(
                    code="AT013",
                    place=Place(self.file, 1, 1),
                    message="the file is empty",
                    hint="a rule file begins with `version: 1`",
                )
            )
            return None
        root = self._node("")
        if self.next < len(events) and events[self.next][0] == "-":
            self._report(
                "AT007",
                events[self.next],
                "a second document begins here; a file holds one",
                "remove the `---`, or split the file",
            )
        if isinstance(root, Map):
            return root
        what = "a list" if isinstance(root, Seq) else "a text"
        self.problems.append(
            Problem(
                code="AT013",
                place=Place(self.file, root.line, root.column),
                message=f"the file must be a mapping of keys, and is {what}",
                hint="begin with `version: 1`, then `rules:`",
            )
        )
        return None

    def _report(self, code: str, event: _Event, message: str, hint: str) -> None:
        length = event[6] - event[4] if event[5] == event[3] else 1
        place = Place(self.file, event[3], event[4], max(length, 1))
        self.problems.append(Problem(code=code, place=place, message=message, hint=hint))

    def _node(self, under: str) -> Node:
        """The next node; `under` is the nearest key above, which decides whether free text may stand here."""
        event = self.events[self.next]
        self.next += 1
        kind = event[0]
        if kind == "!":
            sign = event[1]
            what = "an anchor" if sign.startswith("&") else "a tag"
            self._report(
                "AT007",
                event,
                f"{what} (`{sign}`) is not allowed",
                "write the value itself; a text that begins with `!` or `&` needs quotes",
            )
            return self._node(under)
        if kind == "*":
            self._report(
                "AT007",
                event,
                f"an alias (`*{event[1]}`) is not allowed",
                "write the value itself; a text that begins with `*` needs quotes",
            )
            return Scalar(f"*{event[1]}", event[3], event[4], broken=True)
        if kind == "=":
            return self._scalar(event, under)
        if kind == "[":
            items: list[Node] = []
            while self.events[self.next][0] != "]":
                items.append(self._node(under))
            self.next += 1
            if event[7]:
                items = traps.joined_items(self.file, items, self.problems)
            return Seq(tuple(items), event[3], event[4], event[7])
        return self._mapping(event)

    def _mapping(self, start: _Event) -> Map:
        entries: list[tuple[Scalar, Node]] = []
        while self.events[self.next][0] != "}":
            key = self._node("")
            name = key.text if isinstance(key, Scalar) else ""
            value = self._node(name)
            if isinstance(key, Scalar):
                entries.append((key, value))
            else:
                self.problems.append(
                    Problem(
                        code="AT014",
                        place=Place(self.file, key.line, key.column),
                        message="a key must be a text",
                        hint="write `name: value`",
                    )
                )
        self.next += 1
        if start[7]:
            entries = traps.joined_entries(self.file, entries, self.problems)
        return Map(tuple(self._unique(entries)), start[3], start[4], start[7])

    def _unique(self, entries: list[tuple[Scalar, Node]]) -> Iterator[tuple[Scalar, Node]]:
        """Entries without merge keys, empty keys and repeated keys, each of which is reported."""
        seen: dict[str, Scalar] = {}
        for key, value in entries:
            place = Place(self.file, key.line, key.column, max(key.length, 1))
            if key.text in seen:
                first = seen[key.text]
                self.problems.append(
                    Problem(
                        code="AT008",
                        place=place,
                        message=f"the key `{visible(key.text)}` stands twice: lines {first.line} and {key.line}",
                        hint="YAML would silently keep the last one; remove or rename one of them",
                    )
                )
            elif key.text == "<<":
                self.problems.append(
                    Problem(
                        code="AT007",
                        place=place,
                        message="merge keys (`<<`) are not allowed",
                        hint="write the keys out, or use `params:` and `signals:`",
                    )
                )
            elif key.text == "":
                self.problems.append(
                    Problem(code="AT014", place=place, message="a key is empty", hint="write `name: value`")
                )
            else:
                seen[key.text] = key
                yield key, value

    def _scalar(self, event: _Event, under: str) -> Scalar:
        _, text, style, line, column, end_line, end_column, _ = event
        free = under in FREE_TEXT
        length = end_column - column if end_line == line else max(len(self.lines[line - 1]) - column + 1, 1)
        scalar = Scalar(text, line, column, max(length, 1), style, line, column + (style == "quoted"))
        if style == "plain":
            scalar = self._plain(scalar, end_line, end_column, free=free)
        elif style == "block":
            scalar = self._block(scalar)
        found = traps.scalar_problems(self.file, scalar, free=free)
        self.problems += found
        replaced = line in self.dirty and "?" in text
        # quotes that are not in the file were put there to read on: the line was reported
        replaced = replaced or (style == "quoted" and self.lines[line - 1][column - 1 : column] not in {"'", '"'})
        if replaced or any(problem.code in {"AT004", "AT005", "AT009"} for problem in found):
            return replace(scalar, broken=True)
        return replace(scalar, text=traps.without_thousands(scalar.text)) if found else scalar

    def _plain(self, scalar: Scalar, end_line: int, end_column: int, *, free: bool) -> Scalar:
        """A plain scalar must be on one line, and free text must not end at a comment sign."""
        if end_line > scalar.line:
            second = next(
                (number for number in range(scalar.line + 1, end_line + 1) if self.lines[number - 1].strip()), end_line
            )
            row = self.lines[second - 1]
            column = len(row) - len(row.lstrip()) + 1
            self.problems.append(
                Problem(
                    code="AT009",
                    place=Place(self.file, second, column, max(len(row.strip()), 1)),
                    message=f"YAML joins this line to line {scalar.line}: together they are one text",
                    hint="begin it with `- ` if it is an item of its own, or put a long text in quotes",
                )
            )
            first = self.lines[scalar.line - 1][scalar.column - 1 :].rstrip()
            return replace(scalar, text=first, length=max(len(first), 1))
        rest = self.lines[end_line - 1][end_column - 1 :] if free else ""
        if re.match(r"\s+#", rest) and scalar.text:
            column = end_column + len(rest) - len(rest.lstrip())
            self.problems.append(
                Problem(
                    code="AT012",
                    place=Place(self.file, end_line, column, len(rest.strip())),
                    message="the text ends here: what follows ` #` is a comment to YAML",
                    hint="put the whole text in quotes, or the comment on its own line",
                )
            )
        return scalar

    def _block(self, scalar: Scalar) -> Scalar:
        """A block scalar's text begins on the next line that is not empty; one final line break is not text."""
        for number in range(scalar.line + 1, len(self.lines) + 1):
            row = self.lines[number - 1]
            if row.strip():
                column = len(row) - len(row.lstrip(" ")) + 1
                return replace(scalar, text=scalar.text.removesuffix("\n"), text_line=number, text_column=column)
        return replace(scalar, text=scalar.text.removesuffix("\n"))
