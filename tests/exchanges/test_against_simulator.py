"""The ports of the Binance adapter against the simulator, over real HTTP with real signatures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from autotrader.errors import SafetyRefused
from autotrader.exchanges.binance.broker import BinanceBroker
from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.candle_store import SeriesKey, SqliteCandleStore, bars_of
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.market.candles import Candles
from autotrader.market.needs import (
    AccountNeed,
    BalancesNeed,
    BookNeed,
    CandleNeed,
    MarketNeed,
    OpenOrdersNeed,
    StatusNeed,
    TickerNeed,
    TradingDayNeed,
)  # fmt: skip
from autotrader.market.snapshot import Snapshot
from autotrader.market.timeframe import open_of
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    NotFound,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    Unknown,
)  # fmt: skip
from autotrader.simulator import Simulator
from autotrader.times import HOUR_MS, MINUTE_MS
from tests.exchanges.scripted import account_of


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A seeded exchange in stepped time."""
    with Simulator(seed=3) as made:
        yield made


@contextmanager
def linked(simulator: Simulator, *, live: bool = True, **settings: Any) -> Iterator[Connection]:
    """A connection with the simulator's first account."""
    account = simulator.accounts[0]
    token = grant_live("live", True, "live") if live else None
    made = VenueSettings(stepped=True, zone=ZoneInfo("Asia/Tokyo"), **settings)
    keys = Credentials(Secret(account.key), Secret(account.secret))
    with connect(made, url=simulator.url, credentials=keys, live_token=token) as connection:
        connection.ask_before_orders(lambda _side: "")
        yield connection


def look(connection: Connection, *needs: MarketNeed) -> Snapshot:
    """One look at the market."""
    return connection.market.observe(frozenset(needs), connection.clock.monotonic() + 60)


def candles(connection: Connection, timeframe: str, count: int) -> Candles:
    """A series, which must be there."""
    found = look(connection, CandleNeed("BTCJPY", timeframe, count)).candles("BTCJPY", timeframe)
    assert isinstance(found, Candles), found
    return found


def broker_of(connection: Connection) -> BinanceBroker:
    """The broker, which must be there."""
    assert connection.broker is not None
    return connection.broker


def counted(simulator: Simulator, path: str) -> int:
    """How often a call was made."""
    return sum(row["count"] for row in simulator.requests()["requests"] if row["path"] == path)


def test_all_needs_are_seen_in_the_fewest_requests(simulator: Simulator) -> None:
    """Tickers of two symbols are one request, best prices of two symbols one; ages start when the request left."""
    needs = (
        TickerNeed("BTCJPY"), TickerNeed("ETHJPY"), BookNeed("BTCJPY", 1), BookNeed("ETHJPY", 1),
        BookNeed("BNBJPY", 20), CandleNeed("BTCJPY", "1h", 14), TradingDayNeed("BTCJPY"), StatusNeed(),
    )  # fmt: skip
    with linked(simulator) as connection:
        seen = look(connection, *needs)
        assert set(seen.seen) == set(needs)
        assert not seen.missing
        assert {value.asked_ms for value in seen.seen.values()} == {simulator.now_ms}
    assert [counted(simulator, f"/api/v3/ticker/{name}") for name in ("24hr", "bookTicker")] == [1, 1]


def test_the_trading_day_begins_at_midnight_of_the_accounts_zone(simulator: Simulator) -> None:
    """A day in Tokyo opens at 15:00 UTC of the day before."""
    with linked(simulator) as connection:
        day = look(connection, TradingDayNeed("BTCJPY")).trading_day("BTCJPY")
    assert not isinstance(day, str)
    assert day.open_time_ms % (24 * HOUR_MS) == 15 * HOUR_MS


def test_candles_are_closed_contiguous_and_paged_back(simulator: Simulator) -> None:
    """1,200 minutes take two pages; the last one closed just now, none is open."""
    with linked(simulator) as connection:
        found = candles(connection, "1m", 1200)
    assert len(found) == 1200
    assert set(np.diff(found.open_ms)) == {MINUTE_MS}
    assert found.open_ms[-1] == open_of(simulator.now_ms, "1m") - MINUTE_MS
    assert not found.from_birth
    assert counted(simulator, "/api/v3/klines") == 2


