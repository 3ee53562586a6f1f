"""When a stop order triggers, by the last trade's price (the venue's rules for stops and trailing stops).

Strategy: two facts decide everything. An order waits for the price to rise
("above": STOP_LOSS buys, TAKE_PROFIT sells) or to fall ("below": the others) to
its stop price. With a trailing delta that is only where tracking begins (at the
next trade when there is no stop price): the best price since then is kept, and
the trigger is a move of delta hundredths of a percent against the order.
"""

from __future__ import annotations

from decimal import Decimal

from autotrader.simulator.model import Order

BIP = Decimal(10_000)


def waits_above(kind: str, side: str) -> bool:
    """Whether such an order waits for a rising price."""
    return kind.startswith("STOP_LOSS") == (side == "BUY")


def reached(kind: str, side: str, stop_price: Decimal, price: Decimal) -> bool:
    """Whether ``price`` meets the stop price's condition."""
    return price >= stop_price if waits_above(kind, side) else price <= stop_price


def would_trigger(kind: str, side: str, stop_price: Decimal, last: Decimal | None) -> bool:
    """Whether an order would trigger (or begin to track) at once, which the venue refuses."""
    # a trailing order without a stop price has nothing to reach
    return bool(stop_price) and last is not None and reached(kind, side, stop_price, last)


def on_trade(order: Order, price: Decimal, now: int) -> bool:
    """Take a trade into account; True when it triggers the order. Moves the tracked extreme."""
    ticket = order.ticket
    if ticket.trailing_delta is None:
        return reached(order.type, order.side, ticket.stop_price, price)
    if order.extreme is None:
        if not ticket.stop_price or reached(order.type, order.side, ticket.stop_price, price):
            # this trade only begins the tracking; it cannot trigger as well
            order.extreme, order.trailing_time = price, now
        return False
    if order.side == "SELL":
        order.extreme = max(order.extreme, price)  # the high first: a new high moves the trigger before it is compared
        return price <= order.extreme * (BIP - ticket.trailing_delta) / BIP
    order.extreme = min(order.extreme, price)
    return price >= order.extreme * (BIP + ticket.trailing_delta) / BIP
