"""Public market data over real HTTP, against the tape it comes from."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autotrader.simulator import Simulator
from tests.simulator.conftest import Caller

D = Decimal
START = 1_516_806_000_000
MINUTE = 60_000
DAY = 86_400_000


def test_time_moves_only_when_it_is_told_to(sim: Simulator, venue: Caller) -> None:
    """Requests do not move stepped time; advance does, to the millisecond."""
    assert venue.get("time").body == {"serverTime": START}
    assert venue.get("time").body == {"serverTime": START}
    assert sim.advance(1.5) == START + 1500
    assert venue.control("POST", "advance?ms=500")["now"] == START + 2000
    assert venue.get("time").body == {"serverTime": START + 2000}


def test_candles_are_the_recorded_ones(sim: Simulator, venue: Caller, shared_data: Path) -> None:
    """Open, high, low, close of every recorded minute come back; volume and takers' share up to the tape's unit."""
    sim.advance(DAY // 1000)
    file = shared_data / "bitflyer-btcjpy" / "BTCJPY-1m-20180121-20180125.csv"
    with file.open(newline="") as lines:
        recorded = {int(row["open_time"]): row for row in csv.DictReader(lines)}
    served: dict[int, list[Any]] = {}
    start = min(recorded)
    while rows := venue.get("klines", symbol="BTCJPY", interval="1m", startTime=start, limit=1000).body:
        served |= {row[0]: row for row in rows}
        start = rows[-1][0] + 1
    for open_time, row in recorded.items():
        shown = served[open_time]
        assert [D(x) for x in shown[1:5]] == [D(row[name]) for name in ("open", "high", "low", "close")]
        assert abs(D(shown[5]) - D(row["volume"])) <= D("0.000004")
        assert abs(D(shown[9]) - D(row["taker_buy_volume"])) <= D("0.000004")


def test_minutes_without_a_trade_are_flat_and_halts_are_gaps(sim: Simulator, venue: Caller) -> None:
    """Between two recorded minutes there is either a flat row or, in a halt of the tape, nothing."""
    sim.advance(DAY // 1000)
    rows = venue.get("klines", symbol="BTCJPY", interval="1m", startTime=START, endTime=START + DAY, limit=1000).body
    halt = (1_516_820_460_000, 1_516_821_120_000)
    opens = [row[0] for row in rows]
    assert [b for a, b in pairwise(opens) if b - a != MINUTE] == [halt[1]]
    assert not [t for t in opens if halt[0] <= t < halt[1]]
    quiet = [i for i, row in enumerate(rows) if i and row[8] == 0]
    assert all(rows[i][1] == rows[i][2] == rows[i][3] == rows[i][4] == rows[i - 1][4] for i in quiet)


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("1h", 60), ("4h", 240), ("1d", 1440)])
def test_longer_candles_add_up_from_minutes(sim: Simulator, venue: Caller, interval: str, minutes: int) -> None:
    """Every complete candle of an interval is the fold of its minutes."""
    sim.advance(3600 * 10)
    for row in venue.get("klines", symbol="BTCJPY", interval=interval, limit=5).body[:-1]:
        parts: list[list[Any]] = []
        for begin in range(row[0], row[0] + minutes * MINUTE, 1000 * MINUTE):
            end = min(begin + 1000 * MINUTE, row[0] + minutes * MINUTE) - 1
            page = venue.get("klines", symbol="BTCJPY", interval="1m", startTime=begin, endTime=end, limit=1000)
            parts.extend(page.body)
        assert row[6] == row[0] + minutes * MINUTE - 1
        assert (row[1], row[4]) == (parts[0][1], parts[-1][4])
        assert D(row[2]) == max(D(p[2]) for p in parts)
        assert D(row[3]) == min(D(p[3]) for p in parts)
        for column in (5, 7, 9, 10):
            assert D(row[column]) == sum(D(p[column]) for p in parts)
        assert row[8] == sum(p[8] for p in parts)


def test_candles_follow_the_asked_time_zone(venue: Caller) -> None:
    """A JST day opens at 15:00 UTC, a UTC day at midnight; weeks open on Mondays, months on the first."""
    opens = {
        (interval, zone): venue.get("klines", symbol="BTCJPY", interval=interval, timeZone=zone).body[-1][0]
        for interval in ("1d", "1w", "1M")
        for zone in ("0", "9")
    }
    assert opens["1d", "9"] == START
    assert opens["1d", "0"] == START - 15 * 3_600_000
    assert opens["1w", "0"] == 1_516_579_200_000  # Monday 2018-01-22
    assert venue.get("klines", symbol="BTCJPY", interval="1M", limit=1).body[0][6] == 1_517_443_200_000 - 1
    assert venue.get("klines", symbol="BTCJPY", interval="1d", timeZone="15:00").error[1] == -1130


def test_the_last_candle_is_the_open_one_and_still_moves(sim: Simulator, venue: Caller) -> None:
    """Its close time lies ahead of the server's time, and its volume grows until it closes."""
    before = venue.get("klines", symbol="BTCJPY", interval="1m", limit=1).body[0]
    sim.advance(30)
    after = venue.get("klines", symbol="BTCJPY", interval="1m", limit=1).body[0]
    assert before[0] == after[0] == START
    assert after[6] > sim.now_ms
    assert D(after[5]) > D(before[5]) == 0


