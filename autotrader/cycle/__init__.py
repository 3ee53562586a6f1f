"""The one cycle: observe, decide, record what the gate admits, carry out, record. Live, dry-run and demo run this same
code; what is plugged in differs, and `app` alone chooses it.
"""

from autotrader.cycle.cycle import Cycle
from autotrader.cycle.parts import CycleReport, Parts

__all__ = ["Cycle", "CycleReport", "Parts"]
