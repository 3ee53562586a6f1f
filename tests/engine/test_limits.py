"""The account file's limits: in aggregate, before anything is signed, fail closed; each bound from both sides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.books import Ledger, Unpriced
from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.limits import (
    LIMITS,
    Approved,
    as_if_written,
    in_turn,
    judge,
    review,
    review_needs,
    tripped,
)
from autotrader.engine.requests import Denied
from autotrader.errors import OrderDenied
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import Account, OwnOrder, OwnRecord
from autotrader.market.needs import BalancesNeed, BookNeed
from autotrader.market.sources import Sources
from autotrader.orders import DecisionKey, Order, OrderRequest, OrderStatus, OrderType, Side
from tests.worlds.values import BTCJPY, START, SYMBOL, D, account_of, fill, own, sources

MARKED = Settings(file="autotrader.yaml", symbols=(SYMBOL,))


def request(
    side: Side = Side.BUY, price: int | str = 100_000, quantity: str = "0.01", name: str = "dip"
) -> PlaceRequest:
    """An order to review."""
    order = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.LIMIT, price=D(price), quantity=D(quantity),
                         client_order_id=f"at-test-{name}-{price}-{quantity}")  # fmt: skip
    key = DecisionKey(store_id="test", rule=name, symbol=SYMBOL, order_id="", slot_ms=START, step=0)
    return PlaceRequest(order=order, key=key, run=None, base="BTC", quote="JPY", deadline_ms=START)


def reason(
    asked: PlaceRequest | list[PlaceRequest], look: Sources | None = None, halt: Halt | None = None, **limits: Any
) -> str:
    """Why the last of some orders is denied, "" where it is approved."""
    settings = replace(MARKED, limits=Limits(**limits))
    orders = asked if isinstance(asked, list) else [asked]
    answer = review(orders, look or sources(START), settings, halt)[-1]
    return "" if isinstance(answer, Approved) else answer.reason


def record(**more: Any) -> Sources:
    """Sources with a record."""
    return sources(START, record=OwnRecord(**more))


def test_within_all_limits_is_approved() -> None:
    """An ordinary order passes."""
    everything: dict[str, Any] = {
        "spend_per_day": {"JPY": D(5_000)}, "loss_per_day": {"JPY": D(100)}, "keep_free": {"JPY": D(5_000)},
        "halt_after": 5, "open_orders": 10, "orders_per_hour": 20, "holding": {"BTC": D(2)}, "price_band": D(3),
    }  # fmt: skip
    assert reason(request(), **everything) == ""
    assert reason(request(Side.SELL), **everything) == ""


def test_halted_denies_everything() -> None:
    """After a halt, and after too many refusals in a row, no order is approved."""
    assert reason(request(), halt=Halt("by hand")) == "trading is halted: by hand"
    assert reason(request(Side.SELL), record(refusals_in_a_row=5), halt_after=5).startswith("halt_after")
    assert reason(request(), record(refusals_in_a_row=4), halt_after=5) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "BREAK"}, "not trading"), ({"fetched_ms": None}, "filters"),
        ({"fetched_ms": START - 86_400_001}, "older than a day"), ({"tick": D(3)}, "PRICE_FILTER"),
    ],
)  # fmt: skip
def test_only_on_trading_symbols_with_fresh_filters(change: dict[str, Any], said: str) -> None:
    """A symbol that does not trade, old filters and prices off the grid are denied."""
    assert said in reason(request(), sources(START, instruments={SYMBOL: replace(BTCJPY, **change)}))


def test_only_on_listed_symbols() -> None:
    """A symbol that the account file's list lacks is denied (no list: any); so is one without filters."""
    answer = review([request()], sources(START), Settings(file="x", symbols=("ETHJPY",)))[0]
    assert "symbols" in getattr(answer, "reason", "")
    assert review([request()], sources(START), Settings(file="x")) == (Approved(),)
    assert "not known" in reason(request(), sources(START, instruments={}))


def test_an_unknown_fate_freezes_rule_and_side() -> None:
    """One unresolved order per rule, symbol and side."""
    assert "unknown fate" in reason(request(), record(orders=(own(state="unknown", price=D(1)),)))
    assert reason(request(name="other"), record(orders=(own(state="unknown", price=D(1)),))) == ""


