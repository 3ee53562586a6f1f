"""Signed order round trips a second at the simulator over keep-alive, whose time they take, and memory over many.

    python -m benchmarks.round_trips [--orders 100000]

The client (``http.client``, HMAC) and the simulator are two processes, so that
the processor time of each is known. Rates are per second of processor time, which
does not depend on what else the machine does: what one core does with both, and
with the simulator alone. Wall-clock rates follow behind.
"""

from __future__ import annotations

import argparse
import hmac
import http.client
import json
import multiprocessing
import time
from collections.abc import Callable
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from autotrader.simulator import Account, Simulator

ACCOUNT = Account.named("main", {"JPY": Decimal(10**15), "BTC": Decimal(10**9)})
ROOM = 10**9
CALLS = 600


def _simulator(keep: int = 100_000) -> Simulator:
    return Simulator(
        seed=1, symbols=["BTCJPY"], accounts=[ACCOUNT], order_limits=(ROOM, ROOM), weight_limit=ROOM, raw_limit=ROOM,
        keep_orders=keep,
    )  # fmt: skip


def _sign(params: dict[str, object]) -> str:
    query = urlencode(params)
    return f"{query}&signature={hmac.digest(ACCOUNT.secret.encode(), query.encode(), 'sha256').hex()}"


def _serve(pipe: Connection) -> None:
    with _simulator() as sim:
        pipe.send((sim.port, sim.now_ms))
        while pipe.recv():
            pipe.send(time.process_time())


class Trader:
    """Places and cancels over one connection."""

    def __init__(self, port: int, now: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._now = now
        self._number = 0

    def _call(self, method: str, **params: object) -> Any:
        target = "/api/v3/order?" + _sign({"symbol": "BTCJPY", **params, "timestamp": self._now})
        self._connection.request(method, target, None, {"X-MBX-APIKEY": ACCOUNT.key})
        return json.loads(self._connection.getresponse().read())

    def market(self) -> int:
        """One order that trades at once."""
        self._number += 1
        cid = f"b-{self._number}"
        placed = self._call("POST", side="BUY", type="MARKET", quantity="0.000011", newClientOrderId=cid)
        assert placed["status"] == "FILLED", placed
        return 1

    def limit(self) -> int:
        """One order that rests, and its cancel."""
        self._number += 1
        placed = self._call(
            "POST", side="BUY", type="LIMIT", timeInForce="GTC", price="9000000", quantity="0.001",
            newClientOrderId=f"b-{self._number}",
        )  # fmt: skip
        assert self._call("DELETE", orderId=placed["orderId"])["status"] == "CANCELED"
        return 2


def round_trips() -> None:
    """Print the best of five rounds for each kind."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,))
    process.start()
    trader = Trader(*ours.recv())

    def server_time() -> float:
        ours.send(True)
        return float(ours.recv())

    for name, act in (("market orders", trader.market), ("limit orders and cancels", trader.limit)):
        for _ in range(100):
            act()
        rounds = [_round(act, server_time) for _ in range(5)]
        both, server, wall = (max(column) for column in zip(*rounds, strict=True))
        print(f"{name}: {both:.0f}/s client and simulator on one core; simulator alone {server:.0f}/s, ", end="")
        print(f"its share {both / server:.0%}; by the clock {wall:.0f}/s")
    ours.send(False)
    process.join()


def _round(act: Callable[[], int], server_time: Callable[[], float]) -> tuple[float, float, float]:
    server, client, clock, done = server_time(), time.process_time(), time.perf_counter(), 0
    while done < CALLS:
        done += act()
    wall = time.perf_counter() - clock
    own, its = time.process_time() - client, server_time() - server
    return done / (own + its), done / its, done / wall


def _resident() -> int:
    rows = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS"))


def memory(orders: int, keep: int) -> None:
    """Print resident memory while many orders are placed, filled and cancelled without HTTP."""
    exchange = _simulator(keep).exchange
    headers = {"x-mbx-apikey": ACCOUNT.key}
    for number in range(1, orders + 1):
        order: dict[str, object] = {"symbol": "BTCJPY", "side": "BUY", "timestamp": exchange.now_ms}
        market = number % 2 == 0
        order |= {"type": "MARKET"} if market else {"type": "LIMIT", "timeInForce": "GTC", "price": "9000000"}
        answer = exchange.handle("POST", "/api/v3/order", _sign(order | {"quantity": "0.001"}).encode(), b"", headers)
        assert answer.status == 200, answer.body
        if not market:
            cancel = {"symbol": "BTCJPY", "orderId": json.loads(answer.body)["orderId"], "timestamp": exchange.now_ms}
            exchange.handle("DELETE", "/api/v3/order", _sign(cancel).encode(), b"", headers)
        if number % 50 == 0:
            exchange.advance(1000)
        if number % (orders // 10) == 0:
            print(f"{number} orders, {keep} kept: {_resident() / 1024:.1f} MiB")
    exchange.engine.check()


def main() -> None:
    """Both measurements."""
    parser = argparse.ArgumentParser(description="round trips and memory of the simulator")
    parser.add_argument("--orders", type=int, default=0, help="also place that many and show memory")
    parser.add_argument("--keep", type=int, default=10_000, help="orders kept per account and symbol meanwhile")
    given = parser.parse_args()
    round_trips()
    if given.orders:
        memory(given.orders, given.keep)


if __name__ == "__main__":
    main()
