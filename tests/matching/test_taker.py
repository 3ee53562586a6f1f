"""What an order that takes gets from given levels."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from autotrader.matching import Level, Side, filled, notional, walk, walk_value

D = Decimal
ASKS = (Level(D(100), D("0.5")), Level(D(101), D(1)), Level(D(103), D(2)))

amounts = st.integers(1, 10_000).map(lambda n: D(n) / 1000)


@st.composite
def asks(draw: st.DrawFn) -> tuple[Level, ...]:
    prices = sorted(draw(st.sets(st.integers(1, 500), max_size=8)))
    return tuple(Level(D(price), draw(amounts)) for price in prices)


def test_a_walk_takes_the_best_levels_first_and_at_their_prices() -> None:
    """A buy of 1.2 over 0.5 @ 100 and 1 @ 101 gets 0.5 @ 100 and 0.7 @ 101."""
    assert walk(ASKS, "BUY", D("1.2")) == ((D(100), D("0.5")), (D(101), D("0.7")))


def test_a_walk_stops_at_the_limit_price() -> None:
    """Nothing is taken beyond the limit, whatever is left."""
    assert walk(ASKS, "BUY", D(9), D(101)) == ((D(100), D("0.5")), (D(101), D(1)))
    assert walk(ASKS, "BUY", D(9), D(99)) == ()


def test_a_sell_walks_bids_down_to_its_limit() -> None:
    """For a sell the levels fall and the limit is the lowest price accepted."""
    bids = (Level(D(100), D(1)), Level(D(99), D(1)), Level(D(98), D(1)))
    assert walk(bids, "SELL", D(5), D(99)) == ((D(100), D(1)), (D(99), D(1)))


@given(asks(), amounts, st.one_of(st.none(), st.integers(1, 500).map(D)))
def test_a_walk_never_gives_more_than_asked_or_offered(
    levels: tuple[Level, ...], quantity: Decimal, limit: Decimal | None
) -> None:
    """Fills sum to the smaller of the quantity and what the levels within the limit hold."""
    fills = walk(levels, "BUY", quantity, limit)
    offered = filled(level for level in levels if limit is None or level.price <= limit)
    assert filled(fills) == min(quantity, offered)
    assert all(have <= dict(levels)[price] for price, have in fills)


@given(asks(), st.integers(1, 10_000_000).map(D), st.sampled_from([D(0), D("0.001"), D("0.01"), D(1)]))
def test_a_walk_by_value_never_spends_more_than_the_value(
    levels: tuple[Level, ...], value: Decimal, step: Decimal
) -> None:
    """The notional stays at or under the value; less than one step of the last level is left, or nothing to buy."""
    fills = walk_value(levels, value, step)
    assert notional(fills) <= value
    assert all(quantity > 0 for _, quantity in fills)
    if step and filled(fills) < filled(levels):
        touched = levels[len(fills) - 1 if fills else 0 :][:2]
        left = value - notional(fills)
        assert any(left < step * level.price or level.quantity % step for level in touched)


def test_walking_a_side_word_is_typed() -> None:
    """Both sides walk an empty book to nothing."""
    sides: tuple[Side, ...] = ("BUY", "SELL")
    assert [walk((), side, D(1)) for side in sides] == [(), ()]
