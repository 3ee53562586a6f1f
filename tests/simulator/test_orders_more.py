"""Icebergs, self-trade prevention, cancelReplace and amend: over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrader.simulator import DEFAULT_SYMBOLS, Account, Simulator
from autotrader.simulator.symbols import PREVENTION
from tests.simulator.conftest import Caller

D = Decimal
Connect = Callable[..., Caller]
NONE_TOO = replace(DEFAULT_SYMBOLS["BTCJPY"], prevention_modes=("NONE", *PREVENTION))
INSIDE = "1245210"
"""A price between the tape's best bid and ask at its start."""


def _asks(venue: Caller) -> dict[str, str]:
    return dict(venue.get("depth", symbol="BTCJPY", limit=5).body["asks"])


# ---- icebergs ------------------------------------------------------------------


def test_an_iceberg_shows_one_slice_at_a_time(connect: Connect) -> None:
    """The book shows icebergQty; a taker at the price reaches the rest too; the last slice is what is left."""
    with Simulator(tape="btcjpy-2018-01", accounts=[Account.named("a"), Account.named("b")]) as sim:
        seller, buyer = (connect(sim, account) for account in sim.accounts)
        placed = seller.order("SELL", price=INSIDE, quantity="0.5", icebergQty="0.1").body
        assert placed["icebergQty"] == "0.10000000"
        assert _asks(seller)["1245210.00000000"] == "0.10000000"
        buyer.order("BUY", price=INSIDE, quantity="0.25", timeInForce="IOC")
        assert _asks(seller)["1245210.00000000"] == "0.05000000"
        buyer.order("BUY", price=INSIDE, quantity="0.2", timeInForce="IOC")
        assert _asks(seller)["1245210.00000000"] == "0.05000000"
        fok = buyer.order("BUY", price=INSIDE, quantity="0.05", timeInForce="FOK").body
        assert (fok["status"], sim.orders("a")[0]["status"]) == ("FILLED", "FILLED")
        sim.check()


def test_a_new_slice_stands_behind_others_at_its_price(connect: Connect) -> None:
    """First the slice, then the other order, then the next slice."""
    accounts = [Account.named(name) for name in "abc"]
    with Simulator(tape="btcjpy-2018-01", accounts=accounts) as sim:
        first, second, buyer = (connect(sim, account) for account in accounts)
        first.order("SELL", price=INSIDE, quantity="0.3", icebergQty="0.1")
        second.order("SELL", price=INSIDE, quantity="0.1")
        got = []
        for _ in range(3):
            buyer.order("BUY", price=INSIDE, quantity="0.1", timeInForce="IOC")
            got.append([D(sim.orders(name)[0]["executedQty"]) for name in "ab"])
        assert got == [[D("0.1"), D(0)], [D("0.1"), D("0.1")], [D("0.2"), D("0.1")]]


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"quantity": "0.01", "icebergQty": "0.02"}, -2010, "IcebergQty exceeds QTY."),
        ({"quantity": "0.01", "icebergQty": "0.005", "timeInForce": "IOC"}, -2010, "Unsupported order combination"),
        ({"quantity": "1.01", "icebergQty": "0.01"}, -1013, "Filter failure: ICEBERG_PARTS"),
        ({"quantity": "1", "icebergQty": "0.0100005"}, -1013, "Filter failure: LOT_SIZE"),
    ],
)
def test_icebergs_that_do_not_fit_are_refused(venue: Caller, params: dict[str, Any], code: int, text: str) -> None:
    """A slice larger than the order, another time in force, too many parts, off the grid."""
    assert venue.order("SELL", price="1300000", **params).error == (400, code, text)


# ---- self-trade prevention -----------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("NONE", ("FILLED", "0.3", None), ("FILLED", "0.5", None)),
        ("EXPIRE_MAKER", ("EXPIRED_IN_MATCH", "0", "0.3"), ("EXPIRED", "0", None)),
        ("EXPIRE_TAKER", ("NEW", "0", None), ("EXPIRED_IN_MATCH", "0", "0.5")),
        ("EXPIRE_BOTH", ("EXPIRED_IN_MATCH", "0", "0.3"), ("EXPIRED_IN_MATCH", "0", "0.5")),
        ("DECREMENT", ("EXPIRED_IN_MATCH", "0", "0.3"), ("EXPIRED", "0", "0.3")),
        ("TRANSFER", ("EXPIRED_IN_MATCH", "0", "0.3"), ("EXPIRED", "0", "0.3")),
    ],
)
def test_the_takers_mode_decides_what_a_self_trade_becomes(connect: Connect, mode: str, maker: Any, taker: Any) -> None:
    """A bid of 0.3 meets an own sell of 0.5 at its price, IOC; with NONE another bid takes the rest."""
    with Simulator(tape="btcjpy-2018-01", symbols=[NONE_TOO]) as sim:
        venue = connect(sim)
        venue.order("BUY", price=INSIDE, quantity="0.3")
        if mode == "NONE":
            venue.order("BUY", price=INSIDE, quantity="0.2")
        venue.order("SELL", price=INSIDE, quantity="0.5", timeInForce="IOC", selfTradePreventionMode=mode)
        rows = [sim.orders()[0], sim.orders()[-1]]
        for row, (status, executed, prevented) in zip(rows, (maker, taker), strict=True):
            assert (row["status"], D(row["executedQty"])) == (status, D(executed))
            assert row.get("preventedQuantity") == (None if prevented is None else f"{D(prevented):.8f}")
        sim.check()


