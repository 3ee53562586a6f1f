"""A dataclass and its row: the columns say all of it, and a cell that cannot be is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.records.rows import RowTable, inserted


class Kind(StrEnum):
    """A word of a column."""

    NEW = "NEW"
    OLD = "OLD"


@dataclass(frozen=True)
class Inner:
    """A part that has its columns beside the others."""

    price: Decimal
    paid: Decimal | None
    kind: Kind
    moment: int = 7


@dataclass(frozen=True)
class Thing:
    """A row."""

    name: str
    inner: Inner
    labels: tuple[str, ...]
    ended: bool
    since_ms: int | None = None


TABLE = RowTable(
    "things", Thing, "name price paid kind labels ended since", renamed={"since_ms": "since"}, absent=("inner.moment",)
)
figures = st.decimals(min_value=0, max_value=10**12, places=8)
things = st.builds(
    Thing,
    name=st.text(max_size=9),
    inner=st.builds(Inner, price=figures, paid=st.none() | figures, kind=st.sampled_from(Kind)),
    labels=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    ended=st.booleans(),
    since_ms=st.none() | st.integers(0, 2**53),
)


def kept(cells: dict[str, object]) -> sqlite3.Row:
    """A row as SQLite gives it back."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        db.execute(
            "CREATE TABLE things (name TEXT NOT NULL, price TEXT NOT NULL, paid TEXT NOT NULL, kind TEXT NOT NULL, "
            "labels TEXT NOT NULL, ended INTEGER NOT NULL, since INTEGER) STRICT"
        )
        db.execute(inserted("things", cells), tuple(cells.values()))
        row: sqlite3.Row = db.execute("SELECT * FROM things").fetchone()
        return row


@given(things)
def test_a_row_comes_back_as_it_was(thing: Thing) -> None:
    """Every field, exact figures and what is not known too; what has no column keeps its default, or is given."""
    cells = TABLE.write(thing)
    assert tuple(cells) == TABLE.columns
    assert TABLE.read(kept(dict(cells))) == thing
    later = replace(thing, inner=replace(thing.inner, moment=9))
    assert TABLE.read(kept(dict(cells)), {"inner.moment": 9}) == later


def test_cells_are_as_acts_and_older_stores_have_them() -> None:
    """Money without exponent or idle zeros, none as empty text, lists as JSON, truths as 0 and 1."""
    thing = Thing("a", Inner(Decimal("1E+3"), None, Kind.NEW), ("x", "é"), ended=True)
    assert TABLE.write(thing) == {
        "name": "a", "price": "1000", "paid": "", "kind": "NEW", "labels": '["x", "\\u00e9"]', "ended": 1,
        "since": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell"), [("price", "much"), ("price", "NaN"), ("kind", "ODD"), ("labels", "[1]"), ("ended", 7)]
)
def test_a_cell_that_no_value_was_written_as_is_refused(column: str, cell: object) -> None:
    """Never a guess about money."""
    cells = TABLE.write(Thing("a", Inner(Decimal(1), None, Kind.NEW), ("x",), ended=False))
    with pytest.raises(ValueError, match=r"validation error"):
        TABLE.read(kept({**cells, column: cell}))
