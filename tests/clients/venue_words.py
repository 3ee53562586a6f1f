"""What the clients that hand through the venue's own JSON have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.clients.script import Figures


def info(reply: Mapping[str, Any], symbol: str) -> Figures:
    """Tick, step and least notional of a symbol in exchangeInfo."""
    entry = next(row for row in reply["symbols"] if row["symbol"] == symbol)
    filters = {row["filterType"]: row for row in entry["filters"]}
    return {
        "tick": filters["PRICE_FILTER"]["tickSize"],
        "step": filters["LOT_SIZE"]["stepSize"],
        "minimum": filters["NOTIONAL"]["minNotional"],
    }


def balances(reply: Mapping[str, Any]) -> Figures:
    """Free and locked by asset in account."""
    return {row["asset"]: {"free": row["free"], "locked": row["locked"]} for row in reply["balances"]}


def order(row: Mapping[str, Any]) -> Figures:
    """An order, a placement's or a cancel's answer."""
    client_id = row.get("origClientOrderId") or row["clientOrderId"]
    status, executed = row.get("status"), row.get("executedQty")
    return {"id": row["orderId"], "client_id": client_id, "status": status, "executed": executed}


def trades(rows: Sequence[Mapping[str, Any]]) -> list[Figures]:
    """Rows of myTrades."""
    return [
        {
            "price": row["price"],
            "quantity": row["qty"],
            "fee": row["commission"],
            "fee_asset": row["commissionAsset"],
            "order_id": row["orderId"],
        }
        for row in rows
    ]


def new_order(side: str, kind: str, quantity: str, price: str | None, client_id: str) -> dict[str, str]:
    """The venue's parameters of a placement; LIMIT is GTC."""
    params = {"symbol": "BTCJPY", "side": side, "type": kind, "quantity": quantity, "newClientOrderId": client_id}
    if price is not None:
        params["price"] = price
    return params | ({"timeInForce": "GTC"} if kind == "LIMIT" else {})
