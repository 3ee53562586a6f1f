"""What is recorded comes back equal, and tells the same story."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.conditions import judge
from autotrader.engine.explain import detail, lines, retold, story_to_data, verdict_to_data
from autotrader.engine.requests import Context
from autotrader.engine.shown import value_text
from autotrader.engine.state import (
    Pending,
    Phase,
    RuleState,
    Run,
)
from autotrader.engine.values import Values, scalar_from_text, values_to_json
from autotrader.language.plan import Branch
from autotrader.language.readback import written
from autotrader.language.shapes import Moment
from autotrader.language.tree import (
    Cross,
    Kind,
    Literal,
    Named,
    Not,
    OfLast,
    Operation,
    Relation,
    Unit,
    all_of,
)
from autotrader.language.walk import term_id, value_id
from autotrader.market.sources import LowerBound, Missing
from autotrader.records.forms import from_json, run_from_json, run_to_json, to_json
from tests.engine import strategies as some
from tests.worlds.values import (
    LAST,
    NUMBER,
    PERCENT,
    PLACE,
    START,
    World,
    below,
    buy,
    compare,
    held,
    lit,
    notify,
    own,
    plan,
    rule,
    term,
    venue_order,
)

NOW = Moment(START, START - 30_000, 30_000)
scalars = st.one_of(
    st.booleans(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False),
    st.text(),
    st.builds(Missing, st.text()),
    st.builds(LowerBound, st.decimals(allow_nan=False, allow_infinity=False)),
)
times = st.one_of(st.none(), st.integers(0, 2**50))
states = st.builds(
    RuleState,
    phase=st.sampled_from(list(Phase)),
    been_false=st.booleans(),
    rearm_held=st.booleans(),
    leaves=st.dictionaries(st.text(max_size=5), some.memories, max_size=3),
    last_slot_ms=times,
    looking_ms=times,
    last_fired_ms=times,
    cooldown_until_ms=times,
    fired_ms=st.lists(st.integers(0, 2**50), max_size=3).map(tuple),
    pending=st.one_of(st.none(), st.builds(Pending, st.integers(0, 9), times, st.booleans())),
    alerted=st.booleans(),
    when_hash=st.text(),
)


@given(st.dictionaries(st.text(max_size=8), scalars, max_size=6))
def test_values_round_trip(table: dict[str, Any]) -> None:
    """Every value comes back exactly, and of its own type."""
    written = json.loads(json.dumps(values_to_json(Values(table))))
    back = {key: scalar_from_text(text) for key, text in written.items()}
    assert back == table
    assert [type(value) for value in back.values()] == [type(table[key]) for key in back]
    assert [str(value) for value in back.values()] == [str(table[key]) for key in back]


def test_unknown_tags_are_refused() -> None:
    """A text that no value was written as is an error."""
    with pytest.raises(ValueError, match="unknown tag"):
        scalar_from_text("z1")


@given(states)
def test_states_round_trip(state: RuleState) -> None:
    """A rule's state comes back equal."""
    assert from_json(RuleState, json.loads(json.dumps(to_json(state)))) == state


@given(states, st.integers(0, 9))
def test_at_slot_is_replace(state: RuleState, slot: int) -> None:
    """The fast copy is what `replace` would make."""
    assert state.at_slot(slot) == replace(state, last_slot_ms=slot, looking_ms=None)


@given(
    st.sampled_from(("ready", "waiting", "done")), times, st.lists(st.text(), max_size=3).map(tuple), st.integers(0, 2)
)
def test_runs_round_trip(status: Any, until: int | None, names: tuple[str, ...], latest: int) -> None:
    """A run comes back equal, with the order it speaks of."""
    world = World(plan(rule(below(10**9), buy())))
    world.step()
    order = (None, own(labels=("a",)), venue_order(world.orders[0]))[latest]
    run = Run(rule="dip", symbol="BTCJPY", order="", slot_ms=1, branch=0, status=status, hash="h", started_ms=1,
              pending_since_ms=1, retry_until_ms=until, awaiting=names, placed=names, latest=order)  # fmt: skip
    assert run_from_json(json.loads(json.dumps(run_to_json(run)))) == run


# --------------------------------------------------------------------------------------------------------- stories
def told(*prices: int | None, when: Any = None, context: Context | None = None, **more: Any) -> tuple[World, Any]:
    """The story of the last step, rebuilt from what would be recorded."""
    chosen = rule(when or below(100), *more.pop("actions", ()), **more)
    world = World(plan(chosen), context=context or Context(store_id="test"))
    for price in prices[:-1]:
        world.step(price)
    before = {key: from_json(RuleState, to_json(state)) for key, state in world.states.items()}
    outcome = world.step(prices[-1])
    values = Values({key: scalar_from_text(text) for key, text in values_to_json(outcome.values).items()})
    decision = outcome.decisions[0]
    return world, retold(world.plan.rules[0], decision, values, next(iter(before.values()), None))


