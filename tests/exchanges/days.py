"""Many rules over many hours at a simulator that keeps count: who asked what when, and how it was answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrader.runtime import Runtime
from autotrader.simulator import Simulator
from autotrader.simulator.protocol import Answer
from tests.worlds.project import entered

SYMBOLS = ("BTCJPY", "ETHJPY", "BNBJPY")
SETTINGS = {"symbols": f"[{', '.join(SYMBOLS)}]"}
LIMITS = {
    "halt_after": "100 refusals",
    "open_orders": "20",
    "orders_per_hour": "60",
    "holding": "{BTC: 30 BTC, ETH: 300 ETH, BNB: 300 BNB}",
    "price_band": "5%",
    "request_weight": "70%",
}
# What a rule looks at, and what it does: every kind of need, orders that rest, fill and are cancelled.
LOOKS = (
    "last > 0 JPY", "change_24h < 50%", "spread < 90%", "depth_bid(5 levels) > 0 JPY", "depth_ask(2%) > 0 JPY",
    "rsi(14, 15m) >= 0", "close(1h) > 0 JPY", "sma(20, 5m) > 0 JPY", "change_day > -90%", "atr(14, 1h) >= 0 JPY",
)  # fmt: skip
PLACES = {
    3: ["buy: {spend: 3_000 JPY, price: bid - 0.5%, cancel_after: 7m}"],
    11: ["buy: {spend: 3_000 JPY, price: market}"],
    17: ["cancel_orders: {side: buy, owner: autotrader, older_than: 5m}"],
    23: ["buy: {spend: 4_000 JPY, price: bid, post_only: true, cancel_after: 3m}"],
}


def rules(count: int, every: str) -> str:
    """A rule file of that many rules over all symbols."""
    lines = ["version: 1", "rules:"]
    for number in range(count):
        symbol = SYMBOLS[number % len(SYMBOLS)]
        lines += [f"  rule_{number}:", f"    symbol: {symbol}", f"    every: {every}"]
        lines += ["    when:", "      all:", "        - exchange is normal"]
        lines += [f"        - {LOOKS[(number + at) % len(LOOKS)]}" for at in range(3)]
        lines += ["    repeat: every 10m while true", "    then:"]
        lines += [f"      - {one}" for one in PLACES.get(number % 25, ['notify: "{symbol} looked at"'])]
    return "\n".join(lines) + "\n"


@dataclass
class Witness:
    """Stands before the simulator: counts answers by status, the most weight of a minute, and may answer itself."""

    simulator: Simulator
    answers: dict[int, int] = field(default_factory=dict)
    asked: list[tuple[int, str, str, int]] = field(default_factory=list)  # only while `listens`
    heaviest: int = 0
    listens: bool = False
    instead: Callable[[str, str], Answer | None] = lambda _method, _path: None

    def __post_init__(self) -> None:
        handle = self.simulator.exchange.handle

        def watched(method: str, path: str, *rest: Any, **more: Any) -> Answer:
            if path.startswith("/simulator/"):
                return handle(method, path, *rest, **more)
            answer = self.instead(method, path) or handle(method, path, *rest, **more)
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
            used = next((v for name, v in answer.headers.items() if name.lower() == "x-mbx-used-weight-1m"), "0")
            self.heaviest = max(self.heaviest, int(used))
            if self.listens:
                self.asked.append((self.simulator.exchange.now_ms, method, path, answer.status))
            return answer

        self.simulator.exchange.handle = watched  # type: ignore[method-assign]


def world(folder: Path, simulator: Simulator, text: str) -> AbstractContextManager[Runtime]:
    """A live world at the simulator over a folder; a second one over the same folder is a restart."""
    return entered(folder, simulator, text, live=True, cache=folder / "cache", settings=SETTINGS, limits=LIMITS)
