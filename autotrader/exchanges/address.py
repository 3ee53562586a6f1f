"""Where requests may go: this machine, or an exchange's own hosts. Nothing else is ever contacted."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from autotrader.errors import ConfigError
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A checked base URL. `origin` has no trailing slash; `loopback` says that it is this machine."""

    origin: str
    host: str
    loopback: bool


def base_url(text: str, https_hosts: frozenset[str]) -> BaseUrl:
    """Check a base URL: plain http on loopback, https at one of these hosts. Raises ConfigError."""
    hint = f"allowed: http on loopback, or https at {', '.join(sorted(https_hosts))}"
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
    if parts.scheme == "http" and is_loopback(host) and port != 0:
        shown = f"[{host}]" if ":" in host else host
        return BaseUrl(f"http://{shown}:{port or 80}", host, loopback=True)
    if parts.scheme == "https" and host in https_hosts and port in (None, 443):
        return BaseUrl(f"https://{host}", host, loopback=False)
    raise ConfigError(f"{parts.scheme or '?'}://{host or '?'} is not an address of the exchange", hint=hint)


def is_loopback(host: str) -> bool:
    """Whether a host's name or number is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
