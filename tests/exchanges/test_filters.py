"""What the client sends passes the venue's filters and is never more than was asked for: random cases, second witness.

A case goes the whole way: filters as JSON of the exchange, an action of a rule, its sizing, the text of the query. The
judge is `oracle`, which shares no code with any of these.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import pytest

from autotrader.engine.values import Values, exact
from autotrader.exchanges.binance.broker import _gate
from autotrader.exchanges.binance.endpoints import order_params
from autotrader.exchanges.binance.market_replies import EXCHANGE_INFO
from autotrader.exchanges.binance.signing import encode
from autotrader.exchanges.reading import parse
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.actions.sizing import MarketPrice
from autotrader.language.tree import Kind, Literal, Place, Unit
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BookNeed
from autotrader.market.snapshot import Book, Snapshot
from autotrader.market.sources import Sources
from autotrader.orders import OrderRequest, Side
from tests.exchanges.oracle import Filters, number, refusals, wanted

TICKS = ("0.00000000", "0.00000001", "0.000001", "0.0001", "0.01", "0.01000000", "0.05", "0.1", "0.25", "0.5",
         "1.00000000", "5", "10.00000000")  # fmt: skip
STEPS = (
    "0.00000000",
    "0.00000001",
    "0.0000001",
    "0.000001",
    "0.00001000",
    "0.00025",
    "0.001",
    "0.01",
    "0.1",
    "1.00000000",
)
CASES_A_SET = 50
NOW = 1_795_000_000_000
HERE = Place("rules.yaml", 1, 1)
PRICE, QUOTE, BASE = Unit(Kind.PRICE, "JPY"), Unit(Kind.AMOUNT, "JPY"), Unit(Kind.AMOUNT, "BTC")


def figure(random: Random, low: float, high: float, places: int = 8) -> Decimal:
    """A number between powers of ten, with up to that many decimals; often a round one."""
    value = Decimal(repr(10 ** random.uniform(low, high)))
    return round(value, random.choice((0, 1, 3, places))) if random.random() < 0.8 else round(value, 18)


def some_filters(random: Random) -> Filters:
    """A set of filters such as exchanges have, and such as none should have."""
    tick, step = random.choice(TICKS), random.choice(STEPS)
    made: Filters = {
        "PRICE_FILTER": {
            "minPrice": random.choice(("0.00000000", tick, "0.5")),
            "maxPrice": random.choice(("0", "100000000.00000000", "12345.67")),
            "tickSize": tick,
        },
        "LOT_SIZE": {
            "minQty": random.choice((step, "0", "0.0005", "3")),
            "maxQty": random.choice(("0", "9000.00000000", "1.5", "0.77777777")),
            "stepSize": step,
        },
        "MARKET_LOT_SIZE": {"minQty": "0.00000000", "maxQty": "103.1", "stepSize": "0.00000000"},
        "MAX_NUM_ORDERS": {"maxNumOrders": 200},
    }
    low = random.choice(("0", "1", "100.00000000", "5000.5"))
    if random.random() < 0.6:
        high = random.choice(("0", "9000000.00000000", "20000"))
        made["NOTIONAL"] = {"minNotional": low, "applyMinToMarket": True, "avgPriceMins": 5,
                            "maxNotional": high, "applyMaxToMarket": False}  # fmt: skip
    if random.random() < 0.3:
        made["MIN_NOTIONAL"] = {"minNotional": low, "applyToMarket": True, "avgPriceMins": 5}
    kind = random.random()
    if kind < 0.4:
        made["PERCENT_PRICE_BY_SIDE"] = {"bidMultiplierUp": "1.05", "bidMultiplierDown": "0.2", "askMultiplierUp": "5",
                                         "askMultiplierDown": "0.95", "avgPriceMins": 5}  # fmt: skip
    elif kind < 0.6:
        made["PERCENT_PRICE"] = {"multiplierUp": "1.3", "multiplierDown": "0.7", "avgPriceMins": 5}
    return made


def read(filters: Filters) -> Instrument:
    """The filters as the client reads them from the exchange's reply."""
    row = {"symbol": "BTCJPY", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "JPY", "orderTypes": ["LIMIT"],
           "baseAssetPrecision": 8, "quoteAssetPrecision": 8, "quotePrecision": 8, "isSpotTradingAllowed": True,
           "filters": [{"filterType": kind, **fields} for kind, fields in filters.items()]}  # fmt: skip
    body = json.dumps({"serverTime": NOW, "rateLimits": [], "exchangeFilters": [], "symbols": [row]}).encode()
    return replace(EXCHANGE_INFO.read(parse(body)).instruments[0], fetched_ms=NOW)


