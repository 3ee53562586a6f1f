"""Everything that can be taken from a cycle's sources: each piece of data gone, old, of the future, cut short, holed.

A `Loss` is one such change. What is old tells of another market than today's, so that whoever believes it decides
otherwise. It is what failing requests, refused replies, slow lines and lagging lists leave behind;
none of them adds knowledge. `ages` names what it makes look older or younger: words that ask for that age answer
otherwise then, and are meant to.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from autotrader.language.vocabulary.limits import ACCOUNT_MS, BOOK_MS, STATUS_MS, TICKER_MS
from autotrader.market.account import OwnOrder
from autotrader.market.candles import Candles
from autotrader.market.needs import BookNeed, CandleNeed, Need, StatusNeed, TickerNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Seen, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.orders import Fill
from autotrader.times import DAY_MS, HOUR_MS

REASONS = ("not answered within 8.0 s", "ticker: `lastPrice` is 0", "HTTP 503: the exchange is busy", "not fetched")
_AHEAD_MS = HOUR_MS
_FEW_ROWS = 30
_COLUMNS = ("open_ms", "open", "high", "low", "close", "volume", "turnover")


@dataclass(frozen=True, slots=True)
class Loss:
    """One piece of knowledge less. `kind` for the count of what was tried."""

    kind: str
    about: str
    apply: Callable[[Sources], Sources]
    ages: str = ""

    @property
    def name(self) -> str:
        """For the story."""
        return f"{self.about}: {self.kind}"


def losses(sources: Sources, chance: random.Random) -> list[Loss]:
    """Every loss of these sources, each once; by how much is left to chance."""
    found = [loss for need, seen in sources.snapshot.seen.items() for loss in _of_market(need, seen, chance)]
    found += _of_account(sources, chance)
    for symbol in sources.instruments:
        found += _of_filters(symbol)
    found += _of_record(sources, chance)
    found.append(Loss("gone", "clock skew", lambda s: replace(s, health=replace(s.health, clock_skew_ms=None))))
    found.append(Loss("gone", "used weight", lambda s: replace(s, health=replace(s.health, weight_used=None))))
    return found


# ------------------------------------------------------------------------------------------------------- the market
def _of_market(need: Need, seen: Seen, chance: random.Random) -> Iterator[Loss]:
    about = _named(need)
    reason = chance.choice(REASONS)
    yield Loss("gone", about, lambda s: _without(s, need, reason))
    if isinstance(seen, Candles):
        for kind in ("newest gone", "hole", "few"):
            yield Loss(kind, about, lambda s, kind=kind: _with(s, need, _cut(_candles(s, need), kind)))  # type: ignore[misc]
        return
    subject = "ticker" if isinstance(need, TickerNeed) else "book" if isinstance(need, BookNeed) else ""
    limit = BOOK_MS if subject == "book" else STATUS_MS if isinstance(need, StatusNeed) else TICKER_MS
    older = limit + chance.choice((1, 2_000, HOUR_MS))
    other = Decimal(chance.choice((80, 95, 105, 125))) / 100
    yield Loss("old", about, lambda s: _aged(s, need, s.now_ms - older, other), subject)
    yield Loss("of the future", about, lambda s: _aged(s, need, s.now_ms + _AHEAD_MS, other), subject)
    if isinstance(seen, Book):
        levels = chance.choice((1, 2, 7))
        yield Loss("short", about, lambda s: _shortened(s, need, levels))


def _named(need: Need) -> str:
    frame = f" {need.timeframe}" if isinstance(need, CandleNeed) else ""
    return f"{type(need).__name__.removesuffix('Need').lower()} {getattr(need, 'symbol', '')}{frame}".strip()


def _with(sources: Sources, need: Need, seen: Seen | None) -> Sources:
    if seen is None:
        return sources
    return _snapshot(sources, {**sources.snapshot.seen, need: seen}, dict(sources.snapshot.missing))


def _without(sources: Sources, need: Need, reason: str) -> Sources:
    seen = {other: value for other, value in sources.snapshot.seen.items() if other != need}
    return _snapshot(sources, seen, {**sources.snapshot.missing, need: reason})


def _snapshot(sources: Sources, seen: dict[Need, Seen], missing: dict[Need, str]) -> Sources:
    return replace(sources, snapshot=Snapshot(now_ms=sources.snapshot.now_ms, seen=seen, missing=missing))


def _aged(sources: Sources, need: Need, asked_ms: int, other: Decimal) -> Sources:
    """Asked at another time, when everything was `other` times what it is."""
    seen = sources.snapshot.seen.get(need)
    match seen:
        case Ticker():
            names = ("last", "open", "high", "low", "volume", "turnover")
            prices = {name: getattr(seen, name) * other for name in names}
            return _with(sources, need, replace(seen, asked_ms=asked_ms, change=(other - 1) * 100, **prices))
        case Book():
            bids = tuple((Decimal(round(price * other)), quantity / other) for price, quantity in seen.bids)
            asks = tuple((Decimal(round(price * other) + 1), quantity / other) for price, quantity in seen.asks)
            return _with(sources, need, replace(seen, asked_ms=asked_ms, bids=bids, asks=asks))
        case ExchangeStatus():
            return _with(sources, need, replace(seen, asked_ms=asked_ms, normal=True))
        case _:
            return sources


def _shortened(sources: Sources, need: Need, levels: int) -> Sources:
    book = sources.snapshot.seen.get(need)
    if not isinstance(book, Book):
        return sources
    less = replace(book, bids=book.bids[:levels], asks=book.asks[:levels], asked_levels=min(levels, book.asked_levels))
    return _with(sources, need, less)


def _candles(sources: Sources, need: Need) -> Candles | None:
    found = sources.snapshot.seen.get(need)
    return found if isinstance(found, Candles) else None


@lru_cache(maxsize=256)
def _cut(candles: Candles | None, kind: str) -> Candles | None:
    """Candles without the newest, with a hole just before it, or only the newest few. Kept, for what is computed from
    them is kept with them.
    """
    if candles is None or len(candles) < 3:
        return candles
    import numpy as np

    kept = np.ones(len(candles), dtype=bool)
    if kind == "newest gone":
        kept[-1] = False
    elif kind == "hole":
        kept[-2] = False
    else:
        kept[:-_FEW_ROWS] = False
    columns = {name: getattr(candles, name)[kept] for name in _COLUMNS}
    return replace(candles, **columns, memo={})


# ------------------------------------------------------------------------------------------------------ the account
def _of_account(sources: Sources, chance: random.Random) -> Iterator[Loss]:
    reason, late = chance.choice(REASONS), ACCOUNT_MS + chance.choice((1, 2_000, HOUR_MS))
    yield Loss("gone", "balances", lambda s: _balances_missing(s, reason))
    yield Loss("never asked", "balances", lambda s: _balances_at(s, None))
    yield Loss("old", "balances", lambda s: _balances_at(s, s.now_ms - late), "balances")
    yield Loss("of the future", "balances", lambda s: _balances_at(s, s.now_ms + _AHEAD_MS), "balances")
    for symbol in sources.account.open_orders:
        yield Loss("gone", f"orders {symbol}", lambda s, one=symbol: _orders_missing(s, one, reason))  # type: ignore[misc]
        yield Loss("old", f"orders {symbol}", lambda s, one=symbol: _orders_old(s, one, late), "orders")  # type: ignore[misc]


def _balances_missing(sources: Sources, reason: str) -> Sources:
    missing = {**sources.account.missing, "balances": reason}
    return replace(sources, account=replace(sources.account, balances={}, balances_asked_ms=None, missing=missing))


def _balances_at(sources: Sources, asked_ms: int | None) -> Sources:
    """Never asked for, or asked for when there was ten times as much."""
    rich = {asset: replace(one, free=one.free * 10 + 1) for asset, one in sources.account.balances.items()}
    balances = {} if asked_ms is None else rich
    return replace(sources, account=replace(sources.account, balances=balances, balances_asked_ms=asked_ms))


def _orders_missing(sources: Sources, symbol: str, reason: str) -> Sources:
    account = sources.account
    listed = {other: orders for other, orders in account.open_orders.items() if other != symbol}
    asked = {other: at for other, at in account.orders_asked_ms.items() if other != symbol}
    missing = {**account.missing, symbol: reason}
    return replace(sources, account=replace(account, open_orders=listed, orders_asked_ms=asked, missing=missing))


def _orders_old(sources: Sources, symbol: str, late: int) -> Sources:
    asked = {**sources.account.orders_asked_ms, symbol: sources.now_ms - late}
    if symbol not in sources.account.open_orders:
        return sources
    listed = {**sources.account.open_orders, symbol: ()}
    return replace(sources, account=replace(sources.account, orders_asked_ms=asked, open_orders=listed))


# -------------------------------------------------------------------------------------------- filters and the record
def _of_filters(symbol: str) -> Iterator[Loss]:
    about = f"filters {symbol}"

    def without(sources: Sources) -> Sources:
        known = {other: one for other, one in sources.instruments.items() if other != symbol}
        return replace(sources, instruments=known)

    def read_at(sources: Sources, read_ms: int | None) -> Sources:
        if symbol not in sources.instruments:
            return sources
        old = replace(sources.instruments[symbol], fetched_ms=read_ms)
        return replace(sources, instruments={**sources.instruments, symbol: old})

    yield Loss("gone", about, without)
    yield Loss("never read", about, lambda s: read_at(s, None))
    yield Loss("old", about, lambda s: read_at(s, s.now_ms - DAY_MS - 1))


def _of_record(sources: Sources, chance: random.Random) -> Iterator[Loss]:
    """An order's fate becomes unclear; the trades of an order that filled are not there yet."""
    opened = [order.client_order_id for order in sources.record.orders if order.state == "open"]
    if opened:
        cid = chance.choice(opened)
        yield Loss("of unknown fate", "an own order", lambda s: _unclear(s, cid))
    if sources.record.fills:
        fill = chance.choice(sources.record.fills)
        yield Loss("not booked yet", "own trades", lambda s: _unbooked(s, fill))


def _unclear(sources: Sources, cid: str) -> Sources:
    orders = tuple(
        replace(order, state="unknown") if order.client_order_id == cid else order for order in sources.record.orders
    )
    return replace(sources, record=replace(sources.record, orders=orders))


def _unbooked(sources: Sources, fill: Fill) -> Sources:
    if fill not in sources.record.fills:
        return sources
    order = OwnOrder(
        client_order_id=f"at-wild-f{fill.trade_id}", order_id=fill.order_id, rule="", symbol=fill.symbol,
        side=fill.side, price=fill.price, quantity=fill.quantity, executed=fill.quantity, quote_executed=Decimal(0),
        placed_ms=fill.time_ms, cancel_at_ms=None, tag="", labels=(), state="done", unbooked=fill.quantity,
    )  # fmt: skip
    fills = tuple(other for other in sources.record.fills if other is not fill)
    return replace(sources, record=replace(sources.record, fills=fills, orders=(*sources.record.orders, order)))
