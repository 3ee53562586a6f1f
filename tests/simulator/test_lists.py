"""Order lists: OCO, OTO, OTOCO, OPO; how their orders end each other, what they lock, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrader.simulator import DEFAULT_SYMBOLS, Account, Simulator
from tests.simulator.conftest import Caller, Reply

D = Decimal
Connect = Callable[..., Caller]
SELL_PAIR = {
    "side": "SELL", "quantity": "0.05", "aboveType": "LIMIT_MAKER", "abovePrice": "1260000",
    "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "1240000", "belowPrice": "1230000", "belowTimeInForce": "GTC",
}  # fmt: skip
LIST = {
    "orderListId", "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "transactionTime",
    "symbol", "orders",
}  # fmt: skip


def _place(venue: Caller, call: str, **params: Any) -> Reply:
    return venue.signed("POST", f"orderList/{call}", **({"symbol": "BTCJPY"} | params))


def _statuses(sim: Simulator) -> list[tuple[str, str]]:
    return [(row["status"], row.get("expiryReason", "")) for row in sim.orders()]


def _chain(**changes: Any) -> dict[str, Any]:
    """A buy inside the spread that a sell may follow."""
    base = {
        "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "1246000", "workingQuantity": "0.05",
        "workingTimeInForce": "GTC", "pendingSide": "SELL",
    }  # fmt: skip
    return base | changes


def test_an_oco_holds_its_coins_once(sim: Simulator, venue: Caller) -> None:
    """Two orders, one lock; the answer has the documented fields; the counts rise by two."""
    reply = _place(venue, "oco", **SELL_PAIR)
    made = reply.body
    assert made.keys() == LIST | {"orderReports"}
    assert (made["contingencyType"], made["listStatusType"], made["listOrderStatus"]) == (
        "OCO", "EXEC_STARTED", "EXECUTING",
    )  # fmt: skip
    assert [row["type"] for row in made["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
    assert [row["workingTime"] == -1 for row in made["orderReports"]] == [True, False]
    assert {row["orderListId"] for row in made["orderReports"]} == {made["orderListId"]}
    assert sim.balances()["BTC"] == (D("0.95"), D("0.05"))
    assert reply.headers["X-MBX-ORDER-COUNT-10S"] == "2"
    assert venue.signed("GET", "openOrderList").body == [{k: made[k] for k in LIST}]


def test_a_buy_oco_locks_the_larger_need(sim: Simulator, venue: Caller) -> None:
    """The stop's price is higher than the limit's."""
    _place(
        venue, "oco", side="BUY", quantity="0.1", belowType="LIMIT_MAKER", belowPrice="1200000",
        aboveType="STOP_LOSS_LIMIT", aboveStopPrice="1300000", abovePrice="1310000", aboveTimeInForce="GTC",
    )  # fmt: skip
    assert sim.balances()["JPY"][1] == 131_000


def test_the_trigger_of_one_ends_the_other(sim: Simulator, venue: Caller) -> None:
    """The tape falls through the stop price: the limit order is EXPIRED, the stop works."""
    number = _place(venue, "oco", **SELL_PAIR | {"belowPrice": "1400000"}).body["orderListId"]
    sim.advance(3600)
    assert _statuses(sim) == [("NEW", ""), ("EXPIRED", "OCO_TRIGGER")]
    assert sim.orders()[0]["isWorking"] is True
    assert sim.balances()["BTC"] == (D("0.95"), D("0.05"))
    venue.signed("DELETE", "order", symbol="BTCJPY", orderId=1)
    shown = venue.signed("GET", "orderList", orderListId=number).body
    assert (shown["listStatusType"], shown["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert sim.balances()["BTC"] == (D(1), D(0))


def test_the_first_fill_of_one_ends_the_other(sim: Simulator, venue: Caller) -> None:
    """A part of the limit order is enough."""
    pair = SELL_PAIR | {"quantity": "1", "abovePrice": "1246000", "belowStopPrice": "1200000", "belowPrice": "1190000"}
    _place(venue, "oco", **pair)
    while sim.orders()[1]["status"] == "NEW":
        sim.advance(5)
        assert sim.now_ms < sim.exchange.started_ms + 3_600_000
    first, second = sim.orders()
    assert (first["status"], first["expiryReason"]) == ("EXPIRED", "OCO_TRIGGER")
    assert second["status"] in ("PARTIALLY_FILLED", "FILLED")
    assert sim.balances()["BTC"][1] == 1 - D(second["executedQty"])


@pytest.mark.parametrize("how", ["one order", "list by id", "list by name", "all"])
def test_cancelling_one_cancels_the_list(sim: Simulator, venue: Caller, how: str) -> None:
    """Whichever way, the answer is the list with a report on each order, and nothing is locked any more."""
    made = _place(venue, "oco", listClientOrderId="mine", **SELL_PAIR).body
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "one order": ("order", {"orderId": made["orders"][1]["orderId"]}),
        "list by id": ("orderList", {"orderListId": made["orderListId"]}),
        "list by name": ("orderList", {"listClientOrderId": "mine"}),
        "all": ("openOrders", {}),
    }
    path, params = asked[how]
    gone = venue.signed("DELETE", path, symbol="BTCJPY", **params).body
    gone = gone[0] if how == "all" else gone
    assert gone.keys() == LIST | {"orderReports"}
    assert gone["listOrderStatus"] == "ALL_DONE"
    assert [row["status"] for row in gone["orderReports"]] == ["CANCELED", "CANCELED"]
    assert [row["origClientOrderId"] for row in gone["orderReports"]] == [o["clientOrderId"] for o in made["orders"]]
    assert sim.balances()["BTC"] == (D(1), D(0))
    again = venue.signed("DELETE", "orderList", symbol="BTCJPY", orderListId=made["orderListId"])
    assert again.error == (400, -2011, "Unknown order sent.")


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"abovePrice": "1240000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"belowStopPrice": "1250000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"side": "BUY"}, -1165, "A limit order in a buy OCO must be below."),
        ({"belowType": "LIMIT_MAKER"}, -1168, "At least one OCO order must be contingent."),
        ({"belowType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ({"aboveType": "STOP_LOSS"}, -1197, "A stop loss order in a sell OCO must be below."),
        ({"belowType": "TAKE_PROFIT"}, -1199, "A take profit order in a sell OCO must be above."),
        ({"belowPrice": None}, -1102,
         "Mandatory parameter 'belowPrice' was not sent, was empty/null, or malformed."),
        ({"aboveTimeInForce": "GTC"}, -1106, "Parameter 'aboveTimeInForce' sent when not required."),
        ({"belowIcebergQty": "0.01", "belowTimeInForce": "IOC"}, -1160,
         "Parameter 'belowIcebergQty' is not supported if 'belowTimeInForce' is not GTC."),
        ({"quantity": "2"}, -2010, "Account has insufficient balance for requested action."),
        ({"aboveClientOrderId": "x", "belowClientOrderId": "x"}, -2010, "Duplicate order sent."),
        ({"belowPrice": "1230000.5"}, -1013, "Filter failure: PRICE_FILTER"),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_fit_is_refused_whole(
    sim: Simulator, venue: Caller, changes: dict[str, Any], code: int, text: str
) -> None:
    """Each mistake has its code and text, under the name that was sent; no order is left."""
    params = {name: value for name, value in (SELL_PAIR | changes).items() if value is not None}
    assert _place(venue, "oco", **params).error == (400, code, text)
    assert (sim.orders(), sim.balances()["BTC"]) == ([], (D(1), D(0)))


def test_the_deprecated_oco_call_makes_the_same_pair(sim: Simulator, venue: Caller) -> None:
    """Its other parameter names lead to the same two orders."""
    old = venue.signed(
        "POST", "order/oco", symbol="BTCJPY", side="SELL", quantity="0.05", price="1260000", stopPrice="1240000",
        stopLimitPrice="1230000", stopLimitTimeInForce="GTC",
    ).body  # fmt: skip
    new = _place(venue, "oco", **SELL_PAIR).body
    names = ("type", "price", "stopPrice", "origQty", "timeInForce", "status")
    assert [[row.get(n) for n in names] for row in old["orderReports"]] == [
        [row.get(n) for n in names] for row in new["orderReports"]
    ]
    sim.check()


def test_a_pending_order_is_placed_when_the_first_has_filled(sim: Simulator, venue: Caller) -> None:
    """At once here, yet the answer still says PENDING_NEW; it holds nothing until then."""
    pending_order = {"pendingType": "LIMIT_MAKER", "pendingPrice": "1300000", "pendingQuantity": "0.04"}
    made = _place(venue, "oto", **_chain(**pending_order)).body
    assert made["contingencyType"] == "OTO"
    working, pending = made["orderReports"]
    assert (working["status"], pending["status"], pending["workingTime"]) == ("FILLED", "PENDING_NEW", -1)
    assert _statuses(sim) == [("FILLED", ""), ("NEW", "")]
    assert sim.balances()["BTC"][1] == D("0.04")


def test_a_resting_first_order_lets_the_other_wait(sim: Simulator, venue: Caller) -> None:
    """The tape fills it later; only then is the pending one placed."""
    chain = _chain(workingType="LIMIT_MAKER", workingPrice="1243000", pendingType="MARKET", pendingQuantity="0.05")
    del chain["workingTimeInForce"]
    _place(venue, "oto", **chain)
    assert _statuses(sim) == [("NEW", ""), ("PENDING_NEW", "")]
    assert [row["status"] for row in venue.signed("GET", "openOrders").body] == ["NEW", "PENDING_NEW"]
    sim.advance(3600)
    assert _statuses(sim) == [("FILLED", ""), ("FILLED", "")]
    assert sim.balances()["BTC"][1] == 0


def test_the_end_of_the_first_order_ends_what_waits_for_it(sim: Simulator, venue: Caller) -> None:
    """Expired: OTO_PHASE_ONE_EXPIRED; cancelled: cancelled too."""
    pending = {"pendingType": "LIMIT_MAKER", "pendingPrice": "1300000", "pendingQuantity": "0.05"}
    _place(venue, "oto", **_chain(workingPrice="1244000", workingTimeInForce="IOC", **pending))
    _place(venue, "oto", **_chain(workingPrice="1244000", **pending))
    venue.signed("DELETE", "order", symbol="BTCJPY", orderId=4)
    assert _statuses(sim) == [
        ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("EXPIRED", "OTO_PHASE_ONE_EXPIRED"),
        ("CANCELED", ""), ("CANCELED", ""),
    ]  # fmt: skip


def test_a_pending_order_without_funds_is_rejected_when_its_time_comes(connect: Connect) -> None:
    """EXPIRED with the reason REJECTED; the first order's fill stays."""
    with Simulator(tape="btcjpy-2018-01", accounts=[Account.named("main", {"JPY": 100_000})]) as sim:
        chain = _chain(pendingType="LIMIT_MAKER", pendingPrice="1300000", pendingQuantity="0.05")
        _place(connect(sim), "oto", **chain)
        assert _statuses(sim) == [("FILLED", ""), ("EXPIRED", "REJECTED")]
        sim.check()


