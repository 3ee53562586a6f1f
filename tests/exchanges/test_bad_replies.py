"""The bad answers of a venue, each over real HTTP: what they mean, and that nothing is ever sent twice.

Numbers are the rows of the list of bad responses in the safety notes.
"""

from __future__ import annotations

import gzip
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from autotrader.errors import ExchangeRefused, ExchangeUnavailable
from autotrader.exchanges.binance import client as client_module
from autotrader.exchanges.binance.connection import Connection
from autotrader.exchanges.venue import Parked
from autotrader.market.needs import BookNeed, CandleNeed, MarketNeed, StatusNeed, TickerNeed
from autotrader.market.snapshot import Snapshot
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    Mismatch,
    NotFound,
    NotSent,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)  # fmt: skip
from tests.exchanges.scripted import KEY, SECRET, Act, Scripted, account_of, connected, drip, error, hang_up, raw, reply
from tests.worlds.work import cost

ORDER = "/api/v3/order"
REQUEST = OrderRequest(
    symbol="BTCJPY",
    side=Side.BUY,
    type=OrderType.LIMIT,
    price=Decimal(9_000_000),
    quantity=Decimal("0.001"),
    client_order_id="at-7f3a-abcdefghijklmnopqrstuvwxyz",
)
ECHO: dict[str, Any] = {
    "symbol": "BTCJPY", "orderId": 28, "orderListId": -1, "clientOrderId": REQUEST.client_order_id,
    "transactTime": 1_795_000_000_000, "price": "9000000.00000000", "origQty": "0.00100000",
    "executedQty": "0.00000000", "origQuoteOrderQty": "0.000000",
    "cummulativeQuoteQty": "0.00000000", "status": "NEW", "timeInForce": "GTC",
    "type": "LIMIT", "side": "BUY", "workingTime": 1_795_000_000_000, "selfTradePreventionMode": "NONE", "fills": [],
}  # fmt: skip


def echo(**changes: Any) -> Act:
    """HTTP 200 with our order, changed."""
    return reply(200, ECHO | changes)


def submit(scripted: Scripted, connection: Connection, act: Act) -> SubmitResult:
    """Place our order once against one answer."""
    scripted.on("POST", ORDER, act)
    assert connection.broker is not None
    connection.clock.sync()
    return connection.broker.submit(REQUEST, connection.clock.now_ms())


