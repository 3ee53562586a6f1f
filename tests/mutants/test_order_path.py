"""Dangerous programs are noticed: each mutant of the order path makes a test fail; the design mutants a proof too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.mutants.order_path import MUTANTS, PROVEN, Mutant
from tests.mutants.run import ROOT, MutantError, copy_of_the_package, patched, pytest_in, survives, survives_proof

EACH_DAY = 4
NAMES = [mutant.name for mutant in MUTANTS]


def of_today() -> list[Mutant]:
    """Another few each day, so that all are tried within a fortnight; the same few all day."""
    first = datetime.now(UTC).date().toordinal() * EACH_DAY
    return [MUTANTS[(first + place) % len(MUTANTS)] for place in range(EACH_DAY)]


def test_every_mutant_fits_the_code() -> None:
    """Each patch finds its text, exactly once, and what it makes of it is still a program."""
    assert len(set(NAMES)) == len(MUTANTS) >= 25
    for mutant in MUTANTS:
        for path, text in patched(mutant, ROOT).items():
            compile(text, str(path), "exec")


def test_the_tests_that_notice_mutants_exist() -> None:
    """Each test that the table names stands in its file: one that was renamed would notice nothing."""
    named = {test.partition("[")[0] for mutant in MUTANTS for test in mutant.tests if "::" in test}
    gone = [
        test for test in named if f"def {test.rpartition('::')[2]}(" not in (ROOT / test.split("::")[0]).read_text()
    ]
    assert not gone


def test_a_mutant_that_does_not_fit_is_an_error() -> None:
    """A patch whose text is gone fails loudly: a mutant that changes nothing proves nothing."""
    edit = MUTANTS[0].edits[0]
    stale = Mutant("stale", "", (type(edit)(edit.file, "text that is nowhere", ""),), ())
    with pytest.raises(MutantError, match="0 times in"):
        patched(stale, ROOT)


@pytest.mark.parametrize("place", range(EACH_DAY))
def test_the_mutants_of_the_day_are_noticed(place: int, tmp_path: Path) -> None:
    """A few dangerous programs each day; `dev.py deep` tries all of them."""
    assert not survives(of_today()[place], tmp_path)


@pytest.mark.deep
def test_the_tests_pass_without_a_mutant(tmp_path: Path) -> None:
    """What notices mutants is quiet on the program as it is: a failure is the mutant's doing."""
    tests = sorted({test for mutant in MUTANTS for test in mutant.tests})
    done = pytest_in(copy_of_the_package(tmp_path), tests)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_every_mutant_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """Every dangerous program of the table makes a test fail."""
    assert not survives(mutant, tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("mutant", PROVEN, ids=[mutant.name for mutant in PROVEN])
def test_every_design_mutant_is_caught_by_its_proof(mutant: Mutant, tmp_path: Path) -> None:
    """The designs that doubled or lost other people's orders break the promise under seeded faults."""
    assert not survives_proof(mutant, tmp_path)