def test_price_band() -> None:
    """No further through the market than the band, and only against a fresh price."""
    assert reason(request(price=103_010), price_band=D(3)) == ""
    assert "price_band" in reason(request(price=103_011), price_band=D(3))
    assert reason(request(Side.SELL, price=96_991), price_band=D(3)) == ""
    assert "price_band" in reason(request(Side.SELL, price=96_990), price_band=D(3))
    assert "no reference" in reason(request(), sources(START, bid=None), price_band=D(3))
    stale = replace(sources(START), now_ms=START + 10_001)
    assert "old" in reason(request(), stale, price_band=D(3))
    assert reason(request(price=1_000_000, quantity="0.0002"), sources(START, bid=None)) == ""


def test_never_against_an_own_order() -> None:
    """No order that would meet a resting one of this account: own, by hand, or approved a moment ago."""
    resting = own(side=Side.SELL, price=D(100_000))
    assert "cross" in reason(request(), record(orders=(resting,)))
    assert reason(request(price=99_999), record(orders=(resting,))) == ""
    by_hand = Order(symbol=SYMBOL, order_id=1, client_order_id="web", side=Side.BUY, type="LIMIT", tif="GTC",
                    price=D(100_000), quantity=D(1), executed=D(0), quote_executed=D(0), status=OrderStatus.NEW,
                    created_ms=START, updated_ms=START)  # fmt: skip
    account = account_of(START, open_orders={SYMBOL: (by_hand,)})
    assert "cross" in reason(request(Side.SELL), sources(START, account=account))
    assert "cross" in reason([request(Side.SELL), request()])


def test_funds_are_known_and_enough() -> None:
    """What is free must cover the order, and what must stay free stays."""
    poor = sources(START, account=account_of(START, jpy=1_500, btc="0.005"))
    assert reason(request(), poor) == ""
    assert reason(request(quantity="0.02"), poor) == "needs 2,000 JPY, free are 1,500 JPY"
    assert "needs 0.01 BTC" in reason(request(Side.SELL), poor)
    assert "keep_free: 500 JPY" in reason(request(), poor, keep_free={"JPY": D(501)})
    assert "needs" in reason([request(), request(name="b")], poor)
    assert "not fetched" in reason(request(), sources(START, account=Account()))
    old = account_of(START - 30_001)
    assert "old" in reason(request(), sources(START, account=old))


def test_what_the_balances_do_not_show_yet_is_spoken_for() -> None:
    """Orders and fills since the balances were read, and unknown ones, bind money."""
    account = account_of(START - 5_000, jpy=1_500, btc="0.015")
    for known in (
        OwnRecord(orders=(own(price=D(10_000), placed_ms=START),)),
        OwnRecord(orders=(own(price=D(10_000), state="unknown", rule="x", placed_ms=0),)),
        OwnRecord(fills=(fill(Side.BUY, 100_000, "0.01", START),)),
    ):
        assert "needs" in reason(request(), sources(START, account=account, record=known))
    seen = OwnRecord(orders=(own(price=D(10_000), placed_ms=START - 60_000),))
    assert reason(request(), sources(START, account=account, record=seen)) == ""
    sold = OwnRecord(orders=(own(side=Side.SELL, quantity=D("0.01"), price=D(200_000), placed_ms=START),))
    assert "needs" in reason(request(Side.SELL), sources(START, account=account, record=sold))


def test_spend_per_day_counts_fills_open_orders_and_this_cycle() -> None:
    """Bought today, what open and unknown orders could still spend, and what was approved before: all count."""
    spent = fill(Side.BUY, 100_000, "0.01", START - 1_000)
    yesterday = fill(Side.BUY, 100_000, "1", START - 86_400_000)
    resting = own(price=D(50_000), quantity=D("0.02"), executed=D("0.01"))
    look = record(fills=(yesterday, spent), orders=(resting,))
    assert reason(request(), look, spend_per_day={"JPY": D(2_500)}) == ""
    denied = reason(request(), look, spend_per_day={"JPY": D(2_499)})
    assert "1,000 JPY spent today and 500 JPY in orders, this one 1,000 JPY, the limit is 2,499 JPY" in denied
    assert "spend_per_day" in reason([request(), request(name="b")], look, spend_per_day={"JPY": D(3_499)})
    assert reason(request(Side.SELL), look, spend_per_day={"JPY": D(0)}) == ""


