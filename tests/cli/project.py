"""A small project on a simulator, for the tests of commands: what they print, and what they leave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autotrader import cli
from autotrader.simulator import Simulator
from tests.worlds.project import account_text, write_project

SETTINGS = {"paper": "{JPY: 100_000 JPY, BTC: 0 BTC}"}
LIMITS = {
    "spend_per_day": "30_000 JPY",
    "loss_per_day": "5_000 JPY",
    "orders_per_hour": "20",
    "holding": "{BTC: 0.5 BTC}",
}
RULES = """
version: 1
rules:
  buy_the_dip:
    symbol: BTCJPY
    labels: [dips]
    every: 1m
    when:
      all:
        - change_24h <= -3%
        - rsi(14, 1h) < 60
        - spread <= 0.20%
        - free(JPY) >= 10_000 JPY
    rearm_when: change_24h > -1%
    cooldown: 6h
    then:
      - buy: {spend: 10_000 JPY, price: bid - 0.2%, post_only: true, cancel_after: 30m}
  crash_buy:
    symbol: BTCJPY
    every: 1m
    when: change_24h <= -3.5%
    cooldown: 6h
    then:
      - buy: {spend: 20_000 JPY, price: ask}
  cancel_stale:
    symbol: BTCJPY
    every: 5m
    for_each_order: {owner: autotrader}
    when: order.age > 20m
    then:
      - cancel
"""


@dataclass
class Project:
    """A folder with an account file and rules, and its exchange."""

    folder: Path
    sim: Simulator

    @property
    def store(self) -> Path:
        """The only store."""
        (found,) = {path.parent for path in (self.folder / "state").glob("*/lock")}
        return found

    def run(self, *words: str) -> int:
        """A command on this project."""
        place = ["--state", str(self.folder / "state")]
        config = ["--config", str(self.folder / "autotrader.yaml")]
        return cli.main([*words, *place, *([] if words[0] in _WITHOUT_CONFIG else config)])

    def data(self, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
        """What a command says as JSON; its exit code is the one it names."""
        capsys.readouterr()
        code = self.run(*words, "--format", "json")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert found["exit_code"] == code
        assert found["format_version"] == 1
        return found

    def text(self, capsys: pytest.CaptureFixture[str], *words: str) -> str:
        """What a command says on stdout; it must succeed."""
        capsys.readouterr()
        code = self.run(*words)
        heard = capsys.readouterr()
        assert code == 0, heard.err
        return heard.out


_WITHOUT_CONFIG = frozenset({"why", "status", "resume", "pause", "orders", "audit"})


def made(folder: Path, sim: Simulator, mode: str = "dry_run", rules: str = RULES) -> Project:
    """Write the project."""
    write_project(folder, account_text(sim.url, mode, settings=SETTINGS, limits=LIMITS), rules)
    return Project(folder, sim)


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine reaches the commands."""
    import os

    for name in list(os.environ):
        if name.startswith("AUTOTRADER_"):
            monkeypatch.delenv(name)
