"""Every field of the official examples exists in our replies, with the same JSON type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.simulator import Account, Simulator
from autotrader.simulator.symbols import ExchangeLimits
from tests.simulator.conftest import Caller

ACCOUNT = replace(Account.named("main"), max_assets={"JPY": Decimal(50_000_000)})
OPTIONAL = {"sors"}  # smart order routing is optional in the documents and JPY symbols have none


def _differences(example: Any, shown: Any, where: str) -> list[str]:
    if isinstance(example, dict):
        if not isinstance(shown, dict):
            return [f"{where}: {type(shown).__name__} in place of an object"]
        lost = [f"{where}.{name} is missing" for name in example if name not in shown and name not in OPTIONAL]
        deeper = (_differences(example[n], shown[n], f"{where}.{n}") for n in example if n in shown)
        return lost + [line for lines in deeper for line in lines]
    if isinstance(example, list):
        if not isinstance(shown, list):
            return [f"{where}: {type(shown).__name__} in place of an array"]
        if not example or not shown or (example == [{}]):
            return []
        if not isinstance(example[0], dict) and len(example) > 1:
            pairs = zip(example, shown, strict=False)  # names of order types are fewer here
            return [line for i, (a, b) in enumerate(pairs) for line in _differences(a, b, f"{where}[{i}]")]
        found = _differences(example[0], shown[0], f"{where}[0]")
        return found + (_differences(example[-1], shown[-1], f"{where}[-1]") if isinstance(example[0], dict) else [])
    same = type(example) is type(shown)
    return [] if same else [f"{where}: {type(shown).__name__} in place of {type(example).__name__}"]


def _replies(venue: Caller) -> dict[tuple[str, str], Callable[[Any], Any]]:
    """How each example's reply is asked for; the example decides between one and many, FULL and MINI, ACK and FULL."""

    def ticker(path: str) -> Callable[[Any], Any]:
        def ask(example: Any) -> Any:
            row = example[0] if isinstance(example, list) else example
            many = isinstance(example, list)
            which = {"symbols": '["BTCJPY","BNBJPY"]'} if many else {"symbol": "BTCJPY"}
            kind = {} if "price" in row or ("bidPrice" in row and "count" not in row) else _kind(row)
            return venue.get(path, **which, **kind).body

        return ask

    def place(example: Any) -> Any:
        shape = "FULL" if "fills" in example else "RESULT" if "status" in example else "ACK"
        return venue.order("BUY", "MARKET", quantity="0.01", newOrderRespType=shape).body

    def cancel(example: Any) -> Any:
        if example.get("code") == -1145:
            return venue.signed("DELETE", "order", symbol="BTCJPY", orderId=1, cancelRestrictions="X").body
        number = venue.order(price="9000000", quantity="0.001").body["orderId"]
        only = {"cancelRestrictions": "ONLY_PARTIALLY_FILLED"} if "code" in example else {}
        return venue.signed("DELETE", "order", symbol="BTCJPY", orderId=number, **only).body

    def cancel_all(_example: Any) -> Any:
        venue.order(price="9000000", quantity="0.001")
        pair = {"aboveType": "LIMIT_MAKER", "abovePrice": "11000000", "aboveIcebergQty": "0.005"}
        pair |= {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "9000000", "belowPrice": "8900000"}
        pair |= {"belowTimeInForce": "GTC", "belowIcebergQty": "0.005"}
        venue.signed("POST", "orderList/oco", symbol="BTCJPY", side="SELL", quantity="0.01", **pair)
        return sorted(venue.signed("DELETE", "openOrders", symbol="BTCJPY").body, key=lambda row: "orders" in row)

    def test(example: Any) -> Any:
        rates = {"computeCommissionRates": "true"} if example else {}
        base = {"symbol": "BTCJPY", "side": "BUY", "type": "MARKET", "quantity": "1"}
        return venue.signed("POST", "order/test", **base, **rates).body

    def signed(path: str, **params: Any) -> Callable[[Any], Any]:
        return lambda _example: venue.signed("GET", path, **params).body

    def public(path: str, **params: Any) -> Callable[[Any], Any]:
        return lambda _example: venue.get(path, **params).body

    by_symbol = ("exchangeInfo", "depth", "trades", "aggTrades", "avgPrice")
    plain = {path: public(path, symbol="BTCJPY") for path in by_symbol}
    tickers = {path: ticker(path) for path in ("ticker/24hr", "ticker/tradingDay", "ticker/price", "ticker/bookTicker")}
    reads = {
        "order": signed("order", symbol="BTCJPY", orderId=1),
        "openOrders": signed("openOrders", symbol="BTCJPY"),
        "allOrders": signed("allOrders", symbol="BTCJPY"),
        "myTrades": signed("myTrades", symbol="BTCJPY"),
        "account": signed("account"),
        "account/commission": signed("account/commission", symbol="BTCJPY"),
        "myFilters": lambda example: _my_filters(venue, example),
        "rateLimit/order": signed("rateLimit/order"),
    }
    gets = plain | tickers | reads | {"ping": public("ping"), "time": public("time")}
    gets["klines"] = public("klines", symbol="BTCJPY", interval="1h")
    table = {("GET", f"/api/v3/{path}"): ask for path, ask in gets.items()}
    return table | {
        ("POST", "/api/v3/order"): place,
        ("POST", "/api/v3/order/test"): test,
        ("DELETE", "/api/v3/order"): cancel,
        ("DELETE", "/api/v3/openOrders"): cancel_all,
    }