def test_only_new_candles_are_asked_for(simulator: Simulator) -> None:
    """While none can have closed nothing is asked, and what was computed from a series stays with it."""
    with linked(simulator) as connection:
        first = candles(connection, "1m", 100)
        first.memo["computed"] = 1
        connection.clock.sleep(30)
        again = candles(connection, "1m", 100)
        assert again.memo == {"computed": 1}
        assert again.asked_ms == first.asked_ms + 30_000
        assert counted(simulator, "/api/v3/klines") == 1
        connection.clock.sleep(90)
        later = candles(connection, "1m", 100)
        assert later.memo == {}
        assert list(later.open_ms[-3:]) == [first.open_ms[-1], first.open_ms[-1] + 60_000, first.open_ms[-1] + 120_000]
        assert counted(simulator, "/api/v3/klines") == 2


def test_the_whole_life_of_a_symbol_is_recognised(simulator: Simulator, tmp_path: Path) -> None:
    """Asking for more hours than the symbol has lived gives all of them, and says so, also after a restart."""
    for _ in range(2):
        with linked(simulator, cache=tmp_path) as connection:
            found = candles(connection, "1h", 500)
            assert found.from_birth
            assert len(found) < 500
            assert not candles(connection, "1m", 5).from_birth


def test_a_restart_reads_the_store_and_asks_for_the_rest(simulator: Simulator, tmp_path: Path) -> None:
    """The second process fetches only what closed since, and has the same figures bit for bit."""
    with linked(simulator, cache=tmp_path) as connection:
        before = candles(connection, "1m", 300)
    simulator.advance(180)
    with linked(simulator, cache=tmp_path) as connection:
        after = candles(connection, "1m", 300)
    assert counted(simulator, "/api/v3/klines") == 2
    assert after.open_ms[-1] == before.open_ms[-1] + 3 * MINUTE_MS
    left = 300 - (len(after) - 3)  # the oldest are let go
    assert np.array_equal(before.close[left:], after.close[:-3])
    assert np.array_equal(before.open_ms[left:], after.open_ms[:-3])


def test_a_series_does_not_grow(simulator: Simulator, tmp_path: Path) -> None:
    """However long it runs, what rules ask for is in memory and no more; a new start then has the same candles."""
    with linked(simulator, cache=tmp_path) as connection:
        for _ in range(20):
            found = candles(connection, "1m", 50)
            assert 50 <= len(found) <= 51
            connection.clock.sleep(200)
        grown = candles(connection, "1m", 60)
        assert 60 <= len(grown) <= 61
        assert set(np.diff(grown.open_ms)) == {MINUTE_MS}
    with linked(simulator, cache=tmp_path) as connection:
        assert np.array_equal(candles(connection, "1m", 60).close, grown.close)


def test_a_series_of_a_whole_life_ends_to_be_one(simulator: Simulator, tmp_path: Path) -> None:
    """A young symbol's candles are all there until they are more than rules ask for; then the first are let go."""
    with linked(simulator) as connection:
        asked = len(candles(connection, "1h", 500)) + 2
    with linked(simulator, cache=tmp_path) as connection:
        assert candles(connection, "1h", asked).from_birth
        connection.clock.sleep(6 * 3600)
        later = candles(connection, "1h", asked)
        assert len(later) == asked
        assert not later.from_birth
        assert candles(connection, "1h", asked + 100).from_birth  # whoever asks for more gets them all again
    with linked(simulator, cache=tmp_path) as connection:
        again = candles(connection, "1h", asked)
        assert not again.from_birth
        assert np.array_equal(again.close, later.close)


