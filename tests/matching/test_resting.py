"""The fate of paper orders from the market's own trades."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from autotrader.matching import MarketTrade, RestingOrder, Side, fills_through

D = Decimal


def _buy(order_id: str, price: int, quantity: str, since: int = 0) -> RestingOrder:
    return RestingOrder(order_id, "BUY", D(price), D(quantity), since)


def test_a_trade_at_the_price_gives_nothing() -> None:
    """An order has no place in the real queue, so its own price is not enough."""
    assert fills_through([_buy("a", 100, "1")], [MarketTrade(D(100), D(5), 1)]) == ()


def test_a_trade_through_the_price_fills_at_most_its_volume_at_the_order_price() -> None:
    """A trade of 0.4 below a buy at 100 fills 0.4 at 100."""
    fills = fills_through([_buy("a", 100, "1")], [MarketTrade(D(99), D("0.4"), 7)])
    assert fills == (("a", D(100), D("0.4"), 7),)


def test_a_sell_fills_on_trades_above_it() -> None:
    """For a sell, through means above."""
    order = RestingOrder("s", "SELL", D(100), D(1))
    trades = [MarketTrade(D(100), D(1), 1), MarketTrade(D(101), D(2), 2)]
    assert fills_through([order], trades) == (("s", D(100), D(1), 2),)


def test_one_trade_is_shared_by_price_then_by_order_of_arrival() -> None:
    """The higher buy is served first, then the earlier of two equal ones."""
    orders = [_buy("late", 100, "1"), _buy("later", 100, "1"), _buy("best", 101, "1")]
    fills = fills_through(orders, [MarketTrade(D(99), D("2.5"), 1)])
    assert [(f.order_id, f.quantity) for f in fills] == [("best", D(1)), ("late", D(1)), ("later", D("0.5"))]


def test_trades_up_to_the_moment_of_arrival_do_not_count() -> None:
    """Only trades later than ``since`` can fill an order."""
    trades = [MarketTrade(D(1), D(1), 5), MarketTrade(D(1), D(1), 6)]
    assert [f.time for f in fills_through([_buy("a", 100, "9", since=5)], trades)] == [6]


def test_fills_are_rounded_down_to_the_step() -> None:
    """A volume between two steps gives the lower one."""
    fills = fills_through([_buy("a", 100, "1")], [MarketTrade(D(99), D("0.123"), 1)], step=D("0.01"))
    assert [f.quantity for f in fills] == [D("0.12")]


_sides: st.SearchStrategy[Side] = st.sampled_from(("BUY", "SELL"))
_orders = st.lists(st.tuples(_sides, st.integers(95, 105), st.integers(1, 50)), max_size=6).map(
    lambda rows: [RestingOrder(str(i), s, D(p), D(q), 0) for i, (s, p, q) in enumerate(rows)]
)
_trades = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 40)), max_size=12).map(
    lambda rows: [MarketTrade(D(p), D(q), i) for i, (p, q) in enumerate(rows, 1)]
)


@given(_orders, _trades)
def test_no_order_gets_more_than_it_wants_and_no_trade_gives_more_than_it_had(
    orders: list[RestingOrder], trades: list[MarketTrade]
) -> None:
    """Volume is conserved per order and per trade, and every fill is at a price the market went through."""
    fills = fills_through(orders, trades)
    by_id = {order.order_id: order for order in orders}
    for order in orders:
        assert sum(f.quantity for f in fills if f.order_id == order.order_id) <= order.remaining
    for trade in trades:
        mine = [f for f in fills if f.time == trade.time]
        assert sum(f.quantity for f in mine) <= trade.quantity
        for fill in mine:
            order = by_id[fill.order_id]
            assert fill.price == order.price
            assert trade.price < order.price if order.side == "BUY" else trade.price > order.price
