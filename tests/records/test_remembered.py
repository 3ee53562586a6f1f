"""Values that are remembered between writes are the ones that stand in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autotrader.prove.orders import play
from autotrader.prove.schedule import Schedule
from autotrader.records.database import Database, open_database, schema_of_ours, tables_of
from autotrader.records.migrate import migrate


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A new database of ours."""
    found = open_database(tmp_path / "records.db")
    migrate(found, 1)
    yield found
    found.close()


def _errors(db: Database) -> int:
    """How many errors are in the table."""
    row = db.row("SELECT count(*) AS n FROM errors")
    assert row is not None
    return int(row["n"])


def _named(connection: sqlite3.Connection, sql: str) -> set[str]:
    """The tables that SQLite itself names for a statement."""
    seen: set[str] = set()

    def allowed(action: int, table: str | None, *_: object) -> int:
        if action in {sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}:
            seen.add(str(table))
        return sqlite3.SQLITE_OK

    connection.set_authorizer(allowed)
    connection.execute(f"EXPLAIN {sql}", (None,) * sql.count("?"))
    connection.set_authorizer(None)
    return seen - {"sqlite_master"}


def test_the_tables_of_each_statement_are_those_that_sqlite_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a play of the whole product every statement is known to touch what SQLite says it touches, or more."""
    statements: set[str] = set()
    run = Database._run

    def noted(self: Database, sql: str, *more: object) -> sqlite3.Cursor:
        statements.add(sql)
        return run(self, sql, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "_run", noted)
    for seed in (4, 5, 6):
        play(Schedule.drawn(seed))
    with closing(sqlite3.connect(":memory:")) as connection:
        for name, definition in schema_of_ours().items():
            if not name.startswith("sqlite_"):
                connection.execute(definition.partition(": ")[2])
        asked = {sql for sql in statements if sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}}
        assert len(asked) > 40
        wrong = {sql: _named(connection, sql) for sql in asked if not _named(connection, sql) <= tables_of(sql)}
    assert not wrong


def test_a_value_is_read_again_after_its_table_was_written(db: Database) -> None:
    """A write to the table makes it new; a write to another table does not."""
    reads = []

    def count() -> int:
        reads.append(1)
        return _errors(db)

    assert db.remembered(("errors",), count) == 0
    with db.transaction():
        db.write("INSERT INTO counters VALUES (?, 0)", ("cycle",))
    assert (db.remembered(("errors",), count), len(reads)) == (0, 1)
    with db.transaction():
        db.write("INSERT INTO errors (time_ms, what) VALUES (?, ?)", (1, "x"))
    assert (db.remembered(("errors",), count), len(reads)) == (1, 2)


def test_a_value_made_of_remembered_values_is_read_again_with_them(db: Database) -> None:
    """What a remembered value was made of counts for it too, also where the inner one was known already."""

    def outer() -> int:
        return db.remembered(("inner",), lambda: _errors(db)) + 100

    assert db.remembered(("inner",), lambda: _errors(db)) == 0
    assert db.remembered(("outer",), outer) == 100
    with db.transaction():
        db.write("INSERT INTO errors (time_ms, what) VALUES (?, ?)", (1, "x"))
    assert db.remembered(("outer",), outer) == 101


def test_what_was_rolled_back_is_forgotten(db: Database) -> None:
    """A value that was read inside a transaction which failed is read again."""

    def fails() -> None:
        with db.transaction():
            db.write("INSERT INTO errors (time_ms, what) VALUES (?, ?)", (1, "x"))
            assert db.remembered(("errors",), lambda: _errors(db)) == 1
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert db.remembered(("errors",), lambda: _errors(db)) == 0


def test_a_transaction_that_writes_nothing_leaves_the_file_alone(db: Database) -> None:
    """Another connection may write while an empty transaction is open: it took no lock."""
    with db.transaction():
        db.row("SELECT count(*) AS n FROM errors")
        with closing(sqlite3.connect(db.path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
