"""Faults of the wire and of answers, each seen over real HTTP; plans, seeds and the log."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrader.simulator import Faults, FaultsError, Simulator
from autotrader.simulator.faults.catalogue import KINDS
from tests.simulator.conftest import Caller

Connect = Callable[..., Caller]
ORDER = {"price": "9000000", "quantity": "0.001"}


def _world(plan: dict[str, Any], **more: Any) -> Simulator:
    return Simulator(seed=1, symbols=["BTCJPY", "BNBJPY"], faults=Faults(seed=5, plan=plan), **more)


def _raw(sim: Simulator, venue: Caller, method: str, path: str, **params: object) -> bytes:
    """Send one signed request on a socket of its own; all bytes that come back until the end."""
    query = venue.sign({"timestamp": sim.now_ms} | params)
    with socket.create_connection(("127.0.0.1", sim.port), timeout=60) as connection:
        head = f"{method} /api/v3/{path}?{query} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {venue.account.key}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def _place(sim: Simulator, venue: Caller) -> bytes:
    return _raw(sim, venue, "POST", "order", symbol="BTCJPY", side="BUY", type="LIMIT", timeInForce="GTC", **ORDER)


@pytest.mark.parametrize(
    ("fault", "settings", "executed"),
    [
        ("request_lost", {}, False), ("reply_lost", {}, True), ("late", {"ms": 2000}, False),
        ("reset_before_reply", {}, True), ("reset_before_reply", {"executed": False}, False),
    ],
)  # fmt: skip
def test_no_answer_leaves_the_caller_in_the_dark(
    connect: Connect, fault: str, settings: dict[str, Any], *, executed: bool
) -> None:
    """The connection ends without a byte; only the exchange's own record says whether there is an order."""
    with _world({fault: {"call": "POST order", "at": [1]} | settings}) as sim:
        venue = connect(sim)
        try:
            assert _place(sim, venue) == b""
        except ConnectionResetError:
            assert fault == "reset_before_reply"
        assert len(sim.orders()) == executed
        assert venue.order(**ORDER).status == 200
        assert [row.fault for row in _log(sim)] == [fault]
        sim.check()


def _log(sim: Simulator) -> list[Any]:
    assert sim.faults is not None
    return list(sim.faults.log)


@pytest.mark.parametrize(("ms", "arrives"), [(2000, True), (5001, False)])
def test_a_late_request_is_executed_when_it_arrives_and_only_inside_its_window(
    connect: Connect, ms: int, *, arrives: bool
) -> None:
    """Nobody was answered; two seconds later there is an order after all, past recvWindow there never is one."""
    with _world({"late": {"call": "POST order", "at": [1], "ms": ms}}) as sim:
        _place(sim, connect(sim))
        sim.advance(ms / 1000 - 0.001)
        assert sim.orders() == []
        sim.advance(60)
        assert len(sim.orders()) == arrives
        sim.check()


def test_a_hanging_answer_takes_real_time(connect: Connect) -> None:
    """`hang` keeps the connection open in silence, so that the caller's time-out decides."""
    with _world({"reply_lost": {"at": [1], "hang": 0.3}}) as sim:
        begun = time.monotonic()
        _place(sim, connect(sim))
        assert time.monotonic() - begun >= 0.3
        assert len(sim.orders()) == 1


def test_answers_break_off(connect: Connect) -> None:
    """Half of the body; head and reset; everything and reset: in each case the order is there."""
    plan = {"half_body": {"at": [1]}, "reset_before_body": {"at": [2]}, "reset_after_body": {"at": [3]}}
    with _world(plan) as sim:
        venue = connect(sim)
        head, _, body = _place(sim, venue).partition(b"\r\n\r\n")
        length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"Content-Length"])
        assert len(body) == length // 2
        for _ in range(2):
            try:
                received = _place(sim, venue)
            except ConnectionResetError:
                continue
            assert received.startswith(b"HTTP/1.1 200")
        assert len(sim.orders()) == 3


def test_an_answer_drips(connect: Connect) -> None:
    """It is whole in the end, and takes as long as its bytes."""
    with _world({"drip": {"at": [1], "pause": 0.001}}) as sim:
        begun = time.monotonic()
        received = _raw(sim, connect(sim), "GET", "order", symbol="BTCJPY", orderId=1)
        assert time.monotonic() - begun >= 0.001 * len(received)
        assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == -2013


def test_an_answer_comes_twice(connect: Connect) -> None:
    """On a kept connection the second copy would answer the next request."""
    with _world({"reply_twice": {"at": [1]}}) as sim:
        received = _place(sim, connect(sim))
        assert received.count(b"HTTP/1.1 200") == 2
        assert len(sim.orders()) == 1


