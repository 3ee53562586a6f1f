"""The caller of endpoints: counts weight, signs, sends, reads the reply, and retries only what may be retried.

Calls that only look are tried up to three times within their time, signed anew each time, with a growing pause that
chance spreads. What places or cancels goes through `trade`, which sends once and hands back what came, whatever it is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from autotrader.errors import ExchangeUnavailable, SafetyRefused
from autotrader.exchanges import address
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.binance.errors import CLOCK_CODE, ErrorKind, exception, failure, kind
from autotrader.exchanges.binance.governor import Governor, Refrained
from autotrader.exchanges.binance.signing import Method, Params, ReadSigner, TradeSigner, encode
from autotrader.exchanges.clock import ExchangeClock
from autotrader.exchanges.messages import NoReplyError, NotSentError, Reply, Request, Sender
from autotrader.exchanges.reading import BadJson, BadReply, parse
from autotrader.market.exchanges import EXCHANGES
from autotrader.structs import dataclass

# --------------------------------------------------------------------------------------------------------------- hosts
# Where requests may go: loopback, or the venue's own hosts (docs/venue.md §1.1). Nothing else is ever contacted.

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


# -------------------------------------------------------------------------------------------------------------- client
READ_SECONDS: Final = 8.0
TRADE_SECONDS: Final = 12.0  # the venue itself gives up after 10
TRIES: Final = 3
_FIRST_PAUSE: Final = 0.2


class Endpoint(NamedTuple):
    """One call that looks: what it weighs (by how much is asked, where that matters), and its parameters as sent."""

    method: Method
    path: str
    weight: int | Callable[[int], int]
    names: str = ""
    signed: bool = False
    urgent: bool = False  # looks after an order: may use the reserve of weight


@dataclass(frozen=True, slots=True)
class Patience:
    """How retries wait: real seconds, and chance in [0, 1)."""

    pause: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    monotonic: Callable[[], float] = time.monotonic


class Client:
    """Calls one venue. Thread-safe."""

    def __init__(
        self,
        transport: Sender,
        clock: ExchangeClock,
        governor: Governor,
        reader: ReadSigner | None = None,
        trader: TradeSigner | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.transport = transport
        self.clock = clock
        self.governor = governor
        self._reader = reader
        self._trader = trader
        self._patience = patience or Patience()

    @property
    def url(self) -> BaseUrl:
        """The host that is called."""
        return self.transport.url

    def monotonic(self) -> float:
        """Seconds on the clock that deadlines of requests are kept with."""
        return self._patience.monotonic()

    def ask(self, row: Endpoint, params: Params = (), *, size: int = 1, seconds: float = READ_SECONDS) -> Any:
        """The JSON value of a call that only looks. `size` is by how much it weighs, where that matters.

        Raises ExchangeUnavailable or ExchangeRefused; a signed one also SafetyRefused.
        """
        if row.signed and self._reader is None:
            raise SafetyRefused(
                f"{row.method} {row.path} needs an API key", hint="see AUTOTRADER_API_KEY in the documentation"
            )
        if not serves(self.url, row.path):  # told before it is asked: some hosts lack some calls, and a 404 weighs too
            raise ExchangeUnavailable(f"{self.url.host} does not offer {row.path}")
        weight = row.weight if isinstance(row.weight, int) else row.weight(size)
        return self._retried(lambda: self._request(row, params), weight, seconds, urgent=row.urgent)

    def _request(self, row: Endpoint, params: Params) -> Request:
        """Made anew for each try: a signature holds for the moment at which it was made."""
        payload, key = "", None
        if row.signed and self._reader is not None:
            # signed with a time that is certain, or not at all
            signed = self._reader.sign(self.url.host, row.method, row.path, params, self.clock.certain_ms())
            payload, key = signed.payload, signed.key
        else:
            payload = encode(params)
        post = row.method == "POST"
        return Request(row.method, row.path, query="" if post else payload, body=payload if post else "", key=key)

    def trade(self, method: Method, path: str, params: Params, timestamp_ms: int) -> Reply:
        """Send what places or cancels, once. Raises NotSentError, NoReplyError; SafetyRefused before a byte is made."""
        if self._trader is None:
            raise SafetyRefused(f"{method} {path} is not signed without permission to trade", hint="see `mode: live`")
        signed = self._trader.sign(self.url.host, method, path, params, timestamp_ms)
        self.governor.take(1, urgent=True)  # after signing: what the signer refuses costs nothing
        post = method == "POST"
        request = Request(
            method,
            path,
            query="" if post else signed.payload,
            body=signed.payload if post else "",
            key=signed.key,
            fresh=True,  # a connection that may have died is not used for an order
        )
        reply = self.transport.send(request, TRADE_SECONDS)
        self.governor.heard(reply)
        return reply

    def _retried(self, request: Callable[[], Request], weight: int, seconds: float, *, urgent: bool) -> Any:
        """Try until there is an answer, the tries are used up, or the next one would begin too late."""
        ends = self._patience.monotonic() + seconds
        clock_doubted = False
        for number in range(1, TRIES + 1):
            outcome = self._once(request, weight, ends, urgent=urgent)
            if not isinstance(outcome, Exception):
                return outcome[0]
            # A refusal by the venue stays one however often it is asked; what broke on the way may not break again.
            again = isinstance(outcome, BadReply | _Passing)
            # once: a clock that is wrong twice will not come right by asking again
            if getattr(outcome, "code", 0) == CLOCK_CODE and not clock_doubted:
                self.clock.suspect()
                clock_doubted = again = True
            # spread by chance, or all clients would come back together
            pause = _FIRST_PAUSE * 2 ** (number - 1) * (0.5 + self._patience.chance())
            if not again or number == TRIES or self._patience.monotonic() + pause >= ends:
                raise outcome
            self._patience.pause(pause)
        raise AssertionError("unreachable")

    def _once(
        self, request: Callable[[], Request], weight: int, ends: float, *, urgent: bool
    ) -> tuple[Any] | Exception:
        made = request()
        try:
            self.governor.take(weight, urgent=urgent)
            reply = self.transport.send(made, ends - self._patience.monotonic())
        except Refrained as error:  # our own silence is no failure that passes within seconds
            return error
        except (NotSentError, NoReplyError) as error:
            return _Passing(error.message)
        self.governor.heard(reply)
        call = f"{made.method} {made.path}"
        if reply.status != 200:
            found = failure(reply)
            made_error = exception(found, call)
            return _Passing(made_error.message) if kind(found) is ErrorKind.TRANSIENT else made_error
        try:
            return (parse(reply.body),)
        except BadJson as error:
            return BadReply(f"{call}: the reply is not the JSON that was expected: {error}")


class _Passing(ExchangeUnavailable):
    """A failure that may pass by itself, so the call may be tried again."""
