"""Keys, signatures, timestamps, limits: what the venue checks before it reads an order."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from autotrader.simulator import Account, Simulator, SymbolSpec
from autotrader.simulator.auth import hmac_hex, payload
from tests.simulator.conftest import Caller

D = Decimal
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
BAD_SIGNATURE = (400, -1022, "Signature for this request is not valid.")
TOO_OLD = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
TOO_NEW = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
DENIED = (401, -2015, "Invalid API-key, IP, or permissions for action.")


def _example_world() -> Simulator:
    """The moment, the account and a symbol of the official signing examples."""
    symbol = SymbolSpec(
        "LTCBTC", "LTC", "BTC", tick=D("0.000001"), min_price=D("0.000001"), step=D("0.01"), min_qty=D("0.01"),
        min_notional=D("0.0001"), start_price=D("0.1"), depth_unit=D(10),
    )  # fmt: skip
    account = Account(KEY, SECRET, {"BTC": D(10)})
    return Simulator(seed=1, symbols=[symbol], accounts=[account], start_at=1_499_827_319_559)


def test_the_official_vectors_hold(shared_data: Path) -> None:
    """Each documented payload gives the documented signature, the one with a non-ASCII symbol too."""
    vectors = json.loads((shared_data / "api-responses" / "signing-vectors.json").read_text())
    for case in vectors["cases"]:
        assert hmac_hex(vectors["secret_key"], case["payload"].encode()) == case["signature"]


def test_the_official_requests_are_accepted_over_http(connect: Callable[..., Caller], shared_data: Path) -> None:
    """The first vector, sent verbatim at its own time, places an order; the second gets past the signature."""
    vectors = json.loads((shared_data / "api-responses" / "signing-vectors.json").read_text())
    with _example_world() as sim:
        venue = connect(sim)
        first, second = (f"{case['payload']}&signature={case['signature']}" for case in vectors["cases"])
        placed = venue.raw("POST", f"/api/v3/order?{first}")
        assert (placed.status, placed.body["symbol"]) == (200, "LTCBTC")
        assert venue.raw("POST", f"/api/v3/order?{second}").error == (400, -1121, "Invalid symbol.")


def test_query_and_body_are_signed_as_received_without_a_separator(connect: Callable[..., Caller]) -> None:
    """The documented mixed example: half in the query, half in the body, either part may carry the signature."""
    query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    signature = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    assert payload(query.encode(), f"{body}&signature={signature}".encode()) == (query + body).encode()
    with _example_world() as sim:
        venue = connect(sim)
        for where, what in ((query, f"{body}&signature={signature}"), (f"{query}&signature={signature}", body)):
            assert venue.raw("POST", f"/api/v3/order?{where}", what).status == 200
        assert venue.raw("POST", "/api/v3/order", f"{query}&{body}&signature={signature}").error == BAD_SIGNATURE


def test_a_name_in_query_and_body_counts_with_the_querys_value(venue: Caller) -> None:
    """Both are signed, the query wins."""
    query, body = f"symbol=BTCJPY&timestamp={venue.sim.now_ms}", "symbol=XXXJPY&side=BUY&type=MARKET&quantity=0.01"
    reply = venue.raw("POST", f"/api/v3/order?{query}", f"{body}&signature={venue.mac(query + body)}")
    assert (reply.status, reply.body["symbol"]) == (200, "BTCJPY")


def test_signatures_are_case_insensitive_hex_and_nothing_else_passes(venue: Caller) -> None:
    """Upper-case hex is fine; a changed byte, a foreign secret or a signature of other bytes is -1022."""
    query = f"timestamp={venue.sim.now_ms}"
    good = venue.mac(query)
    assert venue.raw("GET", f"/api/v3/account?{query}&signature={good.upper()}").status == 200
    for bad in (good[:-1] + ("0" if good[-1] != "0" else "1"), venue.mac(query + " "), "x"):
        assert venue.raw("GET", f"/api/v3/account?{query}&signature={bad}").error == BAD_SIGNATURE


def test_the_signature_is_over_encoded_bytes(venue: Caller) -> None:
    """Signing the readable text and sending the encoded one fails, as the venue does since 2026-01."""
    plain = f"asset=%41BC&timestamp={venue.sim.now_ms}"
    path = "/sapi/v3/asset/getUserAsset"
    assert venue.raw("POST", f"{path}?{plain}&signature={venue.mac(plain)}").status == 200
    readable = venue.mac(plain.replace("%41", "A"))
    assert venue.raw("POST", f"{path}?{plain}&signature={readable}").error == BAD_SIGNATURE


@pytest.mark.parametrize(
    ("shift_ms", "window", "expected"),
    [
        (0, None, None), (-5000, None, None), (-5001, None, TOO_OLD), (999, None, None), (1000, None, TOO_NEW),
        (-60_000, "60000", None), (-60_001, "60000", TOO_OLD), (-2, "1.5", TOO_OLD), (-1, "1.5", None),
        (0, "60001", (400, -1131, "recvWindow must be less than 60000")),
        (0, "1.2345", (400, -1111, "Parameter 'recvWindow' has too much precision.")),
    ],
)  # fmt: skip
def test_timestamps_must_lie_in_their_window(
    venue: Caller, shift_ms: int, window: str | None, expected: tuple[int, int, str] | None
) -> None:
    """Accepted iff timestamp < now + 1000 and now − timestamp ≤ recvWindow."""
    params: dict[str, object] = {"timestamp": venue.sim.now_ms + shift_ms}
    reply = venue.signed("GET", "account", **(params | ({"recvWindow": window} if window else {})))
    assert (reply.error if reply.status != 200 else None) == expected


def test_timestamps_in_microseconds_are_understood(venue: Caller) -> None:
    """16 digits are microseconds."""
    now = venue.sim.now_ms * 1000
    assert venue.signed("GET", "account", timestamp=now).status == 200
    assert venue.signed("GET", "account", timestamp=now - 5_000_001).error == TOO_OLD


def test_keys_are_checked(venue: Caller) -> None:
    """No key and a malformed one are -2014, an unknown one -2015, both with HTTP 401."""
    query = venue.sign({"timestamp": venue.sim.now_ms})
    malformed = (401, -2014, "API-key format invalid.")
    assert venue.raw("GET", f"/api/v3/account?{query}", headers={}).error == malformed
    assert venue.raw("GET", f"/api/v3/account?{query}", headers={"X-MBX-APIKEY": "short"}).error == malformed
    assert venue.raw("GET", f"/api/v3/account?{query}", headers={"X-MBX-APIKEY": "a" * 64}).error == DENIED


def test_a_reading_key_may_not_trade(connect: Callable[..., Caller]) -> None:
    """It reads, but placing is -2015."""
    from dataclasses import replace

    with Simulator(seed=1, accounts=[replace(Account.named("main"), may_trade=False)]) as sim:
        venue = connect(sim)
        assert venue.signed("GET", "account").status == 200
        assert venue.order(price="9000000", quantity="0.001").error == DENIED


def test_checks_come_in_the_stated_order(venue: Caller) -> None:
    """Syntax before key, key format before time, time before signature, signature before symbol."""

    def code(headers: dict[str, str] | None = None, **params: object) -> int:
        stamp = {"timestamp": params.pop("timestamp", venue.sim.now_ms)}
        query = urlencode({"symbol": "XXXJPY"} | params | stamp)
        sign = venue.mac(query) if params.get("limit") != 7 else "bad"
        return int(venue.raw("GET", f"/api/v3/allOrders?{query}&signature={sign}", headers=headers).body["code"])

    assert code({}, timestamp=1, limit="x") == -1100
    assert code({}, timestamp=1, limit=7) == -2014
    assert code(timestamp=1, limit=7) == -1021
    assert code(limit=7) == -1022
    assert code() == -1121


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ({"symbol": ""}, -1105, "Parameter 'symbol' was empty."),
        ({"symbol": "btcjpy"}, -1100,
         "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
        ({"symbol": "BTCJPY", "orderId": "at-1"}, -1100,
         "Illegal characters found in parameter 'orderId'; legal range is '^[0-9]{1,20}$'."),
        ({"symbol": "BTCJPY", "colour": "red"}, -1104,
         "Not all sent parameters were read; read '3' parameter(s) but was sent '4'."),
        ({"symbol": "BTCJPY", "limit": "99999999999999999999"}, -1108, "Parameter 'limit' overflowed."),
        ({"symbol": "BTCJPY", "startTime": 0, "endTime": 86_400_001}, -1127,
         "More than 24 hours between startTime and endTime."),
    ],
)  # fmt: skip
def test_parameters_are_refused_in_the_venues_words(
    venue: Caller, params: dict[str, Any], code: int, text: str
) -> None:
    """Each kind of malformed parameter has its own code and text."""
    assert venue.signed("GET", "allOrders", **params).error == (400, code, text)


def test_mandatory_times_and_signatures(venue: Caller) -> None:
    """A signed call without timestamp or signature says which is missing; a doubled name is -1101."""
    assert venue.raw("GET", "/api/v3/account?signature=ab").error[1] == -1102
    assert "'signature'" in venue.raw("GET", f"/api/v3/account?timestamp={venue.sim.now_ms}").body["msg"]
    assert venue.raw("GET", "/api/v3/klines?symbol=BTCJPY&symbol=BTCJPY&interval=1m").error[1] == -1101
    assert venue.get("ping", x=1).error[1] == -1101
    assert venue.get("klines", symbol="BTCJPY", interval="1x").error == (400, -1120, "Invalid interval.")


def test_unknown_routes_are_404(venue: Caller) -> None:
    """Unknown paths, and known ones with another method."""
    assert venue.get("klinesx").status == 404
    assert venue.raw("PUT", "/api/v3/order").status == 404
    assert venue.raw("GET", "/api/v1/klines").status == 404


def test_weight_is_counted_per_minute_of_the_exchanges_time(sim: Simulator, venue: Caller) -> None:
    """Headers add up, and a new minute begins at zero."""
    assert venue.get("exchangeInfo").headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert venue.get("ticker/24hr").headers["X-MBX-USED-WEIGHT-1M"] == "100"
    assert venue.get("ticker/24hr", symbol="BTCJPY").headers["X-MBX-USED-WEIGHT-1M"] == "102"
    assert venue.signed("GET", "openOrders").headers["X-MBX-USED-WEIGHT-1M"] == "182"
    assert venue.order(price="1200000", quantity="0.001").headers["X-MBX-USED-WEIGHT-1M"] == "182"
    assert venue.order(price="1200000", quantity="0").headers["X-MBX-USED-WEIGHT-1M"] == "183"
    sim.advance(60)
    assert venue.get("ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_overuse_is_429_and_going_on_is_418_for_growing_times(sim: Simulator, venue: Caller) -> None:
    """Beyond the limit 429 with the seconds to wait; who goes on is banned 2 minutes, the next time 4."""
    sim.advance(10)
    for ban in (120, 240):
        while (reply := venue.get("ticker/24hr")).status == 200:
            pass
        assert (reply.status, reply.body["code"]) == (429, -1003)
        assert "current limit is 6000 request weight per 1 MINUTE" in reply.body["msg"]
        assert 0 < int(reply.headers["Retry-After"]) <= 60
        while (reply := venue.get("ping")).status == 429:
            pass
        assert (reply.status, reply.headers["Retry-After"]) == (418, str(ban))
        sim.advance(ban - 1)
        assert venue.get("ping").status == 418
        sim.advance(61)
        assert venue.get("ping").status == 200


def test_the_order_count_limits_unfilled_orders(connect: Callable[..., Caller]) -> None:
    """The eleventh order in ten seconds is -1015 with 429; ten seconds later there is room again."""
    with Simulator(tape="btcjpy-2018-01", order_limits=(10, 1000)) as sim:
        venue = connect(sim)
        for number in range(1, 11):
            placed = venue.order(price="1200000", quantity="0.001")
            assert placed.headers["X-MBX-ORDER-COUNT-10S"] == str(number)
        refused = venue.order(price="1200000", quantity="0.001")
        assert refused.error == (429, -1015, "Too many new orders; current limit is 10 orders per 10 SECOND.")
        assert refused.headers["Retry-After"] == "10"
        counts = venue.signed("GET", "rateLimit/order").body
        assert [(row["interval"], row["count"]) for row in counts] == [("SECOND", 10), ("DAY", 10)]
        sim.advance(10)
        filled = venue.order("BUY", "MARKET", quantity="0.001")
        assert (filled.headers["X-MBX-ORDER-COUNT-10S"], filled.headers["X-MBX-ORDER-COUNT-1D"]) == ("0", "10")
