"""binance-connector: ``base_url`` of its constructor leads it to loopback."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.clients import venue_words as words
from tests.clients.script import SYMBOL, Figures, begin


class BinanceConnector:
    """The REST client Spot."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._given = (url, key)
        signing = {"private_key": secret} if "PRIVATE KEY" in secret else {"api_secret": secret}
        self._api: Any = import_module("binance.spot").Spot(api_key=key, base_url=url, **signing)

    def with_secret(self, secret: str) -> BinanceConnector:
        """Another secret."""
        return BinanceConnector(*self._given, secret)

    def server_time(self) -> int:
        """time."""
        return int(self._api.time()["serverTime"])

    def exchange_info(self) -> Figures:
        """exchange_info."""
        return words.info(self._api.exchange_info(), SYMBOL)

    def tickers(self) -> Figures:
        """ticker_price and book_ticker."""
        last, best = self._api.ticker_price(SYMBOL), self._api.book_ticker(SYMBOL)
        return {"last": last["price"], "bid": best["bidPrice"], "ask": best["askPrice"]}

    def book(self) -> Figures:
        """depth."""
        return dict(self._api.depth(SYMBOL, limit=10))

    def klines(self) -> list[Any]:
        """klines."""
        return list(self._api.klines(SYMBOL, "1m", limit=5))

    def balances(self) -> Figures:
        """account."""
        return words.balances(self._api.account())

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """new_order."""
        return words.order(self._api.new_order(**words.new_order(side, kind, quantity, price, client_id)))

    def by_id(self, order_id: str) -> Figures:
        """get_order."""
        return words.order(self._api.get_order(SYMBOL, orderId=order_id))

    def by_client_id(self, client_id: str) -> Figures:
        """get_order."""
        return words.order(self._api.get_order(SYMBOL, origClientOrderId=client_id))

    def open_orders(self) -> list[Figures]:
        """get_open_orders."""
        return [words.order(row) for row in self._api.get_open_orders(SYMBOL)]

    def trades(self) -> list[Figures]:
        """my_trades."""
        return words.trades(self._api.my_trades(SYMBOL))

    def cancel(self, order_id: str) -> Figures:
        """cancel_order."""
        return words.order(self._api.cancel_order(SYMBOL, orderId=order_id))

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """cancel_order."""
        return words.order(self._api.cancel_order(SYMBOL, origClientOrderId=client_id))


if __name__ == "__main__":
    begin(BinanceConnector)
