"""The paper account: what it holds, its orders and fills, as one immutable value with exact figures. Pure.

Only holdings are kept; what is locked follows from the open orders (a buy locks price times what remains, a sell what
remains: docs/venue.md §6.2), so free + locked = holdings always. A fill moves price times quantity one way and the
quantity the other, less the fee, which is taken from what is received and rounded up to the eighth decimal
(docs/venue.md §6.5). As JSON text every figure is a decimal string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from autotrader.errors import RecordsBroken
from autotrader.money import ZERO, ceil_to, plain, times, total
from autotrader.orders import Balance, Fill, Order, OrderStatus, Side
from autotrader.structs import dataclass

FEE_STEP = Decimal("0.00000001")
STARTED_OVER = "the paper account was started over"  # the notice in the records, from when on the account counts
KEPT_ORDERS, KEPT_FILLS = 200, 1_000  # ended ones; the records keep them all, and this text is saved at every change
_VERSION = 1


class Market(NamedTuple):
    """What the account must know of a symbol without asking the exchange."""

    base: str
    quote: str
    step: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAccount:
    """`orders` by id, oldest first; `seen` is the last market trade (aggregate id) that each symbol's resting orders
    have been shown; ids go on counting for ever, so that (symbol, trade id) stays unique over a reset.
    """

    holdings: Mapping[str, Decimal] = field(default_factory=dict)
    markets: Mapping[str, Market] = field(default_factory=dict)
    orders: Mapping[int, Order] = field(default_factory=dict)
    fills: tuple[Fill, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    next_order: int = 1
    next_trade: int = 1

    def open_orders(self, symbol: str | None = None) -> tuple[Order, ...]:
        """Open orders, oldest first; of one symbol if given."""
        return tuple(o for o in self.orders.values() if o.is_open and symbol in {None, o.symbol})

    def by_client_id(self, symbol: str, client_order_id: str) -> Order | None:
        """The latest order with an id that was given to it."""
        found = [o for o in self.orders.values() if o.client_order_id == client_order_id and o.symbol == symbol]
        return found[-1] if found else None

    def locked(self, asset: str) -> Decimal:
        """What open orders bind of an asset."""
        return total(_lock(order) for order in self.open_orders() if self._locks(order) == asset)

    def free(self, asset: str) -> Decimal:
        """What may be spent of an asset."""
        return self.holdings.get(asset, ZERO) - self.locked(asset)

    def balances(self) -> dict[str, Balance]:
        """Every asset that was ever held."""
        return {asset: Balance(asset, self.free(asset), self.locked(asset)) for asset in sorted(self.holdings)}

    def _locks(self, order: Order) -> str:
        market = self.markets[order.symbol]
        return market.quote if order.side is Side.BUY else market.base

    # ---- changes ---------------------------------------------------------------------------------------------------

    def placed(self, order: Order, market: Market) -> PaperAccount:
        """With a new order under the next id."""
        numbered = replace(order, order_id=self.next_order)
        return replace(
            self,
            orders={**self.orders, self.next_order: numbered},
            markets={**self.markets, order.symbol: market},
            next_order=self.next_order + 1,
        )

    def filled(
        self, order_id: int, price: Decimal, quantity: Decimal, *, time_ms: int, rate: Decimal, is_maker: bool
    ) -> PaperAccount:
        """With one fill booked: both assets, the fee (`rate` of what is received), the order's progress."""
        order = self.orders[order_id]
        market, quote = self.markets[order.symbol], times(price, quantity)
        buys = order.side is Side.BUY
        received, got = (market.base, quantity) if buys else (market.quote, quote)
        given, paid = (market.quote, quote) if buys else (market.base, quantity)
        # Rounded up: a paper account must never look better than a real one.
        fee = ceil_to(times(got, rate), FEE_STEP)
        fill = Fill(
            symbol=order.symbol, trade_id=self.next_trade, order_id=order_id, side=order.side, price=price,
            quantity=quantity, quote=quote, fee=fee, fee_asset=received, time_ms=time_ms, is_maker=is_maker,
            client_order_id=order.client_order_id,
        )  # fmt: skip
        executed = order.executed + quantity
        status = OrderStatus.FILLED if executed == order.quantity else OrderStatus.PARTIALLY_FILLED
        after = replace(
            order, executed=executed, quote_executed=(order.quote_executed or ZERO) + quote, status=status,
            updated_ms=time_ms,
        )  # fmt: skip
        holdings = dict(self.holdings)
        holdings[received] = holdings.get(received, ZERO) + got - fee
        holdings[given] = holdings.get(given, ZERO) - paid
        return replace(
            self, holdings=holdings, orders={**self.orders, order_id: after}, fills=(*self.fills, fill),
            next_trade=self.next_trade + 1,
        )  # fmt: skip

    def ended(self, order_id: int, status: OrderStatus, time_ms: int) -> PaperAccount:
        """With an order cancelled or expired; what it locked is free."""
        after = replace(self.orders[order_id], status=status, updated_ms=time_ms)
        return replace(self, orders={**self.orders, order_id: after})

    def shown(self, symbol: str, trade_id: int) -> PaperAccount:
        """With the market's trades of a symbol looked at up to this one."""
        return replace(self, seen={**self.seen, symbol: trade_id})

    def tidied(self) -> PaperAccount:
        """Without what nobody asks for: places in the trades where nothing rests, all but the latest ended orders."""
        resting = {order.symbol for order in self.open_orders()}
        ended = [order.order_id for order in self.orders.values() if not order.is_open][:-KEPT_ORDERS]
        gone = frozenset(ended)
        return replace(
            self,
            seen={symbol: seen for symbol, seen in self.seen.items() if symbol in resting},
            orders={key: order for key, order in self.orders.items() if key not in gone} if gone else self.orders,
            fills=self.fills[-KEPT_FILLS:],
        )

    def started_over(self, balances: Mapping[str, Decimal]) -> PaperAccount:
        """A new account with these balances; ids go on."""
        return PaperAccount(holdings=dict(balances), next_order=self.next_order, next_trade=self.next_trade)


def _lock(order: Order) -> Decimal:
    return times(order.price, order.remaining) if order.side is Side.BUY else order.remaining


# ---- as text ---------------------------------------------------------------------------------------------------------


def to_text(account: PaperAccount) -> str:
    """The account as JSON, the same text for the same account."""
    document = {
        "version": _VERSION,
        "holdings": account.holdings,
        "markets": {symbol: market._asdict() for symbol, market in account.markets.items()},
        "orders": [_fields(order) for order in account.orders.values()],
        "fills": [_fields(fill) for fill in account.fills],
        "seen": account.seen,
        "next_order": account.next_order,
        "next_trade": account.next_trade,
    }
    return json.dumps(document, default=lambda value: plain(value) if isinstance(value, Decimal) else str(value))


def _fields(value: Order | Fill) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def from_text(text: str) -> PaperAccount:
    """Read what `to_text` wrote. Raises RecordsBroken for anything else."""
    from pydantic import TypeAdapter  # heavy at start-up, and live trading has no such text

    try:
        document = json.loads(text)
        if document["version"] != _VERSION:
            raise RecordsBroken(
                f"the paper account has version {document['version']}; this autotrader reads {_VERSION}"
            )
        orders = TypeAdapter(tuple[Order, ...]).validate_python(document["orders"])
        by_id = {one.order_id: one for one in orders}
        return TypeAdapter(PaperAccount).validate_python({**document, "orders": by_id})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordsBroken(
            f"the paper account cannot be read ({type(error).__name__})",
            hint="`autotrader paper reset` starts over; live orders are not touched by it",
        ) from None
