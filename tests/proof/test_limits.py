"""`dev.py prove limits`: no limit is exceeded at the exchange; and the watch notices when one of them is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from autotrader.engine.limits import LIMITS, Limit, View
from autotrader.market.answers import Missing
from autotrader.prove.proof import Proof
from tests.proof.limits import prove_limits

DAYS, PARTS = 5, 5  # some 100,000 orders, in parts so that both cores have something to do
DEEP_DAYS = 45
MOST_DAYS = 12  # within which a limit that was taken away is missed


def named(limit: Limit) -> str:
    """What figures call a limit."""
    return type(limit).__name__


def denials(proof: Proof) -> dict[str, int]:
    """How often each limit denied."""
    return {name.removeprefix("denied by "): int(count) for name, count in proof.figures.items() if "denied by" in name}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_limit_is_exceeded_in_a_hundred_thousand_orders(part: int) -> None:
    """Whatever is open, lost, late, unclear, half traded or crashed: the sum out there stays within each limit."""
    days = DAYS // PARTS
    proof = prove_limits(days, 1 + part * days)
    assert proof.breaches == ()
    assert int(proof.figures["intents"]) > 100_000 // PARTS * 0.98
    assert int(proof.figures["orders taken by the exchange"]) > days * 20
    assert proof.injected["request late"] > days
    assert proof.injected["request answer lost"] > days


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_limit_is_exceeded_in_a_million_orders(part: int) -> None:
    """The same ten times over, and each limit denies often."""
    days = DEEP_DAYS // PARTS
    proof = prove_limits(days, 10_000 + part * days)
    assert proof.breaches == ()
    assert set(denials(proof)) == {named(limit) for limit in LIMITS}
    assert min(denials(proof).values()) > 50


def is_noticed(limits: Sequence[Limit]) -> bool:
    """Whether the watch sees a breach with these limits instead of the product's."""
    return any(prove_limits(1, 500 + day, limits=limits, most=1).breaches for day in range(MOST_DAYS))


CHEAP = frozenset({"Halted", "SpendPerDay", "LossPerDay"})  # soon missed; the others in the long run


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "missing", [pytest.param(one, marks=[] if named(one) in CHEAP else [pytest.mark.deep]) for one in LIMITS], ids=named
)
def test_each_limit_that_is_taken_away_is_missed(missing: Limit) -> None:
    """There is no limit without which everything would go on as well."""
    assert is_noticed([limit for limit in LIMITS if limit is not missing])


@dataclass(frozen=True)
class Forgetful:
    """A limit that forgets the orders in flight."""

    limit: Limit

    def refuse(self, view: View) -> str | Missing:
        """What the limit says when nothing is open or unclear."""
        record = replace(view.sources.record, orders=())
        return self.limit.refuse(replace(view, sources=replace(view.sources, record=record)))


@pytest.mark.timeout(300)
def test_limits_that_forget_orders_in_flight_are_noticed() -> None:
    """Counting only what was traded is not enough."""
    assert is_noticed([Forgetful(limit) for limit in LIMITS])
