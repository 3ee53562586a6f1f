"""The lock files say exactly which files are installed, and never where they come from."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(lock: str) -> list[str]:
    """The logical lines of a lock file: one requirement each, with its hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: str) -> set[str]:
    """The part of each requirement before its hashes: name, version, marker."""
    return {line.split("--hash", maxsplit=1)[0].strip() for line in requirements(lock)}


def names(lines: set[str] | list[str]) -> set[str]:
    """The distribution names of some requirements, in their normal form."""
    found = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in found if match}


@pytest.mark.parametrize("lock", LOCKS)
def test_names_no_place(lock: str) -> None:
    """No address and no index option stands in a lock: where from is the user's pip configuration."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i\b|-f\b|--(extra-)?index|--find-links|--trusted)", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    """Each requirement has one exact version and at least one SHA-256 of a file."""
    pattern = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][\w.!+]*( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line[:60] for line in requirements(lock) if not pattern.fullmatch(line)] == []
    assert requirements(lock)


def test_the_development_lock_contains_the_run_time_lock() -> None:
    """One environment serves both: what runs is tested in the same versions."""
    assert set(requirements("requirements.lock")) <= set(requirements("requirements-dev.lock"))


def test_the_locks_hold_what_the_project_names() -> None:
    """Every direct dependency of pyproject.toml is locked."""
    direct = PROJECT["project"]["dependencies"]
    assert names(direct) <= names(pins("requirements.lock"))
    assert names(PROJECT["dependency-groups"]["dev"]) <= names(pins("requirements-dev.lock"))


def test_at_most_thirteen_direct_dependencies() -> None:
    """The run-time dependencies stay few enough that each can have its reason."""
    assert len(PROJECT["project"]["dependencies"]) <= 13


def test_no_data_frames() -> None:
    """pandas and polars stay out: TA-Lib would import them at start where they are present."""
    assert not names(pins("requirements-dev.lock")) & {"pandas", "polars"}
