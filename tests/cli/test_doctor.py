"""`doctor` and `config show`: what they look at, what they say, and that no secret comes out."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autotrader import cli
from autotrader.cli import _checks
from autotrader.cli._checks import Facts, Finding
from autotrader.cli._folders import folders
from autotrader.records.places import Identity, store_dir
from autotrader.records.store import Store
from autotrader.simulator import Account, Simulator

OWNER = Account.named("main")
ACCOUNT = """version: 1
mode: dry_run
timezone: Asia/Tokyo
exchange: {name: binance, recv_window: 5s}
symbols: [BTCJPY]
notify:
  default: phone
  phone: {url_env: MY_PHONE}
"""
RULES = """version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when: change_24h <= -5%
    then:
      - notify: "down"
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own to run in, and an environment without anything of ours."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTOTRADER_API_KEY", "AUTOTRADER_API_SECRET", "AUTOTRADER_API_SECRET_FILE", "MY_PHONE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def project(folder: Path, account: str = ACCOUNT, rules: str = RULES) -> None:
    """A project in a folder."""
    (folder / "autotrader.yaml").write_text(account, encoding="utf-8")
    (folder / "rules").mkdir()
    (folder / "rules" / "dip.yaml").write_text(rules, encoding="utf-8")


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the findings."""
    code = cli.main(["doctor", "--state", "state", "--format", "json", *words])
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == code
    return code, document["findings"]


def told(findings: list[dict[str, Any]], level: str) -> str:
    """The texts of one level."""
    return "\n".join(finding["text"] for finding in findings if finding["level"] == level)


def test_empty_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """Without project, key and exchange nothing has failed; what was not looked at is said."""
    code, findings = doctor(capsys)
    assert code == 0
    assert "no API key" in told(findings, "skipped")
    assert "no account file" in told(findings, "skipped")
    assert "Python 3" in told(findings, "ok")


def test_text_output(capsys: pytest.CaptureFixture[str]) -> None:
    """The text says one finding a line and sums up with the exit code."""
    assert cli.main(["doctor", "--state", "state"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✓ Python 3")
    assert lines[-1].endswith("0 failed, 4 skipped · exit 0")


def test_key_at_a_simulator(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key and an exchange the key's permissions are asked for over signed HTTP, and nothing secret is told."""
    monkeypatch.setenv("AUTOTRADER_API_KEY", OWNER.key)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", OWNER.secret)
    with Simulator(seed=1, time="real", accounts=[OWNER]) as simulator:
        place = simulator.url
        _, findings = doctor(capsys, "--base-url", place)
    text = json.dumps(findings)
    assert f"{place} answers" in told(findings, "ok")
    assert "key" in told(findings, "ok")
    assert OWNER.secret not in text
    assert OWNER.key not in text


