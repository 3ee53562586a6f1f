"""Orders and what an exchange can say about them, as values.

Words: *denied* is our refusal (engine), *rejected* the venue's, *not sent* never left this machine,
*unknown* is none of them and is resolved by asking, never by sending again (docs/order-safety.md §3).
"""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from autotrader.structs import dataclass


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """The order types that rules and hand commands may place; rules never send MARKET (docs/language.md §5)."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"


class TimeInForce(StrEnum):
    """How long an order stands: good till cancelled, immediate or cancel, fill or kill."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """The venue's statuses (docs/venue.md §6.1), and OTHER for one that we do not know yet."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PENDING_CANCEL = "PENDING_CANCEL"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    OTHER = "OTHER"


TERMINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A limit order as it will be sent: price and quantity already on the instrument's grid.

    `price` is in quote per base, `quantity` in base. `tif` is ignored for LIMIT_MAKER (the venue refuses it).
    """

    symbol: str
    side: Side
    type: OrderType
    price: Decimal
    quantity: Decimal
    tif: TimeInForce = TimeInForce.GTC
    client_order_id: str

    @property
    def notional(self) -> Decimal:
        """Price times quantity, in quote."""
        return self.price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Cancel one order; by the venue's id where it is known, else by client order id."""

    symbol: str
    client_order_id: str
    order_id: int | None = None
    only_new: bool = False  # cancelRestrictions=ONLY_NEW: leave it if it has begun to fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the venue (or the paper broker) last described it. Times are UTC milliseconds.

    `executed` is in base, `quote_executed` in quote; a negative quote figure of old replies is stored as None.
    """

    symbol: str
    order_id: int
    client_order_id: str
    side: Side
    type: str
    tif: str
    price: Decimal
    quantity: Decimal
    executed: Decimal
    quote_executed: Decimal | None
    status: OrderStatus
    created_ms: int
    updated_ms: int
    is_working: bool = True

    @property
    def remaining(self) -> Decimal:
        """Base quantity not yet executed."""
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        """Whether the venue may still fill it. An unknown status counts as open: it binds money."""
        return self.status not in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of one of our orders; (symbol, trade_id) is unique at the venue."""

    symbol: str
    trade_id: int
    order_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    quote: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """One asset of the account: free, and locked in open orders."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def holding(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order; `fills` are those that the placing reply itself reported."""

    order: Order
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The venue refused for certain: the order does not exist and never will.

    `fault` says whose fault: "rule" (balance, filters: the firing is spent), "outside" (clock, rate limit, ban: the
    firing is given back), "key" (halt: the key may not trade).
    """

    code: int
    reason: str
    fault: Literal["rule", "outside", "key"] = "rule"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing left this machine (DNS, refused, TLS, connect time-out, parked by a ban)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The venue may or may not have it. Ask; never send again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The venue answered 200 with another order than ours: stop everything (docs/order-safety.md §3)."""

    reason: str


SubmitResult = Accepted | Rejected | NotSent | Unknown | Mismatch


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The venue confirmed the cancellation; `order` holds what had been executed by then."""

    order: Order


CancelResult = Cancelled | Rejected | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class NotFound:
    """The venue says it has no such order *now* (-2013). Before the horizon this proves nothing."""

    archived: bool = False  # -2026: known, terminal, without a fill


ORDER_ID_PREFIX = "at-"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionKey:
    """What makes a decision the same decision (docs/order-safety.md §8). The rule's text is not in it: an edit and a
    restart inside one slot must not buy twice. Orders by hand use rule "" and a stored counter as slot.
    """

    store_id: str
    rule: str
    symbol: str
    order_id: str  # the order a per-order rule looks at, else ""
    slot_ms: int
    step: int

    def digest(self) -> bytes:
        """SHA-256 over the fields, each with its length before it, so that no two keys run together."""
        parts = (self.store_id, self.rule, self.symbol, self.order_id, str(self.slot_ms), str(self.step))
        return hashlib.sha256("".join(f"{len(part)}:{part}," for part in parts).encode()).digest()


@lru_cache(maxsize=1024)  # a decision is named when it is made, journalled, sent, and asked after
def client_order_id(key: DecisionKey) -> str:
    """`at-`, 4 characters of the store id, `-`, 26 of base 32: 34 of `[A-Za-z0-9_-]` (docs/order-safety.md §8)."""
    name = base64.b32encode(key.digest()[:20]).decode().lower()[:26]
    return f"{ORDER_ID_PREFIX}{key.store_id[:4]}-{name}"


def is_ours(client_id: str, store_id: str) -> bool:
    """Whether an order was placed from this store; another store's `at-` orders are foreign to us."""
    return client_id.startswith(f"{ORDER_ID_PREFIX}{store_id[:4]}-")
