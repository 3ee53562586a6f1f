"""The store: one writer, one world, all or nothing, and nothing of another program's."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autotrader.engine.state import Pending, Phase, RuleState, Run, StateKey
from autotrader.errors import ConfigError, RecordsBroken, SafetyRefused
from autotrader.language.shapes import LeafMemory
from autotrader.records import schema
from autotrader.records.places import Identity, store_dir, stores_in, writer_pid
from autotrader.records.store import Store, new_store_id
from tests.worlds.desk import WORLD, open_store

REPO = Path(__file__).resolve().parents[2]


def test_each_world_has_its_folder(tmp_path: Path) -> None:
    """Mode, address and key decide the folder; a trailing slash or capitals in the address do not."""
    worlds = [
        Identity(mode="live", base_url="https://api.binance.com", fingerprint="a"),
        Identity(mode="live", base_url="https://api.binance.com", fingerprint="b"),
        Identity(mode="dry-run", base_url="https://api.binance.com"),
        Identity(mode="live", base_url="http://127.0.0.1:4000", fingerprint="a"),
    ]
    names = {store_dir(tmp_path, world).name for world in worlds}
    assert len(names) == 4
    same = Identity(mode="live", base_url="HTTPS://API.binance.com/", fingerprint="a")
    assert store_dir(tmp_path, same) == store_dir(tmp_path, worlds[0])


def test_second_process_is_refused_with_the_pid(tmp_path: Path) -> None:
    """While one process writes, another is told which one it is; when it ends, however it ends, the way is free."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from tests.worlds.desk import open_store\n"
        "store = open_store(Path(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "s"), str(REPO)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(SafetyRefused, match=f"pid {child.pid}"):
            open_store(tmp_path / "s")
        assert writer_pid(tmp_path / "s") == child.pid
        child.kill()
        child.wait()
    assert writer_pid(tmp_path / "s") is None
    open_store(tmp_path / "s").close()


def test_a_store_of_another_world_is_refused(tmp_path: Path) -> None:
    """A folder that was copied from another key's store does not open."""
    open_store(tmp_path / "s").close()
    other = Identity(mode="live", base_url=WORLD.base_url, fingerprint="other")
    with pytest.raises(SafetyRefused, match="another world"):
        Store.open(tmp_path / "s", other, now_ms=1)


def test_id_lasts(tmp_path: Path) -> None:
    """The id made at the beginning is the id ever after."""
    first = Store.open(tmp_path / "s", WORLD, now_ms=1)
    made = first.id
    first.close()
    again = Store.open(tmp_path / "s", WORLD, now_ms=2)
    assert (made, 8) == (again.id, len(made))
    again.close()
    assert new_store_id() != new_store_id()


