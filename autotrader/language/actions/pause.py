"""`pause` and `resume` of rules by id or label."""

# Annotations are not deferred where pydantic reads them: it would evaluate each text, which costs start-up time.

from typing import Any, Self

from pydantic import Field, model_validator

from autotrader.language.actions.action import Action, ActionContext, Done, Effect, Names
from autotrader.language.compiler import Compiler
from autotrader.language.nodes import Path
from autotrader.language.requests import PauseRequest
from autotrader.language.written import Name, Text, Written, wrong
from autotrader.structs import dataclass
from autotrader.times import span_text


class WrittenPause(Written):
    """`pause: {rules: [...], for: 6h}` or `resume: {labels: [...]}`."""

    rules: list[Name] = Field([], description="ids of rules")
    labels: list[Name] = Field([], description="labels of rules")
    span: Text | None = Field(None, alias="for", description="how long: `6h`; without it until resumed")

    @model_validator(mode="after")
    def _some(self) -> Self:
        """Somebody must be meant."""
        if not self.rules and not self.labels:
            hint = "add `rules: [id, ...]` or `labels: [...]`"
            raise wrong("AT202", "no rule is named", hint, add={"labels": ["x"]})
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRules(Action):
    """`pause` (resume=False) or `resume` of rules by id or label; `span_ms` None = until resumed."""

    stored = "PauseRules resume rules labels span_ms"
    written = (
        ("pause", WrittenPause, ""),
        ("resume", WrittenPause, ""),
    )

    resume: bool
    rules: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    span_ms: int | None = None

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: WrittenPause, path: Path) -> Self | None:
        """With its span; the names are compared with all files later."""
        span = at.duration(written.span)
        if written.span is not None and span is None:
            return None
        return cls(
            resume=key == "resume", rules=tuple(written.rules), labels=tuple(written.labels), span_ms=span,
            place=at.key_place(path),
        )  # fmt: skip

    def names(self) -> Names:
        """The rules and labels."""
        yield from (("rule", name) for name in self.rules)
        yield from (("label", name) for name in self.labels)

    def words(self, symbol: str) -> str:
        """`pause dip, label risky for 6h`."""
        names = ", ".join((*self.rules, *(f"label {label}" for label in self.labels)))
        until = f" for {span_text(self.span_ms)}" if self.span_ms else ("" if self.resume else " until resumed")
        return f"{'resume' if self.resume else 'pause'} {names}{until}"

    def data(self, symbol: str) -> dict[str, Any]:
        """Whom, and how long."""
        return {
            "action": "resume" if self.resume else "pause", "rules": list(self.rules), "labels": list(self.labels),
            "for": None if self.span_ms is None else span_text(self.span_ms),
        }  # fmt: skip

    def requests(self, at: ActionContext) -> Effect:
        """The request to pause or resume."""
        until = None if self.span_ms is None or self.resume else at.sources.now_ms + self.span_ms
        request = PauseRequest(resume=self.resume, rules=self.rules, labels=self.labels, until_ms=until, run=at.run)
        return Done((request,))
