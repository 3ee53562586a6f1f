"""Order lists: one cancels the other (OCO), one triggers another (OTO), one triggers a pair (OTOCO).

Strategy: all orders of a list are checked before the first becomes known, so a
list is accepted whole or not at all. How orders of a list end each other is in
``books``; how pending ones are placed is ``Engine.run_due``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from autotrader.simulator.books import Client
from autotrader.simulator.engine import Engine
from autotrader.simulator.errors import BAD_PRICES, DUPLICATE, ApiError, rejected
from autotrader.simulator.model import NOT_YET, Order, OrderList, Ticket, generated_id
from autotrader.simulator.orders import waits_above

SIDES = {
    ("BUY", "LIMIT_MAKER"): ("below", ApiError(-1165, "A limit order in a buy OCO must be below.")),
    ("SELL", "LIMIT_MAKER"): ("above", ApiError(-1166, "A limit order in a sell OCO must be above.")),
    ("BUY", "STOP_LOSS"): ("above", ApiError(-1196, "A stop loss order in a buy OCO must be above.")),
    ("SELL", "STOP_LOSS"): ("below", ApiError(-1197, "A stop loss order in a sell OCO must be below.")),
    ("BUY", "TAKE_PROFIT"): ("below", ApiError(-1198, "A take profit order in a buy OCO must be below.")),
    ("SELL", "TAKE_PROFIT"): ("above", ApiError(-1199, "A take profit order in a sell OCO must be above.")),
}
"""Where each kind of order of an OCO belongs, and the refusal if it is elsewhere."""


def check_pair_types(side: str, above: str, below: str) -> None:
    """Whether two types make an OCO. Raises -1158, -1168 and -1165 to -1199."""
    kinds = [(above, "above"), (below, "below")]
    if any(kind in ("LIMIT", "MARKET") for kind, _ in kinds):
        raise ApiError(-1158, "Order type not supported in OCO.")
    if above == below == "LIMIT_MAKER":
        raise ApiError(-1168, "At least one OCO order must be contingent.")
    for kind, where in kinds:
        wanted, error = SIDES[(side, kind.removesuffix("_LIMIT"))]
        if where != wanted:
            raise ApiError(error.code, error.message)  # a new one each time: a raised exception keeps its traceback


def check_pair_prices(tickets: Sequence[Ticket], last: Decimal | None) -> None:
    """Each price of an OCO must lie on its side of the last one. Raises -2010."""
    for ticket in tickets if last is not None else ():  # before the first trade no side can be told
        maker = ticket.type == "LIMIT_MAKER"
        # a stop is judged by where it triggers, not by what it then asks
        price = ticket.price if maker else ticket.stop_price
        above = ticket.side == "SELL" if maker else waits_above(ticket.type, ticket.side)
        if price and last is not None and (price <= last if above else price >= last):
            raise rejected(BAD_PRICES)


def place_pair(engine: Engine, client: Client, tickets: Sequence[Ticket], client_id: str | None) -> OrderList:
    """Place an OCO. Raises -2010."""
    _admit(engine, client, tickets, client_id)
    market = engine.markets[tickets[0].symbol]
    check_pair_prices(tickets, market.last.price if market.last is not None else None)
    orders = tuple(engine.draft(client, ticket) for ticket in tickets)
    # All are checked before the first is known, so that a list is taken whole or not at all.
    for order in orders:
        engine.check_entry(client, order)
    made = _make(engine, client, orders, client_id, "OCO")
    made.pair = orders
    engine.lock(client, *orders)  # together: both sell the same goods, which are locked once
    for order in orders:
        if order.open:
            engine.begin(client, order)
    return made


def place_chain(
    engine: Engine, client: Client, tickets: Sequence[Ticket], client_id: str | None, *, from_proceeds: bool = False
) -> OrderList:
    """Place an order and those that wait until it has filled: one (OTO) or a pair (OTOCO). Raises -2010."""
    _admit(engine, client, tickets, client_id)
    first = engine.draft(client, tickets[0])
    engine.check_entry(client, first)
    later = tuple(_pending(engine, client, ticket) for ticket in tickets[1:])
    made = _make(engine, client, (first, *later), client_id, "OTO")
    made.first, made.pending, made.from_proceeds = first, later, from_proceeds
    made.pair = later if len(later) > 1 else ()
    engine.lock(client, first)
    engine.begin(client, first)
    return made


def _pending(engine: Engine, client: Client, ticket: Ticket) -> Order:
    order = Order(0, client.account.name, ticket, "", ticket.quantity, engine.clock())
    # it holds nothing and is in no book until the first has filled
    order.status, order.working_time = "PENDING_NEW", NOT_YET
    order.trade_group = client.account.trade_group
    return order


def _admit(engine: Engine, client: Client, tickets: Sequence[Ticket], client_id: str | None) -> None:
    for ticket in tickets:
        engine.admit(client, ticket)
    names = [ticket.client_id for ticket in tickets if ticket.client_id is not None]
    if len(set(names)) < len(names):  # two orders of one list may not share a name either
        raise rejected(DUPLICATE)
    if client_id is not None and any(each.client_id == client_id and each.open for each in client.lists.values()):
        raise rejected(DUPLICATE)


def _make(engine: Engine, client: Client, orders: tuple[Order, ...], client_id: str | None, kind: str) -> OrderList:
    number, engine.next_list = engine.next_list, engine.next_list + 1
    name = client_id or generated_id(f"list {number}")
    made = OrderList(number, orders[0].symbol, name, kind, engine.clock(), orders)
    client.lists[number] = made
    for order in orders:
        engine.register(client, order)
        order.list = made
    return made
