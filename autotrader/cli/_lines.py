"""Lines about what a cycle did, for `run`, `run --once` and the demo."""

from __future__ import annotations

from collections.abc import Iterator

from autotrader.language.requests import PlaceRequest
from autotrader.money import money_text, price_text
from autotrader.orders import Fill
from autotrader.runtime import Runtime
from autotrader.text import printable
from autotrader.times import clock_text
from autotrader.trading.parts import CycleReport

_QUIET_MS = 60_000


def report_lines(report: CycleReport, mode: str, zone: str) -> Iterator[str]:
    """One line for each thing that happened; nothing for a quiet cycle."""
    stamp = clock_text(report.now_ms, zone)
    verb = "place" if mode == "LIVE" else "would place"
    for request in report.placed:
        yield f"{stamp}  {verb:<12} {request.key.rule:<16} {_order(request)}  {request.id}"
    for request, reason in report.denied:
        yield f"{stamp}  denied       {request.key.rule:<16} {_order(request)}: {printable(reason)}"
    for cancel in report.cancels:
        yield f"{stamp}  cancel       {cancel.id}  {printable(cancel.reason)}"
    for fill in report.observation.booked:
        yield f"{stamp}  filled       {_fill(fill)}"


class Lasting:
    """Blocks and missing data last for many cycles: each is said when it begins, missing data also when it is over."""

    def __init__(self) -> None:
        self._blocked: dict[tuple[str, str], str] = {}
        self._missing: dict[str, int] = {}

    def blocks(self, report: CycleReport, zone: str) -> list[str]:
        """One line for each rule that is held back, where it was not before, or by something else."""
        lines = []
        for decision in report.decisions:
            key = (decision.rule, decision.symbol)
            why = decision.blocked if decision.phase == "blocked" else ""
            if why and self._blocked.get(key) != why:
                lines.append(f"{clock_text(report.now_ms, zone)}  blocked      {decision.rule:<16} {printable(why)}")
            self._blocked[key] = why
        return lines

    def gaps(self, report: CycleReport, zone: str) -> list[str]:
        """One line for each reason why data is missing, and one when it was not seen for a minute."""
        now, stamp = report.now_ms, clock_text(report.now_ms, zone)
        named = dict.fromkeys(report.missing.values())
        reasons = [why for why in named if not any(why.endswith(f": {other}") for other in named)]
        over = [why for why, seen in self._missing.items() if why not in reasons and now - seen >= _QUIET_MS]
        lines = [f"{stamp}  no data      {printable(why)}" for why in reasons if why not in self._missing]
        lines += [f"{stamp}  data again   after: {printable(why)}" for why in over]
        self._missing |= dict.fromkeys(reasons, now)
        for why in over:
            del self._missing[why]
        return lines


def _order(request: PlaceRequest) -> str:
    order = request.order
    cost = money_text(order.notional, request.quote)
    return f"{order.side} {order.quantity:f} {request.base} @ {price_text(order.price, request.quote)} = {cost}"


def _fill(fill: Fill) -> str:
    role = "maker" if fill.is_maker else "taker"
    return f"{fill.side} {fill.quantity:f} {fill.symbol} @ {fill.price:f} ({role}, fee {fill.fee:f} {fill.fee_asset})"


def status_line(report: CycleReport, world: Runtime, zone: str) -> str:
    """The one line that stays at the bottom of a terminal."""
    orders = len(world.store.orders.open())
    return (
        f"{clock_text(report.now_ms, zone)}  cycle {report.number}  {world.mode}  {len(world.plan.rules)} rules  "
        f"{orders} open orders  missed {world.cycle.missed}"
    )
