"""Opening a world for a command: the project, the folders, the three keys of live, and the notifier."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from autotrader.cli._folders import folders, private
from autotrader.cli._output import note
from autotrader.cli._venue import credentials_here, keep_from_children
from autotrader.errors import SafetyRefused
from autotrader.exchanges.live import CONFIRMATION, LiveToken, confirmation_from, grant_live
from autotrader.exchanges.secret import Credentials
from autotrader.language.settings import Settings
from autotrader.ports import Notifier
from autotrader.project import Project, read_project
from autotrader.records.audit_key import make_key
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.service.logs import Logs
from autotrader.service.notify import Notices

NO_WORD = "`autotrader adopt` lists what waits; say `autotrader adopt ORDER` or `autotrader ignore ORDER` to each"


def project_of(config: Path | None, base_url: str | None) -> Project:
    """The project of this command line."""
    return read_project(config, base_url=base_url)


def world_of(
    project: Project,
    state: Path | None,
    *,
    live: bool,
    stepped: bool = False,
    logs: Logs | None = None,
    permission: tuple[LiveToken, Credentials] | None = None,
) -> Runtime:
    """Open a world. Without `live` no secret is read. `permission`: where it has been asked for already.

    Raises SafetyRefused where a key of live is missing.
    """
    where = folders(state)
    make_key(private(where.state))
    token, credentials = (permission or permission_of(project)) if live else (None, None)
    wishes = OpenOptions(
        state=private(where.state), cache=private(where.cache), stepped=stepped, token=token, credentials=credentials
    )
    return open_runtime(project, wishes, notifier_of(logs))


def permission_of(project: Project) -> tuple[LiveToken, Credentials]:
    """The three keys of live, and the API key. Asks on a terminal; a service gives AUTOTRADER_LIVE=1."""
    settings = project.settings
    confirmation = confirmation_from(os.environ)
    if settings.mode == "live" and not confirmation and sys.stdin.isatty():
        note(f"This places real orders at {settings.exchange.base_url or 'the exchange'}.")
        note(f"Type `{CONFIRMATION}` to go on: ", end="")
        confirmation = sys.stdin.readline().strip()
    token = grant_live(settings.mode, True, confirmation)
    credentials = credentials_here()
    keep_from_children()
    if credentials is None:
        hint = "set AUTOTRADER_API_KEY and its secret, see docs/keys.md"
        raise SafetyRefused("live trading needs an API key", hint=hint)
    return token, credentials


def notifier_of(logs: Logs | None) -> Callable[[Settings], Notifier]:
    """A factory of the notifier for an account file's channels."""

    def make(settings: Settings) -> Notifier:

        def log(level: str, text: str) -> None:
            if logs is not None:
                logs.log(level, text)

        return Notices(settings.notify.named, settings.notify.default, heartbeat_env=settings.heartbeat_env, log=log)

    return make
