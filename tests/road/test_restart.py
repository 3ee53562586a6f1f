"""What goes on over a restart: an order's own timer, and a rule's cooldown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds.project import opened, own_orders, played, simulator

pytestmark = pytest.mark.timeout(1800)


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
        with opened(tmp_path, sim, rules.replace("bid - 5%", "bid - 2%"), live=True) as world:
            played(world, 0.1)
            (placed,) = own_orders(world)
        with opened(tmp_path, sim, other, live=True) as world:
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
            with opened(tmp_path, sim, rules, live=True) as world:
                played(world, 0.5)
                assert len(own_orders(world)) == 1
        with opened(tmp_path, sim, rules, live=True) as world:
            played(world, 0.7)
            assert len(own_orders(world)) == 2
