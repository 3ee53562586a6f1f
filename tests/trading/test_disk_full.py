"""A disk that fills up at any write: no order at the venue without its row, and nothing sent twice afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from autotrader.errors import RecordsBroken
from autotrader.records.store import Store
from tests.worlds.desk import Desk, desk


def pages(store: Store) -> int:
    """How many pages the database has now."""
    return int(store._db.rows("PRAGMA page_count")[0][0])


def fill_up(at: Desk, spare: int) -> None:
    """Let the database grow by no more than `spare` pages, and use up what is free inside."""
    at.store._db.rows(f"PRAGMA max_page_count = {pages(at.store) + spare}")


def known(at: Desk) -> set[str]:
    """Every order the journal knows of, on disk."""
    with Store.read(at.folder) as reader:
        return {row.client_order_id for row in reader.intents.latest(10_000)}


@pytest.mark.parametrize("spare", range(12))
def test_no_order_without_its_row(tmp_path: Path, spare: int) -> None:
    """Whichever write fails, each order that left has its committed row, and the start resolves the rest."""
    at = desk(tmp_path / "s")
    missing: list[str] = []
    at.venue.before_post = lambda: missing.extend(set(at.venue.posts) - known(at))
    fill_up(at, spare)
    hints: list[str] = []
    for slot in range(40):
        try:
            at.send(slot, rule=f"rule-{slot}", because="x" * 400)
            at.observe()
        except RecordsBroken as error:
            hints.append(error.hint)
    assert hints
    assert all("disk" in hint for hint in hints)
    assert missing == []
    assert set(at.venue.posts) <= known(at)
    posted = list(at.venue.posts)
    again = at.again()
    assert again.start().armed
    assert again.venue.posts == posted
    venue = {order.client_order_id for order in again.venue.orders.values()}
    assert venue == {row.client_order_id for row in again.store.orders.since(0)}
    assert again.store.verify().whole


def test_a_full_disk_at_the_intent_sends_nothing(tmp_path: Path) -> None:
    """When the intent itself cannot be written, nothing is there to be sent."""
    at = desk(tmp_path / "s")
    fill_up(at, 0)
    for slot in range(40):
        with contextlib.suppress(RecordsBroken):
            at.intend(slot, because="x" * 3000)
    with pytest.raises(RecordsBroken):
        at.intend(99, because="x" * 3000)
    assert at.venue.posts == []


class Failing:
    """A connection whose disk fails at the k-th write, once or from then on. `begun` counts them, COMMIT included."""

    def __init__(self, connection: sqlite3.Connection, at: int, *, stays: bool, said: str) -> None:
        self._connection = connection
        self._at, self._stays, self._said = at, stays, said
        self.begun = 0

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement; a write may fail, and a COMMIT that fails has written nothing."""
        if sql.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT"}:
            self.begun += 1
            if self.begun == self._at or (self._stays and self.begun > self._at):
                raise sqlite3.OperationalError(self._said)
        return self._connection.execute(sql, values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def road(at: Desk) -> None:
    """All that writes on an order's road: intent, sent, reply, a partial fill, a cancel, the end, a halt, the close."""
    for step in (
        lambda: at.send(1, rule="first"),
        lambda: at.venue.fill(1001, "0.001", "0.0000001") if 1001 in at.venue.orders else None,
        at.observe,
        lambda: at.gateway.cancel(at.venue.posts[0], cycle=1, asked_by="rule") if at.venue.posts else None,
        lambda: at.send(2, rule="second"),
        at.observe,
        lambda: at.store.halt("a test", at.clock.ms),
    ):
        with contextlib.suppress(RecordsBroken):
            step()


def note_missing(at: Desk, missing: list[str]) -> None:
    """Which of the orders that left have no row on disk."""
    missing.extend(set(at.venue.posts) - known(at))


def writes_of_the_road(folder: Path) -> int:
    """How many writes the road has where nothing fails."""
    at = desk(folder)
    counting = Failing(at.store._db._connection, 0, stays=False, said="")
    at.store._db._connection = counting  # type: ignore[assignment]
    road(at)
    at.store.close()
    return counting.begun


@pytest.mark.parametrize(("said", "stays"), [("database or disk is full", True), ("disk I/O error", False)])
def test_whichever_write_fails(tmp_path: Path, said: str, *, stays: bool) -> None:
    """At every single write of an order's road: no POST without its committed row, and a start mends the rest."""
    count = writes_of_the_road(tmp_path / "count")
    assert count > 40
    for number in range(1, count + 1):
        at = desk(tmp_path / str(number))
        missing: list[str] = []
        at.venue.before_post = partial(note_missing, at, missing)
        sound = at.store._db._connection
        at.store._db._connection = Failing(sound, number, stays=stays, said=said)  # type: ignore[assignment]
        road(at)
        assert (number, missing) == (number, [])
        assert set(at.venue.posts) <= known(at)
        assert len(set(at.venue.posts)) == len(at.venue.posts)
        at.store._db._connection = sound
        posted = list(at.venue.posts)
        again = at.again()
        again.start()
        assert again.venue.posts == posted
        venue = {order.client_order_id for order in again.venue.orders.values()}
        assert venue <= {row.client_order_id for row in again.store.orders.since(0)}, number
        assert again.store.verify().whole, number
        again.store.close()
