"""Closed candles in columns.

Prices and volumes are float64 because indicators are (docs/language.md §2: floats only inside indicators and
comparisons of market values). A `Candles` never changes; when a candle closes a new one is made, so columns computed
from it can be kept with it (`memo`) and are gone when it is.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autotrader.structs import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# sar and supertrend never settle: where the symbol's whole life is not loaded they are computed from so many candles.
PATH_WINDOW = 500


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle as the exchange gave it, exact; the last one of a reply is usually still open."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_ms: int
    turnover: Decimal
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candles:
    """Closed candles of one symbol and timeframe, oldest first; every array has shape (n,).

    `open_ms` are UTC milliseconds, strictly rising, on the venue's grid but not without gaps. `volume` is in base,
    `turnover` in quote (NaN where the origin did not record it). `asked_ms` is the venue's time at which the latest
    request for this series left; `from_birth` says that the symbol's whole life is loaded.
    """

    symbol: str
    timeframe: str
    open_ms: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    asked_ms: int
    from_birth: bool = False
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.open_ms)
