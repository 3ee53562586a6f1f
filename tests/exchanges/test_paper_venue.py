"""The paper broker over real HTTP: it trades on a simulator's public data and sends the exchange no order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from autotrader.exchanges.binance.client import Client, base_url
from autotrader.exchanges.binance.connection import venue_source
from autotrader.exchanges.binance.endpoints import PublicCalls
from autotrader.exchanges.binance.governor import Governor
from autotrader.exchanges.binance.instruments import Instruments
from autotrader.exchanges.clock import SteppedClock
from autotrader.exchanges.paper import PaperBroker, PaperStore
from autotrader.exchanges.transport import Transport
from autotrader.orders import Accepted, OrderRequest, OrderStatus, OrderType, Rejected, Side, TimeInForce
from autotrader.simulator import Simulator

START = {"JPY": Decimal(10_000_000), "BTC": Decimal(0)}


class Desk:
    """A paper broker without a key at a simulator in stepped time."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.transport = Transport(base_url(simulator.url))
        self.clock = SteppedClock(lambda: simulator.now_ms, lambda ms: simulator.advance(ms / 1000))
        governor = Governor(self.clock.now_ms)
        self.market = PublicCalls(Client(self.transport, self.clock, governor))
        self.instruments = Instruments(self.market, self.clock, governor, None, simulator.url)
        self.saved: list[str] = []
        source = venue_source(self.market, self.instruments)
        self.broker = PaperBroker(source, PaperStore(load=lambda: None, save=self.saved.append), self.clock, START)

    def buy(self, price: Decimal, quantity: str, tif: TimeInForce = TimeInForce.GTC) -> Accepted:
        """A buy that must be accepted, on the instrument's grid."""
        instrument = self.instruments.get(["BTCJPY"])["BTCJPY"]
        order = OrderRequest(
            symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=instrument.fit_price(price, Side.BUY),
            quantity=Decimal(quantity), tif=tif, client_order_id=f"at-test-{len(self.saved)}",
        )  # fmt: skip
        answer = self.broker.submit(order, self.clock.now_ms())
        assert isinstance(answer, Accepted), answer
        return answer


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk at a simulator that plays a recorded day."""
    with Simulator(tape="btcjpy-2018-01") as simulator:
        made = Desk(simulator)
        yield made
        made.transport.close()


def test_taker_gets_the_shown_book(desk: Desk) -> None:
    """An immediate buy trades at the prices that the venue's book shows."""
    book = desk.market.depth("BTCJPY", 5)
    answer = desk.buy(book.asks[0][0], "0.01", TimeInForce.IOC)
    assert answer.fills[0].price == book.asks[0][0]
    assert answer.order.executed <= book.asks[0][1]


def test_resting_order_fills_when_the_market_comes(desk: Desk) -> None:
    """A waiting buy fills once the market trades below it, never beyond what was traded there."""
    begun = desk.clock.now_ms()
    price = desk.market.depth("BTCJPY", 5).bids[0][0] * Decimal("0.999")
    order = desk.buy(price, "0.05").order
    for _ in range(48):
        desk.clock.sleep(1_800)
        if desk.broker.fills("BTCJPY", None, 0):
            break
    fills = desk.broker.fills("BTCJPY", None, 0)
    assert fills
    assert all(fill.price == order.price and fill.is_maker for fill in fills)
    last = fills[-1].time_ms
    traded = desk.market.agg_trades("BTCJPY", span=(begun, last), limit=1_000)
    through = sum((trade.quantity for trade in traded if trade.price < order.price), Decimal(0))
    assert 0 < sum((fill.quantity for fill in fills), Decimal(0)) <= through


def test_the_exchange_gets_no_order(desk: Desk) -> None:
    """Placing, waiting and cancelling on paper sends the exchange nothing that is signed."""
    desk.buy(desk.market.depth("BTCJPY", 5).bids[0][0], "0.01")
    desk.clock.sleep(600)
    desk.broker.fills("BTCJPY", None, 0)
    order = desk.broker.account.open_orders() or tuple(desk.broker.account.orders.values())
    assert order[0].status in set(OrderStatus)
    counts = str(desk.simulator.requests())
    assert "/api/v3/aggTrades" in counts
    assert "/api/v3/order" not in counts
    assert desk.simulator.orders() == []


@pytest.mark.parametrize("status", ["HALT", "BREAK"])
def test_a_market_that_has_just_closed_takes_no_paper_order(desk: Desk, status: str) -> None:
    """The filters were read while it was open; the order meets the market as it is now, as a real one would, and is
    taken again as soon as the market is open again.
    """
    price = desk.market.depth("BTCJPY", 5).bids[0][0]
    desk.buy(price, "0.01")
    desk.clock.sleep(60)
    exchange = desk.simulator.exchange
    exchange.statuses["BTCJPY"] = status
    order = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, client_order_id="at-test-closed",
                         price=desk.broker.account.open_orders()[0].price, quantity=Decimal("0.01"))  # fmt: skip
    answer = desk.broker.submit(order, desk.clock.now_ms())
    assert isinstance(answer, Rejected)
    assert (answer.reason, answer.fault) == ("Market is closed.", "outside")
    exchange.statuses["BTCJPY"] = "TRADING"
    desk.clock.sleep(1)
    desk.buy(price, "0.01")