TEXT = "The venue's own words."
SUBMITS: list[tuple[str, Act, type[Any], str]] = [
    ("1 no reply", hang_up, Unknown, ""),
    ("2 reset in the body", raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"symbol"'), Unknown, ""),
    ("3 504 HTML", reply(504, "<html>Gateway Time-out</html>"), Unknown, ""),
    ("3 503 with a refusal's code", error(503, -1013, "Filter failure: LOT_SIZE"), Unknown, ""),
    ("4 -1006", error(400, -1006, TEXT), Unknown, ""),
    ("5 -1007", error(408, -1007, TEXT), Unknown, ""),
    ("6 -1008", error(429, -1008, TEXT), Unknown, ""),
    ("-1000", error(400, -1000, TEXT), Unknown, ""),
    ("-1016", error(400, -1016, TEXT), Unknown, ""),
    ("7 empty object", reply(200, {}), Unknown, ""),
    ("7 empty body", reply(200, b""), Unknown, ""),
    ("7 HTML", reply(200, "<html>ok</html>"), Unknown, ""),
    ("7 a list", reply(200, [ECHO]), Unknown, ""),
    ("7 null", reply(200, "null"), Unknown, ""),
    ("8 truncated JSON", reply(200, json.dumps(ECHO)[:-20]), Unknown, ""),
    ("9 another client id", echo(clientOrderId="at-7f3a-another"), Mismatch, ""),
    ("10 the other side", echo(side="SELL"), Mismatch, ""),
    ("11 another symbol", echo(symbol="ETHJPY"), Mismatch, ""),
    ("12 another quantity", echo(origQty="0.00200000"), Mismatch, ""),
    ("12 another price", echo(price="9000001.00000000"), Mismatch, ""),
    ("another type", echo(type="MARKET"), Mismatch, ""),
    ("an ACK of another id", reply(200, {"symbol": "BTCJPY", "orderId": 1, "clientOrderId": "x"}), Mismatch, ""),
    ("an ACK of ours", reply(200, {"orderId": 1, "clientOrderId": REQUEST.client_order_id}), Unknown, ""),
    ("an order id that is text", echo(orderId="28"), Unknown, ""),
    ("13 duplicate", error(400, -2010, "Duplicate order sent."), Unknown, ""),
    ("14 no money", error(400, -2010, "Account has insufficient balance for requested action."), Rejected, "rule"),
    ("a closed market", error(400, -2010, "Market is closed."), Rejected, "outside"),
    ("a barred account", error(400, -2010, "This action is disabled on this account."), Rejected, "key"),
    ("15 clock", error(400, -1021, "Timestamp for this request is outside of the recvWindow."), Rejected, "outside"),
    ("16 key", error(401, -2015, "Invalid API-key, IP, or permissions for action."), Rejected, "key"),
    ("signature", error(400, -1022, "Signature for this request is not valid."), Rejected, "key"),
    *(
        (f"17 {name}", error(400, -1013, f"Filter failure: {name}"), Rejected, "rule")
        for name in ("PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE", "MAX_NUM_ORDERS")
    ),
    ("precision", error(400, -1111, TEXT), Rejected, "rule"),
    ("order count", error(429, -1015, "Too many new orders.", {"Retry-After": "10"}), Rejected, "outside"),
    ("18 429", error(429, -1003, "Too much request weight used.", {"Retry-After": "40"}), Rejected, "outside"),
    ("19 429 without an end", reply(429, ""), Rejected, "outside"),
    ("20 418", error(418, -1003, "banned", {"Retry-After": "259200"}), Rejected, "outside"),
    ("21 403 HTML", reply(403, "<html>WAF</html>"), Rejected, "outside"),
    ("22 redirect", reply(307, "", {"Location": "http://127.0.0.1:9/api/v3/order"}), Unknown, ""),
    ("23 a new code", error(400, -9999, TEXT), Unknown, ""),
    ("-1003 as 400", error(400, -1003, TEXT), Unknown, ""),
    ("401 without a code", reply(401, ""), Unknown, ""),
    ("404", reply(404, "{}"), Unknown, ""),
    ("202", reply(202, ECHO), Unknown, ""),
    ("43 doubled keys", reply(200, json.dumps(ECHO)[:-1] + ', "orderId": 29}'), Unknown, ""),
    ("43 NaN", reply(200, json.dumps(ECHO | {"x": float("nan")})), Unknown, ""),
    ("43 5,000 digits", reply(200, json.dumps(ECHO)[:-1] + ', "x": ' + "9" * 5000 + "}"), Unknown, ""),
    ("43 deep", reply(200, json.dumps(ECHO)[:-1] + ', "x": ' + "[" * 100 + "]" * 100 + "}"), Unknown, ""),
]  # fmt: skip


@pytest.mark.parametrize(("act", "outcome", "fault"), [one[1:] for one in SUBMITS], ids=[one[0] for one in SUBMITS])
def test_each_answer_to_an_order_has_its_class_and_the_order_is_sent_once(
    act: Act, outcome: type[Any], fault: str, scripted: Scripted, connection: Connection
) -> None:
    """A refusal is certain only where it is listed; all else is unknown; no answer makes us send again."""
    found = submit(scripted, connection, act)
    assert type(found) is outcome, found
    assert not isinstance(found, Rejected) or found.fault == fault
    assert len(scripted.calls("POST", ORDER)) == 1


def test_our_order_in_the_echo_is_accepted_with_its_fills(scripted: Scripted, connection: Connection) -> None:
    """HTTP 200 with the same symbol, side, price, quantity and id is accepted; the reply's fills come with it."""
    fill = {"price": "9000000", "qty": "0.0004", "commission": "0.0000004", "commissionAsset": "BTC", "tradeId": 7}
    changes = {"status": "PARTIALLY_FILLED", "executedQty": "0.0004", "cummulativeQuoteQty": "3600", "fills": [fill]}
    found = submit(scripted, connection, echo(**changes))
    assert isinstance(found, Accepted)
    assert (found.order.status, found.order.executed) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.0004"))
    assert [(one.trade_id, one.quote, one.fee_asset) for one in found.fills] == [(7, Decimal(3600), "BTC")]


def test_a_status_that_nobody_has_seen_is_kept_as_open(scripted: Scripted, connection: Connection) -> None:
    """27: a new enum value does not crash, and the order counts as open."""
    found = submit(scripted, connection, echo(status="PENDING_SOMETHING"))
    assert isinstance(found, Accepted)
    assert found.order.status is OrderStatus.OTHER
    assert found.order.is_open


def test_a_slow_reply_is_unknown_within_the_total_time(
    scripted: Scripted, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1: a venue that drips headers cannot hold us longer than the total time; the order is unknown."""
    monkeypatch.setattr(client_module, "TRADE_SECONDS", 0.3)
    slow = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 3_000
    began = time.monotonic()
    found = submit(scripted, connection, drip(slow, 0.02))
    assert isinstance(found, Unknown)
    assert time.monotonic() - began < len(slow) * 0.02 / 2  # its end was not waited for
    assert len(scripted.calls("POST", ORDER)) == 1


def test_an_order_that_cannot_connect_is_not_sent() -> None:
    """A refused connection left nothing behind: the order is not sent, not unknown."""
    with connected("http://127.0.0.1:9") as dead:
        dead.clock._synced, dead.clock._stale, dead.clock._half_trip_ms = True, False, 1  # type: ignore[union-attr]
        dead.clock._at, dead.clock._server_ms = time.monotonic(), time.time() * 1000  # type: ignore[union-attr]
        assert dead.broker is not None
        assert isinstance(dead.broker.submit(REQUEST, dead.clock.now_ms()), NotSent)


def test_a_redirect_never_carries_the_key_to_another_host(scripted: Scripted, connection: Connection) -> None:
    """22: the other host hears nothing, from signed reads as from orders."""
    other = Scripted()
    try:
        away = reply(302, "", {"Location": f"{other.url}/api/v3/account"})
        scripted.on("GET", "/api/v3/account", away)
        assert connection.broker is not None
        with pytest.raises(ExchangeRefused):
            account_of(connection).account()
        assert isinstance(submit(scripted, connection, reply(307, "", {"Location": other.url + ORDER})), Unknown)
        assert other.asked == []
    finally:
        other.close()


@pytest.mark.parametrize(
    ("act", "least", "most"),
    [
        (error(429, -1003, TEXT, {"Retry-After": "40"}), 40, 42),
        (reply(429, ""), 55, 65),
        (error(418, -1003, TEXT, {"Retry-After": "259200"}), 259_200, 259_202),
        (reply(403, "<html>WAF</html>"), 299, 302),
        (error(418, -1003, TEXT, {"Retry-After": "9" * 30}), 4 * 86_400 - 1, 4 * 86_400 + 1),
    ],
    ids=["18 Retry-After", "19 no end", "20 three days", "21 firewall", "an endless one"],
)
def test_a_ban_is_silence_until_its_end_and_outlives_a_restart(
    act: Act, least: int, most: int, scripted: Scripted
) -> None:
    """18-21: after 429, 418 or 403 nothing leaves, and a new process that is given the ban keeps silent too."""
    told: list[Parked] = []
    with connected(scripted.url, on_parked=told.append) as first:
        submit(scripted, first, act)
        parked = first.governor.parked()
        assert parked is not None
        assert [parked] == told
        assert least * 1000 <= parked.until_ms - first.clock.now_ms() <= most * 1000
        before = len(scripted.asked)
        with pytest.raises(ExchangeUnavailable, match="parked"):
            first.calls.time()
        assert isinstance(first.broker.submit(REQUEST, first.clock.now_ms()), NotSent)  # type: ignore[union-attr]
    with connected(scripted.url, parked=parked) as second:
        with pytest.raises(ExchangeUnavailable, match="parked"):
            second.clock.sync()
        assert second.governor.parked() == parked
    assert len(scripted.asked) == before


def test_a_filter_refusal_has_the_instrument_read_again(scripted: Scripted, connection: Connection) -> None:
    """17: after -1013 the symbol's filters are asked for anew, once."""
    info = {"timezone": "UTC", "serverTime": 1_795_000_000_000, "rateLimits": [], "exchangeFilters": [], "symbols": []}
    row = {"symbol": "BTCJPY", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "JPY", "orderTypes": ["LIMIT"]}
    info["symbols"] = [row | {"filters": [], "isSpotTradingAllowed": True}]
    scripted.on("GET", "/api/v3/exchangeInfo", reply(200, info))
    connection.market.instruments(["BTCJPY"])
    connection.market.instruments(["BTCJPY"])
    submit(scripted, connection, error(400, -1013, "Filter failure: LOT_SIZE"))
    connection.market.instruments(["BTCJPY"])
    connection.market.instruments(["BTCJPY"])
    assert len(scripted.calls("GET", "/api/v3/exchangeInfo")) == 2


def test_a_clock_refusal_has_the_clock_synced_before_the_next_signature(
    scripted: Scripted, connection: Connection
) -> None:
    """15: after -1021 the venue's time is asked again before anything is signed."""
    submit(scripted, connection, error(400, -1021, "Timestamp for this request is outside of the recvWindow."))
    before = len(scripted.calls("GET", "/api/v3/time"))
    assert connection.broker is not None
    connection.broker.submit(REQUEST, connection.clock.now_ms())
    assert len(scripted.calls("GET", "/api/v3/time")) == before + 1


QUERY = {
    **{name: ECHO[name] for name in ECHO if name not in {"transactTime", "fills"}},
    "time": 1_795_000_000_000, "updateTime": 1_795_000_000_500, "isWorking": True, "stopPrice": "0.0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (reply(200, QUERY), Order),
        (error(400, -2013, "Order does not exist."), NotFound()),
        (
            error(400, -2026, "Order was archived."),
            NotFound(archived=True),
        ),
        (reply(200, QUERY | {"clientOrderId": "at-7f3a-another"}), Unknown),
        (reply(200, QUERY | {"symbol": "ETHJPY"}), Unknown),
        (reply(504, "<html>"), Unknown),
        (error(400, -9999, TEXT), Unknown),
        (hang_up, Unknown),
    ],
    ids=["found", "24 -2013", "26 archived", "another order", "47 another symbol", "504", "new code", "no reply"],
)
def test_looking_an_order_up(act: Act, outcome: Any, scripted: Scripted, connection: Connection) -> None:
    """24-26: -2013 is "not found now", -2026 is archived, everything unclear is unknown."""
    scripted.on("GET", ORDER, act)
    assert connection.broker is not None
    found = connection.broker.find("BTCJPY", REQUEST.client_order_id)
    assert found == outcome if isinstance(outcome, NotFound) else isinstance(found, outcome)


CANCELLED = ECHO | {"origClientOrderId": REQUEST.client_order_id, "clientOrderId": "theirs", "status": "CANCELED"}


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (reply(200, CANCELLED), Cancelled),
        (error(400, -2011, "Unknown order sent."), Unknown),
        (error(400, -2011, "Order was not canceled due to cancel restrictions."), Rejected),
        (reply(200, CANCELLED | {"origClientOrderId": "another"}), Unknown),
        (hang_up, Unknown),
        (error(503, -1008, TEXT), Unknown),
        (error(401, -2015, TEXT), Rejected),
    ],
    ids=["done", "31 unknown order", "restricted", "another order", "32 no reply", "busy", "key"],
)
def test_each_answer_to_a_cancel_has_its_class_and_is_sent_once(
    act: Act, outcome: type[Any], scripted: Scripted, connection: Connection
) -> None:
    """-2011 says "look", never "gone"; a cancel is not tried again by itself."""
    scripted.on("DELETE", ORDER, act)
    assert connection.broker is not None
    asked = CancelRequest(symbol="BTCJPY", client_order_id=REQUEST.client_order_id, order_id=28)
    assert type(connection.broker.cancel(asked)) is outcome
    assert len(scripted.calls("DELETE", ORDER)) == 1


