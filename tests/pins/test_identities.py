"""Names and hashes that stores and exchanges know us by: fixed vectors, each computed by another road than ours."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from tests.pins import doors
from tests.pins.golden import assert_golden_json
from tests.pins.stores_seen import order_name

SHAPES = Path(__file__).parent / "shapes"


def test_hashes_of_rules_are_those_that_running_stores_hold() -> None:
    """One rule for each form of the language: hash of the rule, of its conditions, of its branches, of the plan."""
    account = (SHAPES / "autotrader.yaml").read_text(encoding="utf-8")
    text = (SHAPES / "every.yaml").read_text(encoding="utf-8")
    assert_golden_json("hashes.json", doors.hashes_of(account, {"every.yaml": text}))


def test_the_hash_of_the_plan_covers_the_settings_that_decisions_depend_on() -> None:
    """Zone, symbols, slippage and limits change it, each in its own way; the paper account and channels do not."""
    account = (SHAPES / "autotrader.yaml").read_text(encoding="utf-8")
    text = 'version: 1\nrules:\n  one: {symbol: BTCJPY, when: last > 1, then: [{notify: "x"}]}\n'
    changes = {
        "as it is": ("mode: dry_run", "mode: dry_run"),
        "zone": ("Asia/Tokyo", "UTC"),
        "slippage": ("max_slippage: 0.5%", "max_slippage: 0.6%"),
        "symbols": ("[BTCJPY, ETHJPY]", "[BTCJPY, ETHJPY, BNBJPY]"),
        "limit": ("open_orders: 10", "open_orders: 11"),
        "amounts": ("holding: {BTC: 0.05 BTC,", "holding: {BTC: 0.06 BTC,"),
        "weight": ("request_weight: 30%", "request_weight: 31%"),
        "paper": ("paper: {JPY: 100_000 JPY", "paper: {JPY: 100_001 JPY"),
    }
    found = {
        name: doors.hashes_of(account.replace(was, put), {"a.yaml": text})["plan"]
        for name, (was, put) in changes.items()
    }
    assert found["paper"] == found["as it is"]
    assert len(set(found.values())) == len(found) - 1
    assert_golden_json("plan_hashes.json", found)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (("abcd2345", "dip", "BTCJPY", "", 1_700_000_000_000, 0), "at-abcd-d55ljrqhpowpcnqhshmkg5mzhi"),
        (("demo2018", "a_rule", "ETHJPY", "at-demo-x", 0, 3), "at-demo-enoxdr3lpf3mj6xpfek7q2vvfk"),
        (("zzzz2222", "", "BTCJPY", "", 17, 0), "at-zzzz-j25vckeylph4qymkvqokxdex6m"),
    ],
)
def test_the_client_order_id_of_a_decision_is_fixed(key: tuple[str, str, str, str, int, int], name: str) -> None:
    """An id that were another after an update would place twice what was decided once."""
    assert doors.order_name(*key) == name == order_name(*key)


@pytest.mark.parametrize(
    ("world", "name"),
    [
        (("live", "https://api.binance.com", "0123456789abcdef"), "live-api.binance.com-cd496beb"),
        (("live", "https://API.binance.com/", "0123456789abcdef"), "live-api.binance.com-cd496beb"),
        (("dry-run", "https://api.binance.com", ""), "dry-run-api.binance.com-5b4972f7"),
        (("live", "http://127.0.0.1:8080", "k"), "live-127.0.0.1-8080-4802120f"),
        (("live", "simulator:btcjpy-2018-01", "demo"), "live-simulator-btcjpy-2018-01-9831b2e5"),
    ],
)
def test_the_folder_of_a_store_is_named_after_its_world(world: tuple[str, str, str], name: str) -> None:
    """A folder of another name would be a new store, which knows nothing of the orders of the old one."""
    mode, url, fingerprint = world
    text = f"{mode}\n{url.rstrip('/').lower()}\n{fingerprint}"
    assert doors.folder_name(*world) == name
    assert name.endswith(sha256(text.encode()).hexdigest()[:8])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é\n"]}, '{"a":[true,null,"\\u00e9\\n"],"b":1}'),
        (Decimal("1E+3"), '"1000"'),
        (Decimal("0.10"), '"0.1"'),
        (Decimal("-0.000000010"), '"-0.00000001"'),
        ([0.1, 1e22, 5e-324], "[0.1,1e+22,5e-324]"),
        (frozenset({"b", "a"}), '["a","b"]'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_the_canonical_text_of_a_value_is_fixed(value: object, text: str) -> None:
    """Acts are hashed as this text: sorted keys, no blanks, ASCII, exact decimals without exponent."""
    assert doors.canon.canonical(value) == text


def test_the_first_hash_of_a_chain_and_the_next_are_fixed() -> None:
    """A chain begins with the hash of its store's name; each row binds number, time, lengths, kind, subject, body."""
    first = doors.canon.genesis("pins2345")
    assert first.hex() == "49f15ea2242743634f149f3440bd9fefeff2c6dcc0fdc1f0d256230c297b6a56"
    following = doors.canon.row_hash(first, 1, 1_700_000_000_000, "store", "pins2345", '{"a":"\\u00e9"}')
    assert following.hex() == "2b6662ac16e02c54a6709af22c8ecca3de244ef8ea431103dc231971fe440929"
    assert doors.canon.text_hash("version: 1\n") == "09bfcc6a14b83e2192b8673677725c84883ee9cd0c70e45c9ec09daa8f2b2847"
