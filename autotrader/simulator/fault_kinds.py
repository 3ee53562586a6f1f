"""The catalogue of faults: for each its usual calls, its settings with defaults, and what it does.

``whole`` kinds replace the answer or break the wire, so at most one of them
acts on a request; the others change what the exchange does or edit a true
answer, and go together.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrader.simulator import fault_market, fault_orders
from autotrader.simulator.exchange import JSON, Answer
from autotrader.simulator.fault_state import refusal, rewritten
from autotrader.simulator.faults import Case

Action = Callable[[Case], object]
ALL = ("*",)
PLACE = ("POST order",)
HTML = "text/html"
UNKNOWN_FATE = "An unexpected response was received from the message bus. Execution status unknown."
TIMED_OUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."
INTERNAL = "Internal error; unable to process your request. Please try again."


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue. ``settings`` gives names and defaults; None takes any value."""

    text: str
    calls: tuple[str, ...] = ALL
    settings: Mapping[str, Any] = field(default_factory=dict)
    before: Action | None = None
    after: Action | None = None
    whole: bool = False


def _page(title: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>".encode()


def _executed(case: Case) -> None:
    case.execute = bool(case.settings["executed"])


# ---- the wire ------------------------------------------------------------------


def _lost(case: Case) -> None:
    case.execute, case.manner, case.wait = False, "nothing", case.settings["hang"]


def _delayed(case: Case) -> None:
    case.delay_ms = int(case.settings["ms"])


def _late(case: Case) -> None:
    """The caller gets no answer; the request arrives later and is treated as one of that moment."""
    case.execute, case.manner, case.wait = False, "nothing", case.settings["hang"]
    exchange, request = case.exchange, case.request
    exchange.at(exchange.now_us + round(case.settings["ms"] * 1000), lambda: exchange.handle(*request))


def _wire(manner: str) -> Action:
    def act(case: Case) -> None:
        case.manner = manner
        case.wait = case.settings.get("hang", 0.0)
        case.pause = case.settings.get("pause", 0.0)

    return act


def _other(case: Case) -> None:
    other = case.state.other(case)
    case.answer = other if other is not None else Answer(200, {"Content-Type": JSON}, b"{}")


# ---- answers that replace the true one -------------------------------------------


def _canned(make: Callable[[Mapping[str, Any]], Answer]) -> Action:
    def act(case: Case) -> None:
        case.answer = make(case.settings)

    return act


def _server_error(settings: Mapping[str, Any]) -> Answer:
    status = int(settings["status"])
    if settings["json"]:
        return refusal(status, -1001, INTERNAL)
    return Answer(status, {"Content-Type": HTML}, _page(f"{status} Server Error"))


def _coded(code: int, message: str) -> Action:
    return _canned(lambda settings: refusal(int(settings["status"]), code, message))


def _too_many(settings: Mapping[str, Any]) -> Answer:
    answer = refusal(
        429, -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    )  # fmt: skip
    if settings["retry_after"] is not None:
        answer.headers["Retry-After"] = str(settings["retry_after"])
    return answer


def _ban(case: Case) -> None:
    """A true ban: the address gets 418 until its end."""
    weights = case.exchange.addresses.of(case.request.address)
    weights.banned_until = case.exchange.now_us + round(case.settings["seconds"] * 1_000_000)
    case.state.for_a_while(0, lambda: setattr(weights, "banned_until", 0))


def _ban_headers(case: Case) -> None:
    if not case.settings["retry_after"] and case.answer is not None:
        case.answer.headers.pop("Retry-After", None)


def _redirect(case: Case) -> None:
    target = case.settings["to"] + case.request.path
    query = case.request.query.decode("latin-1")
    headers = {"Location": f"{target}?{query}" if query else target, "Content-Type": HTML}
    case.answer = Answer(int(case.settings["status"]), headers, _page("Moved"))


def _answer(settings: Mapping[str, Any]) -> Answer:
    body = settings["body"].encode() * int(settings["repeat"])
    headers = {"Content-Type": settings["content_type"]} | {k: str(v) for k, v in settings["headers"].items()}
    if settings["gzip"]:
        body, headers["Content-Encoding"] = gzip.compress(body, mtime=0), "gzip"
    return Answer(int(settings["status"]), headers, body)


def _edit(case: Case) -> None:
    """Replace fields of a JSON answer; dotted names go deeper, a number chooses a row."""
    answer = case.answer
    case.done = answer is not None and answer.status == 200
    if answer is None or not case.done:
        return
    value = json.loads(answer.body)
    for name, new in case.settings["set"].items():
        *way, last = [int(part) if part.lstrip("-").isdigit() else part for part in name.split(".")]
        try:
            inside = value
            for part in way:
                inside = inside[part]
            inside[last] = new
        except (KeyError, IndexError, TypeError):
            case.details["not there"] = name
    case.answer = rewritten(answer, value)


def _revoke(case: Case) -> None:
    key = case.request.headers.get("x-mbx-apikey", "")
    until = case.exchange.now_ms + round(case.settings["seconds"] * 1000)
    client = case.exchange.client_of(key)
    case.done = client is not None
    if client is None:
        return
    case.exchange.revoked[key] = until


# ---- the exchange as a whole -----------------------------------------------------


def _clock_jump(case: Case) -> None:
    shift = round(case.settings["ms"] * 1000)
    exchange = case.exchange
    exchange.skew_us += shift
    case.state.for_a_while(case.settings["seconds"], lambda: setattr(exchange, "skew_us", exchange.skew_us - shift))


def _maintenance(case: Case) -> None:
    exchange = case.exchange
    exchange.system_down = True
    case.state.for_a_while(case.settings["seconds"], lambda: setattr(exchange, "system_down", False))


_HANG: dict[str, Any] = {"hang": 0.0}
_DONE: dict[str, Any] = {"executed": False}


def _code(number: int, text: str, status: int) -> Kind:
    return Kind(
        f"error {number}, with or without execution", PLACE, {"status": status, "executed": False},
        _executed, _coded(number, text), whole=True,
    )  # fmt: skip


def _ok(text: str, body: bytes, content_type: str = JSON) -> Kind:
    make = _canned(lambda _settings: Answer(200, {"Content-Type": content_type}, body))
    return Kind(f"200 with {text}", ALL, _DONE, _executed, make, whole=True)


KINDS: dict[str, Kind] = {
    "request_lost": Kind(
        "never arrives; the connection ends without an answer, after `hang` real seconds", ALL, _HANG, _lost, whole=True
    ),
    "delayed": Kind(
        "takes `ms` from arrival to the engine; past recvWindow it is refused with -1021", PLACE, {"ms": 6000}, _delayed
    ),
    "late": Kind(
        "no answer, and the request arrives `ms` later", PLACE, {"ms": 2000} | _HANG, _late, whole=True
    ),
    "reply_lost": Kind("executed, but no answer", ALL, _HANG, _wire("nothing"), whole=True),
    "reply_twice": Kind("the answer's bytes twice", ALL, {}, _wire("twice"), whole=True),
    "reply_other": Kind("executed; answered with the newest answer to another call", ALL, {}, None, _other, whole=True),
    "reset_before_reply": Kind(
        "connection reset before the first byte of the answer", ALL, {"executed": True},
        _executed, _wire("reset"), whole=True,
    ),
    "reset_before_body": Kind("reset after the answer's head", ALL, {}, _wire("reset_head"), whole=True),
    "reset_after_body": Kind("reset after the whole answer", ALL, {}, _wire("reset_after"), whole=True),
    "half_body": Kind("half of the body, then the end", ALL, {}, _wire("half"), whole=True),
    "drip": Kind("one byte every `pause` real seconds", ALL, {"pause": 0.05}, _wire("drip"), whole=True),
    "server_error": Kind(
        "5xx, as HTML or JSON, with or without execution", ALL, {"status": 503, "json": False, "executed": False},
        _executed, _canned(_server_error), whole=True,
    ),
    "code_1000": _code(-1000, "An unknown error occurred while processing the request.", 500),
    "code_1006": _code(-1006, UNKNOWN_FATE, 500),
    "code_1007": _code(-1007, TIMED_OUT, 504),
    "code_1008": _code(-1008, BUSY, 503),
    "too_many": Kind(
        "429; `retry_after` seconds, null: no such header", ALL, {"retry_after": None} | _DONE, _executed,
        _canned(_too_many), whole=True,
    ),
    "banned": Kind(
        "the address is banned: 418 for `seconds`", ALL, {"seconds": 120.0, "retry_after": True}, _ban, _ban_headers
    ),
    "waf": Kind(
        "403 with HTML", ALL, {}, lambda case: setattr(case, "execute", False),
        _canned(lambda _s: Answer(403, {"Content-Type": HTML}, _page("403 Forbidden"))), whole=True,
    ),
    "redirect": Kind(
        "3xx to another host", ALL, {"status": 302, "to": "http://127.0.0.2:9"} | _DONE, _executed, _redirect,
        whole=True,
    ),
    "ok_empty": _ok("nothing", b""),
    "ok_html": _ok("a page", _page("Welcome"), HTML),
    "ok_null": _ok("null", b"null"),
    "ok_list": _ok("[]", b"[]"),
    "ok_object": _ok("{}", b"{}"),
    "answer": Kind(
        "any answer: `body` `repeat` times, perhaps gzipped", ALL,
        {"status": 200, "body": "", "repeat": 1, "gzip": False, "content_type": JSON, "headers": {}} | _DONE,
        _executed, _canned(_answer), whole=True,
    ),
    "edit": Kind("fields of a true answer replaced: `set: {status: FILLED}`", ALL, {"set": {}}, None, _edit),
    "key_revoked": Kind("the key is refused with -2015 for `seconds`", ALL, {"seconds": 60.0}, _revoke),
    "clock_jump": Kind(
        "serverTime and the check of timestamps jump by `ms`, for `seconds` (0: for good)", ALL,
        {"ms": 3_600_000, "seconds": 0.0}, _clock_jump,
    ),
    "maintenance": Kind(
        "system status 1 for `seconds` (0: for good)", ALL, {"seconds": 60.0}, _maintenance
    ),
    **{name: Kind(*entry) for name, entry in fault_orders.ENTRIES.items()},
    **{name: Kind(*entry) for name, entry in fault_market.ENTRIES.items()},
}  # fmt: skip
