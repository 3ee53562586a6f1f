"""`notify`, `pause`, `resume`: the written forms of what touches no order."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from autotrader.language.written import Name, Text, Written, wrong


class WrittenNotify(Written):
    """`notify: "text"` or `notify: {to, level, text, throttle}`; `{word}` shows a value."""

    to: Name = Field("default", description="the name of a channel of the account file")
    level: Literal["info", "warn", "critical"] = "info"
    text: Text = Field(description="what is sent; `{last}`, `{symbol}`, `{rule}` show values")
    throttle: Text | None = Field(None, description="at most one such notice in this time: `10m`")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """A text alone is the short form."""
        return {"text": data} if isinstance(data, str) else data


class WrittenPause(Written):
    """`pause: {rules: [...], for: 6h}` or `resume: {labels: [...]}`."""

    rules: list[Name] = Field([], description="ids of rules")
    labels: list[Name] = Field([], description="labels of rules")
    span: Text | None = Field(None, alias="for", description="how long: `6h`; without it until resumed")

    @model_validator(mode="after")
    def _some(self) -> Self:
        """Somebody must be meant."""
        if not self.rules and not self.labels:
            raise wrong(
                "AT202", "no rule is named", hint="add `rules: [id, ...]` or `labels: [...]`", add={"labels": ["x"]}
            )
        return self
