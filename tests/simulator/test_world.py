"""The simulator as a whole: determinism, books that balance, tapes, life and end of the server, the command."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrader.simulator import Account, Exchange, Simulator, SimulatorError, TapeError, read_accounts
from autotrader.simulator.auth import hmac_hex
from autotrader.simulator.tape import MINUTE, TapeMinute, load, path
from autotrader.simulator.tape_import import recorded
from tests.simulator.conftest import Caller
from tests.worlds.work import calls

D = Decimal


def _ask(exchange: Exchange, account: Account, method: str, call: str, query: str) -> tuple[int, Any]:
    """A signed request without HTTP."""
    query = f"{query}&timestamp={exchange.now_ms}"
    query += f"&signature={hmac_hex(account.secret, query.encode())}"
    answer = exchange.handle(method, f"/api/v3/{call}", query.encode(), b"", {"x-mbx-apikey": account.key})
    return answer.status, json.loads(answer.body)


def _random_day(seed: int, steps: int = 120) -> Simulator:
    """Two accounts that do random things on the tape; the books are checked after each."""
    draw = random.Random(seed)
    accounts = [Account.named("a"), Account.named("b")]
    sim = Simulator(tape="btcjpy-2018-01", accounts=accounts)
    exchange = sim.exchange
    for _ in range(steps):
        account = draw.choice(accounts)
        side = draw.choice(("BUY", "SELL"))
        price = 1_245_000 + draw.randrange(-6000, 6000)
        quantity = draw.randrange(100, 400_000)
        force = draw.choice(("GTC", "GTC", "IOC", "FOK"))
        base = f"symbol=BTCJPY&side={side}&quantity=0.{quantity:06d}"
        action = draw.randrange(8)
        if action < 4:
            _ask(exchange, account, "POST", "order", f"{base}&type=LIMIT&timeInForce={force}&price={price}")
        elif action == 4:
            _ask(exchange, account, "POST", "order", f"{base}&type=MARKET")
        elif action == 5:
            _ask(exchange, account, "POST", "order", f"{base}&type=LIMIT_MAKER&price={price}")
        elif action == 6:
            _ask(exchange, account, "DELETE", "openOrders", "symbol=BTCJPY")
        exchange.advance(draw.randrange(0, 40_000))
        exchange.engine.check()
    return sim


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_what_leaves_one_balance_arrives_in_another_or_in_fees(seed: int) -> None:
    """After every one of many random actions the sum over accounts, market and fees is what was paid in."""
    _random_day(seed, steps=60)


def test_two_runs_give_the_same_bytes() -> None:
    """Stepped time: the same actions leave the same state, ids and all."""
    first, second = (json.dumps(_random_day(7).state(), sort_keys=True) for _ in range(2))
    assert first == second
    assert '"status": "PARTIALLY_FILLED"' in first or '"status": "FILLED"' in first


def test_the_size_of_the_steps_does_not_matter(connect: Callable[..., Caller]) -> None:
    """A resting order's fate over six hours is the same in one step and in many."""

    def fate(step: int) -> str:
        with Simulator(tape="btcjpy-2018-01") as sim:
            venue = connect(sim)
            venue.order(price="1235000", quantity="0.5")
            venue.order("SELL", price="1251000", quantity="0.7")
            for _ in range(0, 6 * 3600, step):
                sim.advance(step)
            return json.dumps(sim.state())

    assert fate(6 * 3600) == fate(7200) == fate(30)


def test_a_day_in_minutes_stays_quick(connect: Callable[..., Caller]) -> None:
    """A minute with resting orders is no more work at the day's end than at its beginning, nor is a look."""
    with Simulator(tape="btcjpy-2018-01", weight_limit=10**9) as sim:
        venue = connect(sim)
        for offset in range(10):
            venue.order(price=str(1_200_000 - offset), quantity="0.01")

        def hours(count: int) -> None:
            for _ in range(60 * count):
                sim.advance(60)

        def look() -> None:
            for path, query in (("ticker/24hr", b"symbol=BTCJPY"), ("klines", b"symbol=BTCJPY&interval=1h&limit=500")):
                answer = sim.exchange.handle("GET", f"/api/v3/{path}", query, b"", {}, "127.0.0.1")
                assert answer.status == 200

        first, early = calls(lambda: hours(1)), calls(look)
        hours(22)
        last, late = calls(lambda: hours(1)), calls(look)
        assert first < 60 * 1_000
        assert last < 1.5 * first
        assert late < 1.5 * early


