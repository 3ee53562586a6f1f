"""A world: one plan, one exchange, one store, and the parts that belong together.

`app` makes it, the service runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from autotrader.exchanges.binance.connection import Connection
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.settings import Settings
from autotrader.market.instrument import Instrument
from autotrader.ports import Broker, Notifier
from autotrader.records.orders import gone_texts
from autotrader.records.store import Store
from autotrader.trading.cycle import Cycle
from autotrader.trading.differences import Word, meant_by, settle_difference, waiting
from autotrader.trading.reconcile import Reconciler, Report


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that runs together; `close` ends it."""

    plan: Plan
    problems: tuple[Problem, ...]
    instruments: Mapping[str, Instrument]
    connection: Connection
    broker: Broker
    store: Store
    cycle: Cycle
    reconciler: Reconciler
    notifier: Notifier
    live: bool
    warnings: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ("start-up has not run",)  # nothing is decided while there is one
    _told: tuple[str, ...] = field(default=(), repr=False)
    _gone: tuple[str, ...] = field(default=(), repr=False)

    @property
    def settings(self) -> Settings:
        """The account file's settings."""
        return self.plan.settings

    @property
    def mode(self) -> str:
        """What the banner says."""
        return "LIVE" if self.live else "DRY-RUN"

    def start(self) -> Report:
        """Replay the journal and compare with the venue; nothing trades before this says that it is armed.

        May be called again: what went unanswered is asked again. A difference that waits for a word halts the store.
        """
        symbols = {rule.symbol for rule in self.plan.rules}
        report = self.reconciler.run(sorted(symbols))
        self.unanswered = report.failures
        if report.reasons and report.reasons != self._told:
            reason = "start-up found a difference: " + "; ".join(report.reasons)
            self.notifier.notify("default", "critical", reason)
        self._told = report.reasons
        gone = self.gone()
        if gone and gone != self._gone:  # no rule minds these orders any more: only a person can
            self.notifier.notify("default", "warn", "; ".join(gone))
        self._gone = gone
        return report

    def gone(self) -> tuple[str, ...]:
        """What is said of rules that are not in the plan any more and left open orders behind."""
        return gone_texts(self.store.orders.gone([rule.id for rule in self.plan.rules]))

    def settle(self, order: str, word: Word) -> Mapping[str, object]:
        """Take a person's word on an order, and compare again once none waits. Raises UsageError."""
        cid = meant_by(self.store, order)
        settle_difference(self.store, cid, word, self.connection.clock.now_ms())
        left = [one.client_order_id for one in waiting(self.store)]
        reasons = self.start().reasons if not left else (f"{len(left)} more wait for a word",)
        return {"client_order_id": cid, "word": word, "armed": not reasons, "reasons": list(reasons), "left": left}

    def close(self) -> None:
        """End threads, connections and files; the record is sealed."""
        try:
            self.notifier.close(5.0)
        finally:
            try:
                self.store.close(self.connection.clock.now_ms())
            finally:
                self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
