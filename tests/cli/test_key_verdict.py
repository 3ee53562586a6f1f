"""What a key may do decides whether it is used: at a simulator, over signed HTTP, for `doctor` and for going live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader import cli
from autotrader.simulator import Account, Simulator
from autotrader.simulator.accounts import demo_key, demo_secret

DAY_MS = 86_400_000
ACCOUNT = """version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, recv_window: 5s, base_url: "{url}"}}
symbols: [BTCJPY]
limits:
  spend_per_day: 30_000 JPY
  loss_per_day: 5_000 JPY
  keep_free: {{JPY: 5_000 JPY}}
  halt_after: 5 refusals
  open_orders: 10
  orders_per_hour: 20
  holding: {{BTC: 0.05 BTC}}
  price_band: 3%
"""
RULES = """version: 1
rules:
  look:
    symbol: BTCJPY
    every: 1m
    when: last > 1 JPY
    cooldown: 1h
    then: [notify: "up"]
"""
FROM_ANYWHERE, ENDS = "works from any address", "right to trade ends in"

# permissions of the key -> refused for (nothing: not refused), warned of
TABLE: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "just what it needs": ({}, [], []),
    "withdraws": ({"may_withdraw": True}, ["may withdraw"], []),
    "transfers between wallets": ({"may_transfer": True}, ["may transfer"], []),
    "transfers to customers": ({"may_transfer_inside": True}, ["may transfer"], []),
    "withdraws, transfers, from anywhere": (
        {"may_withdraw": True, "may_transfer": True, "ip_restrict": False},
        ["may withdraw", "may transfer"],
        [FROM_ANYWHERE],
    ),
    "looks only": ({"may_trade": False}, ["may not trade"], []),
    "does not read": ({"may_read": False}, ["may not read"], []),
    "from anywhere": ({"ip_restrict": False}, [], [FROM_ANYWHERE]),
    "ends in 29 days": ({"trading_ends_ms": 29 * DAY_MS}, [], [ENDS]),
    "ends in 31 days": ({"trading_ends_ms": 31 * DAY_MS}, [], []),
    "ends now": ({"trading_ends_ms": 1}, ["has ended"], []),
    "no end named": ({"trading_ends_ms": 0}, [], []),
    "margin": ({"may_margin": True}, [], ["more than spot"]),
    "from anywhere, ends tomorrow": (
        {"ip_restrict": False, "trading_ends_ms": DAY_MS + 60_000},
        [],
        [FROM_ANYWHERE, "ends in 1 day"],
    ),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and an environment with the confirmation of a service."""
    monkeypatch.chdir(tmp_path)
    for name in ("CREDENTIALS_DIRECTORY", "AUTOTRADER_API_SECRET_FILE", "AUTOTRADER_KEYRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUTOTRADER_LIVE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture(scope="module")
def exchange() -> Iterator[Simulator]:
    """One simulator with an account for each row; ends are counted from now."""
    now_ms = time.time_ns() // 1_000_000
    accounts = []
    for name, (changes, _, _) in TABLE.items():
        ends = changes.get("trading_ends_ms", 0)
        accounts.append(
            replace(Account.named(name), **changes | ({"trading_ends_ms": now_ms + ends} if ends > 1 else {}))
        )
    with Simulator(seed=1, time="real", start_at=now_ms, accounts=accounts) as made:
        yield made


@pytest.mark.parametrize("name", list(TABLE))
def test_a_permission_has_its_verdict(
    name: str, place: Path, exchange: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with exit 4 before a store is made, or started with the warnings; `doctor` says the same."""
    _, refused, warned = TABLE[name]
    monkeypatch.setenv("AUTOTRADER_API_KEY", demo_key(name))
    monkeypatch.setenv("AUTOTRADER_API_SECRET", demo_secret(name))
    (place / "autotrader.yaml").write_text(ACCOUNT.format(url=exchange.url))
    assert cli.main(["doctor", "--state", "state", "--format", "json"]) == (
        1 if any("may withdraw" in one or "may transfer" in one or "not read" in one for one in refused) else 0
    )
    findings = json.loads(capsys.readouterr().out)["findings"]
    code = cli.main(["run", "--live", "--once", "--state", "state"])
    told = capsys.readouterr().err
    orders = exchange.orders()
    said = "\n".join(one["text"] for one in findings if one["level"] in {"failed", "warning"})
    for text in (*refused, *warned):
        assert text in said
    for text in {FROM_ANYWHERE, ENDS, "more than spot", "may withdraw", "may transfer"}:
        assert (text in said) == any(text in one or one in text for one in (*refused, *warned)) or text == ENDS
    assert orders == []
    assert (code == 4) == bool(refused), told
    for text in refused or warned:
        assert text in told
    assert refused or code == 0
    assert bool(list((place / "state").rglob("*.db"))) is not bool(refused)
    assert demo_secret(name) not in told + said
