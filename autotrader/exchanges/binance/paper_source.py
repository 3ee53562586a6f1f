"""Public data of a Binance venue for the paper broker: instruments, order book, trades and average price.

Weight per look (docs/venue.md §2.2): 4 for each page of trades of a symbol in which paper orders rest, and for each
new order 20 for the symbol's status, 5 for its book of 100 levels and 2 for the average price where the symbol has a
percent filter. The status is read for each order, because a real one would meet the market as it is then.
"""

from __future__ import annotations

from collections.abc import Sequence

from autotrader.exchanges.binance.endpoints import PublicCalls
from autotrader.exchanges.binance.instruments import Instruments
from autotrader.exchanges.paper import PaperSource, PublicTrade
from autotrader.market.instrument import Instrument

LEVELS = 100
PAGE = 1_000


def venue_source(calls: PublicCalls, instruments: Instruments) -> PaperSource:
    """The paper broker's source at a venue. Its calls raise ExchangeUnavailable or ExchangeRefused."""

    def instrument(symbol: str) -> Instrument | None:
        return instruments.get([symbol], within_ms=0).get(symbol)

    def trades(symbol: str, from_id: int | None, from_ms: int) -> Sequence[PublicTrade]:
        return calls.agg_trades(symbol, from_id, (from_ms, None) if from_id is None else (None, None), PAGE)

    return PaperSource(
        instrument=instrument,
        book=lambda symbol: calls.depth(symbol, LEVELS),
        trades=trades,
        average=lambda symbol: calls.average_price(symbol).price,
    )
