"""The demo: it ends well, agrees with the exchange, and leaves the same records at each run."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.cli import main
from autotrader.demo import Comparison, compared, fresh_folder, play, stage
from autotrader.errors import ConfigError
from autotrader.prove.harness import SilentNotifier
from tests.worlds.project import HOUR_MS

pytestmark = pytest.mark.timeout(1800)


def hours(folder: Path) -> tuple[str, Comparison]:
    """Play the first hours of the day; the chain's head at the end, and how the two records compare."""
    with stage(fresh_folder(folder), lambda _settings: SilentNotifier()) as on:
        play(on, lambda _report: None, lambda _level, _text: None, span_ms=3 * HOUR_MS)
        head = on.world.store.head()
        assert head is not None
        return head.hash, compared(on)


def test_two_runs_leave_the_same_records(tmp_path: Path) -> None:
    """To the last hash of the chain, wherever the demo's folder lies."""
    first, agreement = hours(tmp_path / "one")
    second, _ = hours(tmp_path / "elsewhere" / "two")
    assert first == second
    assert (agreement.orders, agreement.trades, agreement.differences) == (1, 1, ())


def test_the_demo_ends_with_what_happened_and_what_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dip is bought, a stale order cancelled, a profit taken, one rule just misses; both records agree."""
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert "traded live at a simulated exchange on this machine" in err
    rows = {line.split()[1]: line for line in out.splitlines() if line[:2].isdigit()}
    assert rows["buy_the_dip"].endswith("filled")
    assert rows["low_bid"].endswith("canceled")
    assert rows["take_profit"].endswith("filled")
    assert "crash_buy did not fire: at 02:07:00 JST it was 0.026 points short of `change_24h <= -3.5%`" in out
    assert "the exchange's own record agrees with ours to the last digit: 3 orders, 2 trades" in out
    assert "chain whole" in out
    assert out.count("autotrader why crash_buy") == 1


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    """The demo replaces its own folder and no other."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "keep").write_text("keep")
    with pytest.raises(ConfigError, match="is not a demo's folder"):
        fresh_folder(tmp_path / "mine")
    assert (tmp_path / "mine" / "keep").read_text() == "keep"
