"""Where one rule (or signal) is compiled: its document, what its words mean, and the problems found so far.

Every text of the written form is looked up again in the document by its path, so that a problem points at the
character in the file. What was already reported by an earlier stage stays silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal as Only
from typing import TypeVar, cast

from autotrader.language.expression import Origin, Scope, parse_duration_ms, parse_literal, parse_value
from autotrader.language.nodes import Document, Path, Scalar, dotted, within
from autotrader.language.problems import Problem
from autotrader.language.reading import Checked
from autotrader.language.rule_file import WrittenFile, WrittenWhen
from autotrader.language.tree import Kind, Literal, Value
from autotrader.structs import dataclass

Result = TypeVar("Result")
_PARAM = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signal:
    """A named condition of some file: where it is written, and the parameters of that file."""

    document: Document
    checked: Checked[WrittenFile]
    path: Path
    written: WrittenWhen
    params: Mapping[str, Literal]
    broken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bench:
    """The surroundings of one text. `problems` is shared by all benches of a load and grows."""

    document: Document
    checked: Checked[WrittenFile]
    scope: Scope
    problems: list[Problem]
    signals: Mapping[str, Signal] = field(default_factory=dict)
    inside: tuple[str, ...] = ()  # signals being compiled, to notice loops
    root: Path = ()  # the rule's (signal's) own path: problems name paths from the file, keys from here
    broken: frozenset[str] = frozenset()  # `$names` of parameters that could not be read: what uses them stays silent
    looked: list[str] = field(default_factory=list)  # keys of conditions met, over nested signals
    used: set[str] = field(default_factory=set)  # signals and $params met, for lint

    def report(
        self, code: str, path: Path, message: str, *, hint: str = "", at_key: bool = False,
        severity: Only["error", "warning", "note"] = "error",
    ) -> None:  # fmt: skip
        """Add a problem at a path, unless that path was reported before."""
        if self.checked.silences(path):
            return
        place = self.document.place(path, at_key=at_key)
        self.problems.append(Problem(
            code=code, place=place, message=message, hint=hint, path=dotted(path), severity=severity,
        ))  # fmt: skip

    def uses(self, text: str) -> None:
        """Note the parameters that a text names."""
        self.used.update(_PARAM.findall(text))

    def hopeless(self, text: str) -> bool:
        """Whether a text names a parameter that could not be read."""
        return bool(self.broken) and not self.broken.isdisjoint(_PARAM.findall(text))

    def origin(self, path: Path) -> Origin:
        """Where the text at a path begins in the file (behind a quote, on the line below a `|`)."""
        node = self.document.node(path)
        if isinstance(node, Scalar):
            return Origin(self.document.file, node.text_line, node.text_column, dotted(path))
        place = self.document.place(path)
        return Origin(place.file, place.line, place.column, dotted(path))

    def kept(self, path: Path, outcome: tuple[Result | None, tuple[Problem, ...]]) -> Result | None:
        """What a parser of the expression language answered for the text at a path; its problems are kept."""
        result, found = outcome
        if found and not self.checked.silences(path):
            self.problems.extend(within(self.document, found))
        return None if any(each.severity == "error" for each in found) else result

    def value(self, path: Path, text: str, kind: Kind, asset: str = "") -> Value | None:
        """A value of a kind (and asset)."""
        self.uses(text)
        if self.hopeless(text):
            return None
        outcome = parse_value(text, self.origin(path), self.scope, frozenset({kind}), asset)
        return cast("Value | None", self.kept(path, outcome))  # mypy joins the union to object

    def literal(self, path: Path, text: str, kinds: frozenset[Kind]) -> Literal | None:
        """A literal, or a `$name` that stands for one."""
        self.uses(text)
        if self.hopeless(text):
            return None
        return self.kept(path, parse_literal(text, self.origin(path), kinds, self.scope))

    def duration(
        self, path: Path, text: str | None, *, least_ms: int = 1_000, most_ms: int = 366 * 86_400_000
    ) -> int | None:
        """A duration in milliseconds within bounds; None if it is absent or wrong (then reported)."""
        if text is None:
            return None
        found = self._duration(path, text)
        if found is not None and not least_ms <= found <= most_ms:
            self.report(
                "AT212",
                path,
                f"`{text}` is out of range",
                hint=f"write {least_ms // 1000}s to {most_ms // 86_400_000 or 1}d",
            )
            return None
        return found

    def _duration(self, path: Path, text: str) -> int | None:
        if not text.startswith("$"):
            return self.kept(path, parse_duration_ms(text, self.origin(path)))
        self.used.add(text)
        found = self.literal(path, text, frozenset({Kind.DURATION}))
        return None if found is None else int(found.value)

    def in_order(self) -> Bench:
        """The same with `order.*` words allowed."""
        return replace(self, scope=replace(self.scope, in_order=True))

    def key(self, path: Path) -> str:
        """A path from the rule on: the key under which state is kept (`when.all[2]`)."""
        return dotted(path[len(self.root) :])