def test_real_time_runs_by_itself_and_faster_when_asked(connect: Callable[..., Caller]) -> None:
    """A hundred times as fast: ten seconds of market time pass in well under one."""
    before = time.time() * 1000
    with Simulator(seed=1, time="real", speed=100) as sim:
        venue = connect(sim)
        begun = venue.get("time").body["serverTime"]
        assert abs(begun - before) <= 1 + 101 * (time.time() * 1000 - before)
        time.sleep(0.1)
        assert venue.get("time").body["serverTime"] - begun >= 10_000
        with pytest.raises(SimulatorError, match="real time"):
            sim.advance(1)


def test_the_desk_counts_requests_and_those_that_trade(venue: Caller) -> None:
    """Calls by method, path and whether signed; the desk itself is not counted."""
    venue.get("ping")
    venue.order(price="1200000", quantity="0.01")
    venue.signed("POST", "order/test", symbol="BTCJPY", side="BUY", type="MARKET", quantity="0.01")
    venue.signed("DELETE", "openOrders", symbol="BTCJPY")
    shown = venue.control("GET", "requests")
    assert (shown["total"], shown["trade"]) == (4, 2)
    assert {"method": "POST", "path": "/api/v3/order", "signed": True, "count": 1} in shown["requests"]


def test_the_desk_explains_what_it_cannot_do(venue: Caller) -> None:
    """Wrong words are answered with what is allowed."""
    assert "a whole number of milliseconds" in venue.control("POST", "advance?ms=-1")["error"]
    assert "one of BTCJPY" in venue.control("POST", "symbol-status?symbol=X&status=HALT")["error"]
    assert "one of TRADING" in venue.control("POST", "symbol-status?symbol=BTCJPY&status=X")["error"]
    assert "POST /simulator/advance" in venue.control("GET", "nothing")["error"]
    assert venue.control("GET", "check") == {"ok": True}


def test_money_can_be_paid_in_and_out(sim: Simulator, venue: Caller) -> None:
    """A deposit shows at once; more than is free cannot leave."""
    assert venue.control("POST", "deposit?asset=JPY&amount=5")["free"] == "10000005.00000000"
    assert "error" in venue.control("POST", "deposit?asset=JPY&amount=-99999999")
    sim.check()


def test_secrets_are_not_shown(sim: Simulator, venue: Caller) -> None:
    """Neither the state nor an account's text form holds a secret or a key's secret half."""
    shown = json.dumps(venue.control("GET", "state")) + repr(sim.accounts[0])
    assert sim.accounts[0].secret not in shown


# ---- HTTP ----------------------------------------------------------------------


def test_the_server_leaves_nothing_behind() -> None:
    """After the with-block no thread of it lives, although a client still held its connection open."""
    before = set(threading.enumerate())
    with Simulator(seed=1) as sim:
        connection = http.client.HTTPConnection("127.0.0.1", sim.port)
        connection.request("GET", "/api/v3/ping")
        assert connection.getresponse().read() == b"{}"
        assert set(threading.enumerate()) > before
    connection.close()
    assert set(threading.enumerate()) == before


