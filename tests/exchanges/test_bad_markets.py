"""A symbol that goes, stops or changes, and a venue under maintenance: what whole rules do then, over HTTP.

Numbers are the rows of the list of bad responses in the safety notes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.runtime import Runtime
from autotrader.simulator import Account, Simulator
from autotrader.simulator.protocol import Answer
from tests.exchanges.days import Witness, world
from tests.worlds.project import played

RULES = """
version: 1
rules:
  low_btc:
    symbol: BTCJPY
    every: 1m
    when: {condition}
    repeat: every 1m while true
    then:
      - buy: {{spend: 20_001 JPY, price: bid - 3%, tag: btc}}
  low_eth:
    symbol: ETHJPY
    every: 1m
    when: last > 0 JPY
    repeat: every 1m while true
    then:
      - buy: {{spend: 20_001 JPY, price: bid - 3%, tag: eth}}
  watch:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    then: [notify: "seen"]
"""


@dataclass
class Play:
    """Rules that buy every minute, at an exchange whose answers can be changed."""

    world: Runtime
    simulator: Simulator
    witness: Witness

    def minutes(self, count: float) -> None:
        """Let time pass."""
        played(self.world, count / 60)

    def placed(self, symbol: str) -> list[dict[str, Any]]:
        """Orders of a symbol at the exchange."""
        return [order for order in self.simulator.orders() if order["symbol"] == symbol]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Play]]:
    """Begin to play with a condition of the first rule."""
    with Simulator(seed=5, accounts=[Account.named("main", {"JPY": "50000000"})]) as simulator:
        witness, made = Witness(simulator), []

        def begin(condition: str = "last > 0 JPY") -> Play:
            context = world(tmp_path, simulator, RULES.format(condition=condition))
            entered = context.__enter__()
            made.append(context)
            assert entered.start().armed
            return Play(entered, simulator, witness)

        yield begin
        for context in made:
            context.__exit__(None, None, None)


def test_a_symbol_that_stops_trading_stops_only_itself(opened: Callable[[], Play]) -> None:
    """45: BREAK: a refusal or two, then nothing more is sent for it; the other symbol trades on; nothing halts."""
    made = opened()
    made.minutes(3)
    before, other = len(made.placed("BTCJPY")), len(made.placed("ETHJPY"))
    assert before >= 2
    made.simulator.exchange.statuses["BTCJPY"] = "BREAK"
    made.minutes(10)
    assert len(made.placed("BTCJPY")) == before
    assert len(made.placed("ETHJPY")) >= other + 8
    assert made.world.store.halted() is None


def test_a_symbol_that_is_gone_stops_only_itself(opened: Callable[[], Play]) -> None:
    """45: exchangeInfo does not list it any more and no order of it is taken: the other symbol trades on."""
    made = opened()
    made.minutes(3)
    before, other = len(made.placed("BTCJPY")), len(made.placed("ETHJPY"))
    made.simulator.exchange.markets.pop("BTCJPY")
    made.minutes(10)
    assert len(made.placed("ETHJPY")) >= other + 8
    assert len(made.placed("BTCJPY")) == before
    assert made.world.store.halted() is None


def test_a_step_that_changes_is_kept_to(opened: Callable[[], Play]) -> None:
    """45: the venue makes its step coarser: what it refused is not sent again as it was, and then orders fit."""
    made = opened()
    made.minutes(2)
    market = made.simulator.exchange.markets["BTCJPY"]
    market.spec = replace(market.spec, step=Decimal("0.001"))
    before, refused = len(made.placed("BTCJPY")), made.witness.answers.get(400, 0)
    made.minutes(4)
    assert made.witness.answers[400] == refused + 1, "the filters are read again at once"
    later = made.placed("BTCJPY")[before:]
    assert later, "orders go on with the new step"
    assert all(Decimal(order["origQty"]) % Decimal("0.001") == 0 for order in later)
    assert made.world.store.halted() is None


@pytest.mark.parametrize("condition", ["exchange is normal", "last > 0 JPY"])
def test_under_maintenance_no_order_is_sent_and_watching_goes_on(opened: Callable[[str], Play], condition: str) -> None:
    """46: nothing new is placed, whether or not the rule asks about the exchange; when it ends, it goes on."""
    made = opened(condition)
    made.minutes(3)
    before = len(made.placed("BTCJPY"))
    assert before >= 2
    made.simulator.exchange.system_down = True
    looked = made.simulator.requests()["total"]
    made.minutes(5)
    assert len(made.placed("BTCJPY")) == before
    assert made.simulator.requests()["total"] > looked
    made.simulator.exchange.system_down = False
    made.minutes(3)
    assert len(made.placed("BTCJPY")) > before


def test_an_exchange_info_that_cannot_be_read_changes_nothing(opened: Callable[[], Play]) -> None:
    """45: broken filters of a symbol are not taken: what was read before holds, and trading goes on."""
    made = opened()
    made.minutes(2)
    body = json.dumps(
        {"serverTime": 1, "rateLimits": [], "symbols": [{"symbol": "BTCJPY", "filters": "none"}]}
    ).encode()
    made.witness.instead = lambda _method, path: Answer(200, {}, body) if path.endswith("exchangeInfo") else None
    before = len(made.placed("BTCJPY"))
    made.minutes(5)
    assert len(made.placed("BTCJPY")) > before