def test_loss_per_day_is_cash_and_marked_net_minus_fees() -> None:
    """Bought at 110,000 and marked at the bid of 99,990, with a fee: 10,110 lost per coin."""
    look = record(fills=(fill(Side.BUY, 110_000, "0.1", START, fee=D(100)),))
    assert Ledger(look).result_today("JPY") == D("-1101.0")
    assert reason(request(), look, loss_per_day={"JPY": D(1_102)}) == ""
    assert "1,101 JPY lost today" in reason(request(), look, loss_per_day={"JPY": D(1_101)})


def test_the_days_result_counts_every_fee() -> None:
    """A fee in base makes the net smaller; one in a third asset is taken at its price, or nothing is known."""
    both = (fill(Side.BUY, 100_000, "0.1", START, fee=D("0.001"), fee_asset="BTC"),
            fill(Side.SELL, 100_000, "0.099", START))  # fmt: skip
    assert Ledger(record(fills=both)).result_today("JPY") == D("-100.000")
    third = (replace(both[1], fee=D(1), fee_asset="BNB", side=Side.BUY, quantity=D(0), quote=D(0)),)
    unknown = Ledger(record(fills=third)).result_today("JPY")
    assert unknown == Unpriced("no fresh price of BNBJPY")
    assert "not known" in reason(request(), record(fills=third), loss_per_day={"JPY": D(1)})
    assert Ledger(record(fills=both)).result_today("USDT") == 0


def test_counts_of_orders() -> None:
    """Open orders and orders per hour, with those approved in this cycle."""
    resting = record(orders=(own(price=D(1)),), placed_ms=(START - 3_600_000, START - 1_000))
    assert reason(request(), resting, open_orders=2) == ""
    assert "open_orders: 1" in reason(request(), resting, open_orders=1)
    assert "open_orders: 2" in reason([request(), request(name="b")], resting, open_orders=2)
    assert reason(request(), resting, orders_per_hour=2) == ""
    assert "orders_per_hour: 1" in reason(request(), resting, orders_per_hour=1)


def test_holding_counts_what_could_still_be_bought() -> None:
    """For, resting, just bought and just approved coins stay within `holding`."""
    look = sources(START, account=account_of(START - 1_000), record=OwnRecord(
        orders=(own(price=D(1)),), fills=(fill(Side.BUY, 100_000, "0.2", START),)))  # fmt: skip
    assert reason(request(), look, holding={"BTC": D("1.31")}) == ""
    assert "holding" in reason(request(), look, holding={"BTC": D("1.30")})
    assert "holding" in reason([request(), request(name="b")], look, holding={"BTC": D("1.31")})
    assert reason(request(Side.SELL), look, holding={"BTC": D(0)}) == ""
    assert "not fetched" in reason(request(), sources(START, account=Account()), holding={"BTC": D(1)})


def test_sells_are_reviewed_before_buys() -> None:
    """The order of review is that of carrying out; the answers stand in the order of the requests."""
    answers = review([request(), request(Side.SELL)], sources(START), MARKED)
    assert [isinstance(answer, Approved) for answer in answers] == [False, True]


def test_what_a_review_has_to_see() -> None:
    """Books of the symbols, the balances, and what marks the day's result where that is limited."""
    fills = (fill(Side.BUY, 1, "1", START, symbol="ETHJPY", fee=D(1), fee_asset="BNB"),)
    known, lossy = OwnRecord(fills=fills), replace(MARKED, limits=Limits(loss_per_day={"JPY": D(1)}))
    seen = {BalancesNeed(), BookNeed(SYMBOL, 1)}
    assert review_needs([SYMBOL], known, MARKED, START) == seen
    assert review_needs([SYMBOL], known, lossy, START) == seen | {BookNeed("ETHJPY", 1), BookNeed("BNBJPY", 1)}