@dataclass(frozen=True)
class Case:
    """One order that a rule asks for, with the market and the money there is."""

    side: Side
    price: Decimal | None  # None: at the market
    touch: Decimal
    slippage: Decimal
    average: Decimal
    balance: Decimal  # quote for a buy, base for a sale
    amount: Decimal  # what the rule asks for: spend in quote or size in base, never above the balance
    by_spend: bool
    most: Decimal | None  # a cap in the other unit


def some_case(random: Random) -> Case:
    """A case around a price level, from dust to fortunes."""
    average = figure(random, -2, 8) + Decimal("0.01")
    touch = max(round(average * Decimal(repr(random.uniform(0.9, 1.1))), 8), Decimal("0.00000001"))
    price = (
        None if random.random() < 0.2 else average * Decimal(repr(random.choice((1.0, random.uniform(0.1, 2), 0.0))))
    )
    side = random.choice((Side.BUY, Side.SELL))
    balance = figure(random, -6, 7)
    part = Decimal(repr(random.choice((1.0, 0.5, random.random(), 0.0))))
    by_spend = side is Side.BUY or random.random() < 0.3
    most = figure(random, -4, 6) if random.random() < 0.3 else None
    return Case(
        side, price, touch, Decimal(random.choice(("0", "0.5", "3"))), average, balance, balance * part, by_spend, most
    )


def literal(value: Decimal, unit: Unit) -> Literal:
    """A value in a rule."""
    return Literal(value, unit, str(value))


def action_of(case: Case) -> PlaceOrder:
    """The `buy` or `sell` of the rule."""
    amount = literal(case.amount, QUOTE if case.by_spend else BASE)
    most = None if case.most is None else literal(case.most, BASE if case.by_spend else QUOTE)
    return PlaceOrder(
        side=case.side,
        spend=amount if case.by_spend else None,
        size=None if case.by_spend else amount,
        max_size=most if case.by_spend else None,
        max_spend=None if case.by_spend else most,
        price=MarketPrice(case.slippage) if case.price is None else literal(case.price, PRICE),
        place=HERE,
    )


def sources_of(case: Case) -> Sources:
    """A fresh book whose best prices are the touch."""
    one = Decimal(1)
    book = Book(symbol="BTCJPY", bids=((case.touch, one),), asks=((case.touch, one),), asked_levels=1, update_id=1,
                asked_ms=NOW)  # fmt: skip
    return Sources(now_ms=NOW, snapshot=Snapshot(now_ms=NOW, seen={BookNeed("BTCJPY", 1): book}))


def sent(case: Case, traded: Instrument) -> dict[str, str] | None:
    """The parameters as they would leave, or None where nothing would be sent."""
    action = action_of(case)
    found = action.sized(traded, partial(exact, values=Values({})), sources_of(case))
    if not isinstance(found, tuple):
        return None
    price, quantity = found
    if traded.refusal(price, quantity, case.side, case.average) is not None:
        return None
    kind, tif = action.kind()
    request = OrderRequest(symbol="BTCJPY", side=case.side, type=kind, price=price, quantity=quantity, tif=tif,
                           client_order_id="at-7f3a-x")  # fmt: skip
    text = encode(order_params(request))
    assert _gate(text, request) is None
    return dict(parse_qsl(text))


def asked_price(case: Case) -> Fraction:
    """The worst price that the rule allows."""
    if case.price is not None:
        return Fraction(case.price)
    share = Fraction(case.slippage) / 100
    return Fraction(case.touch) * (1 + share if case.side is Side.BUY else 1 - share)


def judge(case: Case, filters: Filters, traded: Instrument) -> bool:
    """Compare what leaves with what the second witness says; whether something left."""
    text = sent(case, traded)
    amount, most = Fraction(case.amount), [] if case.most is None else [Fraction(case.most)]
    spends, sizes = ([amount], most) if case.by_spend else (most, [amount])
    price, quantity = wanted(filters, case.side.value, asked_price(case), spends, sizes)
    average = Fraction(case.average)
    best = {"price": shown(price), "quantity": shown(quantity), "side": case.side.value}
    if text is None:
        assert refusals(filters, best, average), "nothing was sent, and this would have passed"
        return False
    assert refusals(filters, text, average) == []
    left_price, left_quantity = Fraction(text["price"]), Fraction(text["quantity"])
    assert (left_price, left_quantity) == (price, quantity)
    assert left_price <= asked_price(case) if case.side is Side.BUY else left_price >= asked_price(case)
    assert all(left_price * left_quantity <= spend for spend in spends)
    assert all(left_quantity <= size for size in sizes)
    if case.side is Side.BUY:
        assert left_price * left_quantity <= Fraction(case.balance) or not case.by_spend
    return True


