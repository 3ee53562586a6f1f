"""The actions of a rule as they are written. Adding one: its model in this folder, its line in `WrittenAction`."""

from typing import Any

from pydantic import Field, model_validator

from autotrader.language.actions.notices import WrittenNotify, WrittenPause
from autotrader.language.actions.orders import WrittenCancelOrders, WrittenPlace
from autotrader.language.written import Bare, Written, not_yet, wrong


class WrittenAction(Written):
    """One item of `then`: a mapping with exactly one action as its key, or the words `cancel` and `halt` alone."""

    buy: WrittenPlace | None = None
    sell: WrittenPlace | None = None
    cancel: Bare | None = Field(None, description="cancel the order at hand, inside `for_each_order`")
    cancel_orders: WrittenCancelOrders | None = None
    notify: WrittenNotify | None = None
    pause: WrittenPause | None = None
    resume: WrittenPause | None = None
    halt: Bare | None = Field(None, description="no new order until a person resumes")
    trail_stop: not_yet("AT424", "`trail_stop`") = None  # type: ignore[valid-type]
    ladder: not_yet("AT425", "`ladder`") = None  # type: ignore[valid-type]
    reprice: not_yet("AT426", "`reprice`", "use `cancel`, and a rule that buys or sells anew") = None  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _one(cls, data: Any) -> Any:
        """Bare words, and never two actions in one item."""
        if isinstance(data, str):
            if data in {"cancel", "halt"}:
                return {data: ""}
            hint = 'write `- buy: {...}`, `- sell: {...}`, `- notify: "..."`, `- cancel` or `- halt`'
            raise wrong(
                "AT204", f"`{data}` is not an action by itself" if data else "an action is missing here", hint=hint
            )
        if isinstance(data, dict) and len(data) > 1:
            second = list(data)[1]
            raise wrong(
                "AT205",
                "one list item holds one action",
                key=second,
                drop=list(data)[1:],
                hint=f"begin a new item: `- {second}: ...`, and indent the action's own keys below it",
            )
        if data == {}:
            raise wrong("AT204", "an action is missing here")
        return data
