"""The matching book: price-time priority, the market's volume, conservation."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from autotrader.matching import Level, MatchingBook, Placement, Side
from autotrader.matching.book import TimeInForce

D = Decimal


def _deeper(side: Side, best: Level) -> Iterator[Level]:
    move = -1 if side == "BUY" else 1
    for distance in range(1, 6):
        yield Level(best.price + move * distance, D(2))


def _book(bid: int = 99, ask: int = 101, size: str = "1") -> MatchingBook:
    book = MatchingBook(D("0.001"), _deeper)
    book.quote(Level(D(bid), D(size)), Level(D(ask), D(size)))
    return book


def _fills(placement: Placement) -> list[tuple[int, Decimal]]:
    return [(int(match.price), match.quantity) for match in placement.matches]


def test_a_marketable_limit_takes_levels_and_rests_with_the_remainder() -> None:
    """1 @ 101 and 2 @ 102 are taken, the rest waits at the limit and is seen as best bid."""
    book = _book()
    placement = book.place(1, "BUY", D(4), D(102))
    assert _fills(placement) == [(101, D(1)), (102, D(2))]
    assert placement.resting == 1
    assert book.best("BUY") == (D(102), D(1))


def test_volume_once_taken_is_gone_until_the_market_quotes_afresh() -> None:
    """Two takers cannot have the same volume; a new quote brings new volume."""
    book = _book()
    book.place(1, "BUY", D(1), None)
    assert book.best("SELL") == (D(102), D(2))
    book.quote(Level(D(99), D(1)), Level(D(101), D(1)))
    assert book.best("SELL") == (D(101), D(1))


def test_time_in_force_decides_the_remainder() -> None:
    """IOC lets it go, FOK trades all or nothing, a market order ends with the book."""
    assert _book().place(1, "BUY", D(9), D(101), "IOC").reason == "IOC_REST"
    killed = _book().place(1, "BUY", D(9), D(101), "FOK")
    assert (killed.matches, killed.reason) == ((), "FOK_UNFILLED")
    assert _book().place(1, "BUY", D(99), None).reason == "NO_LIQUIDITY"
    assert _fills(_book().place(1, "BUY", D(1), D(101), "FOK")) == [(101, D(1))]


def test_a_maker_only_order_that_would_take_is_refused_and_leaves_no_trace() -> None:
    """Post-only at the ask: no match, nothing rests."""
    book = _book()
    assert book.place(1, "BUY", D(1), D(101), maker_only=True).reason == "WOULD_TAKE"
    assert book.best("BUY") == (D(99), D(1))


def test_an_order_at_the_best_price_waits_behind_the_markets_volume() -> None:
    """A trade of 1.5 at our price eats the 1 that stood before us, then 0.5 of ours."""
    book = _book()
    book.place(1, "BUY", D(2), D(99))
    assert book.trade(D(99), D("0.6"), "SELL") == ()
    matches = book.trade(D(99), D("0.9"), "SELL")
    assert [(m.quantity, m.price) for m in matches] == [(D("0.5"), D(99))]


def test_volume_that_left_the_queue_no_longer_stands_before_us() -> None:
    """When the best size at our price shrinks, at most that much is ahead; when it falls back, nothing is."""
    book = _book(size="5")
    book.place(1, "BUY", D(2), D(99))
    book.quote(Level(D(99), D(1)), Level(D(101), D(1)))
    assert sum(m.quantity for m in book.trade(D(99), D("1.5"), "SELL")) == D("0.5")
    book.quote(Level(D(98), D(9)), Level(D(101), D(1)))
    assert sum(m.quantity for m in book.trade(D(99), D(1), "SELL")) == 1


def test_a_trade_through_our_price_fills_up_to_its_volume_at_our_price() -> None:
    """A sale of 0.7 at 97 would have met our bid at 99 first."""
    book = _book()
    book.place(1, "BUY", D(2), D(99))
    matches = book.trade(D(97), D("0.7"), "SELL")
    assert [(m.price, m.quantity) for m in matches] == [(D(99), D("0.7"))]


def test_a_buy_at_our_bids_price_does_not_fill_it() -> None:
    """Takers who buy trade with asks; only at a price through ours do they count."""
    book = _book()
    book.place(1, "BUY", D(2), D(99))
    assert book.trade(D(99), D(50), "BUY") == ()


def test_market_levels_that_would_cross_our_order_are_not_shown() -> None:
    """When the market's ask falls under our bid the shown book is never crossed."""
    book = _book()
    book.place(1, "BUY", D(2), D(100))
    book.quote(Level(D(97), D(1)), Level(D(98), D(1)))
    bid, ask = book.best("BUY"), book.best("SELL")
    assert bid is not None
    assert ask is not None
    assert bid.price == 100 < ask.price


def test_cancel_gives_the_remaining_quantity_once() -> None:
    """A second cancel finds nothing."""
    book = _book()
    book.place(1, "BUY", D(2), D(99))
    book.trade(D(98), D("0.5"), "SELL")
    assert (book.cancel(1), book.cancel(1)) == (D("1.5"), None)


def test_own_orders_meet_in_price_time_order() -> None:
    """A seller meets the better bid first, then the earlier of two equal ones."""
    book = MatchingBook()
    for number, price in ((1, 100), (2, 100), (3, 101)):
        book.place(number, "BUY", D(1), D(price))
    matches = book.place(4, "SELL", D("2.5"), D(100)).matches
    assert [(m.maker and m.maker.order_id, m.quantity) for m in matches] == [(3, 1), (1, 1), (2, D("0.5"))]


