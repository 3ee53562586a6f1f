"""Fixtures of the exchange tests: a scripted venue, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autotrader.exchanges.binance.connection import Connection
from autotrader.simulator.accounts import demo_secret
from tests.exchanges.scripted import SECRET, Scripted, connected, venue

RECORDS = frozenset({".db", ".db-wal", ".sqlite", ".sqlite-wal", ".jsonl", ".log", ".json"})


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The canary over all artefacts: no record, cache or log of any test of this session holds a secret that signed, or
    a signature.
    """
    yield
    canaries = [SECRET.encode(), demo_secret("main").encode(), b"&signature="]
    found = [
        path
        for path in tmp_path_factory.getbasetemp().rglob("*")
        if path.suffix in RECORDS and path.is_file() and any(one in path.read_bytes() for one in canaries)
    ]
    assert [path for path in found if "accounts" not in path.name] == []  # files of a simulator's customers hold them


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
