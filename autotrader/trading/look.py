"""One look at the outside: whoever decides, judges or only shows asks the same way, and waits as long."""

from __future__ import annotations

from collections.abc import Iterable

from autotrader.market.account import Account
from autotrader.market.needs import AccountNeed, BalancesNeed, MarketNeed, Need, OpenOrdersNeed
from autotrader.market.snapshot import Snapshot
from autotrader.ports import Broker, Clock, MarketData

OBSERVE_SECONDS = 8.0  # what is not there by then is missing in this cycle; the next one asks again


def observe(market: MarketData, broker: Broker, clock: Clock, needs: Iterable[Need]) -> tuple[Snapshot, Account]:
    """One look at market and account for all of these needs; where one side has none it is not asked."""
    deadline = clock.monotonic() + OBSERVE_SECONDS
    public: set[MarketNeed] = set()
    own: set[AccountNeed] = set()
    for need in needs:
        if isinstance(need, BalancesNeed | OpenOrdersNeed):
            own.add(need)
        else:
            public.add(need)
    snapshot = market.observe(frozenset(public), deadline) if public else Snapshot(now_ms=clock.now_ms())
    return snapshot, broker.observe(frozenset(own), deadline) if own else Account()
