"""Our `dataclass` makes classes that behave as those of the standard decorator."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from autotrader.structs import dataclass

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Point:
    """Two numbers and what is not compared."""

    x: float
    y: float = 2.0
    seen: list[int] = field(default_factory=list, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Far(Point):
    """More, by name only."""

    z: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """One field, which has to be positive."""

    size: float

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


@dataclass(frozen=True, slots=True)
class Told:
    """Shows itself in its own way."""

    word: str

    def __repr__(self) -> str:
        return f"<{self.word}>"


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing."""


def test_instances_are_made_as_usual() -> None:
    """Positions, names, defaults, a fresh list for each, and the checks of `__post_init__`."""
    assert (Point(1).x, Point(1).y, Point(x=1, y=3).y) == (1, 2.0, 3)
    assert Point(1).seen is not Point(1).seen
    assert Far(1, z=4).z == 4
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)
    wrong: Any = Point
    other: Any = Far
    for make in (wrong, lambda: wrong(1, 2, [], 4), lambda: wrong(1, w=2), lambda: other(1, 2, [], 3)):
        with pytest.raises(TypeError, match=r"(Point|Far)\.__init__\(\)"):
            make()


def test_instances_compare_hash_and_show_their_fields() -> None:
    """By class and compared fields; a value that holds a NaN equals itself; a class's own way to show itself stays."""
    assert Point(1, 2, [1]) == Point(1, 2, [2])
    assert hash(Point(1, 2, [1])) == hash(Point(1, 2, [2]))
    assert Point(1) != Far(1)
    assert Point(1) != Point(2)
    assert Point(1).__eq__((1, 2.0)) is NotImplemented
    assert Checked(NAN) == Checked(NAN)
    assert Empty() == Empty()
    assert len({Empty(), Empty(), Checked(1), Checked(1)}) == 2
    assert [repr(Far(1, z=3)), repr(Empty()), repr(Told("a"))] == ["Far(x=1, y=2.0, z=3)", "Empty()", "<a>"]


def test_nothing_can_be_changed() -> None:
    """Neither set nor deleted, nor added."""
    point: Any = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises(FrozenInstanceError):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.other = 1
    assert not hasattr(point, "__dict__")


def test_the_standard_tools_know_them() -> None:
    """`fields`, `replace`, `asdict`, matching, copies and pickles."""
    far = Far(1, z=3)
    assert dataclasses.is_dataclass(far)
    assert [each.name for each in dataclasses.fields(far)] == ["x", "y", "seen", "z"]
    assert dataclasses.replace(far, y=9) == Far(1, 9, z=3)
    assert dataclasses.asdict(far) == {"x": 1, "y": 2.0, "seen": [], "z": 3}
    match Point(4, 5):
        case Point(x, y):
            assert (x, y) == (4, 5)
    assert copy.deepcopy(far) == copy.copy(far) == pickle.loads(pickle.dumps(far)) == far  # noqa: S301 - our own


@dataclass(slots=True)
class Count:
    """Changes."""

    number: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Thing:
    """Is itself only."""

    name: str


def test_what_changes_has_no_hash() -> None:
    """It compares by its fields, and can be set and copied."""
    count = Count()
    count.number += 1
    assert count == Count(1) == copy.copy(count)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_a_class_may_keep_identity() -> None:
    """Without `eq` and `repr` those of every object stay."""
    assert Thing("a") != Thing("a")
    assert len({Thing("a"), Thing("a")}) == 2
    assert "Thing object at" in repr(Thing("a"))


def test_a_class_without_slots_is_refused() -> None:
    """It takes the standard decorator."""
    with pytest.raises(TypeError, match="slots"):
        dataclass(frozen=True, slots=False)
