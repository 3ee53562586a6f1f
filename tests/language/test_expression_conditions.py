"""Conditions as users write them, and the trees they become."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrader.language.expression import parse_condition
from autotrader.language.tree import Cross, Flag, For, Kind, Literal, OfLast, Operation, Relation, Term, Unit
from tests.language.scopes import ORIGIN, PARAMS, SCOPE, condition, value

JPY_PRICE = Unit(Kind.PRICE, "JPY")
EXAMPLES = [
    "change_24h <= $dip for 2m", "last > sma(200, 1d)", "spread <= 0.20%", "free(JPY) >= $spend", "change_24h > -3%",
    "spread > 0.40% for 30s", "depth_bid(0.5%) < 300_000 JPY", "age(book) > 20s", "spread < 0.20% for 5m",
    "close(1d) > sma(50, 1d)", "rsi(14, 1h) crosses above 30", "holding(BTC) < 0.05 BTC", "holding(BTC) > 0.0001 BTC",
    "sma(20, 1h) crosses below sma(50, 1h)", "rsi(14, 1h) > 75 for 2h", "order.age > 30m", "order.distance > 1.5%",
    "order.age > 5m", "order.filled < 100%", "change(1h) >= 4%", "change(1h) <= -4%", "age(ticker) > 3m",
    "age(balances) > 10m", "errors(15m) >= 3", "exchange is normal", "last < sma(200, 1d) - 20%",
    "close(4h) > highest(20, 4h) 1 candle ago", "atr(14, 4h) / close(4h) < 3%", "spread < 0.20% for 2m",
    "last < 13_600_000 JPY", "last > 17_500_000 JPY", "depth_ask(5 levels) > 100_000 JPY", "imbalance(1%) > 0.2",
    "slippage(buy, 50_000 JPY) < 0.1%", "macd(12, 26, 9, 4h) > macd_signal(12, 26, 9, 4h)", "spent(month) < 50_000 JPY",
    "spent(7d) < 50_000 JPY", "open_buys < 3", "open_sells <= 1", "clock_skew > 500ms", "weight_used > 30%",
    "highest(10, close(4h)) > last", "ema(9, rsi(14, 1h)) > 50", "sma(30, volume(5m)) > 2 BTC",
    "sar(0.02, 0.2, 1h) < close(1h)", "supertrend(10, 3, 1h) < last", "low_day < open_day", "volume_day > 10 BTC",
    "turnover_24h > 1_000_000_000 JPY", "locked(BTC) <= 0.5 BTC", "rsi($n, 1h) < 30", "rsi(14, $hour) < 30",
]  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_condition_of_the_specification_is_understood(text: str) -> None:
    """The examples of the specification and one use of every other word parse without a remark."""
    found, problems = parse_condition(text, ORIGIN, "when", SCOPE)
    assert (found is not None, problems) == (True, ())


def test_a_comparison_keeps_its_place_key_and_text() -> None:
    """A leaf knows where it stands and what was written."""
    found = condition("last > 5")
    assert isinstance(found, Relation)
    assert (
        found.key,
        found.text,
        found.place.line,
        found.place.column,
        found.place.length,
    ) == ("when", "last > 5", 7, 11, 8)


def test_a_bare_price_takes_the_quote_currency() -> None:
    """`last < 8_000_000` compares with a price in the symbol's quote."""
    found = condition("last < 8_000_000")
    assert isinstance(found, Relation)
    assert Literal(Decimal(8_000_000), JPY_PRICE, "8_000_000") == found.sides[1]


def test_a_price_may_carry_its_currency() -> None:
    """`8_000_000 JPY` beside a price is a price."""
    found = condition("8_000_000 JPY > last")
    assert isinstance(found, Relation)
    assert found.sides[0].unit == JPY_PRICE


def test_percentages_are_in_points_and_durations_in_milliseconds() -> None:
    """`-5%` is -5 and `2m30s` is 150,000 ms."""
    found = condition("change_24h < -5% for 2m30s")
    assert isinstance(found, For)
    assert isinstance(found.part, Relation)
    assert (Decimal(-5), 150_000) == (found.part.sides[1].value, found.span_ms)  # type: ignore[union-attr]


