"""Words about the data and the connection itself. An age never goes stale: it is what tells that something else did."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import STATUS_MS, stale
from autotrader.language.vocabulary.word import Param, Word, literal_of
from autotrader.market.answers import Answer, Missing
from autotrader.market.candles import Candles
from autotrader.market.needs import BalancesNeed, BookNeed, CandleNeed, Need, OpenOrdersNeed, StatusNeed, TickerNeed
from autotrader.money import ZERO

if TYPE_CHECKING:
    from autotrader.market.sources import Sources

AGES = ("ticker", "book", "candles", "balances", "orders")


def _age_need(term: Term) -> frozenset[Need]:
    needs: dict[str, Need] = {
        "ticker": TickerNeed(term.symbol),
        "book": BookNeed(term.symbol, 1),
        "balances": BalancesNeed(),
        "orders": OpenOrdersNeed(term.symbol),
    }
    found = needs.get(str(term.args[0]))
    return frozenset({found}) if found else frozenset()


def _asked(what: str, symbol: str, sources: Sources) -> int | str:
    """When the newest answer was asked for, or why there is none."""
    snapshot, account = sources.snapshot, sources.account
    if what == "balances":
        return (
            account.missing.get(what, "not fetched") if account.balances_asked_ms is None else account.balances_asked_ms
        )
    if what == "orders":
        return account.orders_asked_ms.get(symbol, account.missing.get(symbol, "not fetched"))
    if what == "candles":
        lost = (why for need, why in snapshot.missing.items() if isinstance(need, CandleNeed) and need.symbol == symbol)
        if (reason := next(lost, None)) is not None:
            return reason  # the oldest is the one that did not come
        series = [
            seen.asked_ms
            for need, seen in snapshot.seen.items()
            if isinstance(need, CandleNeed) and need.symbol == symbol and isinstance(seen, Candles)
        ]
        return min(series) if series else "no candles of this symbol were fetched"
    found = snapshot.ticker(symbol) if what == "ticker" else snapshot.book(symbol)
    return found if isinstance(found, str) else found.asked_ms


def _age(term: Term, sources: Sources) -> Answer:
    what = str(term.args[0])
    asked = _asked(what, term.symbol, sources)
    return Missing(f"{what}: {asked}") if isinstance(asked, str) else Decimal(max(0, sources.now_ms - asked))


def _errors(term: Term, sources: Sources) -> Answer:
    start = sources.now_ms - int(literal_of(term, 0).value)
    return Decimal(sum(1 for at in sources.record.errors_ms if start < at <= sources.now_ms))


def _skew(_term: Term, sources: Sources) -> Answer:
    skew = sources.health.clock_skew_ms
    return Missing("the clock was not yet compared with the exchange's") if skew is None else Decimal(abs(skew))


def _weight(_term: Term, sources: Sources) -> Answer:
    used = sources.health.weight_used
    return Missing("the exchange has not yet stated the used weight") if used is None else used


def _normal(_term: Term, sources: Sources) -> Answer:
    status = sources.snapshot.status()
    if isinstance(status, str):
        return Missing(f"system status: {status}")
    return stale("system status", status.asked_ms, STATUS_MS, sources.now_ms) or status.normal


def _status_need(_term: Term) -> frozenset[Need]:
    return frozenset({StatusNeed()})


WORDS: tuple[Word, ...] = (
    Word(
        name="age", group="health", measure="duration", params=(Param("what", "choice", choices=AGES),), lowest=ZERO,
        english="how old the {0} data is", japanese="{0}データの経過時間", needs=_age_need, read=_age,
        note="Counted from the moment the request left. `age(candles)` is that of the oldest series "
        "fetched for the symbol.",
    ),
    Word(
        name="errors", group="health", measure="count", per="account", lowest=ZERO, read=_errors,
        params=(Param("window", "duration", Decimal(60_000), Decimal(86_400_000)),),
        english="failed requests and orders of unknown fate in the last {0}", japanese="過去{0}の失敗リクエスト数",
    ),
    Word(
        name="clock_skew", group="health", measure="duration", per="account", lowest=ZERO, read=_skew,
        english="how far the local clock is off", japanese="時計のずれ", note="Without sign.",
    ),
    Word(
        name="weight_used", group="health", measure="percent", per="account", lowest=ZERO, read=_weight,
        english="the used part of the exchange's request weight", japanese="リクエスト重みの使用率",
    ),
    Word(
        name="exchange is normal", group="health", measure="flag", per="account", needs=_status_need, read=_normal,
        english="the exchange runs normally", japanese="取引所が正常に稼働している",
        note="A condition by itself. While the exchange is known not to be normal, words of its market are unknown.",
    ),
)  # fmt: skip