def test_without_a_word_the_resting_order_goes(sim: Simulator, venue: Caller) -> None:
    """The default is EXPIRE_MAKER: the new order takes what is left of the book and rests."""
    venue.order("BUY", price=INSIDE, quantity="0.3")
    shown = venue.order("SELL", price=INSIDE, quantity="0.1").body
    assert (shown["status"], shown["selfTradePreventionMode"]) == ("NEW", "EXPIRE_MAKER")
    assert shown["preventedMatches"] == [
        {"preventedMatchId": 0, "makerSymbol": "BTCJPY", "makerOrderId": 1, "price": "1245210.00000000",
         "makerPreventedQuantity": "0.30000000"},
    ]  # fmt: skip
    (match,) = venue.signed("GET", "myPreventedMatches", symbol="BTCJPY", orderId=1).body
    assert match == {
        "symbol": "BTCJPY", "preventedMatchId": 0, "takerOrderId": 2, "makerSymbol": "BTCJPY", "makerOrderId": 1,
        "tradeGroupId": -1, "selfTradePreventionMode": "EXPIRE_MAKER", "price": "1245210.00000000",
        "makerPreventedQuantity": "0.30000000", "transactTime": sim.now_ms,
    }  # fmt: skip
    assert venue.signed("GET", "myPreventedMatches", symbol="BTCJPY", preventedMatchId=0).body == [match]
    assert venue.signed("GET", "myPreventedMatches", symbol="BTCJPY").error[1] == -1128
    gone = venue.signed("GET", "order", symbol="BTCJPY", orderId=1).body
    assert (gone["preventedMatchId"], gone["preventedQuantity"]) == (0, "0.30000000")


