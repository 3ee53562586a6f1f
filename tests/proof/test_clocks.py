"""Clocks may jump: no slot twice, nothing signed in doubt, and a proof that would notice if it were so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autotrader.engine.due import Due, due
from autotrader.exchanges.clock import VenueClock
from tests.proof.clocks import KINDS, prove_clocks

EVERYDAY, DEEP = 60, 10_000


def test_no_slot_is_doubled_and_nothing_is_signed_in_doubt() -> None:
    """Through jumps, slews, suspends, leap seconds, daylight saving, slow lines and restarts."""
    proof = prove_clocks(EVERYDAY, seed=2)
    assert proof.holds, proof.breaches[0]
    assert set(KINDS) <= set(proof.injected)
    assert proof.figures["slots missed and counted"]
    assert proof.figures["signatures refused"]
    assert proof.figures["new times of the venue believed"]


@pytest.mark.deep
def test_no_slot_is_doubled_at_length() -> None:
    """The same over ten thousand machines."""
    proof = prove_clocks(DEEP, seed=3)
    assert proof.holds, proof.breaches[:3]


class Credulous(VenueClock):
    """Believes every jump of the venue's clock."""

    def _jumped(self, server_ms: int, at: float, wall: float) -> bool:
        return False


class Sure(VenueClock):
    """Signs whatever the doubt."""

    def certain_ms(self) -> int:
        return self.now_ms()


class OnTheWall(VenueClock):
    """Takes this machine's wall clock for the venue's."""

    def now_ms(self) -> int:
        return round(self._wall() * 1000)


class Hasty(VenueClock):
    """Believes a new time of the venue as soon as it is said twice."""

    def _has_stayed(self, server_ms: int, at: float) -> bool:
        before, self._before = getattr(self, "_before", None), server_ms - at * 1000
        return before is not None and abs(self._before - before) < 500


@pytest.mark.parametrize("clock", [Credulous, Sure, OnTheWall, Hasty])
def test_careless_clocks_are_caught(clock: type[VenueClock]) -> None:
    """A clock that believes, signs in doubt or trusts the wall breaks the proof."""
    assert not prove_clocks(40, seed=1, make_clock=clock).holds


def _forgetful(plan: Any, states: Any, runs: Any, orders: Any, _last_ms: Any, now_ms: int) -> Due:
    """Does not remember which slots were evaluated."""
    fresh = {key: replace(state, last_slot_ms=None) for key, state in states.items()}
    return due(plan, fresh, runs, orders, None, now_ms)


def _uncounting(*args: Any) -> Due:
    """Does not count what it missed."""
    return replace(due(*args), missed={})


def _bursting(plan: Any, states: Any, runs: Any, orders: Any, last_ms: Any, now_ms: int) -> Due:
    """Makes up for each missed slot."""
    found = due(plan, states, runs, orders, last_ms, now_ms)
    again = [replace(slot, slot_ms=slot.slot_ms - 60_000) for slot in found.slots if found.missed]
    return replace(found, slots=(*again, *found.slots))


@pytest.mark.parametrize("find_due", [_forgetful, _uncounting, _bursting])
def test_careless_slots_are_caught(find_due: Callable[..., Due]) -> None:
    """Forgetting, not counting and replaying slots break the proof."""
    assert not prove_clocks(8, seed=1, find_due=find_due).holds
