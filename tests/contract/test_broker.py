"""The contract of `ports.Broker`: numbered cases from simple to hard that every adapter passes.

The Binance client runs them at the simulator over HTTP, so client and simulator keep them together; the paper broker
runs them on the same market without sending it an order.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from autotrader.market.needs import AccountNeed, BalancesNeed, OpenOrdersNeed
from autotrader.money import total
from autotrader.orders import (
    Accepted,
    Balance,
    Cancelled,
    NotFound,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
)  # fmt: skip
from tests.contract.venues import BROKERS, OTHER, START, SYMBOL, Stand, private_text, trading

D = Decimal
HOUR_MS = 3_600_000


def test_01_an_untouched_account(stand: Stand) -> None:
    """The balances that were paid in are free, nothing is locked, nothing is open, nothing was traded."""
    account = stand.account()
    for asset, amount in START.items():
        found = account.balances.get(asset, Balance(asset, D(0), D(0)))
        assert found == Balance(asset, amount, D(0))
    assert account.open_orders[SYMBOL] == ()
    assert list(stand.broker.fills(SYMBOL, None, stand.now_ms - HOUR_MS)) == []


def test_02_a_buy_that_rests_binds_its_cost(stand: Stand) -> None:
    """NEW, open, nothing executed; price times quantity of the quote is locked and no longer free."""
    order = stand.rest()
    assert (order.status, order.executed, order.is_open) == (OrderStatus.NEW, D(0), True)
    cost = order.price * order.quantity
    assert stand.balance("JPY") == Balance("JPY", START["JPY"] - cost, cost)


def test_03_a_sale_that_rests_binds_what_it_sells(stand: Stand) -> None:
    """The base quantity is locked."""
    order = stand.rest(Side.SELL)
    assert stand.balance("BTC") == Balance("BTC", START["BTC"] - order.quantity, order.quantity)


def test_04_an_order_is_found_by_its_name(stand: Stand) -> None:
    """Reply, look-up and list of open orders say the same of it; another name is not found."""
    order = stand.rest()
    found, (listed,) = stand.find(order), stand.account().open_orders[SYMBOL]
    for seen in (found, listed):
        for name in (
            "symbol",
            "order_id",
            "client_order_id",
            "side",
            "type",
            "price",
            "quantity",
            "executed",
            "status",
        ):
            assert getattr(seen, name) == getattr(order, name), name
    assert stand.broker.find(SYMBOL, "at-case-none") == NotFound()


def test_05_a_cancel_gives_everything_back(stand: Stand) -> None:
    """CANCELED under its own name, no longer open, and the balance is what it was, to the last digit."""
    order = stand.rest(quantity="0.01234567" if stand.instrument().step <= D("1e-8") else "0.01234")
    cancelled = stand.cancel(order)
    assert isinstance(cancelled, Cancelled)
    assert (cancelled.order.client_order_id, cancelled.order.status) == (order.client_order_id, OrderStatus.CANCELED)
    assert stand.find(order).status is OrderStatus.CANCELED
    assert stand.account().open_orders[SYMBOL] == ()
    assert stand.balance("JPY") == Balance("JPY", START["JPY"], D(0))


def test_06_a_second_cancel_confirms_nothing(stand: Stand) -> None:
    """What is not open any more, or never was, cannot be cancelled: the answer says "look", and looking shows it."""
    order = stand.rest()
    stand.cancel(order)
    assert isinstance(stand.cancel(order), Unknown | Rejected)
    assert stand.find(order).status is OrderStatus.CANCELED
    assert isinstance(stand.cancel(replace(order, order_id=order.order_id + 999)), Unknown | Rejected)


def test_07_an_order_that_takes_gets_no_worse_than_its_limit(stand: Stand) -> None:
    """Immediate or cancel: what the book gives, at the book's prices; the rest expires; nothing stays open."""
    best = stand.book().asks[0][0]
    taken = stand.take()
    assert taken.order.executed > 0
    assert all(best <= fill.price <= taken.order.price for fill in taken.fills)
    assert stand.find(taken.order).status in (OrderStatus.FILLED, OrderStatus.EXPIRED)
    assert stand.account().open_orders[SYMBOL] == ()


