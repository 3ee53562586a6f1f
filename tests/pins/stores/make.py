"""Writes the old stores, with the code of the checkout that it is run in.

    python -m tests.pins.stores.make       in a worktree of the commit whose stores are to be kept

Those that are kept were written by 890db90. They are never written anew: a store that was written by that code must
open, verify and go on for ever. A store is packed with its project and with the requests by which the exchange came to
hold its orders, so that a test can bring an exchange to that moment without any trading code.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import parse_qs

from tests.pins import doors

HERE = Path(__file__).parent
BALANCES = {"JPY": "3000000", "BTC": "0.5", "ETH": "2"}
SYMBOLS = ("BTCJPY", "ETHJPY")
WORLD = "simulator:pins"
BEGAN_MS = 1_516_806_000_000  # 25 January 2018, 00:00 in Tokyo
ENDED_MS = BEGAN_MS + 31 * 60_000 + 500  # half a second after the orders of 00:31
# Of the two orders in ETH at 00:31 one reaches the exchange and its reply is lost, the other is lost on its way.
FAULTS = {
    "server_error": [
        {"call": "POST order", "where": {"symbol": "ETHJPY", "side": "BUY"}, "executed": True},
        {"call": "POST order", "where": {"symbol": "ETHJPY", "side": "SELL"}, "after": 1_800, "executed": False},
    ]
}
KINDS = {"live": True, "dry": False}


def project(folder: Path, *, live: bool) -> Path:
    """The project, as only its owner can change it."""
    shutil.copytree(HERE / "project", folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if not live:
        account = folder / "autotrader.yaml"
        account.write_text(account.read_text(encoding="utf-8").replace("mode: live", "mode: dry_run"), encoding="utf-8")
    return folder


def unpack(name: str, folder: Path) -> None:
    """A kept store with its project, below this folder."""
    with tarfile.open(HERE / f"{name}.tar.xz") as packed:
        # an attribute, for the argument is unknown to Python 3.11.2 (Debian), which then unpacks as it always did
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(folder)  # noqa: S202 - our own archives


def exchange(*, live: bool, faults: bool) -> doors.Recording:
    """The exchange of these stores; with the faults of the half hour in which they were written, or without."""
    return doors.recording(BALANCES, SYMBOLS, FAULTS if live and faults else None)


def placed(folder: Path, live: bool) -> doors.Place:
    """Where a store is opened."""
    return doors.Place(folder=folder, live=live, world=WORLD)


def written(folder: Path, *, live: bool) -> Path:
    """Play the half hour: the live store ends as a process dies, the dry one is closed."""
    requests: list[tuple[int, str, str, str]] = []

    def hear(now_ms: int, method: str, path: str, query: bytes, body: bytes, headers: object) -> None:
        if method != "GET" and path.startswith("/api/"):
            said = (query + body).decode()
            requests.append((now_ms, method, path, said.rpartition("&signature=")[0] or said))

    with exchange(live=live, faults=True) as sim:
        sim.heard = hear
        day = doors.opened(sim, placed(project(folder, live=live), live))
        assert day.start()
        day.play_until(ENDED_MS)
        known = {str(order["clientOrderId"]) for order in sim.orders()}
        store = day.store
        if live:
            day.abandon()
        else:
            day.close()
    arrived = [one for one in requests if one[1] == "DELETE" or parse_qs(one[3])["newClientOrderId"][0] in known]
    (folder / "exchange.json").write_text(json.dumps(arrived, indent=0), encoding="utf-8")
    return store


def pack(folder: Path, target: Path) -> None:
    """The folder as one file, without locks and without what SQLite makes anew."""
    with tarfile.open(target, "w:xz", preset=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "lock" and not path.name.endswith("-shm"):
                entry = tarfile.TarInfo(str(path.relative_to(folder)))
                content = path.read_bytes()
                entry.size, entry.mode = len(content), 0o600
                packed.addfile(entry, io.BytesIO(content))


def main() -> None:
    """Write both."""
    for name, live in KINDS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / name
            written(folder, live=live)
            pack(folder, HERE / f"{name}.tar.xz")


if __name__ == "__main__":
    main()
