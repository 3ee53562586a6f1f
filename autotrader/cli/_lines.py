"""Lines about what a cycle did, for `run`, `run --once` and the demo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autotrader.cli._text import clock_time, money, price
from autotrader.errors import printable

if TYPE_CHECKING:
    from autotrader.app import World
    from autotrader.cycle import CycleReport
    from autotrader.engine.requests import PlaceRequest
    from autotrader.orders import Fill


def report_lines(report: CycleReport, mode: str, zone: str) -> Iterator[str]:
    """One line for each thing that happened; nothing for a quiet cycle."""
    stamp = clock_time(report.now_ms, zone)
    verb = "place" if mode == "LIVE" else "would place"
    for request in report.placed:
        yield f"{stamp}  {verb:<12} {request.key.rule:<16} {_order(request)}  {request.id}"
    for request, reason in report.denied:
        yield f"{stamp}  denied       {request.key.rule:<16} {_order(request)}: {printable(reason)}"
    for cancel in report.cancels:
        yield f"{stamp}  cancel       {cancel.id}  {printable(cancel.reason)}"
    for fill in report.observation.booked:
        yield f"{stamp}  filled       {_fill(fill)}"
    for decision in report.decisions:
        if decision.blocked and decision.phase == "blocked":
            yield f"{stamp}  blocked      {decision.rule:<16} {printable(decision.blocked)}"


def _order(request: PlaceRequest) -> str:
    order = request.order
    cost = money(order.notional, request.quote)
    return f"{order.side} {order.quantity:f} {request.base} @ {price(order.price, request.quote)} = {cost}"


def _fill(fill: Fill) -> str:
    role = "maker" if fill.is_maker else "taker"
    return f"{fill.side} {fill.quantity:f} {fill.symbol} @ {fill.price:f} ({role}, fee {fill.fee:f} {fill.fee_asset})"


def status_line(report: CycleReport, world: World, zone: str) -> str:
    """The one line that stays at the bottom of a terminal."""
    orders = len(world.store.orders.open())
    return (
        f"{clock_time(report.now_ms, zone)}  cycle {report.number}  {world.mode}  {len(world.plan.rules)} rules  "
        f"{orders} open orders  missed {world.cycle.missed}"
    )
