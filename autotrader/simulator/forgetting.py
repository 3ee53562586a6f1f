"""A long run in bounded memory: an account's oldest ended orders are forgotten, with their trades.

Strategy: the newest ``keep`` orders of an account and symbol are always there,
and all open ones however old. Nothing is done until there are a quarter more,
so that the work is a constant share of an order's. What is forgotten is as if
it had never been for queries; balances, fees and the ledger are not touched.
"""

from __future__ import annotations

from autotrader.simulator.books import Client

KEEP = 100_000


def forget(client: Client, symbol: str, keep: int = KEEP) -> int:
    """Drop ended orders beyond the newest ``keep`` of a symbol; how many."""
    orders = client.orders.get(symbol, [])
    if len(orders) <= keep + max(keep // 4, 1):
        return 0
    edge = len(orders) - keep
    dropped = {order.id: order for order in orders[:edge] if not order.open}
    orders[:edge] = [order for order in orders[:edge] if order.open]
    for order in dropped.values():
        key = (symbol, order.client_id)
        if client.by_client_id.get(key) is order:
            del client.by_client_id[key]
        if order.list is not None and not any(each.id not in dropped for each in order.list.orders):
            client.lists.pop(order.list.id, None)
    trades = client.trades.get(symbol)
    if trades:
        trades[:] = [trade for trade in trades if trade.order_id not in dropped]
    prevented = client.prevented.get(symbol)
    if prevented:
        oldest = orders[0].id if orders else 0
        prevented[:] = [match for match in prevented if match.taker_id >= oldest]
    return len(dropped)
