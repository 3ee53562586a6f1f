"""The recorded day: every byte that the exchange hears, and every row that the store keeps."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pins import doors
from tests.pins.conftest import Played, Request
from tests.pins.golden import assert_golden, assert_golden_json, masked
from tests.pins.stores_seen import dumped, order_name, proved, rows


@pytest.fixture(params=["live", "dry"])
def day(request: pytest.FixtureRequest) -> Played:
    """Both days, one after the other."""
    found: Played = request.getfixturevalue(f"{request.param}_day")
    return found


def name_of(day: Played) -> str:
    """Which of the two it is."""
    return "live" if day.store.name.startswith("live") else "dry"


def test_every_request_of_the_day_is_the_same_to_the_byte(day: Played) -> None:
    """Time, method, path, query and body of each request, in their order; signature, key and port masked."""
    lines = [
        masked(f"{one.time_ms} {one.method} {one.path} {one.query}|{one.body}", **day.names) for one in day.requests
    ]
    assert_golden(f"{name_of(day)}_requests.txt.gz", lines)


def test_every_kind_of_request_bears_the_same_headers(day: Played) -> None:
    """Names, order and values of the headers, for each method and path."""
    seen = Counter(masked(f"{one.method} {one.path} {json.dumps(one.headers)}", **day.names) for one in day.requests)
    assert_golden_json(f"{name_of(day)}_headers.json", sorted(seen))


def test_every_row_of_the_store_is_the_same(day: Played) -> None:
    """Schema and rows of each table: acts, rule states with their keys, runs, settings, intents, orders, fills."""
    assert_golden(f"{name_of(day)}_store.txt.gz", [masked(line, **day.names) for line in dumped(day.store)])


def test_the_chain_is_what_its_documents_say(day: Played) -> None:
    """First hash, each next one and the canonical text of each act, computed here without the program."""
    assert proved(day.store) > 100


def test_every_order_of_the_day_is_named_after_its_decision(day: Played) -> None:
    """Store, rule, symbol, order at hand, slot and step make the id; the venue knows the order by it."""
    intents = rows(day.store, "SELECT * FROM intents")
    assert len(intents) > 12
    for row in intents:
        key = ("pins2345", row["rule"], row["symbol"], row["about_order"], row["slot_ms"], row["step"])
        assert row["client_order_id"] == order_name(*key)


def test_messages_of_the_day_are_the_same(day: Played) -> None:
    """What people are told, with level and channel."""
    assert_golden_json(f"{name_of(day)}_told.json", [masked(text, **day.names) for text in day.told])


def _trades(requests: list[Request]) -> list[list[str]]:
    """Requests that trade, by the moment at which they came: cancel, SELL or BUY."""
    found: dict[int, list[str]] = {}
    for one in requests:
        if one.path == "/api/v3/order" and one.method in {"POST", "DELETE"}:
            said = one.query + one.body
            kind = "cancel" if one.method == "DELETE" else "SELL" if "side=SELL" in said else "BUY"
            found.setdefault(one.time_ms, []).append(kind)
    return list(found.values())


def test_cancels_come_before_places_and_sales_before_buys(live_day: Played) -> None:
    """In a cycle in which three rules act, whatever their order in the file: what frees money comes first."""
    busy = [kinds for kinds in _trades(live_day.requests) if len(set(kinds)) == 3]
    assert busy
    rank = {"cancel": 0, "SELL": 1, "BUY": 2}
    for kinds in busy:
        assert all(rank[one] <= rank[other] for one, other in pairwise(kinds)), kinds


def test_the_folder_of_the_day_is_named_after_mode_address_and_key(live_day: Played) -> None:
    """As `folder_name` says it, with the fingerprint that the store itself holds."""
    meta = {row["key"]: row["value"] for row in rows(live_day.store, "SELECT * FROM meta")}
    assert live_day.store.name == doors.folder_name("live", meta["base_url"], meta["fingerprint"])
    files = {path.name for path in Path(live_day.store).iterdir()}
    assert {"records.db", "heads.jsonl", "inbox.db", "lock"} <= files
    assert all(name.partition("-")[0] in {"records.db", "heads.jsonl", "inbox.db", "lock"} for name in files)