def test_an_answer_of_another_request(connect: Connect) -> None:
    """The order is placed, the answer is that of a call before."""
    with _world({"reply_other": {"call": "POST order", "at": [1]}}) as sim:
        venue = connect(sim)
        server_time = venue.get("time").body
        assert venue.order(**ORDER).body == server_time
        assert len(sim.orders()) == 1


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize(
    ("fault", "settings", "status", "code"),
    [
        ("server_error", {"status": 502}, 502, None), ("server_error", {"json": True}, 503, -1001),
        ("code_1000", {}, 500, -1000), ("code_1006", {}, 500, -1006), ("code_1007", {}, 504, -1007),
        ("code_1008", {}, 503, -1008),
    ],
)  # fmt: skip
def test_errors_of_the_inside_with_and_without_execution(
    connect: Connect, fault: str, settings: dict[str, Any], status: int, code: int | None, *, executed: bool
) -> None:
    """The same answer, whether there is an order or not."""
    with _world({fault: {"call": "POST order", "at": [1], "executed": executed} | settings}) as sim:
        head, _, body = _place(sim, connect(sim)).partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert body.startswith(b"<html>") if code is None else json.loads(body)["code"] == code
        assert len(sim.orders()) == executed


def test_limits_of_another_making(connect: Connect) -> None:
    """429 with and without Retry-After; a ban that holds for all requests of the address until its end."""
    plan = {"too_many": [{"at": [1], "retry_after": 7}, {"at": [2]}], "banned": {"call": "GET account", "at": [1]}}
    with _world(plan) as sim:
        venue = connect(sim)
        first, second = venue.get("ping"), venue.get("ping")
        assert (first.status, first.body["code"], first.headers["Retry-After"]) == (429, -1003, "7")
        assert (second.status, "Retry-After" in second.headers) == (429, False)
        assert venue.signed("GET", "account").status == 418
        assert venue.get("ping").headers["Retry-After"] == "120"
        sim.advance(120)
        assert venue.get("ping").status == 200


def test_pages_and_redirects(connect: Connect) -> None:
    """403 with a page, and 302 and 307 to another host with the same path and query; nothing was executed."""
    plan = {"waf": {"at": [1]}, "redirect": [{"at": [2]}, {"at": [3], "status": 307, "to": "http://other.invalid"}]}
    with _world(plan) as sim:
        venue = connect(sim)
        received = _place(sim, venue)
        assert received.startswith(b"HTTP/1.1 403")
        assert b"Content-Type: text/html" in received
        assert b"Location: http://127.0.0.2:9/api/v3/order?timestamp=" in _place(sim, venue)
        received = _place(sim, venue)
        assert received.startswith(b"HTTP/1.1 307")
        assert b"Location: http://other.invalid/api/v3/order?" in received
        assert sim.orders() == []


