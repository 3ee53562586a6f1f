"""What tests of the service share: the product on an exchange in the same process."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autotrader.prove.harness import Harness, project_of
from autotrader.simulator import Account, Simulator
from tests.proof.halts import ACCOUNT, RULES


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """The product on an exchange in this process, in virtual time."""
    account = Account.named("main", {"JPY": "50000000", "BTC": "5", "BNB": "1"})
    simulator = Simulator(seed=3, symbols=["BTCJPY"], accounts=[account], history_minutes=30)
    return Harness(project_of(tmp_path / "project", ACCOUNT, RULES), simulator, tmp_path / "state", random.Random(3))