def test_a_store_that_is_too_old_to_join_is_begun_anew(simulator: Simulator, tmp_path: Path) -> None:
    """Rather than page through months, the series starts again at its newest end, without a hole."""
    store = SqliteCandleStore(tmp_path / "candles.sqlite")
    old = simulator.now_ms - 400 * 24 * HOUR_MS
    opened = open_of(old, "1m")
    store.add(
        SeriesKey(simulator.url, "BTCJPY", "1m"), bars_of([(opened, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)]), from_birth=True
    )
    store.close()
    with linked(simulator, cache=tmp_path) as connection:
        found = candles(connection, "1m", 50)
    assert len(found) == 50
    assert set(np.diff(found.open_ms)) == {MINUTE_MS}
    assert not found.from_birth


def test_a_broken_candle_file_is_made_anew(tmp_path: Path) -> None:
    """The store is a cache: what cannot be read is thrown away."""
    (tmp_path / "candles.sqlite").write_bytes(b"this is no database" * 500)
    store = SqliteCandleStore(tmp_path / "candles.sqlite")
    key = SeriesKey("http://127.0.0.1", "A", "1m")
    store.add(key, bars_of([(60_000, 0.1, 0.3, 0.1, 0.2, 5.0, float("nan"))]))
    bars, from_birth = store.load(key, 10)
    store.close()
    assert (bars["open"][0], bars["close"][0], from_birth) == (0.1, 0.2, False)
    assert np.isnan(bars["turnover"][0])


def test_instruments_are_kept_for_a_day_on_disk_too(simulator: Simulator, tmp_path: Path) -> None:
    """Within a day they are not asked for again, even by a new process; an unknown symbol is absent."""
    with linked(simulator, cache=tmp_path) as connection:
        found = connection.market.instruments(["BTCJPY", "NOPE"])
        assert list(found) == ["BTCJPY"]
        assert found["BTCJPY"].has_filters
        assert connection.market.weight_limit() == 6000
    asked = counted(simulator, "/api/v3/exchangeInfo")
    with linked(simulator, cache=tmp_path) as connection:
        assert connection.market.instruments(["BTCJPY"]) == found
        assert counted(simulator, "/api/v3/exchangeInfo") == asked
        connection.clock.sleep(25 * 3600)
        connection.market.instruments(["BTCJPY"])
    assert counted(simulator, "/api/v3/exchangeInfo") == asked + 1


def test_an_order_lives_from_acceptance_to_cancel(simulator: Simulator) -> None:
    """Placed, seen, found, cancelled: each answer agrees with the exchange's own record to the last digit."""
    with linked(simulator) as connection:
        broker = broker_of(connection)
        ticker = look(connection, TickerNeed("BTCJPY")).ticker("BTCJPY")
        assert not isinstance(ticker, str)
        price = (ticker.last * Decimal("0.9")).quantize(Decimal(1))
        asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT_MAKER, price=price,
                             quantity=Decimal("0.00123"), client_order_id="at-7f3a-one")  # fmt: skip
        accepted = broker.submit(asked, connection.clock.now_ms())
        assert isinstance(accepted, Accepted)
        needs: frozenset[AccountNeed] = frozenset({BalancesNeed(), OpenOrdersNeed("BTCJPY"), OpenOrdersNeed("ETHJPY")})
        account = broker.observe(needs, connection.clock.monotonic() + 60)
        assert not account.missing
        assert account.open_orders["ETHJPY"] == ()
        assert [one.client_order_id for one in account.open_orders["BTCJPY"]] == ["at-7f3a-one"]
        assert account.balances["JPY"].locked == price * asked.quantity == simulator.balances()["JPY"][1]
        assert isinstance(broker.submit(asked, connection.clock.now_ms()), Unknown)
        cancelled = broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="at-7f3a-one"))
        assert isinstance(cancelled, Cancelled)
        found = broker.find("BTCJPY", "at-7f3a-one")
        assert isinstance(found, Order)
        assert found.status is OrderStatus.CANCELED
        assert broker.find("BTCJPY", "at-7f3a-two") == NotFound()
        assert [one.order_id for one in broker.history("BTCJPY", connection.clock.now_ms() - HOUR_MS)] == [
            found.order_id
        ]


