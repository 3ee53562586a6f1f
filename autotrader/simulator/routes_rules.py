"""Less common reading: the account's filters, execution rules, reference prices, amendments, prevented matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrader.simulator import params
from autotrader.simulator.candles import page_range
from autotrader.simulator.errors import ApiError, bad_combination
from autotrader.simulator.orders import amendment, prevented_match
from autotrader.simulator.protocol import Call, Route, fixed
from autotrader.simulator.routes_account import find
from autotrader.simulator.symbols import exchange_filters, filters, text

NO_REFERENCE = "This symbol doesn't have a reference price."
MULTIPLIERS = ("bidLimitMultUp", "bidLimitMultDown", "askLimitMultUp", "askLimitMultDown")
STATUS = params.one_of(-1122, "Invalid symbolStatus.", "TRADING", "HALT", "BREAK")


def _my_filters(call: Call) -> Any:
    spec = call.exchange.market(call.values["symbol"]).spec
    limits = call.owner.account.max_assets
    return {
        "exchangeFilters": exchange_filters(call.exchange.engine.limits),
        "symbolFilters": filters(spec),
        "assetFilters": [
            {"filterType": "MAX_ASSET", "asset": asset, "limit": text(limits[asset])}
            for asset in (spec.base, spec.quote)
            if asset in limits
        ],
    }


def _execution_rules(call: Call) -> Any:
    chosen = [name for name in ("symbol", "symbols", "symbolStatus") if name in call.values]
    if len(chosen) > 1:
        raise bad_combination()
    if "symbol" in call.values:
        markets = [call.exchange.market(call.values["symbol"])]
    elif "symbols" in call.values:
        markets = [call.exchange.market(name) for name in call.values["symbols"]]
    else:
        status = call.get("symbolStatus")
        every = call.exchange.markets.values()
        markets = [m for m in every if status in (None, call.exchange.status(m.spec.symbol))]
    rules = ((market.spec.symbol, market.spec.price_range) for market in markets)
    return {"symbolRules": [{"symbol": name, "rules": [_rule(rule)]} for name, rule in rules if rule is not None]}


def _rule(factors: tuple[Any, ...]) -> dict[str, Any]:
    named = zip(MULTIPLIERS, factors, strict=True)
    return {"ruleType": "PRICE_RANGE"} | {name: text(factor) for name, factor in named if factor is not None}


def _reference_price(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    known = call.exchange.engine.references.get(symbol)
    if known is None:
        raise ApiError(-2043, NO_REFERENCE)
    price, time = known
    return {"symbol": symbol, "referencePrice": None if price is None else text(price), "timestamp": time}


def _amendments(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    order = find(call.owner, symbol, call.values["orderId"], None)
    if order is None:
        raise ApiError(-2013, "Order does not exist.")
    first, last = page_range(
        [change.execution_id for change in order.amendments], call.get("fromExecutionId"), None, call.limit(500, 1000)
    )
    return [amendment(order, change) for change in order.amendments[first:last]]


_COMBINATIONS: tuple[set[str], ...] = ({"preventedMatchId"}, {"orderId"}, {"orderId", "fromPreventedMatchId"})


def _prevented(call: Call) -> Any:
    symbol = call.exchange.market(call.values["symbol"]).spec.symbol
    if call.values.keys() - {"symbol", "limit"} not in _COMBINATIONS:
        raise bad_combination()
    matches = call.owner.prevented.get(symbol, [])
    if "preventedMatchId" in call.values:
        return [prevented_match(match) for match in matches if match.id == call.values["preventedMatchId"]]
    number = call.values["orderId"]
    matches = [match for match in matches if number in (match.taker_id, match.maker_id)]
    first, last = page_range(
        [match.id for match in matches], call.get("fromPreventedMatchId", 0), None, call.limit(500, 1000)
    )
    return [prevented_match(match) for match in matches[first:last]]


def _none(call: Call) -> Any:
    """Block trades and smart order routing do not happen here: their lists are empty."""
    call.exchange.market(call.values["symbol"])
    return []


def _rules_weight(given: Mapping[str, str]) -> int:
    if "symbol" in given:
        return 2
    return min(40, 2 * (given["symbols"].count(",") + 1)) if "symbols" in given else 40


def _prevented_weight(given: Mapping[str, str]) -> int:
    return 2 if "preventedMatchId" in given else 20


_SYMBOL = {"symbol": params.symbol}
_RULES = _SYMBOL | {"symbols": params.symbols, "symbolStatus": STATUS}
_AMENDMENTS = _SYMBOL | {"orderId": params.long, "fromExecutionId": params.long, "limit": params.positive}
_PREVENTED = _SYMBOL | {
    "preventedMatchId": params.long,
    "orderId": params.long,
    "fromPreventedMatchId": params.long,
    "limit": params.positive,
}
_BLOCKS = _SYMBOL | {"fromId": params.long, "limit": params.positive}
_ALLOCATIONS = _SYMBOL | {
    "startTime": params.time,
    "endTime": params.time,
    "fromAllocationId": params.long,
    "orderId": params.long,
    "limit": params.positive,
}
_V3 = "/api/v3/"
_READ = "USER_DATA"

ROUTES: tuple[Route, ...] = (
    Route("GET", _V3 + "myFilters", _my_filters, fixed(40), _SYMBOL, ("symbol",), _READ),
    Route("GET", _V3 + "executionRules", _execution_rules, _rules_weight, _RULES),
    Route("GET", _V3 + "referencePrice", _reference_price, fixed(2), _SYMBOL, ("symbol",)),
    Route("GET", _V3 + "order/amendments", _amendments, fixed(4), _AMENDMENTS, ("symbol", "orderId"), _READ),
    Route("GET", _V3 + "historicalBlockTrades", _none, fixed(25), _BLOCKS, ("symbol", "fromId")),
    Route("GET", _V3 + "myAllocations", _none, fixed(20), _ALLOCATIONS, ("symbol",), _READ),
    Route("GET", _V3 + "myPreventedMatches", _prevented, _prevented_weight, _PREVENTED, ("symbol",), _READ),
)
