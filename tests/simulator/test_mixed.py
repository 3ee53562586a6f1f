"""All kinds of orders at random, three accounts, one tape: after every event the books balance."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autotrader.simulator import DEFAULT_SYMBOLS, Account, Exchange, Simulator
from autotrader.simulator.accounts import Rates
from autotrader.simulator.auth import hmac_hex
from autotrader.simulator.symbols import ORDER_TYPES, PREVENTION

D = Decimal
NEXT = {
    "PENDING_NEW": {"PENDING_NEW", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
    "NEW": {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
    "PARTIALLY_FILLED": {"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
}
"""Where an order may go; an ended one stays as it is."""
SPEC = replace(DEFAULT_SYMBOLS["BTCJPY"], prevention_modes=("NONE", *PREVENTION), max_algo_orders=20)


class World:
    """Three accounts (two of one trade group) and their random wishes."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        group: dict[str, Decimal | str | int] = {"JPY": 3_000_000, "BTC": "2", "BNB": "0.002"}
        self.accounts = [
            replace(Account.named("a", group), trade_group=7, bnb_fees=True, tax=Rates(maker=D("0.0001"))),
            replace(Account.named("b", group), trade_group=7, special=Rates(taker=D("0.0002"), buyer=D("0.0001"))),
            Account.named("c", {"JPY": 2_000_000, "BTC": "1"}),
        ]
        self.sim = Simulator(
            tape="btcjpy-2018-01", seed=1, symbols=[SPEC, "BNBJPY"], accounts=self.accounts, weight_limit=10**9,
            order_limits=(10**9, 10**9),
        )  # fmt: skip
        self.exchange: Exchange = self.sim.exchange
        self.seen: dict[int, str] = {}
        self.done: set[str] = set()

    def ask(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """A signed request of a random account, without HTTP."""
        account = self.draw.choice(self.accounts)
        query = "&".join(f"{k}={v}" for k, v in ({"symbol": "BTCJPY"} | params).items())
        query += f"&timestamp={self.exchange.now_ms}"
        query += f"&signature={hmac_hex(account.secret, query.encode())}"
        answer = self.exchange.handle(method, f"/api/v3/{path}", query.encode(), b"", {"x-mbx-apikey": account.key})
        assert answer.status in (200, 400, 409), answer
        if answer.status == 200:
            self.done.add(f"{method} {path} {params.get('type', '')}".strip())
        return answer.status, json.loads(answer.body)

    @property
    def last(self) -> int:
        """The last price."""
        found = self.exchange.markets["BTCJPY"].last
        assert found is not None
        return int(found.price)

    def near(self, low: int = -2500, high: int = 2500) -> int:
        """A price around the last one."""
        return self.last + self.draw.randrange(low, high)

    def quantity(self) -> str:
        """Up to 0.3 BTC."""
        return f"0.{self.draw.randrange(1000, 300_000):06d}"

    def order(self) -> dict[str, Any]:
        """Any single order."""
        draw = self.draw
        side, quantity = draw.choice(("BUY", "SELL")), self.quantity()
        kind = draw.choice(("LIMIT", *ORDER_TYPES))
        params: dict[str, Any] = {"type": kind, "side": side, "quantity": quantity}
        if kind.endswith("LIMIT") or kind == "LIMIT_MAKER":
            params["price"] = self.near()
        if kind.endswith("LIMIT"):
            params["timeInForce"] = draw.choice(("GTC", "GTC", "IOC", "FOK"))
        if kind.startswith(("STOP", "TAKE")):
            above = kind.startswith("STOP") == (side == "BUY")
            if draw.random() < 0.7:
                params["stopPrice"] = self.near(1, 1500) if above else self.near(-1500, -1)
            if draw.random() < 0.4 or "stopPrice" not in params:
                params["trailingDelta"] = draw.randrange(10, 40)
        if "price" in params and params.get("timeInForce", "GTC") == "GTC" and draw.random() < 0.3:
            params["icebergQty"] = f"{max(D(quantity) / 5, D('0.0002')).quantize(D('0.000001')):f}"
        if draw.random() < 0.6:
            params["selfTradePreventionMode"] = draw.choice(SPEC.prevention_modes)
        return params

    def act(self) -> None:
        """One random request."""
        draw, roll = self.draw, self.draw.random()
        open_orders = [o for client in self.exchange.engine.clients.values() for o in client.open.values()]
        chosen = draw.choice(open_orders) if open_orders else None
        if roll < 0.5:
            self.ask("POST", "order", **self.order())
        elif roll < 0.56 and chosen:
            self.ask("DELETE", "order", orderId=chosen.id)
        elif roll < 0.64 and chosen:
            new = chosen.quantity * draw.randrange(20, 99) / 100
            self.ask("PUT", "order/amend/keepPriority", orderId=chosen.id, newQty=f"{new.quantize(D('0.000001')):f}")
        elif roll < 0.72 and chosen:
            mode = draw.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE"))
            self.ask("POST", "order/cancelReplace", cancelOrderId=chosen.id, cancelReplaceMode=mode, **self.order())
        elif roll < 0.81:
            self.oco()
        elif roll < 0.97:
            self.chain()
        else:
            self.ask("DELETE", "openOrders")

    def pair(self, side: str, above: str, below: str) -> dict[str, Any]:
        """The two orders of an OCO around the last price, under two prefixes."""
        params: dict[str, Any] = {}
        gains = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
        losses = ("STOP_LOSS", "STOP_LOSS_LIMIT")
        upper, lower = (gains, losses) if side == "SELL" else (losses, gains)
        for prefix, price, kinds in ((above, self.near(1, 2500), upper), (below, self.near(-2500, -1), lower)):
            kind = self.draw.choice(kinds)
            params[f"{prefix}Type"] = kind
            if kind != "LIMIT_MAKER":
                params[f"{prefix}StopPrice"] = price
            if kind == "LIMIT_MAKER" or kind.endswith("LIMIT"):
                params[f"{prefix}Price"] = price
            if kind.endswith("LIMIT"):
                params[f"{prefix}TimeInForce"] = self.draw.choice(("GTC", "IOC"))
        return params

    def oco(self) -> None:
        """A random pair."""
        side = self.draw.choice(("BUY", "SELL"))
        self.ask("POST", "orderList/oco", side=side, quantity=self.quantity(), **self.pair(side, "above", "below"))

    def chain(self) -> None:
        """A random OTO, OTOCO, OPO or OPOCO."""
        draw = self.draw
        kind = draw.choice(("oto", "otoco", "opo", "opoco"))
        proceeds = kind.startswith("opo")
        side = "SELL" if proceeds else draw.choice(("BUY", "SELL"))
        quantity = self.quantity()
        params: dict[str, Any] = {
            "workingType": "LIMIT", "workingTimeInForce": draw.choice(("GTC", "GTC", "IOC")),
            "workingSide": "BUY" if side == "SELL" else "SELL", "workingPrice": self.near(),
            "workingQuantity": quantity, "pendingSide": side,
        }  # fmt: skip
        if not proceeds:
            params["pendingQuantity"] = quantity
        if kind in ("otoco", "opoco"):
            params |= self.pair(side, "pendingAbove", "pendingBelow")
        else:
            one = {name: value for name, value in self.pair(side, "pending", "-").items() if name[0] != "-"}
            params |= draw.choice((one, {"pendingType": "MARKET"}))
        self.ask("POST", f"orderList/{kind}", **params)

    def check(self) -> None:
        """Balances, quantities, states, the book and the lists."""
        engine = self.exchange.engine
        engine.check()
        book = engine.markets["BTCJPY"].book
        for client in engine.clients.values():
            for order in client.orders.get("BTCJPY", []):
                before = self.seen.get(order.id, "NEW" if order.status != "PENDING_NEW" else "PENDING_NEW")
                if before in NEXT:
                    assert order.status in NEXT[before], (before, order)
                else:
                    assert order.status == before
                self.seen[order.id] = order.status
                assert order.executed + order.prevented <= order.quantity
                assert order.open == (order.id in client.open)
                assert order.status != "FILLED" or order.available == 0
                assert order.status != "PARTIALLY_FILLED" or order.executed > 0
                waiting = book.waiting(order.id)
                assert (waiting is not None) == (order.open and order.working)
                assert waiting is None or waiting.remaining == order.available
            for each in client.lists.values():
                assert sum(1 for order in each.pair if order.open) in (0, 2)
                traded = [order for order in each.pair if order.executed]
                assert len(traded) <= 1
        bids, asks = book.best("BUY"), book.best("SELL")
        assert bids is None or asks is None or bids.price < asks.price

    def run(self, steps: int) -> None:
        """Act, look, let some time pass, look again."""
        for _ in range(steps):
            self.act()
            self.check()
            self.exchange.advance(self.draw.randrange(0, 20_000))
            self.check()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 100_000))
