"""Stop orders: when they trigger, what they then do, and what is refused; trailing by the official worked examples."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.simulator import Account, Simulator
from autotrader.simulator.model import Order, Ticket
from autotrader.simulator.orders import on_trade
from tests.simulator.conftest import Caller

D = Decimal
Connect = Callable[..., Caller]


def _order(kind: str, side: Any, stop: str = "0", delta: int | None = None) -> Order:
    ticket = Ticket("BTCJPY", side, kind, "GTC", D(1), D(1), stop_price=D(stop), trailing_delta=delta)
    return Order(1, "main", ticket, "x", D(1), 0)


def _fires_at(order: Order, prices: list[str]) -> int | None:
    return next((i for i, price in enumerate(prices) if on_trade(order, D(price), i)), None)


@pytest.mark.parametrize(
    ("kind", "side", "stop", "delta", "prices", "at"),
    [
        ("STOP_LOSS_LIMIT", "BUY", "44000", 500, "40000 37000 44000 46000 42000 44099 44100", 6),
        ("STOP_LOSS_LIMIT", "SELL", "39000", 1000, "41500 39000 37000 41000 36901 36900", 5),
        ("TAKE_PROFIT_LIMIT", "BUY", "38000", 850, "42000 38000 37000 39000 38000 40144 40145", 6),
        ("TAKE_PROFIT_LIMIT", "SELL", "42000", 750, "41500 39000 42000 45000 44000 46500 43012.6 43012.5", 7),
        ("STOP_LOSS_LIMIT", "SELL", "0", 700, "40000 42000 39500 45500 42316 42315", 5),
    ],
)
def test_trailing_stops_trigger_where_the_documents_say(
    kind: str, side: str, stop: str, delta: int, prices: str, at: int
) -> None:
    """The venue's five worked scenarios, to the last digit."""
    assert _fires_at(_order(kind, side, stop, delta), prices.split()) == at


@pytest.mark.parametrize(
    ("kind", "side", "still", "fires"),
    [
        ("STOP_LOSS", "SELL", "101", "100"), ("TAKE_PROFIT", "BUY", "101", "100"),
        ("STOP_LOSS", "BUY", "99", "100"), ("TAKE_PROFIT", "SELL", "99", "100"),
    ],
)  # fmt: skip
def test_a_stop_triggers_at_its_price_and_not_before(kind: str, side: str, still: str, fires: str) -> None:
    """The trade that reaches the stop price triggers; the one beside it does not."""
    assert _fires_at(_order(kind, side, "100"), [still, fires]) == 1


@given(
    st.lists(st.integers(100, 200), min_size=2, max_size=30), st.integers(10, 2000), st.sampled_from(["BUY", "SELL"])
)
def test_a_trailing_stop_gives_up_delta_from_the_best_price(prices: list[int], delta: int, side: str) -> None:
    """It fires at the first trade after the first that is delta worse than the best so far, and at no other."""
    order = _order("STOP_LOSS", side, delta=delta)
    fired = _fires_at(order, [str(price) for price in prices])
    expected = None
    for i in range(1, len(prices)):
        best = max(prices[: i + 1]) if side == "SELL" else min(prices[: i + 1])
        factor = D(10_000 - delta) if side == "SELL" else D(10_000 + delta)
        level = best * factor / 10_000
        if prices[i] <= level if side == "SELL" else prices[i] >= level:
            expected = i
            break
    assert fired == expected


def test_a_stop_that_would_trigger_at_once_is_refused(venue: Caller) -> None:
    """-2010 for each type on the wrong side of the last price, and on it."""
    for kind, side, stop in (
        ("STOP_LOSS", "SELL", "1244540"), ("STOP_LOSS", "BUY", "1244540"), ("TAKE_PROFIT", "SELL", "1240000"),
        ("TAKE_PROFIT", "BUY", "1250000"), ("STOP_LOSS", "SELL", "1250000"),
    ):  # fmt: skip
        refused = venue.order(side, kind, quantity="0.01", stopPrice=stop)
        assert refused.error == (400, -2010, "Order would trigger immediately.")


def test_a_stop_loss_waits_holds_its_coins_and_sells_at_the_market(sim: Simulator, venue: Caller) -> None:
    """Not working and not in the book until the tape trades at the stop price; then a market order."""
    placed = venue.order("SELL", "STOP_LOSS", quantity="0.02", stopPrice="1240000")
    assert set(placed.body) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    shown = venue.signed("GET", "order", symbol="BTCJPY", orderId=1).body
    assert (shown["status"], shown["isWorking"], shown["workingTime"]) == ("NEW", False, -1)
    assert shown["stopPrice"] == "1240000.00000000"
    assert sim.balances()["BTC"] == (D("0.98"), D("0.02"))
    lowest = D(10**9)
    while venue.signed("GET", "order", symbol="BTCJPY", orderId=1).body["status"] == "NEW":
        lowest = min(lowest, D(venue.get("ticker/price", symbol="BTCJPY").body["price"]))
        sim.advance(5)
    done = venue.signed("GET", "order", symbol="BTCJPY", orderId=1).body
    assert lowest > 1_240_000
    assert (done["status"], done["isWorking"], done["price"]) == ("FILLED", True, "0.00000000")
    (trade,) = sim.trades()
    assert (trade["isMaker"], trade["time"]) == (False, done["workingTime"])
    assert sim.balances()["BTC"] == (D("0.98"), D(0))