def test_an_otoco_turns_into_an_oco(sim: Simulator, venue: Caller) -> None:
    """Three orders count; after the first has filled the pair holds its coins once."""
    pair = {
        "pendingQuantity": "0.05", "pendingAboveType": "TAKE_PROFIT", "pendingAboveStopPrice": "1300000",
        "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "1240000",
    }  # fmt: skip
    reply = _place(venue, "otoco", **_chain(**pair))
    assert reply.body["contingencyType"] == "OTO"
    assert len(reply.body["orderReports"]) == 3
    assert sim.balances()["BTC"][1] == D("0.05")
    sim.advance(3600)
    assert _statuses(sim) == [("FILLED", ""), ("FILLED", ""), ("EXPIRED", "OCO_TRIGGER")]
    assert sim.balances()["BTC"][1] == 0


def test_an_opo_sells_what_the_first_order_brought(sim: Simulator, venue: Caller) -> None:
    """Net of the commission in coins, rounded down to the step; buys and sells the other way round are refused."""
    made = _place(venue, "opo", **_chain(pendingType="LIMIT_MAKER", pendingPrice="1300000"))
    assert made.status == 200
    assert sim.orders()[1]["origQty"] == "0.04995000"
    refused = _place(venue, "opo", **_chain(workingSide="SELL", pendingType="LIMIT_MAKER", pendingPrice="1300000"))
    assert refused.error[1] == -1222
    pair = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "1300000", "pendingBelowType": "STOP_LOSS"}
    _place(venue, "opoco", **_chain(pendingBelowStopPrice="1200000", **pair))
    assert {row["origQty"] for row in sim.orders()[3:]} == {"0.04995000"}


