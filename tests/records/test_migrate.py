"""A store of an older version is brought up to date whole, and a kill at any moment costs nothing but time."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autotrader.engine.state import StateKey
from autotrader.errors import RecordsBroken
from autotrader.records import schema
from autotrader.records.crash import MIGRATION_POINTS, VARIABLE, listening
from autotrader.records.places import Identity
from autotrader.records.store import Store
from tests.pins.stores import make
from tests.worlds.desk import open_store

REPO = Path(__file__).resolve().parents[2]
NOW_MS = 1_516_900_000_000
POINTS = ("backup_unfinished", "backup_kept", "step_taken:1", "step_taken:2", "migrated")


def renamed(db: schema.Rows) -> None:
    """A step that must understand rows: a rule gets another name, and its states another form."""
    for rule, symbol, order, body in db.rows("SELECT * FROM states"):
        form = {**json.loads(body), "alerted": True}
        db.write("DELETE FROM states WHERE rule = ? AND symbol = ? AND order_id = ?", (rule, symbol, order))
        db.write("INSERT INTO states VALUES (?, ?, ?, ?)", (rule.upper(), symbol, order, json.dumps(form)))


NOTES = """
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE INDEX notes_by_text ON notes (text);
"""
STEPS = (NOTES, renamed)


@pytest.fixture(params=["live", "dry"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store of the first version: one that was left by a process that died, one that was closed."""
    make.unpack(request.param, tmp_path)
    (found,) = (tmp_path / "state").glob("*/records.db")
    return found.parent


@pytest.fixture
def _newer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *STEPS))


def opened(folder: Path) -> Store:
    """As the service opens it."""
    meta = {str(key): str(value) for key, value in rows(folder / "records.db", "SELECT key, value FROM meta")}
    world = Identity(mode=meta["mode"], base_url=meta["base_url"], fingerprint=meta["fingerprint"])
    return Store.open(folder, world, now_ms=NOW_MS)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What a stranger sees."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


CHILD = """
import sys; from pathlib import Path
from autotrader.records import schema
from autotrader.records.places import Identity
from autotrader.records.places import Identity
from autotrader.records.store import Store
from tests.worlds.desk import open_store
from tests.records.test_migrate import STEPS, NOW_MS
schema.MIGRATIONS = (*schema.MIGRATIONS, *STEPS)
mode, url, key = sys.argv[2:]
Store.open(Path(sys.argv[1]), Identity(mode=mode, base_url=url, fingerprint=key), now_ms=NOW_MS)
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_step_leaves_the_old_store_or_the_new_one(
    folder: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real SIGKILLs: before the commit no row has changed, behind it all have; the next start ends in the same place:
    a whole backup, every act as it was, one act that tells of it.
    """
    path = folder / "records.db"
    chain, states = rows(path, "SELECT * FROM chain"), rows(path, "SELECT * FROM states")
    with Store.read(folder) as store:
        world = store.identity
    words = [str(folder), world.mode, world.base_url, world.fingerprint]
    environment = {**os.environ, VARIABLE: point, "PYTHONPATH": str(REPO)}
    child = subprocess.run([sys.executable, "-c", CHILD, *words], cwd=REPO, env=environment, check=False)
    assert child.returncode == -signal.SIGKILL
    done = point == "migrated"
    assert rows(path, "PRAGMA user_version") == [(3 if done else 1,)]
    assert (rows(path, "SELECT * FROM states") == states) is not done

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *STEPS))
    with opened(folder) as store:
        assert store.verify().whole
        assert all(state.alerted for state in store.states.all().values())
        assert StateKey("TIMER", "BTCJPY") in store.states.all()
        (told,) = (act for act in store.chain.acts(after=len(chain)) if "migrated" in act.data)
        assert told.data == {"migrated": {"from": 1, "to": 3}}
    assert rows(path, "SELECT * FROM chain ORDER BY n")[: len(chain)] == chain
    backup = folder / "records-before-v3.db"
    assert rows(backup, "PRAGMA user_version") == [(1,)]
    assert rows(backup, "SELECT * FROM states") == states
    assert rows(backup, "SELECT * FROM chain") == chain


def test_every_moment_of_a_migration_is_tried() -> None:
    """A point that is added to the code is added here."""
    assert {point.partition(":")[0] for point in POINTS} == set(MIGRATION_POINTS)


@pytest.mark.parametrize("folder", ["dry"], indirect=True)  # a store whose process died says nothing of its tables
@pytest.mark.usefixtures("_newer")
def test_a_store_that_was_altered_while_it_was_closed_is_not_migrated(folder: Path) -> None:
    """A step must not make another's work look like its own; nothing is changed, not even a backup is written."""
    with closing(sqlite3.connect(folder / "records.db")) as db:
        db.execute("UPDATE states SET symbol = 'ETHJPY' WHERE rule = 'timer'")
        db.commit()
    with pytest.raises(RecordsBroken, match="altered while it was closed"):
        opened(folder)
    assert rows(folder / "records.db", "PRAGMA user_version") == [(1,)]
    assert not list(folder.glob("*before*"))


def test_rows_that_a_step_cannot_read_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear error; the store stays what it was, for the program that wrote it."""

    def cannot(db: schema.Rows) -> None:
        db.write("DELETE FROM states")
        raise ValueError("a state without a phase")

    before = rows(folder / "records.db", "SELECT * FROM states")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, cannot))
    with pytest.raises(RecordsBroken, match="cannot be brought from version 1 to 2: a state without a phase"):
        opened(folder)
    assert rows(folder / "records.db", "SELECT * FROM states") == before


def test_a_store_that_is_born_passes_no_point_of_a_migration(tmp_path: Path) -> None:
    """Nothing is brought up to date there: a seed of the proofs plays as it did before there were such points."""
    passed: list[str] = []
    with listening(passed.append):
        open_store(tmp_path / "store").close()
    assert "store_made" in passed
    assert not set(passed) & set(MIGRATION_POINTS)
