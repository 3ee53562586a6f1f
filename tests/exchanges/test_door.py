"""One door per exchange: nobody outside knows its folder, and a second exchange is its folder and one line."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autotrader.errors import SafetyRefused
from autotrader.exchanges import exchange, open_venue
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.venue import Capabilities, Venue
from autotrader.market.exchanges import DEFAULT, DEFAULT_ADDRESS, EXCHANGES, exchange_at
from autotrader.simulator import Account, Simulator
from tests.exchanges.scripted import credentials

PACKAGE = Path(__file__).resolve().parents[2] / "autotrader"
DOOR = '''
"""Another exchange, which speaks as the first one does and never shows orders that are over."""
from autotrader.exchanges.binance import WEIGHT_LIMIT, open, weight_per_minute
from autotrader.exchanges.venue import Capabilities

CAPABILITIES = Capabilities(
    own_order_id=True, query_by_own_id=True, entry_bound=True, ended_orders_visible=False
)
'''
ACCOUNT = """
version: 1
mode: {mode}
exchange: {{name: second, base_url: "{url}"}}
symbols: [BTCJPY]
paper: {{JPY: 100_000 JPY}}
include: [rules/*.yaml]
limits: {{spend_per_day: 30_000 JPY, loss_per_day: 5_000 JPY, keep_free: {{JPY: 5_000 JPY}}, halt_after: 5 refusals,
         open_orders: 10, orders_per_hour: 20, holding: {{BTC: 0.05 BTC}}, price_band: 3%}}
"""
RULES = """
version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    then: [notify: "seen"]
"""


def imported(file: Path) -> set[str]:
    """Every module that a file names in an import, at any place in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


@pytest.mark.parametrize("name", EXCHANGES)
def test_no_one_outside_imports_an_exchanges_folder(name: str) -> None:
    """Command line, runtime, proofs and the rest know an exchange by its door alone."""
    folder = PACKAGE / "exchanges" / name
    inner = f"autotrader.exchanges.{name}"
    strangers = [
        (file.relative_to(PACKAGE), module)
        for file in PACKAGE.rglob("*.py")
        if folder not in file.parents
        for module in imported(file)
        if module == inner or module.startswith(f"{inner}.")
    ]
    assert not strangers


def test_an_address_tells_whose_it_is() -> None:
    """Hosts belong to the exchange under whose domain they lie; this machine plays the default one."""
    assert exchange_at(DEFAULT_ADDRESS) == DEFAULT
    assert exchange_at("https://data-api.binance.vision/") == "binance"
    assert exchange_at("http://127.0.0.1:8000") == DEFAULT


def test_an_exchange_that_lacks_a_capability_is_not_traded_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an order cannot be asked about by its own id a lost reply could become two orders: live is refused."""
    whole = exchange().CAPABILITIES
    assert whole.missing() == ()
    lame = Capabilities(own_order_id=True, query_by_own_id=False, entry_bound=True, ended_orders_visible=False)
    monkeypatch.setattr(sys.modules["autotrader.exchanges.binance"], "CAPABILITIES", lame)
    token = grant_live("live", True, "live")
    with pytest.raises(SafetyRefused, match="query by own id, ended orders visible"):
        open_venue(url="http://127.0.0.1:9", credentials=credentials(), live_token=token)
    with open_venue(url="http://127.0.0.1:9") as watched:
        assert isinstance(watched, Venue)
        assert watched.broker is None


def test_a_second_exchange_is_its_folder_and_one_line(tmp_path: Path) -> None:
    """In a copy: the account file knows it, rules are checked and priced, paper money is there, live is refused."""
    copy = tmp_path / "code" / "autotrader"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "exchanges" / "second").mkdir()
    (copy / "exchanges" / "second" / "__init__.py").write_text(DOOR)
    table = copy / "market" / "exchanges.py"
    first = '    "binance": '
    line = '    "second": ListedExchange("https://api.second.example", ("second.example",)),\n'
    rows = table.read_text().split(first)
    table.write_text(f"{rows[0]}{first}{rows[1].partition(chr(10))[0]}\n{line}{rows[1].partition(chr(10))[2]}")
    home = tmp_path / "home"
    (home / "rules").mkdir(parents=True, mode=0o700)
    (home / "rules" / "a.yaml").write_text(RULES)

    with Simulator(seed=1, accounts=[Account.named("main", {"JPY": "100000"})]) as simulator:

        def run(mode: str, *words: str) -> subprocess.CompletedProcess[str]:
            (home / "autotrader.yaml").write_text(ACCOUNT.format(mode=mode, url=simulator.url))
            environment = {
                "PATH": os.environ["PATH"], "PYTHONPATH": str(copy.parent), "HOME": str(home), "AUTOTRADER_LIVE": "1",
                "AUTOTRADER_API_KEY": simulator.accounts[0].key, "AUTOTRADER_API_SECRET": simulator.accounts[0].secret,
            }  # fmt: skip
            command = [sys.executable, "-m", "autotrader", *words]
            return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)

        assert run("dry_run", "validate").returncode == 0, run("dry_run", "validate")
        budget = run("dry_run", "budget", "--format", "json")
        assert budget.returncode == 0, budget
        assert json.loads(budget.stdout)
        balances = run("dry_run", "balances", "--format", "json")
        assert balances.returncode == 0, balances
        assert json.loads(balances.stdout)["total_jpy"] == "100000"
        live = run("live", "run", "--live", "--once", "--state", "state")
        assert live.returncode == 4, live
        assert "second is not traded live: it lacks ended orders visible" in live.stderr
        assert simulator.orders() == []
