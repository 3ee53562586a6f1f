"""The paper broker: money is conserved, the market's own trades bound every fill, the venue's refusals are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrader.errors import ExchangeUnavailable, RecordsBroken
from autotrader.exchanges.paper import PaperBroker, PaperSource, PaperStore, PublicTrade
from autotrader.exchanges.paper_account import KEPT_ORDERS, PaperAccount, from_text, to_text
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BalancesNeed, OpenOrdersNeed
from autotrader.market.snapshot import Book
from autotrader.orders import (
    Accepted,
    Balance,
    Cancelled,
    CancelRequest,
    NotFound,
    NotSent,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
)
from autotrader.ports import Broker

D = Decimal
BTCJPY = Instrument(
    symbol="BTCJPY", base="BTC", quote="JPY", tick=D(1), min_price=D(1), max_price=D(100_000_000), step=D("0.001"),
    min_quantity=D("0.001"), max_quantity=D(100), min_notional=D(100), order_types=frozenset({"LIMIT", "LIMIT_MAKER"}),
    fetched_ms=0,
)  # fmt: skip
START = {"JPY": D(1_000_000), "BTC": D(5)}
FAR = 1e9


@dataclass
class Market:
    """A market on a clock that is moved by hand, the broker's store, and a switch that cuts the line."""

    ms: int = 1_000_000
    bids: tuple[tuple[Decimal, Decimal], ...] = ((D(9_990), D(1)), (D(9_980), D(2)))
    asks: tuple[tuple[Decimal, Decimal], ...] = ((D(10_010), D(1)), (D(10_020), D(2)))
    update_id: int = 1
    tape: list[PublicTrade] = field(default_factory=list)
    instrument: Instrument | None = BTCJPY
    average: Decimal | None = None
    away: bool = False
    text: str | None = None
    asked: int = 0
    page: int = 3

    # Clock
    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)

    def uncertainty_ms(self) -> int:
        return 0

    def sync(self) -> None:
        """Always right."""

    # the source
    def book(self, symbol: str) -> Book:
        self.reach()
        return Book(
            symbol=symbol, bids=self.bids, asks=self.asks, asked_levels=100, update_id=self.update_id, asked_ms=self.ms
        )

    def trades(self, symbol: str, from_id: int | None, from_ms: int) -> list[PublicTrade]:
        self.reach()
        self.asked += 1
        found = [t for t in self.tape if (t.time_ms >= from_ms if from_id is None else t.trade_id >= from_id)]
        return found[: self.page]

    def reach(self) -> None:
        if self.away:
            raise ExchangeUnavailable("no answer")

    def find_instrument(self, symbol: str) -> Instrument | None:
        self.reach()
        return self.instrument if symbol == "BTCJPY" else None

    def trade(self, price: int, quantity: str, *, after_ms: int = 10) -> None:
        """The market trades."""
        self.ms += after_ms
        self.tape.append(PublicTrade(len(self.tape) + 100, D(price), D(quantity), self.ms))
        self.ms += 1

    def save(self, text: str) -> None:
        self.text = text

    def broker(self, **fees: Decimal) -> PaperBroker:
        """A broker on this market; called again it is a restart."""
        source = PaperSource(
            instrument=self.find_instrument, book=self.book, trades=self.trades, average=lambda _symbol: self.average
        )
        return PaperBroker(source, PaperStore(load=lambda: self.text, save=self.save), self, START, **fees)


def request(side: str, price: int, quantity: str, **more: Any) -> OrderRequest:
    """An order for BTCJPY."""
    defaults: dict[str, Any] = {"type": OrderType.LIMIT, "client_order_id": f"at-{side}-{price}-{quantity}"}
    return OrderRequest(symbol="BTCJPY", side=Side(side), price=D(price), quantity=D(quantity), **{**defaults, **more})


def put(broker: PaperBroker, market: Market, side: str, price: int, quantity: str, **more: Any) -> Order:
    """Place an order that must be accepted."""
    answer = broker.submit(request(side, price, quantity, **more), market.ms)
    assert isinstance(answer, Accepted), answer
    return answer.order


def balances(broker: PaperBroker) -> dict[str, Balance]:
    """Balances as observed."""
    return dict(broker.observe(frozenset({BalancesNeed()}), FAR).balances)


