"""The account file's limits: in aggregate, before anything is signed, fail closed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.engine.books import Ledger, Unpriced
from autotrader.engine.halt import Halt
from autotrader.engine.limits import Approved, review, review_needs
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import Account, OwnRecord
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