def test_another_symbol_by_prefix() -> None:
    """`ETHJPY.last` is the other symbol's."""
    found = condition("ETHJPY.last > 3")
    assert isinstance(found, Relation)
    assert Term("last", "ETHJPY", JPY_PRICE) == found.sides[0]


def test_words_of_the_account_belong_to_no_symbol() -> None:
    """`free(JPY)` is one question, whichever rule asks it."""
    assert Term("free", "", Unit(Kind.AMOUNT, "JPY"), ("JPY",)) == value("free(JPY)")


def test_equal_questions_are_equal_terms() -> None:
    """`0.50%` and `0.5%`, `60m` and `1h` as arguments ask the same."""
    assert value("depth_bid(0.50%)") == value("depth_bid(0.5%)")
    assert value("change(60m)") == value("change(1h)")


def test_a_series_stands_in_place_of_a_timeframe() -> None:
    """`sma(30, volume(5m))` has the unit and timeframe of its series."""
    found = value("sma(30, volume(5m))")
    assert isinstance(found, Term)
    assert ("5m", Unit(Kind.AMOUNT, "BTC"), "volume") == (found.timeframe, found.unit, found.series.word)  # type: ignore[union-attr]


def test_candles_ago_shifts_every_candle_value() -> None:
    """`(a - b) 2 candles ago` shifts both."""
    found = value("(close(1h) - open(1h)) 2 candles ago")
    assert isinstance(found, Operation)
    assert [found.left.shift, found.right.shift] == [2, 2]  # type: ignore[union-attr]


def test_percent_of_a_price_is_relative() -> None:
    """`sma(200, 1d) - 20%` takes 20% off; the tree says so."""
    found = value("sma(200, 1d) - 20%")
    assert isinstance(found, Operation)
    assert (found.op, found.unit) == ("-%", JPY_PRICE)


def test_percent_and_percent_add_points() -> None:
    """`spread + 0.1%` is a percentage."""
    found = value("spread + 0.1%")
    assert isinstance(found, Operation)
    assert (found.op, found.unit.kind) == ("+", Kind.PERCENT)


@pytest.mark.parametrize("text", ["20% of free(JPY)", "20% * free(JPY)", "free(JPY) * 20%"])
def test_percent_of_an_amount_is_an_amount(text: str) -> None:
    """All three ways of taking a part give the same tree."""
    found = value(text)
    assert isinstance(found, Operation)
    assert ("%of", Unit(Kind.AMOUNT, "JPY")) == (found.op, found.unit)


def test_price_times_base_is_quote() -> None:
    """`holding(BTC) * last` is an amount of yen, because the price is one of BTC."""
    assert Unit(Kind.AMOUNT, "JPY") == value("holding(BTC) * last").unit
    assert Unit(Kind.AMOUNT, "BTC") == value("free(JPY) / ask").unit


def test_a_tick_is_the_symbols_price_step() -> None:
    """`1 tick` is asked of the instrument, that of the price it stands beside."""
    found = value("ETHJPY.ask - 1 tick")
    assert isinstance(found, Operation)
    assert isinstance(found.right, Operation)
    assert Term("tick", "ETHJPY", JPY_PRICE) == found.right.right


def test_products_bind_tighter_than_sums() -> None:
    """`a + b * 2` multiplies first."""
    found = value("bid + ask * 2")
    assert isinstance(found, Operation)
    assert found.op == "+"


def test_like_by_like_is_a_number_that_compares_with_a_percentage() -> None:
    """`atr / close < 3%` keeps the percentage beside the plain ratio."""
    found = condition("atr(14, 4h) / close(4h) < 3%")
    assert isinstance(found, Relation)
    assert tuple(side.unit.kind for side in found.sides) == (Kind.NUMBER, Kind.PERCENT)


def test_minimum_adopts_the_unit() -> None:
    """`min(last, 8_000_000)` is a price."""
    found = value("min(last, 8_000_000)")
    assert isinstance(found, Operation)
    assert (found.op, found.unit, found.right.unit) == ("min", JPY_PRICE, JPY_PRICE)


def test_between_near_and_their_units() -> None:
    """Both ends of `between` and the distance of `near` fit the value."""
    one, two = condition("last between 8_000_000 and 9_000_000 JPY"), condition("last near 9_000_000 within 0.5%")
    assert isinstance(one, Relation)
    assert isinstance(two, Relation)
    assert (one.name, [side.unit for side in one.sides]) == ("between", [JPY_PRICE] * 3)
    assert (two.name, two.sides[2].unit.kind) == ("near", Kind.PERCENT)


