"""Every word has its whole entry, and the reference is written from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.language.expression import parse_template, parse_value
from autotrader.language.expression.check import UNSUPPORTED
from autotrader.language.readback import value_in_words
from autotrader.language.reference import rendered
from autotrader.language.tree import Kind
from autotrader.language.vocabulary import VOCABULARY, needs_of, warmup_of
from autotrader.language.vocabulary.word import Word
from autotrader.market.needs import BookNeed, CandleNeed, TickerNeed
from tests.language.scopes import ORIGIN, SCOPE, value

WRITABLE = [word for word in VOCABULARY.values() if not word.hidden and word.measure != "flag"]
SPECIFIED = [
    "last", "change_24h", "open_24h", "high_24h", "low_24h", "volume_24h", "turnover_24h", "open_day", "high_day",
    "low_day", "change_day", "volume_day", "bid", "ask", "mid", "spread", "depth_bid", "depth_ask", "imbalance",
    "slippage", "change", "open", "high", "low", "close", "volume", "highest", "lowest", "sma", "ema", "wma",
    "rsi", "atr", "natr", "macd", "macd_signal", "macd_hist", "bb_upper", "bb_mid", "bb_lower", "bb_width",
    "stoch_k", "stoch_d", "adx", "plus_di", "minus_di", "cci", "mfi", "obv", "roc", "mom", "willr", "stdev",
    "vwap", "zscore", "supertrend", "sar", "free", "locked", "holding", "spent", "open_buys", "open_sells",
    "order.age", "order.distance", "order.filled", "order.price", "order.size", "order.side", "order.tag",
    "order.id", "age", "errors", "clock_skew", "weight_used",
]  # fmt: skip


def test_the_vocabulary_is_the_specifications() -> None:
    """Every word of the language is there, or is refused as not yet supported."""
    assert set(SPECIFIED) == {word.name for word in WRITABLE}
    assert not UNSUPPORTED & set(SPECIFIED)


@pytest.mark.parametrize("word", WRITABLE, ids=lambda word: word.name)
def test_a_word_is_whole(word: Word) -> None:
    """A word has both sentences, can be read, and its own example is understood and said in words."""
    assert word.english
    assert word.japanese
    assert not word.japanese.isascii()
    assert (word.read is None) == word.is_candle
    assert all(f"{{{index}}}" in word.english or word.is_candle for index in range(len(word.params)))
    found, problems = parse_value(word.example, ORIGIN, SCOPE, frozenset(Kind))
    if word.measure == "text":
        template, problems = parse_template(f"{{{word.name}}}", ORIGIN, SCOPE)
        assert (template is not None, ()) == (True, problems)
        return
    assert found is not None, problems
    assert "{" not in value_in_words(found, "BTCJPY")


def test_the_reference_is_up_to_date() -> None:
    """docs/rule-reference.md is what the vocabulary says."""
    path = Path(__file__).resolve().parents[2] / "docs" / "rule-reference.md"
    anew = "from autotrader.language.reference import rendered; print(rendered(), end='')"
    # The verdict by itself: a difference of two long texts would bury the words behind it.
    same = rendered() == path.read_text(encoding="utf-8")
    assert same, f'write it anew: .venv/bin/python -c "{anew}" > docs/rule-reference.md'


@pytest.mark.parametrize("word", WRITABLE, ids=lambda word: word.name)
def test_a_word_is_in_the_reference(word: Word) -> None:
    """No word ships without its entry."""
    assert f"### `{word.name}`" in rendered()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("close(1h)", 1),
        ("close(1h) 3 candles ago", 4),
        ("sma(200, 1d)", 200),
        ("sma(9, sma(20, 1d))", 28),
        ("ema(20, 1h)", 251),
        ("rsi(14, 1h)", 326),
        ("sma(9, rsi(14, 1h)) 1 candle ago", 335),
    ],
)
def test_warm_up_counts_candles(text: str, count: int) -> None:
    """Windows need their length, smoothed words until the seed weighs 1e-10; series add up, shifts too."""
    term = value(text)
    assert count == warmup_of(term)  # type: ignore[arg-type]
    assert {count} == {need.count for need in needs_of(term) if isinstance(need, CandleNeed)}  # type: ignore[arg-type]


def test_the_seed_of_an_average_weighs_little_after_the_warm_up() -> None:
    """ema(20): (1 - 2/21)^k falls below 1e-10 at the first step that is counted, and not before."""
    steps = warmup_of(value("ema(20, 1h)")) - 20  # type: ignore[arg-type]
    assert (19 / 21) ** steps <= 1e-10 < (19 / 21) ** (steps - 1)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("last", {TickerNeed("BTCJPY")}),
        ("ETHJPY.bid", {BookNeed("ETHJPY", 1)}),
        ("depth_ask(50 levels)", {BookNeed("BTCJPY", 50)}),
        ("depth_bid(0.5%)", {BookNeed("BTCJPY", 100)}),
        ("imbalance(2%)", {BookNeed("BTCJPY", 500)}),
        ("change(1h)", {TickerNeed("BTCJPY"), CandleNeed("BTCJPY", "1m", 62)}),
        ("open_buys", set()),
        ("order.distance", {BookNeed("BTCJPY", 1)}),
    ],
)
def test_needs(text: str, needs: set[object]) -> None:
    """A word names what must be fetched, and no more."""
    assert needs == needs_of(value(text))  # type: ignore[arg-type]
