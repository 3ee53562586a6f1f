"""A disk that fills up at any write: no order at the venue without its row, and nothing sent twice afterwards."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from autotrader.errors import RecordsBroken
from autotrader.records.store import Store
from tests.execution.desk import Desk, desk


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
