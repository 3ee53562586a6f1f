"""No picture of the docs is stale: its text is what the command prints today."""

from pathlib import Path

import pytest

from tests.docs.pictures import PICTURES, SCENES, plain, read


@pytest.mark.parametrize("name", SCENES)
def test_pictures_show_what_the_commands_print(name: str, tmp_path: Path) -> None:
    """The text in a picture equals the command's; `.venv/bin/python -m tests.docs.pictures` draws them anew."""
    shown = read((PICTURES / f"{name}.svg").read_text(encoding="utf-8"))
    printed = [line for line in plain(SCENES[name](tmp_path)) if line]
    assert [line for line in shown if line] == printed


def test_every_picture_is_drawn_by_a_scene() -> None:
    """There is no picture that nothing keeps up to date."""
    assert {path.stem for path in PICTURES.glob("*.svg")} == set(SCENES)
