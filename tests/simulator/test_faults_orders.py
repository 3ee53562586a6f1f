"""Faults of orders, balances and market data, each seen over real HTTP, while the exchange's books stay true."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from autotrader.simulator import Faults, Simulator
from tests.simulator.conftest import Caller

D = Decimal
Connect = Callable[..., Caller]
ORDER = {"price": "9000000", "quantity": "0.001"}
MINUTE = 60_000


def _world(plan: dict[str, Any]) -> Simulator:
    return Simulator(seed=1, symbols=["BTCJPY", "BNBJPY"], faults=Faults(seed=5, plan=plan))


def _visible(venue: Caller, order_id: int) -> tuple[bool, bool, bool]:
    single = venue.signed("GET", "order", symbol="BTCJPY", orderId=order_id)
    assert single.status == 200 or single.error == (400, -2013, "Order does not exist.")
    lists = (venue.signed("GET", path, symbol="BTCJPY").body for path in ("openOrders", "allOrders"))
    return (single.status == 200, *(any(row["orderId"] == order_id for row in rows) for rows in lists))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("fault", "settings", "seen"),
    [
        ("invisible", {"seconds": 60.0}, {0: False, 59: False, 60: True}),
        ("flicker", {"from": 5.0, "seconds": 10.0}, {0: True, 5: False, 14: False, 15: True}),
    ],
)
def test_orders_hide_from_queries(
    connect: Connect, fault: str, settings: dict[str, Any], seen: dict[int, bool]
) -> None:
    """An accepted order is missing in every query for a while; it rests in the book all the time."""
    with _world({fault: {"at": [1]} | settings}) as sim:
        venue = connect(sim)
        order_id = venue.order(**ORDER).body["orderId"]
        other = venue.order(**ORDER).body["orderId"]
        moment = 0
        for second, shown in seen.items():
            sim.advance(second - moment)
            moment = second
            assert _visible(venue, order_id) == (shown,) * 3
            assert _visible(venue, other) == (True,) * 3
        assert len(sim.orders()) == 2


def test_trades_of_a_hidden_order_are_missing_too(connect: Connect) -> None:
    """myTrades shows them when the order appears."""
    with _world({"invisible": {"at": [1], "seconds": 10}}) as sim:
        venue = connect(sim)
        venue.order("BUY", "MARKET", quantity="0.001")
        assert venue.signed("GET", "myTrades", symbol="BTCJPY").body == []
        sim.advance(10)
        assert len(venue.signed("GET", "myTrades", symbol="BTCJPY").body) == 1


def test_polls_come_back_out_of_order(connect: Connect) -> None:
    """The second poll gets the answer of the first, the third the present one."""
    with _world({"reordered": {"call": "GET order", "at": [2]}}) as sim:
        venue = connect(sim)
        order_id = venue.order(**ORDER).body["orderId"]

        def status() -> str:
            return str(venue.signed("GET", "order", symbol="BTCJPY", orderId=order_id).body["status"])

        first = status()
        venue.signed("DELETE", "order", symbol="BTCJPY", orderId=order_id)
        assert (first, status(), status()) == ("NEW", "NEW", "CANCELED")


def test_a_status_goes_back(connect: Connect) -> None:
    """A filled order is shown as new and unfilled once, then as it is."""
    with _world({"regress": {"at": [1]}}) as sim:
        venue = connect(sim)
        order_id = venue.order("BUY", "MARKET", quantity="0.001").body["orderId"]
        shown = [venue.signed("GET", "order", symbol="BTCJPY", orderId=order_id).body for _ in range(2)]
        assert [(row["status"], D(row["executedQty"])) for row in shown] == [("NEW", D(0)), ("FILLED", D("0.001"))]


def test_a_fill_comes_between_query_and_cancel(connect: Connect) -> None:
    """The cancel's answer has the fill that no query had shown; the books balance."""
    with _world({"fill_before_cancel": {"at": [1], "share": 0.25}}) as sim:
        venue = connect(sim)
        order_id = venue.order(price="9000000", quantity="0.004").body["orderId"]
        assert venue.signed("GET", "openOrders", symbol="BTCJPY").body[0]["executedQty"] == "0.00000000"
        ended = venue.signed("DELETE", "order", symbol="BTCJPY", orderId=order_id).body
        assert (ended["status"], ended["executedQty"]) == ("CANCELED", "0.00100000")
        assert [row["qty"] for row in sim.trades()] == ["0.00100000"]
        sim.check()


