"""The actions of a rule, one file each. A new one is a file with its class (see `action`) and a line in `ACTIONS`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, create_model, model_validator

from autotrader.language.actions.action import Action
from autotrader.language.actions.cancel import CancelThis
from autotrader.language.actions.cancel_orders import CancelOrders
from autotrader.language.actions.halt import HaltTrading
from autotrader.language.actions.notify import Notify
from autotrader.language.actions.pause import PauseRules
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.written import Bare, Refusal, Written, not_yet, wrong

ACTIONS: tuple[type[Action], ...] = (PlaceOrder, CancelThis, CancelOrders, Notify, PauseRules, HaltTrading)

BY_KEY: Mapping[str, type[Action]] = {key: kind for kind in ACTIONS for key, _, _ in kind.written}
BARE = frozenset(key for kind in ACTIONS for key, form, _ in kind.written if form is Bare)

_FIELDS: Any = {
    key: (form | None, Field(None, description=about or None))
    for kind in ACTIONS for key, form, about in kind.written
}  # fmt: skip


class WrittenAction(create_model("_Forms", __base__=Written, **_FIELDS)):  # type: ignore[misc]  # its fields: the list's
    """One item of `then`: a mapping with exactly one action as its key, or the words `cancel` and `halt` alone."""

    refused: ClassVar[Mapping[str, Refusal]] = {
        "trail_stop": not_yet("AT424", "`trail_stop`"),
        "ladder": not_yet("AT425", "`ladder`"),
        "reprice": not_yet("AT426", "`reprice`", "use `cancel`, and a rule that buys or sells anew"),
    }

    @model_validator(mode="before")
    @classmethod
    def _one(cls, data: Any) -> Any:
        """Bare words, and never two actions in one item."""
        if isinstance(data, str):
            if data in BARE:
                return {str(data): ""}
            hint = 'write `- buy: {...}`, `- sell: {...}`, `- notify: "..."`, `- cancel` or `- halt`'
            raise wrong("AT204", f"`{data}` is not an action by itself" if data else "an action is missing here", hint)
        if isinstance(data, dict) and len(data) > 1:
            second = list(data)[1]
            hint = f"begin a new item: `- {second}: ...`, and indent the action's own keys below it"
            raise wrong("AT205", "one list item holds one action", hint, key=second, drop=list(data)[1:])
        if data == {}:
            raise wrong("AT204", "an action is missing here")
        return data
