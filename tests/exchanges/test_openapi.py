"""Requests of the client and replies of the simulator, against the venue's own OpenAPI file.

The file is of October 2024. Where it is not right any more, or never was, the exception stands here with its reason;
an exception that no longer occurs fails the test, so the lists stay true.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.orders import CancelRequest, OrderRequest, OrderType, Side
from autotrader.simulator import Simulator
from autotrader.simulator.protocol import Answer
from tests.exchanges.openapi import Specification
from tests.exchanges.scripted import account_of

Exchanged = list[tuple[str, str, str, int, Any]]
REQUEST_EXCEPTIONS = {
    "GET /api/v3/account: omitZeroBalances": "added to the documentation; the file was not kept up",
    "GET /api/v3/exchangeInfo: showPermissionSets": "added in 2024; the file was not kept up",
    "GET /api/v3/account/commission: recvWindow": "every signed call takes it; the file forgot it here",
}
REPLY_EXCEPTIONS = {
    "GET /api/v3/aggTrades 200: reply[].T is int, not boolean": "the file is wrong: it is the time of the trade",
    "GET /api/v3/allOrderList 200: reply[].isIsolated": "the file copied the margin list; spot has no isolated account",
    "GET /api/v3/exchangeInfo 200: reply.symbols[].filters[]": "the file demands PRICE_FILTER's fields of every filter",
    "GET /api/v3/ticker 200: reply is list, not object": "with `symbols` it is a list; the file knows one symbol only",
    "orderReports[].stopPrice is missing": "the documentation's own LIMIT_MAKER legs have none",
}


@pytest.fixture(scope="module")
def specification(shared_data: Path) -> Specification:
    """The file."""
    return Specification(shared_data)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An exchange with a past."""
    with Simulator(seed=3) as made:
        yield made


def listen(simulator: Simulator) -> Exchanged:
    """Everything that is said from now on."""
    heard: Exchanged = []
    handle = simulator.exchange.handle

    def listening(method: str, path: str, query: bytes, body: bytes, *rest: Any, **more: Any) -> Answer:
        answer = handle(method, path, query, body, *rest, **more)
        if not path.startswith("/simulator/"):
            text = "&".join(part.decode() for part in (query, body) if part)
            heard.append((method, path, text, answer.status, json.loads(answer.body)))
        return answer

    simulator.exchange.handle = listening  # type: ignore[method-assign]
    return heard


def everything(simulator: Simulator) -> None:
    """Every call that the client can make, in every form in which it makes it."""
    account, token = simulator.accounts[0], grant_live("live", True, "live")
    keys = Credentials(Secret(account.key), Secret(account.secret))
    with connect(VenueSettings(stepped=True), url=simulator.url, credentials=keys, live_token=token) as connection:
        connection.ask_before_orders(lambda _side: "")
        calls, both = connection.calls, ("BTCJPY", "ETHJPY")
        calls.time()
        calls.exchange_info(both)
        calls.system_status()
        for symbols in (both, both[:1]):
            calls.ticker_24h(symbols)
            calls.ticker_24h(symbols, brief=True)
            calls.trading_day(symbols, "9")
            calls.prices(symbols)
            calls.best(symbols)
        book = calls.depth("BTCJPY", 5)
        calls.klines("BTCJPY", "1h", 5)
        calls.klines("BTCJPY", "1d", 5, (1_700_000_000_000, 1_800_000_000_000), "9")
        found = calls.agg_trades("BTCJPY", limit=5)
        calls.agg_trades("BTCJPY", from_id=found[0].trade_id, limit=5)
        calls.average_price("BTCJPY")
        look_after(connection)
        trade(connection, book.asks[0][0])


def look_after(connection: Connection) -> None:
    """What only looks at the account."""
    own = account_of(connection)
    own.account()
    own.user_assets()
    own.user_assets("JPY")
    own.commission("BTCJPY")
    own.restrictions()
    own.order_counts()


def trade(connection: Connection, best: Decimal) -> None:
    """An order that fills, one that rests and is cancelled, one that is refused, and all ways to look at them."""
    broker, now = connection.broker, connection.clock.now_ms
    assert broker is not None
    own = account_of(connection)
    orders = ((OrderType.LIMIT, best), (OrderType.LIMIT_MAKER, best - 100_000), (OrderType.LIMIT, Decimal("0.5")))
    for number, (kind, price) in enumerate(orders):
        order = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=kind, price=price, quantity=Decimal("0.001"),
                             client_order_id=f"at-7f3a-{number}")  # fmt: skip
        if price > 1:
            own.test_order(order)
            own.test_order(order, rates=True)
        broker.submit(order, now())
        broker.find("BTCJPY", f"at-7f3a-{number}")
    own.open_orders()
    own.open_orders("BTCJPY")
    broker.history("BTCJPY", now() - 1000)
    own.all_orders("BTCJPY", from_id=1)
    fills = broker.fills("BTCJPY", None, now() - 1000)
    broker.fills("BTCJPY", fills[0].trade_id, 0)
    for only_new in (True, False):
        broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="at-7f3a-1", only_new=only_new))


def unexplained(found: Iterator[str], exceptions: dict[str, str], used: set[str]) -> list[str]:
    """What no exception explains; the exceptions that were needed are noted."""
    left = []
    for wrong in found:
        reason = next((one for one in exceptions if one in wrong), None)
        if reason is None:
            left.append(wrong)
        else:
            used.add(reason)
    return left


