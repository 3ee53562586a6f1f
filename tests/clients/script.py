"""The one script that every third-party client runs: standard library only, since it runs in their environments.

A client is a class with one method for each thing to do. The script calls them
in order and prints, as one JSON line a step, what came back in words that all
clients share: ids, texts of figures, or the venue's code of a refusal.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol

SYMBOL = "BTCJPY"
LOW, HIGH, SIZE, TAKEN = "9000000", "11000000", "0.001", "0.002"
Figures = Mapping[str, Any]


FAR = "60000000"
TEXTS = {
    "Account has insufficient balance for requested action.": "-2010",
    "Order would immediately match and take.": "-2010",
    "Filter failure: ": "-1013",
}
"""Refusals of which a client may show the text and keep the code to itself."""


class Client(Protocol):
    """What an adapter offers. Figures are the venue's own fields where it hands them through."""

    def server_time(self) -> int:
        """Milliseconds since 1970."""
        ...

    def exchange_info(self) -> Figures:
        """tick, step, minimum (notional) of the symbol."""
        ...

    def tickers(self) -> Figures:
        """last, bid, ask."""
        ...

    def book(self) -> Figures:
        """bids and asks, ten levels of [price, quantity]."""
        ...

    def klines(self) -> Sequence[Sequence[Any]]:
        """Five 1m candles: open time, open, high, low, close."""
        ...

    def balances(self) -> Figures:
        """free and locked by asset."""
        ...

    def place(self, side: str, kind: str, quantity: str, price: str | None, client_id: str) -> Figures:
        """id, client_id, status, executed of a new order; LIMIT is GTC."""
        ...

    def by_id(self, order_id: str) -> Figures:
        """The order of that id."""
        ...

    def by_client_id(self, client_id: str) -> Figures:
        """The order of that client id."""
        ...

    def open_orders(self) -> Sequence[Figures]:
        """Open orders of the symbol."""
        ...

    def trades(self) -> Sequence[Figures]:
        """Own trades of the symbol: price, quantity, fee, fee_asset, order_id."""
        ...

    def cancel(self, order_id: str) -> Figures:
        """Cancel by id."""
        ...

    def cancel_by_client_id(self, client_id: str) -> Figures:
        """Cancel by client id."""
        ...

    def with_secret(self, secret: str) -> Client:
        """The same client with another secret."""
        ...


def plain(value: object) -> str:
    """A figure without exponent and trailing zeros."""
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def code_of(error: BaseException) -> str:
    """The venue's code in an exception, whatever attribute or text it is in."""
    for name in ("code", "error_code", "status_code"):
        value = getattr(error, name, None)
        if isinstance(value, int) and value < 0:
            return str(value)
    found = re.search(r"[\"']code[\"']\s*:\s*(-\d+)", str(error))
    if found:
        return found[1]
    known = next((code for text, code in TEXTS.items() if text in str(error)), None)
    return known or f"no code: {type(error).__name__}: {error}"


