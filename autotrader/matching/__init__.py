"""Price-time matching, pure: used by the simulator, the paper broker and the backtest.

Strategy: four small parts that share one value, the price level.

* ``taker``   what an order that takes liquidity gets from given levels,
* ``resting`` what the market's trades give to orders that wait,
* ``book``    both together: a market given from outside (best quote, deeper
  levels, flow of trades) and own orders that queue behind it,
* ``prevention``  what is done where an owner would trade with themselves.

Nothing here reads a clock, draws a random number or does input or output.
All figures are Decimals; quantities are in the base asset, prices in the quote asset.
"""

from autotrader.matching.book import Course, Match, MatchingBook, Placement, TimeInForce
from autotrader.matching.resting import (
    Level,
    MarketTrade,
    RestingFill,
    RestingOrder,
    Side,
    better,
    crosses,
    fills_through,
    opposite,
)
from autotrader.matching.taker import Prevented, Terms, Waiting, filled, notional, walk, walk_value

__all__ = [
    "Course",
    "Level",
    "MarketTrade",
    "Match",
    "MatchingBook",
    "Placement",
    "Prevented",
    "RestingFill",
    "RestingOrder",
    "Side",
    "Terms",
    "TimeInForce",
    "Waiting",
    "better",
    "crosses",
    "filled",
    "fills_through",
    "notional",
    "opposite",
    "walk",
    "walk_value",
]
