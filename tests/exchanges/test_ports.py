"""Corners of the ports that a simulator does not show: paging, many symbols, lateness, and the text of an order."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.errors import ExchangeUnavailable
from autotrader.exchanges.binance.broker import BinanceBroker, _gate
from autotrader.exchanges.binance.connection import Connection
from autotrader.exchanges.binance.endpoints import order_params
from autotrader.exchanges.binance.signing import encode
from autotrader.market.needs import BalancesNeed, BookNeed, MarketNeed, OpenOrdersNeed, TickerNeed
from autotrader.money import floor_to
from autotrader.orders import NotSent, OrderRequest, OrderType, Side
from tests.exchanges.scripted import Act, Asked, Scripted, connected, drip, error, reply
from tests.exchanges.test_bad_replies import BOOK, ORDER, QUERY, REQUEST, TICKER

TRADE = {
    "symbol": "BTCJPY", "orderId": 1, "price": "10", "qty": "1", "quoteQty": "10", "commission": "0",
    "commissionAsset": "BNB", "isBuyer": True, "isMaker": False,
}  # fmt: skip
DAY_MS = 86_400_000


def broker_of(connection: Connection) -> BinanceBroker:
    """The broker, which must be there."""
    assert connection.broker is not None
    connection.clock.sync()
    return connection.broker


def history_of(count: int, start_ms: int, step_ms: int, template: dict[str, Any], name: str) -> Any:
    """A venue's list of so many rows, served with the paging rules of the venue: from an id, or of a span."""
    rows = [template | {name: at, "time": start_ms + at * step_ms} for at in range(1, count + 1)]

    def act(asked: Asked) -> Act | None:
        if asked.path not in {"/api/v3/myTrades", "/api/v3/allOrders"}:
            return None
        given_ = dict(parse_qsl(asked.query))
        least = int(given_.get("fromId", given_.get("orderId", 0)))
        since, until = int(given_.get("startTime", 0)), int(given_.get("endTime", 10**15))
        if until - since > DAY_MS and "startTime" in given_:
            return error(400, -1127, "More than 24 hours between startTime and endTime.")
        found = [row for row in rows if row[name] >= least and since <= row["time"] <= until]
        return reply(200, found[: int(given_["limit"])])

    return act


def test_fills_are_paged_by_id_over_days_and_pages(scripted: Scripted, connection: Connection) -> None:
    """2,500 trades that began three days ago come complete, in order, in spans of a day and pages of 1,000."""
    start = time.time_ns() // 1_000_000 - 3 * DAY_MS
    scripted.rules.insert(0, history_of(2500, start, 1000, TRADE, "id"))
    fills = broker_of(connection).fills("BTCJPY", None, start - 2 * DAY_MS)
    assert [one.trade_id for one in fills] == list(range(1, 2501))


def test_the_trades_of_one_order_are_paged_by_id(scripted: Scripted, connection: Connection) -> None:
    """2,500 trades of an order come complete, in pages of 1,000, without any time."""
    rows: list[dict[str, Any]] = [
        TRADE | {"id": at, "orderId": 7, "time": 1_700_000_000_000 + at} for at in range(1, 2501)
    ]

    def act(asked: Asked) -> Act | None:
        given_ = dict(parse_qsl(asked.query))
        if asked.path != "/api/v3/myTrades" or given_["orderId"] != "7" or "startTime" in given_:
            return None
        least = int(given_.get("fromId", 0))
        return reply(200, [row for row in rows if row["id"] >= least][: int(given_["limit"])])

    scripted.rules.insert(0, act)
    found = broker_of(connection).fills_of("BTCJPY", 7)
    assert [one.trade_id for one in found] == list(range(1, 2501))


def test_trades_of_another_order_are_no_answer(scripted: Scripted, connection: Connection) -> None:
    """A reply about order 8 where 7 was asked for is refused."""
    scripted.on("GET", "/api/v3/myTrades", reply(200, [TRADE | {"id": 1, "orderId": 8, "time": 1_700_000_000_000}]))
    broker = broker_of(connection)
    with pytest.raises(ExchangeUnavailable, match="of another order"):
        broker.fills_of("BTCJPY", 7)