def test_every_request_of_the_client_is_as_the_file_says(specification: Specification, simulator: Simulator) -> None:
    """Names, required parameters, types and choices, of all calls in all forms."""
    heard, used = listen(simulator), set[str]()
    everything(simulator)
    assert len({(method, path) for method, path, *_ in heard}) >= 23
    wrong = [
        one for method, path, text, *_ in heard
        for one in unexplained(specification.request(method, path, text), REQUEST_EXCEPTIONS, used)
    ]  # fmt: skip
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert used == set(REQUEST_EXCEPTIONS)


MORE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/api/v3/exchangeInfo", {}),
    ("GET", "/api/v3/ping", {}),
    ("GET", "/api/v3/trades", {"symbol": "BTCJPY", "limit": 3}),
    ("GET", "/api/v3/historicalTrades", {"symbol": "BTCJPY", "limit": 3}),
    ("GET", "/api/v3/uiKlines", {"symbol": "BTCJPY", "interval": "5m", "limit": 3}),
    ("GET", "/api/v3/ticker", {"symbol": "BTCJPY", "windowSize": "1h"}),
    ("GET", "/api/v3/ticker", {"symbols": '["BTCJPY","ETHJPY"]', "windowSize": "1d", "type": "MINI"}),
    ("GET", "/api/v3/ticker/24hr", {}),
    ("GET", "/api/v3/ticker/price", {}),
    ("GET", "/api/v3/ticker/bookTicker", {}),
    ("POST", "/api/v3/order", {"symbol": "BTCJPY", "side": "BUY", "type": "MARKET", "quantity": "0.001"}),
    ("POST", "/api/v3/order", {"symbol": "BTCJPY", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20000",
                               "newOrderRespType": "ACK"}),
    ("POST", "/api/v3/order", {"symbol": "BTCJPY", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "LOW",
                               "quantity": "0.001", "newOrderRespType": "RESULT"}),
    ("GET", "/api/v3/openOrders", {}),
    ("POST", "/api/v3/orderList/oco", {"symbol": "BTCJPY", "side": "SELL", "quantity": "0.001",
                                       "aboveType": "LIMIT_MAKER", "abovePrice": "HIGH", "belowType": "STOP_LOSS",
                                       "belowStopPrice": "LOW"}),
    ("GET", "/api/v3/openOrderList", {}),
    ("GET", "/api/v3/allOrderList", {}),
    ("GET", "/api/v3/myPreventedMatches", {"symbol": "BTCJPY", "orderId": 1}),
    ("DELETE", "/api/v3/openOrders", {"symbol": "BTCJPY"}),
)  # fmt: skip


def ask(simulator: Simulator, method: str, path: str, given: dict[str, Any]) -> None:
    """One signed call, by hand."""
    account = simulator.accounts[0]
    with urllib.request.urlopen(f"{simulator.url}/api/v3/ticker/price?symbol=BTCJPY") as answer:  # noqa: S310
        last = Decimal(json.load(answer)["price"]).quantize(Decimal(1))
    prices = {"LOW": str(last * 9 // 10), "HIGH": str(last * 11 // 10)}
    params = {name: prices.get(value, value) for name, value in given.items()}
    if path.startswith("/api/v3/ticker") or path in (
        "/api/v3/exchangeInfo",
        "/api/v3/uiKlines",
        "/api/v3/historicalTrades",
        "/api/v3/trades",
        "/api/v3/ping",
    ):
        text = urlencode(params)
    else:
        text = urlencode(params | {"timestamp": simulator.now_ms})
        text += "&signature=" + hmac.new(account.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    made = urllib.request.Request(f"{simulator.url}{path}?{text}", method=method, headers={"X-MBX-APIKEY": account.key})  # noqa: S310
    try:
        urllib.request.urlopen(made).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()


def test_every_reply_of_the_simulator_is_as_the_file_says(specification: Specification, simulator: Simulator) -> None:
    """Successes and refusals: required fields, types and choices; fields that the file does not know are allowed."""
    heard, used = listen(simulator), set[str]()
    everything(simulator)
    for method, path, given in MORE:
        ask(simulator, method, path, given)
        assert heard[-1][:2] == (method, path)
        assert heard[-1][3] == 200, heard[-1]
    ask(simulator, "GET", "/api/v3/openOrders", {"symbol": "NOPE"})
    ask(simulator, "POST", "/api/v3/order", {"symbol": "BTCJPY"})
    assert {status for *_, status, _ in heard} >= {200, 400}
    mini = ("/api/v3/ticker/24hr", "type=MINI")  # the file knows this call in its FULL form only
    wrong = [
        one for method, path, text, status, value in heard if not (path == mini[0] and mini[1] in text)
        for one in unexplained(specification.reply(method, path, status, value), REPLY_EXCEPTIONS, used)
    ]  # fmt: skip
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert used == set(REPLY_EXCEPTIONS)
    assert len({(method, path) for method, path, *_ in heard}) >= 33


def test_the_judge_itself_can_tell(specification: Specification) -> None:
    """A missing, misspelt or mistyped parameter, and a reply of the wrong type, are noticed."""
    good = "symbol=BTCJPY&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=2&timestamp=1&signature=x"
    assert list(specification.request("POST", "/api/v3/order", good)) == []
    for bad in (good.replace("symbol=BTCJPY&", ""), good.replace("price=2", "price=1e5"), f"{good}&foo=1",
                good.replace("BUY", "buy")):  # fmt: skip
        assert len(list(specification.request("POST", "/api/v3/order", bad))) == 1
    assert list(specification.reply("GET", "/api/v3/time", 200, {"serverTime": 1, "more": 2})) == []
    bad_replies: tuple[Any, ...] = ({"serverTime": "1"}, {}, [], {"serverTime": True})
    for bad_reply in bad_replies:
        assert list(specification.reply("GET", "/api/v3/time", 200, bad_reply))