def test_a_rule_that_just_missed_says_by_how_much() -> None:
    """`why` of a rule that did not fire shows the value, the threshold and the distance."""
    _, story = told(100_012, when=below(100_000))
    assert story.sentence == "dip (BTCJPY) did not fire: its condition was false"
    assert detail(story.parts[0][1]) == "100,012 JPY, 12 JPY short"
    rsi = compare(term("rsi", NUMBER), "<", lit(30, NUMBER))
    assert detail(judge(rsi, Values({term_id(term("rsi", NUMBER)): 30.29}), {}, NOW)[0]) == "30.29, 0.29 points short"


@pytest.mark.parametrize(
    ("prices", "more", "expected"),
    [
        ((90,), {}, "dip (BTCJPY) fired"),
        ((90, 90), {}, "dip (BTCJPY) held, but had fired for this episode already"),
        ((None,), {}, "dip (BTCJPY) did not fire: its condition was unknown: last < 100: ticker: not fetched"),
        ((None,), {"on_unknown": "fire"}, "dip (BTCJPY) fired although its condition was unknown (on_unknown: fire)"),
        ((90, 110, 90), {"cooldown_ms": 90_000},
         "dip (BTCJPY) would have fired, but was blocked: cooling down for another 30s"),
        ((90, 110, 90, 90), {"cooldown_ms": 900_000, "retry_for_ms": 1},
         "dip (BTCJPY) did not fire, and its firing was dropped: cooling down for another 13m30s"),
    ],
)  # fmt: skip
def test_every_decision_is_told_in_one_sentence(prices: Any, more: dict[str, Any], expected: str) -> None:
    """Fired or not, the sentence says why."""
    assert told(*prices, **more)[1].sentence == expected


def test_timers_say_how_far_they_are() -> None:
    """A `for` that is still running shows its progress."""
    _, story = told(90, 90, when=held(below(100), 120_000))
    assert detail(story.parts[0][1]) == "90 JPY, true for 30s of 2m"
    _, story = told(90, None, when=held(below(100), 120_000))
    assert detail(story.parts[0][1]).endswith("ticker: not fetched (true for 0s of 2m, paused)")


@given(st.lists(st.sampled_from((90, 110, None)), min_size=1, max_size=8), st.booleans())
def test_the_retold_tree_is_the_decision(prices: list[int | None], timed: bool) -> None:
    """Rebuilding a verdict from the record gives the answer that was decided on."""
    part = held(below(100), 60_000) if timed else below(100)
    world, story = told(*prices, when=part)
    assert story.parts[0][1].holds == world.decisions[-1].holds


def test_a_tree_has_a_line_for_each_node_and_data_for_programs() -> None:
    """Lines carry depth, mark, text and place; the data can be written as JSON."""
    tree = all_of((below(100), Not(key="n", place=PLACE, part=below(50, "x"))), "w", PLACE)
    _, story = told(90, when=tree, branches=(Branch("a", below(200, "b"), (notify(),)),))
    assert [(line.depth, line.mark, line.text) for line in lines(story.parts[0][1])] == [
        (0, "✓", "all"), (1, "✓", "last < 100"), (1, "✓", "not"), (2, "✗", "last < 50"),
    ]  # fmt: skip
    data = json.loads(json.dumps(story_to_data(story)))
    assert [part["name"] for part in data["conditions"]] == ["when", "if 1"]
    assert data["conditions"][0]["verdict"]["parts"][0]["observed"][0]["exact"] == "d90"


def test_every_leaf_shows_its_sides() -> None:
    """Between, near, crossings and shapes show what they compared."""
    table: dict[str, Any] = {term_id(LAST): Decimal(105), term_id(term("bid")): Decimal(99)}
    common: dict[str, Any] = {"key": "k", "text": "leaf", "place": PLACE}
    zone = Cross(left=LAST, direction="up", right=term("bid"), dead_zone=lit(1), **common)
    leaves: list[tuple[Any, str]] = [
        (Relation(name="between", sides=(LAST, lit(1), lit(100)), **common), "105 JPY, 5 JPY short"),
        (Relation(name="between", sides=(LAST, lit(110), lit(120)), **common), "105 JPY, 5 JPY short"),
        (Relation(name="near", sides=(LAST, lit(100), lit(1, PERCENT)), **common), "105 JPY, 4 JPY short"),
        (Relation(name="near", sides=(LAST, term("bid"), lit(1)), **common),
         "105 JPY against bid = 99 JPY, 5 JPY short"),
        (compare(LAST, "<", term("bid")), "105 JPY against bid = 99 JPY, 6 JPY short"),
        (compare(LAST, "<", lit(105)), "105 JPY, exactly on the threshold, nothing short"),
        (compare(LAST, "<", Operation("-", term("bid"), lit(1), lit(1).unit)),
         "105 JPY against bid - 1 = 98 JPY, 7 JPY short"),
        (zone, "105 JPY against bid = 99 JPY, first known side: up; that is no crossing"),
        (OfLast(part=below(100), least=2, count=3, timeframe="", **common),
         "105 JPY, 5 JPY short, true at 0 of the last 1 checks"),
        (OfLast(part=below(100), form="within", least=1, count=3, timeframe="1h", **common), "105 JPY, "),
        (Named(key="k", name="s", place=PLACE, part=below(100)), ""),
    ]  # fmt: skip
    shown = [detail(judge(leaf, Values(table), {}, NOW, "BTCJPY")[0]) for leaf, _ in leaves]
    assert [text[: len(expected)] for text, (_, expected) in zip(shown, leaves, strict=True)] == [e for _, e in leaves]


