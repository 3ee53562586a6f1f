"""Reading what users hand us: only regular files, only rule files, never blocked, never more than the limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotrader.errors import ConfigError
from autotrader.files import find_account_file, included, read_secret, read_sources

TEXT = "version: 1\n"


def made(folder: Path, *names: str) -> None:
    """Rule files of one line."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)


def test_a_folder_gives_its_rule_files_only(tmp_path: Path) -> None:
    """Hidden files, tests, swap and backup files and other names do not count; sub-folders do."""
    made(
        tmp_path,
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
        ".hidden.yaml",
        "a.test.yaml",
        "a.yaml~",
        ".a.yaml.swp",
        "x.txt",
        ".git/d.yaml",
    )
    found = read_sources([str(tmp_path)])
    assert [Path(name).name for name in found.texts] == ["a.yml", "b.yaml", "c.yaml"]
    assert found.problems == ()


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    """A link could bring another user's rules; a path that is named itself may be one."""
    made(tmp_path, "outside/a.yaml")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "link.yaml").symlink_to(tmp_path / "outside" / "a.yaml")
    assert [each.code for each in read_sources([str(tmp_path / "rules")]).problems] == ["AT001"]
    assert read_sources([str(tmp_path / "rules" / "link.yaml")]).problems == ()


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A FIFO is opened without waiting, and refused."""
    os.mkfifo(tmp_path / "a.yaml")
    found = read_sources([str(tmp_path), str(tmp_path / "a.yaml")])
    assert [each.message for each in found.problems] == ["not a regular file"] * 2


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "missing.yaml", "a\x00b"])
def test_what_is_no_file_becomes_a_problem(path: str) -> None:
    """Devices, missing files and impossible names are reported, not raised."""
    assert [each.code for each in read_sources([path]).problems] == ["AT001"]


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    """Reading stops just behind the limit."""
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert len(read_sources([str(path)]).texts[str(path)]) == 256 * 1024 + 1


def test_live_refuses_files_that_others_may_write(tmp_path: Path) -> None:
    """Group and world write bits matter when real money does."""
    made(tmp_path, "a.yaml")
    (tmp_path / "a.yaml").chmod(0o666)
    assert read_sources([str(tmp_path)]).problems == ()
    assert "others may write" in read_sources([str(tmp_path)], strict_permissions=True).problems[0].message


def test_include_stays_below_the_account_file(tmp_path: Path) -> None:
    """Patterns reach down, never up or elsewhere; one without a match is a warning."""
    made(tmp_path, "autotrader.yaml", "rules/a.yaml", "rules/a.test.yaml")
    found = included(tmp_path / "autotrader.yaml", ["rules/*.yaml", "../*.yaml", "/etc/*.yaml", "none/*.yaml"])
    assert [Path(name).name for name in found.texts] == ["a.yaml"]
    assert [each.severity for each in found.problems] == ["error", "error", "warning"]


def test_the_account_file_is_found_upward(tmp_path: Path) -> None:
    """From a folder inside the project."""
    made(tmp_path, "autotrader.yaml", "a/b/c.yaml")
    assert tmp_path / "autotrader.yaml" == find_account_file(tmp_path / "a" / "b")


def test_a_secret_must_be_private(tmp_path: Path) -> None:
    """Mode 0600, text, and nothing of it in an error."""
    path = tmp_path / "secret"
    path.write_text("abc123\n")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read") as caught:
        read_secret(path)
    assert "abc123" not in str(caught.value) + caught.value.hint
    path.chmod(0o600)
    assert read_secret(path) == "abc123"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError):
        read_secret(path)
