"""Faults in the program and in real time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from autotrader.simulator import Faults, Simulator
from tests.simulator.conftest import Caller


def test_the_program_takes_faults_from_a_file(tmp_path: Path) -> None:
    """--faults FILE: the plan acts, and /simulator/state lists what was injected."""
    plan = tmp_path / "faults.yaml"
    plan.write_text("seed: 3\nplan:\n  edit: {call: GET time, at: [2], set: {serverTime: x}}\n")
    argv = [sys.executable, "-m", "autotrader", "simulator", "--seed", "1", "--faults", str(plan), "--print-url"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            shown = [json.load(urllib.request.urlopen(f"{url}/api/v3/time"))["serverTime"] for _ in range(3)]  # noqa: S310
            state = json.load(urllib.request.urlopen(f"{url}/simulator/state"))  # noqa: S310
        finally:
            process.terminate()
    assert [isinstance(value, int) for value in shown] == [True, False, True]
    assert [(row["fault"], row["nth"]) for row in state["faults"]] == [("edit", 2)]


def test_the_program_refuses_a_bad_plan_with_one_message(tmp_path: Path) -> None:
    """Exit code 2, what is wrong and what is allowed; no traceback."""
    plan = tmp_path / "faults.json"
    plan.write_text('{"plan": {"reply_lots": 1}}')
    argv = [sys.executable, "-m", "autotrader", "simulator", "--faults", str(plan)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "there is no fault 'reply_lots'; there are request_lost" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_delay_in_real_time_takes_that_time(connect: Callable[..., Caller]) -> None:
    """Half a second on the way with a window of 0.3 s: -1021, and not before half a second has passed."""
    faults = Faults(plan={"delayed": {"at": [1], "ms": 500}})
    with Simulator(seed=1, time="real", faults=faults) as sim:
        venue = connect(sim)
        venue.sim = sim
        begun = time.monotonic()
        late = venue.order(price="9000000", quantity="0.001", recvWindow=300)
        assert time.monotonic() - begun >= 0.5
        assert late.error[1] == -1021
        assert venue.order(price="9000000", quantity="0.001").status == 200
