"""Orders that were asked for, as the records have them: open and of unknown fate, or all that ever were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autotrader.money import ZERO, plain
from autotrader.records.intents import UNRESOLVED, Intent, IntentState
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store
from autotrader.structs import dataclass

WITHOUT_ORDER = frozenset({IntentState.DROPPED, IntentState.REJECTED, IntentState.NOT_SENT, IntentState.DEAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOrder:
    """One order and how far it came; `order_id` is None for one that the exchange has not said to have. `reason` is
    why it came no further, `cancel_at_ms` when its own timer runs out.
    """

    client_order_id: str
    order_id: int | None
    rule: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    executed: Decimal
    state: str
    reason: str
    placed_ms: int
    cancel_at_ms: int | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "client_order_id": self.client_order_id, "order_id": self.order_id, "rule": self.rule,
            "symbol": self.symbol, "side": self.side, "price": plain(self.price), "quantity": plain(self.quantity),
            "executed": plain(self.executed), "state": self.state, "reason": self.reason,
            "placed_ms": self.placed_ms, "cancel_at_ms": self.cancel_at_ms,
        }  # fmt: skip


def asked_orders(store: Store, *, everything: bool) -> list[AskedOrder]:
    """Oldest first. `everything`: ended ones too, and those that never came to be."""
    states = UNRESOLVED | {IntentState.INTENT} | (WITHOUT_ORDER if everything else frozenset())
    asked = [_of_intent(row) for row in store.intents.in_state(*sorted(states))]
    placed = [_of_order(row) for row in (store.orders.since(0) if everything else store.orders.open())]
    return sorted(asked + placed, key=lambda row: row.placed_ms)


def _of_intent(row: Intent) -> AskedOrder:
    request = row.request
    return AskedOrder(
        client_order_id=row.client_order_id, order_id=None, rule=row.key.rule, symbol=request.symbol,
        side=str(request.side), price=request.price, quantity=request.quantity, executed=ZERO, state=str(row.state),
        reason=row.reason, placed_ms=row.sent_ms if row.sent_ms is not None else row.created_ms,
        cancel_at_ms=row.cancel_at_ms,
    )  # fmt: skip


def _of_order(row: OrderRow) -> AskedOrder:
    order = row.order
    return AskedOrder(
        client_order_id=row.client_order_id, order_id=order.order_id, rule=row.rule, symbol=order.symbol,
        side=str(order.side), price=order.price, quantity=order.quantity, executed=order.executed,
        state=str(order.status), reason="", placed_ms=row.placed_ms, cancel_at_ms=row.cancel_at_ms,
    )  # fmt: skip
