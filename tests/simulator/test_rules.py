"""Limits over many orders, parts of commission, execution rules and reference prices: over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrader.simulator import DEFAULT_SYMBOLS, Account, Simulator
from autotrader.simulator.accounts import Rates
from autotrader.simulator.symbols import ExchangeLimits
from tests.simulator.conftest import Caller

D = Decimal
Connect = Callable[..., Caller]


@pytest.mark.parametrize(
    ("spec", "limits", "params", "name"),
    [
        ({"max_algo_orders": 1}, {}, {"stopPrice": "1200000", "type": "STOP_LOSS"}, "MAX_NUM_ALGO_ORDERS"),
        ({"max_iceberg_orders": 1}, {}, {"icebergQty": "0.005"}, "MAX_NUM_ICEBERG_ORDERS"),
        ({}, {"max_orders": 1}, {}, "EXCHANGE_MAX_NUM_ORDERS"),
        ({}, {"max_algo_orders": 1}, {"stopPrice": "1200000", "type": "STOP_LOSS"}, "EXCHANGE_MAX_NUM_ALGO_ORDERS"),
        ({}, {"max_iceberg_orders": 1}, {"icebergQty": "0.005"}, "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"),
    ],
)
def test_open_orders_of_each_kind_are_limited(
    connect: Connect, spec: Any, limits: Any, params: dict[str, Any], name: str
) -> None:
    """One is allowed, the second is refused with the filter's name, which exchangeInfo shows."""
    symbol = replace(DEFAULT_SYMBOLS["BTCJPY"], **spec)
    with Simulator(tape="btcjpy-2018-01", symbols=[symbol]) as sim:
        sim.exchange.engine.limits = ExchangeLimits(**limits)
        venue = connect(sim)
        given = {"type": "LIMIT"} | params
        if given["type"] == "LIMIT":
            given |= {"price": "1300000", "timeInForce": "GTC"}
        kind = str(given.pop("type"))
        assert venue.order("SELL", kind, quantity="0.01", **given).status == 200
        assert venue.order("SELL", kind, quantity="0.01", **given).error == (400, -1013, f"Filter failure: {name}")
        info = venue.get("exchangeInfo").body
        assert name in {row["filterType"] for row in info["exchangeFilters"] + info["symbols"][0]["filters"]}


def test_lists_trailing_deltas_and_assets_are_limited(connect: Connect) -> None:
    """MAX_NUM_ORDER_LISTS, TRAILING_DELTA by direction, and MAX_ASSET, which only myFilters shows."""
    spec = replace(DEFAULT_SYMBOLS["BTCJPY"], max_lists=1, trailing=(50, 60, 10, 2000))
    account = replace(Account.named("main"), max_assets={"JPY": D(100_000), "BTC": D("0.5")})
    with Simulator(tape="btcjpy-2018-01", symbols=[spec], accounts=[account]) as sim:
        venue = connect(sim)
        pair = {"aboveType": "LIMIT_MAKER", "abovePrice": "1300000", "belowType": "STOP_LOSS"}
        params = {"symbol": "BTCJPY", "side": "SELL", "quantity": "0.01", "belowStopPrice": "1200000"} | pair
        assert venue.signed("POST", "orderList/oco", **params).status == 200
        assert venue.signed("POST", "orderList/oco", **params).body["msg"] == "Filter failure: MAX_NUM_ORDER_LISTS"
        above = venue.order("SELL", "TAKE_PROFIT", quantity="0.01", trailingDelta="40")
        assert above.error == (400, -1013, "Filter failure: TRAILING_DELTA")
        assert venue.order("SELL", "STOP_LOSS", quantity="0.01", trailingDelta="40").status == 200
        assert venue.order(price="1200000", quantity="0.1").body["msg"] == "Filter failure: MAX_ASSET"
        shown = venue.signed("GET", "myFilters", symbol="BTCJPY").body
        assert shown["assetFilters"][1] == {"filterType": "MAX_ASSET", "asset": "JPY", "limit": "100000.00000000"}
        assert "MAX_ASSET" not in str(venue.get("exchangeInfo").body)