@pytest.fixture
def market() -> Market:
    """A quiet market."""
    return Market()


def test_it_is_a_broker(market: Market) -> None:
    """The paper broker fits the port that live trading uses."""
    broker: Broker = market.broker()
    assert broker.find("BTCJPY", "at-x") == NotFound()


def test_taker_walks_the_book(market: Market) -> None:
    """A buy above the asks takes level by level at the levels' prices, pays the fee in what it gets, and rests."""
    broker = market.broker()
    answer = broker.submit(request("BUY", 10_015, "1.5"), market.ms)
    assert isinstance(answer, Accepted)
    assert [(f.price, f.quantity, f.fee, f.fee_asset, f.is_maker) for f in answer.fills] == [
        (D(10_010), D(1), D("0.001"), "BTC", False)
    ]
    assert answer.order.status is OrderStatus.PARTIALLY_FILLED
    assert balances(broker) == {
        "BTC": Balance("BTC", D("5.999"), D(0)),
        "JPY": Balance("JPY", D(1_000_000) - D(10_010) - D("5007.5"), D("5007.5")),
    }


def test_the_same_book_is_not_taken_twice(market: Market) -> None:
    """What a paper order took of a book is gone until the exchange shows another book."""
    broker = market.broker()
    put(broker, market, "BUY", 10_010, "1", client_order_id="a", tif=TimeInForce.IOC)
    second = put(broker, market, "BUY", 10_010, "1", client_order_id="b", tif=TimeInForce.IOC)
    market.update_id += 1
    third = put(broker, market, "BUY", 10_010, "1", client_order_id="c", tif=TimeInForce.IOC)
    assert (second.executed, third.executed) == (D(0), D(1))


def test_resting_order_fills_only_through_its_price(market: Market) -> None:
    """A trade at the order's price gives nothing; one through it fills at the order's price, at most its quantity."""
    broker = market.broker()
    order = put(broker, market, "BUY", 9_950, "1")
    market.trade(9_950, "10")
    assert broker.fills("BTCJPY", None, 0) == ()
    market.trade(9_949, "0.4")
    (fill,) = broker.fills("BTCJPY", None, 0)
    assert (fill.price, fill.quantity, fill.is_maker, fill.time_ms) == (D(9_950), D("0.4"), True, market.ms - 1)
    found = broker.find("BTCJPY", order.client_order_id)
    assert isinstance(found, Order)
    assert (found.status, found.executed, found.quote_executed) == (OrderStatus.PARTIALLY_FILLED, D("0.4"), D(3_980))


def test_trades_before_the_order_do_not_count(market: Market) -> None:
    """What the market traded before an order was there gives it nothing."""
    broker = market.broker()
    market.trade(9_000, "5")
    put(broker, market, "BUY", 9_950, "1")
    assert broker.fills("BTCJPY", None, 0) == ()


def test_one_trade_is_shared(market: Market) -> None:
    """Two orders at a price share a trade's volume, the earlier one first."""
    broker = market.broker()
    first = put(broker, market, "SELL", 10_050, "1", client_order_id="a")
    second = put(broker, market, "SELL", 10_050, "1", client_order_id="b")
    market.trade(10_060, "1.2")
    assert [(f.order_id, f.quantity) for f in broker.fills("BTCJPY", None, 0)] == [
        (first.order_id, D(1)),
        (second.order_id, D("0.2")),
    ]


def test_trades_come_in_pages(market: Market) -> None:
    """Many trades are fetched page by page from the last one seen, each shown to the orders once."""
    broker = market.broker()
    put(broker, market, "BUY", 9_950, "5")
    for _ in range(10):
        market.trade(9_900, "0.1")
    assert sum((f.quantity for f in broker.fills("BTCJPY", None, 0)), D(0)) == D(1)
    before = market.asked
    broker.fills("BTCJPY", None, 0)
    assert market.asked == before + 1
    assert len(broker.account.fills) == 10


def test_nothing_resting_asks_nothing(market: Market) -> None:
    """Without resting orders no trades are fetched."""
    broker = market.broker()
    balances(broker)
    broker.fills("BTCJPY", None, 0)
    assert market.asked == 0


