"""The algebra of true, false and unknown, and the two evaluations that must agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.conditions import candle_leaves, compiled, has_memory, judge
from autotrader.engine.values import Values
from autotrader.language.algebra import Truth, count_at_least, negated
from autotrader.language.shapes import Moment
from autotrader.language.tree import Condition, Cross, Flag, OfLast, Operation, Relation
from autotrader.language.walk import leaf_id, term_id
from autotrader.market.sources import LowerBound, Missing
from tests.engine import strategies as some
from tests.worlds.values import JPY, LAST, NUMBER, PERCENT, PLACE, below, compare, held, lit, term

truths = st.sampled_from((True, False, None))
parts = st.lists(truths, max_size=6)
NOW = Moment(600_000, 570_000, 30_000)


def holds(condition: Condition, table: dict[str, Any]) -> Truth:
    """The answer over a table, agreed upon by both evaluations."""
    values = Values(table)
    explained = judge(condition, values, {}, NOW)[0].holds
    assert explained == compiled(condition)(values, {}, NOW, {})
    return explained


@given(parts, st.integers(0, 7))
def test_de_morgan(answers: list[Truth], least: int) -> None:
    """Not all is any not, not any is all not, and likewise for any number of them; with unknowns too."""
    denied = [negated(answer) for answer in answers]
    assert negated(count_at_least(answers, least)) == count_at_least(denied, len(answers) - least + 1)


@given(parts)
def test_all_and_any_by_their_meaning(answers: list[Truth]) -> None:
    """`all` (every one): any false is false, else any unknown is unknown. `any` (one): the same turned round."""
    everyone = False if False in answers else None if None in answers else True
    anyone = True if True in answers else None if None in answers else False
    assert (count_at_least(answers, len(answers)), count_at_least(answers, 1)) == (everyone, anyone)


@given(parts, st.integers(0, 5), st.integers(0, 6))
def test_learning_more_never_turns_an_answer_round(answers: list[Truth], index: int, least: int) -> None:
    """Whatever an unknown part turns out to be, a known answer stays what it was."""
    if index >= len(answers):
        return
    blurred = [*answers[:index], None, *answers[index + 1 :]]
    assert count_at_least(blurred, least) in (None, count_at_least(answers, least))


@given(some.conditions(), st.data())
def test_fast_and_explaining_evaluation_agree(condition: Condition, data: st.DataObject) -> None:
    """Both evaluations give the same answer and the same next memory for every condition, table and memory."""
    extra = tuple(leaf_id(leaf) for leaf in candle_leaves(condition))
    values = data.draw(some.tables(extra))
    keys = [f"{key}{end}" for key in _keys(condition) for end in ("", "/side")]
    memory = {key: data.draw(some.memories) for key in keys if data.draw(st.booleans())}
    moment = Moment(
        data.draw(st.integers(300_000, 900_000)), data.draw(st.sampled_from((None, 290_000, 299_000))), 30_000
    )
    following: dict[str, Any] = {}
    fast = compiled(condition)(values, memory, moment, following)
    verdict, after = judge(condition, values, memory, moment)
    assert (verdict.holds, after) == (fast, following)
    assert has_memory(condition) or not following


def _keys(condition: Any) -> list[str]:
    below_it = [*getattr(condition, "parts", ()), *([condition.part] if hasattr(condition, "part") else [])]
    return [condition.key, *(key for part in below_it for key in _keys(part))]


@given(some.conditions(stored=False), st.data())
def test_forgetting_a_value_never_makes_a_condition_true(condition: Condition, data: st.DataObject) -> None:
    """Unknown is monotone: with any input replaced by unknown, an answer stays or becomes unknown."""
    extra = tuple(leaf_id(leaf) for leaf in candle_leaves(condition))
    values = data.draw(some.tables(extra))
    lost = data.draw(st.sampled_from(sorted(values.table)))
    blurred = Values({**values.table, lost: Missing("lost")})
    before, after = judge(condition, values, {}, NOW)[0].holds, judge(condition, blurred, {}, NOW)[0].holds
    assert after in (None, before)


@pytest.mark.parametrize(
    ("op", "bound", "expected"),
    [("<", 400, False), ("<", 200, None), (">", 400, True), (">", 200, None), ("<=", 300, None), (">=", 300, True)],
)
def test_a_bound_settles_what_it_can(op: str, bound: int, expected: Truth) -> None:
    """ "At least x" is above a lower threshold for certain, and leaves a higher one open."""
    depth = term("depth_bid")
    assert expected == holds(compare(depth, op, lit(300)), {term_id(depth): LowerBound(lit(bound).value)})


def test_a_ratio_compares_with_a_percentage() -> None:
    """`atr / close < 3%`: like by like is a plain number, counted in percent beside a percentage."""
    atr, close = term("atr"), term("close")
    condition = compare(Operation("/", atr, close, NUMBER), "<", lit(3, PERCENT))
    assert holds(condition, {term_id(atr): 2.0, term_id(close): 100.0}) is True
    assert holds(condition, {term_id(atr): 4.0, term_id(close): 100.0}) is False


def test_division_by_zero_is_unknown_with_its_reason() -> None:
    """A quotient by nothing is unknown, and says so."""
    condition = compare(Operation("/", lit(1), LAST, NUMBER), ">", lit(1, NUMBER))
    verdict = judge(condition, Values({term_id(LAST): 0.0}), {}, NOW)[0]
    assert (verdict.holds, verdict.reason) == (None, "division by zero")


def test_percent_below_a_price_is_relative() -> None:
    """`last < sma - 20%` means 0.8 times the mean."""
    sma = term("sma", timeframe="1d")
    condition = compare(LAST, "<", Operation("-%", sma, lit(20, PERCENT), JPY))
    assert holds(condition, {term_id(LAST): 79.0, term_id(sma): 100.0}) is True
    assert holds(condition, {term_id(LAST): 81.0, term_id(sma): 100.0}) is False


def test_between_takes_both_ends() -> None:
    """Both ends of `between` belong to it."""
    condition = Relation(
        key="k", text="last between 1 and 2", place=PLACE, name="between", sides=(LAST, lit(1), lit(2))
    )
    found = [holds(condition, {term_id(LAST): value}) for value in (0.9, 1.0, 2.0, 2.1)]
    assert found == [False, True, True, False]


@pytest.mark.parametrize(
    ("within", "last", "expected"),
    [(lit(1, PERCENT), 101.0, True), (lit(1, PERCENT), 101.1, False), (lit(2), 98.0, True)],
)
def test_near_is_absolute_or_a_share_of_the_target(within: Any, last: float, expected: bool) -> None:
    """A percentage behind `within` is taken of the target."""
    condition = Relation(key="k", text="near", place=PLACE, name="near", sides=(LAST, lit(100), within))
    assert expected == holds(condition, {term_id(LAST): last})


def crossing(*prices: float | None, zone: Any = None, direction: Any = "up") -> list[Truth]:
    """The answers of `last crosses above 100`, price by price."""
    leaf = Cross(key="k", text="cross", place=PLACE, left=LAST, direction=direction, right=lit(100), dead_zone=zone)
    memory: Any = {}
    found = []
    for price in prices:
        seen = Missing("gone") if price is None else float(price)
        verdict, memory = judge(leaf, Values({term_id(LAST): seen}), memory, NOW)
        found.append(verdict.holds)
    return found


def test_a_crossing_is_true_when_the_side_turns() -> None:
    """The first known side is no crossing; the side is kept through unknown; true for one slot."""
    assert crossing(99, 101, 102, 98, 101) == [False, True, False, False, True]
    assert crossing(101, 102) == [False, False]
    assert crossing(99, None, 101) == [False, None, True]


def test_a_dead_zone_keeps_the_side() -> None:
    """Inside the dead zone the side stays what it was."""
    assert crossing(90, 103, 97, 106, zone=lit(5)) == [False, False, False, True]
    assert crossing(99, 101, 99, direction="either") == [False, True, True]


def test_distance_says_how_far_a_comparison_missed() -> None:
    """A false comparison tells how much was missing; a true one has no distance."""
    near = judge(below(100), Values({term_id(LAST): 100.5}), {}, NOW)[0]
    assert near.distance == 0.5
    assert judge(below(100), Values({term_id(LAST): 99.0}), {}, NOW)[0].distance is None
    far = judge(held(below(100), 60_000), Values({term_id(LAST): 102.0}), {}, NOW)[0]
    assert far.distance == 2.0


def test_an_open_side_is_unknown() -> None:
    """A crossing of a bound that leaves the side open, or with an unknown dead zone, is unknown and says why."""
    depth = term("depth_bid")
    leaf = Cross(key="k", text="cross", place=PLACE, left=depth, direction="up", right=lit(100))
    bound = judge(leaf, Values({term_id(depth): LowerBound(lit(50).value)}), {}, NOW)[0]
    assert (bound.holds, "lower bound" in bound.reason) == (None, True)
    zoned = Cross(key="k", text="cross", place=PLACE, left=lit(1), direction="up", right=lit(100), dead_zone=LAST)
    unknown = judge(zoned, Values({term_id(LAST): Missing("gone")}), {}, NOW)[0]
    assert (unknown.holds, unknown.reason) == (None, "gone")
    inside = judge(zoned, Values({term_id(LAST): 100.0}), {}, NOW)[0]
    assert inside.reason == "inside the dead zone since the start; no side yet"


def test_an_unknown_width_leaves_near_open() -> None:
    """`near` with an unknown width or target is unknown with that reason."""
    for within, target in ((LAST, lit(1)), (lit(1, PERCENT), LAST)):
        leaf = Relation(key="k", text="near", place=PLACE, name="near", sides=(lit(1), target, within))
        assert holds(leaf, {term_id(LAST): Missing("gone")}) is None


def test_a_word_that_is_no_answer_is_unknown() -> None:
    """A number where a yes or no is expected decides nothing."""
    leaf = Flag(key="k", text="exchange is normal", place=PLACE, term=term("exchange"))
    verdict = judge(leaf, Values({term_id(term("exchange")): 1.0}), {}, NOW)[0]
    assert (verdict.holds, "not a yes or no" in verdict.reason) == (None, True)


def test_every_kind_of_leaf_has_its_own_id() -> None:
    """Ids tell leaves apart by what they ask, not by where they stand."""
    common: dict[str, Any] = {"text": "t", "place": PLACE}
    part, flag = below(1), Flag(key="a", term=term("exchange"), **common)
    leaves: list[Any] = [
        part, Relation(key="a", name="between", sides=(LAST, lit(1), lit(2)), **common),
        Relation(key="a", name="near", sides=(LAST, lit(1), lit(2)), **common),
        Cross(key="a", left=LAST, direction="up", right=lit(1), **common),
        Cross(key="a", left=LAST, direction="up", right=lit(1), dead_zone=lit(1), **common),
        flag, Flag(key="a", windows=(), text="time in 09:00-10:00", place=PLACE), held(part, 5), held(flag, 5),
        OfLast(key="a", part=part, form="within", least=1, count=3, timeframe="1h", **common),
        OfLast(key="a", part=part, least=2, count=3, timeframe="1h", **common),
    ]  # fmt: skip
    assert len({leaf_id(leaf) for leaf in leaves}) == len(leaves)
    assert leaf_id(below(1, "elsewhere")) == leaf_id(part)