def test_commission_is_the_sum_of_its_parts_and_only_the_standard_one_is_discounted(connect: Connect) -> None:
    """Received times (taker + buyer) of standard, special and tax; in BNB the standard part times 0.75."""
    account = replace(
        Account.named("main"), buyer_rate=D("0.0002"), special=Rates(taker=D("0.0003")), tax=Rates(buyer=D("0.0004"))
    )
    with Simulator(seed=4, accounts=[account, replace(account, name="bnb", key="k" * 64, bnb_fees=True)]) as sim:
        plain, bnb = (connect(sim, each) for each in sim.accounts)
        (fill,) = plain.order("BUY", "MARKET", quantity="0.001").body["fills"]
        assert D(fill["commission"]) == D("0.001") * D("0.0019")
        price = D(plain.get("ticker/price", symbol="BNBJPY").body["price"])
        (fill,) = bnb.order("BUY", "MARKET", quantity="0.001").body["fills"]
        expected = D(fill["price"]) * D("0.001") * (D("0.0012") * D("0.75") + D("0.0007")) / price
        assert fill["commissionAsset"] == "BNB"
        assert 0 <= expected - D(fill["commission"]) < D("0.00000001")
        rates = plain.signed("GET", "account/commission", symbol="BTCJPY").body
        assert rates["standardCommission"]["buyer"] == "0.00020000"
        assert rates["taxCommission"]["buyer"] == "0.00040000"
        base = {"symbol": "BTCJPY", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        tested = plain.signed("POST", "order/test", computeCommissionRates="true", **base).body
        assert tested["standardCommissionForOrder"] == {"maker": "0.00120000", "taker": "0.00120000"}
        assert tested["taxCommissionForOrder"] == {"maker": "0.00040000", "taker": "0.00040000"}
        sim.check()


def test_a_taker_does_not_trade_outside_the_price_range(connect: Connect) -> None:
    """With an execution rule and a reference price: the part outside is EXPIRED; filters measure by the reference."""
    rule = (D("1.0001"), None, None, D("0.9999"))
    spec = replace(DEFAULT_SYMBOLS["BTCJPY"], price_range=rule, bid_up=D("1.01"))
    with Simulator(tape="btcjpy-2018-01", symbols=[spec]) as sim:
        venue = connect(sim)
        assert venue.get("referencePrice", symbol="BTCJPY").error == (
            400, -2043, "This symbol doesn't have a reference price.",
        )  # fmt: skip
        sim.exchange.engine.references["BTCJPY"] = (D(1_245_200), 5)
        assert venue.get("referencePrice", symbol="BTCJPY").body == {
            "symbol": "BTCJPY", "referencePrice": "1245200.00000000", "timestamp": 5,
        }  # fmt: skip
        assert venue.get("executionRules", symbol="BTCJPY").body == {
            "symbolRules": [
                {"symbol": "BTCJPY", "rules": [{"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.00010000",
                                                "askLimitMultDown": "0.99990000"}]},
            ],
        }  # fmt: skip
        shown = venue.order("BUY", "MARKET", quantity="1").body
        assert (shown["status"], shown["expiryReason"]) == ("EXPIRED", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED")
        assert 0 < D(shown["executedQty"]) < 1
        assert all(D(fill["price"]) <= D("1.0001") * 1_245_200 for fill in shown["fills"])
        sim.exchange.engine.references["BTCJPY"] = (D(1_000_000), 6)
        far = venue.order(price="1010001", quantity="0.01")
        assert far.error == (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")


def test_a_quote_amount_without_a_book_is_refused(sim: Simulator, venue: Caller) -> None:
    """Nothing to buy at all, or less than the least quantity."""
    assert venue.order("BUY", "MARKET", quoteOrderQty="1000").status == 200
    sim.exchange.markets["BTCJPY"].book.quote(None, None)
    refused = venue.order("BUY", "MARKET", quoteOrderQty="1000")
    assert refused.error == (400, -2010, "Order book liquidity is less than symbol minimum quantity.")


def test_lists_of_what_does_not_happen_here_are_empty(venue: Caller) -> None:
    """Block trades and allocations of smart order routing; an unknown symbol is still refused."""
    assert venue.get("historicalBlockTrades", symbol="BTCJPY", fromId=1).body == []
    assert venue.signed("GET", "myAllocations", symbol="BTCJPY").body == []
    assert venue.signed("GET", "myAllocations", symbol="XXXJPY").error[1] == -1121
