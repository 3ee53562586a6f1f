"""Orders, fills and balances: the exchange's engine behind the request checks.

Strategy: the book decides what trades; the engine moves money. A limit order
locks what it may cost when it is accepted; each fill pays from the lock, takes
the commission out of what is received (or from BNB), and what is left of the
lock goes back as the order shrinks or ends. Amounts in the quote asset are
rounded down to eight decimals, locks up, commissions down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from autotrader.matching import Match, Placement, Side, TimeInForce, walk_value
from autotrader.simulator.accounts import Account, Ledger, Purse
from autotrader.simulator.errors import (
    CLOSED,
    DUPLICATE,
    INSUFFICIENT,
    MAY_NOT_TRADE,
    NOT_PERMITTED,
    WOULD_TAKE,
    WRONG_PHASE,
    cancel_rejected,
    rejected,
)
from autotrader.simulator.limits import OrderCounts
from autotrader.simulator.market import Market
from autotrader.simulator.orders import OPEN, Order, OwnTrade, generated_id

ZERO = Decimal(0)
UNIT = Decimal("0.00000001")
MAKER_CREDIT = 5
"""Unfilled orders given back at an order's first fill as maker (1 as taker); the documents' example."""
EXPIRY = {
    "IOC_REST": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "FOK_UNFILLED": "UNFILLED_FOK_ORDER_EXPIRED",
    "NO_LIQUIDITY": "INSUFFICIENT_LIQUIDITY",
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A checked placement. ``quantity`` is 0 for a market order by quote amount."""

    symbol: str
    side: Side
    type: str
    time_in_force: TimeInForce
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    client_id: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(slots=True)
class Client:
    """An account's state at the exchange."""

    account: Account
    purse: Purse
    counts: OrderCounts
    uid: int
    update_time: int
    orders: dict[str, list[Order]] = field(default_factory=dict)
    trades: dict[str, list[OwnTrade]] = field(default_factory=dict)
    open: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)

    def open_on(self, symbol: str | None) -> list[Order]:
        """Open orders of a symbol (None: of all), oldest first."""
        return [order for order in self.open.values() if symbol is None or order.symbol == symbol]


def amount(price: Decimal, quantity: Decimal) -> Decimal:
    """Price times quantity, rounded down to eight decimals."""
    return (price * quantity).quantize(UNIT, ROUND_DOWN)


