"""The limits to the letter: each bound from both sides, what counts and what does not, the reasons that people read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.limits import (
    LIMITS,
    Approved,
    as_if_written,
    in_turn,
    judge,
    review,
    tripped,
)
from autotrader.engine.requests import Denied
from autotrader.errors import OrderDenied
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import OwnOrder, OwnRecord
from autotrader.market.sources import Sources
from autotrader.orders import DecisionKey, Order, OrderRequest, OrderStatus, OrderType, Side
from tests.worlds.values import BTCJPY, START, SYMBOL, D, account_of, fill, own, sources

HOUR, DAY = 3_600_000, 86_400_000
BTC, JPY, USD = "BTC", "JPY", "USDT"


def request(
    side: Side = Side.BUY, price: int | str = 100_000, quantity: str = "0.01", name: str = "dip", **more: Any
) -> PlaceRequest:
    order = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.LIMIT, price=D(price), quantity=D(quantity),
                         client_order_id=f"at-test-{name}")  # fmt: skip
    key = DecisionKey(store_id="test", rule=name, symbol=SYMBOL, order_id="", slot_ms=START, step=0)
    return PlaceRequest(order=order, key=key, run=None, base=BTC, quote=JPY, deadline_ms=START, **more)


SELL = request(Side.SELL)


def said(asked: PlaceRequest, look: Sources | None = None, halt: Halt | None = None, **limits: Any) -> str:
    """Why an order is denied, "" where it is approved."""
    settings = Settings(file="autotrader.yaml", symbols=(SYMBOL,), limits=Limits(**limits))
    answer = review([asked], look or sources(START), settings, halt)[0]
    return answer.reason if isinstance(answer, Denied) else ""


def reasons(answers: tuple[Any, ...]) -> list[str]:
    """Of those that were denied."""
    return [answer.reason for answer in answers if isinstance(answer, Denied)]


def with_orders(*orders: OwnOrder, **more: Any) -> Sources:
    return sources(START, record=OwnRecord(orders=orders), **more)


def other(**more: Any) -> OwnOrder:
    """An order of another symbol, in other assets."""
    return own("at-test-other", symbol="ETHUSDT", quantity=D(7), price=D(100_000), **more)


def listed(status: OrderStatus, side: Side = Side.SELL, symbol: str = SYMBOL) -> Order:
    return Order(symbol=symbol, order_id=1, client_order_id="web", side=side, type="LIMIT", tif="GTC",
                 price=D(100_000), quantity=D(1), executed=D(0), quote_executed=D(0), status=status,
                 created_ms=START, updated_ms=START)  # fmt: skip


# ------------------------------------------------------------------------------------------------------ the review
def test_a_denial_names_its_limit() -> None:
    """The verdict is an exception with the reason and the limit's name; the first that refuses is heard."""
    everything = Settings(file="x", limits=Limits(open_orders=0, orders_per_hour=0))
    with pytest.raises(OrderDenied) as denied:
        judge(request(), sources(START), everything)
    assert (denied.value.reason, denied.value.limit) == ("open_orders: 0 are open, the limit is 0", "OpenOrders")
    with pytest.raises(OrderDenied) as halted:
        judge(request(), sources(START), everything, Halt("by hand"))
    assert halted.value.limit == "Halted"
    judge(request(), sources(START), everything, Halt("by hand"), limits=[])
    names = [type(limit).__name__ for limit in LIMITS]
    assert names[0] == "Halted"
    assert len(names) == len(set(names)) == 11


def test_a_cycle_is_reviewed_in_the_order_of_sending() -> None:
    """Sells before buys, each side as it was asked; the answers stand as the requests did, and each counts for the
    next only if it was approved.
    """
    a, b, c = request(name="a"), request(Side.SELL, price=100_020, name="b"), request(name="c")
    assert in_turn([a, b, c]) == [(1, b), (0, a), (2, c)]
    settings = Settings(file="x", limits=Limits(open_orders=2))
    answers = review([a, b, c], sources(START), settings)
    assert answers[:2] == (Approved(), Approved())
    assert reasons(answers) == ["open_orders: 2 are open, the limit is 2"]
    assert [answer.limit for answer in answers if isinstance(answer, Denied)] == ["OpenOrders"]
    big = request(quantity="900", name="big")
    assert review([big, a, c], sources(START), settings)[1:] == (Approved(), Approved())


