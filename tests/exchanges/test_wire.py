"""Wire values: every recorded and documented reply reads; what is missing or nonsensical is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.exchanges.binance import account_replies as own
from autotrader.exchanges.binance import market_replies as public
from autotrader.exchanges.reading import BadJson, BadReply, Model, by_symbol, parse

Read = Callable[[Any], Any]


def either(one: Read) -> Read:
    """A reply that is one object, or a list of them."""
    return lambda data: [one(row) for row in data] if isinstance(data, list) else one(data)


def placed(data: Any) -> Any:
    """Placing: ACK has no status, the others are whole orders with or without fills."""
    if "status" not in data:
        with pytest.raises(BadReply):
            own.ORDER.read(data)
        return None
    return own.order_fills(data, own.ORDER.read(data))


def cancelled(data: Any) -> Any:
    """A cancel, or the venue's refusal of one."""
    return None if "code" in data else own.CANCELLED.read(data)


def mixed(data: Any) -> Any:
    """Cancelling all: orders and order lists; we read the orders in both."""
    return [own.CANCELLED.read(row) for one in data for row in one.get("orderReports", [one])]


def book(data: Any) -> Any:
    """An order book, which does not say of what symbol it is."""
    return public.BOOK.read(data, symbol="BTCJPY", asked_levels=5000, asked_ms=1)


def asked_now(model: Model[Any]) -> Read:
    """What carries the time at which it was asked for."""
    return partial(model.read, asked_ms=1)


READERS: dict[tuple[str, str], Read] = {
    ("GET", "/api/v3/time"): public.SERVER_TIME.read,
    ("GET", "/api/v3/exchangeInfo"): public.EXCHANGE_INFO.read,
    ("GET", "/api/v3/depth"): book,
    ("GET", "/api/v3/aggTrades"): public.PUBLIC_TRADE.rows,
    ("GET", "/api/v3/klines"): public.klines,
    ("GET", "/api/v3/uiKlines"): public.klines,
    ("GET", "/api/v3/avgPrice"): public.AVERAGE_PRICE.read,
    ("GET", "/api/v3/ticker/24hr"): either(asked_now(public.TICKER)),
    ("GET", "/api/v3/ticker/tradingDay"): either(asked_now(public.TICKER)),
    ("GET", "/api/v3/ticker/price"): either(public.LAST_PRICE.read),
    ("GET", "/api/v3/ticker/bookTicker"): either(asked_now(public.BEST)),
    ("POST", "/api/v3/order"): placed,
    ("POST", "/api/v3/order/test"): own.ORDER_TEST.read,
    ("DELETE", "/api/v3/order"): cancelled,
    ("DELETE", "/api/v3/openOrders"): mixed,
    ("GET", "/api/v3/account"): own.ACCOUNT.read,
    ("GET", "/api/v3/order"): own.ORDER.read,
    ("GET", "/api/v3/openOrders"): own.ORDER.rows,
    ("GET", "/api/v3/allOrders"): own.ORDER.rows,
    ("GET", "/api/v3/myTrades"): own.MY_TRADE.rows,
    ("GET", "/api/v3/rateLimit/order"): own.ORDER_COUNT.rows,
    ("GET", "/api/v3/account/commission"): own.COMMISSION.read,
    ("GET", "/sapi/v1/system/status"): asked_now(public.SYSTEM_STATUS),
    ("POST", "/sapi/v3/asset/getUserAsset"): own.WALLET_ASSET.rows,
}
NOT_OURS = {
    ("GET", "/api/v3/ping"), ("GET", "/sapi/v1/asset/tradeFee"), ("GET", "/api/v3/trades"),
    ("GET", "/api/v3/historicalTrades"), ("GET", "/api/v3/myFilters"),
}  # fmt: skip
RECORDED: dict[str, Read] = {
    "agg_trades": public.PUBLIC_TRADE.rows, "avg_price": public.AVERAGE_PRICE.read,
    "book_ticker": asked_now(public.BEST), "depth": book, "exchange_info": public.EXCHANGE_INFO.read,
    "klines": public.klines, "ticker_price": public.LAST_PRICE.read, "time": public.SERVER_TIME.read,
    "account": own.ACCOUNT.read,
}  # fmt: skip


def samples(folder: Path) -> list[tuple[str, Read, Any]]:
    """All replies with what reads them."""
    found: list[tuple[str, Read, Any]] = []
    for name, body in (("official-docs-examples.json", "example"), ("binance-net-fixtures.json", "response")):
        for row in parse((folder / name).read_bytes()):
            call = (row["method"], row["path"])
            if call not in NOT_OURS:
                found.append((f"{name} {call}", READERS[call], row[body]))
    for file in sorted((folder / "nautilus-recorded").glob("*.json")):
        short = file.stem.removeprefix("http_spot_").removeprefix("market_").removeprefix("wallet_")
        if short in RECORDED:
            found.append((file.name, RECORDED[short], parse(file.read_bytes())))
    return found