def test_lists_are_found_and_paged(sim: Simulator, venue: Caller) -> None:
    """By id, by name, from an id on, by time; none is -2018; the number of open lists is limited."""
    numbers = []
    for i in range(2):
        numbers.append(_place(venue, "oco", listClientOrderId=f"list-{i}", **SELL_PAIR).body["orderListId"])
        sim.advance(1)
    assert venue.signed("GET", "orderList", origClientOrderId="list-1").body["orderListId"] == numbers[1]
    assert [row["orderListId"] for row in venue.signed("GET", "allOrderList", fromId=numbers[1]).body] == numbers[1:]
    start = sim.exchange.started_ms
    assert [r["orderListId"] for r in venue.signed("GET", "allOrderList", endTime=start).body] == numbers[:1]
    assert venue.signed("GET", "orderList", orderListId=99).error[:2] == (400, -2018)
    assert _place(venue, "oco", listClientOrderId="list-1", **SELL_PAIR).error[2] == "Duplicate order sent."


def test_what_a_symbol_does_not_allow_is_refused(connect: Connect) -> None:
    """Each permission flag of exchangeInfo that is false has the venue's refusal."""
    spec = replace(DEFAULT_SYMBOLS["BTCJPY"], allowed=frozenset(), order_types=("LIMIT", "MARKET"))
    with Simulator(seed=1, symbols=[spec]) as sim:
        venue = connect(sim)
        info = venue.get("exchangeInfo").body["symbols"][0]
        assert (info["ocoAllowed"], info["allowTrailingStop"]) == (False, False)
        assert info["orderTypes"] == ["LIMIT", "MARKET"]
        texts = [
            _place(venue, "oco", **SELL_PAIR).body["msg"],
            venue.order("BUY", "STOP_LOSS_LIMIT", quantity="1", price="1", stopPrice="1").body["msg"],
            venue.order(quantity="1", price="1", icebergQty="1").body["msg"],
            venue.order("BUY", "MARKET", quoteOrderQty="1000").body["msg"],
            venue.order("BUY", "LIMIT_MAKER", quantity="1", price="1").body["msg"],
        ]
    assert texts == [
        "OCO orders are not supported for this symbol.",
        "Stop loss limit orders are not supported for this symbol.",
        "Iceberg orders are not supported for this symbol.",
        "Quote order qty market orders are not support for this symbol.",
        "Limit maker orders are not supported for this symbol.",
    ]


