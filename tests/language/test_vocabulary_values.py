"""What words answer: exact values, and the reason where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from autotrader.language.tree import Kind, Term, Unit
from autotrader.language.vocabulary import value_of
from autotrader.market.account import Account, Health, OwnOrder, OwnRecord
from autotrader.market.candles import Candles
from autotrader.market.needs import BookNeed, CandleNeed, Need, StatusNeed, TickerNeed, TradingDayNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Seen, Snapshot, Ticker
from autotrader.market.sources import Answer, LowerBound, Missing, Sources
from autotrader.market.timeframe import FIXED_MS
from autotrader.orders import Balance, Fill, Side
from tests.language.scopes import INSTRUMENTS, value

HOUR = FIXED_MS["1h"]
NOW = 1_790_000_000_000 // HOUR * HOUR + 1_000  # a second after the hour
D = Decimal
TICKER = Ticker(
    symbol="BTCJPY", last=D(9_000_000), open=D(10_000_000), high=D(10_100_000), low=D(8_900_000), volume=D(12),
    turnover=D(10**8), change=D(-10), open_time_ms=NOW - 24 * HOUR, close_time_ms=NOW, asked_ms=NOW - 1_000,
)  # fmt: skip
DAY = Ticker(
    symbol="BTCJPY", last=D(9_000_000), open=D(9_500_000), high=D(9_600_000), low=D(8_900_000), volume=D(5),
    turnover=D(10**7), change=D(-5), open_time_ms=NOW - HOUR, close_time_ms=NOW + HOUR, asked_ms=NOW,
)  # fmt: skip
BOOK = Book(
    symbol="BTCJPY",
    bids=((D(9_999_000), D(1)), (D(9_990_000), D(2)), (D(9_900_000), D(4))),
    asks=((D(10_001_000), D(1)), (D(10_010_000), D(1))),
    asked_levels=3, update_id=1, asked_ms=NOW - 2_000,
)  # fmt: skip


def hours(count: int, *, last_open: int = NOW // HOUR * HOUR - HOUR, missing: tuple[int, ...] = ()) -> Candles:
    """Hourly candles up to the one that just closed; `missing` counts back from the last (0)."""
    kept = [back for back in reversed(range(count)) if back not in missing]
    close = np.array([1_000.0 + back % 7 for back in kept])
    return Candles(
        symbol="BTCJPY", timeframe="1h", open_ms=np.array([last_open - back * HOUR for back in kept]),
        open=close, high=close + 1, low=close - 1, close=close, volume=np.ones(len(close)),
        turnover=np.ones(len(close)), asked_ms=NOW,
    )  # fmt: skip


def sources(*seen: tuple[Need, Seen], missing: Mapping[Need, str] | None = None) -> Sources:
    """Sources with these answers of the market."""
    snapshot = Snapshot(now_ms=NOW, seen=dict(seen), missing=missing or {})
    return Sources(now_ms=NOW, snapshot=snapshot, instruments=INSTRUMENTS)


MARKET = sources(
    (TickerNeed("BTCJPY"), TICKER), (TradingDayNeed("BTCJPY"), DAY), (BookNeed("BTCJPY", 3), BOOK),
        (CandleNeed("BTCJPY", "1h", 400), hours(400)),
    (StatusNeed(), ExchangeStatus(normal=True, message="", asked_ms=NOW)),
)  # fmt: skip


def answer(text: str, where: Sources = MARKET) -> Answer:
    """What a written word answers."""
    term = value(text)
    assert isinstance(term, Term)
    return value_of(term, where)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last", D(9_000_000)), ("change_24h", D(-10)), ("turnover_24h", D(10**8)), ("open_day", D(9_500_000)),
        ("volume_day", D(5)), ("bid", D(9_999_000)), ("ask", D(10_001_000)), ("mid", D(10_000_000)),
        ("spread", D("0.02")),
        ("depth_bid(0.5%)", D(9_999_000 + 19_980_000)), ("depth_bid(2 levels)", D(9_999_000 + 19_980_000)),
        ("depth_ask(1 levels)", D(10_001_000)), ("depth_ask(5%)", D(20_011_000)), ("imbalance(0.05%)", D("-0.0001")),
        ("slippage(buy, 10_001_000 JPY)", D("0.01")), ("close(1h)", 1_000.0), ("close(1h) 2 candles ago", 1_002.0),
        ("highest(7, 1h)", 1_007.0),
    ],
)  # fmt: skip
def test_values(text: str, expected: Decimal | float) -> None:
    """Words of the market are read exactly; candle words are the last closed candle's."""
    found = answer(text)
    assert isinstance(found, type(expected))
    assert expected == pytest.approx(found)


