"""`eval` over a file of candles and a rule that runs are one evaluator: every row is what the slot at it decides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest

from autotrader.cli.eval import scope_of
from autotrader.engine.rows import value_column, verdict_column
from autotrader.language.plan import Every
from autotrader.language.tryout import over_candles, tried
from autotrader.language.walk import tree_terms
from autotrader.market.candles import Candles
from autotrader.market.needs import CandleNeed
from autotrader.market.timeframe import aggregated, open_of
from autotrader.times import MINUTE_MS
from tests.worlds.values import START, SYMBOL, World, plan, rule, sources

EVERYDAY, DEEP = 60, 1_500
FIRST = open_of(START, "1h")
TIMEFRAMES = ("1m", "3m", "5m", "15m")
PRICES = [
    float(price) for price in ("90", "100", "100", "110", "99", "121", "180", "200")
]  # -10 %, ties, equal averages
NUMBERS = ("90", "100", "110", "200")


def tape(closes: list[float], skip: frozenset[int] = frozenset()) -> Candles:
    """Candles of a minute with these closes; some rows are missing, as in a file with a hole."""
    rows = [row for row in range(len(closes)) if row not in skip]
    close = np.array([closes[row] for row in rows])
    opened = np.concatenate((close[:1], close[:-1]))
    return Candles(
        symbol=SYMBOL, timeframe="1m", open_ms=np.array([FIRST + row * MINUTE_MS for row in rows], dtype=np.int64),
        open=opened, high=np.maximum(opened, close) + 1, low=np.minimum(opened, close) - 1, close=close,
        volume=np.ones(len(rows)), turnover=close.copy(), asked_ms=START, from_birth=True,
    )  # fmt: skip


def until(candles: Candles, moment: int, timeframe: str) -> Candles | str:
    """What live would have of a timeframe at a moment: what has closed by then."""
    seen = candles.open_ms + MINUTE_MS <= moment
    names = ("open_ms", "open", "high", "low", "close", "volume", "turnover")
    known = replace(candles, memo={}, **{name: getattr(candles, name)[seen] for name in names})
    return aggregated(known, timeframe)


def series_of(candles: Candles) -> Any:
    """The file's candles in any timeframe, made once, as `eval` makes them."""
    made: dict[str, Candles | str] = {}

    def series(_: str, timeframe: str) -> Candles | str:
        if timeframe not in made:
            made[timeframe] = aggregated(candles, timeframe)
        return made[timeframe]

    return series


def over_file(text: str, candles: Candles) -> list[bool | None]:
    """The rows of `eval --data`."""
    node = over_candles(tried(text, scope_of(SYMBOL)).condition, "1m")
    column = verdict_column(node, series_of(candles), candles)
    return [None if answer < 0 else bool(answer) for answer in column.tolist()]


def by_slots(text: str, candles: Candles) -> list[bool | None]:
    """What a rule with that condition, looked at once a minute, decides at the close of every row."""
    condition = tried(text, scope_of(SYMBOL)).condition
    assert condition is not None, text
    world = World(plan(rule(condition, trigger=Every(MINUTE_MS))))
    timeframes = {term.timeframe for term in tree_terms(condition)} - {""} | {"1m"}
    answers: list[bool | None] = []
    for row, opened in enumerate(candles.open_ms.tolist()):
        world.now_ms = opened + MINUTE_MS
        last = Decimal(repr(float(candles.close[row])))
        seen: dict[Any, Any] = {CandleNeed(SYMBOL, each, 1): until(candles, world.now_ms, each) for each in timeframes}
        seen = {need: found for need, found in seen.items() if not isinstance(found, str)}
        outcome = world.step(sources=sources(world.now_ms, str(last), seen=seen))
        answers += [decision.holds for decision in outcome.decisions]
    return answers