def test_a_list_counts_as_many_orders_as_it_has(connect: Connect) -> None:
    """With room for two unfilled orders an OTOCO is refused and an OCO is not."""
    with Simulator(tape="btcjpy-2018-01", order_limits=(2, 100)) as sim:
        venue = connect(sim)
        pair = {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "1300000", "pendingBelowType": "STOP_LOSS"}
        chain = _chain(pendingQuantity="0.05", pendingBelowStopPrice="1200000", **pair)
        refused = _place(venue, "otoco", **chain)
        assert refused.error == (429, -1015, "Too many new orders; current limit is 2 orders per 10 SECOND.")
        assert _place(venue, "oco", **SELL_PAIR).status == 200
        rows = venue.signed("GET", "rateLimit/order").body
        assert [row["count"] for row in rows] == [2, 2]


def test_replacing_one_of_a_pair_ends_the_list(sim: Simulator, venue: Caller) -> None:
    """cancelReplace answers with the list that it has cancelled, and its coins are free for the new order."""
    _place(venue, "oco", **SELL_PAIR | {"quantity": "1"})
    shown = venue.signed(
        "POST", "order/cancelReplace", symbol="BTCJPY", cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=1,
        side="SELL", type="LIMIT", timeInForce="GTC", quantity="1", price="1300000",
    ).body  # fmt: skip
    assert shown["cancelResponse"].keys() == LIST | {"orderReports"}
    assert [status for status, _ in _statuses(sim)] == ["CANCELED", "CANCELED", "NEW"]
