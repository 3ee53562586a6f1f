"""When a rule fires (docs/language.md §4), told as scenarios."""

from __future__ import annotations

from decimal import Decimal

from autotrader.engine.state import Phase
from autotrader.language.requests import NotifyRequest
from autotrader.orders import OrderType, Side
from tests.worlds.values import World, below, buy, held, notify, plan, rule


def test_fires_once_per_episode() -> None:
    """A rule fires once while its condition stays true, and again after the condition has been false."""
    world = World(plan(rule(below(100), notify())))
    for last in (90, 90, 90, 110, 90, 90):
        world.step(last)
    assert [d.fired for d in world.decisions] == [True, False, False, False, True, False]


def test_buy_is_sized_and_fitted() -> None:
    """A buy of 10,000 yen at the bid is a limit order on the grid that spends no more."""
    world = World(plan(rule(below(200_000), buy(10_000))))
    world.step(100_000)
    (request,) = world.orders
    order = request.order
    assert (Side.BUY, OrderType.LIMIT, Decimal(99_990), Decimal("0.10001")) == (
        order.side, order.type, order.price, order.quantity,
    )  # fmt: skip
    assert order.notional <= 10_000


def test_unknown_price_places_no_order() -> None:
    """A rule whose price could not be fetched does nothing and says so."""
    world = World(plan(rule(below(200_000), buy())))
    world.step(None)
    assert (world.decisions[0].holds, world.requests) == (None, [])


def test_unknown_neither_arms_nor_disarms() -> None:
    """After a firing, a gap in the data does not arm the rule again."""
    world = World(plan(rule(below(100), notify())))
    for last in (90, None, 90, None, 90):
        world.step(last)
    assert world.fired == 1
    assert world.state().phase == Phase.DISARMED


def test_dip_held_two_minutes_buys_once() -> None:
    """`for 2m` fires at the first slot at which the condition has held for two minutes, and only once."""
    world = World(plan(rule(held(below(100), 120_000), notify())))
    for _ in range(4):
        world.step(110)
    for _ in range(20):
        world.step(90)
    assert [index for index, decision in enumerate(world.decisions) if decision.fired] == [8]
    assert sum(isinstance(request, NotifyRequest) for request in world.requests) == 1
