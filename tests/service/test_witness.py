"""The audit head is told to a channel, and proves later that nothing was cut off or put back."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from autotrader.cli import main
from autotrader.language.account_file import load_settings
from autotrader.language.settings import Witness
from autotrader.prove.harness import Harness, project_of
from autotrader.prove.small_world import ACCOUNT, play_on
from autotrader.simulator import Account, Simulator

WITNESS = ACCOUNT + "notify: {phone: log}\nwitness: {to: phone, every: 10m}\n"
RULES = """
version: 1
rules:
  look:
    symbol: BTCJPY
    every: 5m
    when: last < 1 JPY
    then:
      - notify: never
"""


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """A world with a witness."""
    simulator = Simulator(
        seed=5, symbols=["BTCJPY"], accounts=[Account.named("main", {"JPY": "90000"})], history_minutes=60
    )
    project = project_of(tmp_path / "project", WITNESS, RULES)
    return Harness(project=project, simulator=simulator, state=tmp_path / "state", chance=random.Random(1))


def test_the_head_is_told_at_start_at_times_and_at_the_stop(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each message's head verifies afterwards; a head of another store does not."""
    play_on(harness, 25)
    told = [text for channel, _, text in harness.notifier.messages if channel == "phone"]
    assert [text.rpartition(", ")[2] for text in told] == ["start)", "as asked)", "as asked)", "stop)"]
    heads = [re.findall(r"audit head ([0-9]+:[0-9a-f]{64})", text)[0] for text in told]
    state = ["--state", str(harness.state)]
    given = [word for head in heads for word in ("--head", head)]
    assert main(["audit", "verify", *given, *state]) == 0
    assert "4 heads noted earlier: all in the chain" in capsys.readouterr().out
    number = heads[-1].partition(":")[0]
    assert main(["audit", "verify", "--head", f"#{number} {'0' * 64}", *state]) == 1
    assert "is not the one whose head was noted" in capsys.readouterr().out
    assert main(["audit", "verify", "--head", f"{int(number) + 50}:{'0' * 16}", *state]) == 1
    assert main(["audit", "verify", "--head", "5521", *state]) == 2


def test_rekey_lets_a_store_go_on(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key that comes later is refused until `audit rekey`; then everything verifies with it."""
    play_on(harness, 6)
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("k" * 64)
    monkeypatch.setenv("AUTOTRADER_AUDIT_KEY_FILE", str(key))
    state = ["--state", str(harness.state)]
    assert main(["audit", "verify", *state]) == 1
    assert main(["audit", "rekey", *state]) == 0
    capsys.readouterr()
    assert main(["audit", "verify", *state]) == 0
    assert "proven with the audit key" in capsys.readouterr().out
    assert main(["audit", "replay", *state]) == 0
    assert "differing 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("witness: {to: pager}", "no channel `pager`"),
        ("witness: {to: log, every: 1s}", "out of range"),
        ("witness: {every: 1d}", "to"),
        ("witness: phone", "mapping"),
    ],
)
def test_a_witness_that_cannot_be_is_refused(text: str, said: str) -> None:
    """A channel that is not there, a time too short, no channel: each is named."""
    settings, problems = load_settings("autotrader.yaml", f"version: 1\n{text}\n")
    assert settings is None
    assert said in " ".join(problem.message for problem in problems)


def test_without_a_witness_nobody_is_told() -> None:
    """It is off unless the account file asks for it; once a day is the default."""
    settings, _ = load_settings("autotrader.yaml", "version: 1\n")
    asked, _ = load_settings("autotrader.yaml", "version: 1\nwitness: {to: log}\n")
    assert settings is not None
    assert asked is not None
    assert (settings.witness, asked.witness) == (None, Witness(to="log", every_ms=86_400_000))
