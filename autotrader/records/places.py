"""Where a store lives, and who may write to it.

One store per (mode, base URL, key fingerprint): dry-run, the simulator and the exchange never share one, nor do two
accounts. The folder's name shows the first two and ends in a hash of all three.

<state>/<mode>-<host>-<8 hex>/
    records.db      chain, evaluations, orders, states (SQLite, WAL)
    heads.jsonl     checkpoints of the chain, outside the database
    inbox.db        what other processes ask of the service
    lock            flock of the one writer; holds its process id
    HALT            the halt file: present = nothing is placed, whatever the database says
"""

from __future__ import annotations

import fcntl
import os
import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from autotrader.errors import ConfigError, SafetyRefused
from autotrader.structs import dataclass

DATABASE = "records.db"
HEADS = "heads.jsonl"
INBOX = "inbox.db"
LOCK = "lock"
HALT_FILE = "HALT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The world a store belongs to. `fingerprint` names the key without showing it; "" where there is no key."""

    mode: str  # "live" | "dry-run" | ...
    base_url: str
    fingerprint: str = ""

    def folder_name(self) -> str:
        """Readable start, exact end: `live-api.binance.com-1f0c93ab`."""
        url = self.base_url.rstrip("/").lower()
        digest = sha256(f"{self.mode}\n{url}\n{self.fingerprint}".encode()).hexdigest()[:8]
        split = urlsplit(url)
        host = re.sub(r"[^a-z0-9.-]+", "-", split.netloc or url) or "none"
        return f"{self.mode}-{host[:60]}-{digest}"


def store_dir(state: Path, identity: Identity) -> Path:
    """The folder of the store of this world below the state folder. It need not exist."""
    return state / identity.folder_name()


def stores_in(state: Path) -> tuple[Path, ...]:
    """Folders below (or at) `state` that hold a store, sorted by name."""
    if (state / DATABASE).is_file():
        return (state,)
    if not state.is_dir():
        return ()
    return tuple(sorted(path.parent for path in state.glob(f"*/{DATABASE}")))


class WriterLock:
    """The right to write to one store, held until closed or until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take it. Raises SafetyRefused with the holder's process id, ConfigError where the file cannot be made."""
        path = folder / LOCK
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise ConfigError(f"the lock file {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _read_pid(self._fd)
            os.close(self._fd)
            raise SafetyRefused(
                f"another autotrader process ({holder}) writes to the store {folder.name}",
                hint="a store has one writer; stop that process, or let it do the work (its inbox takes commands)",
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Give it back. Closing twice does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def writer_pid(folder: Path) -> int | None:
    """The process that writes to the store now, None where nobody does. Asks the lock, not the file's text."""
    try:
        fd = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = _read_pid(fd).removeprefix("pid ")
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return None


def _read_pid(fd: int) -> str:
    text = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
    return f"pid {text}" if text.isdigit() else "pid unknown"
