"""What makes a start quick: nothing here changes what a command does.

The garbage collector waits while modules are imported and rules are read: all that is made there lives to the end, and
looking it over takes a tenth of a start and more. And pydantic is spared its search for plugins among all installed
packages, another tenth: none count here.
"""

from __future__ import annotations

import gc
import sys
import types

# New containers before the collector looks at the young ones. The usual 700 is passed fifty times by a command that
# builds one schema and makes no garbage; a service's garbage of this size is a few megabytes.
_LOOK_AFTER = 20_000


def hold_collector() -> None:
    """Let the garbage collector wait until `let_collect`."""
    gc.disable()


def let_collect(*, keep: bool) -> None:
    """Let it work again; what is there now is never looked at again if it is to be kept."""
    if keep:
        gc.freeze()
        gc.set_threshold(_LOOK_AFTER)
    gc.enable()


def without_plugins() -> None:
    """Stand in for pydantic's finder of plugins: its own switch is read only behind the costly imports."""
    finder = types.ModuleType("pydantic.plugin._loader")
    finder.get_plugins = lambda: ()  # type: ignore[attr-defined]  # what pydantic asks of that module
    sys.modules.setdefault(finder.__name__, finder)
