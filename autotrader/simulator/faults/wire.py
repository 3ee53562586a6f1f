"""Faults of the wire: requests and replies that are lost, late, doubled, cut or cut off."""

from __future__ import annotations

from typing import Any

from autotrader.simulator.faults.case import ALL, PLACE, Action, FaultCase, Kind
from autotrader.simulator.protocol import JSON, Answer

_HANG: dict[str, Any] = {"hang": 0.0}


def _lost(case: FaultCase) -> None:
    case.execute, case.manner, case.wait = False, "nothing", case.settings["hang"]


def _delayed(case: FaultCase) -> None:
    case.delay_ms = int(case.settings["ms"])


def _late(case: FaultCase) -> None:
    """The caller gets no answer; the request arrives later and is treated as one of that moment."""
    case.execute, case.manner, case.wait = False, "nothing", case.settings["hang"]
    exchange, request = case.exchange, case.request
    exchange.at(exchange.now_us + round(case.settings["ms"] * 1000), lambda: exchange.handle(*request))


def _wire(manner: str) -> Action:
    def act(case: FaultCase) -> None:
        case.manner = manner
        case.wait = case.settings.get("hang", 0.0)
        case.pause = case.settings.get("pause", 0.0)

    return act


def _other(case: FaultCase) -> None:
    other = case.state.other(case)
    case.answer = other if other is not None else Answer(200, {"Content-Type": JSON}, b"{}")


def executed(case: FaultCase) -> None:
    """Whether the exchange sees the request, as the plan says."""
    case.execute = bool(case.settings["executed"])


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
        executed, _wire("reset"), whole=True,
    ),
    "reset_before_body": Kind("reset after the answer's head", ALL, {}, _wire("reset_head"), whole=True),
    "reset_after_body": Kind("reset after the whole answer", ALL, {}, _wire("reset_after"), whole=True),
    "half_body": Kind("half of the body, then the end", ALL, {}, _wire("half"), whole=True),
    "drip": Kind("one byte every `pause` real seconds", ALL, {"pause": 0.05}, _wire("drip"), whole=True),
}  # fmt: skip
