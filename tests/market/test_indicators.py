"""Indicators against independent references, and what holds for all of them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.language.tree import Term
from autotrader.language.vocabulary import VOCABULARY, warmup_of
from autotrader.market.candles import Candles
from tests.language.scopes import value
from tests.market.tapes import candles, column, cut, reference, walk

CANDLE_WORDS = sorted(word.name for word in VOCABULARY.values() if word.is_candle)
# (expression, column of the reference, factor, first row at which TA-Lib's convention gives a value)
REFERENCES = [
    ("sma(20, 1d)", "sma.sma", 1.0, 19),
    ("ema(20, 1d)", "ema.ema", 1.0, 19),
    ("wma(14, 1d)", "wma.wma", 1.0, 13),
    ("rsi(14, 1d)", "rsi.rsi", 1.0, 14),
    ("atr(14, 1d)", "atr.atr", 1.0, 14),
    ("natr(14, 1d)", "atr.atrp", 1.0, 14),
    ("bb_upper(20, 2, 1d)", "bb.upperBand", 1.0, 19),
    ("bb_mid(20, 2, 1d)", "bb.sma", 1.0, 19),
    ("bb_lower(20, 2, 1d)", "bb.lowerBand", 1.0, 19),
    ("bb_width(20, 2, 1d)", "bb.width", 100.0, 19),
    ("zscore(20, 1d)", "bb.zScore", 1.0, 19),
    ("stdev(14, 1d)", "stdev.stdDev", 1.0, 13),
    ("stoch_k(14, 3, 3, 1d)", "stoch.k", 1.0, 15),
    ("stoch_d(14, 3, 3, 1d)", "stoch.d", 1.0, 17),
    ("cci(20, 1d)", "cci.cci", 1.0, 19),
    ("highest(20, 1d) 1 candle ago", "donchian.upperBand", 1.0, 20),
    ("lowest(20, 1d) 1 candle ago", "donchian.lowerBand", 1.0, 20),
]
MACD = [
    ("macd(12, 26, 9, 1d)", "macd.macd"),
    ("macd_signal(12, 26, 9, 1d)", "macd.signal"),
    ("macd_hist(12, 26, 9, 1d)", "macd.histogram"),
]


@pytest.mark.parametrize(("expression", "column_name", "scale", "first"), REFERENCES)
def test_every_bar_agrees_with_the_reference(
    expression: str, column_name: str, scale: float, first: int, shared_data: Path
) -> None:
    """With the whole life loaded, the first value and every later one are the reference's, to 1e-9."""
    wanted = reference(shared_data)
    found = column(expression, candles(wanted, from_birth=True))
    assert first == int(np.argmax(~np.isnan(found)))
    assert not np.isnan(found[first:]).any()
    np.testing.assert_allclose(found[first:], wanted[column_name][first:] * scale, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("expression", "column_name"), MACD)
def test_late_bars_of_macd_agree_with_the_reference(expression: str, column_name: str, shared_data: Path) -> None:
    """The reference seeds MACD's fast average earlier; after 300 bars no difference is left."""
    wanted = reference(shared_data)
    found = column(expression, candles(wanted, from_birth=True))
    np.testing.assert_allclose(found[300:], wanted[column_name][300:], rtol=1e-9, atol=1e-9)


def test_macd_begins_at_the_slow_period_and_its_signal_after_both(shared_data: Path) -> None:
    """TA-Lib's convention: the line from candle 26, the signal from candle 34."""
    tape = candles(reference(shared_data), from_birth=True)
    firsts = [int(np.argmax(~np.isnan(column(expression, tape)))) for expression, _ in MACD]
    assert firsts == [25, 33, 33]


def test_changes_of_obv_agree_with_the_reference(shared_data: Path) -> None:
    """Only differences of OBV mean something, and they are the reference's."""
    wanted = reference(shared_data)
    found = column("obv(1d)", candles(wanted))
    np.testing.assert_allclose(np.diff(found), np.diff(wanted["obv.obv"]), rtol=1e-9)


