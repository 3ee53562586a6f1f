"""Key and secret of this process: loaded once, then masked in every line that is logged, and in no core file."""

from __future__ import annotations

import contextlib
import os
import resource

from autotrader.exchanges.secret import PEM_BEGIN, SECRET_VARIABLE, Credentials, load_credentials
from autotrader.service.logs import hide


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