def test_history_is_paged_by_id(scripted: Scripted, connection: Connection) -> None:
    """1,500 orders of the last hours come complete, each once."""
    start = time.time_ns() // 1_000_000 - 20 * 3_600_000
    scripted.rules.insert(0, history_of(1500, start, 1000, QUERY, "orderId"))
    found = broker_of(connection).history("BTCJPY", start)
    assert [one.order_id for one in found] == list(range(1, 1501))


@pytest.mark.parametrize(("count", "requests"), [(13, 13), (14, 1)])
def test_open_orders_of_many_symbols_are_asked_at_once_where_that_is_cheaper(
    count: int, requests: int, scripted: Scripted, connection: Connection
) -> None:
    """Up to 13 symbols one request each (6), from 14 on one for all (80); each symbol gets its own."""
    scripted.on("GET", "/api/v3/openOrders", reply(200, [] if requests > 1 else [QUERY]))
    symbols = ["BTCJPY", *(f"S{at}JPY" for at in range(count - 1))]
    broker = broker_of(connection)
    needs = frozenset(OpenOrdersNeed(one) for one in symbols)
    account = broker.observe(frozenset(needs), connection.clock.monotonic() + 60)
    assert len(scripted.calls("GET", "/api/v3/openOrders")) == requests
    assert set(account.open_orders) == set(symbols)
    assert len(account.open_orders["BTCJPY"]) == (1 if requests == 1 else 0)
    assert account.open_orders["S1JPY"] == ()


def test_what_is_late_is_missing_and_the_rest_is_there(scripted: Scripted, connection: Connection) -> None:
    """A slow book does not hold the ticker: at the deadline it is missing with its reason."""
    scripted.on("GET", "/api/v3/ticker/24hr", reply(200, TICKER))
    slow = b"HTTP/1.1 200 OK\r\n" + b"x" * 6_000
    scripted.on("GET", "/api/v3/depth", drip(slow, 0.01))
    connection.clock.sync()
    began = time.monotonic()
    needs: frozenset[MarketNeed] = frozenset({TickerNeed("BTCJPY"), BookNeed("BTCJPY", 20)})
    seen = connection.market.observe(needs, connection.clock.monotonic() + 0.4)
    assert time.monotonic() - began < len(slow) * 0.01 / 2  # it was not waited for
    assert list(seen.seen) == [TickerNeed("BTCJPY")]
    assert "within" in seen.missing[BookNeed("BTCJPY", 20)]


def test_a_deadline_that_has_passed_asks_nothing(scripted: Scripted, connection: Connection) -> None:
    """With no time left everything is missing, of the market and of the account."""
    broker = broker_of(connection)
    before = len(scripted.asked)
    past = connection.clock.monotonic() - 1
    assert connection.market.observe(frozenset({TickerNeed("BTCJPY")}), past).missing
    account = broker.observe(frozenset({BalancesNeed(), OpenOrdersNeed("BTCJPY")}), past)
    assert set(account.missing) == {"balances", "BTCJPY"}
    assert len(scripted.asked) == before


def test_a_symbol_that_was_delisted_spoils_no_other(scripted: Scripted, connection: Connection) -> None:
    """Where the venue refuses a list for one name in it, the others are asked one by one."""

    def act(asked: Asked) -> Act | None:
        if asked.path != "/api/v3/ticker/24hr":
            return None
        return error(400, -1121, "Invalid symbol.") if "GONEJPY" in asked.query else reply(200, TICKER)

    scripted.rules.insert(0, act)
    connection.clock.sync()
    needs: frozenset[MarketNeed] = frozenset({TickerNeed("BTCJPY"), TickerNeed("GONEJPY")})
    seen = connection.market.observe(needs, connection.clock.monotonic() + 60)
    assert list(seen.seen) == [TickerNeed("BTCJPY")]
    assert "-1121" in seen.missing[TickerNeed("GONEJPY")]