@pytest.mark.parametrize("side", list(Side))
def test_08_trades_explain_the_order_and_the_balances(side: Side, stand: Stand) -> None:
    """Trades of the reply and trades read later agree, add up to what was executed, and move exactly the balances."""
    taken = stand.take(side, "0.02")
    read = stand.broker.fills(SYMBOL, None, stand.now_ms - HOUR_MS)
    plain = [(fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset) for fill in read]
    assert plain == [(fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset) for fill in taken.fills]
    assert {(fill.order_id, fill.side, fill.symbol) for fill in read} == {(taken.order.order_id, side, SYMBOL)}
    assert total(fill.quantity for fill in read) == taken.order.executed
    assert list(stand.broker.fills_of(SYMBOL, taken.order.order_id)) == list(read)
    assert list(stand.broker.fills_of(SYMBOL, stand.rest(side).order_id)) == []
    judged(stand)


def judged(stand: Stand) -> None:
    """Free and locked money is what was paid in, moved by every trade and fee, and bound by every open order."""
    account = stand.account(SYMBOL)
    fills = stand.broker.fills(SYMBOL, None, stand.now_ms - 23 * HOUR_MS)
    bought = [fill for fill in fills if fill.side is Side.BUY]
    sold = [fill for fill in fills if fill.side is Side.SELL]
    moved = {
        "JPY": total(fill.quote for fill in sold) - total(fill.quote for fill in bought),
        "BTC": total(fill.quantity for fill in bought) - total(fill.quantity for fill in sold),
    }
    waiting = account.open_orders[SYMBOL]
    bound = {
        "JPY": total(one.remaining * one.price for one in waiting if one.side is Side.BUY),
        "BTC": total(one.remaining for one in waiting if one.side is Side.SELL),
    }
    for asset in ("JPY", "BTC"):
        fees = total(fill.fee for fill in fills if fill.fee_asset == asset)
        found = account.balances[asset]
        assert found.holding == START[asset] + moved[asset] - fees, asset
        assert found.locked == bound[asset], asset


def test_09_what_an_order_cannot_take_waits(stand: Stand) -> None:
    """Good till cancelled beyond the first level: executed there, the rest open at its own price."""
    price, size = stand.book().asks[0]
    order = stand.place(Side.BUY, price, str(size + D("0.05"))).order
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.executed == size
    (listed,) = stand.account().open_orders[SYMBOL]
    assert (listed.order_id, listed.remaining) == (order.order_id, D("0.05"))
    judged(stand)


def test_10_post_only_never_takes(stand: Stand) -> None:
    """A maker order that would trade at once is refused for certain, leaves no trace and binds nothing."""
    refused = stand.submit(stand.request(Side.BUY, stand.book().asks[0][0], "0.01", type=OrderType.LIMIT_MAKER))
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.fault) == (-2010, "rule")
    assert stand.account().open_orders[SYMBOL] == ()
    assert stand.balance("JPY").locked == 0
    order = stand.place(Side.BUY, stand.book().bids[0][0], "0.01", type=OrderType.LIMIT_MAKER).order
    assert (order.status, order.type) == (OrderStatus.NEW, "LIMIT_MAKER")


def test_11_all_or_nothing(stand: Stand) -> None:
    """Fill or kill for more than there is: nothing is executed and nothing stays."""
    book = stand.book()
    price = book.asks[0][0]
    found = stand.submit(stand.request(Side.BUY, price, str(book.asks[0][1] + D("0.2")), tif=TimeInForce.FOK))
    assert isinstance(found, Accepted), found
    assert (found.order.status, found.order.executed, len(found.fills)) == (OrderStatus.EXPIRED, D(0), 0)
    assert stand.balance("JPY") == Balance("JPY", START["JPY"], D(0))


@pytest.mark.parametrize(
    ("price", "quantity"),
    [("1000000.123456", "0.01"), ("1000000", "0.0000000123"), ("1000000", "0.00000001"), ("0.000001", "0.01")],
    ids=["off the tick", "off the step", "too small", "too cheap"],
)
def test_12_what_the_filters_refuse_is_refused_for_certain(price: str, quantity: str, stand: Stand) -> None:
    """Off the grid or below the minimum: certain, the rule's fault, and no order exists."""
    asked = OrderRequest(symbol=SYMBOL, side=Side.BUY, type=OrderType.LIMIT, price=D(price), quantity=D(quantity),
                         client_order_id="at-case-bad")  # fmt: skip
    refused = stand.submit(asked)
    assert isinstance(refused, Rejected)
    assert refused.code in (-1013, -1111)
    assert refused.fault == "rule"
    assert stand.broker.find(SYMBOL, "at-case-bad") == NotFound()
    assert stand.balance("JPY") == Balance("JPY", START["JPY"], D(0))


