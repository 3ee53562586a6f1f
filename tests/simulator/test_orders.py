"""Orders over real HTTP: placing, matching against the tape, fees, cancelling, queries, filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrader.simulator import DEFAULT_SYMBOLS, Account, Simulator, SymbolSpec
from tests.simulator.conftest import Caller

D = Decimal
INSUFFICIENT = (400, -2010, "Account has insufficient balance for requested action.")
UNKNOWN = (400, -2011, "Unknown order sent.")


def _figures(reply: Any, *names: str) -> list[Decimal]:
    return [D(reply[name]) for name in names]


def test_a_resting_limit_order_locks_exactly_what_it_may_cost(sim: Simulator, venue: Caller) -> None:
    """Price times quantity moves from free to locked and back when it is cancelled."""
    placed = venue.order(price="1200000", quantity="0.123456").body
    assert (placed["status"], placed["fills"]) == ("NEW", [])
    assert sim.balances()["JPY"] == (D(10_000_000) - D("148147.2"), D("148147.2"))
    cancelled = venue.signed("DELETE", "order", symbol="BTCJPY", orderId=placed["orderId"]).body
    assert (cancelled["status"], cancelled["origClientOrderId"]) == ("CANCELED", placed["clientOrderId"])
    assert cancelled["clientOrderId"] != placed["clientOrderId"]
    assert sim.balances()["JPY"] == (D(10_000_000), D(0))


def test_a_marketable_order_walks_the_book_and_pays_fees_from_what_it_gets(sim: Simulator, venue: Caller) -> None:
    """Levels are taken best first; the commission is 0.1 % of the bought coins; money adds up to the last digit."""
    asks = venue.get("depth", symbol="BTCJPY", limit=10).body["asks"]
    filled = venue.order(price="1246000", quantity="0.3").body
    assert filled["status"] == "FILLED"
    fills = filled["fills"]
    assert [[f["price"], f["qty"]] for f in fills[:-1]] == asks[: len(fills) - 1]
    cost = sum(D(f["price"]) * D(f["qty"]) for f in fills)
    fees = sum(D(f["commission"]) for f in fills)
    assert fees == D("0.0003")
    assert {f["commissionAsset"] for f in fills} == {"BTC"}
    assert D(filled["cummulativeQuoteQty"]) == cost
    assert sim.balances()["JPY"] == (D(10_000_000) - cost, D(0))
    assert sim.balances()["BTC"] == (D(1) + D("0.3") - fees, D(0))


def test_a_seller_pays_the_fee_in_the_quote_asset(sim: Simulator, venue: Caller) -> None:
    """0.1 % of the received yen."""
    sold = venue.order("SELL", "MARKET", quantity="0.005").body
    (fill,) = sold["fills"]
    value = D(fill["price"]) * D("0.005")
    assert (fill["commissionAsset"], D(fill["commission"])) == ("JPY", value * D("0.001"))
    assert sim.balances()["JPY"][0] == D(10_000_000) + value * D("0.999")


def test_fees_are_paid_in_bnb_at_a_discount_while_it_lasts(connect: Callable[..., Caller]) -> None:
    """0.075 % converted at the BNB price; without enough BNB the full rate from what is received."""
    account = replace(Account.named("main", {"JPY": 10_000_000, "BNB": "0.00008"}), bnb_fees=True)
    with Simulator(seed=4, accounts=[account]) as sim:
        venue = connect(sim)
        bnb = D(venue.get("ticker/price", symbol="BNBJPY").body["price"])
        fills = venue.order("BUY", "MARKET", quantity="0.001").body["fills"]
        fills += venue.order("BUY", "MARKET", quantity="0.001").body["fills"]
        expected = D(fills[0]["price"]) * D("0.001") * D("0.00075") / bnb
        assert fills[0]["commissionAsset"] == "BNB"
        assert abs(D(fills[0]["commission"]) - expected) < D("0.00000001")
        assert (fills[1]["commissionAsset"], D(fills[1]["commission"])) == ("BTC", D("0.000001"))
        sim.check()


def test_a_resting_order_fills_in_parts_as_the_tape_trades_through_it(sim: Simulator, venue: Caller) -> None:
    """A large buy under the market is filled over time, at its own price, as maker, by no more than the tape traded."""
    venue.order(price="1238000", quantity="8")
    statuses: list[str] = []
    for _ in range(120):
        sim.advance(15)
        status = sim.orders()[0]["status"]
        if not statuses or statuses[-1] != status:
            statuses.append(status)
    assert statuses == ["NEW", "PARTIALLY_FILLED", "FILLED"]
    trades = venue.signed("GET", "myTrades", symbol="BTCJPY").body
    assert {(t["price"], t["isMaker"], t["isBuyer"]) for t in trades} == {("1238000.00000000", True, True)}
    market = venue.get("aggTrades", symbol="BTCJPY", startTime=sim.exchange.started_ms, limit=1000).body
    by_time: dict[int, Decimal] = {}
    for t in market:
        if D(t["p"]) <= 1_238_000:
            by_time[t["T"]] = by_time.get(t["T"], D(0)) + D(t["q"])
    mine: dict[int, Decimal] = {}
    for t in trades:
        mine[t["time"]] = mine.get(t["time"], D(0)) + D(t["qty"])
    assert all(quantity <= by_time[at] for at, quantity in mine.items())
    order = sim.orders()[0]
    assert D(order["executedQty"]) == sum(mine.values())
    free, locked = sim.balances()["JPY"]
    assert locked == 1_238_000 * (8 - D(order["executedQty"]))
    assert free + locked == 10_000_000 - 1_238_000 * D(order["executedQty"])


def test_ioc_and_fok_end_as_the_venue_ends_them(venue: Caller) -> None:
    """HTTP 200, EXPIRED with its reason; IOC keeps what it got, FOK gets nothing."""
    ioc = venue.order(price="1245225", quantity="0.2", timeInForce="IOC").body
    assert (ioc["status"], ioc["expiryReason"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    assert D(ioc["executedQty"]) == D("0.08")
    fok = venue.order(price="1245225", quantity="0.2", timeInForce="FOK").body
    assert (fok["status"], fok["expiryReason"]) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
    assert (D(fok["executedQty"]), fok["fills"]) == (D(0), [])
    assert venue.signed("GET", "openOrders", symbol="BTCJPY").body == []
    shown = venue.signed("GET", "order", symbol="BTCJPY", orderId=fok["orderId"]).body
    assert shown["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"


def test_a_market_order_by_quote_amount_spends_up_to_it(sim: Simulator, venue: Caller) -> None:
    """It buys as many steps as the amount allows and echoes it."""
    bought = venue.order("BUY", "MARKET", quoteOrderQty="50000").body
    spent = D(bought["cummulativeQuoteQty"])
    assert bought["origQuoteOrderQty"] == "50000.00000000"
    assert (bought["status"], bought["price"], bought["timeInForce"]) == ("FILLED", "0.00000000", "GTC")
    assert 50_000 - D("0.000001") * 1_246_000 < spent <= 50_000
    assert sim.balances()["JPY"][0] == 10_000_000 - spent


def test_a_maker_only_order_is_refused_when_it_would_take(sim: Simulator, venue: Caller) -> None:
    """-2010 and no order; beside the ask it rests and answers with an ACK."""
    refused = venue.order("BUY", "LIMIT_MAKER", price="1245225", quantity="0.01")
    assert refused.error == (400, -2010, "Order would immediately match and take.")
    assert sim.orders() == []
    resting = venue.order("BUY", "LIMIT_MAKER", price="1245224", quantity="0.01").body
    assert set(resting) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert venue.get("ticker/bookTicker", symbol="BTCJPY").body["bidPrice"] == "1245224.00000000"


@pytest.mark.parametrize(
    ("side", "kind", "params"),
    [
        ("BUY", "LIMIT", {"price": "1245000", "quantity": "9"}),
        ("BUY", "MARKET", {"quantity": "9"}),
        ("SELL", "LIMIT", {"price": "1260000", "quantity": "1.000001"}),
        ("SELL", "MARKET", {"quantity": "1.000001"}),
        ("BUY", "MARKET", {"quoteOrderQty": "10000001"}),
    ],
)
def test_nobody_can_spend_what_they_have_not(
    sim: Simulator, venue: Caller, side: str, kind: str, params: dict[str, Any]
) -> None:
    """-2010, and nothing has changed."""
    before = sim.balances()
    assert venue.order(side, kind, **params).error == INSUFFICIENT
    assert (sim.balances(), sim.orders()) == (before, [])


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"kind": "LIMIT", "quantity": "1"}, -1102,
         "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({"kind": "MARKET"}, -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
        ({"kind": "MARKET", "quantity": "1", "timeInForce": "GTC"}, -1106,
         "Parameter 'timeInForce' sent when not required."),
        ({"kind": "LIMIT_MAKER", "price": "1", "quantity": "1", "timeInForce": "GTC"}, -1106,
         "Parameter 'timeInForce' sent when not required."),
        ({"kind": "MARKET", "quantity": "1", "quoteOrderQty": "1"}, -1128,
         "Combination of optional parameters invalid."),
        ({"kind": "LIMIT", "price": "1e5", "quantity": "1"}, -1100,
         r"Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."),
        ({"kind": "LIMIT", "price": "1245000", "quantity": "0.123456789"}, -1111,
         "Parameter 'quantity' has too much precision."),
        ({"kind": "LIMIT", "price": "1245000", "quantity": "1", "newClientOrderId": "a.b"}, -1100,
         "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
        ({"kind": "LIMIT", "price": "1", "quantity": "1", "timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"kind": "SOMETHING", "quantity": "1"}, -1116, "Invalid orderType."),
        ({"side": "HOLD", "kind": "MARKET", "quantity": "1"}, -1117, "Invalid side."),
        ({"kind": "STOP_LOSS", "quantity": "1", "stopPrice": "1", "timeInForce": "GTC"}, -1106,
         "Parameter 'timeInForce' sent when not required."),
        ({"kind": "STOP_LOSS", "quantity": "1"}, -1102,
         "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        ({"kind": "MARKET", "quantity": "0.01", "selfTradePreventionMode": "NONE"}, -1013,
         "This symbol does not allow the specified self-trade prevention mode."),
        ({"kind": "MARKET", "quantity": "0.01", "strategyType": "5"}, -1134,
         "Parameter 'strategyType' was less than 1000000."),
        ({"kind": "MARKET", "quantity": "0.01", "symbol": "XXXJPY"}, -1121, "Invalid symbol."),
    ],
)  # fmt: skip
def test_malformed_orders_are_refused_in_the_venues_words(
    venue: Caller, params: dict[str, Any], code: int, text: str
) -> None:
    """Code and text of each mistake, the same for order and order/test."""
    assert venue.order(**params).error == (400, code, text)


SPEC = replace(
    DEFAULT_SYMBOLS["BTCJPY"], tick=D("0.5"), min_price=D(1000), max_price=D(20_000_000), step=D("0.001"),
    min_qty=D("0.002"), max_qty=D(3), market_max_qty=D(2), min_notional=D(1000), max_notional=D(15_000_000),
    apply_max_to_market=True, bid_up=D("1.1"), bid_down=D("0.9"), ask_up=D("1.2"), ask_down=D("0.8"),
    max_orders=2, max_position=D("2.5"),
)  # fmt: skip
PERCENT = "PERCENT_PRICE_BY_SIDE"


@pytest.mark.parametrize(
    ("spec", "side", "kind", "params", "name"),
    [
        (SPEC, "BUY", "LIMIT", {"price": "9999999.7", "quantity": "0.01"}, "PRICE_FILTER"),
        (SPEC, "BUY", "LIMIT", {"price": "999.5", "quantity": "2"}, "PRICE_FILTER"),
        (SPEC, "SELL", "LIMIT", {"price": "20000000.5", "quantity": "0.01"}, "PRICE_FILTER"),
        (SPEC, "BUY", "LIMIT", {"price": "8500000", "quantity": "0.01"}, PERCENT),
        (SPEC, "SELL", "LIMIT", {"price": "12500000", "quantity": "0.01"}, PERCENT),
        (replace(SPEC, old_style=True), "SELL", "LIMIT", {"price": "11500000", "quantity": "0.01"}, "PERCENT_PRICE"),
        (SPEC, "BUY", "LIMIT", {"price": "9900000", "quantity": "0.001"}, "LOT_SIZE"),
        (SPEC, "BUY", "LIMIT", {"price": "9900000", "quantity": "0.0025"}, "LOT_SIZE"),
        (SPEC, "SELL", "MARKET", {"quantity": "3.001"}, "LOT_SIZE"),
        (SPEC, "SELL", "MARKET", {"quantity": "2.001"}, "MARKET_LOT_SIZE"),
        (replace(SPEC, min_notional=D(50_000)), "BUY", "LIMIT", {"price": "9900000", "quantity": "0.005"}, "NOTIONAL"),
        (replace(SPEC, min_notional=D(50_000)), "BUY", "MARKET", {"quantity": "0.004"}, "NOTIONAL"),
        (SPEC, "BUY", "LIMIT", {"price": "9900000", "quantity": "2"}, "NOTIONAL"),
        (replace(SPEC, min_notional=D(50_000), old_style=True), "BUY", "MARKET", {"quantity": "0.004"}, "MIN_NOTIONAL"),
        (replace(SPEC, max_notional=D(0)), "BUY", "LIMIT", {"price": "9900000", "quantity": "1.501"}, "MAX_POSITION"),
    ],
)
def test_each_filter_refuses_with_its_name(
    connect: Callable[..., Caller], spec: SymbolSpec, side: str, kind: str, params: dict[str, Any], name: str
) -> None:
    """-1013 "Filter failure: NAME", for order and order/test alike, before the engine."""
    with Simulator(seed=1, symbols=[spec]) as sim:
        venue = connect(sim)
        assert venue.order(side, kind, **params).error == (400, -1013, f"Filter failure: {name}")
        tested: dict[str, Any] = {"symbol": "BTCJPY", "side": side, "type": kind} | params
        tested |= {"timeInForce": "GTC"} if kind == "LIMIT" else {}
        assert venue.signed("POST", "order/test", **tested).error == (400, -1013, f"Filter failure: {name}")
        assert sim.orders() == []


def test_a_market_step_of_zero_and_values_on_the_bounds_pass(connect: Callable[..., Caller]) -> None:
    """Bounds are inclusive; the grid is quantity modulo step, not modulo its distance from the minimum."""
    with Simulator(seed=1, symbols=[SPEC]) as sim:
        venue = connect(sim)
        assert venue.order("BUY", price="9900000.5", quantity="0.002").status == 200
        assert venue.order("BUY", "MARKET", quantity="0.003").status == 200


def test_open_orders_are_limited_per_symbol(connect: Callable[..., Caller]) -> None:
    """The third open order is MAX_NUM_ORDERS."""
    with Simulator(seed=1, symbols=[SPEC]) as sim:
        venue = connect(sim)
        for _ in range(2):
            assert venue.order("BUY", price="9500000", quantity="0.01").status == 200
        assert venue.order("BUY", price="9500000", quantity="0.01").body["msg"] == "Filter failure: MAX_NUM_ORDERS"


def test_a_client_id_is_unique_among_open_orders_only(venue: Caller) -> None:
    """Twice while open is -2010; after the end it may be used again, and queries then find the newer order."""
    first = venue.order(price="1200000", quantity="0.01", newClientOrderId="at-1").body
    again = venue.order(price="1200000", quantity="0.01", newClientOrderId="at-1")
    assert again.error == (400, -2010, "Duplicate order sent.")
    venue.signed("DELETE", "order", symbol="BTCJPY", origClientOrderId="at-1")
    second = venue.order(price="1200000", quantity="0.01", newClientOrderId="at-1").body
    found = venue.signed("GET", "order", symbol="BTCJPY", origClientOrderId="at-1").body
    assert found["orderId"] == second["orderId"] != first["orderId"]


def test_cancels_that_do_not_fit_are_refused(venue: Caller) -> None:
    """Absent, already cancelled, filled, other client id, wrong state: each with its code and text."""
    assert venue.signed("DELETE", "order", symbol="BTCJPY", orderId=99).error == UNKNOWN
    assert venue.signed("DELETE", "order", symbol="BTCJPY").error[1] == -1102
    number = venue.order(price="1200000", quantity="0.01", newClientOrderId="mine").body["orderId"]
    ids = {"symbol": "BTCJPY", "orderId": number}
    wrong = venue.signed("DELETE", "order", **ids, origClientOrderId="other")
    assert wrong.error == (400, -2011, "Cancel order is invalid. Check origClOrdId and orderId.")
    kept = venue.signed("DELETE", "order", **ids, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert kept.error == (400, -2011, "Order was not canceled due to cancel restrictions.")
    assert venue.signed("DELETE", "order", **ids, cancelRestrictions="NOW").error[1] == -1145
    done = venue.signed("DELETE", "order", **ids, cancelRestrictions="ONLY_NEW", newClientOrderId="bye").body
    assert (done["clientOrderId"], done["origClientOrderId"]) == ("bye", "mine")
    assert venue.signed("DELETE", "order", **ids).error == UNKNOWN


def test_cancel_all_ends_the_symbols_orders_only(connect: Callable[..., Caller]) -> None:
    """Every open order of the symbol comes back cancelled; with nothing open it is -2011."""
    with Simulator(seed=1) as sim:
        venue = connect(sim)
        for price in ("9000000", "9100000"):
            venue.order(price=price, quantity="0.001")
        venue.order(symbol="ETHJPY", price="400000", quantity="0.01")
        done = venue.signed("DELETE", "openOrders", symbol="BTCJPY").body
        assert [row["status"] for row in done] == ["CANCELED", "CANCELED"]
        assert [row["symbol"] for row in venue.signed("GET", "openOrders").body] == ["ETHJPY"]
        assert venue.signed("DELETE", "openOrders", symbol="BTCJPY").error == UNKNOWN
        sim.check()


def test_orders_are_found_by_either_id_and_by_both_only_if_they_agree(venue: Caller) -> None:
    """-2013 for none, -2039 for a pair that does not belong together, -1102 without any."""
    number = venue.order(price="1200000", quantity="0.01", newClientOrderId="mine").body["orderId"]
    by_id = venue.signed("GET", "order", symbol="BTCJPY", orderId=number).body
    assert by_id == venue.signed("GET", "order", symbol="BTCJPY", origClientOrderId="mine").body
    mixed = venue.signed("GET", "order", symbol="BTCJPY", orderId=number, origClientOrderId="x")
    assert mixed.error == (400, -2039, "Client order ID is not correct for this order ID.")
    absent = venue.signed("GET", "order", symbol="BTCJPY", orderId=77)
    assert absent.error == (400, -2013, "Order does not exist.")
    assert venue.signed("GET", "order", symbol="BTCJPY").error[1] == -1102


def test_an_unfilled_cancelled_order_is_archived_after_90_days(sim: Simulator, venue: Caller) -> None:
    """-2026, and it is absent from lists; a filled one stays."""
    number = venue.order(price="1200000", quantity="0.01").body["orderId"]
    venue.signed("DELETE", "order", symbol="BTCJPY", orderId=number)
    venue.order("BUY", "MARKET", quantity="0.01")
    sim.exchange.now_us += 91 * 86_400_000_000
    assert venue.signed("GET", "order", symbol="BTCJPY", orderId=number).error[1] == -2026
    assert [row["status"] for row in venue.signed("GET", "allOrders", symbol="BTCJPY").body] == ["FILLED"]


def test_lists_page_by_id_and_by_time(sim: Simulator, venue: Caller) -> None:
    """allOrders from an id on, within times, newest first to be kept; myTrades by its allowed combinations."""
    numbers = []
    for _ in range(5):
        numbers.append(venue.order("BUY", "MARKET", quantity="0.001").body["orderId"])
        sim.advance(60)
    start = sim.exchange.started_ms

    def orders(**params: object) -> list[int]:
        return [row["orderId"] for row in venue.signed("GET", "allOrders", symbol="BTCJPY", **params).body]

    def trades(**params: object) -> list[int]:
        return [row["orderId"] for row in venue.signed("GET", "myTrades", symbol="BTCJPY", **params).body]

    for ask in (orders, trades):
        assert ask() == numbers
        assert ask(limit=2) == numbers[-2:]
        assert ask(startTime=start + 60_000, limit=2) == numbers[1:3]
        assert ask(startTime=start + 60_000, endTime=start + 120_000) == numbers[1:3]
        assert ask(endTime=start + 60_000) == numbers[:2]
    assert orders(orderId=numbers[3]) == numbers[3:]
    assert trades(orderId=numbers[3]) == [numbers[3]]
    assert trades(fromId=3, limit=1) == [numbers[2]]
    assert trades(orderId=numbers[3], fromId=1) == [numbers[3]]
    assert venue.signed("GET", "myTrades", symbol="BTCJPY", fromId=1, startTime=start).error[1] == -1128
    assert venue.signed("GET", "myTrades", symbol="BTCJPY", startTime=0, endTime=86_400_001).error[1] == -1127


def test_a_symbol_that_is_not_trading_takes_no_orders_but_cancels(venue: Caller) -> None:
    """HALT and BREAK: the market is closed; CANCEL_ONLY: wrong phase; cancelling goes on."""
    number = venue.order(price="1200000", quantity="0.01").body["orderId"]
    closed = (400, -2010, "Market is closed.")
    phase = (400, -2010, "This order type is not possible in this trading phase.")
    for status, refusal in (("HALT", closed), ("BREAK", closed), ("CANCEL_ONLY", phase)):
        venue.control("POST", f"symbol-status?symbol=BTCJPY&status={status}")
        assert venue.order(price="1200000", quantity="0.01").error == refusal
    assert venue.get("exchangeInfo").body["symbols"][0]["status"] == "CANCEL_ONLY"
    assert venue.signed("DELETE", "order", symbol="BTCJPY", orderId=number).status == 200


def test_a_halt_of_the_tape_closes_the_market(sim: Simulator, venue: Caller) -> None:
    """During the recorded outage the symbol is in HALT; afterwards it trades again."""
    sim.advance(4 * 3600 + 60 * 5)
    assert venue.get("exchangeInfo").body["symbols"][0]["status"] == "HALT"
    assert venue.order(price="1200000", quantity="0.01").body["msg"] == "Market is closed."
    sim.advance(60 * 11)
    assert venue.order(price="1200000", quantity="0.01").status == 200


def test_accounts_that_may_not_are_told_so(connect: Callable[..., Caller]) -> None:
    """A barred account, and one without the symbol's permission, get the venue's texts."""
    barred = replace(Account.named("barred"), can_trade=False)
    foreign = replace(Account.named("foreign"), permissions=("LEVERAGED",))
    with Simulator(seed=1, accounts=[barred, foreign]) as sim:
        texts = [connect(sim, a).order("BUY", "MARKET", quantity="0.01").body["msg"] for a in sim.accounts]
    assert texts == [
        "This account may not place or cancel orders.", "This symbol is not permitted for this account.",
    ]  # fmt: skip


def test_two_accounts_trade_with_each_other_in_price_time_order(connect: Callable[..., Caller]) -> None:
    """A resting order inside the spread is met first, by whoever comes; both books agree."""
    with Simulator(tape="btcjpy-2018-01", accounts=[Account.named("a"), Account.named("b")]) as sim:
        seller, buyer = (connect(sim, account) for account in sim.accounts)
        seller.order("SELL", price="1245210", quantity="0.02")
        fills = buyer.order("BUY", "MARKET", quantity="0.05").body["fills"]
        assert [(f["price"], f["qty"]) for f in fills] == [
            ("1245210.00000000", "0.02000000"), ("1245225.00000000", "0.03000000"),
        ]  # fmt: skip
        (sold,) = sim.trades("a")
        assert (sold["isMaker"], sold["commissionAsset"], sold["qty"]) == (True, "JPY", "0.02000000")
        sim.check()


def test_order_test_creates_nothing_and_asks_no_engine(sim: Simulator, venue: Caller) -> None:
    """Neither balance nor a crossing maker order matters to it."""
    base: dict[str, object] = {"symbol": "BTCJPY", "side": "BUY", "quantity": "5000", "price": "1245225"}
    assert venue.signed("POST", "order/test", type="LIMIT_MAKER", **base).error[2] == "Filter failure: NOTIONAL"
    base["quantity"] = "500"
    assert venue.signed("POST", "order/test", type="LIMIT_MAKER", **base).body == {}
    rates = venue.signed("POST", "order/test", type="LIMIT_MAKER", computeCommissionRates="true", **base).body
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert sim.orders() == []
    assert sim.requests()["trade"] == 0
