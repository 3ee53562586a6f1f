"""The composition root: the only place that knows which broker, clock and store a run has.

`project` reads the account file and the rules; `world` plugs the parts of a run together; `told` asks the running
service, or does it itself; `why` rebuilds what was decided, `look` decides now without doing anything; `demo` puts a
world beside a simulator. Imported by name when used: a command that only reads the records needs no HTTP client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrader.app.look import evaluate_now
    from autotrader.app.project import Project, read_project
    from autotrader.app.world import Wishes, open_world
    from autotrader.service.world import World

__all__ = ["Project", "Wishes", "World", "evaluate_now", "open_world", "read_project"]

_HOMES = {
    "Project": "project",
    "read_project": "project",
    "Wishes": "world",
    "World": "world",
    "open_world": "world",
    "evaluate_now": "look",
}


def __getattr__(name: str) -> Any:
    """One public name, from its own module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