def test_bounds_and_unknown_sums_are_shown_as_what_they_are() -> None:
    """ "At least x" is shown so; what it leaves open says so."""
    depth = term("depth_bid", Unit(Kind.AMOUNT, "JPY"))
    values = Values({term_id(depth): LowerBound(Decimal(5))})
    open_one = judge(compare(depth, "<", lit(9)), values, {}, NOW)[0]
    assert detail(open_one) == "at least 5 JPY, only a lower bound is known, and it does not settle this"
    twice = compare(Operation("*", depth, lit(2), depth.unit), ">", lit(9))
    assert judge(twice, values, {}, NOW)[0].holds is True
    assert verdict_to_data(judge(twice, values, {}, NOW)[0])["observed"][0]["value"] == "—"
    none = compare(Operation("*", term("nothing"), lit(2), depth.unit), ">", lit(9))
    assert "not observed" in detail(judge(none, values, {}, NOW)[0])


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (Decimal(15005000), Unit(Kind.PRICE, "JPY"), "15,005,000 JPY"), (-6.021, PERCENT, "-6.02%"),
        (Decimal(150_000), Unit(Kind.DURATION), "2m30s"), (28.444449, NUMBER, "28.4444"), (True, NUMBER, "yes"),
        (False, NUMBER, "no"), ("", Unit(Kind.TEXT), "—"), ("BUY", Unit(Kind.TEXT), "BUY"), (float("nan"), NUMBER, "—"),
        (Missing("x"), NUMBER, "—"), (0.00012, Unit(Kind.AMOUNT, "BTC"), "0.00012 BTC"),
        (1234.567, Unit(Kind.PRICE, "JPY"), "1,234.57 JPY"),
        (Decimal("-0.001"), PERCENT, "0%"), (Decimal(3), Unit(Kind.COUNT), "3"),
    ],
)  # fmt: skip
def test_values_for_the_eye(value: Any, unit: Unit, expected: str) -> None:
    """A value is shown with its unit; only what is shown is rounded."""
    assert value_text(value, unit) == expected


def test_words_are_written_as_people_write_them() -> None:
    """Terms, sums and shifts read like the rule file; ids are canonical."""
    atr = term("atr", timeframe="4h", args=(Decimal(14),), shift=1)
    depth = term("depth_bid", args=(Literal(Decimal("0.50"), PERCENT, "0.5%"),))
    series = term("sma", timeframe="5m", args=(Decimal(30),), series=term("volume", timeframe="5m"), shift=2)
    nodes: list[tuple[Any, str, str]] = [
        (atr, "atr(14, 4h) 1 candle ago", "BTCJPY.atr(14,4h)~1"),
        (depth, "depth_bid(0.5%)", "BTCJPY.depth_bid(0.5:percent)"),
        (series, "sma(30, volume(5m)) 2 candles ago", "BTCJPY.sma(30,BTCJPY.volume(5m))~2"),
        (Operation("*", Operation("+%", LAST, lit(1, PERCENT, "1%"), LAST.unit), lit(2), LAST.unit),
         "(last + 1%) * 2",
         "((BTCJPY.last+%1:percent)*2:price:JPY)"),
        (Operation("%of", lit(20, PERCENT, "20%"), term("free", args=("JPY",)), LAST.unit), "20% of free(JPY)",
         "(20:percent%ofBTCJPY.free(JPY))"),
        (Operation("min", LAST, lit(1), LAST.unit), "min(last, 1)", "min(BTCJPY.last,1:price:JPY)"),
        (Operation("max", LAST, lit(1), LAST.unit), "max(last, 1)", "max(BTCJPY.last,1:price:JPY)"),
    ]  # fmt: skip
    assert [(written(node, "BTCJPY"), value_id(node)) for node, _, _ in nodes] == [
        (text, name) for _, text, name in nodes
    ]
