"""The environment over the account file: `AUTOTRADER__SECTION__KEY` may tighten mode and limits, never loosen them.

A variable that would loosen is an error, not ignored: whoever set it believes in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from autotrader.language.expression import Origin, Scope, parse_literal
from autotrader.language.plan import Limits, Settings
from autotrader.language.problems import Problem
from autotrader.language.symbols import OFFLINE
from autotrader.language.tree import Kind, Place
from autotrader.money import plain
from autotrader.text import nearest

PREFIX = "AUTOTRADER__"
_SCOPE = Scope(symbol="", instruments=OFFLINE)


class _Refused(Exception):
    """Why a variable is not taken."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def tightened(settings: Settings, environment: Mapping[str, str]) -> tuple[Settings, tuple[Problem, ...]]:
    """Settings with the environment's stricter values, and what is wrong with the others (AT510)."""
    problems: list[Problem] = []
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        try:
            settings = _applied(settings, name.removeprefix(PREFIX).lower().split("__"), environment[name].strip())
        except _Refused as refused:
            problems.append(
                Problem(code="AT510", place=Place(f"${name}", 1, 1), message=refused.message, hint=refused.hint)
            )
    return settings, tuple(problems)


def _applied(settings: Settings, path: list[str], text: str) -> Settings:
    if path == ["mode"]:
        return _mode(settings, text)
    if path == ["max_slippage"]:
        return replace(settings, max_slippage=_lower(settings.max_slippage, _percent(text), "max_slippage"))
    if path[0] == "limits" and len(path) in (2, 3) and path[1] in _LIMITS:
        asset = path[2].upper() if len(path) == 3 else ""
        return replace(settings, limits=_LIMITS[path[1]](settings.limits, path[1], asset, text))
    known = ["mode", "max_slippage", *(f"limits__{name}" for name in _LIMITS)]
    close = nearest("__".join(path), known)
    hint = (
        f"did you mean {PREFIX}{close[0].upper()}?"
        if close
        else "the environment may set mode, max_slippage and limits"
    )
    raise _Refused("no such setting can be made in the environment", hint)


def _mode(settings: Settings, text: str) -> Settings:
    if text not in {"dry_run", "live"}:
        raise _Refused(f"`{text}` is not a mode", "write dry_run")
    if text == "live" and settings.mode != "live":
        raise _Refused("the environment cannot make dry-run live", "live needs `mode: live` in the account file")
    return replace(settings, mode="dry_run" if text == "dry_run" else settings.mode)


def _lower(now: Decimal | None, wanted: Decimal, name: str) -> Decimal:
    if now is not None and wanted > now:
        raise _Refused(
            f"`{name}` would be loosened from {plain(now)} to {plain(wanted)}", "the environment may only tighten"
        )
    return wanted


def _percent(text: str) -> Decimal:
    return _literal(text, Kind.PERCENT)[0]


def _literal(text: str, kind: Kind) -> tuple[Decimal, str]:
    value, found = parse_literal(text, Origin("", 1, 1), frozenset({kind}), _SCOPE)
    errors = [each for each in found if each.severity == "error"]
    if value is None or errors:
        raise _Refused(errors[0].message if errors else f"`{text}` cannot be read", errors[0].hint if errors else "")
    if value.value < 0:
        raise _Refused(f"`{text}` is below 0")
    return value.value, value.unit.asset


def _amount(limits: Limits, name: str, asset: str, text: str) -> Limits:
    """`SPEND_PER_DAY=10_000 JPY`, `HOLDING__BTC=0.01 BTC`: no more than the file allows of that asset."""
    value, found = _literal(text, Kind.AMOUNT)
    if asset and asset != found:
        raise _Refused(f"`{text}` is not an amount of {asset}")
    now: Mapping[str, Decimal] = getattr(limits, name)
    if name == "keep_free":  # more kept free is stricter
        if found in now and value < now[found]:
            raise _Refused(f"`{name}` would be loosened", "the environment may only tighten")
    else:
        _lower(now.get(found), value, name)
    changed: dict[str, Any] = {name: {**now, found: value}}
    return replace(limits, **changed)


def _share(limits: Limits, name: str, _asset: str, text: str) -> Limits:
    return replace(limits, **{name: _lower(getattr(limits, name), _percent(text), name)})  # type: ignore[arg-type]


def _count(limits: Limits, name: str, _asset: str, text: str) -> Limits:
    number = text.removesuffix("refusals").strip()
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 10_000):
        raise _Refused(f"`{text}` is not a whole number above 0")
    now = getattr(limits, name)
    _lower(None if now is None else Decimal(now), Decimal(number), name)
    changed: dict[str, Any] = {name: int(number)}
    return replace(limits, **changed)


_LIMITS: Mapping[str, Callable[[Limits, str, str, str], Limits]] = {
    "spend_per_day": _amount, "loss_per_day": _amount, "keep_free": _amount, "holding": _amount,
    "halt_after": _count, "open_orders": _count, "orders_per_hour": _count,
    "price_band": _share, "request_weight": _share,
}  # fmt: skip
