"""What actions ask for, as values: the cycle reviews, records and carries them out."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from autotrader.language.tree import Place
from autotrader.orders import CancelRequest, DecisionKey, OrderRequest, Side
from autotrader.structs import dataclass

RunKey = tuple[str, str, str, int]  # the firing that asks: rule, symbol, order, slot


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest:
    """Place one order. `base` and `quote` are the symbol's assets; `deadline_ms`: after it the order is dropped.

    `run` is None for orders by hand.
    """

    order: OrderRequest
    key: DecisionKey
    run: RunKey | None
    base: str
    quote: str
    deadline_ms: int
    cancel_after_ms: int | None = None
    tag: str = ""
    labels: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def id(self) -> str:
        """The client order id: what results are settled under."""
        return self.order.client_order_id

    @property
    def costs(self) -> tuple[Decimal, str]:
        """What the order binds: quote for a buy, base for a sale."""
        if self.order.side is Side.BUY:
            return self.order.notional, self.quote
        return self.order.quantity, self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Cancel one order. `run` is None for an order's own timer (`cancel_after`) and cancels by hand."""

    request: CancelRequest
    run: RunKey | None
    reason: str

    @property
    def id(self) -> str:
        """What results are settled under."""
        return self.request.client_order_id or str(self.request.order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyRequest:
    """Send a message to a channel of the account file; `throttle_ms`: at most one in that span per `throttle_key`."""

    to: str
    level: Literal["info", "warn", "critical"]
    text: str
    run: RunKey | None
    throttle_ms: int = 0
    throttle_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest:
    """Pause (or resume) rules by id or label; `until_ms` None = until resumed."""

    resume: bool
    rules: tuple[str, ...]
    labels: tuple[str, ...]
    until_ms: int | None
    run: RunKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltRequest:
    """No new order until a person resumes."""

    reason: str
    run: RunKey | None


Request: TypeAlias = PlaceRequest | CancelOrder | NotifyRequest | PauseRequest | HaltRequest


# ------------------------------------------------------------------ why an action asks for nothing
@dataclass(frozen=True, slots=True)
class Skipped:
    """Too small, or nothing to trade: the firing is spent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Too late, or its data was not known any more: the firing is given back."""

    reason: str
