"""Signing: parameters in, the exact text that goes over the wire out (docs/venue.md §3.1).

Everything is percent-encoded once, here; the signature is made over exactly those bytes by the kind of key that there
is (`keys`), and the transport sends them verbatim. Two signers exist. `ReadSigner` signs a fixed list of calls, none of
which can place or cancel an order that counts. `TradeSigner` signs the rest, needs a `LiveToken` to come into being,
and asks the halt flag before each new order. Both are bound to one host and sign for no other. A refusal comes before
any byte is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import quote

from autotrader.errors import ConfigError, SafetyRefused
from autotrader.exchanges.binance.keys import signing_function
from autotrader.exchanges.live import LiveToken
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import RECV_WINDOW_MS
from autotrader.money import plain
from autotrader.structs import dataclass

Method = Literal["GET", "POST", "DELETE"]
Value = str | int | bool | Decimal | Sequence[str]
Params = Sequence[tuple[str, Value | None]]

MOST_RECV_WINDOW_MS: Final = 60_000
READ_CALLS: Final = frozenset(
    {
        ("GET", "/api/v3/account"),
        ("GET", "/api/v3/account/commission"),
        ("GET", "/api/v3/allOrders"),
        ("GET", "/api/v3/myFilters"),
        ("GET", "/api/v3/myTrades"),
        ("GET", "/api/v3/openOrders"),
        ("GET", "/api/v3/order"),
        ("GET", "/api/v3/rateLimit/order"),
        ("GET", "/sapi/v1/account/apiRestrictions"),
        ("POST", "/api/v3/order/test"),
        ("POST", "/sapi/v3/asset/getUserAsset"),
    }
)
TRADE_CALLS: Final = frozenset({("POST", "/api/v3/order"), ("DELETE", "/api/v3/order")})


@dataclass(frozen=True, slots=True, repr=False)
class SignedPayload:
    """A signed text for one host, with the key that belongs in its header. Its repr shows neither."""

    payload: str
    key: Secret

    def __repr__(self) -> str:
        return "Signed(***)"


def encode(params: Params) -> str:
    """`name=value&...`, percent-encoded once, in the order given; parameters that are None are left out.

    Decimals are plain (no exponent), booleans lower-case, lists a JSON array without spaces (docs/venue.md §2.0).
    Raises ValueError for a number that is not finite.
    """
    return "&".join(
        f"{quote(name, safe='')}={quote(_text(value), safe='')}" for name, value in params if value is not None
    )


def _text(value: Value) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("a number that is not finite cannot be sent")
        return plain(value)
    return "[" + ",".join(f'"{item}"' for item in value) + "]"


class _Signer:
    """What both signers share: one host, one key, a list of calls."""

    calls: frozenset[tuple[str, str]] = frozenset()

    def __init__(self, credentials: Credentials, host: str, recv_window_ms: int = RECV_WINDOW_MS) -> None:
        # The window bounds how late an order may still enter: a larger one would move every horizon.
        if not 0 < recv_window_ms <= MOST_RECV_WINDOW_MS:
            raise ConfigError(f"recv_window of {recv_window_ms} ms: the venue takes 1 to {MOST_RECV_WINDOW_MS} ms")
        self._credentials = credentials
        self._signature = signing_function(credentials.secret)
        self._window_ms = recv_window_ms
        self.host = host

    @property
    def fingerprint(self) -> str:
        """Which key signs, without showing it."""
        return self._credentials.fingerprint

    def sign(self, host: str, method: Method, path: str, params: Params, timestamp_ms: int) -> SignedPayload:
        """The payload with recvWindow, timestamp and, last, its signature.

        Raises SafetyRefused for a call that is not on this signer's list, or for another host.
        """
        self._allow(host, method, path, params)
        payload = encode([*params, ("recvWindow", self._window_ms), ("timestamp", timestamp_ms)])
        made = quote(self._signature(payload.encode()), safe="")
        return SignedPayload(f"{payload}&signature={made}", self._credentials.key)

    def _allow(self, host: str, method: Method, path: str, params: Params) -> None:  # noqa: ARG002 - for the trader
        if host != self.host:
            raise SafetyRefused(f"the key belongs to {self.host} and signs nothing for {host}")
        # A list, not a rule: a call that nobody thought of is not signed, whoever asks for it.
        if (method, path) not in self.calls:
            raise SafetyRefused(f"{method} {path} is not signed: it is not on the list of this key's calls")


class ReadSigner(_Signer):
    """Signs what looks, and the order test; never what places or cancels."""

    calls = READ_CALLS


def nobody_asked(_side: str) -> str:
    """As long as nobody can say whether everything is halted, no order leaves."""
    return "nobody can say yet whether trading is halted"


class TradeSigner(_Signer):
    """Signs placing and cancelling, by the owner's permission only; no new order that `refuse`, asked about
    its side each time, has a reason against.
    """

    calls = TRADE_CALLS

    def __init__(
        self,
        credentials: Credentials,
        host: str,
        token: LiveToken | None,
        refuse: Callable[[str], str] = nobody_asked,
        recv_window_ms: int = RECV_WINDOW_MS,
    ) -> None:
        if not isinstance(token, LiveToken):
            raise SafetyRefused("no order is signed without permission to trade", hint="see `mode: live` and --live")
        super().__init__(credentials, host, recv_window_ms)
        self._refuse = refuse

    def ask_before_orders(self, refuse: Callable[[str], str]) -> None:
        """Ask this before each new order from now on."""
        self._refuse = refuse

    def _allow(self, host: str, method: Method, path: str, params: Params) -> None:
        super()._allow(host, method, path, params)
        if method == "POST" and (why := self._refuse(str(dict(params).get("side")))):
            raise SafetyRefused(f"no new order is signed: {why}", hint="`autotrader resume` ends a halt")
