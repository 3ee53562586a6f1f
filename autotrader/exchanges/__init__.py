"""Adapters to the outside, behind one door: `open_venue` opens an exchange by its name, whichever it is.

What every exchange needs lies here: address, messages and transport (bytes over one line), reading (strict JSON and
replies as models), clock (the venue's time), pool (side by side within a time), secret, live (the permission to
trade), key_check, candle_store, paper; `venue` says what one gives and takes. What only one exchange has lies in its
folder, whose door (`ExchangeDoor`) is all that anybody outside of it imports, and only here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from autotrader.errors import SafetyRefused
from autotrader.market.exchanges import DEFAULT

if TYPE_CHECKING:
    from autotrader.exchanges.live import LiveToken
    from autotrader.exchanges.secret import Credentials
    from autotrader.exchanges.venue import Capabilities, Venue, VenueSettings
    from autotrader.market.needs import AccountNeed, MarketNeed


class ExchangeDoor(Protocol):
    """The door of an exchange: the package `exchanges/<name>`."""

    @property
    def CAPABILITIES(self) -> Capabilities:  # noqa: N802 - a constant of the module
        """What live orders may stand on there."""

    @property
    def WEIGHT_LIMIT(self) -> int:  # noqa: N802 - a constant of the module
        """Request weight per minute, as documented; the venue itself tells the true one."""

    def weight_per_minute(
        self, needs: Mapping[MarketNeed | AccountNeed, int]
    ) -> Mapping[MarketNeed | AccountNeed, Decimal]:
        """What needs cost, given the period in ms at which each is asked. Asks nobody."""

    def open(
        self,
        settings: VenueSettings | None = None,
        *,
        url: str = "",
        credentials: Credentials | None = None,
        live_token: LiveToken | None = None,
    ) -> Venue:
        """Make a connection; nothing is asked yet. `url` "" is the exchange's own. Raises ConfigError, UsageError."""


def exchange(name: str = DEFAULT) -> ExchangeDoor:
    """The door of an exchange by its name in `market.exchanges`. Only the folder that is used is imported."""
    # By its name, so that a second exchange is its folder and one line of a table.
    return cast("ExchangeDoor", import_module(f"{__name__}.{name}"))


def open_venue(
    settings: VenueSettings | None = None,
    *,
    name: str = DEFAULT,
    url: str = "",
    credentials: Credentials | None = None,
    live_token: LiveToken | None = None,
) -> Venue:
    """Open an exchange. Raises what its door raises, and SafetyRefused for live where it lacks what that needs."""
    door = exchange(name)
    if live_token is not None and (missing := door.CAPABILITIES.missing()):
        raise SafetyRefused(
            f"{name} is not traded live: it lacks {', '.join(missing)}",
            hint="without these an order may be placed twice or lost; dry-run works",
        )
    return door.open(settings, url=url, credentials=credentials, live_token=live_token)
