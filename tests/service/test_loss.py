"""The day's loss while no rule is due."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autotrader.prove.harness import Harness, project_of
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from tests.proof.halts import ACCOUNT

DAILY = """
version: 1
rules:
  buyer:
    symbol: BTCJPY
    at: daily {at} UTC
    when: last > 0 JPY
    then:
      - buy: {{spend: 100_000 JPY, price: market}}
"""


def live_harness(folder: Path, loss: str) -> Harness:
    """An exchange in virtual time; a rule that buys once, half a minute from now; a limit on the day's loss."""
    purse = Account.named("main", {"JPY": "50000000", "BTC": "5", "BNB": "0"})
    simulator = Simulator(seed=3, symbols=["BTCJPY"], accounts=[purse], history_minutes=30)
    minute = (simulator.now_ms // 60_000 + 1) % 1_440
    text = ACCOUNT.replace("loss_per_day: 90_000_000 JPY", f"loss_per_day: {loss}", 1)
    rules = DAILY.format(at=f"{minute // 60:02d}:{minute % 60:02d}")
    return Harness(project_of(folder / "project", text, rules), simulator, folder / "state", random.Random(3))


def go_on(world: Runtime, seconds: float) -> None:
    """Let the service run for a while, tick by tick."""
    clock = world.connection.clock
    Runner(world, RunMode(until_ms=clock.now_ms() + int(seconds * 1000))).run()


@pytest.mark.parametrize(("loss", "halts"), [("20 JPY", True), ("40_000 JPY", False)])
def test_a_loss_beyond_the_limit_halts_although_no_rule_is_due(tmp_path: Path, loss: str, *, halts: bool) -> None:
    """What was bought is worth less by spread and fee; within 31 s of that everything stops, a day before the rule is
    looked at again. Below the limit nothing stops, and the looks cost one request of weight 2 each.
    """
    harness = live_harness(tmp_path, loss)
    with harness.open() as world:
        assert world.start().armed
        go_on(world, 70)
        assert world.store.orders.fills_since(0)
        before = harness.heard().get(("GET", "/api/v3/ticker/bookTicker"), 0)
        go_on(world, 31)
        assert ("loss_per_day" in (world.store.halted() or "")) is halts
        go_on(world, 120)
        looks = harness.heard().get(("GET", "/api/v3/ticker/bookTicker"), 0) - before
    assert looks <= (1 if halts else 5)