def test_a_market_order_whose_only_makers_were_its_own_expires(connect: Connect) -> None:
    """The bids are gone, then the market's; with an empty book below, the order is EXPIRED for want of liquidity."""
    with Simulator(tape="btcjpy-2018-01") as sim:
        venue = connect(sim)
        sim.exchange.markets["BTCJPY"].book.quote(None, None)
        venue.order("BUY", price=INSIDE, quantity="0.1")
        shown = venue.order("SELL", "MARKET", quantity="0.1").body
        assert (shown["status"], shown["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
        assert len(shown["preventedMatches"]) == 1


def test_transfer_moves_the_goods_within_a_group(connect: Connect) -> None:
    """The documents' example: both orders lose the quantity, coins and yen change accounts, nobody pays commission."""
    accounts = [replace(Account.named(name, {"JPY": 500_000, "BTC": "1"}), trade_group=1) for name in "ab"]
    with Simulator(tape="btcjpy-2018-01", accounts=accounts) as sim:
        maker, taker = (connect(sim, account) for account in accounts)
        maker.order("BUY", price=INSIDE, quantity="0.3", selfTradePreventionMode="TRANSFER")
        shown = taker.order("SELL", price=INSIDE, quantity="0.1", selfTradePreventionMode="TRANSFER").body
        assert (shown["status"], shown["tradeGroupId"]) == ("EXPIRED_IN_MATCH", 1)
        assert (sim.orders("a")[0]["status"], sim.orders("a")[0]["preventedQuantity"]) == ("NEW", "0.10000000")
        assert sim.balances("a") == {"JPY": (D("126437"), D("249042")), "BTC": (D("1.1"), D(0))}
        assert sim.balances("b") == {"JPY": (D(624_521), D(0)), "BTC": (D("0.9"), D(0))}
        assert maker.signed("GET", "account").body["tradeGroupId"] == 1
        sim.check()


# ---- cancelReplace -------------------------------------------------------------

NEW = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "1100000"}
UNAFFORDABLE = NEW | {"quantity": "100"}


@pytest.mark.parametrize(
    ("mode", "there", "new", "status", "code", "results", "left"),
    [
        ("STOP_ON_FAILURE", True, NEW, 200, None, ("SUCCESS", "SUCCESS"), 1),
        ("STOP_ON_FAILURE", False, NEW, 400, -2022, ("FAILURE", "NOT_ATTEMPTED"), 0),
        ("STOP_ON_FAILURE", True, UNAFFORDABLE, 409, -2021, ("SUCCESS", "FAILURE"), 0),
        ("ALLOW_FAILURE", True, NEW, 200, None, ("SUCCESS", "SUCCESS"), 1),
        ("ALLOW_FAILURE", False, UNAFFORDABLE, 400, -2022, ("FAILURE", "FAILURE"), 0),
        ("ALLOW_FAILURE", False, NEW, 409, -2021, ("FAILURE", "SUCCESS"), 1),
        ("ALLOW_FAILURE", True, UNAFFORDABLE, 409, -2021, ("SUCCESS", "FAILURE"), 0),
    ],
)
def test_the_outcomes_of_cancel_replace(  # noqa: PLR0917 - the columns of the table
    venue: Caller, mode: str, there: bool, new: Any, status: int, code: int | None, results: Any, left: int
) -> None:
    """The documents' table within the order limits: HTTP status, code, both results, and what is open afterwards."""
    number = venue.order(price="1200000", quantity="0.01").body["orderId"] if there else 99
    reply = venue.signed(
        "POST", "order/cancelReplace", symbol="BTCJPY", cancelReplaceMode=mode, cancelOrderId=number, **new
    )
    assert (reply.status, reply.body.get("code")) == (status, code)
    data = reply.body if code is None else reply.body["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == results
    shapes = {"FAILURE": {"code", "msg"}, "NOT_ATTEMPTED": None}
    for result, shown in zip(results, (data["cancelResponse"], data["newOrderResponse"]), strict=True):
        if result == "SUCCESS":
            assert "orderId" in shown
        else:
            assert (None if shown is None else set(shown)) == shapes[result]
    assert len(venue.signed("GET", "openOrders", symbol="BTCJPY").body) == left


@pytest.mark.parametrize(
    ("mode", "limit", "there", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", "DO_NOTHING", True, 429, -1015, None),
        ("ALLOW_FAILURE", None, True, 429, -1015, None),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", True, 429, -2021, ("SUCCESS", "FAILURE")),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", False, 429, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", "CANCEL_ONLY", True, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", "CANCEL_ONLY", False, 400, -2022, ("FAILURE", "FAILURE")),
    ],
)
def test_cancel_replace_beyond_the_order_count(
    connect: Connect, mode: str, limit: str | None, there: bool, status: int, code: int, results: Any
) -> None:
    """orderRateLimitExceededMode decides whether the cancel is done all the same."""
    with Simulator(tape="btcjpy-2018-01", order_limits=(1, 100)) as sim:
        venue = connect(sim)
        number = venue.order(price="1200000", quantity="0.01").body["orderId"]
        more = {} if limit is None else {"orderRateLimitExceededMode": limit}
        reply = venue.signed(
            "POST", "order/cancelReplace", symbol="BTCJPY", cancelReplaceMode=mode,
            cancelOrderId=number if there else 99, **NEW, **more,
        )  # fmt: skip
        assert (reply.status, reply.body["code"]) == (status, code)
        if results is not None:
            data = reply.body["data"]
            assert (data["cancelResult"], data["newOrderResult"]) == results
            if results[1] == "FAILURE":
                assert data["newOrderResponse"]["code"] == -1015
        assert (sim.orders()[0]["status"] == "CANCELED") == (results is not None and there)


def test_filters_are_asked_before_anything_is_cancelled(connect: Connect) -> None:
    """At MAX_NUM_ORDERS a replacement fails although it would free a place; nothing changes."""
    spec = replace(DEFAULT_SYMBOLS["BTCJPY"], max_orders=1)
    with Simulator(tape="btcjpy-2018-01", symbols=[spec]) as sim:
        venue = connect(sim)
        venue.order(price="1200000", quantity="0.01")
        reply = venue.signed(
            "POST", "order/cancelReplace", symbol="BTCJPY", cancelReplaceMode="ALLOW_FAILURE", cancelOrderId=1, **NEW
        )
        assert reply.error == (400, -1013, "Filter failure: MAX_NUM_ORDERS")
        assert [row["status"] for row in sim.orders()] == ["NEW"]


def test_a_replacement_may_take_the_old_client_id(venue: Caller) -> None:
    """The cancelled order no longer stands in its way."""
    venue.order(price="1200000", quantity="0.01", newClientOrderId="mine")
    reply = venue.signed(
        "POST", "order/cancelReplace", symbol="BTCJPY", cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="mine", newClientOrderId="mine", **NEW,
    )  # fmt: skip
    assert reply.body["newOrderResponse"]["clientOrderId"] == "mine"


# ---- amend ---------------------------------------------------------------------


def _amend(venue: Caller, quantity: str, **params: Any) -> Any:
    return venue.signed("PUT", "order/amend/keepPriority", symbol="BTCJPY", orderId=1, newQty=quantity, **params)


def test_an_amended_order_keeps_its_place(connect: Connect) -> None:
    """Smaller, same order id, another client id unless the old is passed; it is still served before the later one."""
    accounts = [Account.named(name) for name in "abc"]
    with Simulator(tape="btcjpy-2018-01", accounts=accounts) as sim:
        first, second, buyer = (connect(sim, account) for account in accounts)
        first.order("SELL", price=INSIDE, quantity="0.5", newClientOrderId="one")
        second.order("SELL", price=INSIDE, quantity="0.1")
        shown = _amend(first, "0.2").body
        order = shown["amendedOrder"]
        assert shown.keys() == {"transactTime", "executionId", "amendedOrder"}
        assert order.keys() == {
            "symbol", "orderId", "orderListId", "origClientOrderId", "clientOrderId", "price", "qty", "executedQty",
            "preventedQty", "quoteOrderQty", "cumulativeQuoteQty", "status", "timeInForce", "type", "side",
            "workingTime", "selfTradePreventionMode",
        }  # fmt: skip
        assert (order["qty"], order["origClientOrderId"], order["orderId"]) == ("0.20000000", "one", 1)
        assert order["clientOrderId"] != "one"
        assert sim.balances("a")["BTC"] == (D("0.8"), D("0.2"))
        kept = _amend(first, "0.15", newClientOrderId=order["clientOrderId"]).body["amendedOrder"]
        assert kept["clientOrderId"] == order["clientOrderId"]
        buyer.order("BUY", price=INSIDE, quantity="0.2", timeInForce="IOC")
        assert [D(sim.orders(name)[0]["executedQty"]) for name in "ab"] == [D("0.15"), D("0.05")]
        rows = first.signed("GET", "order/amendments", symbol="BTCJPY", orderId=1).body
        assert [(row["origQty"], row["newQty"]) for row in rows] == [
            ("0.50000000", "0.20000000"), ("0.20000000", "0.15000000"),
        ]  # fmt: skip
        assert rows[0]["newClientOrderId"] == order["clientOrderId"]
        sim.check()


def test_amendments_that_do_not_fit_are_refused(connect: Connect) -> None:
    """-2038 with its text, filters with -1013; the order is unchanged."""
    spec = replace(DEFAULT_SYMBOLS["BTCJPY"], max_amends=1)
    with Simulator(tape="btcjpy-2018-01", symbols=[spec]) as sim:
        venue = connect(sim)
        assert _amend(venue, "0.1").error == (400, -2038, "Unknown order sent.")
        venue.order("SELL", price="1300000", quantity="0.5", newClientOrderId="one")
        venue.order("SELL", price="1300000", quantity="0.1", newClientOrderId="two")
        same = "The requested action would change no state; rejecting"
        assert _amend(venue, "0.5").error == (400, -2038, same)
        assert _amend(venue, "0.6").error == (400, -2038, "Order amend (quantity increase) is not supported.")
        assert _amend(venue, "0.0000005").error == (400, -1013, "Filter failure: LOT_SIZE")
        assert _amend(venue, "0.4", newClientOrderId="two").error == (400, -2038, "Duplicate order sent.")
        assert sim.orders()[0]["clientOrderId"] == "one"
        venue.control("POST", "symbol-status?symbol=BTCJPY&status=CANCEL_ONLY")
        assert _amend(venue, "0.4").status == 200
        assert _amend(venue, "0.3").error == (400, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


def test_amending_one_of_a_pair_amends_both(sim: Simulator, venue: Caller) -> None:
    """The two of an OCO have one quantity; the answer tells the list's state."""
    venue.signed(
        "POST", "orderList/oco", symbol="BTCJPY", side="SELL", quantity="0.2", aboveType="LIMIT_MAKER",
        abovePrice="1300000", belowType="STOP_LOSS", belowStopPrice="1200000",
    )  # fmt: skip
    shown = _amend(venue, "0.1").body
    assert shown["listStatus"]["listOrderStatus"] == "EXECUTING"
    assert [row["origQty"] for row in sim.orders()] == ["0.10000000", "0.10000000"]
    assert sim.balances()["BTC"][1] == D("0.1")
