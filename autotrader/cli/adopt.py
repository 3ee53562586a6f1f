"""``autotrader adopt``: an order that start-up could not explain is ours."""

from __future__ import annotations

from autotrader.cli._settling import settling

command = settling(
    "adopt",
    "Make an order ours that start-up could not explain: it counts, rules and timers may touch it.\n\n"
    "ORDER is a client order id, the exchange's order number, or the beginning of one. Without it, list what waits. "
    "A running service compares once more and goes on.",
)