@pytest.mark.parametrize(
    ("text", "direction", "timeframe"),
    [
        ("rsi(14, 1h) crosses above 30", "up", "1h"),
        ("last crosses below sma(20, 1h)", "down", ""),
        ("sma(20, 1h) crosses sma(20, 4h)", "either", "1h"),
    ],
)
def test_crossings_of_candle_values_are_judged_per_close_of_the_finest(
    text: str, direction: str, timeframe: str
) -> None:
    """Where every term is a candle value the timeframe is set; else the side is stored."""
    found = condition(text)
    assert isinstance(found, Cross)
    assert (direction, timeframe) == (found.direction, found.timeframe)


def test_a_crossing_may_have_a_dead_zone() -> None:
    """`by 0.2%` is kept with the crossing."""
    found = condition("last crosses above 9_000_000 by 0.2%")
    assert isinstance(found, Cross)
    assert found.dead_zone is not None
    assert Kind.PERCENT is found.dead_zone.unit.kind


def test_shapes_over_candles_and_checks() -> None:
    """`within last` and `k of last` count candles of the one timeframe, or checks."""
    one, two = condition("rsi(14, 1h) < 30 within last 3 candles"), condition("spread > 0.4% 3 of last 5 checks")
    assert isinstance(one, OfLast)
    assert isinstance(two, OfLast)
    assert (one.form, one.least, one.count, one.timeframe) == ("within", 1, 3, "1h")
    assert (two.form, two.least, two.count, two.timeframe) == ("of", 3, 5, "")


def test_a_number_before_a_shape_is_the_shapes() -> None:
    """In `rsi(14, 1h) < 30 3 of last 5 candles` thirty is compared and three are counted."""
    found = condition("rsi(14, 1h) < 30 3 of last 5 candles")
    assert isinstance(found, OfLast)
    assert isinstance(found.part, Relation)
    assert (Decimal(30), 3) == (found.part.sides[1].value, found.least)  # type: ignore[union-attr]


def test_flags() -> None:
    """`exchange is normal` and time windows are conditions by themselves."""
    one, two = condition("exchange is normal"), condition("time in 09:00-18:00 JST mon-fri, 22:00-02:00 for 5m")
    assert isinstance(one, Flag)
    assert isinstance(two, For)
    assert isinstance(two.part, Flag)
    first, second = two.part.windows
    assert (540, 1080, frozenset(range(5)), "Asia/Tokyo") == (
        first.start_minute,
        first.end_minute,
        first.days,
        first.zone,
    )
    assert (1320, 120, frozenset(range(7))) == (second.start_minute, second.end_minute, second.days)


def test_parameters_keep_their_name_and_value() -> None:
    """`$dip` is the value with the name beside it."""
    found = condition("change_24h <= $dip")
    assert isinstance(found, Relation)
    right = found.sides[1]
    assert isinstance(right, Literal)
    assert ("$dip", "dip", PARAMS["dip"].value) == (right.text, right.param, right.value)


def test_an_unknown_symbol_offline_is_a_note_only() -> None:
    """A symbol that the table lacks may exist at the exchange; base and quote are read from its name."""
    found, problems = parse_condition("XLMJPY.last > 3", ORIGIN, "when", SCOPE)
    assert found is not None
    assert [problem.severity for problem in problems] == ["note"]


@pytest.mark.parametrize("text", ["rsi(14, 1h) <= 100", "imbalance(1%) >= -1", "order.filled <= 100%"])
def test_what_is_always_true_is_a_warning(text: str) -> None:
    """A comparison that nothing can make false is pointed out."""
    found, problems = parse_condition(text, ORIGIN, "when", SCOPE)
    assert found is not None
    assert [problem.code for problem in problems] == ["AT301"]


def test_a_breakout_without_shift_is_a_warning() -> None:
    """`close > highest` of the same candles can never be true; the hint names the shift."""
    found, problems = parse_condition("close(4h) > highest(20, 4h)", ORIGIN, "when", SCOPE)
    assert found is not None
    assert "1 candle ago" in problems[0].hint
