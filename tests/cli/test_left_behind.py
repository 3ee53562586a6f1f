"""What a person must know although nothing fails: orders of a rule that is gone, checkpoints that are not written."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from autotrader.cli import main
from autotrader.prove.harness import Harness, project_of
from autotrader.prove.small_world import ACCOUNT
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from tests.cli.project import made, without_settings
from tests.worlds.project import simulator

RULES = """
version: 1
rules:
  old_name:
    symbol: BTCJPY
    every: 1m
    when: last > 0
    then:
      - buy: {spend: 10_000 JPY, price: bid - 2%, cancel_after: 5h}
"""
MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)


def test_an_order_of_a_renamed_rule_is_named_by_plan_start_and_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the rename nobody is gone; afterwards plan, the start, the record of notices and status name the rule."""
    with simulator(100_000) as sim:
        project = made(tmp_path, sim, rules=RULES)
        assert project.run("run", "--for", "2m", "--stepped") == 0
        assert project.data(capsys, "status")["stores"][0]["gone"] == []
        assert project.data(capsys, "plan")["gone"] == []
        made(tmp_path, sim, rules=RULES.replace("old_name", "new_name"))
        left = {"rule": "old_name", "open_orders": 1}
        assert project.data(capsys, "plan")["gone"] == [left]
        assert "old_name is gone with 1 open order" in project.text(capsys, "plan")
        assert project.run("run", "--for", "1m", "--stepped") == 0
        assert "old_name is gone with 1 open order" in capsys.readouterr().err
        assert project.data(capsys, "status")["stores"][0]["gone"] == [left]
        assert "old_name is gone with 1 open order" in project.text(capsys, "status")


def played(world: Runtime, minutes: int) -> None:
    """Let the service run for so long."""
    until = world.connection.clock.now_ms() + minutes * MINUTE_MS
    Runner(world, RunMode(until_ms=until)).run()


def test_checkpoints_that_cannot_be_written_are_told_and_their_return_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One notice at the begin, one at the end; between them `status` and `audit verify` say since when and why."""
    sim = Simulator(seed=5, symbols=["BTCJPY"], accounts=[Account.named("main", {"JPY": "90000"})], history_minutes=60)
    project = project_of(tmp_path / "project", ACCOUNT, RULES)
    harness = Harness(project=project, simulator=sim, state=tmp_path / "state", chance=random.Random(1))
    words = ["--state", str(harness.state)]
    with harness.open() as world:
        world.start()
        played(world, 1)
        heads = world.store._heads
        assert heads is not None
        whole, heads._fd = heads._fd, os.open(heads.path, os.O_RDONLY)
        played(world, 3)
        assert main(["status", *words]) == 0
        assert "no checkpoints since " in capsys.readouterr().out
        assert main(["audit", "verify", *words]) == 0
        said = capsys.readouterr().out
        assert "no checkpoints since " in said
        assert "could not be written: Bad file descriptor" in said
        os.close(heads._fd)
        heads._fd = whole
        played(world, 3)
        assert main(["audit", "verify", *words]) == 0
        assert "no checkpoints" not in capsys.readouterr().out
    told = [text for _, level, text in harness.notifier.messages if "checkpoints" in text and level == "warn"]
    assert len(told) == 2
    assert "not written" in told[0]
    assert "written again" in told[1]
