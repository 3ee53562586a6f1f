"""The comparison with an older commit itself: that it finds what differs, and that its sides answer."""

from __future__ import annotations

import random
from pathlib import Path

from tests.compare import cases
from tests.compare.__main__ import HERE, OURS, ROOT, Comparison, Side, differences, doors_of


def test_the_first_difference_of_a_list_and_every_one_of_a_mapping_is_named() -> None:
    """Where it is, and both values; equal answers have none."""
    theirs = {"a": [1, 2, 3], "b": {"c": "x"}, "d": 1}
    assert list(differences(theirs, theirs)) == []
    assert list(differences(theirs, {"a": [1, 9], "b": {"c": "y"}, "d": 1})) == [".a[1]: 2 -> 9", ".b.c: x -> y"]
    assert list(differences([1], [1, 2])) == ["[1]: None -> 2"]


def test_problems_are_compared_as_a_set_and_then_in_their_order() -> None:
    """One that is new shifts no other; each that one side alone has is named beside the codes of the others."""
    one, two, three = ["AT101", 1], ["AT201", 2], ["AT303", 3]
    found = differences({"problems": [one, two]}, {"problems": [three, two]})
    assert list(found) == [".problems lack ['AT101', 1] beside AT201", ".problems have also ['AT303', 3] beside AT201"]
    (order,) = differences({"problems": [one, two]}, {"problems": [two, one]})
    assert order.startswith(".problems stand in another order")


def test_a_checkout_does_not_differ_from_itself() -> None:
    """Both sides answer in processes of their own: rules that load, rules that do not, and rules that are traded."""
    chance = random.Random(3)
    comparison = Comparison(Side(ROOT, OURS), Side(ROOT, OURS))
    try:
        for _ in range(12):
            comparison.run(cases.load_case(chance))
        signal = "  calm: spread < 5%\n"
        buys = "repeat: every 1m while true, then: [{buy: {size: 0.01 BTC, price: ask}}]"
        rule = f"  r: {{symbol: BTCJPY, when: last > 1, {buys}}}"
        comparison.run(cases.play_case(chance, signal, [rule]) | {"minutes": 3})
    finally:
        comparison.close()
    assert comparison.failures == []
    assert comparison.counts["orders"] > 1
    assert comparison.counts["requests"] > 20


def test_the_code_of_the_oldest_stores_has_doors_of_its_own() -> None:
    """Another commit brings its own."""
    assert doors_of("890db90") == HERE / "doors_890db90.py"
    assert doors_of("main") == Path("tests/pins/doors.py")
