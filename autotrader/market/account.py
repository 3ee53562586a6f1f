"""One frozen look at the account, and at autotrader's own record of it.

`Account` is what the exchange (or the paper broker) says: it includes trades and orders made by hand. `OwnRecord`
is what this store knows of its own orders and fills. The two are kept apart because rules ask about either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal

from autotrader.orders import Balance, Fill, Order, Side
from autotrader.structs import dataclass

# Labels that no rule can bear (they are no names): an order that waits for a person's word, and one that got `ignore`.
UNEXPLAINED, IGNORED = "(unexplained)", "(ignored)"
LEFT_ALONE = frozenset({UNEXPLAINED, IGNORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Balances and open orders as last observed. `asked_ms` of each is the venue's time when the request left.

    `open_orders` holds, per symbol that was asked, all open orders, ours and foreign ones. `missing` gives the reason
    for what could not be had: key "balances" or a symbol (its open orders).
    """

    balances: Mapping[str, Balance] = field(default_factory=dict)
    balances_asked_ms: int | None = None
    open_orders: Mapping[str, tuple[Order, ...]] = field(default_factory=dict)
    orders_asked_ms: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrder:
    """An order of this store's: the journal's knowledge of it, which outlives the rule that made it.

    `state` is the journal's: "intended" is written and not sent yet, "unknown" may or may not be at the venue, "open"
    is confirmed live there. All three count as live in every limit; "done" has ended, its trades are not all booked.
    `cancel_at_ms` is the order's own timer (venue time), None where it stands until cancelled. `unbooked` is the base
    quantity that executed and whose trades are not among the fills yet. `created_ms` is when the venue took it, later
    than `placed_ms` by what the request needed; 0 where nobody knows.
    """

    client_order_id: str
    order_id: int | None
    rule: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    executed: Decimal
    quote_executed: Decimal
    placed_ms: int
    cancel_at_ms: int | None
    tag: str
    labels: tuple[str, ...]
    state: str  # "intended" | "unknown" | "open" | "done"
    unbooked: Decimal = Decimal(0)
    created_ms: int = 0

    @property
    def remaining(self) -> Decimal:
        """Base quantity that may still trade."""
        return self.quantity - self.executed

    @property
    def is_left_alone(self) -> bool:
        """Whether no rule and no timer may touch it; it counts in every limit all the same."""
        return not LEFT_ALONE.isdisjoint(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """What this store knows of its own doings. Times are venue milliseconds.

    `orders` are the unsettled ones (unknown or open); `fills`, oldest first, reach back at least to the start of the
    current month in the account's zone and 32 days; `errors_ms` are the times of failed requests and unknown fates of
    the last 24 hours; `placed_ms` the times at which orders of any symbol were placed (any outcome but not-sent, and
    what is about to be sent) in the last 24 hours; `refusals_in_a_row` counts refused or unknown orders since the last
    accepted one.
    """

    orders: tuple[OwnOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    errors_ms: tuple[int, ...] = ()
    placed_ms: tuple[int, ...] = ()
    refusals_in_a_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Facts about the connection. `clock_skew_ms` is local minus venue time; `weight_used` in percent of the limit;
    `silent_until_ms` the end of the venue's ban, None where there is none.
    """

    clock_skew_ms: int | None = None
    weight_used: Decimal | None = None
    silent_until_ms: int | None = None