def _my_filters(venue: Caller, example: Any) -> Any:
    """The example shows one filter of the symbol."""
    shown = venue.signed("GET", "myFilters", symbol="BTCJPY").body
    wanted = [row["filterType"] for row in example["symbolFilters"]]
    return shown | {"symbolFilters": [row for row in shown["symbolFilters"] if row["filterType"] in wanted]}


def _kind(row: dict[str, Any]) -> dict[str, str]:
    return {} if "priceChange" in row else {"type": "MINI"}


def test_every_field_of_the_official_examples_is_there(connect: Callable[..., Caller], shared_data: Path) -> None:
    """All 37 documented replies of the calls that exist here match field by field in name and type."""
    examples = json.loads((shared_data / "api-responses" / "official-docs-examples.json").read_text())
    with Simulator(seed=2, weight_limit=100_000, accounts=[ACCOUNT]) as sim:
        sim.exchange.engine.limits = ExchangeLimits(max_orders=1000)
        venue = connect(sim)
        venue.order("BUY", "MARKET", quantity="0.01")
        venue.order(price="8000000", quantity="0.001")
        ask = _replies(venue)
        found: list[str] = []
        for example in examples:
            key = example["method"], example["path"]
            found += _differences(example["example"], ask[key](example["example"]), " ".join(key))
        assert found == []


@pytest.mark.parametrize("path", ["trades", "aggTrades", "klines", "depth"])
def test_rows_have_exactly_the_documented_fields(venue: Caller, shared_data: Path, path: str) -> None:
    """Public rows carry nothing beyond the documents either."""
    examples = json.loads((shared_data / "api-responses" / "official-docs-examples.json").read_text())
    example = next(e["example"] for e in examples if e["path"] == f"/api/v3/{path}")
    more = {"interval": "1h"} if path == "klines" else {}
    shown = venue.get(path, symbol="BTCJPY", **more).body
    if path == "depth":
        assert shown.keys() == example.keys()
    elif path == "klines":
        assert [type(x) for x in shown[0]] == [type(x) for x in example[0]]
    else:
        assert shown[0].keys() == example[0].keys()


def test_the_wallet_calls_answer(connect: Callable[..., Caller]) -> None:
    """System status needs no key; assets and restrictions are signed, and assets list what is there."""
    account = Account.named("main", {"JPY": "1000", "BTC": "0.5"})
    with Simulator(seed=2, accounts=[account]) as sim:
        venue = connect(sim)
        assert venue.raw("GET", "/sapi/v1/system/status", headers={}).body == {"status": 0, "msg": "normal"}
        venue.control("POST", "system-status?status=1")
        assert venue.raw("GET", "/sapi/v1/system/status").body["status"] == 1
        rows = venue.signed("POST", "/sapi/v3/asset/getUserAsset", needBtcValuation="true").body
        assert {row["asset"]: row["free"] for row in rows} == {"BTC": "0.50000000", "JPY": "1000.00000000"}
        assert rows[0].keys() == {"asset", "free", "locked", "freeze", "withdrawing", "ipoable", "btcValuation"}
        only = venue.signed("POST", "/sapi/v3/asset/getUserAsset", asset="JPY").body
        assert [row["asset"] for row in only] == ["JPY"]
        limits = venue.signed("GET", "/sapi/v1/account/apiRestrictions").body
        assert (limits["enableSpotAndMarginTrading"], limits["enableWithdrawals"]) == (True, False)
