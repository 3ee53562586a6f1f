"""Words of the 24 hour ticker and of the exchange's trading day."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import fresh_day, fresh_ticker
from autotrader.language.vocabulary.word import Measure, Word
from autotrader.market.answers import Answer, Missing
from autotrader.market.needs import Need, TickerNeed, TradingDayNeed

if TYPE_CHECKING:
    from autotrader.market.sources import Sources

_ZERO = Decimal(0)
_LOSS_OF_ALL = Decimal(-100)


def _ticker_need(term: Term) -> frozenset[Need]:
    return frozenset({TickerNeed(term.symbol)})


def _day_need(term: Term) -> frozenset[Need]:
    return frozenset({TradingDayNeed(term.symbol)})


def _of_ticker(attribute: str) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        found = fresh_ticker(term.symbol, sources)
        if isinstance(found, Missing):
            return found
        value: Decimal = getattr(found, attribute)
        return value

    return read


def _of_day(attribute: str) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        found = fresh_day(term.symbol, sources)
        if isinstance(found, Missing):
            return found
        value: Decimal = getattr(found, attribute)
        return value

    return read


def _ticker(name: str, attribute: str, measure: Measure, english: str, japanese: str) -> Word:
    lowest = _LOSS_OF_ALL if measure == "percent" else _ZERO
    return Word(
        name=name, group="ticker", measure=measure, english=english, japanese=japanese, lowest=lowest,
        needs=_ticker_need, read=_of_ticker(attribute),
    )  # fmt: skip


def _day(name: str, attribute: str, measure: Measure, english: str, japanese: str) -> Word:
    lowest = _LOSS_OF_ALL if measure == "percent" else _ZERO
    return Word(
        name=name, group="trading day", measure=measure, english=english, japanese=japanese, lowest=lowest,
        needs=_day_need, read=_of_day(attribute),
    )  # fmt: skip


WORDS: tuple[Word, ...] = (
    _ticker("last", "last", "price", "the last traded price", "直近の約定価格"),
    _ticker("change_24h", "change", "percent", "the change over 24 hours", "24時間の変化率"),
    _ticker("open_24h", "open", "price", "the price 24 hours ago", "24時間前の価格"),
    _ticker("high_24h", "high", "price", "the highest price of 24 hours", "24時間の高値"),
    _ticker("low_24h", "low", "price", "the lowest price of 24 hours", "24時間の安値"),
    _ticker("volume_24h", "volume", "base", "the volume of 24 hours", "24時間の出来高(基軸数量)"),
    _ticker("turnover_24h", "turnover", "quote", "the turnover of 24 hours", "24時間の売買代金"),
    _day("open_day", "open", "price", "the first price of the day", "当日の始値"),
    _day("high_day", "high", "price", "the highest price of the day", "当日の高値"),
    _day("low_day", "low", "price", "the lowest price of the day", "当日の安値"),
    _day("change_day", "change", "percent", "the change since the day began", "当日の変化率"),
    _day("volume_day", "volume", "base", "the volume of the day", "当日の出来高(基軸数量)"),
)