_sides = st.sampled_from(["BUY", "SELL"])
_prices = st.integers(90, 110).map(D)
_sizes = st.integers(1, 5000).map(lambda n: D(n) / 1000)
_steps = st.one_of(
    st.tuples(st.just("place"), _sides, _prices, _sizes, st.sampled_from(get_args(TimeInForce))),
    st.tuples(st.just("market"), _sides, _sizes),
    st.tuples(st.just("trade"), _sides, _prices, _sizes),
    st.tuples(st.just("quote"), st.integers(92, 107), _sizes, _sizes),
    st.tuples(st.just("cancel"), st.integers(1, 12)),
)


@given(st.lists(_steps, max_size=30))
def test_volume_is_conserved_and_the_book_is_never_crossed(steps: list[tuple[Any, ...]]) -> None:
    """Over any run: no order fills beyond its size, no trade gives beyond its own, best bid < best ask,
    fills respect limits, and within a side priority is by price and arrival."""
    book, number = _book(), 0
    wanted: dict[int, Decimal] = {}
    got: dict[int, Decimal] = {}
    for step in steps:
        if step[0] == "place" or step[0] == "market":
            number += 1
            limit = step[2] if step[0] == "place" else None
            size = step[3] if step[0] == "place" else step[2]
            wanted[number], got[number] = size, got.get(number, D(0))
            placement = book.place(number, step[1], size, limit, step[4] if step[0] == "place" else "GTC")
            taken = sum((m.quantity for m in placement.matches), D(0))
            got[number] += taken
            assert taken + placement.resting <= size
            prices = [m.price if step[1] == "BUY" else -m.price for m in placement.matches]
            assert prices == sorted(prices)
            if limit is not None:
                assert all(m.price <= limit if step[1] == "BUY" else m.price >= limit for m in placement.matches)
            matches = placement.matches
        elif step[0] == "trade":
            matches = book.trade(step[2], step[3], step[1])
            assert sum((m.quantity for m in matches), D(0)) <= step[3]
        elif step[0] == "quote":
            book.quote(Level(D(step[1]), step[2]), Level(D(step[1] + 1), step[3]))
            matches = ()
        else:
            book.cancel(step[1])
            matches = ()
        for match in matches:
            if match.maker is not None:
                got[match.maker.order_id] += match.quantity
        assert all(got[n] <= wanted[n] for n in wanted)
        bid, ask = book.best("BUY"), book.best("SELL")
        assert bid is None or ask is None or bid.price < ask.price


@given(st.lists(st.tuples(_prices, _sizes), min_size=2, max_size=8), _sizes)
def test_an_order_fills_only_after_every_order_before_it(orders: list[tuple[Decimal, Decimal]], size: Decimal) -> None:
    """After any market trade through all bids, whoever stands behind an unfilled order has got nothing."""
    book = MatchingBook()
    for number, (price, quantity) in enumerate(orders, 1):
        book.place(number, "BUY", quantity, price)
    book.trade(D(1), size, "SELL")
    ranked = sorted(range(1, len(orders) + 1), key=lambda n: (-orders[n - 1][0], n))
    left = [waiting.remaining if (waiting := book.waiting(n)) else D(0) for n in ranked]
    shares = [orders[n - 1][1] - rest for n, rest in zip(ranked, left, strict=True)]
    for before, after in zip(range(len(ranked)), range(1, len(ranked)), strict=False):
        assert left[before] == 0 or shares[after] == 0


def test_an_empty_market_has_no_best_price_and_gives_nothing() -> None:
    """Without a quote nothing is shown, nothing trades, and whoever rests has nobody before them."""
    book = MatchingBook()
    assert (book.best("BUY"), book.best("SELL")) == (None, None)
    assert book.place(1, "BUY", D(1), None).reason == "NO_LIQUIDITY"
    assert book.place(2, "BUY", D(1), D(99)).resting == 1
    waiting = book.waiting(2)
    assert waiting is not None
    assert waiting.ahead == 0
    book.quote(None, Level(D(101), D(1)))
    assert book.depth("BUY", 5) == ((D(99), D(1)),)


def test_a_taker_eats_the_market_volume_before_an_own_order_at_the_same_price() -> None:
    """At one price: the market's earlier volume, then the own order, then the market's later volume."""
    book = _book(size="1")
    book.place(1, "SELL", D(1), D(101))
    book.quote(Level(D(99), D(1)), Level(D(101), D(3)))
    matches = book.place(2, "BUY", D(3), D(101)).matches
    makers = [m.maker.order_id if m.maker else None for m in matches]
    assert (makers, [m.quantity for m in matches]) == ([None, 1, None], [D(1)] * 3)


def test_taking_market_volume_moves_the_own_order_behind_it_forward() -> None:
    """What another own taker has eaten before a resting order no longer stands before it."""
    book = _book(size="1")
    book.place(1, "SELL", D(1), D(101))
    book.place(2, "BUY", D("0.6"), D(101))
    waiting = book.waiting(1)
    assert waiting is not None
    assert waiting.ahead == D("0.4")
    assert sum(m.quantity for m in book.trade(D(101), D("0.5"), "BUY")) == D("0.1")