TICKER = {
    "symbol": "BTCJPY", "priceChange": "-1", "priceChangePercent": "-1.5", "weightedAvgPrice": "9000000",
    "openPrice": "9100000", "highPrice": "9200000", "lowPrice": "8900000", "lastPrice": "9000000", "volume": "1",
    "quoteVolume": "9000000", "openTime": 1_795_000_000_000, "closeTime": 1_795_000_000_000, "count": 3,
}  # fmt: skip
BOOK = {"lastUpdateId": 5, "bids": [["8999999", "1"], ["8999998", "2"]], "asks": [["9000001", "1"]]}


def observe(scripted: Scripted, connection: Connection, *needs: MarketNeed) -> Snapshot:
    """One look, with time enough."""
    connection.clock.sync()
    return connection.market.observe(frozenset(needs), connection.clock.monotonic() + 60)


@pytest.mark.parametrize(
    "change",
    [{"lastPrice": "0"}, {"lastPrice": "NaN"}, {"lastPrice": "-1"}, {"lastPrice": "1e400"}, {"lastPrice": 9000000},
     {"symbol": "ETHJPY"}, {"closeTime": 4_000_000_000_000}, {"lastPrice": None}],
    ids=["37 zero", "38 NaN", "39 negative", "39 1e400", "a bare number", "47 another symbol", "future", "missing"],
)  # fmt: skip
def test_a_price_that_makes_no_sense_is_missing_with_its_reason(
    change: dict[str, Any], scripted: Scripted, connection: Connection
) -> None:
    """37-39, 47: such a datum is refused; nothing is filled in."""
    scripted.on("GET", "/api/v3/ticker/24hr", reply(200, TICKER | change))
    seen = observe(scripted, connection, TickerNeed("BTCJPY"))
    assert not seen.seen
    assert seen.missing[TickerNeed("BTCJPY")]


