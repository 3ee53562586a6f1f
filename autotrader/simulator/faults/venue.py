"""Faults of the exchange as a whole: bans, refused keys, its clock, maintenance, symbols that stop or change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from autotrader.simulator.faults.case import ALL, FaultCase, Kind
from autotrader.simulator.symbols import STATUSES, SymbolSpec

CHANGEABLE = tuple(field.name for field in fields(SymbolSpec) if field.type == "Decimal")


def _ban(case: FaultCase) -> None:
    """A true ban: the address gets 418 until its end."""
    weights = case.exchange.addresses.of(case.request.address)
    weights.banned_until = case.exchange.now_us + round(case.settings["seconds"] * 1_000_000)
    case.state.for_a_while(0, lambda: setattr(weights, "banned_until", 0))


def _ban_headers(case: FaultCase) -> None:
    if not case.settings["retry_after"] and case.answer is not None:
        case.answer.headers.pop("Retry-After", None)


def _revoke(case: FaultCase) -> None:
    key = case.request.key
    until = case.exchange.now_ms + round(case.settings["seconds"] * 1000)
    client = case.exchange.client_of(key)
    case.done = client is not None
    if client is None:
        return
    case.exchange.revoked[key] = until


def _clock_jump(case: FaultCase) -> None:
    shift = round(case.settings["ms"] * 1000)
    exchange = case.exchange
    exchange.skew_us += shift
    case.state.for_a_while(case.settings["seconds"], lambda: setattr(exchange, "skew_us", exchange.skew_us - shift))


def _maintenance(case: FaultCase) -> None:
    exchange = case.exchange
    exchange.system_down = True
    case.state.for_a_while(case.settings["seconds"], lambda: setattr(exchange, "system_down", False))


# ---- symbols -------------------------------------------------------------------


def _symbols(case: FaultCase) -> list[str]:
    asked = case.settings["symbol"]
    return list(case.exchange.markets) if asked is None else [asked]


def _filters(case: FaultCase) -> None:
    given = {name: value for name, value in case.settings.items() if name != "symbol" and value is not None}
    changes = {name: Decimal(str(value)) for name, value in given.items()}
    for name in _symbols(case):
        market = case.exchange.markets[name]
        market.spec = replace(market.spec, **changes)  # type: ignore[arg-type]  # only Decimal fields are offered
    case.details = {name: str(value) for name, value in changes.items()}


def _status(case: FaultCase) -> None:
    statuses = case.exchange.statuses
    names = _symbols(case)
    before = {name: statuses[name] for name in names}
    wanted = case.settings["status"]
    statuses.update(dict.fromkeys(names, wanted))
    case.state.for_a_while(case.settings["seconds"], lambda: statuses.update(before))
    case.details = {"symbols": names, "status": wanted}


def _bad_figure(settings: Mapping[str, Any]) -> str:
    for key, value in settings.items():
        try:
            good = key == "symbol" or value is None or Decimal(str(value)) >= 0
        except InvalidOperation:
            good = False
        if not good:
            return f"{key} is a decimal from 0 on, not {value!r}"
    return ""


def _bad_status(settings: Mapping[str, Any]) -> str:
    known = settings["status"] in STATUSES
    return "" if known else f"status is one of {', '.join(STATUSES)}, not {settings['status']!r}"


KINDS: dict[str, Kind] = {
    "banned": Kind(
        "the address is banned: 418 for `seconds`", ALL, {"seconds": 120.0, "retry_after": True}, _ban, _ban_headers
    ),
    "key_revoked": Kind("the key is refused with -2015 for `seconds`", ALL, {"seconds": 60.0}, _revoke),
    "clock_jump": Kind(
        "serverTime and the check of timestamps jump by `ms`, for `seconds` (0: for good)", ALL,
        {"ms": 3_600_000, "seconds": 0.0}, _clock_jump,
    ),
    "maintenance": Kind("system status 1 for `seconds` (0: for good)", ALL, {"seconds": 60.0}, _maintenance),
    "filters_change": Kind(
        "a symbol's figures change: tick, step, min_qty, min_notional …", ALL,
        {"symbol": None} | dict.fromkeys(CHANGEABLE), _filters, check=_bad_figure,
    ),
    "symbol_status": Kind(
        "BREAK, HALT … for `seconds` (0: for good)", ALL, {"symbol": None, "status": "BREAK", "seconds": 60.0},
        _status, check=_bad_status,
    ),
}  # fmt: skip
