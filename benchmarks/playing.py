"""A recorded day in stepped time, live at the simulator over HTTP, against its bare HTTP exchanges alone.

The day is that of the road's tests: five rules, orders that rest, fill in parts, are cancelled. Simulator and service
are one process with one interpreter lock, as in the demo; so the bound is the same number of bare exchanges with a
simulator in the same process. The split is measured by timing the doors between the parts; what the doors' own timing
costs is in it.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from autotrader.exchanges.transport import Transport
from autotrader.records.database import Database
from autotrader.records.heads import HeadsFile
from autotrader.simulator import Simulator
from autotrader.trading import cycle
from benchmarks.measure import Row, Size
from tests.road.day import RULES
from tests.worlds.project import opened, played, simulator

DOORS: dict[str, tuple[tuple[Any, str], ...]] = {
    "http": ((Transport, "send"),),
    "simulator": ((Simulator, "_handle"),),
    "records": ((Database, "_run"), (HeadsFile, "append")),
    "engine": tuple((cycle, name) for name in ("due", "needs_of_due", "decided", "next_due_ms")),
}
Spent = dict[str, list[float]]


def rows(size: Size) -> list[Row]:
    """The day, and where its time went (medians of the days)."""
    days = [_day(size.hours) for _ in range(size.days)]
    walls, bounds = tuple(day["wall"] for day in days), tuple(day["bare"] for day in days)
    cycles, exchanges = days[0]["cycles"], days[0]["exchanges"]
    rate = median(cycles / wall for wall in walls)
    shares = {name: median(day[name] / day["wall"] for day in days) for name in ("simulator", "records", "engine")}
    shares["client HTTP"] = median((day["http"] - day["simulator"]) / day["wall"] for day in days)
    shares["the rest"] = 1 - sum(shares.values())
    split = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda item: -item[1]))
    what = f"{size.hours:g} recorded hours, live, in stepped time ({cycles:,.0f} decided cycles)"
    note = f"{rate:.0f} cycles a second; {split}"
    return [Row(what, f"its {exchanges:,.0f} HTTP exchanges by bare `http.client`", walls, bounds, note)]


def _day(hours: float) -> dict[str, float]:
    spent: Spent = {}
    with TemporaryDirectory() as folder, _timed(spent), simulator() as sim:
        with opened(Path(folder), sim, RULES, live=True) as world:
            spent.clear()
            began = time.perf_counter()
            runner = played(world, hours)
            wall = time.perf_counter() - began
            found = {name: sum(spent.get(name, ())) for name in DOORS}
            exchanges = len(spent["http"])
        began = time.perf_counter()
        _bare(sim.url, exchanges)
        bare = time.perf_counter() - began
    return {**found, "wall": wall, "bare": bare, "cycles": runner.cycles, "exchanges": exchanges}


def _bare(url: str, count: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for _ in range(count):
        connection.request("GET", "/api/v3/ping")
        connection.getresponse().read()
    connection.close()


@contextmanager
def _timed(spent: Spent) -> Iterator[None]:
    """Time every call through the doors."""
    with ExitStack() as stack:
        for part, doors in DOORS.items():
            for owner, name in doors:
                stack.enter_context(mock.patch.object(owner, name, _door(getattr(owner, name), part, spent)))
        yield


def _door(function: Callable[..., Any], part: str, spent: Spent) -> Callable[..., Any]:
    @wraps(function)
    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent.setdefault(part, []).append(time.perf_counter() - began)

    return timed
