"""How old an answer may be before it is no answer (docs/language.md §4), and the phrases that say so.

Ages are measured from the moment the request left: the venue's book and price replies carry no time of their own. An
answer of the future is none either: the clock has jumped since, and its age is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrader.market.answers import Missing
from autotrader.market.needs import StatusNeed
from autotrader.times import age_text, span_text

if TYPE_CHECKING:
    from autotrader.market.snapshot import Book, Ticker
    from autotrader.market.sources import Sources

TICKER_MS = 15_000
BOOK_MS = 10_000
ACCOUNT_MS = 30_000
STATUS_MS = 300_000
AHEAD_MS = 2_000  # a re-sync may move the venue's time back by this much under an answer


def stale(name: str, asked_ms: int, limit_ms: int, now_ms: int) -> Missing | None:
    """Missing where something is older than its limit, or of the future."""
    age = now_ms - asked_ms
    if -AHEAD_MS <= age <= limit_ms:
        return None
    verb = "are" if name in {"balances", "open orders"} else "is"
    if age < 0:
        return Missing(f"{name} {verb} of the future: the clock went back by {age_text(-age)}")
    return Missing(f"{name} {verb} {age_text(age)} old (limit {span_text(limit_ms)})")


def abnormal(sources: Sources) -> Missing | None:
    """Missing while the exchange does not run normally, and where it was asked and that is not known: maintenance
    would look the same. Where nobody asked (rules that only tell) it is taken to be normal.
    """
    status = sources.snapshot.status()
    if isinstance(status, str):
        asked = StatusNeed() in sources.snapshot.missing
        return Missing(f"whether the exchange runs normally is not known: {status}") if asked else None
    if not status.normal:
        return Missing(f"the exchange is not normal: {status.message}".removesuffix(": "))
    return stale("system status", status.asked_ms, STATUS_MS, sources.now_ms)


def fresh_ticker(symbol: str, sources: Sources) -> Ticker | Missing:
    """The 24 hour ticker, if it may be used."""
    found = sources.snapshot.ticker(symbol)
    if isinstance(found, str):
        return Missing(f"ticker: {found}")
    return abnormal(sources) or stale("ticker", found.asked_ms, TICKER_MS, sources.now_ms) or found


def fresh_day(symbol: str, sources: Sources) -> Ticker | Missing:
    """The trading-day ticker, if it may be used."""
    found = sources.snapshot.trading_day(symbol)
    if isinstance(found, str):
        return Missing(f"trading-day ticker: {found}")
    return abnormal(sources) or stale("trading-day ticker", found.asked_ms, TICKER_MS, sources.now_ms) or found


def fresh_book(symbol: str, sources: Sources) -> Book | Missing:
    """The order book, if it may be used."""
    found = sources.snapshot.book(symbol)
    if isinstance(found, str):
        return Missing(f"book: {found}")
    return abnormal(sources) or stale("book", found.asked_ms, BOOK_MS, sources.now_ms) or found