def test_one_second_candles_fold_to_the_minute(sim: Simulator, venue: Caller) -> None:
    """Sixty of them add up to the minute's candle."""
    sim.advance(120)
    seconds = venue.get("klines", symbol="BTCJPY", interval="1s", startTime=START, limit=60).body
    minute = venue.get("klines", symbol="BTCJPY", interval="1m", startTime=START, limit=1).body[0]
    assert len(seconds) == 60
    assert sum(D(row[5]) for row in seconds) == D(minute[5])
    assert max(D(row[2]) for row in seconds if row[8]) == D(minute[2])
    assert seconds[-1][4] == minute[4]


def test_the_24h_ticker_is_the_fold_of_its_trades(sim: Simulator, venue: Caller) -> None:
    """Open, high, low, volume, count and ids are those of the trades in (closeTime − 24 h, closeTime]."""
    sim.advance(3600 * 7 + 25)
    ticker = venue.get("ticker/24hr", symbol="BTCJPY").body
    assert ticker["closeTime"] - ticker["openTime"] == DAY
    trades: list[dict[str, Any]] = []
    next_id = ticker["firstId"]
    while next_id <= ticker["lastId"]:
        trades.extend(venue.get("aggTrades", symbol="BTCJPY", fromId=next_id, limit=1000).body)
        next_id = trades[-1]["a"] + 1
        sim.exchange.weights.used = 0
    inside = [t for t in trades if ticker["openTime"] < t["T"] <= ticker["closeTime"]]
    assert [t["a"] for t in inside] == list(range(ticker["firstId"], ticker["lastId"] + 1))
    prices = [D(t["p"]) for t in inside]
    volume = sum(D(t["q"]) for t in inside)
    value = sum(D(t["q"]) * D(t["p"]) for t in inside)
    assert (prices[0], max(prices), min(prices), prices[-1]) == tuple(
        D(ticker[name]) for name in ("openPrice", "highPrice", "lowPrice", "lastPrice")
    )
    assert (volume, value, len(inside)) == (D(ticker["volume"]), D(ticker["quoteVolume"]), ticker["count"])
    assert ticker["priceChangePercent"] == f"{(prices[-1] - prices[0]) / prices[0] * 100:.3f}"
    before = venue.get("aggTrades", symbol="BTCJPY", fromId=ticker["firstId"] - 1, limit=1).body[0]
    assert before["T"] <= ticker["openTime"]
    assert before["p"] == ticker["prevClosePrice"]


def test_the_trading_day_ticker_equals_that_days_candle(sim: Simulator, venue: Caller) -> None:
    """timeZone=9 gives the JST day: the figures of the 1d candle in that zone."""
    sim.advance(3600 * 3 + 17)
    ticker = venue.get("ticker/tradingDay", symbol="BTCJPY", timeZone=9).body
    candle = venue.get("klines", symbol="BTCJPY", interval="1d", timeZone=9, limit=1).body[0]
    names = "openTime openPrice highPrice lowPrice lastPrice volume closeTime quoteVolume count"
    assert [ticker[name] for name in names.split()] == candle[:9]


