"""What fuzzing begins with: the hostile corpus and the examples, their lines, and the replies of a simulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from autotrader.simulator import Simulator
from tests.language.test_expression_properties import PIECES
from tests.language.test_hostile import TOKENS, corpus
from tests.simulator.conftest import Caller

ROOT = Path(__file__).resolve().parents[2]
_FIELD = re.compile(r'"([A-Za-z]+)"')


def texts() -> list[str]:
    """Rule files and account files, good and bad."""
    places = ("examples", "rules", "tests/language")
    good = [path.read_text("utf-8") for place in places for path in sorted((ROOT / place).rglob("*.yaml"))]
    return [*good, *(text for _, text, _ in corpus())]


def lines() -> list[str]:
    """What stands behind a key or a dash on its line, somewhere in these files."""
    found = (
        row.strip().removeprefix("- ").rpartition(": ")[2].strip("\"'") for text in texts() for row in text.split("\n")
    )
    return sorted({line for line in found if line})


def bodies() -> Iterator[bytes]:
    """A reply of each kind, as a simulator gives it over HTTP."""
    with Simulator(seed=2, weight_limit=100_000) as simulator:
        caller = Caller(simulator)
        one = {"symbol": "BTCJPY"}
        for path in ("exchangeInfo", "depth", "trades", "aggTrades", "avgPrice", "ticker/24hr", "ticker/price",
                     "ticker/bookTicker", "time"):  # fmt: skip
            yield json.dumps(caller.get(path, **({} if path == "time" else one), limit=5).body
                             if path in ("depth", "trades", "aggTrades") else
                             caller.get(path, **({} if path == "time" else one)).body).encode()  # fmt: skip
        yield json.dumps(caller.get("klines", **one, interval="1h", limit=3).body).encode()
        filled = caller.order("BUY", "MARKET", quantity="0.01", newOrderRespType="FULL").body
        resting = caller.order(price="9000000", quantity="0.001").body
        yield from (json.dumps(body).encode() for body in (filled, resting))
        for path in ("openOrders", "allOrders", "myTrades", "account/commission", "myFilters"):
            yield json.dumps(caller.signed("GET", path, **one).body).encode()
        for path in ("account", "rateLimit/order", "/sapi/v1/account/apiRestrictions"):
            yield json.dumps(caller.signed("GET", path).body).encode()
        yield json.dumps(caller.signed("POST", "/sapi/v3/asset/getUserAsset").body).encode()
        yield json.dumps(caller.signed("DELETE", "order", **one, orderId=resting["orderId"]).body).encode()
        yield json.dumps(caller.signed("DELETE", "order", **one, orderId=1_000_000).body).encode()
        caller.close()


def seeds(target: str) -> list[bytes]:
    """The inputs that a target begins with."""
    if target == "reply":
        return list(bodies())
    return [text.encode() for text in (texts() if target == "loader" else lines())]


def words(target: str) -> list[str]:
    """Pieces that are worth trying whole."""
    if target == "loader":
        return TOKENS
    if target == "expression":
        return PIECES
    fields = {name for body in seeds(target) for name in _FIELD.findall(body.decode())}
    return [*sorted(f'"{name}"' for name in fields), "\\ud800", "NaN", "Infinity", "1e400", "-0", '"NaN"', "null", "[]"]