def test_all_or_nothing(tmp_path: Path) -> None:
    """A transaction that fails leaves no trace: no state, no act."""
    store = open_store(tmp_path / "s")
    before = store.head()

    def half() -> None:
        with store.transaction():
            store.states.put({StateKey("r", "BTCJPY"): RuleState()})
            store.notice(1, "info", "half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert (store.states.all(), store.head()) == ({}, before)
    with store.transaction():
        store.notice(1, "info", "whole")
    assert store.verify().whole
    store.close()


def test_an_inner_failure_dooms_the_outer_transaction(tmp_path: Path) -> None:
    """An inner transaction that failed cannot be swallowed: the outer one does not commit half of it."""
    store = open_store(tmp_path / "s")

    def inner() -> None:
        with store.transaction():
            store.counters.next("b")
            raise ZeroDivisionError

    def outer() -> None:
        with store.transaction():
            store.counters.next("a")
            with contextlib.suppress(ZeroDivisionError):
                inner()

    with pytest.raises(RuntimeError, match="inner"):
        outer()
    assert (store.counters.value("a"), store.counters.value("b")) == (0, 0)
    store.close()


def test_writing_outside_a_transaction_is_refused(tmp_path: Path) -> None:
    """Nothing is written by accident."""
    store = open_store(tmp_path / "s")
    with pytest.raises(RuntimeError, match="transaction"):
        store.settings.set("paused", [], 1)
    store.close()


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    """Another program's SQLite file is named and not touched."""
    (tmp_path / "s").mkdir()
    path = tmp_path / "s" / "records.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(RecordsBroken, match="another program"):
        open_store(tmp_path / "s")
    assert path.read_bytes() == before


@pytest.mark.parametrize("junk", [b"hello", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database(tmp_path: Path, junk: bytes) -> None:
    """Junk in place of the database is said, with what to do."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "records.db").write_bytes(junk)
    with pytest.raises(RecordsBroken) as caught:
        open_store(tmp_path / "s")
    assert caught.value.hint


def test_a_damaged_page_is_found_at_start(tmp_path: Path) -> None:
    """A page of noise in the middle of the file stops the start."""
    store = open_store(tmp_path / "s")
    with store.transaction():
        for n in range(2000):
            store.notice(n, "info", "x" * 100)
    store.close()
    path = tmp_path / "s" / "records.db"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(RecordsBroken) as caught:
        open_store(tmp_path / "s")
    assert "backup" in caught.value.hint


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A store of a newer program is not touched."""
    open_store(tmp_path / "s").close()
    path = tmp_path / "s" / "records.db"
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    other.close()
    with pytest.raises(RecordsBroken, match="newer"):
        open_store(tmp_path / "s")


def test_reading_while_another_process_writes(tmp_path: Path) -> None:
    """A reader sees what is committed, verifies it, and cannot write."""
    store = open_store(tmp_path / "s")
    store.notice(5, "warn", "hello")
    with Store.read(tmp_path / "s") as reader:
        assert [act.data["text"] for act in reader.chain.acts(kind="notice")] == ["hello"]
        assert reader.verify().whole
        with pytest.raises(RecordsBroken, match="readonly"), reader.transaction():
            reader.settings.set("paused", [], 1)
    store.close()
    with Store.read(tmp_path / "s") as reader:
        assert reader.verify().whole
    assert stores_in(tmp_path) == (tmp_path / "s",)


def test_nothing_to_read(tmp_path: Path) -> None:
    """Reading where there is no store says so and makes none."""
    with pytest.raises(RecordsBroken, match="no records"):
        Store.read(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_halt_survives_and_is_lifted(tmp_path: Path) -> None:
    """A halt holds over a restart, also from the file alone, and only resume lifts it."""
    store = open_store(tmp_path / "s")
    store.halt("loss limit", 5)
    store.halt("second", 6)
    store.close()
    again = open_store(tmp_path / "s")
    assert again.halted() == "loss limit"
    again.resume(7)
    assert again.halted() is None
    (again.folder / "HALT").write_text("")
    assert again.halted() == "the file HALT is present"
    again.close()


def test_halt_holds_where_nothing_can_be_written(tmp_path: Path) -> None:
    """With a full disk for the database and no halt file this process is halted all the same."""
    store = open_store(tmp_path / "s")
    (tmp_path / "s" / "HALT").mkdir()
    pages = store._db.rows("PRAGMA page_count")[0][0]
    store._db.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RecordsBroken, match="full"):
        store.halt("x" * 100_000, 5)
    assert store.halted() is not None
    store.close()


def test_commits_reach_the_disk(tmp_path: Path) -> None:
    """The writer waits for the disk at every commit: synchronous is FULL, the journal is a WAL."""
    store = open_store(tmp_path / "s")
    assert (store._db.rows("PRAGMA synchronous")[0][0], store._db.rows("PRAGMA journal_mode")[0][0]) == (2, "wal")
    store.close()


def test_folder_is_private(tmp_path: Path) -> None:
    """Nobody else may read the store's folder."""
    open_store(tmp_path / "s").close()
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700


def test_inbox_works_beside_the_writer(tmp_path: Path) -> None:
    """Commands of other processes arrive in order, once, and are answered."""
    store = open_store(tmp_path / "s")
    theirs, ours = store.inbox(), store.inbox()
    first = theirs.append(1, "pause", {"rule": "dip"})
    second = theirs.append(2, "halt", {})
    assert [(entry.id, entry.command) for entry in ours.after(0)] == [(first, "pause"), (second, "halt")]
    with store.transaction():
        store.settings.set("inbox_done", first, 3)
    ours.answer(first, {"ok": True})
    answered = theirs.get(first)
    assert answered is not None
    assert (answered.arguments, answered.answer) == ({"rule": "dip"}, {"ok": True})
    assert [entry.id for entry in ours.after(store.settings.get("inbox_done"))] == [second]
    theirs.close()
    ours.close()
    store.close()


def test_small_tables_keep_their_values(tmp_path: Path) -> None:
    """States, runs, settings, counters and errors come back as they were put, after a restart."""
    store = open_store(tmp_path / "s")
    memory = {"when[0]": LeafMemory(1, None, 3, "up", (1, 0, -1)), "b": LeafMemory()}
    state = RuleState(phase=Phase.BLOCKED, leaves=memory, fired_ms=(5, 6), pending=Pending(1, None))
    run = Run(rule="r", symbol="BTCJPY", order="", slot_ms=1, branch=0, hash="h", started_ms=1, pending_since_ms=1)
    with store.transaction():
        store.states.put({StateKey("r", "BTCJPY"): state, StateKey("r", "BTCJPY", "o1"): RuleState()})
        store.states.drop(StateKey("r", "BTCJPY", "o1"))
        store.runs.put(run)
        store.runs.put(replace(run, slot_ms=2))
        store.runs.drop(run.key)
        store.settings.set("trade_cursors", {"BTCJPY": 5}, 1)
        store.counters.next("hand")
        store.errors.add(10, "timeout")
        store.errors.add(20, "timeout")
        store.errors.prune(15)
    store.close()
    again = open_store(tmp_path / "s")
    assert again.states.all() == {StateKey("r", "BTCJPY"): state}
    assert again.runs.all() == (replace(run, slot_ms=2),)
    assert (again.settings.get("trade_cursors"), again.settings.get("paused", [])) == ({"BTCJPY": 5}, [])
    with again.transaction():
        assert again.counters.next("hand") == 2
    assert again.errors.since(0) == (20,)
    with pytest.raises(KeyError):
        again.settings.get("misspelt")
    again.close()


def test_an_older_store_is_not_read_by_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader does not migrate; it says what does."""
    open_store(tmp_path / "s").close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ""))
    with pytest.raises(RecordsBroken, match="older version"):
        Store.read(tmp_path / "s")


def test_a_store_that_was_never_completed_is_not_read(tmp_path: Path) -> None:
    """A crash while the store was made leaves nothing to read, and the next start makes it."""
    open_store(tmp_path / "s").close()
    other = sqlite3.connect(tmp_path / "s" / "records.db", isolation_level=None)
    other.execute("DELETE FROM meta")
    other.execute("DELETE FROM chain")
    other.close()
    (tmp_path / "s" / "heads.jsonl").unlink()
    with pytest.raises(RecordsBroken, match="never completed"):
        Store.read(tmp_path / "s")
    store = open_store(tmp_path / "s")
    assert store.verify().whole
    store.close()


def test_lost_checkpoints_stop_the_start(tmp_path: Path) -> None:
    """Without its checkpoints a store that has lived does not trade: a cut could not be noticed."""
    store = open_store(tmp_path / "s")
    store.notice(1, "info", "lived")
    store.close()
    (tmp_path / "s" / "heads.jsonl").unlink()
    with pytest.raises(RecordsBroken, match="missing"):
        open_store(tmp_path / "s")


@pytest.mark.parametrize("line", ["hello", '{"n":0,"hash":"00"}', '{"n":"1","hash":"' + "0" * 64 + '"}', "[]"])
def test_checkpoints_that_are_none(tmp_path: Path, line: str) -> None:
    """A line that is no checkpoint is named by its number."""
    open_store(tmp_path / "s").close()
    with (tmp_path / "s" / "heads.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RecordsBroken, match="line 2"):
        open_store(tmp_path / "s")


def test_a_checkpoint_that_cannot_be_written_is_said_and_made_up_for(tmp_path: Path) -> None:
    """The records stay whole when the second file cannot be written; the failure is said."""
    store = open_store(tmp_path / "s")
    assert store._heads is not None
    os.close(store._heads._fd)
    store._heads._fd = os.open(tmp_path / "s" / "heads.jsonl", os.O_RDONLY)
    store.notice(1, "info", "unwitnessed")
    assert "could not be written" in (store.witness_error or "")
    assert store.verify().whole
    store.close()
    again = open_store(tmp_path / "s")
    assert again.witness_error is None
    again.close()


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    """A file where the folder should be, a folder where the lock should be: one clear error each."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_store(tmp_path / "file")
    (tmp_path / "s" / "lock").mkdir(parents=True)
    with pytest.raises(ConfigError, match="lock"):
        open_store(tmp_path / "s")
    assert writer_pid(tmp_path / "nowhere") is None


def test_an_inbox_of_another_program(tmp_path: Path) -> None:
    """A foreign database in the inbox's place is named."""
    from contextlib import closing

    from autotrader.records.inbox import Inbox

    with closing(sqlite3.connect(tmp_path / "inbox.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.commit()
    with pytest.raises(RecordsBroken, match="another program"):
        Inbox(tmp_path / "inbox.db")
    (tmp_path / "junk.db").write_bytes(b"junk" * 1000)
    with pytest.raises(RecordsBroken):
        Inbox(tmp_path / "junk.db")


def test_a_backup_is_a_whole_store(tmp_path: Path) -> None:
    """A copy that is made while the store is open verifies by itself."""
    store = open_store(tmp_path / "s")
    store.notice(1, "info", "kept")
    (tmp_path / "copy").mkdir()
    store._db.back_up(tmp_path / "copy" / "records.db")
    (tmp_path / "copy" / "heads.jsonl").write_bytes((tmp_path / "s" / "heads.jsonl").read_bytes())
    store.close()
    with Store.read(tmp_path / "copy") as copy:
        assert copy.verify().whole


def test_old_fills_leave_the_memory_and_are_read_when_asked_for() -> None:
    """A month of fills is kept at hand, older ones are not; a question that reaches further still gets all."""
    from dataclasses import replace
    from decimal import Decimal

    from autotrader.orders import Fill, Side
    from autotrader.records.forward import KEPT_MS, FillCache

    day_ms = 86_400_000
    one = Fill(
        symbol="BTCJPY", trade_id=1, order_id=1, side=Side.BUY, price=Decimal(1), quantity=Decimal(1), quote=Decimal(1),
        fee=Decimal(0), fee_asset="JPY", time_ms=day_ms, is_maker=False,
    )  # fmt: skip
    rows = [(n, replace(one, trade_id=n, order_id=n, time_ms=n * day_ms)) for n in range(1, 101)]
    asked: list[int] = []

    def read(after: int) -> list[tuple[int, Fill]]:
        asked.append(after)
        return [row for row in rows if row[0] > after]

    cache = FillCache(read)
    assert len(cache.since(70 * day_ms, committed=True)) == 31
    assert len(cache._fills) == KEPT_MS // day_ms + 1
    assert len(cache.since(0, committed=True)) == 100
    assert len(cache.since(60 * day_ms, committed=True)) == 41
    assert asked == [0, 0, 100]


@pytest.mark.parametrize(
    ("table", "body"),
    [
        ("states", '{"phase":"armed","leaves":{"when":[1,2]},"pending":[1]}'),
        ("states", '{"phase":"sleeping"}'),
        ("states", '{"phase":"armed","mood":"good"}'),
        ("runs", '{"rule":"r"}'),
    ],
)
def test_a_state_that_this_program_never_wrote_is_not_guessed_at(tmp_path: Path, table: str, body: str) -> None:
    """A missing, unknown or impossible part is one clear error, never a default that trades."""
    store = open_store(tmp_path / "s")
    with store.transaction():
        values = ("r", "BTCJPY", "", body) if table == "states" else ("id", body)
        store._db.write(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - a test
    with pytest.raises(RecordsBroken, match="cannot be read"):
        getattr(store, table).all()
    store.close()