@pytest.mark.parametrize(
    ("side", "price"),
    [("BUY", 10_010), ("BUY", 10_500), ("SELL", 9_990), ("SELL", 9_000)],
)
def test_maker_only_that_would_take(market: Market, side: str, price: int) -> None:
    """A maker-only order that would take is refused with the venue's words and leaves nothing behind."""
    broker = market.broker()
    answer = broker.submit(request(side, price, "0.1", type=OrderType.LIMIT_MAKER), market.ms)
    assert answer == Rejected(-2010, "Order would immediately match and take.")
    assert broker.history("BTCJPY", 0) == ()


def test_maker_only_that_rests(market: Market) -> None:
    """A maker-only order inside the spread rests."""
    order = put(market.broker(), market, "BUY", 10_009, "0.1", type=OrderType.LIMIT_MAKER)
    assert (order.status, order.type) == (OrderStatus.NEW, "LIMIT_MAKER")


def test_immediate_or_cancel(market: Market) -> None:
    """IOC takes what there is and the rest expires; nothing stays locked."""
    broker = market.broker()
    order = put(broker, market, "SELL", 9_985, "1.5", tif=TimeInForce.IOC)
    assert (order.status, order.executed) == (OrderStatus.EXPIRED, D(1))
    assert balances(broker)["BTC"].locked == 0


@pytest.mark.parametrize(("quantity", "status", "executed"), [("3", "FILLED", "3"), ("3.001", "EXPIRED", "0")])
def test_fill_or_kill(market: Market, quantity: str, status: str, executed: str) -> None:
    """FOK fills wholly or not at all."""
    order = put(market.broker(), market, "BUY", 10_020, quantity, tif=TimeInForce.FOK)
    assert (order.status, order.executed) == (OrderStatus(status), D(executed))


@pytest.mark.parametrize(
    ("side", "price", "quantity", "code", "told"),
    [
        ("BUY", 10_000, "0.0015", -1013, "LOT_SIZE"),
        ("BUY", 10_000, "0.001", -1013, "NOTIONAL"),
        ("BUY", 200_000_000, "0.001", -1013, "PRICE_FILTER"),
        ("SELL", 10_500, "6", -2010, "insufficient balance"),
        ("BUY", 10_005, "100", -2010, "insufficient balance"),
    ],
)
def test_refusals(market: Market, side: str, price: int, quantity: str, code: int, told: str) -> None:
    """Filters and balance refuse as the venue does, and nothing is booked."""
    broker = market.broker()
    answer = broker.submit(request(side, price, quantity), market.ms)
    assert isinstance(answer, Rejected)
    assert answer.code == code
    assert told in answer.reason
    assert market.text is None


def test_filters_on_the_account(market: Market) -> None:
    """The number of open orders, the largest position and the percent band are kept."""
    broker = market.broker()
    market.instrument = replace(BTCJPY, max_open_orders=1)
    put(broker, market, "BUY", 9_000, "0.1", client_order_id="a")
    assert broker.submit(request("BUY", 9_001, "0.1"), 0) == Rejected(
        -1013, "Filter failure: MAX_NUM_ORDERS: 1 orders are open"
    )
    market.instrument = replace(BTCJPY, max_position=D("5.15"))
    assert broker.submit(request("BUY", 9_001, "0.1"), 0) == Rejected(
        -1013, "Filter failure: MAX_POSITION: above 5.15 BTC"
    )
    market.instrument, market.average = replace(BTCJPY, bid_down=D("0.9")), D(11_000)
    answer = broker.submit(request("BUY", 9_001, "0.1"), 0)
    assert isinstance(answer, Rejected)
    assert "PERCENT_PRICE" in answer.reason


def test_symbols_that_do_not_trade(market: Market) -> None:
    """An unknown symbol, a closed market and an instrument without filters are each told apart."""
    broker = market.broker()
    unknown = replace(request("BUY", 9_000, "0.1"), symbol="XXXJPY")
    assert broker.submit(unknown, 0) == Rejected(-1121, "Invalid symbol.")
    market.instrument = replace(BTCJPY, status="HALT")
    assert broker.submit(request("BUY", 9_000, "0.1"), 0) == Rejected(-2010, "Market is closed.", "outside")
    market.instrument = replace(BTCJPY, fetched_ms=None)
    assert isinstance(broker.submit(request("BUY", 9_000, "0.1"), 0), NotSent)