@pytest.mark.parametrize(
    ("fault", "body"),
    [("ok_empty", b""), ("ok_null", b"null"), ("ok_list", b"[]"), ("ok_object", b"{}"), ("ok_html", b"<html>")],
)
def test_empty_successes(connect: Connect, fault: str, body: bytes) -> None:
    """200 with nothing of use in it."""
    with _world({fault: {"at": [1], "executed": True}}) as sim:
        head, _, received = _place(sim, connect(sim)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert received.startswith(body)
        assert len(received) == len(body) or fault == "ok_html"
        assert len(sim.orders()) == 1


def test_any_answer_and_any_edit(connect: Connect) -> None:
    """A body of choice, repeated and gzipped; fields of a true answer replaced, in depth too."""
    plan = {
        "answer": {"call": "GET ping", "at": [1], "body": "[", "repeat": 1_000_000, "gzip": True, "headers": {"X": 1}},
        "edit": [
            {"call": "POST order", "at": [1], "set": {"clientOrderId": "another"}},
            {"call": "GET exchangeInfo", "at": [1], "set": {"symbols.0.status": "END"}},
        ],
    }
    with _world(plan) as sim:
        received = _raw(sim, connect(sim), "GET", "ping")
        assert b"Content-Encoding: gzip\r\n" in received
        assert b"X: 1\r\n" in received
        assert len(received) < 5000
        venue = connect(sim)
        assert venue.order(**ORDER, newClientOrderId="mine").body["clientOrderId"] == "another"
        assert sim.orders()[0]["clientOrderId"] == "mine"
        assert venue.get("exchangeInfo").body["symbols"][0]["status"] == "END"


def test_an_edit_of_what_is_not_there_is_logged_as_such(connect: Connect) -> None:
    """The answer stays as it is, and the log names the place."""
    with _world({"edit": {"call": "GET time", "set": {"a.b": 1}}}) as sim:
        assert connect(sim).get("time").body == {"serverTime": sim.now_ms}
        assert _log(sim)[0].details == {"not there": "a.b"}


def test_a_revoked_key_a_jumping_clock_and_maintenance_end_by_themselves(connect: Connect) -> None:
    """-2015 for a minute; serverTime an hour ahead for a minute and stamps judged by it; system status 1."""
    plan = {
        "key_revoked": {"call": "GET account", "at": [1], "seconds": 60},
        "clock_jump": {"call": "GET time", "at": [1], "seconds": 60},
        "maintenance": {"call": "GET ping", "at": [1], "seconds": 60},
    }
    with _world(plan) as sim:
        venue = connect(sim)
        assert [venue.signed("GET", path).error[1] for path in ("account", "openOrders")] == [-2015, -2015]
        sim.advance(60)
        assert venue.signed("GET", "account").status == 200
        assert venue.get("time").body["serverTime"] == sim.now_ms + 3_600_000
        assert venue.signed("GET", "account").error[1] == -1021
        sim.advance(60)
        assert venue.get("time").body["serverTime"] == sim.now_ms
        venue.get("ping")
        assert venue.raw("GET", "/sapi/v1/system/status").body["status"] == 1
        sim.advance(60)
        assert venue.raw("GET", "/sapi/v1/system/status").body["status"] == 0


# ---- plans, seeds, log ---------------------------------------------------------------


def _run(seed: int, connect: Connect) -> list[tuple[Any, ...]]:
    plan = {"server_error": 0.2, "code_1007": {"call": "GET time", "probability": 0.3}, "ok_null": {"every": 7}}
    with Simulator(seed=1, faults=Faults(seed=seed, plan=plan)) as sim:
        venue = connect(sim)
        for number in range(80):
            try:
                venue.get("time" if number % 2 else "ping")
            except json.JSONDecodeError:
                continue
        return [tuple(row) for row in _log(sim)]


def test_the_same_seed_gives_the_same_faults(connect: Connect) -> None:
    """Row by row of the log; another seed gives others."""
    first = _run(3, connect)
    assert len(first) > 10
    assert first == _run(3, connect)
    assert first != _run(4, connect)


def test_one_rules_chances_do_not_depend_on_another(connect: Connect) -> None:
    """With a rule added behind, the first one's faults stay where they were."""

    def indexes(plan: dict[str, Any]) -> list[int]:
        with Simulator(seed=1, faults=Faults(seed=9, plan=plan)) as sim:
            venue = connect(sim)
            for _ in range(60):
                venue.get("ping")
            return [row.nth for row in _log(sim) if row.fault == "ok_null"]

    alone = indexes({"ok_null": 0.2})
    assert alone
    assert indexes({"ok_null": 0.2, "ok_list": 0.5}) == alone


def test_rules_choose_by_index_time_parameters_and_number(connect: Connect) -> None:
    """at, every, times, after, until and where."""
    plan = {
        "ok_null": {"call": "GET time", "every": 3, "times": 2},
        "ok_list": {"call": "GET avgPrice", "where": {"symbol": "BNBJPY"}},
        "ok_object": {"call": "GET ping", "after": 60, "until": 120},
        "ok_empty": {"call": "GET ticker/*", "at": 2},
    }
    with _world(plan) as sim:
        venue = connect(sim)
        assert [venue.get("time").body is None for _ in range(10)] == [i in (2, 5) for i in range(10)]
        assert venue.get("avgPrice", symbol="BTCJPY").body != []
        assert venue.get("avgPrice", symbol="BNBJPY").body == []
        assert [venue.get("ticker/price").body is None for _ in range(3)] == [False, True, False]
        for _ in range(3):
            venue.get("ping")
            sim.advance(60)
        assert [row.time for row in _log(sim) if row.fault == "ok_object"] == [sim.exchange.started_ms + 60_000]


def test_state_and_desk_show_what_was_injected_and_stop_it(connect: Connect) -> None:
    """/simulator/state lists the faults; POST faults?on=0 ends them, on=1 lets them go on."""
    with _world({"ok_null": 1.0, "maintenance": {"at": [1], "seconds": 0}}) as sim:
        venue = connect(sim)
        venue.get("ping")
        rows = venue.control("GET", "state")["faults"]
        assert [(row["fault"], row["method"], row["path"]) for row in rows] == [
            ("maintenance", "GET", "/api/v3/ping"), ("ok_null", "GET", "/api/v3/ping"),
        ]  # fmt: skip
        assert venue.control("POST", "faults?on=0")["counts"] == {"ok_null": 1, "maintenance": 1}
        assert venue.get("time").body is not None
        assert venue.raw("GET", "/sapi/v1/system/status").body["status"] == 0
        venue.control("POST", "faults?on=1")
        assert venue.get("time").body is None
        assert "0 or 1" in venue.control("POST", "faults?on=2")["error"]
    with Simulator(seed=1) as sim:
        assert "--faults FILE" in connect(sim).control("GET", "faults")["error"]


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ({"nonsense": 1}, "there is no fault 'nonsense'"), ({"drip": {"speed": 1}}, "drip: unknown 'speed'; allowed"),
        ({"drip": 2}, "probability is a number from 0 to 1"), ({"drip": {"at": [0]}}, "whole numbers from 1 on"),
        ({"drip": {"pause": "x"}}, "pause is float"), ({"drip": True}, "a probability from 0 to 1"),
        ({"symbol_status": {"status": "OFF"}}, "status is one of TRADING"), ({"drip": {"at": "x"}}, "whole numbers"),
        ({"filters_change": {"tick": "x"}}, "tick is a decimal from 0 on"),
        ({"drip": {"where": 1}}, "where is a mapping"), ({"drip": {"call": 1}}, "call is a pattern"),
    ],
)  # fmt: skip
def test_bad_plans_are_refused_with_what_is_allowed(plan: dict[str, Any], text: str) -> None:
    """Found, where, allowed: one message."""
    with pytest.raises(FaultsError, match=text.replace("(", r"\(")):
        Faults(plan=plan)


