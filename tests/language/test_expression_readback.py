"""What is read back in words, and walks over trees."""

from __future__ import annotations

import pytest

from autotrader.language.readback import in_words, written_condition
from autotrader.language.tree import AtLeast, Condition, Named, Not, Place, all_of, any_of
from autotrader.language.vocabulary import needs_of_condition
from autotrader.language.walk import tree_terms
from autotrader.market.needs import CandleNeed, TickerNeed
from tests.language.scopes import condition

HERE = Place("f", 1, 1)
SENTENCES = [
    ("change_24h <= $dip for 2m", "the change over 24 hours is at most -5% ($dip) for at least 2m"),
    ("last < sma(200, 1d) - 20%", "the last traded price is below the simple average of 200 1d candles minus 20%"),
    ("rsi(14, 1h) crosses above 30 by 2", "the RSI of 14 1h candles crosses above 30, by more than 2"),
    ("ETHJPY.last > 3_000.5", "the last traded price of ETHJPY is above 3,000.5 JPY"),
    ("close(4h) 1 candle ago > 3", "the close of the last 4h candle, 1 candle ago is above 3 JPY"),
    ("sma(5, volume(1h)) > 2 BTC", "the simple average of 5 1h candles of volume(1h) is above 2 BTC"),
    ("spent(month) < 5 JPY", "what was spent on buys in this month is below 5 JPY"),
    ("errors(15m) >= 3", "failed requests and orders of unknown fate in the last 15m is at least 3"),
    ("last between 8 and 9", "the last traded price is between 8 JPY and 9 JPY"),
    ("last near 8 within 1%", "the last traded price is within 1% of 8 JPY"),
    ("min(bid, last) > max(3, mid)",
     ("the smaller of the best bid and the last traded price is above "
     "the larger of 3 JPY and the middle of bid and ask")),
    ("bid < ask - 2 ticks", "the best bid is below the best ask minus 2 ticks"),
    ("exchange is normal", "the exchange runs normally"),
    ("time in 09:00-18:00 JST sat,sun", "the time is in 09:00-18:00 JST sat,sun"),
    ("rsi(14, 1h) < 30 2 of last 5 candles", "at 2 of the last 5 candles the RSI of 14 1h candles is below 30"),
    ("last > 5 within last 1 checks", "at one of the last 1 check the last traded price is above 5 JPY"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "part"), SENTENCES)
def test_a_condition_in_words(text: str, part: str) -> None:
    """The sentence says what the engine will do."""
    assert part == in_words(condition(text), "BTCJPY")


def _structure() -> Condition:
    one, two = condition("last > 5"), condition("rsi(14, 1h) < 30")
    signal = Named(key="k", name="up", place=HERE, part=two)
    either = any_of((one, Not(key="k", place=HERE, part=two)), "k", HERE)
    return all_of((either, AtLeast(key="k", place=HERE, count=1, parts=(signal, two))), "k", HERE)


def test_structure_in_words() -> None:
    """Combinators and signals are told apart."""
    whole = _structure()
    assert (
        written_condition(whole, "BTCJPY")
        == "all(any(last > 5; not(rsi(14, 1h) < 30)); at_least(1)(signal(up); rsi(14, 1h) < 30))"
    )
    text = in_words(whole, "BTCJPY")
    for part in ("either ", " or ", " and ", "it is not so that", "at least 1 of these hold", "the signal up holds"):
        assert part in text


def test_walks_see_everything_in_order() -> None:
    """Terms come in written order, through structure and signals."""
    whole = _structure()
    assert [term.word for term in tree_terms(whole)] == ["last", "rsi", "rsi", "rsi"]
    assert {TickerNeed("BTCJPY"), CandleNeed("BTCJPY", "1h", 326)} == needs_of_condition(whole)


@pytest.mark.parametrize(
    ("text", "count"),
    [("rsi(14, 1h) < 30", 326), ("rsi(14, 1h) crosses above 30", 346),
     ("rsi(14, 1h) crosses above 30 by 2", 526), ("rsi(14, 1h) < 30 within last 9 candles", 335)],
)  # fmt: skip
def test_looking_back_needs_earlier_closes(text: str, count: int) -> None:
    """Crossings and counts over candles need the closes before the last one too."""
    assert {CandleNeed("BTCJPY", "1h", count)} == needs_of_condition(condition(text))


def test_time_windows_need_nothing() -> None:
    """The clock is always there."""
    assert not needs_of_condition(condition("time in 09:00-18:00 for 5m"))
