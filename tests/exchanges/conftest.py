"""Fixtures of the exchange tests: a scripted venue, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autotrader.exchanges.binance.connection import Connection
from tests.exchanges.scripted import Scripted, connected, venue


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A venue on loopback that answers what the test tells it to."""
    with venue() as made:
        yield made


@pytest.fixture
def connection(scripted: Scripted) -> Iterator[Connection]:
    """A connection to the scripted venue that may trade."""
    with connected(scripted.url) as made:
        yield made