def shown(value: Fraction) -> str:
    """Plain digits of a fraction on a decimal grid."""
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")


def run(cases: int, seed: int) -> int:
    """Judge that many cases; how many orders left."""
    random, left = Random(seed), 0
    for _ in range(cases // CASES_A_SET):
        filters = some_filters(random)
        traded = read(filters)
        for _ in range(CASES_A_SET):
            case = some_case(random)
            try:
                left += judge(case, filters, traded)
            except AssertionError as error:
                raise AssertionError(f"{error}\nfilters {filters}\n{case}\nsent {sent(case, traded)}") from error
    return left


def test_random_orders_pass_random_filters_and_never_ask_for_more() -> None:
    """20,000 cases: what leaves is what the second witness would have sent, and what it would not stays here."""
    assert run(20_000, seed=1) > 2_000


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_million_random_orders_pass_random_filters_and_never_ask_for_more() -> None:
    """A million cases, from another seed at each run; the seed is in the error."""
    seed = int.from_bytes(os.urandom(4), "big")
    try:
        assert run(1_000_000, seed) > 100_000
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize(
    ("change", "price", "quantity"),
    [
        ({}, "9999.5", "0.00123456"),
        ({"PRICE_FILTER": {"tickSize": "0.25"}}, "9999.6", "0.001"),
        ({"LOT_SIZE": {"stepSize": "0.001"}}, "9999.5", "0.0015"),
        ({"NOTIONAL": {"minNotional": "100000"}}, "9999.5", "0.001"),
        ({"PERCENT_PRICE": {"multiplierUp": "0.5", "multiplierDown": "0.1"}}, "9999.5", "0.001"),
        ({}, "1E+4", "0.001"),
        ({}, "9999.5", "0.000000001"),
    ],
)
def test_the_witness_itself_can_tell(change: Filters, price: str, quantity: str) -> None:
    """The first order passes without filters; each of the others breaks one thing and is refused for it."""
    found = refusals(change, {"price": price, "quantity": quantity, "side": "BUY"}, Fraction(10_000))
    assert len(found) == (0 if (change, price, quantity) == ({}, "9999.5", "0.00123456") else 1)


def test_a_grid_that_is_switched_off_leaves_the_venues_decimals() -> None:
    """Tick and step 0: eight decimals are still the most that leaves, or the venue would refuse the precision."""
    filters: Filters = {"PRICE_FILTER": {"tickSize": "0"}, "LOT_SIZE": {"stepSize": "0"}}
    traded = read(filters)
    assert (traded.tick, traded.step) == (Decimal("1e-8"), Decimal("1e-8"))
    assert number(filters, "LOT_SIZE", "stepSize") == 0
    case = Case(
        Side.BUY, Decimal(3), Decimal(3), Decimal(0), Decimal(3), Decimal(1), Decimal(1), by_spend=True, most=None
    )
    assert (sent(case, traded) or {})["quantity"] == "0.33333333"


def everything(filters: Filters) -> list[Any]:
    """All figures of a filter set."""
    return [value for fields in filters.values() for value in fields.values()]


def test_the_cases_are_as_varied_as_they_should_be() -> None:
    """Ticks from 0.00000001 to 10, steps from 0.00000001 to 1, MARKET step 0, caps and both kinds of percent bands."""
    random = Random(2)
    sets = [some_filters(random) for _ in range(400)]
    assert {Fraction(one["PRICE_FILTER"]["tickSize"]) for one in sets} >= {Fraction("0.01"), Fraction(10), Fraction(0)}
    assert {Fraction(one["LOT_SIZE"]["stepSize"]) for one in sets} >= {Fraction("1e-8"), Fraction(1)}
    assert {kind for one in sets for kind in one} >= {
        "NOTIONAL",
        "MIN_NOTIONAL",
        "PERCENT_PRICE",
        "PERCENT_PRICE_BY_SIDE",
    }
    assert all(one["MARKET_LOT_SIZE"]["stepSize"] == "0.00000000" for one in sets)
    assert {"9000000.00000000", "20000"} <= {value for one in sets for value in everything(one)}