def test_a_symbol_that_is_not_listed_is_refused_before_the_start() -> None:
    """Not at the first request, but when simulator and plan come together."""
    with pytest.raises(FaultsError, match="symbol 'XXXJPY'; there are BTCJPY"):
        _world({"symbol_status": {"symbol": "XXXJPY"}})


def test_plans_are_read_from_json_and_yaml(tmp_path: Path) -> None:
    """The same rules from both; a name that stands twice, other names and unreadable files are refused."""
    (tmp_path / "a.json").write_text('{"seed": 4, "plan": {"drip": {"at": [1, 2], "pause": 0.1}, "waf": 0.5}}')
    (tmp_path / "a.yaml").write_text("seed: 4\nplan:\n  drip: {at: [1, 2], pause: 0.1}\n  waf: 0.5\n")
    one, two = Faults.read(tmp_path / "a.json"), Faults.read(tmp_path / "a.yaml")
    assert (one.seed, one.rules) == (two.seed, two.rules)
    for name, content, text in (
        ("b.yaml", "plan: {waf: 0.1, waf: 0.2}", "stands twice"), ("b.json", '{"plan": {"waf": 1, "waf": 1}}', "twice"),
        ("c.yaml", "plan: {}\nfault: 1", "needed is"), ("d.yaml", "plan: [", "cannot be read"),
        ("e.yaml", "{seed: x, plan: {}}", "seed is a whole number"), ("missing.json", None, "cannot be read"),
    ):  # fmt: skip
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(FaultsError, match=text):
            Faults.read(tmp_path / name)


def test_faults_belong_to_one_simulator() -> None:
    """Counters and log are of one run; a second use is refused."""
    faults = Faults(plan={"waf": 0.1})
    Simulator(seed=1, faults=faults)
    with pytest.raises(FaultsError, match="in use by another"):
        Simulator(seed=1, faults=faults)


def test_without_chosen_faults_every_answer_is_as_without_a_plan(connect: Connect) -> None:
    """A plan that never applies changes no byte: all kinds at an index that is never reached."""

    def answers(faults: Faults | None) -> list[Any]:
        with Simulator(seed=1, faults=faults) as sim:
            venue = connect(sim)
            found: list[Any] = [venue.order(**ORDER).body, venue.order("BUY", "MARKET", quantity="0.01").body]
            sim.advance(300)
            found += [venue.signed("GET", path).body for path in ("account", "openOrders")]
            found.append(venue.get("depth", symbol="BTCJPY").body)
            found.append(venue.get("klines", symbol="BTCJPY", interval="1m").body)
            return found

    assert answers(Faults(plan={name: {"at": [10**6]} for name in KINDS})) == answers(None)


def test_a_closing_simulator_does_not_wait_for_slow_faults(connect: Connect) -> None:
    """An answer that hangs for an hour ends with the simulator."""
    hang = 3600.0
    with _world({"reply_lost": {"at": [1], "hang": hang}}) as sim:
        venue = connect(sim)
        connection = http.client.HTTPConnection("127.0.0.1", sim.port)
        connection.request("GET", "/api/v3/ping")
        venue.get("time")
        begun = time.monotonic()
    assert time.monotonic() - begun < hang / 10
    connection.close()


def test_the_document_names_every_fault_and_setting() -> None:
    """docs/simulator.md lists the catalogue."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        assert f"`{name}`" in text
        if name not in ("filters_change", "edit"):
            assert all(f"`{setting}`" in text for setting in kind.settings)
