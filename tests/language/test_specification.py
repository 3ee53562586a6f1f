"""The examples of the specification, word for word: they load, or what is not yet supported is refused in its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.language.load import load

FOLDER = Path(__file__).parent / "specification"
ROOT = Path(__file__).parents[2]
REFUSED: dict[str, list[str]] = {
    "a_test_beside_the_rule": ["AT201 3:1", "AT201 4:1", "AT435 5:1"],
    "breakout_with_a_bracket_a_stop_that_only": ["AT428 12:11", "AT423 15:11", "AT403 23:11", "AT424 25:9"],
    "buy_the_dip_on_24h_change": [],
    "cancel_stale_orders_chase_exits": ["AT426 23:9"],
    "grid": ["AT422 2:1"],
    "notify": [],
    "regular_buying": ["AT430 8:5", "AT427 12:67", "AT427 14:67"],
    "reusing_a_rule_with_other_numbers": ["AT429 4:5", "AT429 5:5", "AT429 6:5"],
    "rsi_and_moving_averages_on_candles": ["AT427 30:11"],
    "spread_guard_a_latch_that_fails_closed": ["AT421 2:1"],
}


def test_all_examples_are_there() -> None:
    """Every example of the specification is looked at."""
    assert set(REFUSED) == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("name", REFUSED)
def test_example(name: str) -> None:
    """An example loads, or says what is not yet supported, at that key and nowhere else."""
    plan, problems = load({name: (FOLDER / f"{name}.yaml").read_bytes()})
    errors = [each for each in problems if each.severity == "error"]
    assert REFUSED[name] == [f"{each.code} {each.place.line}:{each.place.column}" for each in errors]
    assert (plan is None) == bool(REFUSED[name])


@pytest.mark.parametrize("path", sorted([*ROOT.glob("rules/*.yaml"), *ROOT.glob("examples/rules/*.yaml")]), ids=str)
def test_shipped_rules_have_nothing_to_complain_about(path: Path) -> None:
    """Starter rules and examples load without an error or a warning."""
    plan, problems = load({path.name: path.read_bytes()})
    assert plan is not None
    assert problems == ()
