"""Words of the order book.

A fetched book is a prefix of the real one. What lies beyond its last level is not known, so a depth is exact only
where a level beyond the asked distance was seen or the side truly ends (fewer levels came than were asked for);
else it is "at least this much" (`LowerBound`), and a comparison which that cannot settle is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Kind, Literal, Term
from autotrader.language.vocabulary.limits import fresh_book
from autotrader.language.vocabulary.word import Param, Word, literal_of
from autotrader.market.answers import Answer, LowerBound, Missing
from autotrader.market.needs import BookNeed, Need
from autotrader.money import CONTEXT, HUNDRED, ZERO, over, times

if TYPE_CHECKING:
    from autotrader.market.snapshot import Book
    from autotrader.market.sources import Sources

Levels = Sequence[tuple[Decimal, Decimal]]
_NEAR_LEVELS = 100  # up to 0.5 %: as cheap at the venue as the smallest book
_FAR_LEVELS = 500
_DISTANCE = Param("distance", "distance", Decimal("0.01"), Decimal(50))
_SIDE = Param("side", "choice", choices=("buy", "sell"))
_PERCENT = Param("distance", "percent", Decimal("0.01"), Decimal(50))


def _levels_of(term: Term) -> int:
    for arg in term.args:
        if isinstance(arg, Literal):
            if arg.unit.kind is Kind.COUNT:
                return int(arg.value)
            if arg.unit.kind is Kind.PERCENT:
                return _NEAR_LEVELS if arg.value <= Decimal("0.5") else _FAR_LEVELS
            return _NEAR_LEVELS
    return 1


def _need(term: Term) -> frozenset[Need]:
    return frozenset({BookNeed(term.symbol, _levels_of(term))})


def _touch(term: Term, sources: Sources) -> tuple[Book, Decimal, Decimal] | Missing:
    book = fresh_book(term.symbol, sources)
    if isinstance(book, Missing):
        return book
    if not book.bids or not book.asks:
        return Missing(f"the book has no {'bids' if not book.bids else 'asks'}")
    return book, book.bids[0][0], book.asks[0][0]


def _at_touch(pick: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        found = _touch(term, sources)
        return found if isinstance(found, Missing) else pick(found[1], found[2])

    return read


def _one_side(index: int) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        book = fresh_book(term.symbol, sources)
        if isinstance(book, Missing):
            return book
        side = (book.bids, book.asks)[index]
        return side[0][0] if side else Missing(f"the book has no {('bids', 'asks')[index]}")

    return read


def _mid(bid: Decimal, ask: Decimal) -> Decimal:
    return over(CONTEXT.add(bid, ask), Decimal(2))


def _spread(bid: Decimal, ask: Decimal) -> Decimal:
    return over(times(HUNDRED, CONTEXT.subtract(ask, bid)), _mid(bid, ask))


def _depth(levels: Levels, asked: int, mid: Decimal, distance: Literal, sign: int) -> Decimal | LowerBound:
    """Quote resting within a distance of mid (percent) or in the best n levels."""
    sum_ = ZERO
    if distance.unit.kind is Kind.COUNT:
        wanted = int(distance.value)
        for price, quantity in levels[:wanted]:
            sum_ = CONTEXT.add(sum_, times(price, quantity))
        complete = len(levels) >= wanted or len(levels) < asked
        return sum_ if complete else LowerBound(sum_)
    reach = times(mid, CONTEXT.add(Decimal(1), over(sign * distance.value, HUNDRED)))
    for price, quantity in levels:
        if (price - reach) * sign > 0:
            return sum_
        sum_ = CONTEXT.add(sum_, times(price, quantity))
    return sum_ if len(levels) < asked else LowerBound(sum_)


def _depth_of(index: int) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        found = _touch(term, sources)
        if isinstance(found, Missing):
            return found
        book, bid, ask = found
        distance = literal_of(term, 0)
        side = (book.bids, book.asks)[index]
        return _depth(side, book.asked_levels, _mid(bid, ask), distance, (-1, 1)[index])

    return read


def _imbalance(term: Term, sources: Sources) -> Answer:
    bids, asks = _depth_of(0)(term, sources), _depth_of(1)(term, sources)
    if isinstance(bids, Missing):
        return bids
    if not isinstance(bids, Decimal) or not isinstance(asks, Decimal):
        return Missing("the fetched book ends before that distance")
    if bids + asks == 0:
        return Missing("division by zero: nothing rests within that distance")
    return over(CONTEXT.subtract(bids, asks), CONTEXT.add(bids, asks))


def _slippage(term: Term, sources: Sources) -> Answer:
    """Percent by which the average price of a taker of that quote amount is worse than mid."""
    found = _touch(term, sources)
    if isinstance(found, Missing):
        return found
    book, bid, ask = found
    side, amount = term.args[0], literal_of(term, 1)
    levels = book.asks if side == "buy" else book.bids
    left, base = amount.value, ZERO
    for price, quantity in levels:
        quote = min(left, times(price, quantity))
        base = CONTEXT.add(base, over(quote, price))
        left = CONTEXT.subtract(left, quote)
        if left == 0:
            average, mid = over(amount.value, base), _mid(bid, ask)
            worse = CONTEXT.subtract(average, mid) if side == "buy" else CONTEXT.subtract(mid, average)
            return over(times(HUNDRED, worse), mid)
    return Missing(f"the fetched book holds less than that on the {'ask' if side == 'buy' else 'bid'} side")


WORDS: tuple[Word, ...] = (
    Word(
        name="bid", group="book", measure="price", english="the best bid", japanese="最良買気配", lowest=ZERO,
        needs=_need, read=_one_side(0),
    ),
    Word(
        name="ask", group="book", measure="price", english="the best ask", japanese="最良売気配", lowest=ZERO,
        needs=_need, read=_one_side(1),
    ),
    Word(
        name="mid", group="book", measure="price", english="the middle of bid and ask", japanese="仲値", lowest=ZERO,
        needs=_need, read=_at_touch(_mid),
    ),
    Word(
        name="spread", group="book", measure="percent", english="the spread, in percent of the middle",
        japanese="スプレッド(仲値に対する%)", needs=_need, read=_at_touch(_spread),
    ),
    Word(
        name="depth_bid", group="book", measure="quote", params=(_DISTANCE,), lowest=ZERO,
        english="the amount bid within {0}", japanese="{0}以内の買い注文の総額", needs=_need, read=_depth_of(0),
        note="The distance is a percentage from mid (`0.5%`) or a number of best levels (`5 levels`, at most 5,000). "
        "Where the fetched book (100 levels up to 0.5%, else 500) ends earlier it is “at least” what was seen.",
    ),
    Word(
        name="depth_ask", group="book", measure="quote", params=(_DISTANCE,), lowest=ZERO,
        english="the amount offered within {0}", japanese="{0}以内の売り注文の総額", needs=_need,
        read=_depth_of(1), note="As `depth_bid`.",
    ),
    Word(
        name="imbalance", group="book", measure="number", params=(_PERCENT,), lowest=Decimal(-1), highest=Decimal(1),
        english="the surplus of bids over asks within {0}, -1 to 1", japanese="{0}以内の買い優勢度(-1〜1)",
        needs=_need, read=_imbalance, note="(bids - asks) ÷ (bids + asks), amounts in quote; "
        "unknown where the fetched book ends earlier.",
    ),
    Word(
        name="slippage", group="book", measure="percent",
        params=(_SIDE, Param("amount", "amount", Decimal(1), Decimal(10**12))),
        english="what an immediate {0} of {1} loses against the middle",
        japanese="{1}を即時に{0}するときの仲値との差(%)",
        needs=_need, read=_slippage, note="From the best 100 levels; unknown where they hold less than the amount.",
    ),
)  # fmt: skip
