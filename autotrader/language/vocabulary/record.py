"""Words of autotrader's own record: what its own orders did. Trades by hand are not in it.

Calendar windows (`day`, `week` from Monday, `month`) begin at midnight of the account's zone; a duration is a window
that rolls with the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.tree import Literal, Term
from autotrader.language.vocabulary.word import Param, Word
from autotrader.market.answers import Answer, Missing
from autotrader.money import ZERO, total
from autotrader.orders import Side
from autotrader.times import DAY_MS, start_of

if TYPE_CHECKING:
    from autotrader.market.sources import Sources

_WINDOW = Param("window", "window", Decimal(60_000), Decimal(32 * DAY_MS))


def window_start(window: str | Decimal | Literal, now_ms: int, zone: str) -> int:
    """First millisecond of a window of record that ends now."""
    if isinstance(window, Literal):
        return now_ms - int(window.value)
    return start_of(str(window), now_ms, zone)


def _spent(term: Term, sources: Sources) -> Answer:
    start = window_start(term.args[0], sources.now_ms, sources.zone)
    if any(o.unbooked > 0 for o in sources.record.orders if o.symbol == term.symbol and o.side is Side.BUY):
        return Missing("the trades of an order that just filled are not booked yet")
    return total(
        fill.quote
        for fill in sources.record.fills
        if fill.symbol == term.symbol and fill.side is Side.BUY and start <= fill.time_ms <= sources.now_ms
    )


def _open(side: Side) -> Callable[[Term, Sources], Answer]:
    def read(term: Term, sources: Sources) -> Answer:
        live = (order for order in sources.record.orders if order.state != "done" and not order.is_left_alone)
        return Decimal(sum(1 for order in live if order.symbol == term.symbol and order.side is side))

    return read


def _tick(term: Term, sources: Sources) -> Answer:
    instrument = sources.instruments.get(term.symbol)
    if instrument is None or not instrument.tick:
        return Missing(f"the price step of {term.symbol} is not known (its filters were not fetched)")
    return instrument.tick


WORDS: tuple[Word, ...] = (
    Word(
        name="spent", group="own record", measure="quote", params=(_WINDOW,), lowest=ZERO, read=_spent,
        english="what was spent on buys in {0}", japanese="{0}に買いで使った金額",
        note="Quote amounts of autotrader's own fills of this symbol, without fees. The window is `day`, `week`, "
        "`month` or a duration up to 32 days.",
    ),
    Word(
        name="open_buys", group="own record", measure="count", lowest=ZERO, read=_open(Side.BUY),
        english="the number of own open buy orders", japanese="自分の未約定の買い注文数",
        note="An order of unknown fate counts as open.",
    ),
    Word(
        name="open_sells", group="own record", measure="count", lowest=ZERO, read=_open(Side.SELL),
        english="the number of own open sell orders", japanese="自分の未約定の売り注文数",
        note="An order of unknown fate counts as open.",
    ),
    Word(
        name="tick", group="own record", measure="price", lowest=ZERO, read=_tick, hidden=True,
        english="one tick", japanese="1ティック",
    ),
)  # fmt: skip
