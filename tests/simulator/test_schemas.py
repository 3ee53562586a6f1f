"""Replies of lists, cancelReplace and prevented matches against the OpenAPI description (2024-10-08), field by field.

Where the venue has changed since, the description is behind: an OTOCO's
contingencyType is "OTO", and placements answer with more fields. Values are
not compared, names and types are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from autotrader.simulator import Simulator
from tests.simulator.conftest import Caller

TYPES: dict[str, Any] = {
    "string": str, "integer": int, "boolean": bool, "number": (int, float), "array": list, "object": dict,
}  # fmt: skip
PAIR = {
    "symbol": "BTCJPY", "side": "SELL", "quantity": "0.05", "aboveType": "LIMIT_MAKER", "abovePrice": "11000000",
    "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "9000000", "belowPrice": "8900000", "belowTimeInForce": "GTC",
    "aboveIcebergQty": "0.01", "belowIcebergQty": "0.01",
}  # fmt: skip
WORKING = {
    "symbol": "BTCJPY", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "9000000",
    "workingQuantity": "0.05", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "0.05",
}  # fmt: skip
PENDING_PAIR = {
    "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "11000000", "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "8900000",
}  # fmt: skip
OPTIONAL = {"stopPrice", "icebergQty", "trailingDelta", "strategyId", "strategyType", "isIsolated"}
"""Fields that only some orders have; isIsolated is a margin field that strayed into spot's allOrderList."""


@pytest.fixture(scope="module")
def api(shared_data: Path) -> Any:
    """The description."""
    text = (shared_data / "openapi" / "binance-spot-api-2024-10-08.yaml").read_text()
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders


def _differences(api: Any, schema: Any, shown: Any, where: str) -> list[str]:
    if "$ref" in schema:
        return _differences(api, api["components"]["schemas"][schema["$ref"].rpartition("/")[2]], shown, where)
    kind = schema.get("type")
    if kind is None:
        return []
    if not isinstance(shown, TYPES[kind]) or (kind == "integer" and isinstance(shown, bool)):
        return [f"{where}: {type(shown).__name__} in place of {kind}"]
    if kind == "array":
        rows = [_differences(api, schema["items"], row, f"{where}[{i}]") for i, row in enumerate(shown)]
        return [line for row in rows for line in row]
    found: list[str] = []
    for name, inner in schema.get("properties", {}).items():
        if name in shown:
            found += _differences(api, inner, shown[name], f"{where}.{name}")
        elif name not in OPTIONAL:
            found.append(f"{where}.{name} is missing")
    return found


def test_new_replies_have_the_described_fields(api: Any, connect: Callable[..., Caller]) -> None:
    """OCO, OTO, OTOCO, cancelling and reading lists, cancelReplace, prevented matches, order counts, rolling ticker."""
    with Simulator(seed=2, weight_limit=100_000) as sim:
        venue = connect(sim)

        def signed(method: str, path: str, **params: Any) -> Any:
            reply = venue.signed(method, path, **params)
            assert reply.status == 200, reply.body
            return reply.body

        shown: dict[tuple[str, str], Any] = {}
        shown["post", "orderList/oco"] = signed("POST", "orderList/oco", **PAIR)
        number = shown["post", "orderList/oco"]["orderListId"]
        shown["get", "orderList"] = signed("GET", "orderList", orderListId=number)
        shown["get", "openOrderList"] = signed("GET", "openOrderList")
        shown["delete", "orderList"] = signed("DELETE", "orderList", symbol="BTCJPY", orderListId=number)
        pending = {"pendingType": "LIMIT_MAKER", "pendingPrice": "11000000"}
        shown["post", "orderList/oto"] = signed("POST", "orderList/oto", **WORKING, **pending)
        shown["post", "orderList/otoco"] = signed("POST", "orderList/otoco", **WORKING, **PENDING_PAIR)
        shown["get", "allOrderList"] = signed("GET", "allOrderList")
        shown["delete", "openOrders"] = signed("DELETE", "openOrders", symbol="BTCJPY")
        order = venue.order(price="9000000", quantity="0.01").body
        shown["post", "order/cancelReplace"] = signed(
            "POST", "order/cancelReplace", symbol="BTCJPY", side="BUY", type="LIMIT", timeInForce="GTC",
            quantity="0.01", price="9000000", cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"],
        )  # fmt: skip
        venue.order("SELL", price="9000000", quantity="100", timeInForce="IOC")
        sim.exchange.markets["BTCJPY"].book.quote(None, None)
        venue.order("SELL", price="9000000", quantity="0.01", selfTradePreventionMode="EXPIRE_BOTH")
        shown["get", "myPreventedMatches"] = signed(
            "GET", "myPreventedMatches", symbol="BTCJPY", orderId=order["orderId"] + 1
        )
        assert shown["get", "myPreventedMatches"]
        shown["get", "rateLimit/order"] = signed("GET", "rateLimit/order")
        shown["get", "ticker"] = venue.get("ticker", symbol="BTCJPY", windowSize="4h").body
        found: list[str] = []
        for (method, path), reply in shown.items():
            described = api["paths"][f"/api/v3/{path}"][method]["responses"]["200"]["content"]["application/json"]
            found += _differences(api, described["schema"], reply, f"{method} {path}")
        assert found == []