class Run:
    """Runs and prints the steps."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.ids: dict[str, str] = {}

    def step(self, name: str, act: Callable[[], object]) -> None:
        """One step that should succeed."""
        try:
            result: object = act()
        except Exception as error:  # noqa: BLE001 - whatever a foreign client raises is an outcome
            result = {"refused": code_of(error), "text": str(error)[:300]}
        sys.stdout.write(json.dumps({"step": name, "result": result}) + "\n")
        sys.stdout.flush()

    def order(self, name: str, act: Callable[[], Figures]) -> None:
        """A step whose result is an order."""

        def shown() -> object:
            row = act()
            self.ids[name] = str(row["id"])
            return order_words(row)

        self.step(name, shown)

    def place(self, what: str, order: tuple[str, str, str, str | None]) -> None:
        """Place an order (side, kind, quantity, price) with a client id that names the step."""
        self.order(what, lambda: self.client.place(*order, f"{self.name}-{what}"))


def order_words(row: Figures) -> dict[str, str]:
    """Id, client id, status and executed quantity in one spelling."""
    words = {"id": str(row["id"]), "client_id": str(row["client_id"])}
    status = row.get("status")
    if status:
        words["status"] = {"open": "NEW", "closed": "FILLED", "canceled": "CANCELED"}.get(status, str(status))
    if row.get("executed") is not None:
        words["executed"] = plain(row["executed"])
    return words


def _market(client: Client, now: Callable[[], float] = time.time) -> dict[str, Callable[[], object]]:
    def clock() -> object:
        return abs(int(client.server_time()) - now() * 1000) < 5000

    def info() -> object:
        return {name: plain(value) for name, value in client.exchange_info().items()}

    def tickers() -> object:
        row = {name: Decimal(str(value)) for name, value in client.tickers().items()}
        return {"ordered": row["bid"] < row["ask"], "near": abs(row["last"] / row["bid"] - 1) < Decimal("0.01")}

    def book() -> object:
        rows = client.book()
        bids, asks = rows["bids"], rows["asks"]
        ordered = Decimal(str(bids[0][0])) < Decimal(str(asks[0][0]))
        return {"bids": len(bids), "asks": len(asks), "ordered": ordered}

    def klines() -> object:
        rows = client.klines()
        steps = {int(b[0]) - int(a[0]) for a, b in pairwise(rows)}
        right = all(Decimal(str(row[3])) <= Decimal(str(row[4])) <= Decimal(str(row[2])) for row in rows)
        return {"rows": len(rows), "steps": sorted(steps), "right": right}

    return {"time": clock, "info": info, "tickers": tickers, "book": book, "klines": klines}


def _balances(client: Client) -> object:
    return {
        asset: [plain(row["free"]), plain(row["locked"])]
        for asset, row in sorted(client.balances().items())
        if Decimal(str(row["free"])) or Decimal(str(row["locked"]))
    }


def _trades(client: Client) -> object:
    return [
        {key: plain(row[key]) if key in ("price", "quantity", "fee") else str(row[key]) for key in sorted(row)}
        for row in client.trades()
    ]


def play(client: Client, name: str) -> None:
    """The script."""
    run = Run(client, name)
    for step, act in _market(client).items():
        run.step(step, act)
    run.step("balances", lambda: _balances(client))
    run.place("limit", ("BUY", "LIMIT", SIZE, LOW))
    run.place("market", ("BUY", "MARKET", TAKEN, None))
    run.place("maker", ("SELL", "LIMIT_MAKER", SIZE, HIGH))
    limit, maker = run.ids.get("limit", "0"), run.ids.get("maker", "0")
    run.order("query", lambda: client.by_id(limit))
    run.order("query by client id", lambda: client.by_client_id(f"{name}-maker"))
    run.step("open orders", lambda: sorted(str(row["id"]) for row in client.open_orders()))
    run.step("trades", lambda: _trades(client))
    _refusals(run)
    run.order("cancel", lambda: client.cancel(limit))
    run.order("cancel by client id", lambda: client.cancel_by_client_id(f"{name}-maker"))
    run.order("query cancelled", lambda: client.by_id(maker))
    run.step("open at the end", lambda: len(client.open_orders()))
    run.step("balances at the end", lambda: _balances(client))


def _refusals(run: Run) -> None:
    client = run.client
    wrong = client.with_secret("x" * 64)
    run.step("too much money", lambda: client.place("BUY", "LIMIT", "100", LOW, f"{run.name}-rich"))
    run.step("too far", lambda: client.place("SELL", "LIMIT", SIZE, FAR, f"{run.name}-far"))
    run.step("same id", lambda: client.place("BUY", "LIMIT", SIZE, LOW, f"{run.name}-limit"))
    run.step("would take", lambda: client.place("BUY", "LIMIT_MAKER", SIZE, HIGH, f"{run.name}-taker"))
    run.step("unknown order", lambda: client.by_id("999999"))
    run.step("unknown cancel", lambda: client.cancel("999999"))
    run.step("bad signature", wrong.open_orders)
    run.step("bad signature of an order", lambda: wrong.place("BUY", "LIMIT", SIZE, LOW, f"{run.name}-unsigned"))


def begin(make: Callable[[str, str, str], Client]) -> None:
    """``python ADAPTER.py URL KEY SECRET NAME``."""
    url, key, secret, name = sys.argv[1:]
    play(make(url, key, secret), name)