def test_a_triggered_limit_rests_at_its_price(sim: Simulator, venue: Caller) -> None:
    """TAKE_PROFIT_LIMIT: after the trigger it is an ordinary limit order that the book shows."""
    venue.order("SELL", "TAKE_PROFIT_LIMIT", quantity="0.3", stopPrice="1246000", price="1400000", timeInForce="GTC")
    assert D(venue.get("depth", symbol="BTCJPY", limit=5000).body["asks"][-1][0]) != 1_400_000
    sim.advance(3600)
    shown = sim.orders()[0]
    assert (shown["status"], shown["isWorking"]) == ("NEW", True)
    asks = dict(venue.get("depth", symbol="BTCJPY", limit=5000).body["asks"])
    assert D(asks["1400000.00000000"]) >= D("0.3")


def test_funds_that_are_gone_at_the_trigger_end_the_order(connect: Connect) -> None:
    """A buy stop locks at its stop price; if the market then asks for more than there is, it is EXPIRED: REJECTED."""
    with Simulator(tape="btcjpy-2018-01", accounts=[Account.named("main", {"JPY": "1246000"})]) as sim:
        venue = connect(sim)
        assert venue.order("BUY", "STOP_LOSS", quantity="1", stopPrice="1246000").status == 200
        assert sim.balances()["JPY"] == (D(0), D(1_246_000))
        sim.advance(3600)
        shown = sim.orders()[0]
        assert (shown["status"], shown["expiryReason"]) == ("EXPIRED", "REJECTED")
        assert sim.balances()["JPY"] == (D(1_246_000), D(0))
        sim.check()


def test_trailing_orders_show_when_they_track(sim: Simulator, venue: Caller) -> None:
    """trailingTime is -1 until the first trade after the placement, then that trade's time."""
    shown = venue.order(
        "SELL", "STOP_LOSS_LIMIT", quantity="0.01", price="1000000", trailingDelta="2000", timeInForce="GTC",
        newOrderRespType="RESULT",
    ).body  # fmt: skip
    assert (shown["trailingDelta"], shown["trailingTime"], shown["workingTime"]) == (2000, -1, -1)
    sim.advance(60)
    assert sim.orders()[0]["trailingTime"] > shown["transactTime"]


def test_cancelling_a_waiting_stop_frees_its_lock(sim: Simulator, venue: Caller) -> None:
    """It is open, listed as not working, and can be cancelled like any order."""
    venue.order("BUY", "STOP_LOSS_LIMIT", quantity="0.5", stopPrice="1300000", price="1310000", timeInForce="GTC")
    assert sim.balances()["JPY"][1] == 655_000
    (shown,) = venue.signed("GET", "openOrders", symbol="BTCJPY").body
    assert shown["isWorking"] is False
    gone = venue.signed("DELETE", "order", symbol="BTCJPY", orderId=1).body
    assert (gone["status"], gone["stopPrice"]) == ("CANCELED", "1300000.00000000")
    assert sim.balances()["JPY"][1] == 0
    sim.advance(3600)
    assert sim.trades() == []


@pytest.mark.parametrize("status", ["HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY"])
def test_nothing_trades_while_a_symbol_is_closed(sim: Simulator, venue: Caller, status: str) -> None:
    """No trigger, no fill, no candle; cancelling works; afterwards the market goes on."""
    venue.order("SELL", "STOP_LOSS", quantity="0.02", stopPrice="1244000")
    venue.order(price="1244000", quantity="0.5")
    sim.advance(1)
    venue.control("POST", f"symbol-status?symbol=BTCJPY&status={status}")
    start = sim.now_ms
    sim.advance(3600)
    assert sim.trades() == []
    assert venue.signed("DELETE", "order", symbol="BTCJPY", orderId=2).status == 200
    rows = venue.get("klines", symbol="BTCJPY", interval="1m", startTime=start + 60_000).body
    assert rows == []
    venue.control("POST", "symbol-status?symbol=BTCJPY&status=TRADING")
    sim.advance(7200)
    assert venue.get("klines", symbol="BTCJPY", interval="1m", startTime=start + 60_000, limit=1).body != []
    ids = [t["id"] for t in venue.get("trades", symbol="BTCJPY", limit=1000).body]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
