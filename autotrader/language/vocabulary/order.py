"""Words of one order: inside `for_each_order`, and in a notification behind a `buy` or `sell`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Term
from autotrader.language.vocabulary.limits import fresh_book
from autotrader.language.vocabulary.word import Measure, Word
from autotrader.market.answers import Answer, Missing
from autotrader.market.needs import BookNeed, Need
from autotrader.money import CONTEXT, HUNDRED, ZERO, over, times
from autotrader.orders import Order, Side

if TYPE_CHECKING:
    from autotrader.market.account import OwnOrder
    from autotrader.market.sources import Sources

    AnyOrder = Order | OwnOrder


def _of_order(pick: Callable[[AnyOrder, Sources], Answer]) -> Callable[[Term, Sources], Answer]:
    def read(_term: Term, sources: Sources) -> Answer:
        return Missing("there is no order") if sources.order is None else pick(sources.order, sources)

    return read


def _age(order: AnyOrder, sources: Sources) -> Answer:
    placed = order.created_ms if isinstance(order, Order) else order.placed_ms
    return Decimal(sources.now_ms - placed)


def _distance(order: AnyOrder, sources: Sources) -> Answer:
    """How far the order is from its own side's best price; negative where it is better than that."""
    book = fresh_book(order.symbol, sources)
    if isinstance(book, Missing):
        return book
    side = book.bids if order.side is Side.BUY else book.asks
    if not side:
        return Missing(f"the book has no {'bids' if order.side is Side.BUY else 'asks'}")
    near = side[0][0]
    gap = CONTEXT.subtract(near, order.price) if order.side is Side.BUY else CONTEXT.subtract(order.price, near)
    return over(times(HUNDRED, gap), near)


def _filled(order: AnyOrder, _sources: Sources) -> Answer:
    if not order.quantity:
        return Missing("division by zero: the order has no quantity")
    return over(times(HUNDRED, order.executed), order.quantity)


def _tag(order: AnyOrder, _sources: Sources) -> Answer:
    return "" if isinstance(order, Order) else order.tag


def _order_id(order: AnyOrder, _sources: Sources) -> Answer:
    return order.client_order_id


def _distance_need(term: Term) -> frozenset[Need]:
    return frozenset({BookNeed(term.symbol, 1)})


def _word(
    name: str,
    measure: Measure,
    english: str,
    japanese: str,
    pick: Callable[[AnyOrder, Sources], Answer],
    **bounds: Decimal,
) -> Word:
    return Word(
        name=f"order.{name}", group="one order", measure=measure, per="order", english=english, japanese=japanese,
        read=_of_order(pick), needs=_distance_need if name == "distance" else None,
        lowest=bounds.get("lowest"), highest=bounds.get("highest"),
    )  # fmt: skip


WORDS: tuple[Word, ...] = (
    _word("age", "duration", "the order's age", "注文の経過時間", _age, lowest=ZERO),
    _word(
        "distance",
        "percent",
        "the order's distance from the near side of the book",
        "注文価格と自分側の最良気配との差(%)",
        _distance,
    ),
    _word("filled", "percent", "the filled part of the order", "注文の約定率", _filled, lowest=ZERO, highest=HUNDRED),
    _word("price", "price", "the order's price", "注文価格", lambda order, _: order.price, lowest=ZERO),
    _word("size", "base", "the order's size", "注文数量", lambda order, _: order.quantity, lowest=ZERO),
    _word("side", "text", "the order's side", "注文の売買", lambda order, _: order.side.value.lower()),
    _word("tag", "text", "the order's tag", "注文のタグ", _tag),
    _word("id", "text", "the order's id", "注文ID", _order_id),
)
