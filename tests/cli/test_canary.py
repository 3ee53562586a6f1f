"""The canary: a live run that places, notifies and breaks leaves key, secret and signature in nothing that it makes."""

from __future__ import annotations

import http.server
import logging
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader import cli
from autotrader.exchanges.binance.endpoints import AccountCalls
from autotrader.simulator import Account, Simulator
from tests.cli.test_key_verdict import ACCOUNT

KEY = "CanaryKey1CanaryKey1CanaryKey1CanaryKey1CanaryKey1CanaryKey1Cana"
SECRET = "CanarySecret1CanarySecret1CanarySecret1CanarySecret1CanarySecret"
TOKEN = "CanaryT0kenOfTheWebhook"
RULES = """version: 1
rules:
  buy:
    symbol: BTCJPY
    every: 1m
    when: last > 1 JPY
    cooldown: 1h
    then:
      - buy: {spend: 1_000 JPY, price: bid}
      - notify: {text: "bought", to: phone}
"""


@pytest.fixture
def heard() -> Iterator[tuple[int, list[bytes]]]:
    """A service on loopback that keeps what it is sent."""
    bodies: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], bodies
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_nothing_that_a_live_run_leaves_holds_a_secret(
    tmp_path: Path,
    heard: tuple[int, list[bytes]],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records with their WAL, logs at DEBUG, messages, what is printed, the report of a mistake of ours, every file."""
    caplog.set_level(logging.DEBUG)
    port, bodies = heard
    home = tmp_path / "home"
    (home / "rules").mkdir(parents=True)
    monkeypatch.chdir(home)
    environment = {
        "AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": SECRET, "AUTOTRADER_LIVE": "1", "NO_COLOR": "1",
        "MY_PHONE": f"json://127.0.0.1:{port}/{TOKEN}", "NO_PROXY": "127.0.0.1", "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "xdg"),
    }  # fmt: skip
    for name in ("CREDENTIALS_DIRECTORY", "AUTOTRADER_API_SECRET_FILE", "AUTOTRADER_KEYRING"):
        monkeypatch.delenv(name, raising=False)
    account = Account(key=KEY, secret=SECRET, balances={"JPY": Decimal(1_000_000)})
    minute = time.time_ns() // 60_000_000_000 * 60_000  # every rule is due on a full minute
    with Simulator(seed=1, time="real", start_at=minute, accounts=[account]) as simulator:
        (home / "rules" / "a.yaml").write_text(RULES)
        (home / "autotrader.yaml").write_text(
            ACCOUNT.format(url=simulator.url) + "notify: {default: phone, phone: {url_env: MY_PHONE}}\n"
        )
        codes = []
        for words in (
            ["run", "--live", "--once"], ["doctor", "--send-test"], ["config", "show", "--origin"],
            ["account", "restrictions"], ["account", "assets", "--format", "json"], ["audit", "verify"],
        ):  # fmt: skip
            for name, value in environment.items():
                monkeypatch.setenv(name, value)  # live takes the secret out of the environment
            codes.append(cli.main([*words, *(["--state", "state"] if words[0] in {"run", "doctor", "audit"} else [])]))

        def broken(*_given: object, **_named: object) -> None:
            raise RuntimeError(f"signature={SECRET} with {KEY} and {SECRET}")

        monkeypatch.setattr(AccountCalls, "_ask", broken)
        codes += [cli.main([*first, "account", "assets"]) for first in ([], ["--debug"])]
        orders = simulator.orders()
    assert orders
    assert codes[0] == 0
    assert codes[-2:] == [70, 70]
    assert bodies
    printed = "".join(capfd.readouterr())
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(path.suffix == ".db" for path in files)
    assert any(path.name == "autotrader.log" for path in files)
    made = b"\n".join([*files.values(), *bodies, printed.encode(), caplog.text.encode()])
    made += "\n".join(str(record.__dict__) for record in caplog.records).encode()
    assert [one for one in (KEY, SECRET, TOKEN) if one.encode() in made] == []
    assert b"signature=" not in made.replace(b"signature=***", b"")