def test_client_ids_are_unique_among_open_orders(market: Market) -> None:
    """An id that is open makes the second order's fate unknown, as at the venue; when it has ended it may be used."""
    broker = market.broker()
    put(broker, market, "BUY", 9_000, "0.1", client_order_id="same")
    again = request("BUY", 9_001, "0.1", client_order_id="same")
    assert broker.submit(again, 0) == Unknown("Duplicate order sent.")
    assert isinstance(broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="same")), Cancelled)
    assert isinstance(broker.submit(again, 0), Accepted)


def test_cancel(market: Market) -> None:
    """A cancelled order frees its money and tells what it had executed by then."""
    broker = market.broker()
    order = put(broker, market, "BUY", 9_950, "1")
    market.trade(9_940, "0.25")
    answer = broker.cancel(
        CancelRequest(symbol="BTCJPY", client_order_id=order.client_order_id, order_id=order.order_id)
    )
    assert isinstance(answer, Cancelled)
    assert (answer.order.status, answer.order.executed) == (OrderStatus.CANCELED, D("0.25"))
    assert balances(broker)["JPY"] == Balance("JPY", D(1_000_000) - D("2487.5"), D(0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_order_id": "at-nobody"},
        {"client_order_id": "at-nobody", "order_id": 1},
        {"client_order_id": "a", "order_id": 99},
        {"client_order_id": "a", "symbol": "ETHJPY"},
    ],
)
def test_cancel_of_another(market: Market, wrong: dict[str, Any]) -> None:
    """A cancel that names no open order, or two different ones, says "look" and cancels nothing."""
    broker = market.broker()
    put(broker, market, "BUY", 9_000, "0.1", client_order_id="a")
    answer = broker.cancel(CancelRequest(**{"symbol": "BTCJPY", **wrong}))
    assert answer == Unknown("Unknown order sent.")
    assert len(broker.account.open_orders()) == 1


def test_cancel_only_if_untouched(market: Market) -> None:
    """A cancel for untouched orders only leaves one that has begun to fill."""
    broker = market.broker()
    order = put(broker, market, "BUY", 9_950, "1")
    market.trade(9_940, "0.25")
    answer = broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id=order.client_order_id, only_new=True))
    assert answer == Rejected(-2011, "Order was not canceled due to cancel restrictions.")


def test_restart(market: Market) -> None:
    """A restarted broker goes on with the same account, and sees what traded meanwhile."""
    put(market.broker(), market, "BUY", 9_950, "1")
    market.trade(9_940, "0.5")
    broker = market.broker()
    assert [fill.quantity for fill in broker.fills("BTCJPY", None, 0)] == [D("0.5")]
    assert broker.account == market.broker().account


def test_nothing_is_told_that_was_not_saved(market: Market) -> None:
    """When saving fails the order does not exist, in memory either."""
    broker = market.broker()

    def full(_text: str) -> None:
        raise OSError("disk full")

    broker._store = PaperStore(load=lambda: None, save=full)
    with pytest.raises(OSError, match="disk full"):
        broker.submit(request("BUY", 9_000, "0.1"), 0)
    assert broker.account.orders == {}
    assert broker.account.free("JPY") == START["JPY"]


def test_without_market_data(market: Market) -> None:
    """When the market cannot be seen, orders are not sent, look-ups unknown, the account missing and not guessed."""
    broker = market.broker()
    order = put(broker, market, "BUY", 9_000, "0.1")
    market.away = True
    assert isinstance(broker.submit(request("BUY", 9_001, "0.1"), 0), NotSent)
    assert isinstance(broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id=order.client_order_id)), NotSent)
    assert isinstance(broker.find("BTCJPY", order.client_order_id), Unknown)
    with pytest.raises(ExchangeUnavailable):
        broker.fills("BTCJPY", None, 0)
    seen = broker.observe(frozenset({BalancesNeed(), OpenOrdersNeed("BTCJPY"), OpenOrdersNeed("ETHJPY")}), FAR)
    assert seen.missing == {"balances": "BTCJPY: no answer", "BTCJPY": "no answer"}
    assert (seen.balances, seen.balances_asked_ms) == ({}, None)
    assert seen.open_orders == {"ETHJPY": ()}


