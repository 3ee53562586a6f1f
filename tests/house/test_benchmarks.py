"""The benchmarks run, at sizes that measure nothing, and their committed table is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measure import HEAD, TINY, Row

README = Path(__file__).parents[2] / "benchmarks" / "README.md"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_runs_and_measures_against_something(name: str) -> None:
    """Each row has a time, a peer's time, and a ratio of the two."""
    rows = BENCHMARKS[name](TINY)
    assert rows
    for row in rows:
        assert min(*row.ours, *row.peer, *row.ratios) > 0
        assert row.line().count("|") == HEAD.split("\n", maxsplit=1)[0].count("|")


def test_a_ratio_is_taken_pair_by_pair() -> None:
    """The median of the ratios stands first, with the smallest and the largest, then both medians."""
    row = Row("ours", "the other", (2.0, 9.0, 3.0), (1.0, 3.0, 1.0), "beside")
    assert row.line() == "| ours | the other | **3.00** (2.00–3.00) | 3.00 s | 1.00 s | beside |"


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """It says which there are."""
    with pytest.raises(SystemExit):
        main(["loadign"])
    assert "loading" in capsys.readouterr().err


def test_the_committed_table_has_every_row() -> None:
    """What README.md shows was made by this code: the same columns, and at least a row for every benchmark."""
    text = README.read_text(encoding="utf-8")
    assert HEAD in text
    assert all(word in text for word in ("`autotrader --help`", "1,000 rules", "signed request", "audit verify"))
