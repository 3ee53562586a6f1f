"""What other processes ask of the running service: a small file of its own, so that they need not wait for its lock.

Any process appends a command; the service reads every second and before each POST, carries each out once, and answers
in the same row. That it is carried out once is the store's doing: the number of the last entry done stands in the
store (`settings: inbox_done`), written before or with its effect, so a crash between effect and answer repeats neither.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrader.errors import RecordsBroken
from autotrader.records.canon import canonical
from autotrader.records.database import broken
from autotrader.structs import dataclass

_APPLICATION_ID = 0x41544249  # "ATBI"
_TABLE = """
CREATE TABLE IF NOT EXISTS inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, command TEXT NOT NULL, arguments TEXT NOT NULL,
    answer TEXT) STRICT
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One command. `answer` is None until the service has carried it out; `problem` says why it cannot be read."""

    id: int
    time_ms: int
    command: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any] | None
    problem: str = ""


class Inbox:
    """Opened by whoever has something to ask, and by the service."""

    def __init__(self, path: Path) -> None:
        """Open, creating it where needed. Raises RecordsBroken."""
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=5)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if application != _APPLICATION_ID and tables:
                raise RecordsBroken(f"{path} is a database of another program", hint="move it away")
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._db.execute(_TABLE)
        except sqlite3.Error as error:
            raise broken(path, error) from error

    def append(self, time_ms: int, command: str, arguments: Mapping[str, object]) -> int:
        """Ask for something; returns the entry's number."""
        sql = "INSERT INTO inbox (time_ms, command, arguments) VALUES (?, ?, ?)"
        return int(self._run(sql, (time_ms, command, canonical(arguments))).lastrowid or 0)

    def after(self, done: int) -> tuple[InboxEntry, ...]:
        """Entries newer than `done` (the store's `inbox_done`), oldest first."""
        rows = self._run("SELECT * FROM inbox WHERE id > ? ORDER BY id", (done,)).fetchall()
        return tuple(_entry(row) for row in rows)

    def answer(self, number: int, answer: Mapping[str, object]) -> None:
        """Tell the asker what came of it."""
        self._run("UPDATE inbox SET answer = ? WHERE id = ?", (canonical(answer), number))

    def get(self, number: int) -> InboxEntry | None:
        """One entry: the asker polls it for the answer."""
        row = self._run("SELECT * FROM inbox WHERE id = ?", (number,)).fetchone()
        return None if row is None else _entry(row)

    def last(self) -> int:
        """Number of the newest entry, 0 for none."""
        return int(self._run("SELECT coalesce(max(id), 0) FROM inbox", ()).fetchone()[0])

    def _run(self, sql: str, values: tuple[str | int, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.Error as error:
            raise broken(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _entry(row: sqlite3.Row) -> InboxEntry:
    arguments, problem = _mapping(row["arguments"])
    answer, _ = _mapping(row["answer"]) if row["answer"] is not None else (None, "")
    return InboxEntry(
        id=row["id"],
        time_ms=row["time_ms"],
        command=row["command"],
        arguments=arguments,
        answer=answer,
        problem=problem,
    )


def _mapping(text: str) -> tuple[Mapping[str, Any], str]:
    """A JSON object, or none and why: other programs can write to the file, and none of them may stop the service."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}, "its arguments are no JSON"
    return (found, "") if isinstance(found, dict) else ({}, "its arguments are no JSON object")


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")