TULIP = [
    ("atr", "atr({0}, 1d)", "atr"), ("cci", "cci({0}, 1d)", "cci"), ("di", "plus_di({0}, 1d)", "plus_di"),
    ("di", "minus_di({0}, 1d)", "minus_di"), ("adx", "adx({0}, 1d)", "adx"), ("mfi", "mfi({0}, 1d)", "mfi"),
    ("mom", "mom({0}, 1d)", "mom"), ("roc", "roc({0}, 1d)", "roc"), ("rsi", "rsi({0}, 1d)", "rsi"),
    ("sma", "sma({0}, 1d)", "sma"), ("wma", "wma({0}, 1d)", "wma"), ("willr", "willr({0}, 1d)", "willr"),
    ("psar", "sar({0}, {1}, 1d)", "psar"), ("stoch", "stoch_k({0}, {1}, {2}, 1d)", "stoch_k"),
    ("natr", "natr({0}, 1d)", "natr"),
]  # fmt: skip


@pytest.mark.parametrize(("indicator", "expression", "output"), TULIP)
def test_last_bars_agree_with_the_textbook(indicator: str, expression: str, output: str, shared_data: Path) -> None:
    """Small vectors of a textbook, rounded there, agree at their last bar where the word is known.

    Vectors whose inputs lack a close (directional movement from high and low alone) are given the middle.
    """
    vectors = json.loads((shared_data / "indicators" / "tulip-vectors.json").read_text(encoding="utf-8"))
    vector = next(each for each in vectors if each["indicator"] == indicator)
    inputs = {name: np.array(values, dtype=np.float64) for name, values in vector["inputs"].items()}
    columns = {"close": inputs.pop("real")} if "real" in inputs else inputs
    if "close" not in columns:
        columns["close"] = (columns["high"] + columns["low"]) / 2
    options = [int(option) if option == int(option) else option for option in vector["options"]]
    found = column(expression.format(*options), candles(columns, from_birth=True))
    wanted = vector["outputs"][output][-1] * (100 if indicator == "roc" else 1)
    tolerance = 0.06 if indicator in ("adx", "di", "atr", "natr") else 0.005
    assert wanted == pytest.approx(float(found[-1]), rel=tolerance, abs=0.01)


def test_vwap_is_turnover_by_volume() -> None:
    """Σ typical price x volume ÷ Σ volume of the last n candles."""
    tape = candles({"close": np.array([1.0, 2.0, 4.0]), "volume": np.array([5.0, 1.0, 3.0])})
    assert [pytest.approx((2 + 12) / 4)] == column("vwap(2, 1d)", tape)[2:].tolist()


def test_supertrend_by_hand() -> None:
    """The upper band holds until a close rises above it, then the rising lower one, until a close falls below that."""
    close = np.array([10.0, 11, 12, 13, 14, 15, 9, 8])
    tape = candles({"close": close, "high": close + 1, "low": close - 1}, from_birth=True)
    found = column("supertrend(2, 1, 1d)", tape)
    # a range of 2 a candle puts the bands at close ± 2; the fall's range of 7 makes that (2 + 7) / 2 = 4.5
    assert found[2:7].tolist() == [14.0, 14.0, 14.0, 13.0, 13.5]


def test_supertrend_agrees_with_ta_libs_own(shared_data: Path) -> None:
    """Newer TA-Libs have the word themselves; ours is the same at every bar."""
    talib = pytest.importorskip("talib")
    if not hasattr(talib, "SUPERTREND"):
        pytest.skip("this TA-Lib has no supertrend")
    wanted = reference(shared_data)
    theirs = talib.SUPERTREND(wanted["high"], wanted["low"], wanted["close"], 10, 3.0)[0]
    found = column("supertrend(10, 3, 1d)", candles(wanted, from_birth=True))
    np.testing.assert_allclose(found[10:], theirs[10:], rtol=1e-12)


@pytest.mark.parametrize("name", CANDLE_WORDS)
@pytest.mark.parametrize("from_birth", [True, False])
def test_no_word_looks_ahead(name: str, from_birth: bool) -> None:
    """The column on a prefix is the prefix of the column, holes or none, to the last bit."""
    text = VOCABULARY[name].example
    for seed, holes in ((1, 0.0), (2, 0.004)):
        tape = walk(1500, seed, holes=holes)
        whole = column(text, _aged(tape, from_birth=from_birth))
        for count in (1, 2, 30, 700, len(tape) - 1):
            part = column(text, _aged(cut(tape, count), from_birth=from_birth))
            assert whole[:count].tobytes() == part.tobytes(), count