def test_tickers_answer_for_one_for_several_and_for_all(connect: Callable[..., Caller]) -> None:
    """symbol gives an object, symbols and none give arrays; MINI leaves the change out."""
    with Simulator(seed=5) as sim:
        venue = connect(sim)
        for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
            assert venue.get(path, symbol="ETHJPY").body["symbol"] == "ETHJPY"
            some = venue.get(path, symbols='["ETHJPY","BTCJPY"]').body
            assert {row["symbol"] for row in some} == {"ETHJPY", "BTCJPY"}
            assert len(venue.get(path).body) == 3
            assert venue.get(path, symbol="ETHJPY", symbols='["BTCJPY"]').error[1] == -1128
        assert "priceChangePercent" not in venue.get("ticker/24hr", symbol="BTCJPY", type="MINI").body
        assert venue.get("ticker/24hr", symbols='["BTCJPY", "ETHJPY"]').error[1] == -1100
        assert venue.get("ticker/24hr", symbols='["BTCJPY","BTCJPY"]').error[1] == -1151
        assert venue.get("ticker/tradingDay").error[1] == -1102
        assert venue.get("ticker/24hr", symbol="BTCJPY", symbolStatus="HALT").error[1] == -1220
        assert venue.get("ticker/24hr", symbols='["BTCJPY"]', symbolStatus="HALT").body == []


@pytest.mark.parametrize(("limit", "weight"), [(5, 5), (100, 5), (101, 25), (500, 25), (1000, 50), (5000, 250)])
def test_depth_gives_levels_in_order_and_weighs_by_limit(venue: Caller, limit: int, weight: int) -> None:
    """Bids fall, asks rise, they do not cross, and there are as many as asked for."""
    reply = venue.get("depth", symbol="BTCJPY", limit=limit)
    assert reply.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)
    bids = [D(price) for price, _ in reply.body["bids"]]
    asks = [D(price) for price, _ in reply.body["asks"]]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert len(bids) == len(asks) == limit


def test_the_best_quote_is_the_recorded_one(venue: Caller) -> None:
    """At a minute's start the book's top is the tape's quote, price and size."""
    best = venue.get("ticker/bookTicker", symbol="BTCJPY").body
    assert [D(best[name]) for name in ("bidPrice", "bidQty", "askPrice", "askQty")] == [
        D(1245207), D("0.008052"), D(1245225), D("0.08"),
    ]  # fmt: skip


def test_trades_page_forward_by_id_and_by_time(sim: Simulator, venue: Caller) -> None:
    """fromId, startTime and endTime are inclusive; without them the newest come, oldest first."""
    sim.advance(600)
    newest = venue.get("aggTrades", symbol="BTCJPY", limit=20).body
    assert newest[-1]["T"] <= sim.now_ms
    assert [t["a"] for t in newest] == list(range(newest[0]["a"], newest[0]["a"] + 20))
    middle = newest[7]
    assert venue.get("aggTrades", symbol="BTCJPY", fromId=middle["a"], limit=1).body == [middle]
    window = venue.get("aggTrades", symbol="BTCJPY", startTime=middle["T"], endTime=middle["T"]).body
    assert window == [t for t in newest if t["T"] == middle["T"]]
    assert venue.get("aggTrades", symbol="BTCJPY", fromId=1, startTime=START).error[1] == -1128
    assert [t["id"] for t in venue.get("trades", symbol="BTCJPY", limit=20).body] == [t["a"] for t in newest]


def test_avg_price_is_the_volume_weighted_price_of_five_minutes(sim: Simulator, venue: Caller) -> None:
    """Quote volume over volume of the trades in the five minutes that end with the last one."""
    sim.advance(600 + 50)
    shown = venue.get("avgPrice", symbol="BTCJPY").body
    end = shown["closeTime"]
    trades = venue.get("aggTrades", symbol="BTCJPY", startTime=end - 5 * MINUTE + 1, endTime=end).body
    weighted = sum((D(t["p"]) * D(t["q"]) for t in trades), D(0)) / sum((D(t["q"]) for t in trades), D(0))
    assert shown["mins"] == 5
    assert abs(D(shown["price"]) - weighted) < D("0.00000001")


def test_the_market_does_not_know_what_was_traded(connect: Callable[..., Caller]) -> None:
    """Candles, trades and tickers of a day are the same whether someone bought half a coin each hour or not."""

    def day(*, buying: bool) -> list[Any]:
        with Simulator(tape="btcjpy-2018-01") as sim:
            venue = connect(sim)
            for _ in range(24):
                if buying:
                    venue.order("BUY", "MARKET", quantity="0.1")
                    venue.order("SELL", price="1250000", quantity="0.05")
                sim.advance(3600)
            paths = ("klines?symbol=BTCJPY&interval=1m&limit=1000", "aggTrades?symbol=BTCJPY", "ticker/price")
            return [venue.raw("GET", f"/api/v3/{path}").body for path in paths]

    assert day(buying=True) == day(buying=False)


