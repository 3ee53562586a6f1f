"""The exchanges that there are. One more is a folder below `exchanges` of this name, and one line here.

Only what rules and the account file must know of an exchange before anything is asked: its name, where real orders go,
and whose hosts are its own. The folder knows its hosts one by one, and refuses all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple


class ListedExchange(NamedTuple):
    """`address` is the default one; `domains` are those under which all of its hosts lie."""

    address: str
    domains: tuple[str, ...]


EXCHANGES: Final[dict[str, ListedExchange]] = {
    "binance": ListedExchange("https://api.binance.com", ("binance.com", "binance.vision")),
}
DEFAULT: Final = next(iter(EXCHANGES))
DEFAULT_ADDRESS: Final = EXCHANGES[DEFAULT].address


def exchange_at(address: str) -> str:
    """Whose address this is, by its domain; a simulator on this machine plays the default one."""
    host = address.rstrip("/").rpartition("/")[2]
    for name, one in EXCHANGES.items():
        if any(host == domain or host.endswith(f".{domain}") for domain in one.domains):
            return name
    return DEFAULT


if TYPE_CHECKING:
    ExchangeName = str
else:
    ExchangeName = Literal[tuple(EXCHANGES)]  # what pydantic and the schema of the account file accept
