"""A service is halted while it trades: by each door, with everything else at work or broken."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from autotrader import cli
from autotrader.engine.halt import Halt, HaltLevel
from autotrader.ports import Level
from autotrader.prove.harness import NOWHERE, Harness
from autotrader.records.places import writer_pid
from autotrader.records.store import Store
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Faults, Simulator
from tests.proof.halts import ACCOUNT, RULES

BOOK = "/api/v3/ticker/bookTicker"
IN_AN_ANSWER_SECONDS = 0.3  # its answer drips for longer than that
WATCHED_SECONDS = 4  # without the halt, that look's first order leaves after 2 s


def go_on(world: Runtime, seconds: float) -> None:
    """Let the service run for a while."""
    until = world.connection.clock.now_ms() + int(seconds * 1000)
    Runner(world, RunMode(until_ms=until, stepped=True)).run()


def placed(harness: Harness) -> int:
    """How many orders have reached the exchange."""
    return harness.heard().get(("POST", "/api/v3/order"), 0)


def test_while_orders_are_taken_back_the_service_tries_until_none_stands(harness: Harness) -> None:
    """The exchange is deaf when the halt comes; as soon as it hears again our orders are cancelled."""
    deaf = False
    harness.dead = lambda _request: deaf
    with harness.open() as world:
        world.start()
        go_on(world, 11)
        assert world.store.orders.open()
        deaf, before = True, placed(harness)
        world.store.halt("all of it", world.connection.clock.now_ms(), HaltLevel.CANCEL)
        go_on(world, 12)
        assert world.store.orders.open()
        deaf = False
        go_on(world, 12)
        assert world.store.orders.open() == ()
        assert placed(harness) == before


class _Broken:
    """A notifier whose every address is down."""

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Nobody hears."""

    def failures(self) -> Sequence[tuple[str, str]]:
        """Each message failed."""
        return (("default", "connection refused"),)

    def close(self, timeout: float) -> None:
        """Nothing."""


def test_a_notifier_that_is_down_delays_no_halt(harness: Harness) -> None:
    """Nobody hears of it, and it holds all the same."""
    harness.notifier = _Broken()  # type: ignore[assignment]  # a notifier like any other
    with harness.open() as world:
        world.start()
        go_on(world, 6)
        before = placed(harness)
        assert before
        world.store.halt_at_once(Halt("by the signal SIGUSR1"))
        go_on(world, 20)
        assert placed(harness) == before
        assert world.store.settings.get("halt")["reason"] == "by the signal SIGUSR1"


# ------------------------------------------------------------------------------------------------- real processes
@contextmanager
def service(folder: Path, simulator: Simulator) -> Iterator[subprocess.Popen[bytes]]:
    """A live service on a simulator in real time."""
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "autotrader.yaml").write_text(ACCOUNT.replace(NOWHERE, simulator.url), encoding="utf-8")
    secret = folder / "secret"
    secret.write_text(simulator.accounts[0].secret, encoding="utf-8")
    secret.chmod(0o600)
    environ = {
        **os.environ, "AUTOTRADER_API_KEY": simulator.accounts[0].key, "AUTOTRADER_API_SECRET_FILE": str(secret),
        "AUTOTRADER_LIVE": "1", "COVERAGE_PROCESS_START": "",
    }  # fmt: skip
    words = ["run", "--live", "--state", str(folder / "state"), "--config", str(folder / "autotrader.yaml")]
    process = subprocess.Popen(
        [sys.executable, "-m", "autotrader", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(300)


def wait_for(true: object, seconds: float = 300.0) -> None:
    """Until a condition holds."""
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:  # type: ignore[operator]
        time.sleep(0.02)
    assert true()  # type: ignore[operator]


@pytest.mark.parametrize(
    "door", ["file", pytest.param("signal", marks=pytest.mark.deep), pytest.param("command", marks=pytest.mark.deep)]
)
def test_a_service_that_waits_for_a_slow_exchange_signs_nothing_after_a_halt(tmp_path: Path, door: str) -> None:
    """Every answer drips; the halt comes in the middle of one from which an order follows. None leaves afterwards, and
    the records know.
    """
    faults = Faults(seed=1, plan={"drip": {"probability": 1.0, "pause": 0.001}})
    faults.active = False
    account = Account.named("main", {"JPY": "50000000", "BTC": "5", "BNB": "1"})
    simulator = Simulator(time="real", seed=3, symbols=["BTCJPY"], accounts=[account], faults=faults)

    def looks() -> int:
        return sum(row["count"] for row in simulator.requests()["requests"] if row["path"] == BOOK)

    with simulator, service(tmp_path, simulator) as process:
        wait_for(lambda: len(simulator.orders()) >= 2)
        faults.active, seen = True, looks()
        wait_for(lambda: looks() > seen)
        before = len(simulator.orders())
        time.sleep(random.Random(door).uniform(0, IN_AN_ANSWER_SECONDS))
        (store,) = (path.parent for path in (tmp_path / "state").glob("*/lock"))
        assert writer_pid(store) == process.pid
        if door == "signal":
            process.send_signal(signal.SIGUSR1)
        elif door == "file":
            (store / "HALT").write_text("stop", encoding="utf-8")
        else:
            cli.main(["halt", "--state", str(tmp_path / "state"), "--reduce-only", "--reason", "first"])
            cli.main(["halt", "--state", str(tmp_path / "state"), "--reason", "a look"])
        time.sleep(WATCHED_SECONDS)
        assert len(simulator.orders()) == before
        faults.active = False  # so that it ends soon
        with Store.read(store) as reader:
            halt = reader.halt_in_force()
    assert halt is not None
    assert halt.level is HaltLevel.HALT
    assert halt.reason == {"signal": "by the signal SIGUSR1", "file": "stop", "command": "a look"}[door]