def test_many_clients_are_served_at_once(connect: Callable[..., Caller]) -> None:
    """Eight threads place fifty orders each; every one is booked once."""
    with Simulator(seed=1, order_limits=(10**6, 10**6)) as sim:
        callers = [connect(sim) for _ in range(8)]

        def work(caller: Caller) -> None:
            for _ in range(50):
                assert caller.order(price="9000000", quantity="0.0001", timeInForce="IOC").status == 200

        threads = [threading.Thread(target=work, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [row["orderId"] for row in sim.orders()] == list(range(1, 401))
        sim.check()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /api/v3/ping HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST /api/v3/order HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /api/v3/order HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
        (b"GET /api/v3/ping HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /api/v3/ping HTTP/1.1\r\nConnection: close\r\n\r\n", b"200"),
        (b"POST /x HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n", b"404"),
    ],
)
def test_odd_http_is_answered_and_hung_up(sim: Simulator, sent: bytes, status: bytes) -> None:
    """What is not understood gets a plain refusal; closing is done when asked for."""
    import socket

    with socket.create_connection(("127.0.0.1", sim.port), timeout=60) as connection:
        connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    assert received.split(b" ")[1] == status


# ---- tapes -----------------------------------------------------------------------

_price = st.integers(1000, 1200).map(D)


@st.composite
def _minutes(draw: st.DrawFn) -> TapeMinute:
    a, b, c, d = sorted(draw(st.lists(_price, min_size=4, max_size=4)))
    opened, closed = draw(st.permutations([b, c]))
    volume = draw(st.integers(1, 10_000))
    return TapeMinute(0, opened, d, a, closed, volume, draw(st.integers(0, volume)), None)


@given(_minutes())
def test_the_path_of_a_minute_gives_its_candle_back(minute: TapeMinute) -> None:
    """Open, extremes, close, volume and takers' share of the path are the minute's; times rise inside it."""
    trades = path(minute)
    prices = [t.price for t in trades]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (minute.open, minute.high, minute.low, minute.close)
    assert sum(t.units for t in trades) == max(minute.volume, len({t.offset for t in trades}))
    assert sum(t.units for t in trades if t.taker_buys) == minute.taker_buy
    offsets = [t.offset for t in trades]
    assert offsets == sorted(offsets)
    assert offsets[-1] < MINUTE


def test_the_packaged_tape_is_what_the_recorded_files_give(shared_data: Path) -> None:
    """Making it again from the recorded candles and quotes gives the same minutes and halts; its origin is named."""
    folder = shared_data / "bitflyer-btcjpy"
    made = recorded(
        folder / "BTCJPY-1m-20180121-20180125.csv", folder / "BTCJPY-quotes-1m-20180121-20180125.csv",
        "BTCJPY", D("0.000001"), 1_516_806_000_000,
    )  # fmt: skip
    packaged = load("btcjpy-2018-01")["BTCJPY"]
    assert (packaged.rows, packaged.halts, packaged.play_from) == (made.rows, made.halts, made.play_from)
    file = Path(__file__).parents[2] / "autotrader" / "simulator" / "tapes" / "btcjpy-2018-01.csv.gz"
    assert b"#origin bitFlyer BTC_JPY" in gzip.decompress(file.read_bytes())[:200]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello", "line 1 must be"),
        ("#autotrader-tape 1\n#symbol BTCJPY unit=x\n", "line 2"),
        ("#autotrader-tape 1\nwrong\n", "line 2 must be the header"),
        ("#autotrader-tape 1\n#symbol A unit=1\n{}\nA,1,5,6,4,9,1,1,,,,\n", "line 4: prices or time out of order"),
        ("#autotrader-tape 1\n#symbol A unit=1\n{}\nB,1,5,6,4,5,1,1,,,,\n", "line 4: cannot read"),
    ],
)
def test_a_bad_tape_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    """The message names the file, the line and what is expected."""
    from autotrader.simulator.tape import COLUMNS

    file = tmp_path / "bad.csv"
    file.write_text(content.format(COLUMNS))
    with pytest.raises(TapeError, match=message):
        Simulator(tape=file)


def test_unknown_tapes_symbols_and_times_are_refused(tmp_path: Path) -> None:
    """The message says what there is."""
    with pytest.raises(TapeError, match="btcjpy-2018-01"):
        Simulator(tape="nothing")
    with pytest.raises(SimulatorError, match="not on the tape"):
        Simulator(tape="btcjpy-2018-01", symbols=["ETHJPY"])
    with pytest.raises(SimulatorError, match="runs from"):
        Simulator(tape="btcjpy-2018-01", start_at="2019-01-01T00:00:00Z")
    with pytest.raises(SimulatorError, match="like 2018"):
        Simulator(seed=1, start_at="yesterday")
    file = tmp_path / "accounts.json"
    file.write_text('{"accounts": [{"name": "x", "colour": 1}]}')
    with pytest.raises(SimulatorError, match="accounts"):
        read_accounts(file)


