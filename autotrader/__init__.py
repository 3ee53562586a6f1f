"""Declarative, rule-based trading from YAML, for Binance Japan spot.

The face of the package: what stands in `__all__` is promised, the rest is free to change. Names are imported when they
are used, so `import autotrader` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrader.engine.decide import decide
    from autotrader.engine.due import due
    from autotrader.engine.outcome import Decision
    from autotrader.errors import AutotraderError
    from autotrader.exchanges.paper import PaperBroker
    from autotrader.language.account_file import load_settings
    from autotrader.language.load import load
    from autotrader.language.plan import Plan
    from autotrader.language.problems import Problem
    from autotrader.language.settings import Settings
    from autotrader.market.instrument import Instrument
    from autotrader.money import Amount
    from autotrader.orders import Fill, Order, OrderRequest
    from autotrader.simulator import Simulator

__version__ = "0.1.0"

__all__ = [
    "Amount",
    "AutotraderError",
    "Decision",
    "Fill",
    "Instrument",
    "Order",
    "OrderRequest",
    "PaperBroker",
    "Plan",
    "Problem",
    "Settings",
    "Simulator",
    "decide",
    "due",
    "load",
    "load_settings",
]

_HOMES = {
    "Amount": "money",
    "AutotraderError": "errors",
    "Decision": "engine.outcome",
    "Fill": "orders",
    "Instrument": "market.instrument",
    "Order": "orders",
    "OrderRequest": "orders",
    "PaperBroker": "exchanges.paper",
    "Plan": "language.plan",
    "Problem": "language.problems",
    "Settings": "language.settings",
    "Simulator": "simulator",
    "decide": "engine.decide",
    "due": "engine.due",
    "load": "language.load",
    "load_settings": "language.account_file",
}


def __getattr__(name: str) -> Any:  # who imports one name does not pay for the other fifteen
    """One public name, from its own module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # by name: the table above is the only list of homes
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The promised names and the version."""
    return [*__all__, "__version__"]
