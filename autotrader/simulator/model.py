"""What the exchange keeps of orders: tickets, orders, lists, own trades, amendments, prevented matches."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from autotrader.matching import Side, TimeInForce

ZERO = Decimal(0)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
OPEN = ("NEW", "PENDING_NEW", "PARTIALLY_FILLED")
STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
AT_MARKET = ("MARKET", "STOP_LOSS", "TAKE_PROFIT")
"""Types that have no limit price once they work."""
NOT_YET = -1
"""The workingTime of an order that waits for its trigger or for another order."""


class OwnTrade(NamedTuple):
    """A fill of an account's order; ``time`` in ms."""

    id: int
    order_id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    buyer: bool
    maker: bool
    list_id: int = -1


@dataclass(frozen=True, slots=True)
class Ticket:
    """A checked placement. ``quantity`` is 0 for a market order by quote amount."""

    symbol: str
    side: Side
    type: str
    time_in_force: TimeInForce
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal = ZERO
    client_id: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    stop_price: Decimal = ZERO
    trailing_delta: int | None = None
    iceberg: Decimal = ZERO
    prevention: str = "NONE"


class Amendment(NamedTuple):
    """One change of an order's quantity."""

    execution_id: int
    old_client_id: str
    new_client_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    time: int


class PreventedMatch(NamedTuple):
    """A self-trade that did not happen; ids count per symbol."""

    id: int
    symbol: str
    taker_id: int
    maker_id: int
    trade_group: int
    mode: str
    price: Decimal
    taker_quantity: Decimal | None
    maker_quantity: Decimal | None
    time: int


@dataclass(slots=True)
class Order:
    """An order at the exchange. Times in ms; ``locked`` is what of its account it holds now."""

    id: int
    account: str
    ticket: Ticket
    client_id: str
    quantity: Decimal
    time: int
    list: OrderList | None = None
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    prevented: Decimal = ZERO
    prevented_id: int | None = None
    prevented_matches: tuple[PreventedMatch, ...] = ()
    status: str = "NEW"
    expiry_reason: str = ""
    update_time: int = 0
    working_time: int = NOT_YET
    trailing_time: int = NOT_YET
    extreme: Decimal | None = None
    """Best price since a trailing stop began to track."""
    locked: Decimal = ZERO
    lock_asset: str = ""
    lock_price: Decimal = ZERO
    trade_group: int = -1
    fills: tuple[OwnTrade, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    symbol: str = field(init=False)
    side: Side = field(init=False)
    type: str = field(init=False)

    def __post_init__(self) -> None:
        self.symbol, self.side, self.type = self.ticket.symbol, self.ticket.side, self.ticket.type
        self.update_time = self.time

    @property
    def price(self) -> Decimal:
        """The limit, 0 without one."""
        return self.ticket.price

    @property
    def open(self) -> bool:
        """Whether more may become of it."""
        return self.status in OPEN

    @property
    def available(self) -> Decimal:
        """What may still be traded."""
        return self.quantity - self.executed - self.prevented

    @property
    def working(self) -> bool:
        """Whether it is or was in the book."""
        return self.working_time != NOT_YET

    @property
    def list_id(self) -> int:
        """Its order list, -1 when it stands alone."""
        return self.list.id if self.list is not None else -1


@dataclass(slots=True)
class OrderList:
    """Orders that depend on each other: ``pair`` one cancels the other, ``pending`` wait for ``first`` to fill."""

    id: int
    symbol: str
    client_id: str
    kind: str
    time: int
    orders: tuple[Order, ...] = ()
    pair: tuple[Order, ...] = ()
    first: Order | None = None
    pending: tuple[Order, ...] = ()
    from_proceeds: bool = False
    """The pending quantity is what the first order's fills brought."""

    @property
    def open(self) -> bool:
        """Whether any of its orders is open."""
        return any(order.open for order in self.orders)

    def others(self, order: Order) -> tuple[Order, ...]:
        """The open orders of the pair beside ``order``."""
        return tuple(o for o in self.pair if o is not order and o.open) if order in self.pair else ()


def generated_id(seed: str) -> str:
    """A client order id of 22 characters, for an order or a cancel that came without one."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:17], "big")
    letters = []
    for _ in range(22):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)