def test_one_bad_symbol_spoils_no_other(scripted: Scripted, connection: Connection) -> None:
    """A dead pair with price 0 is missing; the pair beside it in the same reply is there."""
    rows = [TICKER | {"symbol": "ETHJPY", "lastPrice": "0"}, TICKER]
    scripted.on("GET", "/api/v3/ticker/24hr", reply(200, rows))
    seen = observe(scripted, connection, TickerNeed("BTCJPY"), TickerNeed("ETHJPY"))
    assert list(seen.seen) == [TickerNeed("BTCJPY")]
    assert list(seen.missing) == [TickerNeed("ETHJPY")]
    assert "symbols=%5B%22BTCJPY%22%2C%22ETHJPY%22%5D" in scripted.calls("GET", "/api/v3/ticker/24hr")[0].query


def test_a_price_far_from_the_book_is_refused_with_the_book(scripted: Scripted, connection: Connection) -> None:
    """40: last price and book 90 % apart cannot both be right, so neither is used."""
    scripted.on("GET", "/api/v3/ticker/24hr", reply(200, TICKER | {"lastPrice": "800000"}))
    scripted.on("GET", "/api/v3/depth", reply(200, BOOK))
    seen = observe(scripted, connection, TickerNeed("BTCJPY"), BookNeed("BTCJPY", 20))
    assert not seen.seen
    assert len(seen.missing) == 2


