"""Finds out what became of an order whose fate is unclear. It asks; it never sends.

Asked are, in this order: the order by our id; the open orders that the cycle has just read; and after the horizon all
orders and trades of the symbol. Not being found proves nothing before the horizon (`journal`), and after it only when
it is said twice and no trade is left unexplained. Then the intent is dead, its rule gets its firing back, and for a day
it is looked for now and then: an order that surfaces late is adopted, with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from autotrader.errors import AutotraderError
from autotrader.orders import NotFound, Order
from autotrader.ports import Broker, Clock
from autotrader.records.crash import crash_point
from autotrader.records.intents import Intent, IntentState
from autotrader.records.store import Store
from autotrader.trading.gateway import OrderOutcome
from autotrader.trading.journal import ABSENCES_NEEDED, DAY_MS, WATCH_MS, next_look_ms, next_watch_ms

_HISTORY_MS = DAY_MS - 60_000  # the venue answers for at most 24 h


class LookAnswer(Enum):
    """What a look said, if it did not show the order."""

    ABSENT = auto()  # every source was asked and none has it
    ARCHIVED = auto()  # it existed, ended without a fill, and was put away
    UNCLEAR = auto()  # a source did not answer, or something is unexplained


class Resolver:
    """Looks after unresolved and dead intents."""

    def __init__(self, store: Store, broker: Broker, clock: Clock) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock

    def resolve_due(self, open_orders: Mapping[str, Sequence[Order]] | None = None) -> tuple[OrderOutcome, ...]:
        """Look at what is due now; returns the fates that were decided. `open_orders`: by symbol, as just read."""
        now_ms = self._clock.now_ms()
        waiting = [row for row in self._store.intents.unresolved() if _is_due(row, now_ms)]
        watched = [row for row in self._store.intents.watched(now_ms - WATCH_MS) if _is_due(row, now_ms)]
        seen = open_orders or {}
        fates = (self.look(row, seen.get(row.request.symbol, ())) for row in (*waiting, *watched))
        return tuple(fate for fate in fates if fate is not None)

    def look(self, row: Intent, open_orders: Sequence[Order] = ()) -> OrderOutcome | None:
        """Ask about one intent now; None where that decided nothing."""
        asked_ms = self._clock.now_ms()
        if row.state is IntentState.SENT:
            with self._store.transaction() as store:
                reason = "no reply was recorded"
                store.intents.move(row.client_order_id, IntentState.UNKNOWN, asked_ms, reason=reason)
        answer = self._answer(row, open_orders, asked_ms)
        crash_point("looked")
        outcome = self._write(row, answer, asked_ms)
        crash_point("look_committed")
        return outcome

    # ------------------------------------------------------------------------------------------------------ asking
    def _answer(self, row: Intent, open_orders: Sequence[Order], asked_ms: int) -> Order | LookAnswer:
        listed = [order for order in open_orders if order.client_order_id == row.client_order_id]
        if listed:
            return listed[0]
        request = row.request
        try:
            found = self._broker.find(request.symbol, row.client_order_id)
            if isinstance(found, Order):
                return found
            if not isinstance(found, NotFound):
                return LookAnswer.UNCLEAR
            if found.archived:
                return LookAnswer.ARCHIVED
            if row.state is IntentState.DEAD or not _is_past_horizon(row, asked_ms):
                return LookAnswer.ABSENT
            return self._deep_answer(row, asked_ms)
        except AutotraderError:
            return LookAnswer.UNCLEAR

    def _deep_answer(self, row: Intent, asked_ms: int) -> Order | LookAnswer:
        """All orders and trades since the intent: the venue's laggiest and fullest sources."""
        symbol = row.request.symbol
        history = self._broker.history(symbol, asked_ms - _HISTORY_MS)
        ours = [order for order in history if order.client_order_id == row.client_order_id]
        if len({order.order_id for order in ours}) > 1:
            self._store.halt(f"the venue has two orders named {row.client_order_id}", asked_ms)
        if ours:
            return ours[0]
        sent_ms = row.sent_ms or 0
        if sent_ms < asked_ms - _HISTORY_MS:
            return LookAnswer.ABSENT
        trades = self._broker.fills(symbol, None, sent_ms)
        older = [order.order_id for order in history if order.created_ms < sent_ms - 1_000]
        named = {order.order_id for order in history}
        for trade in trades:
            known = trade.order_id in named or self._store.orders.by_order_id(symbol, trade.order_id) is not None
            if not known and trade.side is row.request.side and trade.order_id > max(older, default=0):
                return LookAnswer.UNCLEAR  # a trade of an order that no list shows yet: it may be this one
        return LookAnswer.ABSENT

    # ----------------------------------------------------------------------------------------------------- writing
    def _write(self, row: Intent, answer: Order | LookAnswer, asked_ms: int) -> OrderOutcome | None:
        if isinstance(answer, Order):
            return self.adopt(row, answer)
        if row.state is IntentState.DEAD:
            with self._store.transaction() as store:
                later = next_watch_ms(asked_ms, row.sent_ms or 0)
                store.intents.looked(row.client_order_id, absent=False, next_look_ms=later)
            return None
        absent = answer is not LookAnswer.UNCLEAR and _is_past_horizon(row, asked_ms)
        if answer is LookAnswer.ARCHIVED or (absent and row.absences + 1 >= ABSENCES_NEEDED):
            return self._bury(row, asked_ms)
        with self._store.transaction() as store:
            later = next_look_ms(asked_ms, row.looks)
            store.intents.looked(row.client_order_id, absent=absent, next_look_ms=later)
        return None

    def adopt(self, row: Intent, order: Order) -> OrderOutcome:
        """The venue has it: take it over as ours."""
        now_ms = self._clock.now_ms()
        late = row.state is IntentState.DEAD
        reason = f"order {order.order_id} was found" + (" after it had been given up" if late else "")
        with self._store.transaction() as store:
            store.intents.move(row.client_order_id, IntentState.ADOPTED, now_ms, reason=reason)
            seen = store.orders.adopt(order, now_ms, store.intents.get(row.client_order_id), how="query")
            if late:
                store.notice(now_ms, "critical", f"{row.client_order_id}: {reason}", order=row.client_order_id)
            if seen.clash:
                store.halt(seen.clash, now_ms)
            crash_point("adopt_uncommitted")
        return OrderOutcome(
            client_order_id=row.client_order_id,
            rule=row.key.rule,
            state=IntentState.ADOPTED,
            reason=seen.clash or reason,
            order=order,
        )

    def _bury(self, row: Intent, asked_ms: int) -> OrderOutcome:
        reason = "the venue's horizon passed and it never arrived"
        with self._store.transaction() as store:
            watch = next_watch_ms(asked_ms, row.sent_ms or 0)
            cid = row.client_order_id
            store.intents.move(cid, IntentState.DEAD, asked_ms, reason=reason, fault="outside", next_look_ms=watch)
            crash_point("dead_uncommitted")
        return OrderOutcome(
            client_order_id=row.client_order_id,
            rule=row.key.rule,
            state=IntentState.DEAD,
            reason=reason,
            fault="outside",
        )


def _is_due(row: Intent, now_ms: int) -> bool:
    return row.next_look_ms is None or row.next_look_ms <= now_ms


def _is_past_horizon(row: Intent, asked_ms: int) -> bool:
    return row.horizon_ms is not None and asked_ms > row.horizon_ms
