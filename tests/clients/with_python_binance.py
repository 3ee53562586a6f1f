"""python-binance: the attribute API_URL leads it to loopback. It sends parameters of DELETE in the body."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.clients import venue_words as words
from tests.clients.script import SYMBOL, Figures, begin


class PythonBinance:
    """The synchronous client."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._given = (url, key)
        signing = {"private_key": secret} if "PRIVATE KEY" in secret else {"api_secret": secret}
        self._api: Any = import_module("binance.client").Client(key, ping=False, **signing)
        self._api.API_URL = f"{url}/api"

    def with_secret(self, secret: str) -> PythonBinance:
        """Another secret."""
        return PythonBinance(*self._given, secret)

    def server_time(self) -> int:
        """get_server_time."""
        return int(self._api.get_server_time()["serverTime"])

    def exchange_info(self) -> Figures:
        """get_exchange_info."""
        return words.info(self._api.get_exchange_info(), SYMBOL)

    def tickers(self) -> Figures:
        """get_symbol_ticker and get_orderbook_ticker."""
        last, best = self._api.get_symbol_ticker(symbol=SYMBOL), self._api.get_orderbook_ticker(symbol=SYMBOL)
        return {"last": last["price"], "bid": best["bidPrice"], "ask": best["askPrice"]}

    def book(self) -> Figures:
        """get_order_book."""
        return dict(self._api.get_order_book(symbol=SYMBOL, limit=10))

    def klines(self) -> list[Any]:
        """get_klines."""
        return list(self._api.get_klines(symbol=SYMBOL, interval="1m", limit=5))

    def balances(self) -> Figures:
        """get_account."""
        return words.balances(self._api.get_account())

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """create_order."""
        return words.order(self._api.create_order(**words.new_order(side, kind, quantity, price, client_id)))

    def by_id(self, order_id: str) -> Figures:
        """get_order."""
        return words.order(self._api.get_order(symbol=SYMBOL, orderId=order_id))

    def by_client_id(self, client_id: str) -> Figures:
        """get_order."""
        return words.order(self._api.get_order(symbol=SYMBOL, origClientOrderId=client_id))

    def open_orders(self) -> list[Figures]:
        """get_open_orders."""
        return [words.order(row) for row in self._api.get_open_orders(symbol=SYMBOL)]

    def trades(self) -> list[Figures]:
        """get_my_trades."""
        return words.trades(self._api.get_my_trades(symbol=SYMBOL))

    def cancel(self, order_id: str) -> Figures:
        """cancel_order."""
        return words.order(self._api.cancel_order(symbol=SYMBOL, orderId=order_id))

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """cancel_order."""
        return words.order(self._api.cancel_order(symbol=SYMBOL, origClientOrderId=client_id))


if __name__ == "__main__":
    begin(PythonBinance)
