"""The halt of a store: three levels, kept in three places, of which each suffices; only a person lifts it."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.halt import Halt, HaltLevel, stronger
from autotrader.errors import RecordsBroken
from autotrader.orders import Side
from autotrader.records.halt_file import read_halt_file, write_halt_file
from autotrader.records.store import Store
from tests.worlds.desk import open_store

LEVELS = list(HaltLevel)


@pytest.mark.parametrize(("before", "after"), list(product(LEVELS, LEVELS)))
def test_a_weaker_halt_never_weakens_a_stronger_one(tmp_path: Path, before: HaltLevel, after: HaltLevel) -> None:
    """The stronger of two stays in force, in this process, over a restart, and in the file alone."""
    store = open_store(tmp_path / "s")
    store.halt("first", 5, before)
    store.halt("second", 6, after)
    wanted = Halt("second", after) if LEVELS.index(after) > LEVELS.index(before) else Halt("first", before)
    assert store.halt_in_force() == wanted
    store.close()
    assert read_halt_file(tmp_path / "s") == wanted
    again = open_store(tmp_path / "s")
    assert again.halt_in_force() == wanted
    again.resume(7)
    assert again.halt_in_force() is None
    again.close()


def test_reduce_only_stops_buys_alone(tmp_path: Path) -> None:
    """What is held may be sold; both other levels stop both sides."""
    with open_store(tmp_path / "s") as store:
        store.halt("a look", 5, HaltLevel.REDUCE_ONLY)
        assert (store.halted(Side.BUY), store.halted(Side.SELL), store.halted()) == ("a look", None, "a look")
        store.halt("enough", 6)
        assert (store.halted(Side.BUY), store.halted(Side.SELL)) == ("enough", "enough")


@given(st.text(max_size=40))
def test_any_halt_file_halts(text: str) -> None:
    """Whatever stands in the file, half a line or none: there is a halt, weaker than full only where it says so."""
    with TemporaryDirectory() as place:
        (Path(place) / "HALT").write_bytes(text.encode("utf-8", "replace"))
        halt = read_halt_file(Path(place))
        assert halt is not None
        assert halt.reason
        assert halt.stops(Side.SELL) or text.strip().startswith("reduce_only: ")


def test_half_a_line_of_a_weak_halt_is_a_full_one(tmp_path: Path) -> None:
    """A file that was not written to its end fails closed."""
    whole = "reduce_only: by hand\n"
    for length in range(len("reduce_only: ")):
        (tmp_path / "HALT").write_text(whole[:length], encoding="utf-8")
        halt = read_halt_file(tmp_path)
        assert halt is not None
        assert halt.level is HaltLevel.HALT


def test_a_halt_by_signal_needs_no_database(tmp_path: Path) -> None:
    """It holds at once, also inside a transaction that fails; the records learn it afterwards."""
    store = open_store(tmp_path / "s")
    with suppress(ZeroDivisionError), store.transaction():
        store.halt_at_once(Halt("signal"))
        raise ZeroDivisionError
    assert store.halted() == "signal"
    assert store.settings.get("halt") is None
    store.keep_halt(9)
    assert store.settings.get("halt") == {"reason": "signal", "level": "halt", "since_ms": 9}
    store.close()


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_read_only_database_halts_all_the_same(tmp_path: Path, folder_too: bool) -> None:
    """The row cannot be written and that is told; nothing is placed any more, with or without the file."""
    store = open_store(tmp_path / "s")
    store._db.rows("PRAGMA query_only = ON")
    if folder_too:
        (tmp_path / "s" / "HALT").mkdir()  # the file cannot be written either
    with pytest.raises(RecordsBroken):
        store.halt("a limit", 5)
    assert store.halted() is not None
    assert store.halted(Side.SELL) is not None
    store._db.close()


def test_the_file_of_a_stronger_halt_stays(tmp_path: Path) -> None:
    """`halt` beside a service writes the file first: it must not weaken what stands there."""
    write_halt_file(tmp_path, Halt("all of it", HaltLevel.CANCEL))
    write_halt_file(tmp_path, Halt("less", HaltLevel.REDUCE_ONLY))
    assert read_halt_file(tmp_path) == Halt("all of it", HaltLevel.CANCEL)


def test_of_equal_halts_the_first_reason_stays() -> None:
    """Why it stopped first is what people look for."""
    assert stronger(Halt("one"), Halt("two")) == Halt("one")
    assert stronger(None, Halt("two")) == Halt("two")


def test_a_store_that_is_only_read_sees_the_level(tmp_path: Path) -> None:
    """`status` beside a service."""
    with open_store(tmp_path / "s") as store:
        store.halt("a look", 5, HaltLevel.REDUCE_ONLY)
        with Store.read(tmp_path / "s") as reader:
            assert reader.halt_in_force() == Halt("a look", HaltLevel.REDUCE_ONLY)
