"""A connection for commands that look at the exchange: which host, which zone, and the key where one is needed.

Host: `--base-url`, else what the account file names; no exchange is contacted that nobody named. Zone: the account
file's, else Asia/Tokyo.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autotrader.cli._folders import folders, private
from autotrader.cli._written import SourcedText, account_file, written
from autotrader.errors import ConfigError, UsageError
from autotrader.exchanges import open_venue
from autotrader.exchanges.secret import PEM_BEGIN, SECRET_VARIABLE, Credentials, load_credentials
from autotrader.exchanges.venue import AccountTools, Venue, VenueSettings
from autotrader.market.exchanges import DEFAULT, DEFAULT_ADDRESS, EXCHANGES, exchange_at
from autotrader.service.logs import hide
from autotrader.structs import dataclass
from autotrader.times import zone_of


def credentials_here() -> Credentials | None:
    """Key and secret from the first place that has them; None where there is neither. Raises ConfigError."""
    found = load_credentials(os.environ)
    if found is None:
        return None
    _no_core_files()
    for one in (found.key, found.secret):
        for line in one.reveal().splitlines():
            if not line.startswith((PEM_BEGIN, "-----END ")):
                hide(line)
    return found


def keep_from_children() -> None:
    """Take the secret out of the environment that programs which this process starts would inherit.

    For processes that run for long; what began this one keeps its own copy.
    """
    os.environ.pop(SECRET_VARIABLE, None)


def _no_core_files() -> None:
    """A process that crashes leaves no image of its memory behind. Where the system knows no such limit: nothing."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


DEFAULT_ZONE = "Asia/Tokyo"


@dataclass(frozen=True, slots=True)
class OpenVenue:
    """An open exchange and the account's zone."""

    connection: Venue
    zone: str

    @property
    def account(self) -> AccountTools:
        """The signed calls that only look. Raises ConfigError without a key."""
        if self.connection.account is None:
            raise ConfigError(
                "this needs an API key", hint="set AUTOTRADER_API_KEY and AUTOTRADER_API_SECRET_FILE; reading is enough"
            )
        return self.connection.account


@contextmanager
def venue(base_url: str | None, config: Path | None, *, signed: bool = False) -> Iterator[OpenVenue]:
    """Connect for one command; the key is only loaded where the command signs. Raises ConfigError."""
    file = account_file(config)
    values = written(file) if file is not None else {}
    zone = values["timezone"].text if "timezone" in values else DEFAULT_ZONE
    url = base_url or _named(values)
    try:
        settings = VenueSettings(zone=zone_of(zone), cache=private(folders().cache))
    except ValueError as error:
        raise ConfigError(str(error), hint="an IANA name such as Asia/Tokyo") from None
    key = credentials_here() if signed else None
    with open_venue(settings, name=exchange_at(url), url=url, credentials=key) as connection:
        yield OpenVenue(connection, zone)


def _named(values: Mapping[str, SourcedText]) -> str:
    """The address that the account file names. Raises UsageError where there is none: nothing is asked unasked."""
    if "exchange.base_url" in values:
        return values["exchange.base_url"].text
    if "exchange.name" in values:
        name = values["exchange.name"].text
        return EXCHANGES[name if name in EXCHANGES else DEFAULT].address
    raise UsageError(
        "no account file here names an exchange, so none is asked",
        hint=f"go to a project's folder, or name the exchange: --base-url {DEFAULT_ADDRESS}",
    )
