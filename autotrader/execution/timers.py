"""Order timers: `cancel_after` belongs to the order, not to the rule that placed it. Pure.

The moment is stored with the order, so it holds over restarts and after the rule was edited or removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from autotrader.records.orders import OrderRow

ASKED_BY = "timer"


def due(orders: Iterable[OrderRow], now_ms: int) -> tuple[OrderRow, ...]:
    """The open orders whose own time is over, oldest first."""
    return tuple(
        row for row in orders if row.order.is_open and row.cancel_at_ms is not None and row.cancel_at_ms <= now_ms
    )
