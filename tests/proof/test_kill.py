"""Processes that die by SIGKILL and come back, and that the proof of it can fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from autotrader.prove.agreement import Truth, after_death, money, store_folder, too_many
from autotrader.prove.kill import plan_of, prove_kill, seed_of_today
from autotrader.prove.referee import judged
from autotrader.prove.victim import MOST, Stakes
from autotrader.records.crash import CRASH_POINTS, VARIABLE
from autotrader.records.store import Store
from autotrader.simulator import Account, Simulator

pytestmark = pytest.mark.timeout(240)


def test_twenty_processes_die_and_come_back() -> None:
    """Twenty cycles, other points each day: no order doubled, none lost, no trade booked twice."""
    proof = prove_kill(20, seed_of_today())
    assert proof.holds, [(breach.what, breach.case, breach.story) for breach in proof.breaches]
    assert int(proof.figures["orders at the exchange"]) > 100
    assert int(proof.figures["killed at a named point"]) > 8


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_two_thousand_processes_die_at_every_point() -> None:
    """2,000 cycles: every point is covered, at its first passing and later ones."""
    proof = prove_kill(2_000, 0)
    print(*(f"{name:40} {count}" for name, count in proof.figures.items()), sep="\n")  # noqa: T201
    assert proof.holds, [(breach.what, breach.case, breach.story) for breach in proof.breaches[:5]]
    assert proof.figures["points covered"] == f"{len(CRASH_POINTS)} of {len(CRASH_POINTS)}"


def test_as_a_user_starts_it(tmp_path: Path) -> None:
    """`autotrader run --live`, killed after the exchange had answered and before that was written, started again."""
    account = Account.named("main", {"JPY": "1000000", "BTC": "0.5"})
    with Simulator(seed=3, time="stepped", symbols=["BTCJPY"], accounts=[account]) as sim:
        stakes = Stakes(folder=tmp_path, url=sim.url, key=account.key, secret=account.secret, began_ms=sim.now_ms)
        stakes.write()
        assert _run(stakes, "posted:2") == -signal.SIGKILL
        truth = Truth.of(sim.state(), "main")
        assert truth.orders()
        assert after_death(stakes.state, truth) == []
        assert _run(stakes, "") == 0
        truth, folder = Truth.of(sim.state(), "main"), store_folder(stakes.state)
        assert folder is not None
        with Store.read(folder) as store:
            assert judged(truth, store).breaches == []
            assert [*money(store, truth), *too_many(store, truth, MOST)] == []


def _run(stakes: Stakes, point: str) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRADER")}
    environment |= {
        "AUTOTRADER_API_KEY": stakes.key, "AUTOTRADER_API_SECRET": stakes.secret, "AUTOTRADER_LIVE": "1",
        VARIABLE: point, "HOME": str(stakes.folder),
    }  # fmt: skip
    config = stakes.folder / "autotrader.yaml"
    words = ["run", "--live", "--stepped", "--for", "8m", "--state", str(stakes.state), "--config", str(config)]
    command = [sys.executable, "-m", "autotrader", *words]
    repo = Path(__file__).parents[2]
    return subprocess.run(command, cwd=repo, env=environment, capture_output=True, timeout=120, check=False).returncode


@pytest.mark.parametrize(
    ("mutation", "point", "promise"),
    [
        ("Gateway._write_sent = late", "posted", "P1"),
        pytest.param("Reconciler._replay = lambda self: ()", "intent_committed", "P2", marks=pytest.mark.deep),
    ],
    ids=["journal after send", "no replay"],
)
def test_a_broken_product_is_caught(tmp_path: Path, mutation: str, point: str, promise: str) -> None:
    """A product without one of its mechanisms does not pass the proof."""
    script = tmp_path / "broken.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from autotrader.trading.gateway import Gateway
            from autotrader.trading.reconcile import Reconciler
            from autotrader.prove.cycle import worker

            def late(self, row):
                return self._clock.now_ms()

            {mutation}
            worker(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
            """
        ).format(mutation=mutation),
        encoding="utf-8",
    )
    proof = prove_kill(1, 2, workers=1, point=point, command=(sys.executable, str(script)))
    assert promise in {breach.promise for breach in proof.breaches}, proof


def test_a_cycle_follows_from_its_seed() -> None:
    """The same seed plans the same lives and faults; the seeds of 200 cycles walk over every point."""
    assert [plan_of(seed) for seed in range(50)] == [plan_of(seed) for seed in range(50)]
    planned = {life.crash_at.partition(":")[0] for seed in range(200) for life in plan_of(seed).lives}
    assert planned >= set(CRASH_POINTS)