@pytest.mark.parametrize(
    ("account", "level", "text"),
    [
        (replace(OWNER, may_withdraw=True), "failed", "the key may withdraw"),
        (replace(OWNER, may_trade=False), "warning", "the key may not trade"),
        (replace(OWNER, ip_restrict=False), "warning", "the key works from any address"),
        (replace(OWNER, ip_restrict=True), "ok", "trading yes, withdrawals no, IP-restricted"),
    ],
)
def test_what_a_key_may_do(
    account: Account, level: str, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that may withdraw has failed; one that may less than it needs, or from anywhere, is a warning."""
    monkeypatch.setenv("AUTOTRADER_API_KEY", account.key)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", account.secret)
    with Simulator(seed=1, time="real", accounts=[account]) as simulator:
        _, findings = doctor(capsys, "--base-url", simulator.url)
    assert text in told(findings, level)


def test_stores(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that verifies is fine, a halted one a warning, one that was tampered with has failed."""
    identity = Identity(mode="dry-run", base_url="http://127.0.0.1:9")
    folder = store_dir(place / "state", identity)
    with Store.open(folder, identity, now_ms=1) as store:
        store.notice(2, "info", "hello")
        store.halt("a test", 3)
    _, findings = doctor(capsys)
    assert f"store {folder.name}: " in told(findings, "ok")
    assert "is halted" in told(findings, "warning")
    (folder / "records.db").write_bytes(b"no database at all")
    code, findings = doctor(capsys)
    assert code == 1
    assert told(findings, "failed")


@pytest.mark.parametrize(("free", "level"), [(5e7, "failed"), (5e8, "warning"), (5e9, "ok")])
def test_disk(free: float, level: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Little room is a warning, none to speak of has failed."""
    monkeypatch.setattr("shutil.disk_usage", lambda _place: SimpleNamespace(free=free))
    assert "disk: " in told(doctor(capsys)[1], level)


def test_exchange_that_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    """An exchange that does not answer is a failed check, and the other checks go on."""
    code, findings = doctor(capsys, "--base-url", "http://127.0.0.1:9")
    assert code == 1
    assert "nothing was sent" in told(findings, "failed")
    assert "disk:" in told(findings, "ok")


def test_address_that_is_not_the_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is not the venue's is a configuration error, not a check."""
    assert cli.main(["doctor", "--base-url", "https://example.test"]) == 2
    assert "is not an address of the exchange" in capsys.readouterr().err


def test_secret_that_others_may_read(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secrets file that others may read has failed, with the command that mends it."""
    file = place / "secret"
    file.write_text("not-a-real-secret")
    file.chmod(0o644)
    monkeypatch.setenv("AUTOTRADER_API_KEY", "k" * 64)
    monkeypatch.setenv("AUTOTRADER_API_SECRET_FILE", str(file))
    code, findings = doctor(capsys)
    assert code == 1
    assert "mode 0644" in told(findings, "failed")
    assert any("chmod 600" in finding["hint"] for finding in findings)


def test_channels(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel without its variable is a warning; without --send-test nothing is sent."""
    project(place)
    _, findings = doctor(capsys)
    assert "notify `phone`: MY_PHONE is not set" in told(findings, "warning")
    monkeypatch.setenv("MY_PHONE", "json://127.0.0.1:9/t0p-s3cret-t0ken")
    _, findings = doctor(capsys)
    assert "notify `phone`: the address is set" in told(findings, "skipped")


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_send_test(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """--send-test really sends; a service that is away has failed, without its address."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    project(place)
    monkeypatch.setenv("MY_PHONE", "json://127.0.0.1:9/t0p-s3cret-t0ken")
    code, findings = doctor(capsys, "--send-test")
    assert code == 1
    assert "notify `phone`: no connection to the service" in told(findings, "failed")
    assert "t0p-s3cret" not in json.dumps(findings)


def test_rules(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Valid rules are counted."""
    project(place)
    _, findings = doctor(capsys)
    assert "1 rule valid" in told(findings, "ok")


def test_broken_rules(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistakes in the rules have failed, with the command that shows them."""
    project(place, rules=RULES.replace("change_24h", "chnge_24h"))
    code, findings = doctor(capsys)
    assert code == 1
    assert "mistakes in 2 files" in told(findings, "failed")


def test_a_check_that_breaks_hides_no_other() -> None:
    """Whatever a check raises is a finding, after those that it had made."""

    def broken(_facts: Facts) -> Iterator[Finding]:
        yield Finding("ok", "first")
        raise KeyError("x")

    found = _checks.look(broken, Facts(environ={}, folders=folders(), config=None))
    assert [finding.level for finding in found] == ["ok", "failed"]


# ---- config show ---------------------------------------------------------------------------------------------------


def settings(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, str]]:
    """The settings as JSON."""
    assert cli.main(["config", "show", "--format", "json", *words]) == 0
    found: dict[str, dict[str, str]] = json.loads(capsys.readouterr().out)["settings"]
    return found


def test_config_origins(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value tells where it came from: the file's line, a default, a flag or the environment."""
    project(place)
    monkeypatch.setenv("MY_PHONE", "json://127.0.0.1:9/t0p-s3cret-t0ken")
    monkeypatch.setenv("AUTOTRADER_API_KEY", "very-s3cret-key")
    found = settings(capsys, "--base-url", "http://127.0.0.1:9", "--state", "st")
    assert found["mode"] == {"value": "dry_run", "origin": "autotrader.yaml:2"}
    assert found["max_slippage"] == {"value": "0.5%", "origin": "default"}
    assert found["exchange.base_url"] == {"value": "http://127.0.0.1:9", "origin": "--base-url"}
    assert found["folder.state"] == {"value": "st", "origin": "--state"}
    assert found["$MY_PHONE"] == {"value": "*** (set)", "origin": "environment"}
    assert "s3cret" not in json.dumps(found)


@pytest.mark.parametrize("line", [
    "heartbeat: https://example.invalid/s3cret", "heartbeat: {url: https://example.invalid/s3cret}",
    "notify: {phone: slack://s3cret}", "notify: {phone: {url: slack://s3cret}}",
])  # fmt: skip
def test_config_shows_no_address_that_may_hold_a_token(
    line: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that somebody wrote into the account file, and a proxy's with its password, are not shown."""
    project(place, account=f"version: 1\n{line}\n")
    monkeypatch.setenv("AUTOTRADER_NOTIFY_PROXY", "http://me:s3cret@127.0.0.1:1")
    assert cli.main(["config", "show", "--origin"]) == 0
    said = capsys.readouterr()
    assert "s3cret" not in said.out + said.err
    assert "AUTOTRADER_NOTIFY_PROXY" in said.out


def test_config_environment(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that tightens a setting is shown as its origin; one that would loosen is a configuration error."""
    project(place, account=ACCOUNT + "limits: {holding: {BTC: 0.05 BTC}, open_orders: 10}\n")
    monkeypatch.setenv("AUTOTRADER__LIMITS__HOLDING__BTC", "0.01 BTC")
    found = settings(capsys)
    assert found["limits.holding.BTC"] == {"value": "0.01 BTC", "origin": "$AUTOTRADER__LIMITS__HOLDING__BTC"}
    assert found["limits.open_orders"] == {"value": "10", "origin": "autotrader.yaml:9"}
    monkeypatch.setenv("AUTOTRADER__LIMITS__OPEN_ORDERS", "11")
    assert cli.main(["config", "show"]) == 2
    assert "would be loosened" in capsys.readouterr().err


def test_config_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has the origin only where it is asked for."""
    project(place)
    assert cli.main(["config", "show"]) == 0
    assert "autotrader.yaml:2" not in capsys.readouterr().out
    assert cli.main(["config", "show", "--origin"]) == 0
    assert "autotrader.yaml:2" in capsys.readouterr().out


def test_config_masks_a_secret_in_the_wrong_place(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret that somebody wrote into the account file is not shown."""
    project(place, account=ACCOUNT + "api_secret: deadbeef00\n")
    assert settings(capsys)["api_secret"]["value"] == "***"


def test_config_of_a_file_that_cannot_be_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no YAML, or is not there, is one clear error with exit 2."""
    (place / "autotrader.yaml").write_text("a: [1\n")
    assert cli.main(["config", "show"]) == 2
    assert "autotrader validate" in capsys.readouterr().err
    assert cli.main(["config", "show", "--config", "nowhere.yaml"]) == 2
    assert "no account file at nowhere.yaml" in capsys.readouterr().err
