"""Applies a mutant to a copy of the package and runs the tests, or the proof, that must notice it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.order_path import Mutant

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ("docs", "examples", "rules", "dev.py", "README.md", "pyproject.toml")
PROOF_SEEDS = "300"
ENDED_WITH_FAILURES = 1


class MutantError(Exception):
    """The table does not fit the code, or a mutant was not tried at all: the table has to be mended."""


def copy_of_the_package(folder: Path) -> Path:
    """A checkout in which the package and its tests may be changed; the rest is the original."""
    for name in ("autotrader", "tests"):
        shutil.copytree(ROOT / name, folder / name)
    for name in BESIDE:
        (folder / name).symlink_to(ROOT / name)
    return folder


def patched(mutant: Mutant, folder: Path) -> dict[Path, str]:
    """The files of a copy with the mutant's text. Raises MutantError where an old text does not stand there once."""
    texts: dict[Path, str] = {}
    for edit in mutant.edits:
        path = folder / "autotrader" / edit.file
        text = texts.get(path) or path.read_text()
        count = text.count(edit.old)
        if count != 1:
            raise MutantError(f"{mutant.name}: {count} times in {edit.file}, in place of once: {edit.old!r}")
        texts[path] = text.replace(edit.old, edit.new)
    return texts


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy, with nothing of the session around it that could lead back to the original."""
    foreign = ("PYTEST", "PYTHON", "COV_")
    plain = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return subprocess.run(
        [sys.executable, "-B", *arguments], check=False, cwd=folder, env=plain | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, errors="replace", timeout=3_000,
    )  # fmt: skip


def pytest_in(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy."""
    flags = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=line"]
    return python(folder, "-m", "pytest", *flags, *tests)


def survives(mutant: Mutant, folder: Path) -> str:
    """Build the mutant in an empty folder and run its tests; "" where they fail, else what they said.

    Raises MutantError where they could not even be run: a mutant that does not start was not tried.
    """
    for path, text in patched(mutant, copy_of_the_package(folder)).items():
        path.write_text(text)
    done = pytest_in(folder, mutant.tests)
    said = (done.stdout + done.stderr)[-3000:]
    if done.returncode == 0:
        return f"{mutant.name} lives: {mutant.danger}\n{said}"
    if done.returncode != ENDED_WITH_FAILURES or " failed" not in done.stdout or "ImportError" in said:
        raise MutantError(f"{mutant.name}: its tests did not run to a verdict (exit {done.returncode}):\n{said}")
    return ""


def survives_proof(mutant: Mutant, folder: Path) -> str:
    """Build the mutant in an empty folder and run the proof that must catch it; "" where it does."""
    for path, text in patched(mutant, copy_of_the_package(folder)).items():
        path.write_text(text)
    done = python(folder, "-m", *PROOFS[mutant.proof])
    said = (done.stdout + done.stderr)[-3000:]
    if done.returncode == 0:
        return f"{mutant.name} passes `prove {mutant.proof}`: {mutant.danger}\n{said}"
    if done.returncode != ENDED_WITH_FAILURES or "Traceback" in done.stderr:
        raise MutantError(f"{mutant.name}: the proof did not run to a verdict (exit {done.returncode}):\n{said}")
    return ""


PROOFS = {
    "orders": ("autotrader", "prove", "orders", "--seeds", PROOF_SEEDS, "--workers", "1"),
    "limits": ("tests.proof", "limits", "--days", "1"),
}
"""The proofs and their arguments: large enough that every mutant which they are for is caught."""
