"""Binance spot over REST, as Binance Japan's customers use it. This file is its door (`exchanges.Door`).

bytes: signing, keys, hosts · limits: governor, weights · replies: market_replies, account_replies, errors ·
calls: client, endpoints · ports: market_data (with instruments, candles), broker · together: connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from autotrader.exchanges.binance.weights import DEFAULT_LIMIT as WEIGHT_LIMIT
from autotrader.exchanges.binance.weights import per_minute as weight_per_minute
from autotrader.exchanges.venue import Capabilities

if TYPE_CHECKING:
    from autotrader.exchanges.live import LiveToken
    from autotrader.exchanges.secret import Credentials
    from autotrader.exchanges.venue import Venue, VenueSettings

__all__ = ["CAPABILITIES", "WEIGHT_LIMIT", "open", "weight_per_minute"]

# newClientOrderId · GET order by origClientOrderId · recvWindow and the engine's own 10 s · allOrders, myTrades
CAPABILITIES: Final = Capabilities(own_order_id=True, query_by_own_id=True, entry_bound=True, ended_orders_visible=True)


def open(  # noqa: A001 - the door's word; nobody opens files here
    settings: VenueSettings | None = None,
    *,
    url: str = "",
    credentials: Credentials | None = None,
    live_token: LiveToken | None = None,
) -> Venue:
    """Make a connection; nothing is asked yet.

    Raises ConfigError for an address that is not the venue's, UsageError for permission to trade without a key.
    """
    # Here, because `budget` and the account file want a table of weights and not an HTTP client.
    from autotrader.exchanges.binance.connection import connect

    return connect(settings, url=url, credentials=credentials, live_token=live_token)
