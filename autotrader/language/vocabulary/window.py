"""The word over a moving window of minutes: `change(1h)`."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import abnormal, fresh_ticker
from autotrader.language.vocabulary.word import Param, Word, literal_of
from autotrader.market.answers import Answer, Missing
from autotrader.market.needs import CandleNeed, Need, TickerNeed
from autotrader.market.timeframe import candle_text
from autotrader.money import CONTEXT, HUNDRED, over, times
from autotrader.times import MINUTE_MS

if TYPE_CHECKING:
    from autotrader.market.sources import Sources


def _minutes(term: Term) -> int:
    return int(literal_of(term, 0).value) // MINUTE_MS


def _needs(term: Term) -> frozenset[Need]:
    return frozenset({TickerNeed(term.symbol), CandleNeed(term.symbol, "1m", _minutes(term) + 2)})


def _change(term: Term, sources: Sources) -> Answer:
    """Percent from the close of the 1m candle that ended that long ago to the last price."""
    ticker = fresh_ticker(term.symbol, sources)
    if isinstance(ticker, Missing):
        return ticker
    candles = sources.snapshot.candles(term.symbol, "1m")
    if isinstance(candles, str):
        return Missing(f"1m candles: {candles}")
    blocked = abnormal(sources)
    if blocked:
        return blocked
    open_ms = (sources.now_ms - _minutes(term) * MINUTE_MS) // MINUTE_MS * MINUTE_MS - MINUTE_MS
    index = int(candles.open_ms.searchsorted(open_ms))
    if index >= len(candles) or int(candles.open_ms[index]) != open_ms:
        return Missing(f"the 1m candle of {candle_text(open_ms, '1m', sources.zone)} is not there")
    before = Decimal(repr(float(candles.close[index])))
    if not before.is_finite() or before <= 0:
        return Missing(f"the 1m candle of {candle_text(open_ms, '1m', sources.zone)} has no price")
    return over(times(HUNDRED, CONTEXT.subtract(ticker.last, before)), before)


WORDS: tuple[Word, ...] = (
    Word(
        name="change", group="window", measure="percent", lowest=Decimal(-100), needs=_needs, read=_change,
        params=(Param("window", "duration", Decimal(MINUTE_MS), Decimal(7 * 86_400_000)),),
        english="the change over {0}", japanese="過去{0}の変化率",
        note="`last` against the close of the 1-minute candle that ended that long ago; whole minutes, up to 7 days.",
    ),
)  # fmt: skip
