"""The simulator's symbols: their figures, and the exchangeInfo entry made of them.

Values are synthetic (no recorded exchangeInfo of a JPY pair is public) but
consistent with what is known; tests vary them through ``replace``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

D = Decimal
ORDER_TYPES = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
FLAGS = (
    "icebergAllowed", "ocoAllowed", "otoAllowed", "opoAllowed", "quoteOrderQtyMarketAllowed", "allowTrailingStop",
    "cancelReplaceAllowed", "amendAllowed",
)  # fmt: skip
PREVENTION = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
"""The modes of self-trade prevention that the recorded symbol of 2026 allowed; NONE was not among them."""
STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """One tradable pair. Prices in the quote asset, quantities in the base asset; 0 disables a bound."""

    symbol: str
    base: str
    quote: str
    tick: Decimal = D(1)
    min_price: Decimal = D(1)
    max_price: Decimal = D(100_000_000)
    step: Decimal = D("0.000001")
    min_qty: Decimal = D("0.000001")
    max_qty: Decimal = D(9000)
    market_step: Decimal = D(0)
    market_min_qty: Decimal = D(0)
    market_max_qty: Decimal = D(50)
    min_notional: Decimal = D(100)
    max_notional: Decimal = D(1_000_000_000)
    apply_min_to_market: bool = True
    apply_max_to_market: bool = False
    bid_up: Decimal = D(5)
    bid_down: Decimal = D("0.2")
    ask_up: Decimal = D(5)
    ask_down: Decimal = D("0.2")
    avg_price_mins: int = 5
    max_orders: int = 200
    max_position: Decimal = D(0)
    """0: the symbol has no MAX_POSITION filter."""
    old_style: bool = False
    """Shows MIN_NOTIONAL and PERCENT_PRICE in place of NOTIONAL and PERCENT_PRICE_BY_SIDE."""
    status: str = "TRADING"
    precision: int = 8
    permission_sets: tuple[tuple[str, ...], ...] = (("SPOT", "MARGIN"),)
    order_types: tuple[str, ...] = ORDER_TYPES
    allowed: frozenset[str] = frozenset(FLAGS)
    """Which of exchangeInfo's permission flags are true."""
    prevention: str = "EXPIRE_MAKER"
    """The mode of self-trade prevention of orders that name none."""
    prevention_modes: tuple[str, ...] = PREVENTION
    iceberg_parts: int = 100
    trailing: tuple[int, int, int, int] = (10, 2000, 10, 2000)
    """Bounds of trailingDelta in bips: least and most of "above" orders, least and most of "below" orders."""
    max_algo_orders: int = 5
    max_iceberg_orders: int = 0
    max_lists: int = 20
    max_amends: int = 10
    price_range: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None] | None = None
    """The PRICE_RANGE execution rule: bid up, bid down, ask up, ask down; None is not enforced."""
    bnb_fees: bool = True
    """Whether commissions on this symbol may be paid in BNB."""
    start_price: Decimal = D(10_000_000)
    """Where a generated market begins."""
    depth_unit: Decimal = D("0.05")
    """The size of a level behind the best one (base asset); see ``quotes.deeper``."""


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """Limits of one account over all symbols; 0: the exchange has no such filter."""

    max_orders: int = 0
    max_algo_orders: int = 0
    max_iceberg_orders: int = 0
    max_lists: int = 0


