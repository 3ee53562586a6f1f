"""The package's face is small, sorted and true."""

from __future__ import annotations

import subprocess
import sys

import pytest

import autotrader


def test_the_promised_names_are_listed_in_order() -> None:
    """What users may import is what we list, in order."""
    assert sorted(autotrader.__all__) == autotrader.__all__


@pytest.mark.parametrize("name", autotrader.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    """Each name of the face can be imported from it and says what it is."""
    assert getattr(autotrader, name).__doc__


def test_an_unknown_name_is_refused() -> None:
    """The face has nothing by accident."""
    with pytest.raises(AttributeError, match="sell_everything"):
        _ = autotrader.sell_everything


def test_the_import_brings_nothing_heavy() -> None:
    """`import autotrader` alone loads none of the packages that cost start-up time."""
    heavy = "{'numpy', 'pydantic', 'requests', 'rich', 'talib', 'yaml'}"
    code = f"import sys, autotrader; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("", "", 0)
