"""A small world for proofs about records: a handful of rules of every kind on a generated market, played for a while.

Everything that a record can tell of happens in it within the hour: firings, bids that rest, fill in part and are
cancelled by rule and by timer, sales at the market, messages, a pause, denied and skipped orders, words over candles
and over the own record. What happens is decided by the seed alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from autotrader.prove.harness import ACCOUNT_HEAD, Harness, closing, project_of
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator

MINUTE_MS: Final = 60_000
ACCOUNT: Final = (
    ACCOUNT_HEAD
    + """\
limits:
  spend_per_day: 2_000_000 JPY
  loss_per_day: 1_000_000 JPY
  keep_free: {JPY: 5_000 JPY}
  halt_after: 50 refusals
  open_orders: 6
  orders_per_hour: 60
  holding: {BTC: 1 BTC}
  price_band: 3%
  request_weight: 60%
"""
)
RULES: Final = """
version: 1
rules:
  low_bids:
    symbol: BTCJPY
    every: 1m
    when: open_buys < 3
    repeat: every 2m while true
    then:
      - buy: {spend: 20_000 JPY, price: bid - 0.02%, cancel_after: 7m, tag: low}
  touch_bids:
    symbol: BTCJPY
    every: 2m
    when:
      all:
        - spread <= 0.50%
        - rsi(14, 1m) < 60
    repeat: every 4m while true
    then:
      - buy: {spend: 30_000 JPY, price: bid, post_only: true, tag: touch}
      - notify: "bid {order.price} for {order.size}, rsi {rsi(14, 1m)}"
  stale:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader, tag: low}
    when:
      any:
        - order.age > 4m
        - order.distance > 0.3%
    then:
      - cancel
  sell_some:
    symbol: BTCJPY
    every: 3m
    when: free(BTC) > 0.0002 BTC
    repeat: every 3m while true
    then:
      - sell: {size: 60% of free(BTC), price: market}
  on_the_close:
    symbol: BTCJPY
    on_close: 5m
    when: close(5m) > sma(5, 5m)
    repeat: every 5m while true
    max_runs: 4 per day
    then:
      - buy: {spend: 500_000 JPY, price: ask}
  hush:
    symbol: BTCJPY
    every: 10m
    when: last > 1 JPY
    cooldown: 20m
    then:
      - pause: {rules: [touch_bids], for: 6m}
      - cancel_orders: {tag: touch}
"""


def harness_of(state: Path, seed: int) -> Harness:
    """The harness of one seed: the market, the account's money and the pace of the network come from it."""
    chance = random.Random(f"small world {seed}")
    jpy, btc = chance.choice(("90000", "400000", "3000000")), chance.choice(("0", "0.0100", "0.2000"))
    account = Account.named("small", {"JPY": jpy, "BTC": btc})
    simulator = Simulator(seed=seed, symbols=["BTCJPY"], accounts=[account], history_minutes=180)
    return Harness(
        project=project_of(state / "project", ACCOUNT, RULES), simulator=simulator, state=state, chance=chance
    )


def play_on(harness: Harness, minutes: int, before_end: Callable[[Runtime], None] = lambda _: None) -> Path:
    """Open the harness's world, play it for so many minutes and close it; returns the folder of its store.

    Raises RuntimeError where the world does not arm: then nothing would be proved.
    """
    with closing(harness.open()) as world:
        report = world.start()
        if not report.armed:
            raise RuntimeError(f"the small world is not armed: {report.reasons}")
        ends = world.connection.clock.now_ms() + minutes * MINUTE_MS
        Runner(world, RunMode(until_ms=ends, stepped=True)).run()
        before_end(world)
        return world.store.folder