def test_best_prices_with_an_empty_side_end_there(scripted: Scripted, connection: Connection) -> None:
    """Zeros in bookTicker mean that nobody bids: the side is empty, not a price of 0."""
    row = {"symbol": "BTCJPY", "bidPrice": "0.00", "bidQty": "0.00", "askPrice": "10", "askQty": "1"}
    scripted.on("GET", "/api/v3/ticker/bookTicker", reply(200, row))
    connection.clock.sync()
    book = connection.market.observe(frozenset({BookNeed("BTCJPY", 1)}), connection.clock.monotonic() + 60).book(
        "BTCJPY"
    )
    assert not isinstance(book, str)
    assert (book.bids, book.asks) == ((), ((Decimal(10), Decimal(1)),))


def test_spent_weight_makes_needs_missing_before_anything_leaves(scripted: Scripted) -> None:
    """The budget of the minute is a reason like any other; cancels still go."""
    scripted.on("GET", "/api/v3/depth", reply(200, BOOK))
    with connected(scripted.url, weight_share=6) as connection:
        connection.clock.sync()
        deadline = connection.clock.monotonic() + 60
        assert connection.market.observe(frozenset({BookNeed("BTCJPY", 20)}), deadline).seen
        spent = connection.market.observe(frozenset({BookNeed("BTCJPY", 20)}), deadline)
        assert "weight" in spent.missing[BookNeed("BTCJPY", 20)]
        with pytest.raises(ExchangeUnavailable, match="weight"):
            connection.calls.depth("BTCJPY")
        assert len(scripted.calls("GET", "/api/v3/depth")) == 1


def test_an_old_timestamp_is_not_sent(scripted: Scripted, connection: Connection) -> None:
    """What the venue would refuse for its age, and what lies ahead of its clock, stays here."""
    broker = broker_of(connection)
    for age in (5_200, -1_200):
        assert isinstance(broker.submit(REQUEST, connection.clock.now_ms() - age), NotSent)
    assert scripted.calls("POST", ORDER) == []


STEPS = st.sampled_from([Decimal("1e-8"), Decimal("0.000001"), Decimal("0.01"), Decimal(1), Decimal(10)])
FIGURES = st.decimals(Decimal("1e-8"), Decimal(10**12), places=8).filter(lambda one: one > 0)


@given(FIGURES, FIGURES, STEPS, STEPS, st.sampled_from(Side), st.sampled_from(OrderType))
def test_the_text_that_leaves_says_exactly_what_was_meant(
    price: Decimal, quantity: Decimal, tick: Decimal, step: Decimal, side: Side, kind: OrderType
) -> None:
    """For any figures on any grid: plain digits, equal to what was asked, with what the type wants and no more."""
    price, quantity = floor_to(price, tick), floor_to(quantity, step)
    request = OrderRequest(symbol="BTCJPY", side=side, type=kind, price=price, quantity=quantity,
                           client_order_id="at-7f3a-x")  # fmt: skip
    text = encode(order_params(request))
    refused = _gate(text, request)
    if price <= 0 or quantity <= 0:
        assert refused
        return
    assert refused is None
    sent = dict(parse_qsl(text))
    assert (Decimal(sent["price"]), Decimal(sent["quantity"])) == (price, quantity)
    assert "E" not in sent["price"] + sent["quantity"]
    assert ("timeInForce" in sent) is (kind is OrderType.LIMIT)


@pytest.mark.parametrize("bad", ["at-7f3a-ü", "a" * 37, "", "at 7", "at-7f3a&side=SELL"])
def test_a_client_id_that_the_venue_would_change_or_refuse_does_not_leave(bad: str) -> None:
    """Only its own alphabet, at most 36 characters."""
    request = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal(1), quantity=Decimal(1),
                           client_order_id=bad)  # fmt: skip
    assert _gate(encode(order_params(request)), request)
