"""A cycle that fires decides once, and makes its own record anew only for another moment or after a write."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autotrader.engine.decide import decide
from autotrader.records.own import own_record
from tests.worlds.project import opened, simulator

RULES = """
version: 1
rules:
  low_bids:
    symbol: BTCJPY
    every: 1m
    when: open_buys < 9
    repeat: every 1m while true
    then:
      - buy: {spend: 10_000 JPY, price: bid - 1%}
"""


def test_a_firing_cycle_decides_once_and_reads_its_record_before_and_after_the_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What actions ask is noted in the one decision; the gate asks the store anew and is given what is still true."""
    calls: Counter[str] = Counter()

    def counted(name: str, work: Any) -> Any:
        def called(*args: Any, **named: Any) -> Any:
            calls[name] += 1
            return work(*args, **named)

        return called

    monkeypatch.setattr("autotrader.trading.inputs.decide", counted("decide", decide))
    monkeypatch.setattr("autotrader.records.store.own_record", counted("own record", own_record))
    with simulator() as sim, opened(tmp_path, sim, RULES, live=True) as world:
        for _ in range(2):
            world.connection.clock.sleep(60)
            world.cycle.tick()
        world.connection.clock.sleep(60)
        calls.clear()
        report = world.cycle.tick()
        row = world.store.evaluations.last()
    assert len(report.placed) == 1
    assert calls["decide"] == 1
    assert calls["own record"] <= 2
    assert row is not None
    assert any(term == "BTCJPY.bid" for _, term, _ in row.body["given"]["heard"])