@pytest.mark.parametrize(("share", "status"), [(0.5, "CANCELED"), (1.0, "FILLED")])
def test_a_fill_comes_after_the_cancel_was_acknowledged(connect: Connect, share: float, status: str) -> None:
    """The acknowledgement says cancelled and nothing executed; the next query says otherwise."""
    with _world({"fill_after_cancel": {"at": [1], "share": share}}) as sim:
        venue = connect(sim)
        order_id = venue.order(price="9000000", quantity="0.004").body["orderId"]
        reply = venue.signed("DELETE", "order", symbol="BTCJPY", orderId=order_id)
        assert reply.status == 200
        assert (reply.body["status"], reply.body["executedQty"]) == ("CANCELED", "0.00000000")
        later = venue.signed("GET", "order", symbol="BTCJPY", orderId=order_id).body
        assert (later["status"], D(later["executedQty"])) == (status, D("0.004") * D(str(share)))
        sim.check()


def test_the_fee_comes_in_another_asset(connect: Connect) -> None:
    """From the chosen order on commission is taken in BNB."""
    with _world({"fee_asset": {"at": [2]}}) as sim:
        venue = connect(sim)
        assets = [venue.order("BUY", "MARKET", quantity="0.001").body["fills"][0]["commissionAsset"] for _ in range(3)]
        assert assets == ["BTC", "BNB", "BNB"]
        sim.check()


def test_balances_come_late(connect: Connect) -> None:
    """For ten seconds the account shows what was there before the order."""
    with _world({"balance_late": {"at": [1], "seconds": 10}}) as sim:
        venue = connect(sim)

        def bitcoin() -> Decimal:
            rows = venue.signed("GET", "account").body["balances"]
            return D(next(row["free"] for row in rows if row["asset"] == "BTC"))

        before = bitcoin()
        venue.order("BUY", "MARKET", quantity="0.5")
        assert bitcoin() == before
        assert sim.balances()["BTC"][0] > before
        sim.advance(10)
        assert bitcoin() == sim.balances()["BTC"][0]


def test_filters_change_in_the_middle(connect: Connect) -> None:
    """exchangeInfo shows the new figures, and orders are judged by them from then on."""
    change = {"call": "GET ping", "at": [1], "symbol": "BTCJPY", "tick": 100, "step": "0.01", "min_notional": 50_000}
    with _world({"filters_change": change}) as sim:
        venue = connect(sim)
        order = {"price": "9000001", "quantity": "0.001"}
        assert venue.order(**order).status == 200
        venue.get("ping")
        shown = venue.get("exchangeInfo", symbol="BTCJPY").body["symbols"][0]
        filters = {row["filterType"]: row for row in shown["filters"]}
        assert D(filters["PRICE_FILTER"]["tickSize"]) == 100
        assert D(filters["LOT_SIZE"]["stepSize"]) == D("0.01")
        assert D(filters["NOTIONAL"]["minNotional"]) == 50_000
        assert venue.order(**order).error[2] == "Filter failure: PRICE_FILTER"
        assert venue.order(price="9000000", quantity="0.001").error[2] == "Filter failure: LOT_SIZE"
        assert venue.order(price="2100000", quantity="0.01").error[2] == "Filter failure: NOTIONAL"


@pytest.mark.parametrize("status", ["BREAK", "HALT"])
def test_a_symbol_stops_for_a_while(connect: Connect, status: str) -> None:
    """exchangeInfo says so, orders are refused, and a minute later it trades again."""
    with _world({"symbol_status": {"call": "GET ping", "at": [1], "symbol": "BTCJPY", "status": status}}) as sim:
        venue = connect(sim)
        venue.get("ping")
        assert venue.get("exchangeInfo", symbol="BTCJPY").body["symbols"][0]["status"] == status
        assert venue.order(**ORDER).error == (400, -2010, "Market is closed.")
        sim.advance(60)
        assert venue.order(**ORDER).status == 200


# ---- candles ---------------------------------------------------------------------------


def _opens(venue: Caller, **params: object) -> list[int]:
    rows = venue.get("klines", symbol="BTCJPY", interval="1m", **params).body
    return [row[0] // MINUTE for row in rows]


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ({"klines_stale": {"rows": 3}}, lambda rows: rows[:-3]),
        ({"klines_gap": {"rows": 2}}, lambda rows: rows[:4] + rows[6:]),
        ({"klines_future": {}}, lambda rows: [*rows, rows[-1] + 1]),
        ({"klines_duplicated": {}}, lambda rows: [*rows[:5], rows[5], *rows[5:]]),
        ({"klines_disorder": {}}, lambda rows: [*rows[:-2], rows[-1], rows[-2]]),
    ],
)
def test_candles_are_spoilt(connect: Connect, fault: dict[str, Any], change: Callable[[list[int]], list[int]]) -> None:
    """Missing at the end, missing inside, not begun, twice, out of order: once, then as they are."""
    plan = {name: settings | {"at": [2]} for name, settings in fault.items()}
    with _world(plan) as sim:
        sim.advance(30)
        venue = connect(sim)
        true, spoilt, again = (_opens(venue, limit=10) for _ in range(3))
        assert spoilt == change(true)
        assert again == true


