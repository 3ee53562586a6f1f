"""Conditions over candle columns: alignment without look-ahead, crossings, shapes, and agreement with live."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.conditions import candle_leaves, judge
from autotrader.engine.observe import observe, observe_terms, prepared
from autotrader.engine.rows import answer_now, value_column, verdict_column
from autotrader.engine.values import Values
from autotrader.language.shapes import Moment
from autotrader.language.tree import (
    AtLeast,
    Cross,
    Flag,
    Named,
    Not,
    OfLast,
    Operation,
    Relation,
    Window,
    all_of,
    any_of,
)
from autotrader.language.walk import term_id
from autotrader.market.candles import Candles
from autotrader.market.needs import CandleNeed
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Missing, Sources
from autotrader.market.timeframe import next_open, open_of
from autotrader.times import DAY_MS, HOUR_MS
from tests.engine import strategies as some
from tests.worlds.values import JPY, LAST, NUMBER, PERCENT, PLACE, START, SYMBOL, below, compare, held, lit, term

DAY = START // DAY_MS * DAY_MS
CLOSE = term("close", timeframe="1h")


def candles(
    prices: list[float], timeframe: str = "1h", start: int = DAY, skip: tuple[int, ...] = (), symbol: str = SYMBOL
) -> Candles:
    """A series with these closes; `skip` leaves candles out."""
    opens, moment = [], open_of(start, timeframe)
    for _ in prices:
        opens.append(moment)
        moment = next_open(moment, timeframe)
    keep = [index for index in range(len(prices)) if index not in skip]
    column = np.array([prices[index] for index in keep], dtype=np.float64)
    return Candles(symbol=symbol, timeframe=timeframe, open_ms=np.array([opens[i] for i in keep], dtype=np.int64),
                   open=column, high=column, low=column, close=column, volume=column,
                   turnover=column, asked_ms=start)  # fmt: skip


def series(*known: Candles) -> Any:
    """A lookup over some series."""
    table = {(one.symbol, one.timeframe): one for one in known}
    return lambda symbol, timeframe: table.get((symbol, timeframe), "not fetched")


def answers(condition: Any, base: Candles, *more: Candles) -> list[int]:
    """The answers of a condition over a series."""
    column: list[int] = verdict_column(condition, series(base, *more), base).tolist()
    return column


def cross(direction: Any = "up", right: Any = None, zone: Any = None) -> Cross:
    """`close(1h) crosses ...`."""
    return Cross(key="c", text="cross", place=PLACE, left=CLOSE, direction=direction, right=right or lit(100),
                 dead_zone=zone, timeframe="1h")  # fmt: skip


def test_values_over_a_series() -> None:
    """Operation over columns is the arithmetic of single values; a division by zero is unknown."""
    base = candles([1, 2, 4])
    nodes: list[tuple[Any, list[float]]] = [
        (Operation("+", CLOSE, lit(1), JPY), [2, 3, 5]),
        (Operation("-", CLOSE, lit(1), JPY), [0, 1, 3]),
        (Operation("*", CLOSE, CLOSE, JPY), [1, 4, 16]),
        (Operation("/", lit(4), CLOSE, NUMBER), [4, 2, 1]),
        (Operation("+%", CLOSE, lit(50, PERCENT), JPY), [1.5, 3, 6]),
        (Operation("-%", CLOSE, lit(50, PERCENT), JPY), [0.5, 1, 2]),
        (Operation("%of", lit(50, PERCENT), CLOSE, JPY), [0.5, 1, 2]),
        (Operation("min", CLOSE, lit(2), JPY), [1, 2, 2]),
        (Operation("max", CLOSE, lit(2), JPY), [2, 2, 4]),
        (Operation("min", Operation("/", CLOSE, lit(100), NUMBER), lit(2, PERCENT), PERCENT), [1, 2, 2]),
    ]
    assert [value_column(node, series(base), base).tolist() for node, _ in nodes] == [column for _, column in nodes]
    assert np.isnan(value_column(Operation("/", CLOSE, lit(0), NUMBER), series(base), base)).all()


def test_a_constant_stands_in_every_row() -> None:
    """A number without any word has a row for each candle, and so has a comparison of numbers."""
    base = candles([1, 2, 4])
    assert value_column(lit(5), series(base), base).tolist() == [5, 5, 5]
    assert answers(compare(lit(5), "<", lit(6)), base) == [1, 1, 1]


def test_words_without_candles_are_unknown() -> None:
    """A word that no candle answers, and a series that is not there, give no value."""
    base = candles([1, 2])
    assert np.isnan(value_column(LAST, series(base), base)).all()
    assert np.isnan(value_column(term("close", timeframe="4h"), series(base), base)).all()


def test_a_longer_timeframe_is_seen_only_when_it_has_closed() -> None:
    """At 04:00 the four-hour candle that has just closed is seen, and not a moment earlier."""
    base, four = candles([float(n) for n in range(10)]), candles([100.0, 200.0, 300.0], "4h", start=DAY - 4 * HOUR_MS)
    seen = value_column(term("close", timeframe="4h"), series(base, four), base)
    assert seen.tolist() == [100.0] * 3 + [200.0] * 4 + [300.0] * 3


def test_a_month_is_aligned_too() -> None:
    """Months have their own lengths."""
    base, month = (
        candles([1.0] * 3, "1d", start=open_of(DAY, "1M") - 2 * DAY_MS),
        candles([7.0] * 3, "1M", start=open_of(DAY, "1M") - 40 * DAY_MS),
    )
    assert value_column(term("close", timeframe="1M"), series(base, month), base)[-1] == 7.0
    own = value_column(term("close", timeframe="1M"), series(month), month)
    assert own.tolist() == [7.0] * 3
    assert answers(OfLast(key="k", text="", place=PLACE, part=compare(term("close", timeframe="1M"), ">", lit(5)),
                          least=1, count=2, timeframe="1M"), month) == [1, 1, 1]  # fmt: skip


def test_a_missing_candle_of_another_series_is_unknown() -> None:
    """Where the newest candle that could have closed is missing, an older one does not stand in for it."""
    base = candles([float(n) for n in range(6)])
    other = candles([float(n) for n in range(6)], symbol="ETHJPY", skip=(3,))
    seen = value_column(term("close", timeframe="1h", symbol="ETHJPY"), series(base, other), base)
    assert [bool(np.isnan(value)) for value in seen] == [False, False, False, True, False, False]


@given(st.lists(st.floats(1, 100), min_size=4, max_size=30), st.integers(1, 3))
def test_no_look_ahead(prices: list[float], cut: int) -> None:
    """What comes later changes nothing: a shorter series gives the same answers."""
    conditions = (cross(), compare(CLOSE, ">", term("close", timeframe="1h", shift=1)), cross("either", zone=lit(5)))
    whole, start = candles(prices), candles(prices[:-cut])
    for condition in conditions:
        assert answers(condition, whole)[:-cut] == answers(condition, start)


def test_a_candle_crossing_stays_true_until_the_next_close() -> None:
    """A crossing is true at the close where the side turns; the first known side is none; the dead zone keeps it."""
    prices = [99, 101, 102, 98, 101.0]
    assert answers(cross(), candles(prices)) == [0, 1, 0, 0, 1]
    assert answers(cross("down"), candles(prices)) == [0, 0, 0, 1, 0]
    assert answers(cross("either"), candles(prices)) == [0, 1, 0, 1, 1]
    assert answers(cross(zone=lit(1, PERCENT)), candles([98, 101, 101.5, 99.5, 102.0])) == [0, 0, 1, 0, 0]
    assert answers(cross(zone=lit(5)), candles([90, 103, 97, 106.0])) == [0, 0, 0, 1]
    assert answers(cross(right=term("sma", timeframe="1h", args=(lit(3).value,))), candles([3, 2, 1, 9.0])) == [
        -1,
        -1,
        0,
        1,
    ]
    assert answers(cross(), candles([])) == []


def test_shapes_over_candles() -> None:
    """`within last 3 candles` and `2 of last 3 candles`; a missing candle is unknown."""
    part = compare(CLOSE, ">", lit(5))
    within = OfLast(key="k", text="", place=PLACE, part=part, form="within", least=1, count=3, timeframe="1h")
    two = OfLast(key="k", text="", place=PLACE, part=part, least=2, count=3, timeframe="1h")
    prices = [1, 9, 1, 9, 1, 1, 1.0]
    assert answers(within, candles(prices)) == [-1, 1, 1, 1, 1, 1, 0]
    assert answers(two, candles(prices)) == [-1, -1, 0, 1, 0, 0, 0]
    assert answers(within, candles([1.0] * 6, skip=(2,))) == [-1, -1, -1, -1, 0]
    checks = OfLast(key="k", text="", place=PLACE, part=part, form="within", least=1, count=3, timeframe="")
    assert answers(checks, candles([1.0] * 6, skip=(2,))) == [-1, -1, 0, 0, 0]


def test_combinators_over_columns() -> None:
    """The algebra is the same over columns."""
    base = candles([1, 5, 9.0])
    small, large, unknown = compare(CLOSE, "<", lit(6)), compare(CLOSE, ">=", lit(5)), below(3)
    cases: list[tuple[Any, list[int]]] = [
        (all_of((small, large), "", PLACE), [0, 1, 0]),
        (all_of((small, unknown), "", PLACE), [-1, -1, 0]),
        (any_of((small, unknown), "", PLACE), [1, 1, -1]),
        (AtLeast(key="", place=PLACE, count=2, parts=(small, large, unknown)), [-1, 1, -1]),
        (Not(key="", place=PLACE, part=small), [0, 0, 1]),
        (Not(key="", place=PLACE, part=unknown), [-1, -1, -1]),
        (Named(key="", name="s", place=PLACE, part=small), [1, 1, 0]),
        (Relation(key="", text="", place=PLACE, name="between", sides=(CLOSE, lit(5), lit(9))), [0, 1, 1]),
        (Relation(key="", text="", place=PLACE, name="near", sides=(CLOSE, lit(4), lit(25, PERCENT))), [0, 1, 0]),
        (Flag(key="", text="", place=PLACE, term=term("exchange")), [-1, -1, -1]),
        (Flag(key="", text="", place=PLACE, windows=(Window(120, 180, frozenset(range(7)), "UTC"),)), [0, 1, 0]),
        (held(small, HOUR_MS), [0, 1, 0]),
        (held(unknown, HOUR_MS), [-1, -1, -1]),
    ]
    assert [answers(condition, base) for condition, _ in cases] == [expected for _, expected in cases]


# ----------------------------------------------------------------------------------------------------- live
def live(*known: Candles, now_ms: int) -> Sources:
    """Sources with some series."""
    seen: Any = {CandleNeed(one.symbol, one.timeframe, 10): one for one in known}
    return Sources(now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms, seen=seen))


@given(st.lists(st.floats(95, 105), min_size=3, max_size=15), st.sampled_from(("up", "down", "either")))
def test_live_and_columnar_answers_agree(prices: list[float], direction: str) -> None:
    """At every close the live answer is that of the column."""
    leaf = cross(direction)
    column = answers(leaf, candles(prices))
    for index in range(len(prices)):
        known = live(candles(prices[: index + 1]), now_ms=DAY + (index + 1) * HOUR_MS + 300)
        assert answer_now(leaf, known) == bool(column[index])


def test_live_answers_say_why_they_are_unknown() -> None:
    """No candles, a late candle, too few candles: each has its reason."""
    now = DAY + 3 * HOUR_MS
    assert "not fetched" in str(answer_now(cross(), live(now_ms=now)))
    assert "not there yet" in str(answer_now(cross(), live(candles([1.0] * 2), now_ms=now)))
    mean = cross(right=term("sma", timeframe="1h", args=(lit(9).value,)))
    assert "too few" in str(answer_now(mean, live(candles([1.0] * 3), now_ms=now)))
    other = OfLast(key="k", text="", place=PLACE, part=below(1), form="within", least=1, count=2, timeframe="4h")
    assert answer_now(other, live(now_ms=now)) == Missing("no value of 4h candles in it")


def test_candle_leaves_are_judged_once_and_kept() -> None:
    """The column is kept with its candles, and made anew when one of them is new."""
    first = candles([99, 101.0])
    look = live(first, now_ms=DAY + 2 * HOUR_MS)
    assert answer_now(cross(), look) is True
    kept = first.memo[next(key for key in first.memo if isinstance(key, tuple))]
    assert answer_now(cross(), look) is True
    assert first.memo[next(key for key in first.memo if isinstance(key, tuple))] is kept


def test_the_table_answers_candle_leaves_without_candles() -> None:
    """Once the table is made, a verdict needs no candles any more."""
    from tests.worlds.values import rule

    leaf = cross()
    chosen = rule(all_of((leaf, held(leaf, 0, "when[1]")), "a", PLACE))
    table = observe([prepared(chosen)], live(candles([99, 101.0]), now_ms=DAY + 2 * HOUR_MS))
    assert chosen.when is not None
    assert judge(chosen.when, table, {}, Moment(DAY))[0].holds is True
    assert table.get(term_id(CLOSE)) == 101.0
    blind = observe_terms([CLOSE], live(now_ms=DAY))
    assert isinstance(blind.get(term_id(CLOSE)), Missing)
    verdict = judge(leaf, blind, {}, Moment(DAY))[0]
    assert (verdict.holds, "not observed" in verdict.reason) == (None, True)


@given(some.conditions(), st.data())
def test_columns_and_table_agree_on_one_row(condition: Any, data: st.DataObject) -> None:
    """A one-row column of conditions without memory gives what the value table gives, for known candle values."""
    if any(candle_leaves(condition)) or not isinstance(condition, Relation):
        return
    base = candles([4.0])
    values = Values({term_id(t): Missing("no candle word") for t in some.TERMS})
    column = answers(condition, base)[0]
    truth = judge(condition, values, {}, Moment(DAY))[0].holds
    assert (None if column < 0 else bool(column)) == truth


@pytest.mark.parametrize("timeframe", ["1w", "3d", "1d"])
def test_weeks_and_days_align_to_the_venue_grid(timeframe: str) -> None:
    """Weeks open on Monday, three-day candles on the epoch's grid."""
    base = candles([float(n) for n in range(24 * 15)])
    other = candles([float(n) for n in range(40)], timeframe, start=DAY - 20 * DAY_MS)
    seen = value_column(term("close", timeframe=timeframe), series(base, other), base)
    closes = base.open_ms + HOUR_MS
    for moment, value in zip(closes.tolist(), seen.tolist(), strict=True):
        row = int(np.searchsorted(other.open_ms, open_of(moment, timeframe))) - 1
        assert value == other.close[row]
