"""What commands say to a person who uses them for the first time: once, in order, in words, and never a traceback."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autotrader import cli
from autotrader.cli._folders import folders
from autotrader.cli.run import Lasting
from autotrader.engine.outcome import Decision
from autotrader.engine.state import Phase
from autotrader.market.needs import BookNeed, TickerNeed
from autotrader.trading.parts import CycleReport
from tests.cli.project import Project, made, without_settings
from tests.worlds.project import simulator

MINUTE = 60_000
DATA = "open_time,open,high,low,close,volume\n" + "".join(
    f"{n * 4 * 3_600_000},1234567.5,1234567.5,1234567.5,1234567.5,1\n" for n in range(4)
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A dry-run project on a simulator that stands at a full minute."""
    without_settings(monkeypatch)
    with simulator(100_000) as sim:
        yield made(tmp_path, sim)


def _blocked(why: str) -> Decision:
    phase = Phase.BLOCKED if why else Phase.ARMED
    return Decision(
        rule="dip", symbol="BTCJPY", order="", slot_ms=0, at_ms=0, kind="slot", rule_hash="", holds=True,
        blocked=why, phase=phase,
    )  # fmt: skip


def test_a_block_that_lasts_is_said_once() -> None:
    """A rule that stays held back for the same reason is no news; another reason is, and the same one after a pause."""
    lasting = Lasting()
    said = [
        len(lasting.blocks(CycleReport(now_ms=n, decisions=(_blocked(why),)), "UTC"))
        for n, why in enumerate(["halted", "halted", "too much spent", "", "halted"])
    ]
    assert said == [1, 0, 1, 0, 1]


def test_missing_data_is_said_when_it_begins_and_when_it_is_over() -> None:
    """One line at the first cycle without data, none while it lasts, one when a minute went without it."""
    lasting, need = Lasting(), TickerNeed("BTCJPY")
    gone = [
        CycleReport(
            now_ms=n * MINUTE, missing={need: "connection refused", BookNeed("BTCJPY", 5): "BTCJPY: connection refused"}
        )
        for n in (1, 2)
    ]
    (first,) = lasting.gaps(gone[0], "UTC")
    assert "no data" in first
    assert "connection refused" in first
    assert lasting.gaps(gone[1], "UTC") == []
    assert lasting.gaps(CycleReport(now_ms=2 * MINUTE + 5_000), "UTC") == []
    (last,) = lasting.gaps(CycleReport(now_ms=3 * MINUTE), "UTC")
    assert "data again" in last


def test_a_late_pass_says_that_nothing_was_due(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`run --once` between two slots does nothing, and says so and when there is something to do."""
    project.sim.advance(45)
    assert project.run("run", "--once") == 0
    heard = capsys.readouterr().err
    assert re.search(r"nothing was due: .* the next moment is \d\d:\d\d:\d\d JST", heard)
    assert "0 cycles, 0 slots missed" in heard


def test_the_banner_counts_and_groups(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line of `run` is plain text with yen as yen."""
    project.run("run", "--once")
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("DRY-RUN · http://127.0.0.1:")
    assert "at most ¥30,000 a day · 3 rules · store " in first


def test_settings_in_the_audit_read_as_words(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A halt and a pause are shown with their times as times, without braces of a program."""
    project.run("run", "--once")
    project.run("pause", "crash_buy", "--for", "6h")
    for words in (["halt", "--reason", "a look"], ["resume"]):
        cli.main([*words, "--state", str(project.folder / "state")])
    shown = [line for line in project.text(capsys, "audit", "show").splitlines() if " setting " in line]
    assert len(shown) == 3
    assert not any(sign in "".join(shown) for sign in "{}[]'")
    assert re.search(r"rule crash_buy 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d JST", shown[0])
    assert "reason a look" in shown[1]
    assert shown[2].endswith("none")


def test_a_demo_that_cannot_write_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be made is a mistake of the command line, not of the program."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert cli.main(["demo", "--into", str(tmp_path / "file" / "demo")]) == 2
    heard = capsys.readouterr().err
    assert "the demo cannot write" in heard
    assert "--into DIR" in heard


def test_a_price_of_a_file_is_shown_with_all_its_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`eval --data` writes prices of millions of yen as they are."""
    file = tmp_path / "candles.csv"
    file.write_text(DATA, encoding="utf-8")
    assert cli.main(["eval", "close(4h) > 1", "--symbol", "BTCJPY", "--data", str(file)]) == 0
    assert "1234567.5" in capsys.readouterr().out


def test_two_stores_are_told_apart_by_name(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Where `status` shows several stores, each begins with its name."""
    project.run("run", "--once")
    with simulator(100_000) as other:
        elsewhere = ["--base-url", other.url]
        assert project.run("run", "--once", *elsewhere) == 0
    out = project.text(capsys, "status")
    names = [path.parent.name for path in (project.folder / "state").glob("*/lock")]
    assert len(names) == 2
    assert all(name in out.splitlines() for name in names)


def test_a_broken_account_file_is_one_error_with_a_list(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that needs the account file says how many errors it has, and each with its place."""
    file = project.folder / "autotrader.yaml"
    file.write_text(file.read_text().replace("price_band", "prize_band").replace("30_000 JPY", "30_000"))
    assert project.run("run", "--once") == 2
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "error: the account file cannot be used: 2 errors"
    assert sum("error[AT" in line for line in rest) == 2


def test_an_empty_home_is_not_the_root_of_the_disk() -> None:
    """HOME may be empty, in a container for instance: then the user database says where home is, never `/`."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert folders(environ={"HOME": ""}).state == folders(environ={}).state == home / ".local/state/autotrader"
