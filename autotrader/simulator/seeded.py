"""A generated market: minutes drawn from a seed, the same on every run and machine.

Strategy: a random walk of log prices in whole ticks, about 0.05 % a minute,
with quiet minutes (one in fifty has no trade). Floats are used only here, to
draw; what leaves is whole ticks and whole units.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from autotrader.simulator.symbols import SymbolSpec
from autotrader.simulator.tape import MINUTE, TapeMinute

VOLATILITY = 0.0005
QUIET = 0.02
PULL = 0.0002
"""Share of the way back to the start price that a minute tends to go, so that long runs stay sane."""


@dataclass(frozen=True, slots=True)
class SeededSource:
    """One symbol's generated minutes from ``first`` (ms) on, without end."""

    spec: SymbolSpec
    seed: int
    first: int
    play_from: int

    @property
    def unit(self) -> Decimal:
        """Volumes are whole multiples of the quantity step."""
        return self.spec.step

    def halted(self, open_time: int) -> bool:
        """A generated market never halts."""
        return open_time < self.first

    def minutes(self) -> Iterator[TapeMinute]:
        """Minutes in order; those without a trade are left out."""
        draw = random.Random(f"{self.seed}:{self.spec.symbol}")
        tick = self.spec.tick
        home = close = max(100, int(self.spec.start_price / tick))
        typical = max(1, int(self.spec.depth_unit * 40 / self.spec.step))
        start = self.first
        while True:
            move = draw.gauss(0, VOLATILITY) + PULL * (home - close) / home
            wicks = abs(draw.gauss(0, VOLATILITY / 2)), abs(draw.gauss(0, VOLATILITY / 2))
            volume, share, quiet = int(draw.expovariate(1.0) * typical) + 4, draw.random(), draw.random()
            if quiet >= QUIET:
                opened, close = close, max(10, round(close * (1 + move)))
                high = round(max(opened, close) * (1 + wicks[0]))
                low = max(1, round(min(opened, close) * (1 - wicks[1])))
                prices = opened * tick, high * tick, low * tick, close * tick
                yield TapeMinute(start, *prices, volume, int(volume * share), None)
            start += MINUTE