def test_the_books_balance_after_every_event(seed: int) -> None:
    """What leaves a balance arrives in another or in fees, locks are what open orders need, states only move on."""
    World(seed).run(80)


def test_the_mixture_reaches_everything() -> None:
    """In one long run every kind of order and list is accepted, and orders end in every way there is."""
    world = World(3)
    world.run(600)
    kinds = {call.rpartition(" ")[2] for call in world.done if call.startswith("POST order ")}
    assert kinds == set(SPEC.order_types)
    assert {f"POST orderList/{kind}" for kind in ("oco", "oto", "otoco", "opo", "opoco")} <= world.done
    assert "PUT order/amend/keepPriority" in world.done
    clients = world.exchange.engine.clients.values()
    orders = [o for client in clients for o in client.orders["BTCJPY"]]
    assert {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"} <= {order.status for order in orders}
    reasons = {order.expiry_reason for order in orders}
    assert {"OCO_TRIGGER", "OTO_PHASE_ONE_EXPIRED", "REJECTED", "UNFILLED_IOC_QUANTITY_EXPIRED"} <= reasons
    modes = {match.mode for client in clients for match in client.prevented["BTCJPY"]}
    assert len(modes) >= 2


def test_two_runs_of_the_mixture_are_equal() -> None:
    """The same seed leaves the same state, to the byte."""
    shown = []
    for _ in range(2):
        world = World(11)
        world.run(150)
        shown.append(json.dumps(world.sim.state(), sort_keys=True))
    assert shown[0] == shown[1]
