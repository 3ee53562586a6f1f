"""The catalogue of faults: a fault is one entry of one of these files, and is found in a plan by its name."""

from __future__ import annotations

from autotrader.simulator.faults import answers, market, orders, venue, wire
from autotrader.simulator.faults.case import Kind

KINDS: dict[str, Kind] = {**wire.KINDS, **answers.KINDS, **venue.KINDS, **orders.KINDS, **market.KINDS}
