"""The four jobs that are walked, driven through the public way: whoever moves a room mends these few lines.

Each takes a `record` that runs a job and notes it. What a job needs is made outside of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from autotrader import Simulator, load, load_settings
from autotrader.prove.harness import ACCOUNT_HEAD, Harness, project_of, scratch
from autotrader.runtime import Runtime
from autotrader.simulator import Account
from autotrader.views.why import Explainer
from tests.house.measures.walks import Walk, recorded

LIMITS = """\
limits:
  spend_per_day: 2_000_000 JPY
  loss_per_day: 1_000_000 JPY
  keep_free: {JPY: 5_000 JPY}
  halt_after: 50 refusals
  open_orders: 60
  orders_per_hour: 60
  holding: {BTC: 1 BTC}
  price_band: 3%
  request_weight: 60%
"""
TEN_LINES = """\
version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when: change_24h <= -5% for 2m
    repeat: every 1m while true
    then:
      - buy: {spend: 20_000 JPY, price: bid - 1%}
"""
# A ticker's word, an indicator and the own record; one order, with a timer.
WALKED = """\
version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when:
      all:
        - last > 1 JPY
        - rsi(14, 1m) < 101
        - open_buys < 99
    repeat: every 1m while true
    cooldown: COOLDOWN
    then:
      - buy: {spend: 20_000 JPY, price: bid - 1%, cancel_after: 50m}
"""
MINUTE_S = 60


def load_ten_lines() -> Walk:
    """A rule file of ten lines, from bytes to a plan."""
    settings, problems = load_settings("autotrader.yaml", ACCOUNT_HEAD + LIMITS, {})
    assert settings is not None, problems
    text = TEN_LINES.encode()

    def job() -> None:
        plan, found = load({"rules.yaml": text}, settings)
        assert plan is not None, found

    job()
    return recorded(job)


def _cycles(rules: str, look: Callable[[Runtime, Harness], Walk]) -> Walk:
    """A world with one rule on a simulator in this process, started and a cycle old."""
    with scratch("house") as folder:
        simulator = Simulator(seed=7, time="stepped", accounts=[Account.named("main", {"JPY": "5000000", "BTC": "0"})])
        project = project_of(folder, ACCOUNT_HEAD + LIMITS, rules)
        harness = Harness(project, simulator, folder / "state", random.Random(7))
        with harness.open() as world:
            report = world.start()
            assert report.armed, report.reasons
            for _ in range(3):
                harness.time.sleep(MINUTE_S)
                world.cycle.tick()
            return look(world, harness)


def _one_cycle(world: Runtime, harness: Harness) -> Walk:
    harness.time.sleep(MINUTE_S)
    return recorded(world.cycle.tick)


def quiet_cycle() -> Walk:
    """A cycle in which the rule is looked at and nothing happens: an order rests, and the rule cools down."""
    return _cycles(WALKED.replace("COOLDOWN", "2h"), _one_cycle)


def firing_cycle() -> Walk:
    """A cycle in which the rule fires and one order is placed."""
    return _cycles(WALKED.replace("COOLDOWN", "1s"), _one_cycle)


def why() -> Walk:
    """A decision retold from the records, as `autotrader why dip` does before it draws the lines."""

    def look(world: Runtime, _: Harness) -> Walk:
        def job() -> None:
            assert Explainer(world.store).explain("dip", None, None)

        job()
        return recorded(job)

    return _cycles(TEN_LINES, look)


ROADS: dict[str, Callable[[], Walk]] = {
    "load ten lines": load_ten_lines,
    "quiet cycle": quiet_cycle,
    "firing cycle": firing_cycle,
    "why": why,
}