orders = st.builds(
    request,
    st.sampled_from(list(Side)),
    st.integers(90_000, 110_000),
    st.integers(1, 50).map(lambda n: f"{n / 1000}"),
    st.sampled_from(("a", "b", "c")),
)
own_orders = st.builds(
    lambda side, price, quantity, state: own(side=side, price=D(price), quantity=D(quantity) / 1000, state=state),
    st.sampled_from(list(Side)), st.integers(90_000, 110_000), st.integers(1, 50), st.sampled_from(("open", "unknown")),
)  # fmt: skip


@given(st.lists(orders, max_size=8), st.lists(own_orders, max_size=3), st.integers(0, 20_000), st.integers(0, 9_000))
def test_limits_are_never_broken_in_aggregate(
    asked: list[PlaceRequest], resting: list[Any], jpy: int, spent: int
) -> None:
    """Whatever comes together in one cycle: what was approved, with what was there before, is within every limit."""
    fills = (fill(Side.BUY, 100_000, f"{D(spent) / 100_000}", START - 1_000),)
    look = sources(START, account=account_of(START, jpy=jpy, btc="0.1"),
                   record=OwnRecord(orders=tuple(resting), fills=fills))  # fmt: skip
    limits = Limits(spend_per_day={"JPY": D(15_000)}, keep_free={"JPY": D(2_000)}, open_orders=5,
                    holding={"BTC": D("0.2")}, price_band=D(3))  # fmt: skip
    answers = review(asked, look, replace(MARKED, limits=limits))
    approved = [r for r, answer in zip(asked, answers, strict=True) if isinstance(answer, Approved)]
    buys = [r.order for r in approved if r.order.side is Side.BUY]
    sells = [r.order for r in approved if r.order.side is Side.SELL]
    bound = sum((o.remaining * o.price for o in resting if o.side is Side.BUY), Decimal(0))
    bought = sum((order.notional for order in buys), Decimal(0))
    if buys:
        assert spent + bound + bought <= 15_000
        assert bought <= jpy - 2_000
        coming = sum((o.remaining for o in resting if o.side is Side.BUY), Decimal(0))
        assert D("0.1") + coming + sum((order.quantity for order in buys), Decimal(0)) <= D("0.2")
    assert sum((order.quantity for order in sells), Decimal(0)) <= D("0.1")
    assert not approved or len(approved) + len(resting) <= 5
    assert all(buy.price < sell.price for buy in buys for sell in sells)
    assert all(buy.price <= D(100_010) * D("1.03") for buy in buys)


def test_what_executed_and_is_not_booked_yet_counts_as_spent() -> None:
    """An order that filled a moment ago, and whose trades could not be read yet, is within the day's limit too."""
    filled = own("a", "done", price=D(100_000), quantity=D("0.04"), executed=D("0.04"), unbooked=D("0.04"))
    look = record(orders=(filled,))
    assert "spend_per_day" in reason(request(), look, spend_per_day={"JPY": D(4_999)})
    assert reason(request(), look, spend_per_day={"JPY": D(5_000)}) == ""


def test_todays_result_is_not_known_while_trades_are_not_booked() -> None:
    """`loss_per_day` does not guess what an order that filled a moment ago has cost."""
    filled = own("a", "done", price=D(100_000), quantity=D("0.04"), executed=D("0.04"), unbooked=D("0.04"))
    said = reason(request(), record(orders=(filled,)), loss_per_day={"JPY": D(100_000)})
    assert "not booked" in said


HOUR, DAY = 3_600_000, 86_400_000
BTC, JPY, USD = "BTC", "JPY", "USDT"


def asking(
    side: Side = Side.BUY, price: int | str = 100_000, quantity: str = "0.01", name: str = "dip", **more: Any
) -> PlaceRequest:
    order = OrderRequest(symbol=SYMBOL, side=side, type=OrderType.LIMIT, price=D(price), quantity=D(quantity),
                         client_order_id=f"at-test-{name}")  # fmt: skip
    key = DecisionKey(store_id="test", rule=name, symbol=SYMBOL, order_id="", slot_ms=START, step=0)
    return PlaceRequest(order=order, key=key, run=None, base=BTC, quote=JPY, deadline_ms=START, **more)