def test_fills_are_read_once_each_and_from_where_we_were(simulator: Simulator) -> None:
    """Our trades since a time, then only those after the last one; figures agree with the exchange's."""
    with linked(simulator) as connection:
        broker = broker_of(connection)
        for number in range(3):
            book = look(connection, BookNeed("BTCJPY", 5)).book("BTCJPY")
            assert not isinstance(book, str)
            asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=book.asks[-1][0],
                                 quantity=Decimal("0.001"), client_order_id=f"at-7f3a-{number}")  # fmt: skip
            assert isinstance(broker.submit(asked, connection.clock.now_ms()), Accepted)
            connection.clock.sleep(3)
        since = connection.clock.now_ms() - 50 * HOUR_MS
        fills = broker.fills("BTCJPY", None, since)
        theirs = [(int(row["id"]), Decimal(row["qty"]), Decimal(row["commission"])) for row in simulator.trades()]
        assert [(one.trade_id, one.quantity, one.fee) for one in fills] == theirs
        assert len(fills) >= 3
        assert list(broker.fills("BTCJPY", fills[0].trade_id, since)) == list(fills[1:])
        assert broker.fills("BTCJPY", fills[-1].trade_id, since) == ()


def test_an_order_against_the_filters_is_rejected_and_never_placed(simulator: Simulator) -> None:
    """A price off the tick is the rule's fault, and certain."""
    with linked(simulator) as connection:
        asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal("9000000.5"),
                             quantity=Decimal("0.001"), client_order_id="at-7f3a-one")  # fmt: skip
        found = broker_of(connection).submit(asked, connection.clock.now_ms())
        assert isinstance(found, Rejected)
        assert (found.code, found.fault) == (-1013, "rule")
    assert simulator.orders() == []


def test_without_permission_to_trade_nothing_that_trades_is_sent(simulator: Simulator) -> None:
    """A connection with a key but no token reads; placing and cancelling end before a byte is made."""
    asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal(9_000_000),
                         quantity=Decimal("0.001"), client_order_id="at-7f3a-one")  # fmt: skip
    with linked(simulator, live=False) as connection:
        broker = broker_of(connection)
        account_of(connection).test_order(asked)
        with pytest.raises(SafetyRefused):
            broker.submit(asked, connection.clock.now_ms())
        with pytest.raises(SafetyRefused):
            broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="at-7f3a-one"))
    assert simulator.requests()["trade"] == 0


def test_a_wrong_secret_is_told_from_a_wrong_order(simulator: Simulator) -> None:
    """The venue's -1022 comes back as the key's fault."""
    keys = Credentials(Secret(simulator.accounts[0].key), Secret("x" * 64))
    asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal(9_000_000),
                         quantity=Decimal("0.001"), client_order_id="at-7f3a-one")  # fmt: skip
    with connect(VenueSettings(stepped=True), url=simulator.url, credentials=keys,
                 live_token=grant_live("live", True, "live")) as connection:  # fmt: skip
        connection.ask_before_orders(lambda _side: "")
        found = broker_of(connection).submit(asked, connection.clock.now_ms())
    assert isinstance(found, Rejected)
    assert (found.code, found.fault) == (-1022, "key")


def test_stepped_time_moves_only_by_sleep(simulator: Simulator) -> None:
    """The simulator's time is ours; parts of a millisecond add up."""
    with linked(simulator) as connection:
        began = connection.clock.now_ms()
        look(connection, TickerNeed("BTCJPY"))
        assert connection.clock.now_ms() == began == simulator.now_ms
        for _ in range(4):
            connection.clock.sleep(0.0005)
        assert connection.clock.now_ms() == began + 2 == simulator.now_ms
        assert connection.clock.uncertainty_ms() == 0


def test_real_time_is_synced_over_http() -> None:
    """Against a simulator in real time the offset is found and orders are signed in time."""
    with Simulator(seed=3, time="real") as simulator:
        account = simulator.accounts[0]
        keys = Credentials(Secret(account.key), Secret(account.secret))
        with connect(url=simulator.url, credentials=keys) as connection:
            connection.clock.sync()
            assert abs(connection.clock.now_ms() - simulator.now_ms) < 100
            assert account_of(connection).account().can_trade
            assert connection.market.health().weight_used is not None