@pytest.mark.parametrize(
    "book",
    [
        BOOK | {"bids": [["9000001", "1"]]},
        BOOK | {"bids": [["8999998", "1"], ["8999999", "1"]]},
        BOOK | {"asks": [["9000001", "0"]]},
        BOOK | {"asks": [["9000001"]]},
        {"bids": [], "asks": []},
    ],
    ids=["crossed", "unsorted", "no size", "half a level", "no update id"],
)
def test_a_book_that_cannot_be_is_refused(book: dict[str, Any], scripted: Scripted, connection: Connection) -> None:
    """41: crossed, unsorted or half books are missing."""
    scripted.on("GET", "/api/v3/depth", reply(200, book))
    assert not observe(scripted, connection, BookNeed("BTCJPY", 20)).seen


def test_a_book_older_than_the_last_is_refused(scripted: Scripted, connection: Connection) -> None:
    """41: lastUpdateId never goes back."""
    scripted.on("GET", "/api/v3/depth", reply(200, BOOK), reply(200, BOOK | {"lastUpdateId": 4}))
    assert observe(scripted, connection, BookNeed("BTCJPY", 20)).seen
    assert "older" in str(observe(scripted, connection, BookNeed("BTCJPY", 20)).book("BTCJPY"))


HOUR = 3_600_000


