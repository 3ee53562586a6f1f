"""A long run: old ended orders are forgotten, open ones and the books are not."""

from __future__ import annotations

from collections.abc import Callable

from autotrader.simulator import Simulator
from tests.simulator.conftest import Caller


def test_only_the_oldest_ended_orders_are_forgotten(connect: Callable[..., Caller]) -> None:
    """Of 300 orders about the newest 40 and the one still open are known, with their trades; the books balance."""
    with Simulator(seed=1, symbols=["BTCJPY"], keep_orders=40, order_limits=(1000, 1000)) as sim:
        venue = connect(sim)
        resting = venue.order(price="9000000", quantity="0.001").body["orderId"]
        placed = [venue.order("BUY", "MARKET", quantity="0.001").body["orderId"] for _ in range(300)]
        known = [row["orderId"] for row in sim.orders()]
        assert known[0] == resting
        assert known[1:] == placed[-len(known) + 1 :]
        assert 40 <= len(known) <= 52
        assert {row["orderId"] for row in sim.trades()} == set(known) - {resting}
        assert venue.signed("GET", "order", symbol="BTCJPY", orderId=placed[0]).error[1] == -2013
        assert venue.signed("DELETE", "order", symbol="BTCJPY", orderId=resting).status == 200
        sim.check()
