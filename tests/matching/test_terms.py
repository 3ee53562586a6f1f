"""Icebergs, prevented self-trades, bounds on prices and amendments in the matching book."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from autotrader.matching import Level, MatchingBook, Terms

D = Decimal


def _empty() -> MatchingBook:
    return MatchingBook(D("0.001"))


def _left(book: MatchingBook, number: int) -> Decimal:
    waiting = book.waiting(number)
    return D(0) if waiting is None else waiting.remaining


def test_a_market_trade_at_the_price_serves_slice_by_slice() -> None:
    """Slice of 2, another order of 3, then the next slices; what the market trades is what own orders get."""
    book = _empty()
    book.place(1, "SELL", D(10), D(100), terms=Terms(display=D(2)))
    book.place(2, "SELL", D(3), D(100))
    assert book.depth("SELL", 5) == (Level(D(100), D(5)),)
    matches = book.trade(D(100), D(4), "BUY")
    assert [(m.maker.order_id if m.maker else 0, m.quantity) for m in matches] == [(1, D(2)), (2, D(2))]
    matches = book.trade(D(100), D(6), "BUY")
    assert sum(m.quantity for m in matches) == 6
    assert (_left(book, 1), _left(book, 2)) == (D(3), D(0))
    assert book.depth("SELL", 5) == (Level(D(100), D(1)),)


def test_market_volume_stands_before_a_new_slice() -> None:
    """The next slice queues behind the market's volume at its price."""
    book = _empty()
    book.quote(None, Level(D(100), D(5)))
    book.place(1, "SELL", D(4), D(100), terms=Terms(display=D(2)))
    book.trade(D(100), D(7), "BUY")
    assert _left(book, 1) == 2
    waiting = book.waiting(1)
    assert waiting is not None
    assert waiting.ahead == 5


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6), st.integers(98, 102)), min_size=1, max_size=8),
    st.integers(1, 150),
)
def test_a_taker_gets_everything_that_rests_hidden_or_not(orders: list[tuple[int, int, int]], wanted: int) -> None:
    """Fills add up to the smaller of what is wanted and what rests; makers lose exactly that; prices rise."""
    book = _empty()
    for number, (quantity, display, price) in enumerate(orders):
        book.place(number, "SELL", D(quantity), D(price), terms=Terms(display=D(display)))
    there = sum(quantity for quantity, _, _ in orders)
    placement = book.place(99, "BUY", D(wanted))
    assert sum(m.quantity for m in placement.matches) == min(wanted, there)
    prices = [m.price for m in placement.matches]
    assert prices == sorted(prices)
    assert sum(_left(book, number) for number in range(len(orders))) == there - min(wanted, there)
    shown = sum(level.quantity for level in book.depth("SELL", 100))
    assert shown <= there - min(wanted, there)


_modes = st.sampled_from(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"])


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.integers(98, 102), _modes), max_size=8),
    st.integers(1, 40),
    _modes,
)
def test_nobody_trades_with_themselves_unless_allowed(
    makers: list[tuple[str, int, int, str]], wanted: int, mode: str
) -> None:
    """No trade with an own order (but with NONE); what is traded, lost and left adds up on both sides."""
    book = _empty()
    for number, (owner, quantity, price, own_mode) in enumerate(makers):
        book.place(number, "SELL", D(quantity), D(price), terms=Terms(owner, own_mode))
    placement = book.place(99, "BUY", D(wanted), D(101), terms=Terms("a", mode))
    owners = [m.maker.terms.owner for m in placement.matches if m.maker is not None]
    assert mode == "NONE" or "a" not in owners
    traded = sum(m.quantity for m in placement.matches)
    lost = sum(note.taker_loss for note in placement.prevented)
    assert traded + lost + placement.resting == wanted
    left = sum(_left(book, number) for number in range(len(makers)))
    gone = sum(note.maker_loss for note in placement.prevented)
    assert left + gone + traded == sum(quantity for _, quantity, _, _ in makers)
    if mode == "TRANSFER":
        expected = {"TRANSFER" if note.maker.terms.mode == "TRANSFER" else "DECREMENT" for note in placement.prevented}
        assert {note.mode for note in placement.prevented} == expected


def test_an_order_stops_where_its_price_bounds_end() -> None:
    """What lies beyond the highest price is not traded, and the rest does not rest."""
    book = _empty()
    for number, price in enumerate((100, 101, 102)):
        book.place(number, "SELL", D(1), D(price))
    placement = book.place(9, "BUY", D(3), D(105), terms=Terms(highest=D(101)))
    assert [m.price for m in placement.matches] == [D(100), D(101)]
    assert (placement.reason, book.waiting(9)) == ("PRICE_RANGE", None)


def test_an_amended_order_keeps_its_place() -> None:
    """The smaller order is still served first."""
    book = _empty()
    book.place(1, "SELL", D(5), D(100))
    book.place(2, "SELL", D(5), D(100))
    book.amend(1, D(2))
    book.place(3, "BUY", D(3), D(100))
    assert (_left(book, 1), _left(book, 2)) == (D(0), D(4))


def test_an_own_order_that_would_only_meet_itself_fills_nothing_or_all() -> None:
    """FOK against an own maker changes nothing at all."""
    book = _empty()
    book.place(1, "SELL", D(5), D(100), terms=Terms("a", "EXPIRE_MAKER"))
    placement = book.place(2, "BUY", D(5), D(100), "FOK", terms=Terms("a", "EXPIRE_MAKER"))
    assert (placement.matches, placement.prevented, placement.reason) == ((), (), "FOK_UNFILLED")
    assert _left(book, 1) == 5
