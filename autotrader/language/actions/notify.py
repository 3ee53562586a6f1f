"""`notify`: a text with the values it names, to a channel of the account file."""

# Annotations are not deferred where pydantic reads them: it would evaluate each text, which costs start-up time.
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from autotrader.language.actions.action import Action, ActionContext, Done, Effect, Names
from autotrader.language.compiler import Compiler
from autotrader.language.expression import parse_template
from autotrader.language.facts import Fact
from autotrader.language.nodes import Path
from autotrader.language.readback import written as as_written
from autotrader.language.requests import NotifyRequest
from autotrader.language.tree import Value
from autotrader.language.written import Name, Text, Written
from autotrader.structs import dataclass
from autotrader.times import span_text

Level = Literal["info", "warn", "critical"]


class WrittenNotify(Written):
    """`notify: "text"` or `notify: {to, level, text, throttle}`; `{word}` shows a value."""

    to: Name = Field("default", description="the name of a channel of the account file")
    level: Level = "info"
    text: Text = Field(description="what is sent; `{last}`, `{symbol}`, `{rule}` show values")
    throttle: Text | None = Field(None, description="at most one such notice in this time: `10m`")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """A text alone is the short form."""
        return {"text": data} if isinstance(data, str) else data


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Action):
    """`notify`: text parts in order; a `Value` is shown with its unit, `order.*` terms are the latest order's."""

    stored = "Notify to level parts throttle_ms"
    written = (("notify", WrittenNotify, ""),)
    blind = True
    shows_order = True

    to: str = "default"
    level: Level = "info"
    parts: tuple[str | Fact | Value, ...]
    throttle_ms: int = 0

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: WrittenNotify, path: Path) -> Self | None:
        """The text with its placeholders, checked now."""
        parts = at.read(written.text, parse_template)
        throttle = at.duration(written.throttle)
        if parts is None or (written.throttle is not None and throttle is None):
            return None
        return cls(to=written.to, level=written.level, parts=parts, throttle_ms=throttle or 0, place=at.key_place(path))

    def values(self) -> Iterable[Value]:
        """The values of the placeholders."""
        return (part for part in self.parts if not isinstance(part, str | Fact))

    def names(self) -> Names:
        """The channel."""
        yield "channel", self.to

    def words(self, symbol: str) -> str:
        """`notify phone (warn): …`."""
        return f"notify {self.to} ({self.level}): {self._template(symbol)}"

    def data(self, symbol: str) -> dict[str, Any]:
        """Whom, and what."""
        return {
            "action": "notify", "to": self.to, "level": self.level, "text": self._template(symbol),
            "throttle": span_text(self.throttle_ms) if self.throttle_ms else None,
        }  # fmt: skip

    def _template(self, symbol: str) -> str:
        """The text with its placeholders, as one would write it."""
        parts = []
        for part in self.parts:
            if isinstance(part, str):
                parts.append(part)
            else:
                parts.append("{" + (part.name if isinstance(part, Fact) else as_written(part, symbol)) + "}")
        return "".join(parts)

    def requests(self, at: ActionContext) -> Effect:
        """The message. It never fails: what is not known is shown as a dash."""
        facts = {"symbol": at.symbol, "rule": at.rule, "state": "fired"}
        text = "".join(
            part if isinstance(part, str) else facts[part.name] if isinstance(part, Fact) else at.shown(part)
            for part in self.parts
        )
        request = NotifyRequest(
            to=self.to, level=self.level, text=text, run=at.run, throttle_ms=self.throttle_ms,
            throttle_key=f"{at.rule}/{at.symbol}/{at.branch}/{at.step}",
        )  # fmt: skip
        return Done((request,))
