"""What is known of an order is the most that was ever seen of it; what contradicts that is said in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from autotrader.orders import TERMINAL, Order, OrderStatus, Side
from autotrader.records.forward import RANK, Progress, advance

D = Decimal
KNOWN = Order(
    symbol="BTCJPY", order_id=1, client_order_id="at-abcd-x", side=Side.BUY, type="LIMIT", tif="GTC",
    price=D("100"), quantity=D("10"), executed=D("4"), quote_executed=D("400"), status=OrderStatus.PARTIALLY_FILLED,
    created_ms=5, updated_ms=50, is_working=True,
)  # fmt: skip


def seen(**changes: object) -> Order:
    return replace(KNOWN, **changes)  # type: ignore[arg-type]


def test_every_status_has_its_rank() -> None:
    """Resting, then touched, then ended; what is not known yet, and what is not there yet, is the least."""
    assert set(RANK) == set(OrderStatus)
    assert {RANK[status] for status in TERMINAL} == {3}
    assert RANK[OrderStatus.OTHER] == RANK[OrderStatus.PENDING_NEW] < RANK[OrderStatus.NEW]
    assert RANK[OrderStatus.NEW] < RANK[OrderStatus.PARTIALLY_FILLED] == RANK[OrderStatus.PENDING_CANCEL] < 3


def test_more_execution_moves_it() -> None:
    """Quantity, turnover and time go on; everything else stays as it is known."""
    reply = seen(executed=D("7"), quote_executed=D("690"), updated_ms=60, price=D("1"), quantity=D("99"))
    moved = advance(KNOWN, reply)
    assert moved == Progress(replace(KNOWN, executed=D("7"), quote_executed=D("690"), updated_ms=60), moved=True)


def test_an_older_reply_changes_nothing_and_is_told() -> None:
    """Executed never falls: the whole reply is ignored, with its status and its time."""
    older = seen(executed=D("1"), status=OrderStatus.CANCELED, quote_executed=D("900"), updated_ms=99)
    said = "executed fell from 4 to 1: the older reply was ignored"
    assert advance(KNOWN, older) == Progress(KNOWN, moved=False, alerts=(said,))


def test_the_same_again_is_no_news() -> None:
    """The same description, or one that differs only in its time, moves nothing, but the latest time is kept."""
    assert advance(KNOWN, KNOWN) == Progress(KNOWN, moved=False)
    assert advance(KNOWN, seen(updated_ms=70)) == Progress(seen(updated_ms=70), moved=False)
    assert advance(KNOWN, seen(updated_ms=20)) == Progress(KNOWN, moved=False)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_terminal_status_ends_it(status: OrderStatus) -> None:
    """Any end is taken, with whether it works at the venue; no step back leads out of it."""
    ended = advance(KNOWN, seen(status=status, is_working=False))
    assert ended == Progress(seen(status=status, is_working=False), moved=True)
    for back in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_NEW):
        assert advance(ended.order, seen(status=back, is_working=True)) == Progress(ended.order, moved=False)


def test_a_status_of_the_same_rank_stays() -> None:
    """Between equals what was known first stays, and so does whether the order works."""
    other = seen(status=OrderStatus.PENDING_CANCEL, is_working=False)
    assert advance(KNOWN, other) == Progress(KNOWN, moved=False)


@pytest.mark.parametrize(
    ("known", "reply", "kept"),
    [("400", "401", "401"), ("400", "399", "400"), ("400", None, "400"), (None, "5", "5"), (None, None, None)],
)
def test_turnover_never_falls(known: str | None, reply: str | None, kept: str | None) -> None:
    """The larger turnover stays; one that is not told (or was negative) takes nothing away."""
    had = seen(quote_executed=None if known is None else D(known))
    step = advance(had, seen(quote_executed=None if reply is None else D(reply)))
    assert step.order.quote_executed == (None if kept is None else D(kept))
    assert step.moved is (kept != known)


@pytest.mark.parametrize(
    ("known", "reply", "said"),
    [
        ({"status": OrderStatus.CANCELED}, {"executed": D("6"), "status": OrderStatus.CANCELED},
         ("filled 2 more after it was CANCELED",)),
        ({"status": OrderStatus.CANCELED}, {"status": OrderStatus.FILLED},
         ("was CANCELED, is now said to be FILLED",)),
        ({"status": OrderStatus.CANCELED}, {"status": OrderStatus.CANCELED}, ()),
        ({}, {"status": OrderStatus.OTHER}, ("has a status that this program does not know; it counts as open",)),
        ({}, {"executed": D("11")}, ("executed 11 of 10",)),
        ({}, {"executed": D("10")}, ()),
        ({}, {"executed": D("9"), "status": OrderStatus.FILLED}, ()),
        ({"status": OrderStatus.FILLED}, {"executed": D("3"), "status": OrderStatus.EXPIRED},
         ("executed fell from 4 to 3: the older reply was ignored", "was FILLED, is now said to be EXPIRED")),
    ],
)  # fmt: skip
def test_what_contradicts_is_said(known: dict[str, object], reply: dict[str, object], said: tuple[str, ...]) -> None:
    """Each contradiction in words, none where there is none."""
    assert advance(seen(**known), seen(**reply)).alerts == said
