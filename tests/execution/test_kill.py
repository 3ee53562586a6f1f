"""Real processes, real SIGKILL, real HTTP: nothing doubled, nothing lost, at every named point of the order path."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.records.crash import CRASH_POINTS, VARIABLE
from autotrader.records.store import Store
from autotrader.simulator import Simulator
from tests.execution.victim import SLOTS

REPO = Path(__file__).resolve().parents[2]


def life(sim: Simulator, folder: Path, crash_at: str | None = None) -> int:
    """Run the victim once; returns how it ended."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPO)}
    if crash_at is not None:
        environment[VARIABLE] = crash_at
    account = sim.accounts[0]
    command = [sys.executable, "-m", "tests.execution.victim", str(folder), sim.url, account.key, account.secret]
    done = subprocess.run(command, env=environment, cwd=REPO, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


def compare(sim: Simulator, folder: Path) -> dict[str, Any]:
    """The venue's own record and ours, row by row; returns what there is to count."""
    theirs = {row["clientOrderId"]: row for row in sim.orders()}
    assert len(theirs) == len(sim.orders()), "two orders of one name"
    with Store.read(folder) as store:
        ours = {row.client_order_id: row for row in store.orders.since(0)}
        fills = {fill.trade_id: fill for fill in store.orders.fills_since(0)}
        intents = store.intents.latest(100)
        assert store.verify().problems == ()
    assert theirs.keys() == ours.keys()
    for cid, row in ours.items():
        assert row.settled
        assert row.tag.startswith("t")
        assert (row.order.status, row.order.executed) == (theirs[cid]["status"], Decimal(theirs[cid]["executedQty"]))
    mine = {(f.trade_id, f.order_id, f.price, f.quantity, f.fee, f.fee_asset) for f in fills.values()}
    assert mine == {
        (t["id"], t["orderId"], Decimal(t["price"]), Decimal(t["qty"]), Decimal(t["commission"]), t["commissionAsset"])
        for t in sim.trades()
    }
    assert len(intents) == SLOTS
    return {"orders": len(theirs), "trades": len(fills), "dropped": SLOTS - len(theirs)}


@pytest.fixture
def sim() -> Any:
    with Simulator(seed=7, time="stepped") as running:
        yield running


def test_without_a_crash_both_records_agree(sim: Simulator, tmp_path: Path) -> None:
    """Orders, trades and fees of the venue's record are ours, to the last digit."""
    assert life(sim, tmp_path / "s") == 0
    found = compare(sim, tmp_path / "s")
    assert (found["orders"], found["dropped"]) == (SLOTS, 0)
    assert found["trades"] > 0


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_kill_at_every_point(sim: Simulator, tmp_path: Path, point: str) -> None:
    """Killed at a named point and started again: no order twice, none unknown, every trade booked once."""
    folder = tmp_path / "s"
    if point in {"looked", "look_committed"}:
        assert life(sim, folder, "posted") == -signal.SIGKILL  # leaves an unknown fate to look at
    assert life(sim, folder, point) == -signal.SIGKILL
    assert life(sim, folder) == 0
    compare(sim, folder)


def test_killed_again_and_again(sim: Simulator, tmp_path: Path) -> None:
    """A process that dies at one point after another still ends with both records equal."""
    folder = tmp_path / "s"
    for point in ("posted", "looked", "reply_uncommitted", "trades_read", "trade_uncommitted", "cancel_posted"):
        life(sim, folder, point)
    assert life(sim, folder) == 0
    compare(sim, folder)
