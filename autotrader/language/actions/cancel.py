"""`cancel`: the order at hand, inside `for_each_order`."""

from __future__ import annotations

from typing import Any

from autotrader.language.actions.action import Action, ActionContext, Effect, Failed, Waits
from autotrader.language.compiler import Compiler
from autotrader.language.nodes import Path
from autotrader.language.open_orders import cancel_request
from autotrader.language.requests import CancelOrder, Skipped
from autotrader.language.written import Bare
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelThis(Action):
    """`cancel`."""

    stored = "CancelThis"
    written = (("cancel", Bare, "cancel the order at hand, inside `for_each_order`"),)
    cancels = True
    blind = True

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: Any, path: Path) -> CancelThis | None:
        """Only where a rule looks at orders one by one."""
        if at.scope.in_order:
            return cls(place=at.key_place(path))
        hint = "add `for_each_order: {side: buy, owner: autotrader}` to the rule, or write `cancel_orders`"
        at.fault(path, "AT215", "`cancel` needs an order at hand", hint, at_key=True)
        return None

    def words(self, symbol: str) -> str:
        """`cancel the order`."""
        return "cancel the order"

    def data(self, symbol: str) -> dict[str, Any]:
        """Its name."""
        return {"action": "cancel"}

    def requests(self, at: ActionContext) -> Effect:
        """The cancellation of the run's order."""
        if at.latest is None:
            return Failed(Skipped("there is no order to cancel"))
        request = CancelOrder(request=cancel_request(at.latest), run=at.run, reason=f"rule {at.rule}")
        return Waits((request,), (request.id,))
