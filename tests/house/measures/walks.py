"""How far a reader walks: the files and border crossings of one job, recorded while it runs.

A crossing is a call that leaves its file for another one of ours; calls to and from libraries are none, and a call that
comes back to us through a library counts from the last file of ours. The exchange's client and the simulator are left
out: they are another house, and how often they are asked is no matter of ours. Each walk is gone twice and the second
one counts, so that nothing is imported or compiled on the way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.house.measures.source import ROOT

# structs.py stands for what the standard decorator generates, which has no file: comparing a value is no walk.
LEFT_OUT = ("exchanges/", "simulator/", "study/", "prove/", "structs.py")
PACKAGE = str(ROOT / "autotrader")


@dataclass
class Walk:
    """What one job touched."""

    functions: set[tuple[str, int]] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)  # with the number of calls that entered them
    crossings: int = 0
    calls: int = 0

    def entered(self, here: str, frame: FrameType) -> None:
        """One call of a function of ours."""
        self.calls += 1
        self.functions.add((here, frame.f_code.co_firstlineno))
        above = frame.f_back
        while above is not None and place_of(above) is None:
            above = above.f_back
        crosses = above is not None and place_of(above) != here
        self.crossings += crosses
        self.files[here] = self.files.get(here, 0) + crosses


_places: dict[str, str | None] = {}


def place_of(frame: FrameType) -> str | None:
    """The file below the package; None for a library's."""
    name = frame.f_code.co_filename
    if name not in _places:
        _places[name] = str(Path(name).relative_to(PACKAGE)) if name.startswith(PACKAGE) else None
    return _places[name]


def recorded(job: Callable[[], object]) -> Walk:
    """Go the way once and note it."""
    walk = Walk()
    outside: list[FrameType] = []  # the call that left our house; what runs below it is the other house's

    def heard(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and outside and frame is outside[0]:
            outside.clear()
        here = place_of(frame)
        if event != "call" or outside or here is None or frame.f_code.co_name == "<module>":
            return
        if here.startswith(LEFT_OUT):
            outside.append(frame)
        else:
            walk.entered(here, frame)

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        job()
    finally:
        sys.setprofile(before)
    return walk
