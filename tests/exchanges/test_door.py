"""One door per exchange: nobody outside knows its folder.

That a second exchange is its folder and one line is tried in a copy, as one of the changes of `dev.py house`.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from autotrader.errors import SafetyRefused
from autotrader.exchanges import exchange, open_venue
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.venue import Capabilities, Venue
from autotrader.market.exchanges import DEFAULT, DEFAULT_ADDRESS, EXCHANGES, exchange_at
from tests.exchanges.scripted import credentials

PACKAGE = Path(__file__).resolve().parents[2] / "autotrader"


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
