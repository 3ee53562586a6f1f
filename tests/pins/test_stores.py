"""Stores that 890db90 wrote open, verify, tell what they told, and go on with the orders that it would have placed.

See `stores/make.py` for what is under way in them when they end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.pins import doors
from tests.pins.conftest import Request
from tests.pins.golden import assert_golden, masked
from tests.pins.stores import make
from tests.pins.stores_seen import dumped, proved
from tests.pins.test_commands import heard, without_settings

LOOK = """
audit verify S
audit replay S
status S
orders --all S
trades S
why timer S
why waits S
why quiet S
why lost_after S
why each S
why side --symbol ETHJPY S
audit show --limit 60 S
"""


@dataclass
class Old:
    """A store as it was left, and the exchange as it was at that moment."""

    name: str
    folder: Path
    sim: doors.Recording
    requests: list[Request] = field(default_factory=list)
    ended_ms: int = make.ENDED_MS

    @property
    def live(self) -> bool:
        """Which of the two it is."""
        return make.KINDS[self.name]

    @property
    def names(self) -> dict[str, str]:
        """What `masked` hides."""
        return {"FOLDER": str(self.folder), "APIKEY": self.sim.accounts[0].key}

    @property
    def store(self) -> Path:
        """The folder of its records."""
        (found,) = (self.folder / "state").glob("*/records.db")
        return found.parent


@pytest.fixture(params=sorted(make.KINDS))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """One of them, unpacked; the exchange has heard what it heard then."""
    folder = tmp_path / request.param
    make.unpack(request.param, folder)
    with make.exchange(live=make.KINDS[request.param], faults=False) as sim:
        for time_ms, method, path, query in json.loads((folder / "exchange.json").read_text(encoding="utf-8")):
            sim.exchange.advance_to(time_ms * 1000)
            assert doors.ask_exchange(sim, method, path, query) == 200
        sim.exchange.advance_to(make.ENDED_MS * 1000)
        yield Old(request.param, folder, sim)


def test_an_old_store_is_whole(old: Old) -> None:
    """Its chain is computed over again here, without the program."""
    assert proved(old.store) > 50


def test_commands_say_of_an_old_store_what_they_said_then(
    old: Old, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verify, replay, status, orders, trades, why and acts: read from the old rows."""
    without_settings(monkeypatch)
    lines = [text for line in LOOK.strip().split("\n") for text in heard(line, old, old.folder, capsys)]
    assert_golden(f"old_{old.name}_commands.txt.gz", lines)


def test_an_old_store_goes_on_with_the_same_orders(old: Old) -> None:
    """For an hour and a quarter: timers end, what was blocked fires, unknown fates are resolved; every request and
    every row is what the code that wrote the store would have sent and written.
    """

    def hear(now_ms: int, method: str, path: str, query: bytes, body: bytes, headers: object) -> None:
        del headers
        if not path.startswith("/simulator/"):
            old.requests.append(Request(now_ms, method, path, query.decode(), body.decode(), {}))

    old.sim.heard = hear
    day = doors.opened(old.sim, make.placed(old.folder, old.live))
    try:
        assert day.start()
        day.play_until(make.BEGAN_MS + 105 * 60_000)
    finally:
        day.close()
    lines = [
        masked(f"{one.time_ms} {one.method} {one.path} {one.query}|{one.body}", **old.names) for one in old.requests
    ]
    assert_golden(f"old_{old.name}_requests.txt.gz", lines)
    rows = [masked(line, **old.names) for line in dumped(old.store)]
    assert_golden(f"old_{old.name}_store.txt.gz", [line for line in rows if not line.startswith("evalua")])
    proved(old.store)
    assert doors.command(["audit", "verify", "--state", str(old.folder / "state")]) == 0