def test_an_approved_order_counts_as_if_it_stood_in_the_journal() -> None:
    """All of it: name, rule, symbol, side, numbers, time, and what its rule will look for."""
    before = sources(START, record=OwnRecord(orders=(own(),), placed_ms=(5,)))
    asked = request(Side.SELL, name="n", tag="t", labels=("l",))
    after = as_if_written(before, asked)
    assert after.record.placed_ms == (5, START)
    assert after.record.orders[:1] == before.record.orders
    written = after.record.orders[1]
    assert (written.client_order_id, written.order_id, written.rule, written.symbol, written.side) == (
        "at-test-n", None, "n", SYMBOL, Side.SELL)  # fmt: skip
    assert (written.price, written.quantity, written.executed, written.quote_executed) == (
        D(100_000), D("0.01"), D(0), D(0))  # fmt: skip
    assert (written.placed_ms, written.cancel_at_ms, written.tag, written.labels, written.state) == (
        START, None, "t", ("l",), "intended")  # fmt: skip
    assert replace(after, record=before.record) == before


# ----------------------------------------------------------------------------------------------------- the breakers
def test_a_halt_of_buys_lets_sells_pass() -> None:
    """The weakest level stops buys alone; the stronger ones everything."""
    weak = Halt("too much", HaltLevel.REDUCE_ONLY)
    assert said(request(), halt=weak) == weak.text
    assert said(SELL, halt=weak) == ""
    assert said(SELL, halt=Halt("by hand")) == "trading is halted: by hand"


@pytest.mark.parametrize(("row", "most", "reason"), [
    (3, 3, "halt_after: 3 orders refused or unknown in a row"), (2, 3, ""), (9, None, ""),
    (4, 3, "halt_after: 4 orders refused or unknown in a row"),
])  # fmt: skip
def test_refusals_in_a_row(row: int, most: int | None, reason: str) -> None:
    """From the number that the limit names on nothing is ordered and everything trips; without it never."""
    look = sources(START, record=OwnRecord(refusals_in_a_row=row))
    settings = Settings(file="x", limits=Limits(halt_after=most))
    assert tripped(look, settings) == reason
    assert said(SELL, look, halt_after=most) == reason


def test_the_days_loss_trips() -> None:
    """At its limit, not below; of the assets that have one; a result that cannot be told trips nothing."""
    look = sources(START, record=OwnRecord(fills=(fill(Side.BUY, 110_000, "0.1", START, fee=D(100)),)))
    reason = "loss_per_day: 1,101 JPY lost today, the limit is 1,101 JPY"
    assert tripped(look, Settings(file="x", limits=Limits(loss_per_day={JPY: D(1_101)}))) == reason
    assert tripped(look, Settings(file="x", limits=Limits(loss_per_day={"AAA": D(1), JPY: D(1_101)}))) == reason
    assert tripped(look, Settings(file="x", limits=Limits(loss_per_day={JPY: D(1_102), USD: D(1)}))) == ""
    assert tripped(look, Settings(file="x")) == ""
    unknown = sources(START, None, bid=None, record=look.record)
    assert tripped(unknown, Settings(file="x", limits=Limits(loss_per_day={JPY: D(1)}))) == ""
    assert said(SELL, unknown, loss_per_day={JPY: D(1)}).startswith("loss_per_day: today's result is not known: ")
    assert said(SELL, look, loss_per_day={JPY: D(1_101)}) == reason
    assert said(SELL, look, loss_per_day={JPY: D(1_102)}) == ""
    assert said(SELL, look, loss_per_day={USD: D(1)}) == ""


# ---------------------------------------------------------------------------------------------------------- symbols
@pytest.mark.parametrize(("instrument", "reason"), [
    (None, f"the filters of {SYMBOL} are not known"),
    (replace(BTCJPY, fetched_ms=None), f"the filters of {SYMBOL} are not known"),
    (replace(BTCJPY, fetched_ms=START - DAY), ""),
    (replace(BTCJPY, fetched_ms=START - DAY - 1), f"the filters of {SYMBOL} are older than a day"),
    (replace(BTCJPY, status="BREAK"), f"{SYMBOL} is not trading: BREAK"),
])  # fmt: skip
def test_what_must_be_known_of_a_symbol(instrument: Any, reason: str) -> None:
    """Listed filters of at most a day, and a market that is open."""
    assert said(request(), sources(START, instruments={} if instrument is None else {SYMBOL: instrument})) == reason


def test_symbols_that_the_account_file_leaves_out() -> None:
    """Named in the denial; without a list every symbol may trade."""
    settings = Settings(file="x", symbols=("ETHJPY",))
    assert reasons(review([request()], sources(START), settings)) == [f"{SYMBOL} is not in the account file's symbols"]


