"""What the six changes are tried with inside their copy: a project, commands, a live service in virtual time.

Everything goes through the command line and the harness of the proofs, so that a rebuilt room changes these few lines
and not six scripts.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autotrader.cli import main
from autotrader.prove.harness import ACCOUNT_HEAD, Harness, project_of, scratch
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from tests.house.measures.roads import LIMITS

MINUTE_MS = 60_000
RULE = """\
version: 1
rules:
  tried:
    symbol: BTCJPY
    every: 1m
    when: CONDITION
    repeat: every 1m while true
    then:
      - ACTION
"""
BUY = "buy: {spend: 20_000 JPY, price: bid - 1%, cancel_after: 50m}"
# Forty hours of candles whose closes rise by 10 from 1,000 on; the first begins at 2026-01-01 00:00 UTC.
CANDLES = "open_time,open,high,low,close,volume,close_time\n" + "".join(
    f"{start},{close},{close + 5},{close - 5},{close},1,{start + 3_599_999}\n"
    for start, close in ((1_767_225_600_000 + 3_600_000 * n, 1_000 + 10 * n) for n in range(40))
)


def said(*words: str, code: int = 0) -> str:
    """What a command says on both streams; it must end with that code."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        ended = main(list(words))
    text = out.getvalue() + err.getvalue()
    assert ended == code, f"{' '.join(words)}: exit {ended}\n{text}"
    return text


@dataclass
class Tried:
    """A project that ran for some minutes: its folder, what the exchange has, what was told."""

    folder: Path
    orders: list[dict[str, object]]
    told: list[str]

    def asked(self, command: str, *words: str) -> str:
        """A command about its records."""
        return said(command, *words, "--state", str(self.folder / "state"))

    def project(self, command: str, *words: str) -> str:
        """A command about its files."""
        return said(command, *words, "--config", str(self.folder / "project" / "autotrader.yaml"))


@contextlib.contextmanager
def lived(condition: str, action: str = BUY, limits: str = LIMITS, minutes: int = 3) -> Iterator[Tried]:
    """One rule, live at the simulator, for some minutes."""
    with scratch("change") as folder:
        rules = RULE.replace("CONDITION", condition).replace("ACTION", action)
        simulator = Simulator(seed=7, symbols=["BTCJPY"], accounts=[Account.named("main", {"JPY": "5000000"})])
        project = project_of(folder / "project", ACCOUNT_HEAD + limits, rules)
        harness = Harness(project, simulator, folder / "state", random.Random(7))
        with harness.open() as runtime:
            report = runtime.start()
            assert report.armed, report.reasons
            until = runtime.connection.clock.now_ms() + minutes * MINUTE_MS
            Runner(runtime, RunMode(until_ms=until)).run()
        yield Tried(folder, simulator.orders(), [text for _, _, text in harness.notifier.messages])


def evaluated(expression: str) -> list[str]:
    """The values of an expression over the forty candles, oldest first, as the CSV says them."""
    with scratch("candles") as folder:
        path = folder / "candles.csv"
        path.write_text(CANDLES, encoding="utf-8")
        text = said("eval", expression, "--symbol", "BTCJPY", "--data", str(path), "--from-birth", "--format", "csv")
    return [line.rsplit(",", 1)[1] for line in text.splitlines()[1:]]