@pytest.mark.parametrize("side", list(Side))
def test_13_more_than_there_is_cannot_be_ordered(side: Side, stand: Stand) -> None:
    """Beyond the free balance: certain, the rule's fault; what other orders have bound is not free."""
    best = stand.book().bids[0][0]
    first = D("1.5")
    price = best * (D("0.9") if side is Side.BUY else D("1.1"))
    if side is Side.BUY:
        first = (START["JPY"] * D("0.75") / price).quantize(D("0.001"))
    stand.place(side, price, str(first))
    refused = stand.submit(stand.request(side, price, str(first)))
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.fault) == (-2010, "rule")
    assert len(stand.account().open_orders[SYMBOL]) == 1


def test_14_a_symbol_that_is_not_there(stand: Stand) -> None:
    """An unknown symbol is a certain refusal."""
    asked = OrderRequest(symbol="NOPEJPY", side=Side.BUY, type=OrderType.LIMIT, price=D(1), quantity=D(1),
                         client_order_id="at-case-nope")  # fmt: skip
    refused = stand.submit(asked)
    assert isinstance(refused, Rejected)
    assert refused.code == -1121


def test_15_the_name_of_an_open_order_is_no_second_order(stand: Stand) -> None:
    """The same name while the first is open: unknown (it may be this one), and there is one order, one binding."""
    order = stand.rest()
    again = stand.request(Side.BUY, order.price, "0.01", client_order_id=order.client_order_id)
    assert isinstance(stand.submit(again), Unknown)
    assert [one.order_id for one in stand.account().open_orders[SYMBOL]] == [order.order_id]
    assert stand.balance("JPY").locked == order.price * order.quantity


def test_16_trades_are_read_from_where_one_was(stand: Stand) -> None:
    """Ids rise; after a trade only later ones come; after the last one none."""
    for _ in range(3):
        stand.take()
        stand.pass_(2)
    fills = list(stand.broker.fills(SYMBOL, None, stand.now_ms - HOUR_MS))
    assert [one.trade_id for one in fills] == sorted({one.trade_id for one in fills})
    assert len(fills) >= 3
    for at, fill in enumerate(fills):
        assert list(stand.broker.fills(SYMBOL, fill.trade_id, 0)) == fills[at + 1 :]


def test_17_the_history_is_whole_and_in_order(stand: Stand) -> None:
    """Orders of every end since a time, oldest first, each once; orders from before are not among them."""
    early = stand.rest()
    stand.pass_(60)
    since = stand.now_ms
    orders = [stand.rest(), stand.take().order, stand.rest(Side.SELL)]
    stand.cancel(orders[0])
    found = stand.broker.history(SYMBOL, since)
    assert [one.order_id for one in found] == [one.order_id for one in orders]
    assert found[0].status is OrderStatus.CANCELED
    assert early.order_id in {one.order_id for one in stand.broker.history(SYMBOL, since - HOUR_MS)}


def test_18_a_cancel_for_new_orders_only_leaves_one_that_has_begun(stand: Stand) -> None:
    """`only_new` on an order that is partly filled: refused for certain, and it stays open."""
    price, size = stand.book().asks[0]
    order = stand.place(Side.BUY, price, str(size + D("0.05"))).order
    refused = stand.cancel(order, only_new=True)
    assert isinstance(refused, Rejected)
    assert stand.find(order).is_open
    assert isinstance(stand.cancel(order), Cancelled)
    assert stand.find(order).executed == size
    judged(stand)


def test_19_what_comes_too_late_is_missing(stand: Stand) -> None:
    """With no time left, what needs the exchange is missing with a reason; nothing is made up."""
    stand.rest()
    needs: frozenset[AccountNeed] = frozenset({BalancesNeed(), OpenOrdersNeed(SYMBOL)})
    found = stand.broker.observe(needs, stand.connection.clock.monotonic() - 1)
    assert set(found.missing) == {"balances", SYMBOL}
    assert (dict(found.balances), dict(found.open_orders)) == ({}, {})


