"""``autotrader ignore``: an order that start-up could not explain is left alone."""

from __future__ import annotations

from autotrader.cli._settling import settling

command = settling(
    "ignore",
    "Leave an order alone that start-up could not explain: no rule touches it, and it counts in limits while open.\n\n"
    "ORDER is a client order id, the exchange's order number, or the beginning of one. Without it, list what waits. "
    "A running service compares once more and goes on.",
)