def test_a_tape_can_be_joined_by_generated_symbols(connect: Callable[..., Caller]) -> None:
    """With a tape and a seed, symbols the tape lacks are generated beside it."""
    with Simulator(tape="btcjpy-2018-01", seed=3, symbols=["BTCJPY", "BNBJPY"]) as sim:
        rows = connect(sim).get("ticker/price").body
    assert [row["symbol"] for row in rows] == ["BTCJPY", "BNBJPY"]
    assert D(rows[0]["price"]) == 1_244_540


# ---- the command -----------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    """It prints its address, answers, and ends cleanly with 128 + the signal's number."""
    file = tmp_path / "accounts.json"
    file.write_text('{"accounts": [{"name": "me", "balances": {"JPY": "5000"}}]}')
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", "-m", "autotrader", "simulator", "--tape", "btcjpy-2018-01"]
    command += ["--time", "stepped", "--accounts", str(file), "--print-url"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ), cwd=root
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection.request("GET", "/simulator/state")
        state = json.loads(connection.getresponse().read())
        connection.close()
        process.send_signal(number)
        out, said = process.communicate(timeout=60)
    assert state["accounts"]["me"]["balances"] == {"JPY": {"free": "5000.00000000", "locked": "0.00000000"}}
    assert (process.returncode, out) == (128 + number, "")
    assert "secret" not in said
    assert "Traceback" not in said


def test_a_tape_survives_being_written_and_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Candles with and without quotes, a quiet minute and a halt come back from the file as they went in."""
    from autotrader.simulator.tape_import import main

    start = 1_600_000_020_000
    klines, quotes, out = tmp_path / "k.csv", tmp_path / "q.csv", tmp_path / "t.csv.gz"
    rows = [(0, "5,7,4,6,2.5"), (1, "6,6,6,6,0"), (6, "6,8,6,8,1")]
    klines.write_text(
        "open_time,open,high,low,close,volume\n" + "".join(f"{start + m * MINUTE},{cells}\n" for m, cells in rows)
    )
    quotes.write_text(f"time,bid_price,bid_qty,ask_price,ask_qty\n{start},4,0.5,5,0.25\n{start + MINUTE},9,1,5,1\n")
    main([str(klines), "--quotes", str(quotes), "--symbol", "ABCJPY", "--origin", "made up", "--out", str(out)])
    assert "3 minutes, 1 halts" in capsys.readouterr().out
    made = recorded(klines, quotes, "ABCJPY", D("0.000001"))
    source = load(out)["ABCJPY"]
    assert (source.rows, source.halts) == (made.rows, made.halts)
    assert source.halts == ((start + 2 * MINUTE, start + 6 * MINUTE),)
    assert source.rows[0].quote == (D(4), D("0.5"), D(5), D("0.25"))
    assert [row.quote for row in source.rows[1:]] == [None, None]
    with Simulator(tape=out) as sim:
        assert list(sim.exchange.markets) == ["ABCJPY"]


def test_accounts_are_read_with_all_their_fields(tmp_path: Path) -> None:
    """Keys, rates and flags come from the file; what is left out has the published default."""
    file = tmp_path / "accounts.json"
    row = {"name": "x", "key": "k", "secret": "s", "balances": {"JPY": "1.5"}, "taker_rate": "0.002", "bnb_fees": True}
    file.write_text(json.dumps({"accounts": [row | {"permissions": ["LEVERAGED"]}, {"name": "y"}]}))
    first, second = read_accounts(file)
    assert (first.key, first.secret, first.taker_rate, first.bnb_fees) == ("k", "s", D("0.002"), True)
    assert (first.permissions, first.balances) == (("LEVERAGED",), {"JPY": D("1.5")})
    assert second == Account.named("y")
