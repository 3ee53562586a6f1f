"""kill -9 in the middle of the day, start again: nothing doubled, nothing lost, timers and cooldowns go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.records.crash import VARIABLE
from autotrader.simulator import Simulator
from tests.road.day import opened, own_orders, played, simulator, write_project

pytestmark = pytest.mark.timeout(180)
REPO = Path(__file__).parents[2]
# A rotating choice for the everyday suite; the long proof takes every point (tests/execution).
POINTS = ("intent_committed", "sent_committed", "posted:2", "reply_committed", "cancel_posted", "trades_read")


def run_until_killed(folder: Path, sim: Simulator, point: str) -> int:
    """`autotrader run --live` as a user starts it, dying at a point by SIGKILL; returns its exit status."""
    account = sim.accounts[0]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTOTRADER")},
        "AUTOTRADER_API_KEY": account.key, "AUTOTRADER_API_SECRET": account.secret, "AUTOTRADER_LIVE": "1",
        VARIABLE: point, "HOME": str(folder),
    }  # fmt: skip
    words = ["run", "--live", "--stepped", "--for", "8h", "--state", str(folder / "state")]
    done = subprocess.run(
        [sys.executable, "-m", "autotrader", *words, "--config", str(folder / "autotrader.yaml")],
        cwd=REPO, env=environment, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_started_again_nothing_is_doubled_or_lost(tmp_path: Path, point: str) -> None:
    """After the restart every order at the exchange is ours once, and every trade is booked once."""
    with simulator() as sim:
        write_project(tmp_path, sim.url, "live")
        assert run_until_killed(tmp_path, sim, point) == -signal.SIGKILL
        with opened(tmp_path, sim, live=True) as world:
            played(world, 2)
            theirs = {order["clientOrderId"]: order for order in sim.orders()}
            ours = own_orders(world)
            assert len(sim.orders()) == len(theirs)
            assert ours.keys() == theirs.keys()
            assert {cid: order.executed for cid, order in ours.items()} == {
                cid: Decimal(order["executedQty"]) for cid, order in theirs.items()
            }
            assert {fill.trade_id for fill in world.store.orders.fills_since(0)} == {int(t["id"]) for t in sim.trades()}
            assert not world.store.intents.unresolved()
            assert world.store.verify().whole


def test_a_stale_order_is_cancelled_after_a_restart(tmp_path: Path) -> None:
    """`cancel_after` belongs to the order: it holds although the process died and the rule is gone."""
    rules = """
version: 1
rules:
  one_bid:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    cooldown: 20h
    then:
      - buy: {spend: 10_000 JPY, price: bid - 5%, cancel_after: 30m}
"""
    other = rules.replace("one_bid", "another").replace("last > 0 JPY", "last < 10_000 JPY")
    with simulator() as sim:
        with opened(tmp_path, sim, live=True, rules=rules.replace("bid - 5%", "bid - 2%")) as world:
            played(world, 0.1)
            (placed,) = own_orders(world)
        with opened(tmp_path, sim, live=True, rules=other) as world:
            played(world, 0.6)
            order = own_orders(world)[placed]
            assert order.status == "CANCELED"
            assert 30 * 60_000 <= order.updated_ms - order.created_ms <= 31 * 60_000


def test_cooldown_goes_on_over_a_restart(tmp_path: Path) -> None:
    """A rule that fired does not fire again because the process was started anew."""
    rules = """
version: 1
rules:
  once_in_a_while:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    repeat: every 1m while true
    cooldown: 2h
    then:
      - buy: {spend: 10_000 JPY, price: bid - 2%}
"""
    with simulator() as sim:
        for _ in range(3):
            with opened(tmp_path, sim, live=True, rules=rules) as world:
                played(world, 0.5)
                assert len(own_orders(world)) == 1
        with opened(tmp_path, sim, live=True, rules=rules) as world:
            played(world, 0.7)
            assert len(own_orders(world)) == 2
