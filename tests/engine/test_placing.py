"""The list of reasons not to place: each answers allowed, denied or cannot know, and each door asks those it must."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.limits import AGEING, LIMITS, SENDING, SIGNING, Approved, review
from autotrader.engine.placing import MOST_UNCERTAIN_MS, Datum, Halted, Leaving, Standing, refusal
from autotrader.engine.requests import CannotKnow, Denied
from autotrader.language.settings import Limits, Settings
from autotrader.market.snapshot import Snapshot
from autotrader.orders import Side
from tests.engine.test_limits import request
from tests.worlds.values import START, SYMBOL, D, sources

LEAVING = Leaving(side=Side.BUY, now_ms=START, deadline_ms=START, judged_on=())


def test_what_nothing_stands_against_may_leave_and_be_signed() -> None:
    """At its deadline, with a time known well enough and data as old as it may be, an order leaves."""
    young = Datum("the book", START - 10, 10)
    ready = replace(LEAVING, uncertainty_ms=MOST_UNCERTAIN_MS, judged_on=(young,))
    assert refusal(SENDING, ready) is refusal(AGEING, ready) is None
    assert refusal(SIGNING, Standing(side=Side.BUY)) is None


@pytest.mark.parametrize("side", list(Side))
def test_a_halt_is_asked_at_every_door(side: Side) -> None:
    """Whoever halts, no door lets an order out; the weakest level stops buys alone."""
    full, weak = Halt("by hand"), Halt("a look", HaltLevel.REDUCE_ONLY)
    said = Denied("trading is halted: by hand", "Halted")
    for reasons in (SENDING, SIGNING):
        assert refusal(reasons, replace(LEAVING, side=side, halt=full)) == said
        found = refusal(reasons, replace(LEAVING, side=side, halt=weak))
        assert found == (Denied("nothing is bought: a look", "Halted") if side is Side.BUY else None)
    assert any(isinstance(limit, Halted) for limit in LIMITS)


def test_what_must_be_known_and_is_not_refuses_as_well() -> None:
    """A doubtful time, data that nobody remembers or never saw: not denied by a limit, and not let out either."""
    unsure = refusal(SENDING, replace(LEAVING, uncertainty_ms=MOST_UNCERTAIN_MS + 1))
    assert unsure == CannotKnow("the venue's time is not known well enough (± 501 ms)", "UnsureTime")
    assert isinstance(refusal(AGEING, replace(LEAVING, judged_on=None)), CannotKnow)
    unseen = refusal(AGEING, replace(LEAVING, judged_on=(Datum("the book", None, 10),)))
    assert unseen == CannotKnow("the book: never seen", "Stale")


def test_late_stale_and_beside_an_unknown_fate_is_denied() -> None:
    """These are known, and against the order."""
    late = refusal(SENDING, replace(LEAVING, now_ms=START + 1))
    assert late == Denied("dropped as late: 1 ms after its deadline", "Late")
    beside = refusal(SENDING, replace(LEAVING, unclear=True))
    assert beside == Denied("an earlier buy order has an unknown fate", "UnknownFate")
    old = refusal(AGEING, replace(LEAVING, judged_on=(Datum("the book", START - 11_000, 10_000),)))
    assert old == Denied("the book: 11.0 s old (limit 10 s)", "Stale")


def test_a_review_tells_not_known_from_denied() -> None:
    """Without a book the price band cannot be judged; beyond it an order is denied; within it nothing is said."""
    settings = Settings(file="autotrader.yaml", symbols=(SYMBOL,), limits=Limits(price_band=D(3)))
    seen = sources(START)
    blind = replace(seen, snapshot=Snapshot(now_ms=START))
    (unknown,), (far,), (near,) = (
        review([asked], look, settings)
        for asked, look in ((request(), blind), (request(price=200_000), seen), (request(), seen))
    )
    assert isinstance(unknown, CannotKnow)
    assert unknown.limit == "PriceBand"
    assert type(far) is Denied
    assert isinstance(near, Approved)
