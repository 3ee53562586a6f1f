"""Faults of the answer: another one in place of the true one, or fields of it replaced."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Any

from autotrader.simulator.faults.case import ALL, PLACE, Action, FaultCase, Kind, refusal
from autotrader.simulator.faults.wire import executed
from autotrader.simulator.protocol import JSON, Answer

HTML = "text/html"
UNKNOWN_FATE = "An unexpected response was received from the message bus. Execution status unknown."
TIMED_OUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."
INTERNAL = "Internal error; unable to process your request. Please try again."


def _page(title: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>".encode()


def _canned(make: Callable[[Mapping[str, Any]], Answer]) -> Action:
    def act(case: FaultCase) -> None:
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


def _redirect(case: FaultCase) -> None:
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


def _edit(case: FaultCase) -> None:
    """Replace fields of a JSON answer; dotted names go deeper, a number chooses a row."""
    value = case.value()
    if not case.done:
        return
    for name, new in case.settings["set"].items():
        *way, last = [int(part) if part.lstrip("-").isdigit() else part for part in name.split(".")]
        try:
            inside = value
            for part in way:
                inside = inside[part]
            inside[last] = new
        except (KeyError, IndexError, TypeError):
            case.details["not there"] = name
    case.show(value)


_DONE: dict[str, Any] = {"executed": False}


def _code(number: int, text: str, status: int) -> Kind:
    return Kind(
        f"error {number}, with or without execution", PLACE, {"status": status, "executed": False},
        executed, _coded(number, text), whole=True,
    )  # fmt: skip


def _ok(text: str, body: bytes, content_type: str = JSON) -> Kind:
    make = _canned(lambda _settings: Answer(200, {"Content-Type": content_type}, body))
    return Kind(f"200 with {text}", ALL, _DONE, executed, make, whole=True)


KINDS: dict[str, Kind] = {
    "server_error": Kind(
        "5xx, as HTML or JSON, with or without execution", ALL, {"status": 503, "json": False, "executed": False},
        executed, _canned(_server_error), whole=True,
    ),
    "code_1000": _code(-1000, "An unknown error occurred while processing the request.", 500),
    "code_1006": _code(-1006, UNKNOWN_FATE, 500),
    "code_1007": _code(-1007, TIMED_OUT, 504),
    "code_1008": _code(-1008, BUSY, 503),
    "too_many": Kind(
        "429; `retry_after` seconds, null: no such header", ALL, {"retry_after": None} | _DONE, executed,
        _canned(_too_many), whole=True,
    ),
    "waf": Kind(
        "403 with HTML", ALL, {}, lambda case: setattr(case, "execute", False),
        _canned(lambda _s: Answer(403, {"Content-Type": HTML}, _page("403 Forbidden"))), whole=True,
    ),
    "redirect": Kind(
        "3xx to another host", ALL, {"status": 302, "to": "http://127.0.0.2:9"} | _DONE, executed, _redirect,
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
        executed, _canned(_answer), whole=True,
    ),
    "edit": Kind("fields of a true answer replaced: `set: {status: FILLED}`", ALL, {"set": {}}, None, _edit),
}  # fmt: skip
