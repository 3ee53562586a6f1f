"""ccxt: ``urls`` and ``options`` of its constructor lead it to loopback."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.clients.script import Figures, begin

PAIR = "BTC/JPY"


class Ccxt:
    """The unified calls."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._given = (url, key)
        self._api: Any = import_module("ccxt").binance(
            {
                "apiKey": key,
                "secret": secret,
                "options": {
                    "defaultType": "spot",
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                    "fetchMarkets": {"types": ["spot"]},
                },
            }
        )
        for name in ("public", "private", "v1"):
            self._api.urls["api"][name] = f"{url}/api/v3"
        self._api.urls["api"]["sapi"] = f"{url}/sapi/v1"

    def with_secret(self, secret: str) -> Ccxt:
        """Another secret."""
        return Ccxt(*self._given, secret)

    def server_time(self) -> int:
        """fetch_time."""
        return int(self._api.fetch_time())

    def exchange_info(self) -> Figures:
        """Its unified market."""
        market = self._api.load_markets()[PAIR]
        tick, step = market["precision"]["price"], market["precision"]["amount"]
        return {"tick": tick, "step": step, "minimum": market["limits"]["cost"]["min"]}

    def tickers(self) -> Figures:
        """fetch_ticker."""
        row = self._api.fetch_ticker(PAIR)
        return {"last": row["last"], "bid": row["bid"], "ask": row["ask"]}

    def book(self) -> Figures:
        """fetch_order_book."""
        return dict(self._api.fetch_order_book(PAIR, 10))

    def klines(self) -> list[Any]:
        """fetch_ohlcv."""
        return list(self._api.fetch_ohlcv(PAIR, "1m", limit=5))

    def balances(self) -> Figures:
        """fetch_balance."""
        found = self._api.fetch_balance()
        return {asset: {"free": found["free"][asset], "locked": found["used"][asset]} for asset in found["total"]}

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """create_order; a maker order is a limit order with ``postOnly``."""
        more = {"newClientOrderId": client_id} | ({"postOnly": True} if kind == "LIMIT_MAKER" else {})
        name = "market" if kind == "MARKET" else "limit"
        return self._shown(self._api.create_order(PAIR, name, side.lower(), float(quantity), price, more))

    def by_id(self, order_id: str) -> Figures:
        """fetch_order."""
        return self._shown(self._api.fetch_order(order_id, PAIR))

    def by_client_id(self, client_id: str) -> Figures:
        """fetch_order with origClientOrderId."""
        return self._shown(self._api.fetch_order("", PAIR, {"origClientOrderId": client_id}))

    def open_orders(self) -> list[Figures]:
        """fetch_open_orders."""
        return [self._shown(row) for row in self._api.fetch_open_orders(PAIR)]

    def trades(self) -> list[Figures]:
        """fetch_my_trades."""
        return [
            {
                "price": row["price"],
                "quantity": row["amount"],
                "fee": row["fee"]["cost"],
                "fee_asset": row["fee"]["currency"],
                "order_id": row["order"],
            }
            for row in self._api.fetch_my_trades(PAIR)
        ]

    def cancel(self, order_id: str) -> Figures:
        """cancel_order."""
        return self._shown(self._api.cancel_order(order_id, PAIR))

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """cancel_order with origClientOrderId."""
        return self._shown(self._api.cancel_order("", PAIR, {"origClientOrderId": client_id}))

    @staticmethod
    def _shown(row: Any) -> Figures:
        client_id = row["info"].get("origClientOrderId") or row["clientOrderId"]
        return {"id": row["id"], "client_id": client_id, "status": row["status"], "executed": row["filled"]}


if __name__ == "__main__":
    begin(Ccxt)
