"""What verification says of an altered store, and what it leaves alone. That it finds everything is tested with
`prove tamper`.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autotrader.records.canon import canonical, genesis, row_hash
from autotrader.records.evaluations import HOUR_MS, Evaluation
from autotrader.records.store import Store
from tests.worlds.desk import Desk, desk, open_store
from tests.worlds.work import calls


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has lived: orders, fills, cancels, notices, texts, evaluations over hours."""
    at: Desk = desk(tmp_path_factory.mktemp("lived") / "s")
    for slot in range(12):
        cid = at.send(slot, rule=f"r{slot % 3}").client_order_id
        at.venue.fill(1001 + slot, "0.001", "0.0000001")
        at.observe()
        at.gateway.cancel(cid, cycle=slot, asked_by="timer")
        with at.store.transaction() as store:
            store.chain.keep_text(f"rules: {slot}")
            add_cycle(store, slot + 1, at.clock.ms)
        at.clock.ms += HOUR_MS // 3
    at.store.close(at.clock.ms)
    return at.folder


def add_cycle(store: Store, cycle: int, time_ms: int) -> None:
    """One evaluation row."""
    body = {"values": {"BTCJPY.last": "15000000", "cycle": cycle}}
    store.evaluations.add(Evaluation(cycle=cycle, time_ms=time_ms, plan="p", rules=("dip", "rip"), body=body))


def test_an_honest_store_is_whole(lived: Path) -> None:
    """Nothing is found where nothing was done."""
    with Store.read(lived) as store:
        report = store.verify()
    assert report.problems == ()
    assert report.rows > 100


def test_altered_row_is_named(lived: Path, tmp_path: Path) -> None:
    """The finding says which record, and what was expected and found."""
    folder = tmp_path / "s"
    shutil.copytree(lived, folder)
    with closing(sqlite3.connect(folder / "records.db", isolation_level=None)) as db:
        db.execute("UPDATE chain SET body = replace(body, 'BUY', 'SELL') WHERE n = 3 OR n = 2")
    with Store.read(folder) as store:
        problems = store.verify().problems
    assert [(problem.n, problem.what) for problem in problems] == [(2, "altered")]
    assert problems[0].expected != problems[0].found


def test_every_cut_of_the_end_is_found(lived: Path, tmp_path: Path) -> None:
    """However few rows are cut off the end, the checkpoints know."""
    with Store.read(lived) as store:
        head = store.head()
    assert head is not None
    for left in (head.n - 1, head.n - 2, head.n // 2, 1, 0):
        folder = tmp_path / str(left)
        shutil.copytree(lived, folder)
        with closing(sqlite3.connect(folder / "records.db", isolation_level=None)) as db:
            db.execute("DELETE FROM chain WHERE n > ?", (left,))
        with Store.read(folder) as store:
            assert any("cut off" in problem.what for problem in store.verify().problems)


def test_pruning_leaves_the_chain_whole(tmp_path: Path) -> None:
    """After pruning old evaluations everything verifies; the rest is still found by rule and time."""
    store = open_store(tmp_path / "s")
    for cycle in range(1, 25):
        with store.transaction():
            add_cycle(store, cycle, cycle * HOUR_MS // 2)
    with store.transaction():
        gone = store.evaluations.prune(12 * HOUR_MS, kept_ms=6 * HOUR_MS)
    assert 0 < gone < 12
    assert store.verify().whole
    assert store.evaluations.get(1) is None
    assert store.evaluations.get(24) is not None
    store.close(12 * HOUR_MS)
    again = open_store(tmp_path / "s")
    newest = again.evaluations.last()
    assert newest is not None
    assert (again.verify().problems, newest.cycle) == ((), 24)
    again.close()


def test_evaluations_are_found_by_rule_and_time(tmp_path: Path) -> None:
    """`why RULE --at` finds the last cycle that evaluated the rule at or before that time."""
    store = open_store(tmp_path / "s")
    for cycle, rules in ((1, ("a", "b")), (2, ("b",)), (3, ("a",))):
        with store.transaction():
            body = {"n": cycle, "x": 0.1}
            store.evaluations.add(Evaluation(cycle=cycle, time_ms=cycle * 1000, plan="p", rules=rules, body=body))
    assert [store.evaluations.cycle_of("a", at) for at in (999, 1000, 2999, None)] == [None, 1, 1, 3]
    assert [row.cycle for row in store.evaluations.since("b", 1500)] == [2]
    found = store.evaluations.get(3)
    assert found is not None
    assert (found.body, found.rules) == ({"n": 3, "x": 0.1}, ("a",))
    assert store.evaluations.cycle_of("unknown") is None
    store.close()


def test_verification_is_fast(tmp_path: Path) -> None:
    """A row is verified in few calls, and not in more where there are ten times as many."""

    def of_each(count: int) -> float:
        store = open_store(tmp_path / str(count))
        with store.transaction():
            for n in range(count):
                store.chain.append(n, "notice", "r", {"level": "info", "text": "a message of ordinary length", "n": n})
        made = calls(store.verify)
        assert store.verify().whole
        store.close()
        return made / count

    few = of_each(1_000)
    assert few < 12
    assert of_each(10_000) < 1.2 * few


def test_equal_values_give_equal_text() -> None:
    """The canonical text does not depend on the order of keys or on how a number is written."""
    from decimal import Decimal

    assert canonical({"b": Decimal("1.500"), "a": {"z", "y"}}) == canonical({"a": {"y", "z"}, "b": Decimal("1.5")})
    for bad in (float("nan"), Decimal("NaN"), float("inf")):
        with pytest.raises(ValueError, match=r"not|Out of range"):
            canonical({"x": bad})


def test_borders_between_fields_cannot_be_moved() -> None:
    """Rows whose fields run together to the same text have different hashes."""
    start = genesis("abcd")
    assert row_hash(start, 1, 2, "ab", "c", "d") != row_hash(start, 1, 2, "a", "bc", "d")
    assert row_hash(start, 1, 2, "a", "b", "cd") != row_hash(start, 1, 2, "a", "bc", "d")
    assert genesis("abcd") != genesis("abce")


def test_a_torn_checkpoint_line_is_mended(lived: Path, tmp_path: Path) -> None:
    """A line that a power cut left half-written is dropped, and the store opens and verifies."""
    folder = tmp_path / "s"
    shutil.copytree(lived, folder)
    with (folder / "heads.jsonl").open("ab") as file:
        file.write(b'{"n":99999,"ha')
    store = open_store(folder)
    store.notice(1, "info", "again")
    assert store.verify().whole
    store.close()


def test_long_checkpoint_files_are_thinned(lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file keeps every thousandth and the newest checkpoint, and still finds a cut."""
    folder = tmp_path / "s"
    shutil.copytree(lived, folder)
    monkeypatch.setattr("autotrader.records.heads.COMPACT_ABOVE", 10)
    monkeypatch.setattr("autotrader.records.heads.KEEP_EVERY", 10)
    before = len((folder / "heads.jsonl").read_bytes().splitlines())
    open_store(folder).close()
    after = len((folder / "heads.jsonl").read_bytes().splitlines())
    assert after < before
    with Store.read(folder) as store:
        assert store.verify().whole