EXCHANGE_FILTERS = (
    ("max_orders", "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders"),
    ("max_algo_orders", "EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
    ("max_iceberg_orders", "EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders"),
    ("max_lists", "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
)


def exchange_filters(limits: ExchangeLimits) -> list[dict[str, Any]]:
    """The exchangeFilters of exchangeInfo and myFilters."""
    values = ((name, key, getattr(limits, field)) for field, name, key in EXCHANGE_FILTERS)
    return [{"filterType": name, key: value} for name, key, value in values if value]


DEFAULT_SYMBOLS: dict[str, SymbolSpec] = {
    "BTCJPY": SymbolSpec("BTCJPY", "BTC", "JPY"),
    "ETHJPY": SymbolSpec(
        "ETHJPY", "ETH", "JPY", max_price=D(10_000_000), step=D("0.0001"), min_qty=D("0.0001"),
        market_max_qty=D(500), start_price=D(500_000), depth_unit=D(1),
    ),
    "BNBJPY": SymbolSpec(
        "BNBJPY", "BNB", "JPY", max_price=D(10_000_000), step=D("0.0001"), min_qty=D("0.0001"),
        market_max_qty=D(1000), start_price=D(100_000), depth_unit=D(4),
    ),
}  # fmt: skip


def text(value: Decimal) -> str:
    """A price, quantity or amount as the venue writes it: eight decimals, no exponent."""
    return f"{value:.8f}"


def filters(spec: SymbolSpec) -> list[dict[str, Any]]:
    """The filter list as exchangeInfo shows it."""
    shown: list[dict[str, Any]] = [
        {"filterType": "PRICE_FILTER", "minPrice": text(spec.min_price), "maxPrice": text(spec.max_price),
         "tickSize": text(spec.tick)},
        {"filterType": "LOT_SIZE", "minQty": text(spec.min_qty), "maxQty": text(spec.max_qty),
         "stepSize": text(spec.step)},
        {"filterType": "ICEBERG_PARTS", "limit": spec.iceberg_parts},
        {"filterType": "MARKET_LOT_SIZE", "minQty": text(spec.market_min_qty), "maxQty": text(spec.market_max_qty),
         "stepSize": text(spec.market_step)},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": spec.trailing[0],
         "maxTrailingAboveDelta": spec.trailing[1], "minTrailingBelowDelta": spec.trailing[2],
         "maxTrailingBelowDelta": spec.trailing[3]},
        *_money_filters(spec),
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": spec.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": spec.max_lists},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": spec.max_algo_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": spec.max_amends},
    ]  # fmt: skip
    if spec.max_iceberg_orders:
        shown.append({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": spec.max_iceberg_orders})
    if spec.max_position:
        shown.append({"filterType": "MAX_POSITION", "maxPosition": text(spec.max_position)})
    return shown


def _money_filters(spec: SymbolSpec) -> list[dict[str, Any]]:
    minutes = spec.avg_price_mins
    if spec.old_style:
        return [
            {"filterType": "PERCENT_PRICE", "multiplierUp": str(spec.bid_up), "multiplierDown": str(spec.bid_down),
             "avgPriceMins": minutes},
            {"filterType": "MIN_NOTIONAL", "minNotional": text(spec.min_notional),
             "applyToMarket": spec.apply_min_to_market, "avgPriceMins": minutes},
        ]  # fmt: skip
    return [
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": str(spec.bid_up),
         "bidMultiplierDown": str(spec.bid_down), "askMultiplierUp": str(spec.ask_up),
         "askMultiplierDown": str(spec.ask_down), "avgPriceMins": minutes},
        {"filterType": "NOTIONAL", "minNotional": text(spec.min_notional),
         "applyMinToMarket": spec.apply_min_to_market, "maxNotional": text(spec.max_notional),
         "applyMaxToMarket": spec.apply_max_to_market, "avgPriceMins": minutes},
    ]  # fmt: skip


def symbol_info(spec: SymbolSpec, status: str, *, permission_sets: bool) -> dict[str, Any]:
    """The exchangeInfo entry of a symbol."""
    return {
        "symbol": spec.symbol,
        "status": status,
        "baseAsset": spec.base,
        "baseAssetPrecision": spec.precision,
        "quoteAsset": spec.quote,
        "quotePrecision": spec.precision,
        "quoteAssetPrecision": spec.precision,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(spec.order_types),
        **{flag: flag in spec.allowed for flag in FLAGS},
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(spec),
        "permissions": [],
        "permissionSets": [list(names) for names in spec.permission_sets] if permission_sets else [],
        "defaultSelfTradePreventionMode": spec.prevention,
        "allowedSelfTradePreventionModes": list(spec.prevention_modes),
    }
