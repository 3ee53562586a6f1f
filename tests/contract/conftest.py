"""Fixtures of the contract suite: every case runs once on each adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.venues import BROKERS, Stand

SLOW = "binance, RSA"  # its cases are Ed25519's; everyday it has case 23
PARAMS = [pytest.param(name, marks=pytest.mark.deep if name == SLOW else ()) for name in BROKERS]


@pytest.fixture(params=PARAMS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """One adapter at an exchange of its own."""
    with BROKERS[request.param](tmp_path) as made:
        yield made