def test_deadline(market: Market) -> None:
    """After the deadline nothing is fetched and what is not known is missing."""
    broker = market.broker()
    put(broker, market, "BUY", 9_000, "0.1")
    before = market.asked
    seen = broker.observe(frozenset({OpenOrdersNeed("BTCJPY")}), market.monotonic() - 1)
    assert "no time left" in seen.missing["BTCJPY"]
    assert market.asked == before


def test_observe_open_orders(market: Market) -> None:
    """Open orders are observed with the time at which they were asked for."""
    broker = market.broker()
    order = put(broker, market, "BUY", 9_000, "0.1")
    seen = broker.observe(frozenset({OpenOrdersNeed("BTCJPY")}), FAR)
    assert seen.open_orders == {"BTCJPY": (order,)}
    assert seen.orders_asked_ms == {"BTCJPY": market.ms}
    assert seen.balances_asked_ms is None


def test_fills_after_an_id(market: Market) -> None:
    """Fills are asked for after a trade id or since a time."""
    broker = market.broker()
    put(broker, market, "BUY", 10_020, "3")
    first, second = broker.fills("BTCJPY", None, 0)
    assert broker.fills("BTCJPY", first.trade_id, 0) == (second,)
    assert broker.fills("BTCJPY", None, market.ms + 1) == ()
    assert broker.fills("ETHJPY", None, 0) == ()


def test_reset_starts_over_but_ids_go_on(market: Market) -> None:
    """After a reset the account is new, and no order or trade id comes twice."""
    broker = market.broker()
    old = put(broker, market, "BUY", 10_010, "1")
    broker.reset({"JPY": D(500)})
    assert balances(broker) == {"JPY": Balance("JPY", D(500), D(0))}
    broker.reset(START)
    market.update_id += 1
    new = put(broker, market, "BUY", 10_010, "1")
    assert new.order_id > old.order_id
    assert broker.fills("BTCJPY", None, 0)[0].trade_id == 2


def test_ended_orders_are_let_go(market: Market) -> None:
    """The account keeps its open orders and the latest ended ones, so that it does not grow for ever."""
    account = PaperAccount(holdings=START)
    broker = market.broker()
    order = put(broker, market, "BUY", 9_000, "0.1")
    place = broker.account.markets["BTCJPY"]
    account = account.placed(order, place)
    for _ in range(KEPT_ORDERS + 5):
        account = account.placed(order, place)
        account = account.ended(account.next_order - 1, OrderStatus.CANCELED, 0)
    kept = account.tidied()
    assert len(kept.orders) == KEPT_ORDERS + 1
    assert 1 in kept.orders


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "nonsense", '{"version": 99}', '{"version": 1, "holdings": {"A": "x"}}']
)
def test_text_that_is_no_account(text: str) -> None:
    """A stored account that cannot be read is one clear error."""
    with pytest.raises(RecordsBroken):
        from_text(text)


# ---- whole lives -------------------------------------------------------------------------------------------------

prices = st.integers(9_900, 10_100)
quantities = st.integers(1, 3_000).map(lambda n: f"{D(n) / 1000}")
steps = st.one_of(
    st.tuples(
        st.just("submit"), st.sampled_from(["BUY", "SELL"]), prices, quantities,
        st.sampled_from(list(OrderType)), st.sampled_from(list(TimeInForce)),
    ),
    st.tuples(st.just("trade"), prices, quantities),
    st.tuples(st.just("book"), prices, st.integers(1, 40), quantities),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("look")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("away"), st.booleans()),
)  # fmt: skip


