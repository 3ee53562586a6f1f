"""The first command of the README works wherever the repository was cloned."""

import shutil
from pathlib import Path

import pytest

from autotrader import demo
from autotrader.project import read_project


def test_the_demo_runs_from_a_checkout_that_a_group_may_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under umask 002 (Ubuntu's) a clone's files are writable by a group; the demo's live project is not."""
    clone = tmp_path / "clone"
    shutil.copytree(demo.examples(), clone)
    for path in clone.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)
    monkeypatch.setattr(demo, "examples", lambda: clone)
    folder = demo.fresh_folder(tmp_path / "demo")
    assert read_project(folder / "autotrader.yaml", environ={}).texts
