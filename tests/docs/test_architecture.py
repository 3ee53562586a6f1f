"""The map of the code is one of this code: its picture, and every file that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks
from tests.docs.rooms import PAGE, drawn, floors, reduced, wrong_paths


def test_the_picture_is_drawn_from_the_code() -> None:
    """Rooms and arrows are those of the imports; `python -m tests.docs.rooms` draws it anew."""
    (picture,) = [block.text for block in blocks(PAGE) if block.kind == "mermaid"]
    assert picture == drawn()


def test_arrows_that_a_longer_way_goes_too_are_left_out() -> None:
    """Of a triangle two arrows stay."""
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


@pytest.mark.parametrize("page", [PAGE, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """Files and folders in backticks exist."""
    assert wrong_paths(page.read_text(encoding="utf-8")) == []


def test_a_file_that_is_not_there_is_found() -> None:
    """One that is, one that is not."""
    assert wrong_paths("`engine/decide.py` and `engine/nothing.py`, `autotrader/cli/`") == ["engine/nothing.py"]


def test_every_room_is_described() -> None:
    """Each layer's room stands in the table of rooms."""
    text = PAGE.read_text(encoding="utf-8")
    assert [
        room for floor in floors() for room in floor if f"`{room}/`" not in text and f"`{room}.py`" not in text
    ] == []