def test_20_the_market_comes_to_an_order_that_waits(stand: Stand) -> None:
    """An order near the market fills as its maker at its own price; executed never falls and equals its trades."""
    order = stand.place(Side.BUY, stand.book().bids[0][0] * D("0.999"), "0.05").order
    executed = D(0)
    for _ in range(60):
        stand.pass_(1200)
        now = stand.find(order)
        assert now.executed >= executed
        executed = now.executed
        trades = [one for one in stand.broker.fills(SYMBOL, None, order.created_ms) if one.order_id == order.order_id]
        assert total(one.quantity for one in trades) == executed
        assert all(one.price == order.price and one.is_maker for one in trades)
        if not now.is_open:
            break
    assert executed == order.quantity
    assert stand.find(order).status is OrderStatus.FILLED
    judged(stand)


@pytest.mark.parametrize("seed", range(2))
def test_21_any_mixture_of_acts_keeps_the_books(seed: int, stand: Stand) -> None:
    """Forty random acts with time between: balances, trades, lists and look-ups agree at every tenth and at the end."""
    random, known = Random(seed), dict[str, Order]()
    for number in range(40):
        act = random.choice(("rest", "near", "take", "cancel", "wait"))
        side = random.choice(tuple(Side))
        if act == "cancel" and known:
            stand.cancel(random.choice(list(known.values())))
        elif act == "wait":
            stand.pass_(random.choice((1, 30, 600)))
        else:
            touch = stand.book().bids[0][0] if side is Side.BUY else stand.book().asks[0][0]
            away = {"rest": D("0.05"), "near": D("0.0005")}.get(act, D("-0.001"))
            price = touch * (1 - away if side is Side.BUY else 1 + away)
            found = stand.submit(stand.request(side, price, str(D(random.randint(1, 40)) / 1000)))
            if isinstance(found, Accepted):
                known[found.order.client_order_id] = found.order
        if number % 10 == 9:
            agree(stand, known)
    judged(stand)


def agree(stand: Stand, known: dict[str, Order]) -> None:
    """Every list and look-up tells the same story."""
    listed = {one.client_order_id: one for one in stand.account().open_orders[SYMBOL]}
    found = {cid: stand.find(order) for cid, order in known.items()}
    assert {cid for cid, order in found.items() if order.is_open} == set(listed)
    assert all(found[cid].executed == order.executed for cid, order in listed.items())
    booked: dict[int, Decimal] = {}
    for fill in stand.broker.fills(SYMBOL, None, stand.now_ms - 23 * HOUR_MS):
        booked[fill.order_id] = booked.get(fill.order_id, D(0)) + fill.quantity
    assert {order.order_id: order.executed for order in found.values() if order.executed} == booked


def test_22_symbols_do_not_mix(stand: Stand) -> None:
    """Orders, lists and trades belong to their symbol, and to its assets."""
    first, second = stand.rest(), stand.rest(symbol=OTHER, quantity="0.1")
    account = stand.account(SYMBOL, OTHER)
    assert [one.order_id for one in account.open_orders[SYMBOL]] == [first.order_id]
    assert [one.order_id for one in account.open_orders[OTHER]] == [second.order_id]
    assert account.balances["JPY"].locked == first.price * first.quantity + second.price * second.quantity
    stand.take()
    assert list(stand.broker.fills(OTHER, None, stand.now_ms - HOUR_MS)) == []
    assert isinstance(stand.broker.find(OTHER, first.client_order_id), NotFound)


def test_23_an_rsa_key_trades_and_another_key_does_not(tmp_path: Path) -> None:
    """RSA over HTTP at the exchange that knows the public half; with any other private key nothing is placed."""
    with BROKERS["binance, RSA"](tmp_path) as stand:
        stand.take()
        judged(stand)
        with trading(stand.simulator, private_text(ed25519.Ed25519PrivateKey.generate())) as wrong:
            refused = wrong.submit(stand.request(Side.BUY, stand.book().bids[0][0], "0.01"))
        assert isinstance(refused, Rejected)
        assert (refused.code, refused.fault) == (-1022, "key")
        assert len(stand.simulator.orders()) == 1
