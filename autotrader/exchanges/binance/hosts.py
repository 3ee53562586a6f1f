"""Where requests may go: loopback, or the venue's own hosts (exchange-facts §1.1). Nothing else is ever contacted."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from autotrader.errors import ConfigError
from autotrader.exchanges.messages import BaseUrl

LIVE_URL: Final = "https://api.binance.com"
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
    if path.startswith("/sapi/"):
        return url.loopback or url.host in LIVE_HOSTS
    return url.host != DATA_HOST or path not in NOT_AT_DATA_HOST


def base_url(text: str) -> BaseUrl:
    """Check a base URL against the list. Raises ConfigError."""
    hint = f"allowed: http on loopback, or https at {', '.join(sorted(HTTPS_HOSTS))}"
    odd = sorted({f"U+{ord(sign):04X}" for sign in text if not "!" <= sign <= "~" or sign in "\\%"})
    if odd:
        raise ConfigError(f"the exchange's address holds characters that none has: {', '.join(odd[:3])}", hint=hint)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("the exchange's address is not a URL", hint=hint) from None
    if parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"):
        raise ConfigError("the exchange's address may hold scheme, host and port only", hint=hint)
    loopback = _is_loopback(host)
    if parts.scheme == "http" and loopback and port != 0:
        shown = f"[{host}]" if ":" in host else host
        return BaseUrl(f"http://{shown}:{port or 80}", host, loopback=True)
    if parts.scheme == "https" and host in HTTPS_HOSTS and port in (None, 443):
        return BaseUrl(f"https://{host}", host, loopback=False)
    raise ConfigError(f"{parts.scheme or '?'}://{host or '?'} is not an address of the exchange", hint=hint)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
