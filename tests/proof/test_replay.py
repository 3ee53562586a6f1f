"""The same inputs give the same records; a world that draws by chance, or another engine, is caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autotrader.prove.small_world import harness_of, play_on
from autotrader.records.store import Store
from autotrader.views.audit import replayed
from tests.proof import replay
from tests.proof.replay import prove_replay

BY_CHANCE = """
import random, sys
from tests.proof import replay
told = replay.harness_of
def harness_of(state, seed):
    harness = told(state, seed)
    harness.chance = random.Random()
    return harness
replay.harness_of = harness_of
sys.exit(replay.main(sys.argv[1:]))
"""


@pytest.mark.timeout(3600)
def test_the_same_seed_leaves_the_same_records() -> None:
    """16 worlds in two processes with different hash seeds: every record, table and decision is the same."""
    proof = prove_replay(16)
    assert proof.breaches == ()
    assert proof.figures["worlds lived through"] == 32
    assert proof.figures["cycles differing"] == 0


@pytest.mark.deep
@pytest.mark.timeout(2_400)
def test_a_thousand_seeds_leave_the_same_records() -> None:
    """1,000 worlds, twice under each of two hash seeds."""
    assert prove_replay(1_000, first=10_000, runs=4).breaches == ()


@pytest.mark.timeout(1200)
def test_chance_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that draws from the machine's chance leaves other records each time, and the proof says where."""
    monkeypatch.setattr(replay, "COMMAND", (sys.executable, "-c", BY_CHANCE))
    breaches = prove_replay(1).breaches
    assert [breach.promise for breach in breaches] == ["P17"]
    assert "record" in breaches[0].what


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a small world."""
    return play_on(harness_of(tmp_path_factory.mktemp("lived"), 4), 12)


def test_recorded_cycles_are_decided_again(lived: Path) -> None:
    """Every recorded cycle comes out as it was, from its record alone."""
    with Store.read(lived) as store:
        found = replayed(store)
        assert (found.differences, found.without) == ((), 0)
        assert (found.cycles >= 12, found.decisions > found.cycles) == (True, True)
        assert replayed(store, cycle=3).cycles == 1


def test_an_engine_that_decides_otherwise_is_caught(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine of now decides otherwise than that of then, the first difference is named."""
    monkeypatch.setattr("autotrader.engine.lifecycle.expired", lambda *_: True)
    monkeypatch.setattr("autotrader.engine.decide.blocker", lambda *_: "by whim")
    with Store.read(lived) as store:
        found = replayed(store)
    assert found.differences
    assert "rule" in found.differences[0].what
    assert "is" in found.differences[0].what


def test_an_engine_that_asks_otherwise_is_caught(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same decisions with other orders are a difference too: states, runs and requests are compared by hash."""
    from decimal import Decimal

    monkeypatch.setattr("autotrader.language.actions.place.sized", lambda *_: (Decimal(9_000_000), Decimal("0.001")))
    with Store.read(lived) as store:
        assert any("requests differ" in one.what for one in replayed(store).differences)
