"""`market`, `system`, `account`, `order list` and `order test` against the simulator: what is printed, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autotrader.cli import main
from autotrader.simulator import Simulator

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A seeded exchange in stepped time."""
    with Simulator(seed=3) as made:
        yield made


@pytest.fixture
def run(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command at the simulator with its key in the environment, in an empty folder."""
    monkeypatch.setenv("AUTOTRADER_API_KEY", simulator.accounts[0].key)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", simulator.accounts[0].secret)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--base-url", simulator.url])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return command


def answer(run: Run, *words: str) -> dict[str, Any]:
    """The JSON that a command prints; it must succeed."""
    code, out, err = run(*words, "--format", "json")
    assert code == 0, err
    data: dict[str, Any] = json.loads(out)
    assert (data["format_version"], data["exit_code"]) == (1, 0)
    return data


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("market price BTCJPY ETHJPY", "ETHJPY"),
        ("market ticker BTCJPY", "turnover"),
        ("market ticker BTCJPY ETHJPY --mini", "ETHJPY"),
        ("market day BTCJPY", "JST"),
        ("market day BTCJPY --timezone 0", "09:00:00 JST (00:00:00 UTC)"),
        ("market depth BTCJPY --limit 3", "ask size"),
        ("market klines BTCJPY --interval 1d --limit 2", "09:00:00 JST (00:00:00 UTC)"),
        ("system status", "normal"),
        ("account assets", "withdrawing"),
        ("account assets JPY", "JPY"),
        ("account info", "trading yes"),
        ("account commission BTCJPY", "0.1%"),
        ("account restrictions", "withdrawals"),
        ("order list BTCJPY", "no open orders"),
        ("order list BTCJPY --all", "no orders"),
        ("order test buy BTCJPY 0.001 --price 9_000_000 --rates", "maker 0.1%"),
    ],
)
def test_each_command_shows_its_answer(words: str, shown: str, run: Run) -> None:
    """What the article does by hand, a user can do from the command line; the result alone is on stdout."""
    code, out, err = run(*words.split())
    assert (code, err) == (0, "")
    assert shown in out


def test_json_has_exact_figures_as_text(run: Run, simulator: Simulator) -> None:
    """Prices are decimal strings; times are milliseconds with UTC text beside."""
    price = answer(run, "market", "price", "BTCJPY")["prices"][0]["price"]
    assert isinstance(price, str)
    assert "." not in price
    candle = answer(run, "market", "klines", "BTCJPY", "--limit", "1")["klines"][0]
    assert candle["open_time_utc"].endswith(":00:00.000Z")
    assert candle["closed"] is False
    assert answer(run, "account", "info")["account"]["may_trade"] is True
    assert answer(run, "order", "test", "sell", "BTCJPY", "0.001", "--price", "9000000")["accepted"] is True
    assert simulator.requests()["trade"] == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("market price NOPE", 6, "-1121"),
        ("market price btcjpy", 2, "BTCJPY"),
        ("market price BTCJPY BTCJPY", 2, "twice"),
        ("market klines BTCJPY --interval 7m", 2, "1M"),
        ("market klines BTCJPY --start yesterday", 2, "no time"),
        ("order test buy BTCJPY 1e-3 --price 9000000", 2, "plain decimal"),
        ("order test buy BTCJPY 0 --price 9000000", 2, "above 0"),
        ("order test buy BTCJPY 0.001 --price 9000000.5", 6, "PRICE_FILTER"),
        ("order test buy BTCJPY 0.001 --price 9000000 --post-only --tif IOC", 2, "post-only"),
    ],
)
def test_each_mistake_has_one_clear_error(words: str, code: int, message: str, run: Run) -> None:
    """Usage is 2, the exchange's refusal 6; nothing on stdout."""
    found, out, err = run(*words.split())
    assert (found, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_an_exchange_that_does_not_answer_is_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Unavailable after retries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["market", "price", "BTCJPY", "--base-url", "http://127.0.0.1:9"]) == 5
    assert "refused" in capsys.readouterr().err


def test_an_address_that_is_not_the_exchanges_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    """No request goes anywhere else."""
    assert main(["market", "price", "BTCJPY", "--base-url", "http://example.com"]) == 2
    assert "not an address of the exchange" in capsys.readouterr().err


def test_without_a_key_signed_commands_are_refused(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """2: a setting is missing, and the answer says which."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("AUTOTRADER_API_KEY", "AUTOTRADER_API_SECRET", "AUTOTRADER_API_SECRET_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["account", "info", "--base-url", simulator.url]) == 2
    assert "AUTOTRADER_API_KEY" in capsys.readouterr().err


def test_the_account_file_names_host_and_zone(simulator: Simulator, run: Run, tmp_path: Path) -> None:
    """Without --base-url the account file's host is asked, and its zone is shown."""
    (tmp_path / "autotrader.yaml").write_text(
        f"version: 1\nmode: dry-run\ntimezone: UTC\nexchange:\n  name: binance\n  base_url: {simulator.url}\n"
    )
    assert main(["market", "price", "BTCJPY"]) == 0
    _, out, _ = run("market", "klines", "BTCJPY", "--interval", "1d", "--limit", "1")
    assert "00:00:00 UTC" in out
    assert "JST" not in out
