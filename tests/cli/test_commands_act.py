"""Commands that act: halt, resume, pause, order, paper; with a service at work and without one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autotrader.records.inbox import Inbox
from autotrader.records.places import writer_pid
from autotrader.records.store import Store
from tests.cli.project import Project, made, without_settings
from tests.worlds.project import simulator

BID = "1_200_000"


@pytest.fixture(scope="module")
def sim_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An exchange for this file; each test makes its own store on it."""
    with simulator(100_000) as sim:
        yield made(tmp_path_factory.mktemp("act"), sim)


@pytest.fixture
def project(sim_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh project whose store holds one open paper order."""
    without_settings(monkeypatch)
    found = made(tmp_path, sim_project.sim)
    assert found.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0
    return found


@contextmanager
def service(project: Project) -> Iterator[int]:
    """`autotrader run` on the project's store, until the block ends."""
    words = ["run", "--state", str(project.folder / "state"), "--config", str(project.folder / "autotrader.yaml")]
    process = subprocess.Popen(
        [sys.executable, "-m", "autotrader", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "COVERAGE_PROCESS_START": ""},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 200
        while writer_pid(project.store) != process.pid and time.monotonic() < deadline:
            time.sleep(0.05)
        assert writer_pid(project.store) == process.pid
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(200)


def test_a_service_is_asked_and_answers(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With a service on the store, order, pause, halt and resume go through its inbox; reset is refused."""
    with service(project):
        placed = project.data(capsys, "order", "new", "buy", "BTCJPY", "0.001", "--price", BID)
        assert (placed["by"], placed["state"]) == ("service", "ACCEPTED")
        assert project.run("order", "cancel", "BTCJPY", placed["client_order_id"]) == 0
        paused = project.data(capsys, "pause", "crash_buy", "--for", "1h")["paused"]
        assert [one["name"] for one in paused] == ["crash_buy"]
        assert project.run("paper", "reset") == 4
        (halted,) = project.data(capsys, "halt", "--cancel", "--reason", "lunch")["halted"]
        assert halted["how"] == "service"
        assert len(halted["cancelled"]) == 1
        assert halted["remaining"] == []
        assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 4
        (store,) = project.data(capsys, "status")["stores"]
        assert store["halted"] == "lunch"
        assert store["running"] is True
        assert project.run("resume") == 0
        assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0


def test_an_order_that_lay_in_the_inbox_too_long_is_not_placed(project: Project) -> None:
    """Whoever asked has given up long ago, and may have asked again: the service refuses it for safety."""
    inbox = Inbox(project.store / "inbox.db")
    wanted = {"symbol": "BTCJPY", "side": "BUY", "price": "1200000", "quantity": "0.001"}
    number = inbox.append(int((time.time() - 60) * 1000), "order", wanted)
    with service(project):
        deadline = time.monotonic() + 100
        while (entry := inbox.get(number)) is not None and entry.answer is None and time.monotonic() < deadline:
            time.sleep(0.05)
    inbox.close()
    assert entry is not None
    assert entry.answer is not None
    assert entry.answer["exit_code"] == 4
    with Store.read(project.store) as store:
        assert len(store.orders.since(0)) == 1


def test_a_pause_without_length_is_refused(project: Project) -> None:
    """A pause that is over at once would pause nothing, silently."""
    assert project.run("pause", "crash_buy", "--for", "0s") == 2


def test_an_order_by_hand_passes_the_same_limits(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What a limit denies is refused for safety and leaves no order."""
    assert project.run("order", "new", "buy", "BTCJPY", "0.05", "--price", BID) == 4
    assert "spend_per_day" in capsys.readouterr().err
    assert len(project.data(capsys, "orders")["orders"]) == 1


def test_live_orders_need_their_keys(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """--live alone places nothing."""
    assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID, "--live") == 4
    assert "mode: live" in capsys.readouterr().err
    assert project.sim.orders() == []


def test_halt_without_a_service_cancels_what_stands(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The store's own world is opened for it; restarts do not lift the halt."""
    (halted,) = project.data(capsys, "halt", "--cancel")["halted"]
    assert len(halted["cancelled"]) == 1
    assert project.data(capsys, "orders")["orders"] == []
    assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 4


def test_halt_names_the_orders_that_it_leaves(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --cancel open orders stay, and are told."""
    (halted,) = project.data(capsys, "halt")["halted"]
    assert len(halted["remaining"]) == 1
    assert halted["cancelled"] == []


def test_halt_works_with_a_broken_database(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The halt file is written first; that the records are broken is told, and the exit code says so."""
    (project.store / "records.db").write_bytes(b"this is no database" * 100)
    found = project.data(capsys, "halt")
    assert found["exit_code"] == 1
    assert found["halted"][0]["how"] == "file"
    assert (project.store / "HALT").is_file()


def test_halt_halts_every_store_and_resume_asks_which(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Stopping everything is safe without a question; letting things go on is not."""
    first = project.store
    other = first.with_name("live-elsewhere")
    both = {first.name, other.name}
    other.mkdir()
    (other / "lock").touch()
    assert {one["store"] for one in project.data(capsys, "halt")["halted"]} == both
    assert (other / "HALT").is_file()
    assert project.run("resume") == 2
    assert "2 stores are halted" in capsys.readouterr().err


def test_halt_without_any_store_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A halt that halts nothing must not look like one that did."""
    from autotrader import cli

    assert cli.main(["halt", "--state", str(tmp_path / "none")]) == 2
    assert "nothing was halted" in capsys.readouterr().err


def test_resume_lifts_the_halt_and_says_why_there_was_one(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """After it orders pass again; a second resume finds nothing."""
    assert project.run("halt", "--reason", "lunch") == 0
    assert "lunch" in project.text(capsys, "resume")
    assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0
    assert "nothing was halted" in project.text(capsys, "resume")


def test_pause_takes_rules_and_labels_and_refuses_unknown_ones(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that no rule bears would pause nothing, silently: it is refused, with the nearest one."""
    assert [one["kind"] for one in project.data(capsys, "pause", "--label", "dips")["paused"]] == ["label"]
    assert project.run("pause", "crash_by") == 2
    assert "did you mean `crash_buy`?" in capsys.readouterr().err
    assert project.run("pause", "--label", "dip") == 2
    assert "did you mean `dips`?" in capsys.readouterr().err
    assert project.data(capsys, "resume", "--label", "dips")["paused"] == []
    assert project.run("pause") == 2


def test_paper_reset_starts_over_and_keeps_the_records(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Orders are cancelled, balances and rules begin anew, and the chain stays whole."""
    assert len(project.data(capsys, "paper", "reset")["cancelled"]) == 1
    (yen,) = project.data(capsys, "balances")["balances"]
    assert (yen["free"], yen["locked"]) == ("100000", "0")
    with Store.read(project.store) as store:
        assert store.verify().whole
        assert store.states.all() == {}


def test_paper_reset_before_the_first_run_changes_nothing(sim_project: Project, tmp_path: Path) -> None:
    """There is nothing to start over, and no store is made for it."""
    fresh = made(tmp_path / "fresh", sim_project.sim)
    assert fresh.run("paper", "reset") == 0
    assert not list(tmp_path.glob("fresh/state/*/records.db"))