SELL = asking(Side.SELL)


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
        judge(asking(), sources(START), everything)
    assert (denied.value.reason, denied.value.limit) == ("open_orders: 0 are open, the limit is 0", "OpenOrders")
    with pytest.raises(OrderDenied) as halted:
        judge(asking(), sources(START), everything, Halt("by hand"))
    assert halted.value.limit == "Halted"
    judge(asking(), sources(START), everything, Halt("by hand"), limits=[])
    names = [type(limit).__name__ for limit in LIMITS]
    assert names[0] == "Halted"
    assert len(names) == len(set(names)) == 11, "one limit more or less: set this figure anew, on purpose"


def test_a_cycle_is_reviewed_in_the_order_of_sending() -> None:
    """Sells before buys, each side as it was asked; the answers stand as the requests did, and each counts for the
    next only if it was approved.
    """
    a, b, c = asking(name="a"), asking(Side.SELL, price=100_020, name="b"), asking(name="c")
    assert in_turn([a, b, c]) == [(1, b), (0, a), (2, c)]
    settings = Settings(file="x", limits=Limits(open_orders=2))
    answers = review([a, b, c], sources(START), settings)
    assert answers[:2] == (Approved(), Approved())
    assert reasons(answers) == ["open_orders: 2 are open, the limit is 2"]
    assert [answer.limit for answer in answers if isinstance(answer, Denied)] == ["OpenOrders"]
    big = asking(quantity="900", name="big")
    assert review([big, a, c], sources(START), settings)[1:] == (Approved(), Approved())


def test_an_approved_order_counts_as_if_it_stood_in_the_journal() -> None:
    """All of it: name, rule, symbol, side, numbers, time, and what its rule will look for."""
    before = sources(START, record=OwnRecord(orders=(own(),), placed_ms=(5,)))
    asked = asking(Side.SELL, name="n", tag="t", labels=("l",))
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
    assert said(asking(), halt=weak) == weak.text
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
    assert said(asking(), sources(START, instruments={} if instrument is None else {SYMBOL: instrument})) == reason


def test_symbols_that_the_account_file_leaves_out() -> None:
    """Named in the denial; without a list every symbol may trade."""
    settings = Settings(file="x", symbols=("ETHJPY",))
    assert reasons(review([asking()], sources(START), settings)) == [f"{SYMBOL} is not in the account file's symbols"]


# ----------------------------------------------------------------------------------------------------------- prices
def test_the_band_from_both_sides() -> None:
    """A buy up to the ask and the band, a sale down to the bid less the band; with the figures."""
    assert said(asking(price=101_010), price_band=D(1)) == ""
    assert said(asking(price=101_011), price_band=D(1)) == (
        "price_band: 101,011 is more than 1% through the market at 100,010"
    )
    assert said(asking(Side.SELL, price=98_991), price_band=D(1)) == ""
    assert said(asking(Side.SELL, price=98_990), price_band=D(1)) == (
        "price_band: 98,990 is more than 1% through the market at 99,990"
    )
    exact = sources(START, bid=99_980)
    assert said(asking(price=101_000), exact, price_band=D(1)) == ""
    assert said(asking(Side.SELL, price=99_000), sources(START, bid=100_000), price_band=D(1)) == ""
    blind = said(asking(), sources(START, bid=None), price_band=D(1))
    assert blind.startswith("price_band: no reference price: ")


