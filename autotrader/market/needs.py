"""What rules need to see, as values. Conditions never fetch: they name needs, the plan merges them.

A need is the question, without the answer's age limit; what it costs is known to the exchange alone.
"""

from __future__ import annotations

from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class TickerNeed:
    """The rolling 24 hour ticker of a symbol (FULL: with the change in percent)."""

    symbol: str


@dataclass(frozen=True, slots=True)
class TradingDayNeed:
    """The ticker of the calendar day in the account's zone."""

    symbol: str


@dataclass(frozen=True, slots=True)
class BookNeed:
    """The best `levels` levels of the order book on each side."""

    symbol: str
    levels: int


@dataclass(frozen=True, slots=True)
class CandleNeed:
    """At least the last `count` closed candles."""

    symbol: str
    timeframe: str
    count: int


@dataclass(frozen=True, slots=True)
class BalancesNeed:
    """Balances of the whole account."""


@dataclass(frozen=True, slots=True)
class OpenOrdersNeed:
    """All open orders of a symbol, ours and foreign ones."""

    symbol: str


@dataclass(frozen=True, slots=True)
class StatusNeed:
    """Whether the exchange runs normally (system status)."""


Need = TickerNeed | TradingDayNeed | BookNeed | CandleNeed | BalancesNeed | OpenOrdersNeed | StatusNeed
MarketNeed = TickerNeed | TradingDayNeed | BookNeed | CandleNeed | StatusNeed
AccountNeed = BalancesNeed | OpenOrdersNeed


def merged(needs: frozenset[Need]) -> frozenset[Need]:
    """Drop what a larger need already answers: fewer levels, fewer candles of the same series."""
    largest: dict[tuple[object, ...], Need] = {}
    for need in needs:
        match need:
            case BookNeed(symbol, levels):
                key: tuple[object, ...] = ("book", symbol)
                if key not in largest or levels > _levels(largest[key]):
                    largest[key] = need
            case CandleNeed(symbol, timeframe, count):
                key = ("candles", symbol, timeframe)
                if key not in largest or count > _count(largest[key]):
                    largest[key] = need
            case _:
                largest[(need,)] = need
    return frozenset(largest.values())


def _levels(need: Need) -> int:
    return need.levels if isinstance(need, BookNeed) else 0


def _count(need: Need) -> int:
    return need.count if isinstance(need, CandleNeed) else 0
