"""A process that is to be killed: one life of the product over real files and a real socket, from rules to orders.

It runs in a fork of a process that has imported everything already and has no threads, so that a life costs what it
does and not what starting Python costs. What kills it is as real as ever: SIGKILL from inside at a named point
(`records.crash`), or any signal from outside at any moment.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from autotrader.project import read_project
from autotrader.prove.harness import SilentNotifier, live_options
from autotrader.prove.processes import forked
from autotrader.records.crash import VARIABLE
from autotrader.runtime import Runtime, open_runtime
from autotrader.service.runner import RunMode, Runner

CALM: Final = 0
NOT_ARMED: Final = 3
RESTLESS: Final = 5  # something stayed unresolved long after the last order
MINUTE_MS: Final = 60_000
PLAY_MINUTES: Final = 5  # in which rules place orders
QUIET_MINUTES: Final = 12  # at most, until every fate is known
_READY: Final = b"+"

ACCOUNT: Final = """
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{url}"}}
symbols: [BTCJPY]
max_slippage: 0.5%
limits:
  spend_per_day: 1_000_000 JPY
  open_orders: 20
  orders_per_hour: 200
  price_band: 5%
  loss_per_day: 500_000 JPY
  keep_free: {{JPY: 1_000 JPY}}
  halt_after: 1000 refusals
  holding: {{BTC: 30 BTC}}
"""
# Each rule may place so many orders a day and no more, whatever happens: the referee counts them at the exchange.
RULES: Final = """
version: 1
rules:
  once_at_market:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    cooldown: 20h
    then:
      - buy: {spend: 11_000 JPY, price: market}
  taker:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    repeat: every 1m while true
    max_runs: 3 per day
    then:
      - buy: {spend: 12_000 JPY, price: ask + 0.05%, tag: taker}
  low_bids:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    repeat: every 1m while true
    max_runs: 4 per day
    then:
      - buy: {spend: 13_000 JPY, price: bid - 1%, tag: low, cancel_after: 2m}
  seller:
    symbol: BTCJPY
    every: 1m
    when: holding(BTC) > 0.001 BTC
    repeat: every 1m while true
    max_runs: 3 per day
    then:
      - sell: {size: 0.0005 BTC, price: bid - 0.05%}
  cancel_low:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader, tag: low}
    when: order.age > 80s
    then:
      - cancel
"""
MOST: Final = {"once_at_market": 1, "taker": 3, "low_bids": 4, "seller": 3, "cancel_low": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What a victim lives on: its files, its exchange and its key. `began_ms`: the exchange's time at the start."""

    folder: Path
    url: str
    key: str
    secret: str
    began_ms: int

    def write(self) -> None:
        """Its account file and its rules."""
        (self.folder / "rules").mkdir(parents=True)
        (self.folder / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
        (self.folder / "autotrader.yaml").write_text(ACCOUNT.format(url=self.url), encoding="utf-8")

    @property
    def state(self) -> Path:
        """Where its records are."""
        return self.folder / "state"


def born(stakes: Stakes, *, crash_at: str = "", minutes: int = 0) -> int:
    """Fork a life and return its process id. `crash_at`: die there by SIGKILL; `minutes`: end calmly so long after the
    beginning, although not everything is known (0: live to the end).
    """
    # What was imported before the fork must not be walked, and copied, by each life's garbage collector.
    gc.freeze()
    return forked(partial(_born, stakes, crash_at, minutes))


def _born(stakes: Stakes, crash_at: str, minutes: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it trades, Ctrl-C ends it as SIGTERM does
    _quietly(stakes.folder / "said.txt")
    if crash_at:
        os.environ[VARIABLE] = crash_at
    return _life(stakes, minutes)


def _quietly(said: Path) -> None:
    """What it says goes to a file."""
    fd = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)


def _life(stakes: Stakes, minutes: int) -> int:
    options = replace(live_options(stakes.state, stakes.key, stakes.secret), stepped=True)
    project = read_project(stakes.folder / "autotrader.yaml", environ={})
    with open_runtime(project, options, lambda _settings: SilentNotifier()) as world:
        report = world.start()
        if not report.armed:
            _said("critical", f"not armed: {'; '.join(report.reasons)}")
            return NOT_ARMED
        return _traded(world, stakes.began_ms + (minutes or PLAY_MINUTES) * MINUTE_MS, to_the_end=not minutes)


def _traded(world: Runtime, until_ms: int, *, to_the_end: bool) -> int:
    """Trade until then; at the end of the last life go on until nothing is open to doubt. A signal ends it calmly."""
    clock, stopped = world.connection.clock, False
    last_ms = until_ms + QUIET_MINUTES * MINUTE_MS
    while True:
        runner = Runner(world, RunMode(until_ms=until_ms, stepped=True), log=_said)
        _listen(runner)
        stopped = runner.run().startswith("SIG")
        # Only the last life owes an end of all doubts; the others may be stopped in the middle of one.
        if stopped or not to_the_end or not _doubts(world):
            return CALM
        if clock.now_ms() >= last_ms:
            _said("critical", f"still in doubt: {'; '.join(_doubts(world))}")
            return RESTLESS
        until_ms = clock.now_ms() + MINUTE_MS


def _listen(runner: Runner) -> None:
    """As `autotrader run` does: both signals ask for a calm end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _frame: runner.stop(signal.Signals(which).name))


def _said(level: str, text: str) -> None:
    sys.stderr.write(f"{level} {text}\n")


def _doubts(world: Runtime) -> list[str]:
    """What is not known for certain yet."""
    store = world.store
    unknown = [f"{row.client_order_id} is {row.state}" for row in store.intents.unresolved()]
    unbooked = [f"{row.client_order_id} misses trades" for row in store.orders.unsettled() if row.unbooked]
    return unknown + unbooked
