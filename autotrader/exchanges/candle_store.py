"""Closed candles kept on disk, so that a start needs only what closed since.

One row a candle, packed into 56 bytes (time and six doubles, little-endian): a series is read back by joining rows and
looking at the bytes as one numpy array. Floats are stored as they are, bit for bit. The file is a cache: it may be
deleted at any time, and a broken one is thrown away and made anew.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Bars = NDArray[np.void]

FIELDS: Final = ("open_ms", "open", "high", "low", "close", "volume", "turnover")
_TYPES: Final = [("open_ms", "<i8"), *((name, "<f8") for name in FIELDS[1:])]
_VERSION: Final = 1
_SCHEMA: Final = """
DROP TABLE IF EXISTS series;
DROP TABLE IF EXISTS bar;
CREATE TABLE series (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, symbol TEXT NOT NULL, timeframe TEXT NOT NULL,
                     from_birth INTEGER NOT NULL DEFAULT 0, UNIQUE (origin, symbol, timeframe));
CREATE TABLE bar (series INTEGER NOT NULL, open_ms INTEGER NOT NULL, packed BLOB NOT NULL,
                  PRIMARY KEY (series, open_ms)) WITHOUT ROWID;
"""


class SeriesKey(NamedTuple):
    """Which candles: of which host, symbol and timeframe."""

    origin: str
    symbol: str
    timeframe: str


class CandleStore(Protocol):
    """Keeps closed candles. A series in it has no holes but those of the venue."""

    def load(self, key: SeriesKey, last: int) -> tuple[Bars, bool]:
        """The last so many candles, oldest first, and whether the first of them is the symbol's first ever."""

    def add(self, key: SeriesKey, bars: Bars, *, from_birth: bool = False) -> None:
        """Add candles before or after those that are there."""

    def forget(self, key: SeriesKey) -> None:
        """Drop a series."""

    def close(self) -> None:
        """End."""


def empty_bars(count: int = 0) -> Bars:
    """An array for so many candles, all zero."""
    return np.zeros(count, dtype=_TYPES)


def bars_of(rows: list[tuple[Any, ...]]) -> Bars:
    """An array of candles from rows in the order of `FIELDS`."""
    return np.array(rows, dtype=_TYPES)


class SqliteCandleStore:
    """Candles in one SQLite file (or ":memory:"). Thread-safe."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._database = self._open()
        self._ids: dict[SeriesKey, int] = {}

    def load(self, key: SeriesKey, last: int) -> tuple[Bars, bool]:
        """The last so many candles, oldest first, and whether the first of them is the symbol's first ever."""

        with self._lock, self._database:
            series = self._id(key)
            query = "SELECT packed FROM bar WHERE series = ? ORDER BY open_ms DESC LIMIT ?"
            packed = [row[0] for row in self._database.execute(query, (series, last + 1))]
            row = self._database.execute("SELECT from_birth FROM series WHERE id = ?", (series,)).fetchone()
        whole = len(packed) <= last
        joined = b"".join(reversed(packed[:last]))
        return np.frombuffer(joined, dtype=_TYPES), bool(row[0]) and whole

    def add(self, key: SeriesKey, bars: Bars, *, from_birth: bool = False) -> None:
        """Add candles before or after those that are there."""
        with self._lock, self._database:
            series = self._id(key)
            self._database.executemany(
                "INSERT OR REPLACE INTO bar VALUES (?, ?, ?)",
                [(series, int(bar["open_ms"]), bar.tobytes()) for bar in bars],
            )
            if from_birth:
                self._database.execute("UPDATE series SET from_birth = 1 WHERE id = ?", (series,))

    def forget(self, key: SeriesKey) -> None:
        """Drop a series."""
        with self._lock, self._database:
            series = self._id(key)
            self._database.execute("DELETE FROM bar WHERE series = ?", (series,))
            self._database.execute("UPDATE series SET from_birth = 0 WHERE id = ?", (series,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _id(self, key: SeriesKey) -> int:
        if key not in self._ids:
            self._database.execute("INSERT OR IGNORE INTO series (origin, symbol, timeframe) VALUES (?, ?, ?)", key)
            query = "SELECT id FROM series WHERE origin = ? AND symbol = ? AND timeframe = ?"
            self._ids[key] = int(self._database.execute(query, key).fetchone()[0])
        return self._ids[key]

    def _open(self) -> sqlite3.Connection:
        if isinstance(self._path, Path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._prepared()
        except sqlite3.OperationalError:
            raise  # locked by another process, no room, no permission: not broken
        except sqlite3.DatabaseError:
            if not isinstance(self._path, Path):
                raise
            for end in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{self._path}{end}").unlink()
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, check_same_thread=False, isolation_level="IMMEDIATE", timeout=10)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA cache_size = -512")  # KiB; what is asked for often is kept by the feed itself
            if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        except BaseException:
            database.close()
            raise
        return database
