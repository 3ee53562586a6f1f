"""SQLite, opened so that it can be trusted: WAL, synchronous FULL, one writer, our file and no other.

Whatever SQLite raises becomes RecordsBroken with what to do, because "the row could not be written" always means the
same to the caller: the order that needed it must not leave.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from autotrader.errors import RecordsBroken
from autotrader.records import schema
from autotrader.records.schema import APPLICATION_ID, CHECKED, Step

Value = str | int | bytes | None
_Read = TypeVar("_Read")

# What sqlite3 raises: its own errors, and where a damaged file's message or text is not UTF-8, that.
FAILURES = (sqlite3.Error, UnicodeError)
_OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)")


@lru_cache(maxsize=512)
def tables_of(sql: str) -> frozenset[str]:
    """The tables that a statement of ours reads or changes; there are no views."""
    return frozenset(_TABLE.findall(sql))


class Database:
    """One connection. Writes are only possible inside `transaction()`; a transaction inside one joins it."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
        self._connection = connection
        self._depth = 0
        self._doomed = False
        self._remembered: dict[tuple[object, ...], tuple[Any, frozenset[str]]] = {}
        self._reading: list[set[str]] = []  # the tables that each `remembered` under way has read so far
        self.path = path
        self.read_only = read_only

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open now."""
        return self._depth > 0

    @property
    def written(self) -> int:
        """How many rows were ever changed through this connection; it never falls."""
        return self._connection.total_changes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises RecordsBroken where it could not be made durable; then nothing was written.

        It begins in the file with the first write: most ticks have nothing to say. Nobody else writes meanwhile.
        """
        if self._depth:
            yield from self._joined()
            return
        self._depth, self._doomed = 1, False
        try:
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0

    def _commit(self) -> None:
        if self._doomed:
            raise RuntimeError("an inner transaction failed; the outer one cannot commit")
        if self._connection.in_transaction:
            self._run("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read several tables as they were at one moment, while another process may write."""
        if self._depth:
            yield
            return
        self._run("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def _joined(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        except BaseException:
            self._doomed = True
            raise
        finally:
            self._depth -= 1

    def _roll_back(self) -> None:
        self._remembered.clear()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except FAILURES as error:
            raise broken(self.path, error) from error

    def write(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Change rows; returns how many. Raises RecordsBroken; sqlite3.IntegrityError stays what it is."""
        if not self._depth:
            raise RuntimeError("records are written inside store.transaction()")
        if not self._connection.in_transaction:
            self._run("BEGIN IMMEDIATE")
        changed = tables_of(sql)
        for key in [key for key, (_, read) in self._remembered.items() if not changed.isdisjoint(read)]:
            del self._remembered[key]
        return self._run(sql, values).rowcount

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[sqlite3.Row]:
        """Read rows."""
        try:
            return self._run(sql, values).fetchall()
        except FAILURES as error:
            raise broken(self.path, error) from error

    def row(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Row | None:
        """Read the first row, if any."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def remembered(self, key: tuple[object, ...], read: Callable[[], _Read]) -> _Read:
        """What `read` gives, read again only after a table that it read was written, or something was rolled back.

        For values that nobody changes. It is true because a store has one writer, this connection; one that only
        reads remembers nothing, since another process writes there.
        """
        if self.read_only:
            return read()
        if key not in self._remembered:
            self._reading.append(set())
            try:
                value = read()
            finally:
                tables = frozenset(self._reading.pop())
            self._remembered[key] = value, tables
        found, tables = self._remembered[key]
        if self._reading:
            self._reading[-1] |= tables
        known: _Read = found
        return known

    def each(self, sql: str, values: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """Read rows one by one, as plain tuples: for verification and export of long tables."""
        if self._reading:
            self._reading[-1] |= tables_of(sql)
        cursor = self._connection.cursor()
        cursor.row_factory = None
        try:
            yield from cursor.execute(sql, values)
        except FAILURES as error:
            raise broken(self.path, error) from error
        finally:
            cursor.close()

    def _run(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        if self._reading:
            self._reading[-1] |= tables_of(sql)
        try:
            return self._connection.execute(sql, values)
        except sqlite3.IntegrityError:
            raise
        except FAILURES as error:
            raise broken(self.path, error) from error

    def schema(self) -> dict[str, str]:
        """The definition of each table, index, trigger and view, by name."""
        return _schema(self._connection)

    def take(self, step: Step) -> None:
        """Take a step of a migration inside the open transaction."""
        if callable(step):
            step(self)
            return
        for statement in _statements(step):
            self.write(statement)

    def version(self) -> int:
        """How many migrations it has seen, 0 for an empty file."""
        found = self.row("PRAGMA user_version")
        return 0 if found is None else int(found[0])

    def check(self) -> None:
        """Look through the pages of the tables that decide about money. Raises RecordsBroken."""
        for table in CHECKED:
            for (verdict,) in self.rows(f"PRAGMA integrity_check({table})"):
                if verdict != "ok":
                    raise RecordsBroken(
                        f"the records in {self.path} are damaged: {table}: {verdict}",
                        hint="stop, keep a copy of the folder, and restore the last backup",
                    )

    def back_up(self, target: Path) -> None:
        """Copy the whole database, consistently, to `target`. Raises RecordsBroken."""
        try:
            with closing(sqlite3.connect(target)) as copy:
                self._connection.backup(copy)
        except FAILURES as error:
            raise broken(target, error) from error

    def close(self) -> None:
        """Close it; the WAL is folded back into the file."""
        self._connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit what was begun."""
    rest = ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            yield rest
            rest = ""
    if rest.strip():
        yield rest


def schema_of_ours() -> dict[str, str]:
    """What `Database.schema` gives for a database that this program made."""
    return _schema_of(schema.MIGRATIONS)


@lru_cache(maxsize=2)
def _schema_of(steps: tuple[Step, ...]) -> dict[str, str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        fresh = Database(connection, Path(":memory:"), read_only=False)
        with fresh.transaction():
            for step in steps:
                fresh.take(step)
        return fresh.schema()


def _schema(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, tbl_name, type, coalesce(sql, '') FROM sqlite_schema").fetchall()
    return {str(name): f"{kind} of {table}: {sql}" for name, table, kind, sql in rows}


def broken(path: Path, error: sqlite3.Error | UnicodeError) -> RecordsBroken:
    """Say what SQLite's error means for the user."""
    text = str(error)
    if "full" in text:
        hint = "free some disk space; no order leaves without its row"
    elif "locked" in text or "busy" in text:
        hint = "another program holds this database open for writing; close it"
    elif "readonly" in text or "unable to open" in text:
        hint = "check the owner and mode of the file and of its folder"
    else:
        hint = "stop, keep a copy of the folder, and restore the last backup; look at the exchange what is open"
    return RecordsBroken(f"the records in {path} cannot be used: {text}", hint=hint)


def open_database(path: Path, *, read_only: bool = False) -> Database:
    """Open our database; a writer brings it up to date then (`migrate`).

    Raises RecordsBroken for a foreign, damaged or newer file, and where SQLite itself is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise RecordsBroken(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed")
    if read_only and not path.is_file():
        raise RecordsBroken(f"there are no records at {path}", hint="check --state; `autotrader run` makes the store")
    target = f"{path.absolute().as_uri()}?mode=ro" if read_only else path.absolute().as_uri()
    try:
        connection = sqlite3.connect(target, uri=True, isolation_level=None, timeout=5)
    except FAILURES as error:
        raise broken(path, error) from error
    try:
        return _prepared(connection, path, read_only=read_only)
    except BaseException:
        connection.close()
        raise


def _prepared(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> Database:
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        version = _recognise(connection, path)
        if read_only:
            newest = len(schema.MIGRATIONS)
            if version < newest:
                raise RecordsBroken(
                    f"the records in {path} are of an older version ({version}, this program reads {newest})",
                    hint="start `autotrader run` once: it makes a backup and brings them up to date",
                )
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 1000")
            connection.execute("PRAGMA cache_size = -512")  # KiB; the default of 2,000 fills over weeks
    except FAILURES as error:
        raise broken(path, error) from error
    return Database(connection, path, read_only=read_only)


def _recognise(connection: sqlite3.Connection, path: Path) -> int:
    """The version of our file, 0 for an empty one. Raises RecordsBroken for anything else."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (tables or version or application):
        raise RecordsBroken(
            f"{path} is a database of another program", hint="give another folder with --state; nothing was changed"
        )
    newest = len(schema.MIGRATIONS)
    if version > newest:
        raise RecordsBroken(
            f"the records in {path} were written by a newer autotrader (version {version}, this one knows {newest})",
            hint="use the newer program, or restore the backup that it made before it migrated",
        )
    return version