def test_every_recorded_and_documented_reply_reads(shared_data: Path) -> None:
    """All replies of the calls that we use become typed values."""
    found = samples(shared_data / "api-responses")
    assert len(found) >= 56
    for name, read, data in found:
        try:
            read(data)
        except BadReply as error:
            pytest.fail(f"{name}: {error}")


def test_unknown_fields_are_passed_over_and_required_ones_missed(shared_data: Path) -> None:
    """A new field changes nothing; each field that we read, taken away, is refused by name."""
    for name, read, data in samples(shared_data / "api-responses"):
        row = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else data
        if not isinstance(row, dict) or "code" in row or "orderReports" in row:
            continue
        whole = [row | {"brandNew": {"deep": [1]}}] if isinstance(data, list) else row | {"brandNew": 1}
        assert read(whole) == read([row] if isinstance(data, list) else row), name


def test_a_documented_order_reads_to_the_last_digit(shared_data: Path) -> None:
    """Exact figures of the FULL example: five fills that add up to the order."""
    rows = parse((shared_data / "api-responses" / "official-docs-examples.json").read_bytes())
    full = next(row["example"] for row in rows if row["path"] == "/api/v3/order" and "fills" in row["example"])
    order = own.ORDER.read(full)
    fills = own.order_fills(full, order)
    assert sum(one.quantity for one in fills) == order.executed == Decimal(10)
    assert fills[1].fee == Decimal("19.99500000")
    assert fills[1].quote == Decimal(19995)


OLD_ORDER: dict[str, Any] = {
    "symbol": "A", "orderId": 1, "clientOrderId": "x", "time": 1, "cummulativeQuoteQty": "1", "origQty": "1",
    "executedQty": "1", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1", "status": "FILLED",
}  # fmt: skip


def test_an_unknown_quote_amount_of_an_old_order_is_none() -> None:
    """30: a negative cummulativeQuoteQty means unknown, not a negative amount."""
    assert own.ORDER.read(OLD_ORDER | {"cummulativeQuoteQty": "-1.0"}).quote_executed is None


@pytest.mark.parametrize("name", ["symbol", "orderId", "clientOrderId", "time", "cummulativeQuoteQty", "origQty",
                                  "executedQty", "side", "type", "timeInForce", "price", "status"])  # fmt: skip
@pytest.mark.parametrize("value", [None, "", [], {}, True, "1e5", "１", "-1"])
def test_an_order_field_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    """Missing, of another type, an exponent, full-width digits: refused (a text that may be a name stays one)."""
    row = dict(OLD_ORDER)
    texts = {"symbol", "clientOrderId", "type", "timeInForce", "status"}
    if isinstance(value, str) and value and (name in texts or (name == "cummulativeQuoteQty" and value == "-1")):
        return
    row[name] = value
    with pytest.raises(BadReply):
        own.ORDER.read(row)


def test_a_symbol_that_was_not_asked_for_is_refused() -> None:
    """47: a reply about another symbol, a doubled one, or one too many."""
    with pytest.raises(BadReply):
        public.LAST_PRICE.read({"symbol": "ETHJPY", "price": "1"}, "BTCJPY")
    rows = [{"symbol": "A", "price": "1"}, {"symbol": "A", "price": "2"}]
    with pytest.raises(BadReply):
        by_symbol(rows, ["A", "B"], "price")
    with pytest.raises(BadReply):
        by_symbol(rows[:1], ["B"], "price")


def test_the_percentage_that_mini_lacks_is_computed() -> None:
    """MINI has no priceChangePercent: it comes from open and last, as a percentage with three decimals."""
    row = {"symbol": "A", "openPrice": "300", "highPrice": "1", "lowPrice": "1", "lastPrice": "299.05", "volume": "0",
           "quoteVolume": "0", "openTime": 1, "closeTime": 2, "count": 0}  # fmt: skip
    assert public.TICKER.read(row, asked_ms=1).change == Decimal("-0.317")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_strict_json_agrees_with_the_standard_library_on_good_text(value: Any) -> None:
    """What json writes reads back equal, brackets inside strings included."""
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


def test_fractions_are_exact() -> None:
    """A number with a point becomes the Decimal that was written."""
    assert parse(b'[0.1, 1e-7, 12345678901234567890.5]') == [
        Decimal("0.1"), Decimal("1e-7"), Decimal("12345678901234567890.5"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', "NaN", "[Infinity]", "[-Infinity]", "1" * 65, "0." + "1" * 65,
     "[" * 33 + "]" * 33, '{"a":' * 40 + "1" + "}" * 40, "", "{", "{}{}", "'a'",
     '["[[[[", ' + "[" * 33 + "]" * 33 + "]", '"\xff"'],
)  # fmt: skip
def test_strict_json_refuses_what_is_dangerous(text: str) -> None:
    """Doubled keys, NaN, long numbers, deep nesting, rests: refused, and the text is not quoted."""
    with pytest.raises(BadJson):
        parse(text.encode("latin-1"))
