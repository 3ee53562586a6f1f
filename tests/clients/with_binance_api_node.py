"""binance-api-node: its calls are made in a Node.js process beside this one; ``httpBase`` leads it to loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.clients import venue_words as words
from tests.clients.script import SYMBOL, Figures, begin


class RefusedError(Exception):
    """What the library threw."""

    def __init__(self, text: str, code: int | None) -> None:
        super().__init__(text)
        self.code = code


class BinanceApiNode:
    """A pipe to the library."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._given = (url, key)
        script = Path(__file__).with_suffix(".js")
        # The module is looked up from the script's real place; NODE_PATH in the environment says where else.
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", str(script), url, key, secret],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _call(self, method: str, **parameters: Any) -> Any:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:
            raise RuntimeError("the process has no pipes")
        pipe_in.write(json.dumps([method, parameters]) + "\n")
        pipe_in.flush()
        reply = json.loads(pipe_out.readline())
        if "error" in reply:
            raise RefusedError(reply["error"], reply.get("code"))
        return reply["value"]

    def with_secret(self, secret: str) -> BinanceApiNode:
        """Another secret."""
        return BinanceApiNode(*self._given, secret)

    def server_time(self) -> int:
        """time."""
        return int(self._call("time"))

    def exchange_info(self) -> Figures:
        """exchangeInfo."""
        return words.info(self._call("exchangeInfo"), SYMBOL)

    def tickers(self) -> Figures:
        """prices and allBookTickers."""
        last, best = self._call("prices", symbol=SYMBOL), self._call("allBookTickers")[SYMBOL]
        return {"last": last[SYMBOL], "bid": best["bidPrice"], "ask": best["askPrice"]}

    def book(self) -> Figures:
        """book."""
        found = self._call("book", symbol=SYMBOL, limit=10)
        return {side: [[row["price"], row["quantity"]] for row in found[side]] for side in ("bids", "asks")}

    def klines(self) -> list[Any]:
        """candles."""
        rows = self._call("candles", symbol=SYMBOL, interval="1m", limit=5)
        return [[row[name] for name in ("openTime", "open", "high", "low", "close")] for row in rows]

    def balances(self) -> Figures:
        """accountInfo."""
        return words.balances(self._call("accountInfo"))

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """order."""
        return words.order(self._call("order", **words.new_order(side, kind, quantity, price, client_id)))

    def by_id(self, order_id: str) -> Figures:
        """getOrder."""
        return words.order(self._call("getOrder", symbol=SYMBOL, orderId=order_id))

    def by_client_id(self, client_id: str) -> Figures:
        """getOrder."""
        return words.order(self._call("getOrder", symbol=SYMBOL, origClientOrderId=client_id))

    def open_orders(self) -> list[Figures]:
        """openOrders."""
        return [words.order(row) for row in self._call("openOrders", symbol=SYMBOL)]

    def trades(self) -> list[Figures]:
        """myTrades."""
        return words.trades(self._call("myTrades", symbol=SYMBOL))

    def cancel(self, order_id: str) -> Figures:
        """cancelOrder."""
        return words.order(self._call("cancelOrder", symbol=SYMBOL, orderId=order_id))

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """cancelOrder."""
        return words.order(self._call("cancelOrder", symbol=SYMBOL, origClientOrderId=client_id))


if __name__ == "__main__":
    begin(BinanceApiNode)
