"""A scripted venue that has orders and trades, and everything of execution wired to it over HTTP, for tests.

The venue answers by its tables, which a test may change behind our back; what it answers to one call can be replaced
by `Scripted.on`. Time is moved by hand and is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from autotrader.exchanges.binance.broker import BinanceBroker
from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.clock import SteppedClock, VenueClock
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.venue import VenueSettings
from autotrader.market.needs import OpenOrdersNeed
from autotrader.trading.observer import Observation
from tests.exchanges.scripted import Act, Asked, Scripted, credentials, error, reply
from tests.worlds.desk import Process

START_MS = 1_795_000_000_000
PRICE, QUANTITY = Decimal(9_000_000), Decimal("0.003")
GONE = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})


@dataclass
class Ledger:
    """Orders and trades of the scripted venue, in its own words."""

    now_ms: Callable[[], int]
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    trades: list[dict[str, Any]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)  # orders that lists of open orders do not show

    def add(self, cid: str, **changes: Any) -> int:
        """A new order of ours."""
        number = 100 + len(self.orders)
        now = self.now_ms()
        self.orders[number] = {
            "symbol": "BTCJPY", "orderId": number, "orderListId": -1, "clientOrderId": cid, "price": str(PRICE),
            "origQty": str(QUANTITY), "executedQty": "0.000", "cummulativeQuoteQty": "0", "status": "NEW",
            "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "time": now, "updateTime": now, "isWorking": True,
        } | changes  # fmt: skip
        return number

    def fill(self, number: int, quantity: str, **changes: Any) -> None:
        """A trade of an order, and the order after it."""
        order, part = self.orders[number], Decimal(quantity)
        done = Decimal(order["executedQty"]) + part
        self.trades.append(
            {"symbol": "BTCJPY", "id": 7000 + len(self.trades), "orderId": number, "price": order["price"],
             "qty": quantity, "quoteQty": str(part * PRICE), "commission": "0.000001", "commissionAsset": "BTC",
             "time": self.now_ms(), "isBuyer": order["side"] == "BUY", "isMaker": True, "isBestMatch": True}
        )  # fmt: skip
        status = "FILLED" if done == Decimal(order["origQty"]) else "PARTIALLY_FILLED"
        order |= {
            "executedQty": str(done), "cummulativeQuoteQty": str(done * PRICE), "status": status,
            "updateTime": self.now_ms(),
        } | changes  # fmt: skip

    def rule(self, asked: Asked) -> Act | None:
        """What the venue answers by its tables."""
        given = dict(parse_qsl(asked.query or asked.body))
        answer = {
            ("POST", "/api/v3/order"): self._place, ("GET", "/api/v3/order"): self._find,
            ("DELETE", "/api/v3/order"): self._cancel, ("GET", "/api/v3/openOrders"): self._open,
            ("GET", "/api/v3/allOrders"): self._all, ("GET", "/api/v3/myTrades"): self._mine,
        }.get((asked.method, asked.path))  # fmt: skip
        return None if answer is None else answer(given)

    def _place(self, given: dict[str, str]) -> Act:
        number = self.add(
            given["newClientOrderId"], price=given["price"], origQty=given["quantity"], side=given["side"]
        )
        return reply(200, {**self.orders[number], "transactTime": self.now_ms(), "fills": []})

    def _named(self, given: dict[str, str]) -> dict[str, Any] | None:
        cid, number = given.get("origClientOrderId"), given.get("orderId")
        rows = [o for o in self.orders.values() if o["clientOrderId"] == cid or str(o["orderId"]) == number]
        return rows[-1] if rows else None

    def _find(self, given: dict[str, str]) -> Act:
        found = self._named(given)
        return reply(200, found) if found else error(400, -2013, "Order does not exist.")

    def _cancel(self, given: dict[str, str]) -> Act:
        found = self._named(given)
        if found is None or found["status"] in GONE:
            return error(400, -2011, "Unknown order sent.")
        found |= {"status": "CANCELED", "updateTime": self.now_ms()}
        cid = found["clientOrderId"]
        return reply(200, {**found, "origClientOrderId": cid, "clientOrderId": "x", "transactTime": self.now_ms()})

    def _open(self, given: dict[str, str]) -> Act:
        rows = self.orders.values()
        return reply(200, [o for o in rows if o["status"] not in GONE and o["orderId"] not in self.hidden])

    def _all(self, given: dict[str, str]) -> Act:
        since, least = int(given.get("startTime", 0)), int(given.get("orderId", 0))
        until = int(given.get("endTime", 10**15))
        return reply(200, [o for o in self.orders.values() if since <= o["time"] <= until and o["orderId"] >= least])

    def _mine(self, given: dict[str, str]) -> Act:
        since, least = int(given.get("startTime", 0)), int(given.get("fromId", 0))
        until = int(given.get("endTime", 10**15))
        return reply(200, [t for t in self.trades if since <= t["time"] <= until and t["id"] >= least])


class Road(Process[BinanceBroker, VenueClock | SteppedClock]):
    """A process at the scripted venue, over HTTP; `again` is a restart over the same files and venue."""

    price, quantity = PRICE, QUANTITY

    def __init__(self, folder: Path, scripted: Scripted, now: list[float] | None = None) -> None:
        self.scripted = scripted
        self._now = now or [1000.0]
        scripted.time_ms = self.now_ms
        self.ledger = Ledger(self.now_ms)
        scripted.rules.append(self.ledger.rule)
        self._connect(folder)

    def now_ms(self) -> int:
        """The one time."""
        return START_MS + round((self._now[0] - 1000) * 1000)

    def pass_(self, seconds: float) -> None:
        """Let time pass, on both sides."""
        self._now[0] += seconds

    def _connect(self, folder: Path) -> None:
        settings = VenueSettings(
            monotonic=lambda: self._now[0], wall=lambda: self.now_ms() / 1000, sleep=self.pass_, chance=lambda: 0.0
        )
        token = grant_live("live", True, "live")
        self.connection: Connection = connect(
            settings, url=self.scripted.url, credentials=credentials(), live_token=token
        )
        assert self.connection.broker is not None
        self.connection.ask_before_orders(lambda _side: "")
        self.connection.clock.sync()
        super().__init__(folder, self.connection.broker, self.connection.clock)

    def close(self) -> None:
        """End this process."""
        self.connection.close()
        self.store.close()

    def again(self) -> None:
        """End this process and begin the next one."""
        self.close()
        self._connect(self.folder)

    def observe(self) -> Observation:
        """One look at our own orders, as each cycle has it: what is due for a question of its own is asked first."""
        needs = frozenset(OpenOrdersNeed(symbol) for symbol in self.observer.symbols())
        account = self.venue.observe(needs, self.clock.monotonic() + 5)
        self.resolver.resolve_due(account.open_orders)
        return self.observer.observe(account)

    def sent(self, method: str) -> int:
        """How often something that places (POST) or cancels (DELETE) left."""
        return len(self.scripted.calls(method, "/api/v3/order"))