class Engine:
    """All accounts' orders over all markets. ``clock`` gives the exchange's time in ms."""

    def __init__(
        self,
        markets: dict[str, Market],
        status: Callable[[str], str],
        clock: Callable[[], int],
        counted: Callable[[Client, int], None],
    ) -> None:
        self.markets = markets
        self._status = status
        self.ledger = Ledger()
        self.clients: dict[str, Client] = {}
        self._clock = clock
        self._counted = counted
        self._orders: dict[int, tuple[Client, Order]] = {}
        self._next_order = 1
        self._next_trade = 1
        self.changes = 0

    # ---- placing -----------------------------------------------------------

    def place(self, client: Client, ticket: Ticket) -> Order:
        """Accept and match an order. Raises -2010 when the engine refuses it."""
        self._admit(client, ticket)
        market = self.markets[ticket.symbol]
        if ticket.type == "LIMIT_MAKER" and market.book.would_take(ticket.side, ticket.price):
            raise rejected(WOULD_TAKE)
        quantity = ticket.quantity or self._reverse_quantity(market, ticket)
        limit = None if ticket.type == "MARKET" else ticket.price
        self._afford(client, market, ticket, quantity)
        order = self._create(client, ticket, quantity)
        self._lock(client, order, market)
        placement = market.book.place(order.id, ticket.side, quantity, limit, ticket.time_in_force)
        self._settle(client, order, placement)
        return order

    def _admit(self, client: Client, ticket: Ticket) -> None:
        status = self._status(ticket.symbol)
        if status == "CANCEL_ONLY":
            raise rejected(WRONG_PHASE)
        if status != "TRADING":
            raise rejected(CLOSED)
        if not client.account.can_trade:
            raise rejected(MAY_NOT_TRADE)
        sets = self.markets[ticket.symbol].spec.permission_sets
        if not all(set(names) & set(client.account.permissions) for names in sets):
            raise rejected(NOT_PERMITTED)
        if ticket.client_id is not None:
            earlier = client.by_client_id.get((ticket.symbol, ticket.client_id))
            if earlier is not None and earlier.open:
                raise rejected(DUPLICATE)

    def _reverse_quantity(self, market: Market, ticket: Ticket) -> Decimal:
        """The quantity a quote amount buys or must be sold for, on the step grid."""
        side: Side = "SELL" if ticket.side == "BUY" else "BUY"
        fills = walk_value(market.book.levels(side), ticket.quote_quantity, market.spec.step)
        quantity = sum((fill.quantity for fill in fills), ZERO)
        if quantity < market.spec.min_qty or not quantity:
            raise rejected("Order book liquidity is less than `LOT_SIZE` filter minimum quantity.")
        if market.spec.market_max_qty:
            quantity = min(quantity, market.spec.market_max_qty)
        return quantity

    def _afford(self, client: Client, market: Market, ticket: Ticket, quantity: Decimal) -> None:
        spec = market.spec
        if ticket.side == "SELL":
            asset, needed = spec.base, quantity
        elif ticket.type == "MARKET":
            matches = market.book.plan("BUY", quantity)
            asset, needed = spec.quote, sum((amount(m.price, m.quantity) for m in matches), ZERO)
        else:
            asset, needed = spec.quote, (ticket.price * quantity).quantize(UNIT, ROUND_UP)
        balance = client.purse.assets.get(asset)
        if balance is None or balance.free < needed:
            raise rejected(INSUFFICIENT)

    def _create(self, client: Client, ticket: Ticket, quantity: Decimal) -> Order:
        now = self._clock()
        number, self._next_order = self._next_order, self._next_order + 1
        order = Order(
            number, client.account.name, ticket.symbol, ticket.client_id or generated_id(f"order {number}"),
            ticket.side, ticket.type, ticket.time_in_force, ticket.price, quantity, ticket.quote_quantity, now,
            ticket.strategy_id, ticket.strategy_type, update_time=now,
        )  # fmt: skip
        client.orders.setdefault(order.symbol, []).append(order)
        client.open[number] = order
        client.by_client_id[(order.symbol, order.client_id)] = order
        self._orders[number] = (client, order)
        self._counted(client, 1)
        self.changes += 1
        return order

    def _lock(self, client: Client, order: Order, market: Market) -> None:
        if order.type != "MARKET":
            order.lock_asset = market.spec.quote if order.side == "BUY" else market.spec.base
            self._relock(client, order)

    def _relock(self, client: Client, order: Order) -> None:
        """Make the lock what the rest of the order may still cost."""
        needed = ZERO
        if order.lock_asset and order.open:
            rest = order.quantity - order.executed
            needed = rest if order.side == "SELL" else (order.price * rest).quantize(UNIT, ROUND_UP)
        if needed != order.locked:
            client.purse.lock(order.lock_asset, needed - order.locked)
            order.locked = needed

    # ---- filling -----------------------------------------------------------

    def _settle(self, client: Client, order: Order, placement: Placement) -> None:
        for match in placement.matches:
            trade = self._fill(client, order, match.price, match.quantity, maker=False)
            order.fills.append(trade)
            if match.maker is not None:
                self._fill_maker(match)
        if placement.reason and order.open:
            order.status, order.expiry_reason = "EXPIRED", EXPIRY[placement.reason]
            self._end(client, order)

    def market_fills(self, matches: tuple[Match, ...]) -> None:
        """Book what a trade of the market gave to resting orders."""
        for match in matches:
            self._fill_maker(match)

    def _fill_maker(self, match: Match) -> None:
        if match.maker is not None:
            client, order = self._orders[match.maker.order_id]
            self._fill(client, order, match.price, match.quantity, maker=True)

    def _fill(self, client: Client, order: Order, price: Decimal, quantity: Decimal, *, maker: bool) -> OwnTrade:
        spec = self.markets[order.symbol].spec
        value = amount(price, quantity)
        if not order.executed:
            self._counted(client, -MAKER_CREDIT if maker else -1)
        order.executed += quantity
        order.quote_executed += value
        order.update_time = self._clock()
        order.status = "FILLED" if order.executed >= order.quantity else "PARTIALLY_FILLED"
        buying = order.side == "BUY"
        paid, received = (spec.quote, spec.base) if buying else (spec.base, spec.quote)
        cost, gain = (value, quantity) if buying else (quantity, value)
        self._relock(client, order)
        client.purse.of(paid).free -= cost
        client.purse.of(received).free += gain
        self.ledger.to_market(paid, cost)
        self.ledger.to_market(received, -gain)
        fee, asset = self._commission(client, order.symbol, received, gain, value, maker=maker)
        client.purse.of(asset).free -= fee
        self.ledger.fee(asset, fee)
        trade = OwnTrade(
            self._next_trade, order.id, order.symbol, price, quantity, value, fee, asset, self._clock(), buying, maker
        )
        self._next_trade += 1
        client.trades.setdefault(order.symbol, []).append(trade)
        client.update_time = trade.time
        if not order.open:
            self._end(client, order)
        return trade

    def _commission(
        self, client: Client, symbol: str, received: str, gain: Decimal, value: Decimal, *, maker: bool
    ) -> tuple[Decimal, str]:
        account = client.account
        rate = account.maker_rate if maker else account.taker_rate
        quote = self.markets[symbol].spec.quote
        bnb = self.markets.get(f"BNB{quote}")
        if account.bnb_fees and bnb is not None and bnb.last is not None:
            fee = (value * rate * account.bnb_discount / bnb.last.price).quantize(UNIT, ROUND_DOWN)
            if client.purse.of("BNB").free >= fee:
                return fee, "BNB"
        return (gain * rate).quantize(UNIT, ROUND_DOWN), received

    def _end(self, client: Client, order: Order) -> None:
        self._relock(client, order)
        client.open.pop(order.id, None)
        self._orders.pop(order.id, None)

    # ---- cancelling --------------------------------------------------------

    def cancel(self, client: Client, order: Order) -> None:
        """Take an open order out of the book and give back its lock. Raises -2010/-2011."""
        if not client.account.can_trade:
            raise cancel_rejected(MAY_NOT_TRADE)
        self.markets[order.symbol].book.cancel(order.id)
        order.status, order.update_time = "CANCELED", self._clock()
        self.changes += 1
        client.update_time = order.update_time
        self._end(client, order)

    # ---- proof -------------------------------------------------------------

    def check(self) -> None:
        """The invariants: nothing lost or made, locks equal to what open orders need. Raises AssertionError."""
        self.ledger.check([client.purse for client in self.clients.values()])
        for client in self.clients.values():
            locks: dict[str, Decimal] = {}
            for order in client.open.values():
                if order.status not in OPEN or order.executed >= order.quantity:
                    raise AssertionError(f"order {order.id} is open but {order.status}")
                locks[order.lock_asset] = locks.get(order.lock_asset, ZERO) + order.locked
            for asset, balance in client.purse.assets.items():
                if balance.locked != locks.get(asset, ZERO):
                    raise AssertionError(f"{asset}: locked {balance.locked}, orders hold {locks.get(asset, ZERO)}")