def kline(opened: int, **changes: str) -> list[Any]:
    """A candle of an hour."""
    figures = {"open": "10", "high": "12", "low": "9", "close": "11"} | changes
    return [opened, *figures.values(), "5", opened + HOUR - 1, "50", 3, "1", "10", "0"]


def hours_back(count: int) -> list[list[Any]]:
    """The last closed hours, oldest first."""
    current = time.time_ns() // 1_000_000 // HOUR * HOUR
    return [kline(current - at * HOUR) for at in range(count, 0, -1)]


def broken_series() -> dict[str, list[list[Any]]]:
    """Series of three hours, each wrong in one way."""
    good = hours_back(3)
    return {
        "still open": [*good[1:], kline(good[2][0] + HOUR)],
        "doubled": [good[0], good[2], good[2]],
        "out of order": [good[1], good[0], good[2]],
        "future": [*good[1:], kline(good[2][0] + 1000 * HOUR)],
        "2 h old": [kline(good[0][0] - 2 * HOUR), *good[:1]],
        "contradiction": [*good[:2], kline(good[2][0], high="8")],
        "zero": [*good[:2], kline(good[2][0], low="0")],
    }


@pytest.mark.parametrize("kind", list(broken_series()))
def test_candles_that_cannot_be_are_refused(kind: str, scripted: Scripted, connection: Connection) -> None:
    """42: open, doubled, unsorted, future, stale or contradictory candles make the series missing."""
    scripted.on("GET", "/api/v3/klines", reply(200, broken_series()[kind]))
    seen = observe(scripted, connection, CandleNeed("BTCJPY", "1h", 3))
    assert not seen.seen
    assert seen.missing[CandleNeed("BTCJPY", "1h", 3)]


def test_a_gap_in_candles_is_kept_and_noticed(scripted: Scripted, connection: Connection) -> None:
    """42: candles that the venue does not have stay absent, and their absence can be read."""
    rows = hours_back(6)
    scripted.on("GET", "/api/v3/klines", reply(200, [rows[0], rows[1], rows[4], rows[5]]), reply(200, []))
    seen = observe(scripted, connection, CandleNeed("BTCJPY", "1h", 4)).candles("BTCJPY", "1h")
    assert not isinstance(seen, str)
    assert len(seen) == 4
    assert connection.market.gaps("BTCJPY", "1h") == [(rows[2][0], rows[4][0])]


@pytest.mark.parametrize(
    "act",
    [
        reply(200, '{"symbol":"BTCJPY","symbol":"BTCJPY"}'),
        reply(200, json.dumps(TICKER)[:-1] + ', "x": NaN}'),
        reply(200, json.dumps(TICKER)[:-1] + ', "x": ' + "1" * 5000 + "}"),
        reply(200, json.dumps(TICKER)[:-1] + ', "x": ' + "[" * 100 + "]" * 100 + "}"),
        reply(200, "[" * 100_000),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n" + b" " * 9_000_000),
        reply(200, gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}),
        reply(200, b"\x1f\x8b broken", {"Content-Encoding": "gzip"}),
        reply(200, b"\xff\xfe{}"),
        reply(200, b"{}", {"Content-Encoding": "br"}),
    ],
    ids=["doubled keys", "NaN", "5,000 digits", "100 deep", "unclosed", "200 MB", "bomb", "bad gzip", "UTF-16", "br"],
)
def test_a_hostile_body_is_refused_quickly(act: Act, scripted: Scripted, connection: Connection) -> None:
    """43: refused with little work and without much memory, whatever it is."""
    scripted.on("GET", "/api/v3/ticker/24hr", act)

    def ask() -> None:
        with pytest.raises(ExchangeUnavailable):
            connection.calls.ticker_24h(["BTCJPY"])

    assert cost(ask) < 40