def test_a_candle_that_has_not_begun_lies_in_the_future(connect: Connect) -> None:
    """Its open time is after the server's time."""
    with _world({"klines_future": {}}) as sim:
        sim.advance(30)
        assert _opens(connect(sim))[-1] * MINUTE > sim.now_ms


def test_the_open_candle_comes_where_only_closed_ones_were_asked_for(connect: Connect) -> None:
    """endTime before the open minute, and it is there all the same."""
    with _world({"klines_unclosed": {"at": [2]}}) as sim:
        sim.advance(90)
        venue = connect(sim)
        end = sim.now_ms // MINUTE * MINUTE - 1
        true, spoilt = (_opens(venue, limit=5, endTime=end) for _ in range(2))
        assert spoilt == [*true, sim.now_ms // MINUTE]


def test_candles_without_volume(connect: Connect) -> None:
    """The last two have no trades."""
    with _world({"klines_no_volume": {"rows": 2}}) as sim:
        rows = connect(sim).get("klines", symbol="BTCJPY", interval="1m", limit=5).body
        assert [(D(row[5]), row[8]) == (D(0), 0) for row in rows] == [False] * 3 + [True] * 2


# ---- book and prices ---------------------------------------------------------------------


def test_a_crossed_book(connect: Connect) -> None:
    """In depth and bookTicker the bid stands above the ask."""
    with _world({"book_crossed": {}}) as sim:
        venue = connect(sim)
        depth, ticker = venue.get("depth", symbol="BTCJPY").body, venue.get("ticker/bookTicker", symbol="BTCJPY").body
        assert D(depth["bids"][0][0]) > D(depth["asks"][0][0])
        assert D(ticker["bidPrice"]) > D(ticker["askPrice"])


@pytest.mark.parametrize(("side", "empty"), [("bids", {"bids"}), ("asks", {"asks"}), ("both", {"bids", "asks"})])
def test_an_empty_book(connect: Connect, side: str, empty: set[str]) -> None:
    """One side or both are empty; the ticker's price is 0."""
    with _world({"book_empty": {"side": side}}) as sim:
        venue = connect(sim)
        depth = venue.get("depth", symbol="BTCJPY").body
        assert {name for name in ("bids", "asks") if not depth[name]} == empty
        ticker = venue.get("ticker/bookTicker", symbol="BTCJPY").body
        assert {f"{name}s" for name in ("bid", "ask") if not D(ticker[f"{name}Price"])} == empty


def test_a_book_that_goes_back_and_prices_that_cannot_be(connect: Connect) -> None:
    """lastUpdateId falls; the price is 0, NaN, too large, negative, or a tenth of the true one."""
    prices = ["0", "NaN", "1e400", "-1"]
    plan = {
        "book_back": {"at": [2]},
        "wrong_price": [{"at": [number + 2], "price": price} for number, price in enumerate(prices)] + [{"at": [6]}],
    }
    with _world(plan) as sim:
        venue = connect(sim)
        ids = [venue.get("depth", symbol="BTCJPY").body["lastUpdateId"] for _ in range(2)]
        assert ids[1] < ids[0]
        shown = [venue.get("ticker/price", symbol="BTCJPY").body["price"] for _ in range(6)]
        assert shown[1:5] == prices
        assert D(shown[5]) == D(shown[0]) / 10


def test_any_mix_of_faults_leaves_the_books_balanced(connect: Connect) -> None:
    """A hundred rounds of calls under all faults of orders at once: money is neither lost nor made."""
    names = (
        "invisible", "flicker", "reordered", "regress", "fill_before_cancel", "fill_after_cancel", "fee_asset",
        "balance_late", "code_1007", "server_error",
    )  # fmt: skip
    plan: dict[str, Any] = {"late": {"call": "POST order", "at": [5]}} | dict.fromkeys(names, 0.2)
    with _world(plan) as sim:
        venue = connect(sim)
        for number in range(100):
            with contextlib.suppress(ValueError, OSError, http.client.HTTPException):  # a page, or no answer at all
                side, price = ("SELL", 10_030_000) if number % 2 else ("BUY", 9_970_000)
                venue.order(side, price=price, quantity="0.004")
            with contextlib.suppress(ValueError, OSError, http.client.HTTPException):
                row = sim.orders()[-1 - number % 2]
                venue.signed("GET", "order", symbol="BTCJPY", orderId=row["orderId"])
                if number % 2:
                    venue.signed("DELETE", "order", symbol="BTCJPY", orderId=row["orderId"])
            venue.close()
            sim.advance(5)
            sim.check()
        assert sim.faults is not None
        assert sim.faults.counts.keys() == plan.keys()
