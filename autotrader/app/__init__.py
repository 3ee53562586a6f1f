"""The composition root: the only place that knows which broker, clock and store a run has.

`project` reads the account file and the rules; `world` plugs the parts of a run together; `hand` lets a person do by
hand what rules do, through the same limits and the same journal; `told` asks the running service, or does it itself.
"""

from autotrader.app.project import Project, read_project
from autotrader.app.world import Wishes, World, open_world

__all__ = ["Project", "Wishes", "World", "open_world", "read_project"]
