"""Amend keepPriority: an order made smaller where it stands."""

from __future__ import annotations

from decimal import Decimal

from autotrader.simulator import filters
from autotrader.simulator.books import Client
from autotrader.simulator.engine import Engine
from autotrader.simulator.errors import CLOSED, DUPLICATE, MAY_NOT_TRADE, NO_CHANGE, NO_INCREASE, amend_rejected
from autotrader.simulator.model import Amendment, Order, generated_id

ALLOWED_IN = ("TRADING", "CANCEL_ONLY")


def amend(engine: Engine, client: Client, order: Order, quantity: Decimal, client_id: str | None) -> None:
    """Make ``order`` (and the other of its pair) ``quantity``; it gets ``client_id`` or a generated one.

    An order that has already traded as much ends. Raises -2038 and -1013; then nothing has changed.
    """
    _check(engine, client, order, quantity, client_id)
    earlier, before = order.client_id, order.quantity
    number = engine.next_execution()
    order.client_id = client_id or generated_id(f"amend {number}")
    client.by_client_id.pop((order.symbol, earlier), None)
    client.by_client_id[(order.symbol, order.client_id)] = order
    order.amendments += (Amendment(number, earlier, order.client_id, before, quantity, engine.clock()),)
    pair = order.list.pair if order.list is not None and order in order.list.pair else (order,)
    for each in pair:
        each.quantity, each.update_time = quantity, engine.clock()
    engine.changes += 1
    if order.available <= 0:
        engine.finish(client, order, "EXPIRED")
        return
    for each in pair:
        engine.markets[each.symbol].book.amend(each.id, each.available)
    engine.relock(client, order)


def _check(engine: Engine, client: Client, order: Order, quantity: Decimal, client_id: str | None) -> None:
    spec = engine.markets[order.symbol].spec
    if not client.account.can_trade:
        raise amend_rejected(MAY_NOT_TRADE)
    if engine.status(order.symbol) not in ALLOWED_IN:
        raise amend_rejected(CLOSED)
    filters.check_precision("newQty", quantity, spec.precision)
    if quantity == order.quantity:
        raise amend_rejected(NO_CHANGE)
    if quantity > order.quantity:
        raise amend_rejected(NO_INCREASE)
    if spec.max_amends and len(order.amendments) >= spec.max_amends:
        raise amend_rejected("Filter failure: MAX_NUM_ORDER_AMENDS")
    if client_id is not None and client_id != order.client_id:
        other = client.by_client_id.get((order.symbol, client_id))
        if other is not None and other.open:
            raise amend_rejected(DUPLICATE)
    filters.check_ticket(spec, order.ticket, quantity, engine.reference(order.symbol))
