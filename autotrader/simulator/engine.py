"""Orders on their way: what the exchange accepts, when stops trigger and lists go on.

Strategy: the book decides what trades, ``books`` moves the money. Stop orders
wait here, not in the book, until a trade of the market triggers them. Orders
that wait for another order (OTO) are ``PENDING_NEW`` and hold nothing;
``run_due`` places them once the first has filled.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_UP, Decimal

from autotrader.matching import Side, Terms, walk_value
from autotrader.simulator import filters
from autotrader.simulator.books import UNIT, ZERO, Books, Client, amount
from autotrader.simulator.errors import (
    CLOSED,
    DUPLICATE,
    INSUFFICIENT,
    MAY_NOT_TRADE,
    NOT_PERMITTED,
    WOULD_TAKE,
    WOULD_TRIGGER,
    WRONG_PHASE,
    ApiError,
    rejected,
)
from autotrader.simulator.market import Market
from autotrader.simulator.model import AT_MARKET, STOPS, Order, OrderList, Ticket, generated_id
from autotrader.simulator.orders import on_trade, would_trigger
from autotrader.simulator.symbols import ExchangeLimits


class Engine(Books):
    """All accounts' orders over all markets. ``clock`` gives the exchange's time in ms."""

    def __init__(
        self,
        markets: dict[str, Market],
        status: Callable[[str], str],
        clock: Callable[[], int],
        counted: Callable[[Client, int], None],
    ) -> None:
        super().__init__(markets, clock, counted)
        self.status = status
        self.limits = ExchangeLimits()
        self.references: dict[str, tuple[Decimal | None, int]] = {}
        """Reference prices by symbol with their time; None where there is none at present."""
        self._next_order = 1
        self._executions = 0
        self.next_list = 1

    # ---- placing -----------------------------------------------------------

    def place(self, client: Client, ticket: Ticket) -> Order:
        """Accept and match an order. Raises -2010 when the engine refuses it."""
        self.admit(client, ticket)
        order = self.draft(client, ticket)
        self.check_entry(client, order)
        self.register(client, order)
        self.lock(client, order)
        self.begin(client, order)
        return order

    def admit(self, client: Client, ticket: Ticket) -> None:
        """Whether the account may place on this symbol now, under this client id. Raises -2010."""
        status = self.status(ticket.symbol)
        # the engine refuses here, so the reply is -2010 and not -1013: nothing was wrong with the request
        if status == "CANCEL_ONLY":
            raise rejected(WRONG_PHASE)
        if status != "TRADING":
            raise rejected(CLOSED)
        if not client.account.can_trade:
            raise rejected(MAY_NOT_TRADE)
        sets = self.markets[ticket.symbol].spec.permission_sets
        # one name of each set is enough, but every set must be met
        if not all(set(names) & set(client.account.permissions) for names in sets):
            raise rejected(NOT_PERMITTED)
        if ticket.client_id is not None:
            earlier = client.by_client_id.get((ticket.symbol, ticket.client_id))
            # an id is free again once its order has ended: resending under it buys twice
            if earlier is not None and earlier.open:
                raise rejected(DUPLICATE)

    def draft(self, client: Client, ticket: Ticket) -> Order:
        """The order that a ticket asks for, not yet known to anyone."""
        market = self.markets[ticket.symbol]
        # before the funds: a post-only order that would take is refused even where it could not be paid
        if ticket.type == "LIMIT_MAKER" and market.book.would_take(ticket.side, ticket.price):
            raise rejected(WOULD_TAKE)
        quantity = ticket.quantity or self._reverse_quantity(market, ticket)
        # no number yet: a refused order never had one
        order = Order(0, client.account.name, ticket, "", quantity, self.clock())
        order.trade_group = client.account.trade_group
        order.lock_price = lock_price(market, ticket)
        return order

    def _reverse_quantity(self, market: Market, ticket: Ticket) -> Decimal:
        """The quantity a quote amount buys or must be sold for, on the step grid."""
        side: Side = "SELL" if ticket.side == "BUY" else "BUY"
        spec = market.spec
        if market.book.best(side) is None:
            raise rejected("Order book liquidity is less than symbol minimum quantity.")
        # walked level by level: the average price is not known before it is known how deep it goes
        fills = walk_value(market.book.levels(side), ticket.quote_quantity, spec.step)
        quantity = sum((fill.quantity for fill in fills), ZERO)
        for name, least in (("LOT_SIZE", spec.min_qty), ("MARKET_LOT_SIZE", spec.market_min_qty)):
            if quantity < least or not quantity:
                raise rejected(f"Order book liquidity is less than `{name}` filter minimum quantity.")
        return min(quantity, spec.market_max_qty) if spec.market_max_qty else quantity

    def check_entry(self, client: Client, order: Order) -> None:
        """What the engine asks of an order before it takes it: stop side, maker side, funds. Raises -2010."""
        market, ticket = self.markets[order.symbol], order.ticket
        if order.type in STOPS and not order.working:  # one that has triggered is judged as what it has become
            last = market.last.price if market.last is not None else None
            if would_trigger(order.type, order.side, ticket.stop_price, last):
                raise rejected(WOULD_TRIGGER)
        if order.type == "LIMIT_MAKER" and market.book.would_take(order.side, order.price):
            raise rejected(WOULD_TAKE)
        spec = market.spec
        if order.side == "SELL":
            asset, needed = spec.base, order.available  # a sale holds the goods, whatever its price
        elif order.type == "MARKET" or (order.type in AT_MARKET and order.working):
            # without a limit only the book tells the cost, so it is walked in thought first
            course = market.book.course("BUY", order.available, None, self._terms(client, order))
            costs = [amount(match.price, match.quantity) for match in course.matches]
            costs += [amount(note.price, note.taker_loss) for note in course.prevented if note.mode == "TRANSFER"]
            asset, needed = spec.quote, sum(costs, ZERO)
        else:
            # rounded up: a lock that is a unit too small would let a fill overdraw the account
            asset, needed = spec.quote, (order.lock_price * order.available).quantize(UNIT, ROUND_UP)
        balance = client.purse.assets.get(asset)
        if balance is None or balance.free < needed:
            raise rejected(INSUFFICIENT)

    def register(self, client: Client, order: Order) -> None:
        """Give an order its number and make it known; it counts as an unfilled order from now on."""
        # one row of numbers over all symbols, as the exchange has it
        order.id, self._next_order = self._next_order, self._next_order + 1
        order.client_id = order.ticket.client_id or generated_id(f"order {order.id}")
        client.orders.setdefault(order.symbol, []).append(order)
        client.open[order.id] = order
        client.by_client_id[(order.symbol, order.client_id)] = order
        self.known[order.id] = (client, order)
        self.counted(client, 1)  # counted when it is accepted; what was refused before does not count as an order
        self.changes += 1

    def begin(self, client: Client, order: Order) -> None:
        """Let an accepted order work, or wait for its trigger."""
        if order.type in STOPS:
            self.waiting.setdefault(order.symbol, {})[order.id] = order
        else:
            self._work(client, order)

    def _work(self, client: Client, order: Order) -> None:
        order.working_time = self.clock()
        # a stop without a limit turns into a market order when it triggers
        limit = None if order.type in AT_MARKET else order.price
        force = order.ticket.time_in_force
        book = self.markets[order.symbol].book
        placement = book.place(order.id, order.side, order.available, limit, force, terms=self._terms(client, order))
        self.settle(client, order, placement)

    def _terms(self, client: Client, order: Order) -> Terms:
        ticket, low, high = order.ticket, None, None
        rule = self.markets[order.symbol].spec.price_range
        reference = self.references.get(order.symbol, (None, 0))[0]
        if rule is not None and reference is not None:
            up, down = rule[:2] if order.side == "BUY" else rule[2:]  # buys and sales have bands of their own
            low, high = (None if factor is None else factor * reference for factor in (down, up))
        return Terms(client.account.owner, ticket.prevention, ticket.iceberg, low, high)

    def next_execution(self) -> int:
        """The number of the next amendment."""
        self._executions += 1
        return self._executions

    # ---- waiting orders ------------------------------------------------------

    def play(self, market: Market, *, trading: bool) -> None:
        """Play a market's next event: book its fills, then trigger stops by its trade."""
        before = market.last  # a minute may begin without a trade, and then no stop is asked
        matches = market.step(trading=trading)
        if matches:
            self.market_fills(matches)
            self.run_due()
        waiting = self.waiting.get(market.spec.symbol)
        if waiting and market.last is not None and market.last is not before:
            now, price = self.clock(), market.last.price
            # a list first: triggering changes what is waiting
            for order in [order for order in waiting.values() if on_trade(order, price, now)]:
                if order.id in waiting:  # one trigger may have ended the other order of its pair
                    self._trigger(self.known[order.id][0], order)
            self.run_due()

    def _trigger(self, client: Client, order: Order) -> None:
        del self.waiting[order.symbol][order.id]
        order.working_time = order.update_time = self.clock()
        self.end_others(client, order)
        self.relock(client, order)  # the pair held the larger need of the two; alone it holds its own
        self.changes += 1
        try:
            self.recheck(order)
            if order.type in AT_MARKET:
                self.check_entry(client, order)
        except ApiError:
            self.finish(client, order, "EXPIRED", "REJECTED")
        else:
            self._work(client, order)

    def recheck(self, order: Order) -> None:
        """The filters once more, when an order becomes active later than it was placed. Raises -1013."""
        filters.check_ticket(
            self.markets[order.symbol].spec, order.ticket, order.quantity, self.reference(order.symbol)
        )

    def reference(self, symbol: str) -> Decimal | None:
        """What percent and notional filters measure by: the reference price if there is one, else the average."""
        # a reference price of the exchange takes the place of the average wherever there is one
        price = self.references.get(symbol, (None, 0))[0]
        return price if price is not None else self.markets[symbol].average()

    def run_due(self) -> None:
        """Place the pending orders of lists whose first order has filled."""
        while self.due:
            client, orders = self.due.pop(0)  # in the order in which the first orders filled
            # a pending order may have been cancelled while the first was still working
            ready = [order for order in orders.pending if order.status == "PENDING_NEW"]
            try:
                for order in ready:
                    order.status, order.update_time = "NEW", self.clock()
                    self._prepare(client, order, orders)
                    self.recheck(order)
                    self.check_entry(client, order)
            except ApiError:
                for order in ready:
                    self.finish(client, order, "EXPIRED", "REJECTED")
                continue
            if ready:
                self.lock(client, *ready)
            for order in ready:
                if order.open:
                    self.begin(client, order)

    def _prepare(self, client: Client, order: Order, orders: OrderList) -> None:
        """The quantity of an order that sells another's proceeds, and what it may cost now that it is placed."""
        market = self.markets[order.symbol]
        if orders.from_proceeds and orders.first is not None:
            first = orders.first
            fees = (t for t in client.trades.get(first.symbol, ()) if t.order_id == first.id)
            paid = sum((t.commission for t in fees if t.commission_asset == market.spec.base), ZERO)
            net = first.executed - paid  # the fee may have been taken out of what was bought: only the rest can be sold
            # cut down to the grid; what is left stays as dust
            order.quantity = net - net % market.spec.step if market.spec.step else net
        order.lock_price = lock_price(market, order.ticket)


def lock_price(market: Market, ticket: Ticket) -> Decimal:
    """The price at which a buy's lock is counted: its limit, its stop price, or the last price."""
    last = market.last.price if market.last is not None else ZERO
    return (ticket.stop_price or last) if ticket.type in AT_MARKET else ticket.price