def test_exchange_info_selects_and_describes(venue: Caller) -> None:
    """Symbols, filters, limits; permission sets only when wanted; unknown symbols are -1121."""
    info = venue.get("exchangeInfo", symbol="BTCJPY").body
    assert [s["symbol"] for s in info["symbols"]] == ["BTCJPY"]
    kinds = {f["filterType"] for f in info["symbols"][0]["filters"]}
    assert {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE"} <= kinds
    assert {r["rateLimitType"]: r["limit"] for r in info["rateLimits"]}["REQUEST_WEIGHT"] == 6000
    hidden = venue.get("exchangeInfo", showPermissionSets="false").body
    assert hidden["symbols"][0]["permissionSets"] == []
    assert venue.get("exchangeInfo", permissions="LEVERAGED").body["symbols"] == []
    assert venue.get("exchangeInfo", symbolStatus="BREAK").body["symbols"] == []
    assert venue.get("exchangeInfo", symbol="BTCJPY", symbolStatus="TRADING").error[1] == -1128
    assert venue.get("exchangeInfo", symbol="XXXJPY").error == (400, -1121, "Invalid symbol.")


def test_times_come_in_microseconds_when_asked(venue: Caller) -> None:
    """X-MBX-TIME-UNIT changes every time of a reply; nonsense is -1194."""
    unit = {"X-MBX-TIME-UNIT": "MICROSECOND"}
    assert venue.raw("GET", "/api/v3/time", headers=unit).body == {"serverTime": START * 1000}
    row = venue.raw("GET", "/api/v3/klines?symbol=BTCJPY&interval=1m&limit=1", headers=unit).body[0]
    assert (row[0], row[6]) == (START * 1000, (START + MINUTE) * 1000 - 1)
    assert venue.raw("GET", "/api/v3/time", headers={"X-MBX-TIME-UNIT": "year"}).error[1] == -1194


def test_a_levels_size_is_the_same_however_it_is_asked_for(venue: Caller) -> None:
    """What an order finds before it in the queue is what the depth showed at its price."""
    shown = dict(venue.get("depth", symbol="BTCJPY", limit=1000).body["bids"])
    for number, price in enumerate(list(shown)[::50], 1):
        plain = price.removesuffix(".00000000")
        venue.order(price=plain, quantity="0.001")
        waiting = venue.sim.exchange.markets["BTCJPY"].book.waiting(number)
        assert waiting is not None
        assert waiting.ahead == D(shown[price])
    assert sum(1 for order in venue.sim.orders() if order["status"] == "NEW") == 20


def test_the_rolling_ticker_begins_at_a_whole_minute(sim: Simulator, venue: Caller) -> None:
    """windowSize back from now, widened to the minute; the fold of the minutes since then."""
    sim.advance(3600 + 25)
    shown = venue.get("ticker", symbol="BTCJPY", windowSize="30m").body
    begin = (sim.now_ms - 30 * MINUTE) // MINUTE * MINUTE
    assert (shown["openTime"], shown["closeTime"]) == (begin, sim.now_ms)
    rows = venue.get("klines", symbol="BTCJPY", interval="1m", startTime=begin).body
    assert D(shown["volume"]) == sum(D(row[5]) for row in rows)
    assert D(shown["highPrice"]) == max(D(row[2]) for row in rows if row[8])
    for wrong in ("0m", "60m", "24h", "8d", "1w"):
        assert venue.get("ticker", symbol="BTCJPY", windowSize=wrong).error[1] == -1130


def test_a_symbol_without_trades_in_the_window_says_so(connect: Callable[..., Caller]) -> None:
    """After its end a tape is quiet: flat candles, an old closeTime, and -2016 for the rolling window."""
    with Simulator(tape="btcjpy-2018-01", start_at="2018-01-25T14:58:00Z") as sim:
        venue = connect(sim)
        sim.advance(3600)
        assert venue.get("ticker", symbol="BTCJPY", windowSize="5m").error[1] == -2016
        ticker = venue.get("ticker/24hr", symbol="BTCJPY").body
        assert ticker["closeTime"] < sim.now_ms - 50 * MINUTE
        row = venue.get("klines", symbol="BTCJPY", interval="1m", limit=1).body[0]
        assert (row[4], row[5], row[8]) == (ticker["lastPrice"], "0.00000000", 0)