def test_a_book_that_ends_too_early_is_at_least_what_was_seen() -> None:
    """The bid side was cut at the asked three levels: beyond its last price nothing is known."""
    assert LowerBound(D(9_999_000 + 19_980_000 + 39_600_000)) == answer("depth_bid(5%)")
    assert LowerBound(D(9_999_000 + 19_980_000 + 39_600_000)) == answer("depth_bid(5 levels)")
    assert isinstance(answer("imbalance(5%)"), Missing)
    assert isinstance(answer("slippage(buy, 900_000_000 JPY)"), Missing)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("last", "ticker is 19s old (limit 15s)"),
        ("spread", "book is 9m old (limit 10s)"),
        ("open_day", "trading-day ticker is 1m1s old (limit 15s)"),
    ],
)
def test_what_is_too_old_is_missing_with_its_age(text: str, reason: str) -> None:
    """The age is counted from the moment the request left."""
    old = sources(
        (TickerNeed("BTCJPY"), replace(TICKER, asked_ms=NOW - 19_000)),
        (BookNeed("BTCJPY", 1), replace(BOOK, asked_ms=NOW - 540_000)),
        (TradingDayNeed("BTCJPY"), replace(DAY, asked_ms=NOW - 61_000)),
    )
    assert Missing(reason) == answer(text, old)


def test_what_was_not_fetched_says_why() -> None:
    """The reason of the fetch is the reason of the word."""
    where = sources(missing={TickerNeed("BTCJPY"): "timed out after 8s"})
    assert Missing("ticker: timed out after 8s") == answer("last", where)
    assert Missing("book: not fetched") == answer("bid", where)
    assert Missing("1h candles: not fetched") == answer("close(1h)", where)
    assert Missing("balances: not fetched") == answer("free(JPY)", where)


def test_an_age_never_goes_stale() -> None:
    """It is the word that tells that something else did."""
    old = sources((TickerNeed("BTCJPY"), replace(TICKER, asked_ms=NOW - 500_000)))
    assert D(500_000) == answer("age(ticker)", old)


def test_while_the_exchange_is_not_normal_its_market_is_unknown() -> None:
    """Maintenance makes market words unknown; the condition itself is answered."""
    status = ExchangeStatus(normal=False, message="system maintenance", asked_ms=NOW)
    where = sources((TickerNeed("BTCJPY"), TICKER), (CandleNeed("BTCJPY", "1h", 9), hours(9)), (StatusNeed(), status))
    for text in ("last", "close(1h)"):
        assert Missing("the exchange is not normal: system maintenance") == answer(text, where)
    from tests.language.scopes import condition

    flag = condition("exchange is normal")
    assert flag.term is not None  # type: ignore[union-attr]
    assert value_of(flag.term, where) is False  # type: ignore[union-attr]


