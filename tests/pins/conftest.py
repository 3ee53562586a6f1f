"""The pinned day, played once for all pins of a process: live and in dry-run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.pins import doors

HERE = Path(__file__).parent
BALANCES = {"JPY": "3000000", "BTC": "0.5", "ETH": "2"}
SYMBOLS = ("BTCJPY", "ETHJPY")
HOURS = 3.6  # past 03:30 in Tokyo, when three rules act in one cycle for the second time


@dataclass
class Request:
    """A request as it came to the exchange."""

    time_ms: int
    method: str
    path: str
    query: str
    body: str
    headers: dict[str, str]


@dataclass
class Played:
    """A day that was played: its folder, store, exchange, and all that the exchange heard."""

    folder: Path
    store: Path
    sim: doors.Recording
    told: list[str]
    ended_ms: int
    requests: list[Request] = field(default_factory=list)

    @property
    def names(self) -> dict[str, str]:
        """What `masked` hides."""
        return {"FOLDER": str(self.folder), "APIKEY": self.sim.accounts[0].key}


def project(folder: Path, live: bool) -> Path:
    """A copy of the day's project that only its owner can write to."""
    shutil.copytree(HERE / "day", folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if not live:
        account = folder / "autotrader.yaml"
        account.write_text(account.read_text(encoding="utf-8").replace("mode: live", "mode: dry_run"), encoding="utf-8")
    return folder


def played(folder: Path, sim: doors.Recording, *, live: bool, hours: float = HOURS) -> Played:
    """Play the day."""
    requests: list[Request] = []

    def hear(now_ms: int, method: str, path: str, query: bytes, body: bytes, headers: object) -> None:
        if not path.startswith("/simulator/"):
            requests.append(Request(now_ms, method, path, query.decode(), body.decode(), dict(headers)))  # type: ignore[call-overload]

    sim.heard = hear
    with doors.day(sim, doors.Place(folder=project(folder, live), live=live)) as day:
        day.play(hours)
        store = day.store
    sim.heard = lambda *_: None
    return Played(folder, store, sim, day.told, sim.now_ms, requests)


@pytest.fixture(scope="session")
def live_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Live, with signed requests over loopback."""
    with doors.recording(BALANCES, SYMBOLS) as sim:
        yield played(tmp_path_factory.mktemp("pins") / "live", sim, live=True)


@pytest.fixture(scope="session")
def dry_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """In dry-run: the same rules with the paper account."""
    with doors.recording(BALANCES, SYMBOLS) as sim:
        yield played(tmp_path_factory.mktemp("pins") / "dry", sim, live=False)