def _aged(tape: Candles, *, from_birth: bool) -> Candles:
    return replace(tape, from_birth=from_birth, memo={})


@pytest.mark.parametrize("name", CANDLE_WORDS)
def test_a_known_value_no_longer_depends_on_where_the_history_began(name: str) -> None:
    """What is known after the warm-up is the same with 400 candles less history, to 1e-8 (obv: its changes)."""
    if name == "obv":
        pytest.skip("obv counts from an arbitrary start; only its differences are compared")
    text = VOCABULARY[name].example
    tape = walk(3000, 3)
    later = candles(
        {each: getattr(tape, each)[400:] for each in ("open", "high", "low", "close", "volume")}, timeframe="1h"
    )
    term = value(text)
    assert isinstance(term, Term)
    one, two = column(text, tape)[400:], column(text, later)
    first = warmup_of(term) - 1
    assert np.isnan(two[:first]).all()
    assert not np.isnan(two[first:]).any()
    np.testing.assert_allclose(two[first:], one[first:], rtol=1e-8, atol=1e-3 if "macd" in name else 1e-8)


@pytest.mark.parametrize("name", CANDLE_WORDS)
def test_a_hole_inside_the_own_period_is_unknown_and_an_older_one_is_not(name: str) -> None:
    """A missing candle makes a word unknown exactly as long as it lies inside the word's period."""
    word = VOCABULARY[name]
    text, tape = word.example, walk(2000, 4)
    term = value(text)
    assert isinstance(term, Term)
    assert word.span is not None
    period = word.span(tuple(arg for arg in term.args if not isinstance(arg, str)))  # type: ignore[misc]
    kept = np.arange(2000) != 1500
    holed = candles(
        {each: getattr(tape, each)[kept] for each in ("open", "high", "low", "close", "volume")},
        timeframe="1h",
        positions=np.arange(2000)[kept] * 1.0,
    )
    unknown = np.flatnonzero(np.isnan(column(text, holed)[1500:]))
    assert list(range(period - 1)) == unknown.tolist()


@pytest.mark.parametrize("name", ["rsi", "adx", "plus_di", "stoch_k", "stoch_d", "cci", "mfi", "willr", "zscore"])
def test_a_market_that_never_moved_is_unknown(name: str) -> None:
    """0 ÷ 0 is no value: a frozen market must not look oversold."""
    flat = candles({"close": np.full(900, 9_000_000.0)}, timeframe="1h", from_birth=True)
    assert np.isnan(column(VOCABULARY[name].example, flat)).all()


def test_a_flat_stretch_after_a_wild_one_has_no_deviation() -> None:
    """Windows are summed for themselves: no rounding of old candles is left in a new window."""
    close = np.concatenate((np.random.default_rng(5).random(500) * 1e9, np.full(30, 9_000_000.1)))
    tape = candles({"close": close})
    assert column("stdev(20, 1d)", tape)[-1:].tolist() == [0.0]
    assert np.isnan(column("zscore(20, 1d)", tape)[-1])


def test_prices_around_1e16_are_computed(shared_data: Path) -> None:
    """Very large prices give finite values."""
    with (shared_data / "indicators" / "edge-quotes" / "toobig.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("open", "high", "low", "close", "volume")
    tape = candles({name: np.array([float(row[name]) for row in rows]) for name in names}, from_birth=True)
    for name in CANDLE_WORDS:
        assert np.isfinite(column(VOCABULARY[name].example.replace("1h", "1d"), tape)[-1]), name


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_an_inner_series_that_is_unknown_makes_the_outer_one_unknown(seed: int, count: int) -> None:
    """`ema(9, rsi(14, 1h))` is known only behind both warm-ups, and averages are inside their series' bounds."""
    tape = walk(500 + count, seed)
    inner, outer = column("rsi(14, 1h)", tape), column("sma(9, rsi(14, 1h))", tape)
    first = int(np.argmax(~np.isnan(inner)))
    assert np.isnan(outer[: first + 8]).all()
    assert float(np.mean(inner[-9:])) == pytest.approx(float(outer[-1]))


def test_shifts_are_by_time() -> None:
    """One candle ago is the candle before by the clock, not the row before."""
    tape = candles({"close": np.array([1.0, 2.0, 3.0])}, positions=np.array([0.0, 1.0, 3.0]))
    found = column("close(1d) 1 candle ago", tape)
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == 1.0
