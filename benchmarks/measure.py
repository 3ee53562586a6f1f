"""Timing in turn, and the table.

A time by itself says as much about the machine's mood as about the program. So every work runs in turn with its peer
(ours, peer, ours, peer ...) and what is reported first is the ratio of each pair: its median, smallest and largest.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Work = Callable[[], Any]
Times = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done. `rules` and `symbols` of the rule set, `rounds` of every pair, `calls` a round over HTTP,
    `rows` of the record that is verified, `hours` of the recorded day, `days` are played so often.
    """

    rules: int = 1000
    symbols: int = 50
    rounds: int = 15
    calls: int = 60
    rows: int = 20_000
    hours: float = 24.0
    days: int = 3


TINY = Size(rules=20, symbols=5, rounds=1, calls=2, rows=20, hours=0.2, days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Times are seconds; `note` is added as it is."""

    what: str
    against: str
    ours: Times
    peer: Times
    note: str = ""

    @property
    def ratios(self) -> Times:
        """Ours by the peer's, pair by pair."""
        return tuple(mine / theirs for mine, theirs in zip(self.ours, self.peer, strict=True))

    def line(self) -> str:
        """A line of the Markdown table."""
        found = self.ratios
        spread = f"{_number(min(found))}–{_number(max(found))}"
        cells = [self.what, self.against, f"**{_number(median(found))}** ({spread})"]
        return "| " + " | ".join([*cells, _time(median(self.ours)), _time(median(self.peer)), self.note]) + " |"


HEAD = (
    "| measured | against | ratio: median (min–max) | ours, median | the other, median | beside |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


def in_turn(
    rounds: int,
    *works: Work,
    before: Work = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
    times_each: int = 1,
) -> tuple[Times, ...]:
    """The time of each work, in turn, after one round that does not count. `before` is called ahead of each, untimed.

    Wall time, unless another `clock` is given: work that only computes is measured by `time.process_time`, which other
    programs disturb less. Each work is done `times_each` times a round, and the time of one is returned. What the
    garbage collector would do at a time of its own choosing is done between the works.
    """
    times: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, found in zip(works, times, strict=True):
            before()
            gc.collect()
            began = clock()
            for _ in range(times_each):
                work()
            took = (clock() - began) / times_each
            if number:
                found.append(took)
    return tuple(tuple(found) for found in times)


def process_seconds(arguments: Sequence[str], code: int = 0) -> float:
    """User and system time of one run of this Python with these arguments; its output is thrown away."""
    argv = [sys.executable, *arguments]
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode} instead of {code}")
    return usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    """The caller's, with compiled modules kept, as on every start after the first."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def processes_in_turn(rounds: int, *commands: tuple[Sequence[str], int]) -> tuple[Times, ...]:
    """Process time of commands (arguments, expected exit code), in turn, after one round that does not count."""
    times: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for (arguments, code), found in zip(commands, times, strict=True):
            took = process_seconds(arguments, code)
            if number:
                found.append(took)
    return tuple(tuple(found) for found in times)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{_number(seconds * factor)} {unit}"
    return f"{seconds * 1e6:.0f} µs"
