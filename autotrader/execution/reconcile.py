"""Start-up: nothing is placed before the journal and the venue agree.

Replay: what was written but not sent is dropped (its rule gets the firing back); what was sent without a recorded reply
is unknown and is asked about. Then open orders, the last day's orders and trades of every symbol that concerns us are
compared with ours. What can be explained is adopted. What cannot (an order that bears our name and that we never made:
an old copy of the database was put back) is adopted so that it counts, and the store is not armed until a person has
said `adopt` or `ignore`. Orders of other stores are reported and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autotrader.errors import AutotraderError, UsageError
from autotrader.execution.gateway import Outcome
from autotrader.execution.journal import DAY_MS
from autotrader.execution.observe import Observation, Observer
from autotrader.execution.resolve import Resolver
from autotrader.market.needs import OpenOrdersNeed
from autotrader.orders import Order, is_ours
from autotrader.ports import Broker, Clock
from autotrader.records.cancels import CancelState
from autotrader.records.crash import crash_point
from autotrader.records.intents import IntentState
from autotrader.records.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What start-up found. Not armed means: read-only, nothing is placed; `reasons` say why.

    `dropped` were never sent; `fates` were decided now; `unresolved` stay frozen and are asked about again; `adopted`
    were taken over; `booked` trades were new; `foreign` bear another store's name.
    """

    armed: bool
    reasons: tuple[str, ...]
    dropped: tuple[str, ...]
    fates: tuple[Outcome, ...]
    unresolved: tuple[str, ...]
    adopted: tuple[str, ...]
    booked: int
    foreign: tuple[str, ...]
    alerts: tuple[str, ...]


class Reconciler:
    """Runs start-up once; may be run again when the venue could not be reached."""

    def __init__(self, store: Store, broker: Broker, clock: Clock, resolver: Resolver, observer: Observer) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._resolver = resolver
        self._observer = observer

    def run(self, symbols: Iterable[str] = (), *, seconds: float = 8.0) -> Report:
        """Replay, resolve, compare. `symbols`: those of the rules, beside those of our own orders."""
        dropped = self._replay()
        failures: list[str] = []
        seen = self._observe(self._concerned(symbols), seconds, failures)
        fates = self._resolve()
        self._compare_history(seen, failures)
        self._observer.book(seen)
        failures += seen.failures
        crash_point("compared")
        reasons = [*failures, *self._store.settings.get("unexplained", {}).values()]
        report = Report(
            armed=not reasons,
            reasons=tuple(reasons),
            dropped=dropped,
            fates=fates,
            unresolved=tuple(row.client_order_id for row in self._store.intents.unresolved()),
            adopted=tuple(dict.fromkeys(seen.adopted)),
            booked=len(seen.booked),
            foreign=tuple(dict.fromkeys(seen.foreign)),
            alerts=tuple(seen.alerts),
        )
        self._record(report)
        return report

    def _replay(self) -> tuple[str, ...]:
        """Bring every row that a crash left half-way to where its facts allow."""
        now_ms, dropped = self._clock.now_ms(), []
        with self._store.transaction() as store:
            for row in store.intents.in_state(IntentState.INTENT):
                reason = "the program ended before it was sent"
                store.intents.move(row.client_order_id, IntentState.DROPPED, now_ms, reason=reason, fault="outside")
                dropped.append(row.client_order_id)
            for row in store.intents.in_state(IntentState.SENT):
                reason = "the program ended before a reply was recorded"
                store.intents.move(row.client_order_id, IntentState.UNKNOWN, now_ms, reason=reason)
            for cancel in store.cancels.in_state(CancelState.SENT):
                store.cancels.move(cancel.id, CancelState.UNKNOWN, now_ms, "the program ended before a reply")
            crash_point("replay_uncommitted")
        crash_point("replayed")
        return tuple(dropped)

    def _concerned(self, symbols: Iterable[str]) -> tuple[str, ...]:
        recent = {row.order.symbol for row in self._store.orders.since(self._clock.now_ms() - DAY_MS)}
        sent = {row.intent.request.symbol for row in self._store.intents.sent_since(self._clock.now_ms() - DAY_MS)}
        return tuple(sorted({*symbols, *recent, *sent, *self._observer.symbols()}))

    def _observe(self, symbols: tuple[str, ...], seconds: float, failures: list[str]) -> Observation:
        if not symbols:
            return Observation()
        needs = frozenset(OpenOrdersNeed(symbol) for symbol in symbols)
        try:
            account = self._broker.observe(needs, self._clock.monotonic() + seconds)
        except AutotraderError as error:
            failures.append(f"open orders could not be read: {error.message}")
            return Observation()
        failures += [f"open orders of {key} could not be read: {reason}" for key, reason in account.missing.items()]
        return self._observer.observe(account)

    def _resolve(self) -> tuple[Outcome, ...]:
        """Ask about every unclear fate now. One that stays unclear is frozen, counts as live, and does not disarm."""
        fates = [self._resolver.look(row) for row in self._store.intents.unresolved()]
        return tuple(fate for fate in fates if fate is not None)

    def _compare_history(self, seen: Observation, failures: list[str]) -> None:
        """The last day's orders that bear our name must all be known; what moved while we were away is taken in."""
        since_ms = self._clock.now_ms() - DAY_MS + 60_000
        for symbol in self._concerned(()):
            try:
                history = self._broker.history(symbol, since_ms)
            except AutotraderError as error:
                failures.append(f"orders of {symbol} could not be read: {error.message}")
                continue
            self._check_names(history)
            for order in history:
                self._observer.take(order, seen)

    def _check_names(self, history: Iterable[Order]) -> None:
        now_ms = self._clock.now_ms()
        ids: dict[str, int] = {}
        for order in history:
            cid = order.client_order_id
            if is_ours(cid, self._store.id) and ids.setdefault(cid, order.order_id) != order.order_id:
                self._store.halt(f"the venue has two orders named {cid}: {ids[cid]} and {order.order_id}", now_ms)

    def _record(self, report: Report) -> None:
        with self._store.transaction() as store:
            body = {
                "armed": report.armed,
                "reasons": report.reasons,
                "dropped": report.dropped,
                "unresolved": report.unresolved,
                "adopted": report.adopted,
                "booked": report.booked,
                "foreign": report.foreign,
            }
            store.chain.append(self._clock.now_ms(), "start", "", body)


def settle_difference(store: Store, cid: str, verdict: Literal["adopt", "ignore"], now_ms: int) -> None:
    """A person's word on an order that start-up could not explain: keep it as ours, or look away from it.

    Either way it stays in the records and in the limits while it is open. Raises UsageError for an id that is not
    waiting for a word.
    """
    unexplained = store.settings.get("unexplained", {})
    if cid not in unexplained:
        waiting = ", ".join(unexplained) or "none"
        raise UsageError(f"order {cid} is not waiting for a decision", hint=f"waiting: {waiting}")
    with store.transaction():
        text = unexplained.pop(cid)
        store.settings.set("unexplained", unexplained, now_ms)
        store.chain.append(now_ms, "difference", cid, {"verdict": verdict, "text": text})
