"""binance-sdk-spot: ``base_path`` of its configuration leads it to loopback; replies become typed models."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.clients import venue_words as words
from tests.clients.script import SYMBOL, Figures, begin


class BinanceSdkSpot:
    """The REST part of Spot. Its models are turned back into the venue's JSON."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._given = (url, key)
        signing = {"private_key": secret} if "PRIVATE KEY" in secret else {"api_secret": secret}
        configuration = import_module("binance_common.configuration").ConfigurationRestAPI(
            api_key=key, base_path=url, timeout=10_000, **signing
        )
        self._api: Any = import_module("binance_sdk_spot").Spot(config_rest_api=configuration).rest_api

    def with_secret(self, secret: str) -> BinanceSdkSpot:
        """Another secret."""
        return BinanceSdkSpot(*self._given, secret)

    def server_time(self) -> int:
        """time."""
        return int(_plain(self._api.time())["serverTime"])

    def exchange_info(self) -> Figures:
        """exchange_info."""
        return words.info(_plain(self._api.exchange_info()), SYMBOL)

    def tickers(self) -> Figures:
        """ticker_price and ticker_book_ticker."""
        last, best = _plain(self._api.ticker_price(symbol=SYMBOL)), _plain(self._api.ticker_book_ticker(symbol=SYMBOL))
        return {"last": last["price"], "bid": best["bidPrice"], "ask": best["askPrice"]}

    def book(self) -> Figures:
        """depth."""
        return dict(_plain(self._api.depth(symbol=SYMBOL, limit=10)))

    def klines(self) -> list[Any]:
        """klines."""
        return list(_plain(self._api.klines(symbol=SYMBOL, interval="1m", limit=5)))

    def balances(self) -> Figures:
        """get_account."""
        return words.balances(_plain(self._api.get_account()))

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """new_order; quantities and prices are floats there."""
        more: dict[str, Any] = {} if price is None else {"price": float(price)}
        if kind == "LIMIT":
            more["time_in_force"] = "GTC"
        return words.order(
            _plain(
                self._api.new_order(
                    symbol=SYMBOL, side=side, type=kind, quantity=float(quantity), new_client_order_id=client_id, **more
                )
            )
        )

    def by_id(self, order_id: str) -> Figures:
        """get_order."""
        return words.order(_plain(self._api.get_order(symbol=SYMBOL, order_id=int(order_id))))

    def by_client_id(self, client_id: str) -> Figures:
        """get_order."""
        return words.order(_plain(self._api.get_order(symbol=SYMBOL, orig_client_order_id=client_id)))

    def open_orders(self) -> list[Figures]:
        """get_open_orders."""
        return [words.order(row) for row in _plain(self._api.get_open_orders(symbol=SYMBOL))]

    def trades(self) -> list[Figures]:
        """my_trades."""
        return words.trades(_plain(self._api.my_trades(symbol=SYMBOL)))

    def cancel(self, order_id: str) -> Figures:
        """delete_order."""
        return words.order(_plain(self._api.delete_order(symbol=SYMBOL, order_id=int(order_id))))

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """delete_order."""
        return words.order(_plain(self._api.delete_order(symbol=SYMBOL, orig_client_order_id=client_id)))


def _plain(reply: Any) -> Any:
    return _json(reply.data())


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(item) for item in value]
    actual = getattr(value, "actual_instance", None)
    if actual is not None:
        return _json(actual)
    return value.to_dict() if hasattr(value, "to_dict") else value


if __name__ == "__main__":
    begin(BinanceSdkSpot)
