"""The shapes in time: what a leaf remembers between evaluations, and how one evaluation changes it.

Three kinds of leaf have a memory: `for` (since when it holds), a crossing judged per slot (the side), and
`within last n checks` / `k of last n checks` (the last n answers). One small record serves all three. The functions
here are the only ones that make a next memory, so no two evaluations can differ in it; over whole series of candles
(`columns`) the last two are the same steps taken for all rows at once.

A `for` timer counts the time between neighbouring evaluations that both held. Unknown pauses it; so does a gap in the
evaluations (missed slots, a restart). A pause longer than three periods resets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from autotrader.language.algebra import Truth, count_at_least
from autotrader.structs import dataclass

Side = Literal["", "up", "down"]
NEIGHBOURS = 1.5  # evaluations further apart than this many periods are not neighbours
PAUSES = 3  # a pause longer than this many periods resets a timer


class LeafMemory(NamedTuple):
    """`since_ms`, `paused_ms`, `lost_ms` belong to a `for` timer; `side` to a crossing; `checks` (newest last, 1 true,
    0 false, -1 unknown) to the shapes over checks.
    """

    since_ms: int | None = None
    paused_ms: int | None = None  # the last moment known to hold, while paused
    lost_ms: int = 0  # paused time, which does not count
    side: Side = ""
    checks: tuple[int, ...] = ()


NOTHING = LeafMemory()
Memory = Mapping[str, LeafMemory]


@dataclass(frozen=True, slots=True)
class Moment:
    """When an evaluation takes place: its time, the one before (None at first), and the rule's period. Milliseconds."""

    at_ms: int
    before_ms: int | None = None
    period_ms: int = 60_000


def held(memory: LeafMemory, part: Truth, moment: Moment, span_ms: int) -> tuple[LeafMemory, Truth, int]:
    """Next memory, verdict and elapsed milliseconds of `part for span`."""
    if part is False:
        return NOTHING, False, 0
    if part is None:
        waiting = _paused(memory, moment)
        return waiting, None, _elapsed(waiting, moment)
    following = _running(memory, moment)
    elapsed = _elapsed(following, moment)
    return following, elapsed >= span_ms, elapsed


def _paused(memory: LeafMemory, moment: Moment) -> LeafMemory:
    if memory.since_ms is None:
        return NOTHING
    since_pause = memory.paused_ms if memory.paused_ms is not None else moment.before_ms
    start = moment.at_ms if since_pause is None else since_pause
    if moment.at_ms - start > PAUSES * moment.period_ms:
        return NOTHING
    return memory if memory.paused_ms is not None else memory._replace(paused_ms=start)


def _running(memory: LeafMemory, moment: Moment) -> LeafMemory:
    fresh = LeafMemory(since_ms=moment.at_ms)
    if memory.since_ms is None or memory.since_ms > moment.at_ms:
        return fresh
    start = memory.paused_ms
    if start is None:
        neighbours = moment.before_ms is not None and moment.at_ms - moment.before_ms <= NEIGHBOURS * moment.period_ms
        if neighbours:
            return memory
        start = memory.since_ms if moment.before_ms is None else moment.before_ms
    pause = moment.at_ms - start
    if pause > PAUSES * moment.period_ms:
        return fresh
    return memory._replace(paused_ms=None, lost_ms=memory.lost_ms + pause)


def _elapsed(memory: LeafMemory, moment: Moment) -> int:
    if memory.since_ms is None:
        return 0
    until = moment.at_ms if memory.paused_ms is None else memory.paused_ms
    return max(0, until - memory.since_ms - memory.lost_ms)


def crossed(memory: LeafMemory, side: Side | None, direction: str) -> tuple[LeafMemory, Truth]:
    """Next memory and verdict of a crossing; `side` is "" inside the dead zone, None when unknown.

    The first known side is no crossing, and the stored side outlives unknown evaluations.
    """
    if side is None:
        return memory, None
    if side in ("", memory.side):
        return memory, False
    turned = memory.side != "" and direction in ("either", side)
    return LeafMemory(side=side), turned


def checked(memory: LeafMemory, part: Truth, least: int, count: int) -> tuple[LeafMemory, Truth]:
    """Next memory and verdict of `least of the last count checks`; checks that were never made are unknown."""
    checks = (*memory.checks, -1 if part is None else int(part))[-count:]
    answers = [None if check < 0 else bool(check) for check in checks] + [None] * (count - len(checks))
    return (memory if checks == memory.checks else LeafMemory(checks=checks)), count_at_least(answers, least)