def test_the_latest_closed_candle_must_be_there() -> None:
    """A late candle is named with its span in the account's zone."""
    late = sources((CandleNeed("BTCJPY", "1h", 400), hours(400, last_open=NOW // HOUR * HOUR - 2 * HOUR)))
    found = answer("close(1h)", late)
    assert isinstance(found, Missing)
    assert found.reason.startswith("the 1h candle of ")
    assert found.reason.endswith("is not there yet")


def test_too_few_candles_are_counted() -> None:
    """Warm-up is told in numbers."""
    short = sources((CandleNeed("BTCJPY", "1h", 400), hours(100)))
    assert Missing("needs 326 closed 1h candles, 100 are there") == answer("rsi(14, 1h)", short)
    assert Missing("needs 200 closed 1h candles, 100 are there") == answer("sma(200, 1h)", short)


def test_a_young_symbol_is_exact_once_its_life_is_loaded() -> None:
    """With the whole life loaded only TA-Lib's own need counts."""
    young = sources((CandleNeed("BTCJPY", "1h", 400), replace(hours(20), from_birth=True)))
    assert isinstance(answer("rsi(14, 1h)", young), float)
    found = answer("rsi(30, 1h)", young)
    assert Missing("needs 31 closed 1h candles, the symbol has only 20") == found


def test_a_hole_inside_the_period_is_unknown() -> None:
    """An older hole is not."""
    holed = sources((CandleNeed("BTCJPY", "1h", 500), hours(500, missing=(6,))))
    assert Missing("a 1h candle is missing inside the last 20") == answer("sma(20, 1h)", holed)
    assert isinstance(answer("sma(6, 1h)", holed), float)


def test_change_is_against_the_close_of_the_minute_that_ended_then() -> None:
    """An hour before 09:00:01 the candle 07:59 had just ended."""
    opens = np.arange(NOW // 60_000 * 60_000 - 70 * 60_000, NOW, 60_000)
    close = np.where(opens == NOW // 60_000 * 60_000 - 61 * 60_000, 8_000_000.0, 1.0)
    minutes = replace(hours(1), timeframe="1m", open_ms=opens, close=close, memo={})
    where = sources((TickerNeed("BTCJPY"), TICKER), (CandleNeed("BTCJPY", "1m", 62), minutes))
    assert D("12.5") == answer("change(1h)", where)
    assert isinstance(answer("change(2h)", where), Missing)


def test_balances() -> None:
    """An asset that the account does not list is zero; old balances are none."""
    account = Account(balances={"JPY": Balance("JPY", D(100), D(20))}, balances_asked_ms=NOW - 30_000)
    where = replace(MARKET, account=account)
    assert [D(100), D(20), D(120), D(0)] == [
        answer(text, where) for text in ("free(JPY)", "locked(JPY)", "holding(JPY)", "free(BTC)")
    ]
    old = replace(MARKET, account=replace(account, balances_asked_ms=NOW - 31_000))
    assert Missing("balances are 31s old (limit 30s)") == answer("free(JPY)", old)


def _fill(quote: int, ago_ms: int, side: Side = Side.BUY, symbol: str = "BTCJPY") -> Fill:
    return Fill(
        symbol=symbol, trade_id=1, order_id=1, side=side, price=D(1), quantity=D(quote), quote=D(quote), fee=D(0),
        fee_asset="JPY", time_ms=NOW - ago_ms, is_maker=True,
    )  # fmt: skip


def test_spent_counts_own_buys_of_the_symbol_in_the_window() -> None:
    """Sells, other symbols and older fills do not count."""
    fills = (_fill(1, 0), _fill(10, 3 * HOUR), _fill(100, 3 * HOUR, Side.SELL), _fill(1000, 0, symbol="ETHJPY"))
    where = replace(MARKET, record=OwnRecord(fills=fills))
    assert [D(1), D(11), D(11)] == [answer(text, where) for text in ("spent(2h)", "spent(4h)", "spent(month)")]


def _order(side: Side, state: str) -> OwnOrder:
    return OwnOrder(
        client_order_id="at-1", order_id=1, rule="r", symbol="BTCJPY", side=side, price=D(9_899_010), quantity=D(4),
        executed=D(1), quote_executed=D(1), placed_ms=NOW - 90_000, cancel_at_ms=None, tag="exit",
        labels=(), state=state,
    )  # fmt: skip


def test_orders_of_unknown_fate_count_as_open() -> None:
    """Unknown is not gone."""
    record = OwnRecord(
        orders=(
            _order(Side.BUY, "unknown"),
            _order(Side.BUY, "open"),
            _order(Side.BUY, "done"),
            _order(Side.SELL, "open"),
        )
    )
    where = replace(MARKET, record=record)
    assert (D(2), D(1)) == (answer("open_buys", where), answer("open_sells", where))


def test_words_of_one_order() -> None:
    """Age, distance from its own side, the filled part, and its names."""
    where = replace(MARKET, order=_order(Side.BUY, "open"))
    assert (D(90_000), D(1), D(25)) == (
        answer("order.age", where),
        answer("order.distance", where),
        answer("order.filled", where),
    )
    assert (D(9_899_010), D(4)) == (answer("order.price", where), answer("order.size", where))
    assert Missing("there is no order") == answer("order.age")


def test_health() -> None:
    """Errors are counted in their window; a skew has no sign; what is not known says so."""
    where = replace(
        MARKET,
        record=OwnRecord(errors_ms=(NOW, NOW - 14 * 60_000, NOW - 16 * 60_000)),
        health=Health(clock_skew_ms=-20, weight_used=D(3)),
    )
    assert (D(2), D(20), D(3)) == (
        answer("errors(15m)", where),
        answer("clock_skew", where),
        answer("weight_used", where),
    )
    assert isinstance(answer("clock_skew"), Missing)


def test_a_tick_is_known_only_with_the_filters() -> None:
    """Without the exchange's filters the price step is unknown."""
    tick = value("ask - 1 tick").right.right  # type: ignore[union-attr]
    assert D(1) == value_of(tick, MARKET)  # type: ignore[arg-type]
    assert isinstance(value_of(tick, replace(MARKET, instruments={})), Missing)  # type: ignore[arg-type]


def test_one_sided_books() -> None:
    """A book without bids has an ask, and no spread."""
    where = sources((BookNeed("BTCJPY", 1), replace(BOOK, bids=())))
    assert D(10_001_000) == answer("ask", where)
    for text in ("bid", "mid", "spread", "depth_ask(1%)", "slippage(buy, 5 JPY)", "imbalance(1%)"):
        assert Missing("the book has no bids") == answer(text, where)
    assert Missing("the book has no bids") == answer("order.distance", replace(where, order=_order(Side.BUY, "open")))


def test_ages() -> None:
    """Each kind of data has its age, counted from when it was asked for; what was never had has none."""
    account = Account(balances_asked_ms=NOW - 5, orders_asked_ms={"BTCJPY": NOW - 7}, missing={"ETHJPY": "timed out"})
    where = replace(MARKET, account=account)
    found = [answer(f"age({what})", where) for what in ("ticker", "book", "candles", "balances", "orders")]
    assert [D(1_000), D(2_000), D(0), D(5), D(7)] == found
    assert Missing("orders: timed out") == answer("ETHJPY.age(orders)", where)
    assert Missing("candles: no candles of this symbol were fetched") == answer("ETHJPY.age(candles)", where)
    assert Missing("balances: refused") == answer(
        "age(balances)", replace(MARKET, account=Account(missing={"balances": "refused"}))
    )
    assert Missing("balances: refused") == answer(
        "free(JPY)", replace(MARKET, account=Account(missing={"balances": "refused"}))
    )


def test_change_says_what_it_lacks() -> None:
    """No ticker, no candles, or not that candle."""
    assert Missing("ticker: not fetched") == answer("change(1h)", sources())
    assert Missing("1m candles: not fetched") == answer("change(1h)", sources((TickerNeed("BTCJPY"), TICKER)))


def test_names_of_an_order() -> None:
    """Side, tag and id are text, for notifications."""
    where = replace(MARKET, order=_order(Side.SELL, "open"))
    names = [value_of(Term(f"order.{name}", "BTCJPY", Unit(Kind.TEXT)), where) for name in ("side", "tag", "id")]
    assert names == ["sell", "exit", "at-1"]
    assert isinstance(answer("order.distance", sources()), Missing)