class Draw(Random):
    """Random conditions as people write them."""

    def value(self) -> str:
        """A price."""
        timeframe, count = self.choice(TIMEFRAMES), self.randint(2, 4)
        return self.choice([
            "last", f"close({timeframe})", f"close({timeframe}) 1 candle ago", f"sma({count}, {timeframe})",
            f"highest({count}, {timeframe})", f"close({timeframe}) - 10%", f"sma({count}, {timeframe}) + 10%",
            f"max(close({timeframe}), last)",
        ])  # fmt: skip

    def plain(self) -> str:
        """A condition without a shape."""
        if self.random() < 0.3:
            percent = self.choice([
                f"change({self.randint(1, 6)}m)", f"roc({self.randint(1, 3)}, {self.choice(TIMEFRAMES)})",
                f"body({self.choice(TIMEFRAMES)})", f"(last - {self.value()}) / {self.value()}",
            ])  # fmt: skip
            return f"{percent} {self.choice(['<', '<=', '>', '>='])} {self.choice(['-10%', '0%', '10%'])}"
        left, right = self.value(), self.choice([self.value(), *NUMBERS])
        if self.random() < 0.4:
            zone = self.choice(["", "", " by 5", " by 10%"])
            return f"{left} crosses {self.choice(['above ', 'below ', ''])}{right}{zone}"
        if self.random() < 0.3:
            return f"{left} {self.choice(['between 90 and 110', f'near {right} within 10%'])}"
        return f"{left} {self.choice(['<', '<=', '>', '>='])} {right}"

    def condition(self) -> str:
        """A condition, perhaps with a shape; of what is drawn, the first that makes sense."""
        while True:
            shape = self.choice([
                "", "", " for 2m", " for 5m", " 2 of last 3 checks", " within last 3 checks", " 2 of last 2 candles",
                " within last 3 candles", " 2 of last 4 candles",
            ])  # fmt: skip
            text = self.plain() + shape
            found = tried(text, scope_of(SYMBOL))
            if found.condition is not None and not any(each.severity == "error" for each in found.problems):
                return text


def _agree(count: int) -> tuple[int, int]:
    draw, over_coarser, known = Draw(f"one evaluator {count}"), 0, 0
    for _ in range(count):
        text = draw.condition()
        skip = frozenset(draw.sample(range(3, 40), draw.choice([0, 0, 1, 3])))
        candles = tape([draw.choice(PRICES) for _ in range(45)], skip)
        rows = over_file(text, candles)
        assert rows == by_slots(text, candles), (text, sorted(skip))
        over_coarser += any(f"{each})" in text for each in TIMEFRAMES[1:])
        known += sum(row is not None for row in rows)
    return over_coarser, known


def test_every_row_of_eval_is_what_the_slot_decides() -> None:
    """Crossings, counts of candles, `for`, changes over holes, coarser timeframes: row by row the same answer."""
    over_coarser, known = _agree(EVERYDAY)
    assert over_coarser > EVERYDAY // 3
    assert known > EVERYDAY * 20


@pytest.mark.deep
def test_every_row_of_eval_is_what_the_slot_decides_at_length() -> None:
    """The same over many conditions."""
    _agree(DEEP)


def test_a_crossing_lasts_until_the_next_close_of_its_own_candles() -> None:
    """Between candles of five minutes a crossing is true for five rows of a minute."""
    candles = tape([90.0] * 5 + [110.0] * 10)
    found = over_file("close(5m) crosses above 100", candles)
    assert found == [None] * 4 + [False] * 5 + [True] * 5 + [False]


def test_candles_are_counted_in_their_own_timeframe() -> None:
    """`2 of last 2 candles` of five minutes needs ten minutes, not two rows."""
    found = over_file("close(5m) > 100 2 of last 2 candles", tape([110.0] * 12))
    assert found == [None] * 9 + [True] * 3


def test_a_hole_takes_one_row_of_a_change() -> None:
    """`change(5m)` asks for the candle five minutes ago alone: a hole makes one row unknown, not five."""
    found = over_file("change(5m) >= 0%", tape([100.0] * 20, frozenset({8})))
    assert found == [None] * 5 + [True] * 7 + [None] + [True] * 6


@pytest.mark.parametrize(
    ("text", "closes"),
    [("change(1m) <= -10%", [200.0, 180.0]), ("roc(1, 1m) <= -10%", [200.0, 180.0]),
     ("change(1m) >= 10%", [100.0, 110.0]), ("last <= close(1m) 1 candle ago - 10%", [200.0, 180.0]),
     ("close(1m) / close(1m) 1 candle ago - 1 <= -10%", [200.0, 180.0]),
     ("sma(2, 1m) - sma(2, 1m) 1 candle ago >= 0", [0.1, 0.2, 0.1])],
)  # fmt: skip
def test_exact_boundaries_hold_live_and_over_files(text: str, closes: list[float]) -> None:
    """A condition that holds at equality holds at exactly that value, in both."""
    candles = tape(closes)
    assert over_file(text, candles)[-1] is True
    assert by_slots(text, candles)[-1] is True


def test_values_over_coarser_candles_are_those_that_had_closed() -> None:
    """A value of a coarser timeframe stands for all rows until its next close."""
    candles = tape([float(price) for price in range(100, 112)])
    node: Any = tried("close(5m)", scope_of(SYMBOL)).value
    found = value_column(node, series_of(candles), candles)
    assert [None if np.isnan(value) else value for value in found] == [None] * 4 + [104.0] * 5 + [109.0] * 3


def test_live_sees_the_close_of_the_row_as_the_last_price() -> None:
    """The stage is right, or both sides would agree about nothing."""
    assert by_slots("last >= 100", tape([100.0, 99.0])) == [True, False]
