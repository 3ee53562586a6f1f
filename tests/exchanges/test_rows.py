"""The table of the 48 bad responses is complete, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.exchanges.rows import ROWS, Row

HERE = Path(__file__).parent


def test_every_row_stands_once() -> None:
    """1 to 48, each in one row with a test."""
    assert [number for one in ROWS for number in one.numbers] == list(range(1, 49))
    assert all(one.tests for one in ROWS)


@pytest.mark.parametrize("one", ROWS, ids=[str(one.numbers[0]) for one in ROWS])
def test_the_tests_of_a_row_exist(one: Row) -> None:
    """The file has the function, and where a case is named, the text of its id."""
    for name in one.tests:
        file, _, rest = name.partition("::")
        function, _, case = rest.rstrip("]").partition("[")
        text = (HERE / f"{file}.py").read_text("utf-8")
        assert function in {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}, name
        known = [word for word in re.findall(r'"([^"\n]+)"|(418)', text) for word in word if word]
        known += [f"17 {filter_}" for filter_ in known]  # these ids are put together
        assert not case or any(word.startswith(case) for word in known), name