# ----------------------------------------------------------------------------------------------------------- prices
def test_the_band_from_both_sides() -> None:
    """A buy up to the ask and the band, a sale down to the bid less the band; with the figures."""
    assert said(request(price=101_010), price_band=D(1)) == ""
    assert said(request(price=101_011), price_band=D(1)) == (
        "price_band: 101,011 is more than 1% through the market at 100,010"
    )
    assert said(request(Side.SELL, price=98_991), price_band=D(1)) == ""
    assert said(request(Side.SELL, price=98_990), price_band=D(1)) == (
        "price_band: 98,990 is more than 1% through the market at 99,990"
    )
    exact = sources(START, bid=99_980)
    assert said(request(price=101_000), exact, price_band=D(1)) == ""
    assert said(request(Side.SELL, price=99_000), sources(START, bid=100_000), price_band=D(1)) == ""
    blind = said(request(), sources(START, bid=None), price_band=D(1))
    assert blind.startswith("price_band: no reference price: ")


@pytest.mark.parametrize(("resting", "asked", "crosses"), [
    (own(side=Side.SELL, price=D(100_000)), request(price=100_000), True),
    (own(side=Side.SELL, price=D(100_000)), request(price=99_999), False),
    (own(side=Side.BUY, price=D(100_000)), request(Side.SELL, price=100_000), True),
    (own(side=Side.BUY, price=D(100_000), quantity=D("0.01")), request(Side.SELL, price=100_001), False),
    (own(side=Side.BUY, price=D(1)), request(price=100_000), False),
    (own(side=Side.SELL, price=D(1), symbol="ETHJPY"), request(), False),
    (own(state="done", side=Side.SELL, price=D(1)), request(), False),
    (own(state="unknown", rule="x", side=Side.SELL, price=D(1), quantity=D("0.01")), request(), True),
    (own(state="intended", rule="x", side=Side.SELL, price=D(1), quantity=D("0.01")), request(), True),
])  # fmt: skip
def test_what_would_cross(resting: OwnOrder, asked: PlaceRequest, crosses: bool) -> None:
    """Only the other side of the same symbol, at its price or beyond, of what may still trade."""
    wanted = f"it would cross the account's own order at {resting.price}" if crosses else ""
    assert said(asked, with_orders(resting)) == wanted


def test_orders_by_hand_are_not_crossed_either() -> None:
    """Of the account's list at the exchange: what is open, of this symbol."""
    for status, symbol, crosses in (
        (OrderStatus.NEW, SYMBOL, True), (OrderStatus.CANCELED, SYMBOL, False), (OrderStatus.NEW, "ETHJPY", False),
    ):  # fmt: skip
        account = account_of(START, open_orders={SYMBOL: (listed(status, symbol=symbol),)})
        assert bool(said(request(), sources(START, account=account))) is crosses


def test_an_unknown_fate_of_the_same_rule_symbol_and_side() -> None:
    """Is said with the side; another rule, symbol or side, or a known fate, freezes nothing."""
    lost = own(state="unknown", price=D(1), quantity=D("0.001"))
    assert said(request(), with_orders(lost)) == "an earlier buy order has an unknown fate"
    for free in (replace(lost, rule="x"), replace(lost, symbol="ETHJPY"), replace(lost, state="open")):
        assert said(request(), with_orders(free)) == ""
    assert said(request(Side.SELL), with_orders(lost)) == ""


# ------------------------------------------------------------------------------------------------------------ money
def test_free_money_to_the_last_unit() -> None:
    """What is exactly enough is enough, for a buy and for a sale; what must stay free may stay exactly."""
    enough = sources(START, account=account_of(START, jpy=1_000, btc="0.01"))
    assert said(request(), enough) == ""
    assert said(SELL, enough) == ""
    assert said(request(), enough, keep_free={JPY: D(0), BTC: D(5)}) == ""
    assert said(request(), enough, keep_free={JPY: D(1)}) == "keep_free: 0 JPY would be left, 1 JPY must stay free"
    short = sources(START, account=account_of(START, jpy=999, btc="0.009"))
    assert said(request(), short) == "needs 1,000 JPY, free are 999 JPY"
    assert said(SELL, short) == "needs 0.01 BTC, free are 0.009 BTC"


