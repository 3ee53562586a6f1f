"""Sends orders and cancels, each at most once, and writes down what came of it.

For an order: the cycle has committed its intent. Here "sent" is committed, with the request's timestamp and the
horizon; then one POST leaves; then the reply is committed. Whatever goes wrong in between leaves the row at SENT or
UNKNOWN, which counts as live, freezes that rule, symbol and side, and is resolved by asking (`resolve`), never by
sending again. Nothing in this file loops.

Halt, deadline, clock and the caller's own check are asked before "sent" is written and once more just before the POST:
a commit may take long on a slow disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from autotrader.engine.limits import SENDING
from autotrader.engine.placing import Leaving, refusal
from autotrader.errors import SafetyRefused
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    CancelResult,
    Mismatch,
    NotSent,
    Order,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)
from autotrader.ports import Broker, Clock
from autotrader.records.cancels import CancelState
from autotrader.records.crash import crash_point
from autotrader.records.intents import Intent, IntentState
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.journal import RECV_WINDOW_MS, horizon_ms, next_look_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """What came of an intent. `fault` is "outside" where the rule gets its firing back, "" where nothing failed."""

    client_order_id: str
    rule: str
    state: IntentState
    reason: str = ""
    fault: str = ""
    order: Order | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOutcome:
    """What came of a cancel; `state` is None where none was sent (already asked this cycle, nothing open)."""

    client_order_id: str
    state: CancelState | None
    reason: str = ""
    order: Order | None = None


def never_refuse(_intent: Intent) -> str | None:
    """The check of a caller that has none."""
    return None


class Gateway:
    """The last stop before the broker. `refuse` names a reason (stale data, a limit) why an intent must not leave."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        clock: Clock,
        *,
        refuse: Callable[[Intent], str | None] = never_refuse,
        recv_window_ms: int = RECV_WINDOW_MS,
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._refuse = refuse
        self._recv_window_ms = recv_window_ms

    def frozen(self) -> frozenset[tuple[str, str, Side]]:
        """(rule, symbol, side) that may not place: an order of theirs has an unknown fate."""
        return frozenset(row.frozen_key for row in self._store.intents.unresolved())

    # ------------------------------------------------------------------------------------------------------ orders
    def submit(self, cid: str) -> OrderOutcome:
        """Send a committed intent, once ever; a second call only says what came of the first.

        Raises RecordsBroken where a row could not be written: before the POST nothing was sent, after it the row stays
        SENT and is resolved by query. Raises RuntimeError inside a transaction: the intent would not be on disk.
        """
        if self._store.in_transaction:
            raise RuntimeError("an order is sent after its intent is committed, not inside a transaction")
        row = self._store.intents.get(cid)
        if row is None:
            raise ValueError(f"there is no intent {cid}")
        # asked again after a crash or by a second caller: answered from the record, never sent
        if row.state is not IntentState.INTENT:
            return _told(row)
        crash_point("intent_committed")
        refused = self._why_not(row, frozen=self.frozen())
        if refused is not None:
            return self._end(row, IntentState.DROPPED, refused)
        sent_ms = self._write_sent(row)
        crash_point("sent_committed")
        refused = self._why_not(row, frozen=frozenset())  # its own row is SENT by now and would freeze itself
        if refused is not None:
            return self._end(row, IntentState.NOT_SENT, refused)
        result = self._post(row, sent_ms)
        crash_point("posted")
        outcome = self._write_reply(row, result)
        crash_point("reply_committed")
        return outcome

    def _why_not(self, row: Intent, *, frozen: frozenset[tuple[str, str, Side]]) -> str | None:
        """Why this intent must not leave now. A check that raises refuses too: it fails closed."""
        try:
            leaving = Leaving(
                side=row.request.side,
                halt=self._store.halt_in_force(),  # read anew each time: who halts may be another process
                now_ms=self._clock.now_ms(),
                deadline_ms=row.deadline_ms,
                uncertainty_ms=self._clock.uncertainty_ms(),
                unclear=row.frozen_key in frozen,
            )
            found = refusal(SENDING, leaving)
            return self._refuse(row) if found is None else found.reason
        except Exception as error:  # noqa: BLE001 - whatever breaks in a guard means halt (docs/order-safety.md P8)
            reason = f"a check before sending failed: {type(error).__name__}: {error}"
            self._store.halt(reason, self._clock.now_ms())
            return reason

    def _write_sent(self, row: Intent) -> int:
        sent_ms = self._clock.now_ms()
        with self._store.transaction():
            self._store.intents.move(
                row.client_order_id,
                IntentState.SENT,
                sent_ms,
                sent_ms=sent_ms,
                recv_window_ms=self._recv_window_ms,
                # reckoned before sending, so that a crash cannot lose it
                horizon_ms=horizon_ms(sent_ms, self._recv_window_ms),
                next_look_ms=next_look_ms(sent_ms, 0),
            )
            crash_point("sent_uncommitted")
        return sent_ms

    def _post(self, row: Intent, sent_ms: int) -> SubmitResult:
        """The one POST. An exception of any kind means that the bytes may have left."""
        try:
            # signed with this very time: the horizon must be that of the request
            return self._broker.submit(row.request, sent_ms)
        except SafetyRefused as error:
            return NotSent(error.message)  # refused by the signer, before any byte was made
        except Exception as error:  # noqa: BLE001 - an unforeseen error says nothing about the order's fate
            return Unknown(f"the request broke off: {type(error).__name__}")

    def _write_reply(self, row: Intent, result: SubmitResult) -> OrderOutcome:
        match result:
            case Accepted(order):
                return self._accepted(row, order)
            case Rejected(code, reason, fault):
                if fault == "key":  # a key that is refused is refused for every order: going on would only fill the log
                    self._store.halt(f"the exchange refuses the key: {code} {reason}", self._clock.now_ms())
                return self._end(row, IntentState.REJECTED, f"{code} {reason}", fault)
            case NotSent(reason):
                return self._end(row, IntentState.NOT_SENT, reason)
            case Unknown(reason):
                # no fault: nobody knows yet whether anything failed
                return self._end(row, IntentState.UNKNOWN, reason, "")
            case Mismatch(reason):
                return self._mismatch(row, reason)
            case other:
                assert_never(other)

    def _accepted(self, row: Intent, order: Order) -> OrderOutcome:
        if order.client_order_id != row.client_order_id:  # the broker compared it already; money is worth asking twice
            return self._mismatch(row, f"the reply is about {order.client_order_id}")
        now_ms = self._clock.now_ms()
        with self._store.transaction() as store:
            store.intents.move(row.client_order_id, IntentState.ACCEPTED, now_ms, reason=f"order {order.order_id}")
            asked = store.intents.get(row.client_order_id)
            # row and order in one transaction: an accepted intent without its order would look lost
            seen = store.orders.adopt(order, now_ms, asked, how="reply")
            if seen.clash:
                store.halt(seen.clash, now_ms)
            crash_point("reply_uncommitted")
        return OrderOutcome(
            client_order_id=row.client_order_id,
            rule=row.key.rule,
            state=IntentState.ACCEPTED,
            reason=seen.clash,
            order=order,
        )

    def _mismatch(self, row: Intent, reason: str) -> OrderOutcome:
        self._store.halt(f"{row.client_order_id}: {reason}", self._clock.now_ms())
        return self._end(row, IntentState.MISMATCH, reason, "")

    def _end(self, row: Intent, state: IntentState, reason: str, fault: str = "outside") -> OrderOutcome:
        with self._store.transaction() as store:
            store.intents.move(row.client_order_id, state, self._clock.now_ms(), reason=reason, fault=fault)
            crash_point("reply_uncommitted")
        return OrderOutcome(
            client_order_id=row.client_order_id, rule=row.key.rule, state=state, reason=reason, fault=fault
        )

    # ----------------------------------------------------------------------------------------------------- cancels
    def cancel(
        self, cid: str, *, cycle: int, asked_by: str, because: str = "", only_new: bool = False
    ) -> CancelOutcome:
        """Ask the venue to end one of our orders; at most once per order and cycle. A halt does not stop this.

        Raises RecordsBroken where the row could not be written; then nothing was sent.
        """
        row = self._store.orders.get(cid)
        if row is None or not row.order.is_open:
            why = "its fate at the venue is not known yet" if row is None else f"it is {row.order.status}"
            return CancelOutcome(client_order_id=cid, state=None, reason=why, order=row.order if row else None)
        with self._store.transaction() as store:
            number = store.cancels.add(
                cid,
                row.order.symbol,
                cycle=cycle,
                asked_by=asked_by,
                because=because,
                sent_ms=self._clock.now_ms(),
            )
        if number is None:
            reason = "a cancel was asked for in this cycle already"
            return CancelOutcome(client_order_id=cid, state=None, reason=reason, order=row.order)
        crash_point("cancel_committed")
        result = self._delete(row.order, only_new=only_new)
        crash_point("cancel_posted")
        outcome = self._write_cancel(cid, number, row.order, result)
        crash_point("cancel_reply_committed")
        return outcome

    def _delete(self, order: Order, *, only_new: bool) -> CancelResult:
        request = CancelRequest(
            symbol=order.symbol, client_order_id=order.client_order_id, order_id=order.order_id, only_new=only_new
        )
        try:
            return self._broker.cancel(request)
        except SafetyRefused as error:
            return NotSent(error.message)
        except Exception as error:  # noqa: BLE001 - as for orders: unforeseen is unknown
            return Unknown(f"the request broke off: {type(error).__name__}")

    def _write_cancel(self, cid: str, number: int, order: Order, result: CancelResult) -> CancelOutcome:
        match result:
            case Cancelled(seen):
                return self._close_cancel(cid, number, CancelState.CONFIRMED, "", seen)
            case Rejected(code, reason, _):
                # -2011 "Unknown order sent." is no proof that it is gone: it may have filled (docs/order-safety.md §7).
                return self._close_cancel(cid, number, CancelState.REJECTED, f"{code} {reason}", self._look(order))
            case NotSent(reason):
                return self._close_cancel(cid, number, CancelState.NOT_SENT, reason, None)
            case Unknown(reason):
                return self._close_cancel(cid, number, CancelState.UNKNOWN, reason, self._look(order))
            case other:
                assert_never(other)

    def _look(self, order: Order) -> Order | None:
        try:
            found = self._broker.find(order.symbol, order.client_order_id)
        except Exception:  # noqa: BLE001 - the order stays as it is known; it is read again in the next cycle
            return None
        return found if isinstance(found, Order) else None

    def _close_cancel(
        self, cid: str, number: int, state: CancelState, reason: str, seen: Order | None
    ) -> CancelOutcome:
        now_ms = self._clock.now_ms()
        with self._store.transaction() as store:
            store.cancels.move(number, state, now_ms, reason)
            if state is CancelState.UNKNOWN and seen is not None:
                store.cancels.move(number, CancelState.LOOKED, now_ms, f"the order is {seen.status}")
            if seen is not None:
                observed = store.orders.observe(seen, now_ms)
                for alert in observed.alerts:
                    store.notice(now_ms, "warn", f"order {cid} {alert}", order=cid)
                if observed.clash:
                    store.halt(observed.clash, now_ms)
            crash_point("cancel_reply_uncommitted")
        known = self._store.orders.get(cid)
        return CancelOutcome(client_order_id=cid, state=state, reason=reason, order=known.order if known else None)


def _told(row: Intent) -> OrderOutcome:
    return OrderOutcome(
        client_order_id=row.client_order_id,
        rule=row.key.rule,
        state=row.state,
        reason=row.reason,
        fault=row.fault,
    )