@pytest.mark.parametrize(("resting", "asked", "crosses"), [
    (own(side=Side.SELL, price=D(100_000)), asking(price=100_000), True),
    (own(side=Side.SELL, price=D(100_000)), asking(price=99_999), False),
    (own(side=Side.BUY, price=D(100_000)), asking(Side.SELL, price=100_000), True),
    (own(side=Side.BUY, price=D(100_000), quantity=D("0.01")), asking(Side.SELL, price=100_001), False),
    (own(side=Side.BUY, price=D(1)), asking(price=100_000), False),
    (own(side=Side.SELL, price=D(1), symbol="ETHJPY"), asking(), False),
    (own(state="done", side=Side.SELL, price=D(1)), asking(), False),
    (own(state="unknown", rule="x", side=Side.SELL, price=D(1), quantity=D("0.01")), asking(), True),
    (own(state="intended", rule="x", side=Side.SELL, price=D(1), quantity=D("0.01")), asking(), True),
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
        assert bool(said(asking(), sources(START, account=account))) is crosses


def test_an_unknown_fate_of_the_same_rule_symbol_and_side() -> None:
    """Is said with the side; another rule, symbol or side, or a known fate, freezes nothing."""
    lost = own(state="unknown", price=D(1), quantity=D("0.001"))
    assert said(asking(), with_orders(lost)) == "an earlier buy order has an unknown fate"
    for free in (replace(lost, rule="x"), replace(lost, symbol="ETHJPY"), replace(lost, state="open")):
        assert said(asking(), with_orders(free)) == ""
    assert said(asking(Side.SELL), with_orders(lost)) == ""


# ------------------------------------------------------------------------------------------------------------ money
def test_free_money_to_the_last_unit() -> None:
    """What is exactly enough is enough, for a buy and for a sale; what must stay free may stay exactly."""
    enough = sources(START, account=account_of(START, jpy=1_000, btc="0.01"))
    assert said(asking(), enough) == ""
    assert said(SELL, enough) == ""
    assert said(asking(), enough, keep_free={JPY: D(0), BTC: D(5)}) == ""
    assert said(asking(), enough, keep_free={JPY: D(1)}) == "keep_free: 0 JPY would be left, 1 JPY must stay free"
    short = sources(START, account=account_of(START, jpy=999, btc="0.009"))
    assert said(asking(), short) == "needs 1,000 JPY, free are 999 JPY"
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
    assert said(asking(), look) == ""
    look = with_orders(order, account=account_of(START, jpy=999 + bound))
    assert said(asking(), look) == "needs 1,000 JPY, free are 999 JPY"


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
    assert said(asking(), look, spend_per_day={JPY: D(2_500)}) == ""
    assert said(asking(), look, spend_per_day={JPY: D("2499")}) == (
        "spend_per_day: 1,000 JPY spent today and 500 JPY in orders, this one 1,000 JPY, the limit is 2,499 JPY"
    )
    assert said(asking(), look, spend_per_day={USD: D(0)}) == ""
    assert said(SELL, look, spend_per_day={JPY: D(0)}) == ""


def test_what_may_be_held() -> None:
    """For, the rest of open buys of this base asset, what was bought since the balances were read, and this order."""
    look = sources(START, account=account_of(START - 1_000), record=OwnRecord(
        orders=(own(price=D(1), quantity=D("0.2"), executed=D("0.1")), other(),
                own("s", side=Side.SELL, price=D(900_000), quantity=D("0.5"))),
        fills=(fill(Side.BUY, 100_000, "0.2", START),)))  # fmt: skip
    assert said(asking(), look, holding={BTC: D("1.31")}) == ""
    assert said(asking(), look, holding={BTC: D("1.30")}) == (
        "holding: 1 BTC held and 0.3 BTC coming, this order 0.01 BTC, the limit is 1.3 BTC"
    )
    assert said(asking(), look, holding={"ETH": D(0)}) == ""
    assert said(SELL, look, holding={BTC: D(0)}) == ""


# ----------------------------------------------------------------------------------------------------------- counts
def test_open_orders_are_those_that_may_trade() -> None:
    """Open, unknown and written ones, not those that ended; one less than the limit leaves room for one."""
    live = (own(price=D(1)), own("b", "unknown", rule="x", price=D(1), quantity=D("0.001")),
            own("c", "intended", rule="x", price=D(1), quantity=D("0.001")), own("d", "done"))  # fmt: skip
    assert said(asking(), with_orders(*live), open_orders=4) == ""
    assert said(asking(), with_orders(*live), open_orders=3) == "open_orders: 3 are open, the limit is 3"
    assert said(asking(), with_orders(*live)) == ""


def test_the_last_hour() -> None:
    """An order of an hour ago has left the hour; a millisecond later it is in it."""
    look = sources(START, record=OwnRecord(placed_ms=(START - HOUR, START - HOUR + 1, START)))
    assert said(asking(), look, orders_per_hour=3) == ""
    assert said(asking(), look, orders_per_hour=2) == "orders_per_hour: 2 in the last hour, the limit is 2"
    assert said(asking(), look) == ""