@pytest.mark.parametrize(("order", "bound"), [
    (own(price=D(100), quantity=D(5), executed=D(1), placed_ms=START), 400),
    (own(price=D(100), quantity=D(5), placed_ms=START - 1), 0),
    (own(state="unknown", rule="x", price=D(100), quantity=D(5), placed_ms=0), 500),
    (own(state="intended", rule="x", price=D(100), quantity=D(5), placed_ms=0), 500),
    (own(state="done", price=D(100), quantity=D(5), placed_ms=START), 0),
    (own(side=Side.SELL, price=D(900_000), quantity=D(1), placed_ms=START), 0),
    (other(placed_ms=START), 0),
])  # fmt: skip
def test_what_is_spoken_for(order: OwnOrder, bound: int) -> None:
    """The rest of buys in this asset that the balances may not show yet: as old as they, or of no known state."""
    look = with_orders(order, account=account_of(START, jpy=1_000 + bound))
    assert said(request(), look) == ""
    look = with_orders(order, account=account_of(START, jpy=999 + bound))
    assert said(request(), look) == "needs 1,000 JPY, free are 999 JPY"


def test_what_is_being_sold_is_spoken_for() -> None:
    """The rest of sales of the base asset, in base."""
    resting = own(side=Side.SELL, price=D(900_000), quantity=D(5), executed=D(1), placed_ms=START)
    assert said(SELL, with_orders(resting, account=account_of(START, btc="4.01"))) == ""
    assert said(SELL, with_orders(resting, account=account_of(START, btc="4.009"))) == (
        "needs 0.01 BTC, free are 0.009 BTC"
    )


def test_the_days_spending() -> None:
    """Bought today, the rest of open buys of this quote asset, and this order: exactly the limit is within it."""
    fills = (fill(Side.BUY, 100_000, "0.01", START), fill(Side.SELL, 100_000, "0.5", START))
    open_buys = (own(price=D(50_000), quantity=D("0.02"), executed=D("0.01")), other())
    sale = own(side=Side.SELL, price=D(200_000), quantity=D("0.01"))
    look = sources(START, record=OwnRecord(orders=(*open_buys, sale), fills=fills))
    assert said(request(), look, spend_per_day={JPY: D(2_500)}) == ""
    assert said(request(), look, spend_per_day={JPY: D("2499")}) == (
        "spend_per_day: 1,000 JPY spent today and 500 JPY in orders, this one 1,000 JPY, the limit is 2,499 JPY"
    )
    assert said(request(), look, spend_per_day={USD: D(0)}) == ""
    assert said(SELL, look, spend_per_day={JPY: D(0)}) == ""


def test_what_may_be_held() -> None:
    """For, the rest of open buys of this base asset, what was bought since the balances were read, and this order."""
    look = sources(START, account=account_of(START - 1_000), record=OwnRecord(
        orders=(own(price=D(1), quantity=D("0.2"), executed=D("0.1")), other(),
                own("s", side=Side.SELL, price=D(900_000), quantity=D("0.5"))),
        fills=(fill(Side.BUY, 100_000, "0.2", START),)))  # fmt: skip
    assert said(request(), look, holding={BTC: D("1.31")}) == ""
    assert said(request(), look, holding={BTC: D("1.30")}) == (
        "holding: 1 BTC held and 0.3 BTC coming, this order 0.01 BTC, the limit is 1.3 BTC"
    )
    assert said(request(), look, holding={"ETH": D(0)}) == ""
    assert said(SELL, look, holding={BTC: D(0)}) == ""


# ----------------------------------------------------------------------------------------------------------- counts
def test_open_orders_are_those_that_may_trade() -> None:
    """Open, unknown and written ones, not those that ended; one less than the limit leaves room for one."""
    live = (own(price=D(1)), own("b", "unknown", rule="x", price=D(1), quantity=D("0.001")),
            own("c", "intended", rule="x", price=D(1), quantity=D("0.001")), own("d", "done"))  # fmt: skip
    assert said(request(), with_orders(*live), open_orders=4) == ""
    assert said(request(), with_orders(*live), open_orders=3) == "open_orders: 3 are open, the limit is 3"
    assert said(request(), with_orders(*live)) == ""


def test_the_last_hour() -> None:
    """An order of an hour ago has left the hour; a millisecond later it is in it."""
    look = sources(START, record=OwnRecord(placed_ms=(START - HOUR, START - HOUR + 1, START)))
    assert said(request(), look, orders_per_hour=3) == ""
    assert said(request(), look, orders_per_hour=2) == "orders_per_hour: 2 in the last hour, the limit is 2"
    assert said(request(), look) == ""
