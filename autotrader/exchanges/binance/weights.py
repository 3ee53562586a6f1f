"""What requests weigh, and what needs cost a minute once merged (docs/venue.md §2.1; `/sapi` counts apart and is
small, so it is priced as if it were one pool).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from autotrader.market.needs import (
    AccountNeed,
    BalancesNeed,
    BookNeed,
    CandleNeed,
    MarketNeed,
    OpenOrdersNeed,
    StatusNeed,
    TickerNeed,
    TradingDayNeed,
)  # fmt: skip
from autotrader.market.timeframe import approximate_ms
from autotrader.money import over
from autotrader.times import MINUTE_MS

DEFAULT_LIMIT: Final = 6000  # a minute; exchangeInfo tells the true one
TICKERS_AT_ONCE: Final = 20  # 24hr: 2 for up to 20 symbols, 40 from 21 on
DAYS_AT_ONCE: Final = 50
OPEN_ORDERS_ONE: Final = 6
OPEN_ORDERS_ALL: Final = 80
ALL_ORDERS_FROM: Final = OPEN_ORDERS_ALL // OPEN_ORDERS_ONE + 1  # symbols from which one request for all is cheaper


def depth(limit: int) -> int:
    """Weight of an order book of `limit` levels."""
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def tickers(symbols: int) -> int:
    """Weight of 24 hour tickers asked by `symbols` names at once."""
    return 2 if symbols <= 20 else 40 if symbols <= 100 else 80


def trading_days(symbols: int) -> int:
    """Weight of trading-day tickers."""
    return min(4 * symbols, 200)


def best_prices(symbols: int) -> int:
    """Weight of ticker/price or ticker/bookTicker."""
    return 2 if symbols == 1 else 4


def open_orders(symbols: int) -> int:
    """Weight of the open orders of one symbol; of all where that is 0."""
    return OPEN_ORDERS_ONE if symbols else OPEN_ORDERS_ALL


def per_minute(periods: Mapping[MarketNeed | AccountNeed, int]) -> dict[MarketNeed | AccountNeed, Decimal]:
    """Weight per minute of each need, given the period in milliseconds at which it is asked. What a merged request
    weighs is shared equally by the needs in it.
    """
    kinds = Counter(_group(need) for need in periods)
    return {need: _per_minute(need, period, kinds[_group(need)]) for need, period in periods.items()}


def _group(need: MarketNeed | AccountNeed) -> str:
    if isinstance(need, BookNeed):
        return "best" if need.levels == 1 else "depth"
    return type(need).__name__


def _per_minute(need: MarketNeed | AccountNeed, period_ms: int, together: int) -> Decimal:
    match need:
        case TickerNeed():
            weight = over(Decimal(2 * -(-together // TICKERS_AT_ONCE)), Decimal(together))
        case TradingDayNeed():
            weight = over(Decimal(trading_days(min(together, DAYS_AT_ONCE))), Decimal(min(together, DAYS_AT_ONCE)))
        case BookNeed(levels=1):
            weight = over(Decimal(best_prices(together)), Decimal(together))
        case BookNeed(levels=levels):
            weight = Decimal(depth(levels))
        case CandleNeed(timeframe=timeframe):
            # The feed asks only when a new candle can have closed, however often rules look.
            weight, period_ms = Decimal(2), max(period_ms, approximate_ms(timeframe))
        case BalancesNeed():
            weight = Decimal(20)
        case OpenOrdersNeed():
            each = OPEN_ORDERS_ONE * together
            weight = over(Decimal(min(each, OPEN_ORDERS_ALL)), Decimal(together))
        case StatusNeed():
            weight = Decimal(1)
    return over(weight * MINUTE_MS, Decimal(max(period_ms, 1)))
