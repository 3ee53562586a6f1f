"""What one text of a rule (or signal) is compiled with: what its words mean, and the problems found so far.

A text knows its place (`SourceText`), so a problem points at its characters without looking them up. A text without a
place stands in for something wrong: that was reported, and nothing more is said about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any, TypeVar, cast

from autotrader.language.expression import Origin, Scope, parse_duration_ms, parse_literal, parse_value
from autotrader.language.nodes import Document, Path, SourceText, dotted, origin_of, within
from autotrader.language.problems import Problem, Severity
from autotrader.language.reading import Checked
from autotrader.language.settings import Settings
from autotrader.language.tree import Kind, Literal, Place, Value
from autotrader.structs import dataclass

Result = TypeVar("Result")
_PARAM = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A rule file: its nodes, its written form, and its parameters once they are read."""

    document: Document
    checked: Checked[Any]
    params: Mapping[str, Literal] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()  # `$names` of parameters that could not be read: what uses them stays silent

    @property
    def model(self) -> Any:
        """The written form; None where nothing of the file could be saved."""
        return self.checked.model


@dataclass(frozen=True, slots=True)
class Signal:
    """A named condition of some file: where it is written."""

    file: SourceFile
    path: Path
    written: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """The surroundings of one text. `problems` is shared by all compilers of a load and grows."""

    file: SourceFile
    scope: Scope
    problems: list[Problem]
    settings: Settings
    signals: Mapping[str, Signal] = field(default_factory=dict)
    inside: tuple[str, ...] = ()  # signals being compiled, to notice loops
    root: Path = ()  # the rule's (signal's) own path: problems name paths from the file, keys from here
    looked: list[str] = field(default_factory=list)  # keys of conditions met, over nested signals
    used: set[str] = field(default_factory=set)  # signals and $params met, for lint

    # ------------------------------------------------------------------------------------------------ places
    def fault(
        self, at: str | Path | None, code: str, message: str, hint: str = "", *, at_key: bool = False,
        severity: Severity = "error",
    ) -> None:  # fmt: skip
        """Add a problem of a text, or of what stands at a path (or its key), unless that was reported before."""
        path = at.path if isinstance(at, SourceText) else at
        if isinstance(path, tuple) and not self.file.checked.silences(path):
            problem = self.file.document.problem(code, path, message, hint, at_key=at_key, severity=severity)
            self.problems.append(problem)

    def key_place(self, path: Path) -> Place:
        """Where the key at a path stands; for a word alone, which has no value, where the word stands."""
        document = self.file.document
        steps = document.steps(path)
        return (
            document.place(path[:-1], at_key=True) if steps is None else document.place_of(steps[-1][0] or steps[-1][1])
        )

    def text_place(self, text: str) -> Place:
        """Where a text stands."""
        if isinstance(text, SourceText):
            return self.file.document.place_of(text.node)
        return Place(self.file.document.file, 1, 1)

    def key(self, path: Path) -> str:
        """A path from the rule on: the key under which state is kept (`when.all[2]`)."""
        return dotted(path[len(self.root) :])

    # ------------------------------------------------------------------------------------------------ texts
    def uses(self, text: str) -> None:
        """Note the parameters that a text names."""
        if "$" in text:
            self.used.update(_PARAM.findall(text))

    def hopeless(self, text: str) -> bool:
        """Whether a text names a parameter that could not be read."""
        return bool(self.file.broken) and not self.file.broken.isdisjoint(_PARAM.findall(text))

    def kept(self, text: str, outcome: tuple[Result | None, tuple[Problem, ...]]) -> Result | None:
        """What a parser of the expression language answered for a text; its problems are kept."""
        result, found = outcome  # notes and warnings come beside a result, errors in place of one
        if found and isinstance(text, SourceText) and not self.file.checked.silences(text.path):
            self.problems.extend(within(self.file.document, found))
        return None if any(each.severity == "error" for each in found) else result

    def read(
        self, text: str, parse: Callable[[str, Origin, Scope], tuple[Result | None, tuple[Problem, ...]]]
    ) -> Result | None:
        """What a parser makes of a text; None where it is wrong, or names a parameter that is."""
        self.uses(text)
        return None if self.hopeless(text) else self.kept(text, parse(text, origin_of(text), self.scope))

    def value(self, text: str | None, kind: Kind, asset: str = "") -> Value | None:
        """A value of a kind (and asset); None if it is absent or wrong (then reported)."""
        if text is None:
            return None
        found = self.read(text, lambda text, at, scope: parse_value(text, at, scope, frozenset({kind}), asset))
        return cast("Value | None", found)  # mypy joins the union to object

    def literal(self, text: str, kinds: frozenset[Kind]) -> Literal | None:
        """A literal, or a `$name` that stands for one."""
        return self.read(text, lambda text, at, scope: parse_literal(text, at, kinds, scope))

    def duration(
        self, text: str | None, *, least_ms: int = 1_000, most_ms: int = 366 * 86_400_000, of: str = ""
    ) -> int | None:
        """A duration in milliseconds within bounds; None if it is absent or wrong (then reported).

        `of` is the part of the text that says it, where that is not the whole.
        """
        if text is None:
            return None
        said = of or text
        found = self._duration(text, said)
        if found is None or least_ms <= found <= most_ms:
            return found
        hint = f"write {least_ms // 1000}s to {most_ms // 86_400_000 or 1}d"
        self.fault(text, "AT212", f"`{said}` is out of range", hint)
        return None

    def _duration(self, text: str, said: str) -> int | None:
        if not said.startswith("$"):
            return self.kept(text, parse_duration_ms(said, origin_of(text)))
        found = self.read(text, lambda _, at, scope: parse_literal(said, at, frozenset({Kind.DURATION}), scope))
        return None if found is None else int(found.value)

    def in_order(self) -> Compiler:
        """The same with `order.*` words allowed."""
        return replace(self, scope=replace(self.scope, in_order=True))