class Life:
    """A paper account's life: what was asked of it, and what must hold after each step."""

    def __init__(self) -> None:
        self.market = Market()
        self.broker = self.market.broker()
        self.books: dict[int, dict[Decimal, Decimal]] = {}  # by venue time: the other side's levels at a placing

    def step(self, number: int, what: str, *args: Any) -> None:
        """Do one thing."""
        getattr(self, what)(number, *args)
        self.market.ms += 1

    def submit(self, number: int, side: str, price: int, quantity: str, kind: OrderType, tif: TimeInForce) -> None:
        order = request(side, price, quantity, type=kind, tif=tif, client_order_id=f"at-{number}")
        levels = dict(self.market.asks if side == "BUY" else self.market.bids)
        answer = self.broker.submit(order, self.market.ms)
        if isinstance(answer, Accepted):
            assert BTCJPY.refusal(D(price), D(quantity), Side(side)) is None
            for fill in answer.fills:
                assert fill.quantity <= levels[fill.price]
                assert fill.price <= price if side == "BUY" else fill.price >= price
            assert not (kind is OrderType.LIMIT_MAKER and answer.fills)

    def trade(self, _number: int, price: int, quantity: str) -> None:
        self.market.trade(price, quantity)

    def book(self, _number: int, bid: int, spread: int, quantity: str) -> None:
        self.market.bids = ((D(bid), D(quantity)), (D(bid - 5), D(1)))
        self.market.asks = ((D(bid + spread), D(quantity)), (D(bid + spread + 5), D(1)))
        self.market.update_id += 1

    def cancel(self, _number: int, which: int) -> None:
        self.broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id=f"at-{which}"))

    def look(self, _number: int) -> None:
        self.broker.observe(frozenset({BalancesNeed(), OpenOrdersNeed("BTCJPY")}), FAR)

    def restart(self, _number: int) -> None:
        before = self.broker.account
        self.broker = self.market.broker()
        assert self.broker.account == before

    def away(self, _number: int, away: bool) -> None:
        self.market.away = away

    def check(self) -> None:
        """Money is conserved to the last digit; no fill is better, larger or earlier than the market's trades."""
        account = self.broker.account
        expected = dict(START)
        for fill in account.fills:
            sign = 1 if fill.side is Side.BUY else -1
            expected["BTC"] += sign * fill.quantity
            expected["JPY"] -= sign * fill.price * fill.quantity
            expected[fill.fee_asset] -= fill.fee
            assert fill.fee >= fill.quantity * D("0.001") * (1 if fill.fee_asset == "BTC" else fill.price)
        assert dict(account.holdings) == expected
        for balance in account.balances().values():
            assert balance.free >= 0
            assert balance.locked >= 0
            assert balance.holding == expected[balance.asset]
        self._check_makers(account)

    def _check_makers(self, account: PaperAccount) -> None:
        traded = {trade.time_ms: trade for trade in self.market.tape}
        used: dict[int, Decimal] = {}
        for fill in account.fills:
            if not fill.is_maker:
                continue
            trade, order = traded[fill.time_ms], account.orders[fill.order_id]
            assert fill.price == order.price
            assert trade.price < fill.price if fill.side is Side.BUY else trade.price > fill.price
            assert fill.time_ms > order.created_ms
            used[fill.time_ms] = used.get(fill.time_ms, D(0)) + fill.quantity
        assert all(quantity <= traded[time].quantity for time, quantity in used.items())
        for order in account.orders.values():
            mine = [fill.quantity for fill in account.fills if fill.order_id == order.order_id]
            assert order.executed == sum(mine, D(0)) <= order.quantity
            assert (order.status is OrderStatus.FILLED) == (order.executed == order.quantity)


@settings(max_examples=150)
@given(st.lists(steps, max_size=30))
def test_any_life(life: list[tuple[Any, ...]]) -> None:
    """Whatever is asked and whatever the market does: money conserved, fills bounded by real trades, filters kept."""
    paper = Life()
    for number, step in enumerate(life):
        paper.step(number, *step)
        paper.check()
    text = to_text(paper.broker.account)
    assert from_text(text) == paper.broker.account
    assert to_text(from_text(text)) == text


@settings(max_examples=60)
@given(st.lists(st.tuples(prices, quantities), max_size=25), st.lists(st.booleans(), min_size=25, max_size=25))
def test_when_it_is_looked_at_does_not_matter(tape: list[tuple[int, str]], looks: list[bool]) -> None:
    """Fills of resting orders are the same whether the broker looks after every trade or once at the end."""
    results = []
    for pattern in (looks, [False] * len(looks)):
        market = Market()
        broker = market.broker()
        put(broker, market, "BUY", 9_985, "2")
        put(broker, market, "SELL", 10_005, "2")
        for (price, quantity), look in zip(tape, pattern, strict=False):
            market.trade(price, quantity)
            if look:
                broker.fills("BTCJPY", None, 0)
        results.append(broker.fills("BTCJPY", None, 0))
    assert results[0] == results[1]
