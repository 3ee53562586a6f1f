"""Where requests may go: loopback, or the venue's own hosts (docs/venue.md §1.1). Nothing else is ever contacted."""

from __future__ import annotations

from typing import Final

from autotrader.exchanges import address
from autotrader.exchanges.address import BaseUrl
from autotrader.market.exchanges import EXCHANGES

LIVE_URL: Final = EXCHANGES["binance"].address
LIVE_HOSTS: Final = frozenset(
    {"api.binance.com", "api-gcp.binance.com", *(f"api{number}.binance.com" for number in range(1, 5))}
)
DATA_HOST: Final = "data-api.binance.vision"
OTHER_HOSTS: Final = frozenset({"testnet.binance.vision", "api1.testnet.binance.vision", "demo-api.binance.com"})
HTTPS_HOSTS: Final = LIVE_HOSTS | {DATA_HOST} | OTHER_HOSTS
# What data-api does not serve, and what only the live hosts (and a simulator) do.
NOT_AT_DATA_HOST: Final = frozenset({"/api/v3/ticker/tradingDay", "/api/v3/historicalTrades"})


def serves(url: BaseUrl, path: str) -> bool:
    """Whether a host of the venue has a call at all."""
    # The wallet's calls; test and demo hosts have none of them, and a simulator on loopback plays a live host.
    if path.startswith("/sapi/"):
        return url.loopback or url.host in LIVE_HOSTS
    return url.host != DATA_HOST or path not in NOT_AT_DATA_HOST


def base_url(text: str) -> BaseUrl:
    """Check a base URL against the list. Raises ConfigError."""
    return address.base_url(text, HTTPS_HOSTS)
