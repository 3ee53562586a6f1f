"""What the service says about clocks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autotrader.prove.harness import Harness, project_of
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from tests.proof.halts import ACCOUNT, RULES


def test_that_the_venues_new_time_is_believed_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People heard that nothing is signed; they hear that it goes on."""
    account = Account.named("main", {"JPY": "50000000", "BTC": "5", "BNB": "1"})
    simulator = Simulator(seed=3, symbols=["BTCJPY"], accounts=[account], history_minutes=30)
    harness = Harness(project_of(tmp_path / "project", ACCOUNT, RULES), simulator, tmp_path / "state", random.Random(3))
    said = ["the venue's clock jumped by 60 s and has stayed so for 15 minutes: it is believed again"]
    heard: list[str] = []
    with harness.open() as world:
        world.start()
        clock = world.connection.clock
        monkeypatch.setattr(clock, "news", lambda: said.pop() if said else "")
        until = clock.now_ms() + 5_000
        Runner(world, RunMode(until_ms=until, stepped=True), log=lambda _level, text: heard.append(text)).run()
    assert [text for text in heard if "believed again" in text] == [
        "the venue's clock jumped by 60 s and has stayed so for 15 minutes: it is believed again"
    ]