@pytest.mark.parametrize("value", ["1795000000000", 1_795_000_000_000.5, -1, 10**15, 1, None, True])
def test_a_server_time_that_is_none_stops_signing(value: Any, scripted: Scripted, connection: Connection) -> None:
    """44: a time that is text, a fraction or of another century is no time, and nothing is signed without one."""
    scripted.on("GET", "/api/v3/time", reply(200, {"serverTime": value}))
    assert connection.broker is not None
    assert isinstance(connection.broker.submit(REQUEST, time.time_ns() // 1_000_000), NotSent)
    assert scripted.calls("POST", ORDER) == []


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_server_clock_that_jumps_stops_signing_until_it_agrees(jump: int, scripted: Scripted) -> None:
    """44: an hour's jump that our clocks did not see means no signature; when the venue agrees again, it goes on."""
    with connected(scripted.url) as connection:
        connection.clock.sync()
        scripted.time_ms = lambda: time.time_ns() // 1_000_000 + jump
        with pytest.raises(ExchangeUnavailable, match="jumped"):
            connection.clock.sync()
        assert connection.broker is not None
        assert isinstance(connection.broker.submit(REQUEST, connection.clock.now_ms()), NotSent)
        assert scripted.calls("POST", ORDER) == []
        scripted.time_ms = lambda: time.time_ns() // 1_000_000
        connection.clock.sync()
        assert connection.clock.uncertainty_ms() < 500


def test_a_symbol_that_is_gone_or_halted_stops_only_itself(scripted: Scripted, connection: Connection) -> None:
    """45: an absent symbol is absent, one in BREAK says so, an unknown filter is named."""
    row = {"symbol": "ETHJPY", "status": "BREAK", "baseAsset": "ETH", "quoteAsset": "JPY", "orderTypes": []}
    lot = {"filterType": "LOT_SIZE", "stepSize": "0.1", "minQty": "0.1", "maxQty": "9"}
    filters = [{"filterType": "T_PLUS_SELL"}, lot]
    info = {"serverTime": 1, "rateLimits": [{}], "symbols": [row | {"filters": filters}]}

    def rule(asked: Any) -> Act | None:
        if asked.path != "/api/v3/exchangeInfo":
            return None
        return error(400, -1121, "Invalid symbol.") if "BTCJPY" in asked.query else reply(200, info)

    scripted.rules.insert(0, rule)
    found = connection.market.instruments(["BTCJPY", "ETHJPY"])
    assert list(found) == ["ETHJPY"]
    assert (found["ETHJPY"].status, found["ETHJPY"].step) == ("BREAK", Decimal("0.1"))
    assert found["ETHJPY"].unknown_filters == ("T_PLUS_SELL",)


def test_maintenance_is_seen(scripted: Scripted, connection: Connection) -> None:
    """46: system status 1 is not normal, with the venue's words."""
    scripted.on("GET", "/sapi/v1/system/status", reply(200, {"status": 1, "msg": "system_maintenance"}))
    status = observe(scripted, connection, StatusNeed()).status()
    assert not isinstance(status, str)
    assert (status.normal, status.message) == (False, "system_maintenance")


def test_a_hostile_error_text_is_escaped_and_redacted(scripted: Scripted, connection: Connection) -> None:
    """48: no control character of the venue's text, and no key or signature in it, reaches an output of ours."""
    text = f"\x1b[2Jhello\r\nforged line {KEY} {'ab' * 32} {SECRET}"
    found = submit(scripted, connection, error(400, -1013, text))
    assert isinstance(found, Rejected)
    assert found.reason.isprintable()
    assert all(one not in found.reason for one in (KEY, SECRET, "ab" * 32))
    assert "hello" in found.reason
