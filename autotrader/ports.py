"""The borders of the pure part, in the domain's words: what the cycle asks of the outside.

Each is proved by one contract suite that every adapter passes. Times are venue milliseconds unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, Protocol

from autotrader.market.account import Account, Health
from autotrader.market.instrument import Instrument
from autotrader.market.needs import AccountNeed, MarketNeed
from autotrader.market.snapshot import Snapshot
from autotrader.orders import CancelRequest, CancelResult, Fill, NotFound, Order, OrderRequest, SubmitResult, Unknown


class Clock(Protocol):
    """Time as the runner sees it. The venue's time is `now_ms`; see docs/order-safety.md §6."""

    def now_ms(self) -> int:
        """The venue's time: server time at the last sync plus monotonic time since."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""

    def sleep(self, seconds: float) -> None:
        """Wait; in stepped time, move the simulator's clock by that much."""

    def uncertainty_ms(self) -> int:
        """How far `now_ms` may be off: half the last round trip plus drift. Above 500 nothing is signed."""

    def sync(self) -> None:
        """Ask the venue for its time. Raises ExchangeUnavailable."""


class MarketData(Protocol):
    """Fresh market data from one exchange."""

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """Instruments by symbol, at most a day old. A symbol the exchange lacks is absent.

        Raises ExchangeUnavailable.
        """

    def observe(self, needs: frozenset[MarketNeed], deadline: float) -> Snapshot:
        """Fetch all needs concurrently; what is not there by `deadline` (clock.monotonic) is missing, with why."""

    def weight_per_minute(
        self, needs: Mapping[MarketNeed | AccountNeed, int]
    ) -> Mapping[MarketNeed | AccountNeed, Decimal]:
        """Request weight per minute of each need, given the period in ms at which it is asked."""

    def weight_limit(self) -> int:
        """The exchange's request weight per minute."""

    def health(self) -> Health:
        """Clock skew, used weight and the end of a ban, as last seen."""


class Broker(Protocol):
    """Places, cancels and looks up orders of one account. Sends each order at most once per call, never retries it."""

    def observe(self, needs: frozenset[AccountNeed], deadline: float) -> Account:
        """Balances and open orders; what could not be had is in `missing`."""

    def fills(self, symbol: str, from_trade_id: int | None, from_ms: int) -> Sequence[Fill]:
        """Our trades of a symbol, oldest first: those after `from_trade_id`, or where that is None since `from_ms`.

        Raises ExchangeUnavailable or ExchangeRefused.
        """

    def fills_of(self, symbol: str, order_id: int) -> Sequence[Fill]:
        """The trades of one order, oldest first, whenever they were. Raises as `fills`."""

    def submit(self, request: OrderRequest, sent_ms: int) -> SubmitResult:
        """Send once, with `sent_ms` as the request's timestamp. Unknown: the venue may or may not have it."""

    def cancel(self, request: CancelRequest) -> CancelResult:
        """Ask to cancel. Unknown: look it up."""

    def find(self, symbol: str, client_order_id: str) -> Order | NotFound | Unknown:
        """Look an order up by the id we gave it. NotFound proves nothing before the horizon."""

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        """All orders of a symbol since a time (at most 24 h back), oldest first.

        Raises ExchangeUnavailable or ExchangeRefused.
        """


Level = Literal["info", "warn", "critical"]


class Notifier(Protocol):
    """Sends messages; never blocks trading and never raises."""

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Queue a message to a named channel of the account file."""

    def failures(self) -> Sequence[tuple[str, str]]:
        """(channel, reason) of messages that could not be delivered since the last call, addresses masked."""

    def close(self, timeout: float) -> None:
        """Deliver what is queued within the time and stop."""
