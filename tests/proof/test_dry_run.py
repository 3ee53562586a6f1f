"""Dry-run cannot trade (P6): a whole day of it signs nothing, holds nothing that could sign, and reads no secret."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest

from autotrader.exchanges import secret
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.binance import signing
from autotrader.exchanges.messages import Reply, Request
from autotrader.prove.harness import NOWHERE, DirectLine, Harness, project_of, scratch
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from tests.cli.project import made, without_settings
from tests.worlds.project import simulator

LIVES, HOURS = 3, 8
ACCOUNT = f"""
version: 1
mode: dry_run
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{NOWHERE}"}}
symbols: [BTCJPY]
paper: {{JPY: 90_000_000 JPY, BTC: 1 BTC}}
limits: {{price_band: 5%}}
"""
RULES = """
version: 1
rules:
  takes:
    symbol: BTCJPY
    every: 20m
    when: last > 1
    repeat: every 1m while true
    then: [{buy: {size: 0.01 BTC, price: market}}]
  gives:
    symbol: BTCJPY
    every: 30m
    when: last > 1
    repeat: every 1m while true
    then: [{sell: {size: 0.01 BTC, price: market}}]
  rests:
    symbol: BTCJPY
    every: 4h
    when: last > 1
    repeat: every 1m while true
    then:
      - cancel_orders: {side: buy}
      - buy: {size: 0.01 BTC, price: bid - 1%, cancel_after: 1m}
"""
SIGNED = ("signature", "timestamp", "recvWindow")


class Recorder(DirectLine):
    """A line that remembers what passed."""

    requests: list[Request]

    def send(self, request: Request, seconds: float) -> Reply:
        """Remember, and carry."""
        self.requests.append(request)
        return super().send(request, seconds)


class Recorded(Harness):
    """A harness whose every request is remembered."""

    requests: list[Request]

    def _line(self, url: BaseUrl) -> DirectLine:
        line = Recorder(url, self.simulator, self.time, self._trip, self.dead)
        line.requests = self.requests
        return line


def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes a signer or credentials fails the test; a key lies in the environment for the taking."""

    def forbidden(*_args: object, **_more: object) -> None:
        raise AssertionError("dry-run reached for a key")

    for kind in (signing.TradeSigner, signing.ReadSigner, secret.Credentials):
        monkeypatch.setattr(kind, "__init__", forbidden)
    monkeypatch.setenv("AUTOTRADER_API_KEY", "k" * 64)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", "s" * 64)


def _signers() -> list[object]:
    """Every signer that lives in this process."""
    return [one for one in gc.get_objects() if isinstance(one, signing.TradeSigner)]


def test_a_day_of_dry_run_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 24 hours, three processes and rules that buy, sell and cancel all day: only public GETs, and no signer."""
    _no_secrets(monkeypatch)
    earlier = _signers()  # of tests before this one, held here so that no new object can take the place of one
    sim = Simulator(seed=3, symbols=["BTCJPY"], accounts=[Account.named("main", {"JPY": "1"})], history_minutes=30)
    with scratch("dry") as folder:
        harness = Recorded(project_of(folder, ACCOUNT, RULES), sim, folder / "state", random.Random(3), live=False)
        harness.requests = []
        orders = 0
        for _ in range(LIVES):
            with harness.open() as world:
                assert world.start().armed
                ends = world.connection.clock.now_ms() + HOURS * 3_600_000
                Runner(world, RunMode(until_ms=ends, stepped=True)).run()
                assert not [one for one in _signers() if not any(one is other for other in earlier)]
                assert world.connection.broker is None
                orders = len(world.store.orders.since(0))
    assert orders > 100
    assert {request.method for request in harness.requests} == {"GET"}
    assert not any(request.key for request in harness.requests)
    assert not any(word in request.query + request.body for request in harness.requests for word in SIGNED)


def test_hand_commands_without_live_sign_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders, cancels, halts and resumptions by hand: the exchange hears nothing of them."""
    without_settings(monkeypatch)
    _no_secrets(monkeypatch)
    with simulator(100_000) as sim:
        project = made(tmp_path, sim)
        for words in (
            ("order", "new", "buy", "BTCJPY", "0.001", "--price", "1_100_000"), ("orders",), ("pause", "crash_buy"),
            ("halt", "--cancel"), ("resume",), ("run", "--once"),
        ):  # fmt: skip
            assert project.run(*words) == 0, words
        heard = sim.requests()
        assert heard["trade"] == 0
        assert not any(row["signed"] for row in heard["requests"])
        assert sim.orders() == []
