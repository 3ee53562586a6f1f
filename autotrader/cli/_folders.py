"""Which folders hold what: `--state DIR`, else systemd's, else XDG's.

systemd gives STATE_DIRECTORY, CACHE_DIRECTORY and LOGS_DIRECTORY to a unit (a list joined by `:`; the first is ours).
XDG Base Directory: XDG_STATE_HOME and XDG_CACHE_HOME, which must be absolute to count. With `--state DIR` everything
lives below DIR, so that a test or a second account touches nothing else.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from autotrader.errors import ConfigError

APP = "autotrader"


class Folders(NamedTuple):
    """Where records and state, what can be fetched again, and logs are kept. They need not exist yet."""

    state: Path
    cache: Path
    logs: Path


def folders(state: Path | None = None, environ: Mapping[str, str] | None = None) -> Folders:
    """The folders of this process; nothing is made."""
    environ = os.environ if environ is None else environ
    if state is not None:
        return Folders(state, state / "cache", state / "logs")
    home = Path(environ.get("HOME") or _home_of_user())
    own_state = _systemd(environ, "STATE_DIRECTORY")
    state_dir = own_state or _xdg(environ, "XDG_STATE_HOME", home / ".local" / "state")
    cache = _systemd(environ, "CACHE_DIRECTORY") or (
        own_state / "cache" if own_state else _xdg(environ, "XDG_CACHE_HOME", home / ".cache")
    )
    return Folders(state_dir, cache, _systemd(environ, "LOGS_DIRECTORY") or state_dir / "logs")


def _home_of_user() -> str:
    """The home of the user database: where HOME is unset, and where it is empty, which `Path.home` takes for `/`."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise ConfigError("HOME is not set, and this user has no home", hint="give --state DIR, or set HOME") from None


def private(folder: Path) -> Path:
    """Make a folder that only its owner can enter, if it is not there; returns it.

    Raises ConfigError when it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {folder}: {error.strerror}", hint="choose another with --state DIR"
        ) from None
    return folder


def _systemd(environ: Mapping[str, str], name: str) -> Path | None:
    first = environ.get(name, "").split(":")[0]
    return Path(first) if first else None


def _xdg(environ: Mapping[str, str], name: str, otherwise: Path) -> Path:
    given = environ.get(name, "")
    return (Path(given) if given.startswith("/") else otherwise) / APP
