"""Bytes to nodes: the strict reading of YAML (docs/language.md §7).

The C parser of PyYAML gives events, and nodes are built as they come; sizes are counted before anything is built of
what is too large. Everything that YAML would do behind the writer's back is refused: tags, anchors, aliases, merge
keys, directives, second documents, duplicate keys, resolved scalars. After a mistake reading goes on where it safely
can, on mended text, so that the other mistakes of the file are found too; the caller must not run a document that has
problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from autotrader.language import yaml_traps as traps
from autotrader.language.nodes import Document, Map, Node, Scalar, Seq, Style
from autotrader.language.problems import Problem, fault
from autotrader.text import visible

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_REPAIRS = 8
FREE_TEXT = frozenset({"about", "help", "text", "because", "notify"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the pure parser gives the same events, slower


def read_document(file: str, content: str | bytes) -> tuple[Document, tuple[Problem, ...]]:
    """Read one document. Never raises: whatever is wrong becomes problems, and `root` is None if nothing is left."""
    text = _decoded(file, content)
    if isinstance(text, Problem):
        return Document(file, "", None), (text,)
    clean, problems = traps.without_forbidden(file, text)
    # a carriage return alone may or may not end a line: nothing behind it could be placed
    root = None if "\r" in text else _built(file, clean, problems)
    return Document(file, text, root), tuple(problems)


def _decoded(file: str, content: str | bytes) -> str | Problem:
    """The text without byte-order mark and carriage returns."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(data) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES:,} bytes, which is the most that is read"
        return fault(file, 1, 1, "AT002", message, "split it into several files")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or data[:4] == b"\x00\x00\xfe\xff":
        return fault(file, 1, 1, "AT003", "the file is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
    try:
        text = content if isinstance(content, str) else data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return fault(file, line, column, "AT003", message, "save the file as UTF-8")
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


class _TooMuch(Exception):
    """A limit on the event stream was passed: a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _built(file: str, text: str, problems: list[Problem]) -> Map | None:
    """The root. A syntax error is reported, its line mended where that is possible, and the text read again."""
    dirty = frozenset(problem.place.line for problem in problems)
    lines, last_line = text.split("\n"), 0
    for _ in range(MAX_REPAIRS):
        builder = _Builder(file, text, lines, dirty)
        try:
            root = builder.document()
        except _TooMuch as error:
            problems.append(error.problem)
            return None
        except yaml.MarkedYAMLError as error:
            # what is never closed is shown where it begins
            ends = "end of stream" in str(error.problem) and error.context_mark is not None
            mark = error.context_mark if ends else error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem, mended = traps.syntax_error(file, text, line, column, str(error.problem or error.context))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problems.append(fault(file, 1, 1, "AT006", f"not readable as YAML: {error}"))
            return None
        else:
            problems += builder.problems  # those of a round that failed are dropped: it begins anew on mended text
            return root
        if problem.place.line == last_line:
            return None
        last_line = problem.place.line
        if last_line not in dirty:
            problems.append(problem)
        if mended is None:
            return None
        text = mended
    return None


class _Builder:
    """Builds nodes from the parser's events. Depth is bounded by MAX_DEPTH, so it may recurse.

    `lines` are those of the file, `text` may have been mended; `dirty` are the lines in which a character was replaced
    by `?`.
    """

    def __init__(self, file: str, text: str, lines: list[str], dirty: frozenset[int]) -> None:
        self.file, self.lines, self.dirty = file, lines, dirty
        self.parser: Any = _LOADER(text)
        self.problems: list[Problem] = []
        self.count = self.depth = 0  # of nodes: the parser itself bounds neither

    def document(self) -> Map | None:
        """The root mapping, or None with a problem. Raises yaml.YAMLError, _TooMuch."""
        try:
            return self._document()
        finally:
            self.parser.dispose()

    def _document(self) -> Map | None:
        self.parser.get_event()  # the stream's start
        start = self.parser.get_event()
        if isinstance(start, yaml.StreamEndEvent):
            self._empty()
            return None
        if start.version or start.tags:
            self._fault(start, "AT007", "YAML directives (`%YAML`, `%TAG`) are not read", "remove the line")
        first = self.parser.peek_event()
        if isinstance(first, yaml.ScalarEvent) and not (first.value or first.anchor or first.tag):
            self._to_end()
            self._empty()
            return None
        root = self._node(self.parser.get_event(), "")
        self._to_end()
        if isinstance(root, Map):
            return root
        message = f"the file must be a mapping of keys, and is {'a list' if isinstance(root, Seq) else 'a text'}"
        hint = "begin with `version: 1`, then `rules:`"
        self.problems.append(fault(self.file, root.line, root.column, "AT013", message, hint))
        return None

    def _empty(self) -> None:
        hint = "a rule file begins with `version: 1`"
        self.problems.append(fault(self.file, 1, 1, "AT013", "the file is empty", hint))

    def _to_end(self) -> None:
        """What follows the root: nothing, or a second document, which is not read."""
        while not isinstance(event := self.parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                hint = "remove the `---`, or split the file"
                self._fault(event, "AT007", "a second document begins here; a file holds one", hint)
                return

    def _fault(self, event: Any, code: str, message: str, hint: str) -> None:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        self.problems.append(fault(self.file, start.line + 1, start.column + 1, code, message, hint, length))

    def _counted(self, event: Any) -> tuple[int, int]:
        """Where a node begins. Raises _TooMuch before a node too many is built."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self.count += 1
        if self.count > MAX_NODES:
            raise _TooMuch(fault(self.file, line, column, "AT002", f"the file has more than {MAX_NODES:,} nodes"))
        if self.depth >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
            raise _TooMuch(fault(self.file, line, column, "AT002", f"the file is nested more than {MAX_DEPTH} deep"))
        return line, column

    def _node(self, event: Any, under: str) -> Node:
        """The node that begins with an event; `under` is the nearest key above, which decides whether free text may
        stand here.
        """
        line, column = self._counted(event)
        if isinstance(event, yaml.AliasEvent):  # never followed: ten aliases of ten aliases fill a memory
            hint = "write the value itself; a text that begins with `*` needs quotes"
            self._fault(event, "AT007", f"an alias (`*{event.anchor or ''}`) is not allowed", hint)
            return Scalar(f"*{event.anchor or ''}", line, column, broken=True)
        if event.anchor or event.tag:  # reported once, and the node itself read on
            what = f"an anchor (`&{event.anchor}`)" if event.anchor else f"a tag (`{event.tag}`)"
            hint = "write the value itself; a text that begins with `!` or `&` needs quotes"
            self._fault(event, "AT007", f"{what} is not allowed", hint)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line, column, under)
        self.depth += 1
        flow = bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            items = [self._node(each, under) for each in self._until(yaml.SequenceEndEvent)]
            made: Node = Seq(
                tuple(traps.joined_items(self.file, items, self.problems) if flow else items), line, column, flow
            )
        else:
            entries = list(self._entries())
            entries = traps.joined_entries(self.file, entries, self.problems) if flow else entries
            made = Map(tuple(self._unique(entries)), line, column, flow)
        self.depth -= 1
        return made

    def _until(self, end: type) -> Iterator[Any]:
        """The events that begin the children of a collection."""
        while not isinstance(event := self.parser.get_event(), end):
            yield event

    def _entries(self) -> Iterator[tuple[Scalar, Node]]:
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, "")
            value = self._node(self.parser.get_event(), key.text if isinstance(key, Scalar) else "")
            if isinstance(key, Scalar):
                yield key, value
            else:
                hint = "write `name: value`"
                self.problems.append(fault(self.file, key.line, key.column, "AT014", "a key must be a text", hint))

    def _unique(self, entries: list[tuple[Scalar, Node]]) -> Iterator[tuple[Scalar, Node]]:
        """Entries without merge keys, empty keys and repeated keys, each of which is reported."""
        seen: dict[str, Scalar] = {}
        for key, value in entries:
            if key.text in seen:
                lines = f"lines {seen[key.text].line} and {key.line}"
                hint = "YAML would silently keep the last one; remove or rename one of them"
                self._key_fault(key, "AT008", f"the key `{visible(key.text)}` stands twice: {lines}", hint)
            elif key.text == "<<":
                hint = "write the keys out, or use `params:` and `signals:`"
                self._key_fault(key, "AT007", "merge keys (`<<`) are not allowed", hint)
            elif key.text == "":
                self._key_fault(key, "AT014", "a key is empty", "write `name: value`")
            else:
                seen[key.text] = key
                yield key, value

    def _key_fault(self, key: Scalar, code: str, message: str, hint: str) -> None:
        self.problems.append(fault(self.file, key.line, key.column, code, message, hint, key.length))

    def _scalar(self, event: Any, line: int, column: int, under: str) -> Scalar:
        style: Style = "plain" if not event.style else "block" if event.style in "|>" else "quoted"
        free, end_line, end_column = under in FREE_TEXT, event.end_mark.line + 1, event.end_mark.column + 1
        length = end_column - column if end_line == line else len(self.lines[line - 1]) - column + 1
        scalar = Scalar(event.value, line, column, max(length, 1), style, line, column + (style == "quoted"))
        if style == "plain":
            scalar = self._plain(scalar, end_line, end_column, free=free)
        elif style == "block":
            scalar = self._block(scalar)
        found = traps.scalar_problems(self.file, scalar, free=free)
        self.problems += found
        replaced = line in self.dirty and "?" in event.value
        # quotes that are not in the file were put there to read on: the line was reported
        replaced = replaced or (style == "quoted" and self.lines[line - 1][column - 1 : column] not in {"'", '"'})
        if replaced or any(problem.code in {"AT004", "AT005", "AT009"} for problem in found):
            return replace(scalar, broken=True)
        return replace(scalar, text=traps.without_thousands(scalar.text)) if found else scalar

    def _plain(self, scalar: Scalar, end_line: int, end_column: int, *, free: bool) -> Scalar:
        """A plain scalar must be on one line, and free text must not end at a comment sign."""
        if end_line > scalar.line:
            later = (number for number in range(scalar.line + 1, end_line + 1) if self.lines[number - 1].strip())
            second = next(later, end_line)
            row = self.lines[second - 1]
            message = f"YAML joins this line to line {scalar.line}: together they are one text"
            hint = "begin it with `- ` if it is an item of its own, or put a long text in quotes"
            column = len(row) - len(row.lstrip()) + 1
            self.problems.append(fault(self.file, second, column, "AT009", message, hint, len(row.strip())))
            first = self.lines[scalar.line - 1][scalar.column - 1 :].rstrip()
            return replace(scalar, text=first, length=max(len(first), 1))
        rest = self.lines[end_line - 1][end_column - 1 :] if free else ""
        if re.match(r"\s+#", rest) and scalar.text:
            column = end_column + len(rest) - len(rest.lstrip())
            message = "the text ends here: what follows ` #` is a comment to YAML"
            hint = "put the whole text in quotes, or the comment on its own line"
            self.problems.append(fault(self.file, end_line, column, "AT012", message, hint, len(rest.strip())))
        return scalar

    def _block(self, scalar: Scalar) -> Scalar:
        """A block scalar's text begins on the next line that is not empty; one final line break is not text."""
        for number in range(scalar.line + 1, len(self.lines) + 1):
            row = self.lines[number - 1]
            if row.strip():
                column = len(row) - len(row.lstrip(" ")) + 1
                return replace(scalar, text=scalar.text.removesuffix("\n"), text_line=number, text_column=column)
        return replace(scalar, text=scalar.text.removesuffix("\n"))
