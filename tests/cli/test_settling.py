"""adopt and ignore, and what status and run say while something waits; audit reconcile beside the exchange."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from autotrader.records.store import Store
from autotrader.trading.agree import note_difference
from tests.cli.project import Project, made, without_settings
from tests.cli.test_commands_act import BID, service
from tests.worlds.project import simulator


@pytest.fixture(scope="module")
def sim_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An exchange for this file; each test makes its own store on it."""
    with simulator(100_000) as sim:
        yield made(tmp_path_factory.mktemp("settle"), sim)


@pytest.fixture
def project(sim_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh project with one open paper order that waits for a word."""
    without_settings(monkeypatch)
    found = made(tmp_path, sim_project.sim)
    assert found.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0
    with Store.read(found.store) as store:
        identity, cid = store.identity, waiting_order(store)
    with Store.open(found.store, identity, now_ms=found.sim.now_ms) as store:
        note_difference(store, cid, f"the venue has order 1 named {cid}, which this store never made", found.sim.now_ms)
    return found


def waiting_order(store: Store) -> str:
    """The only order."""
    (row,) = store.orders.open()
    return row.client_order_id


def words(project: Project, *given: str) -> list[str]:
    """A command without --config: it only needs the store."""
    return [*given, "--state", str(project.folder / "state")]


def test_without_an_order_it_lists_what_waits(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Symbol, side, size, price and state, the difference, and what to say; exit 1 while something waits."""
    from autotrader import cli

    capsys.readouterr()
    assert cli.main(words(project, "adopt")) == 1
    heard = capsys.readouterr().out
    assert all(word in heard for word in ("BTCJPY", "BUY", "0.001", "1,200,000", "NEW", "never made", "adopt ORDER"))
    (store,) = project.data(capsys, "status")["stores"]
    assert len(store["differences"]) == 1
    assert "autotrader adopt" in project.text(capsys, "status")


def test_nothing_is_placed_before_the_word_and_orders_go_on_after_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that is none is exit 2; the word in the idle store is exit 0; then the next command trades again."""
    from autotrader import cli

    assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 4
    assert "autotrader adopt" in capsys.readouterr().err
    assert project.run("run", "--once") == 4
    assert cli.main(words(project, "ignore", "at-none")) == 2
    assert "waiting: at-" in capsys.readouterr().err
    assert cli.main(words(project, "ignore", "1")) == 0
    assert "no service runs" in capsys.readouterr().out
    assert cli.main(words(project, "ignore")) == 0
    assert "nothing waits" in capsys.readouterr().out
    assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0


def test_a_running_service_goes_on_after_the_word(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The service stays, read-only; the word reaches it, it compares once more and trades."""
    import json

    from autotrader import cli

    with service(project):
        assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 4
        capsys.readouterr()
        assert cli.main([*words(project, "adopt", "1"), "--format", "json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["armed"], answer["waiting"], answer["word"]) == (True, [], "adopt")
        assert project.run("order", "new", "buy", "BTCJPY", "0.001", "--price", BID) == 0


def test_reconcile_finds_what_differs_and_shows_both_sides(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 unexplained as it is; a price that was altered behind our back is found, with exit 1. Nothing is placed."""
    from autotrader import cli

    trades = project.sim.requests()["trade"]
    capsys.readouterr()
    assert cli.main(words(project, "audit", "reconcile")) == 0
    assert "1 order and 0 trades compared" in capsys.readouterr().out
    with sqlite3.connect(project.store / "records.db") as db:
        db.execute("UPDATE orders SET price = '1300000'")
    db.close()
    assert cli.main(words(project, "audit", "reconcile")) == 1
    heard = capsys.readouterr().out
    assert all(word in heard for word in ("differs in price", "at 1300000", "at 1200000", "unexplained 1"))
    assert project.sim.requests()["trade"] == trades
