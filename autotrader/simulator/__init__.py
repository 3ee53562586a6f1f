"""A Binance-protocol spot exchange on loopback, for tests, the demo and anyone who writes a bot.

``Simulator`` is the context manager, ``serve`` the program, ``Exchange`` the
core without HTTP. See docs/simulator.md for what is faithful and what is not.
"""

from autotrader.simulator.accounts import Account, demo_key, demo_secret
from autotrader.simulator.exchange import Exchange
from autotrader.simulator.faults.injector import Faults
from autotrader.simulator.faults.plan import FaultsError
from autotrader.simulator.harness import Simulator, SimulatorError, read_accounts, serve
from autotrader.simulator.protocol import Answer
from autotrader.simulator.symbols import DEFAULT_SYMBOLS, SymbolSpec
from autotrader.simulator.tape import TapeError

__all__ = [
    "DEFAULT_SYMBOLS",
    "Account",
    "Answer",
    "Exchange",
    "Faults",
    "FaultsError",
    "Simulator",
    "SimulatorError",
    "SymbolSpec",
    "TapeError",
    "demo_key",
    "demo_secret",
    "read_accounts",
    "serve",
]
