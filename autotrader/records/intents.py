"""Intents: what we decided to ask of the venue, written before anything is asked.

The row is the promise of P1: it is committed before the bytes leave, one POST is made per row, ever, and the row ends
in exactly one fate. Its states move along `NEXT` only; every move is an act of the chain.

INTENT ──▶ SENT ──▶ ACCEPTED                      the venue confirmed it in its reply
  │         ├─────▶ REJECTED                      the venue refused for certain
  │         ├─────▶ NOT_SENT                      nothing left this machine
  │         ├─────▶ MISMATCH ──▶ ADOPTED | DEAD   the reply was of another order: halt
  │         └─────▶ UNKNOWN ──▶ ADOPTED | DEAD    a query decided; DEAD only after the horizon
  └─▶ DROPPED (late, halted, frozen)     DEAD ──▶ ADOPTED   it surfaced late, within the watch
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import partial

from autotrader.errors import SafetyRefused
from autotrader.money import plain
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, TimeInForce, client_order_id
from autotrader.records.chain import Chain
from autotrader.records.database import Database, Value
from autotrader.structs import dataclass


class IntentState(StrEnum):
    """How far an intent has come."""

    INTENT = "INTENT"
    DROPPED = "DROPPED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    MISMATCH = "MISMATCH"
    DEAD = "DEAD"
    ADOPTED = "ADOPTED"


NEXT: dict[IntentState, frozenset[IntentState]] = {
    IntentState.INTENT: frozenset({IntentState.SENT, IntentState.DROPPED}),
    IntentState.SENT: frozenset(
        {
            IntentState.ACCEPTED,
            IntentState.REJECTED,
            IntentState.NOT_SENT,
            IntentState.UNKNOWN,
            IntentState.MISMATCH,
        }
    ),
    IntentState.UNKNOWN: frozenset({IntentState.ADOPTED, IntentState.DEAD}),
    IntentState.MISMATCH: frozenset({IntentState.ADOPTED, IntentState.DEAD}),
    IntentState.DEAD: frozenset({IntentState.ADOPTED}),
    IntentState.DROPPED: frozenset(),
    IntentState.ACCEPTED: frozenset(),
    IntentState.REJECTED: frozenset(),
    IntentState.NOT_SENT: frozenset(),
    IntentState.ADOPTED: frozenset(),
}

# These may have an order at the venue that we do not know of: they count as live in every limit.
UNRESOLVED = frozenset({IntentState.SENT, IntentState.UNKNOWN, IntentState.MISMATCH})
# These ended without an order; whether through a fault of the rule is in `fault`.
FAILED = frozenset({IntentState.DROPPED, IntentState.REJECTED, IntentState.NOT_SENT, IntentState.DEAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One order that was decided and approved. Times are venue milliseconds.

    `deadline_ms`: not sent after this moment (slot + min(period, 30 s)). `cancel_after_ms`: the order's own timer,
    counted from sending. `because` is text for people and records.
    """

    key: DecisionKey
    request: OrderRequest
    cycle: int
    created_ms: int
    deadline_ms: int
    rule_hash: str = ""
    cancel_after_ms: int | None = None
    tag: str = ""
    labels: tuple[str, ...] = ()
    because: str = ""

    def __post_init__(self) -> None:
        """The name of the order must be the name of the decision. Raises ValueError."""
        if self.request.client_order_id != client_order_id(self.key) or self.request.symbol != self.key.symbol:
            raise ValueError("the request's client order id or symbol is not the decision's")


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate's word that this order may be written now; only `trading.gate` gives it. It is good for this order,
    and only until anything else is written: the next order is judged on a journal that has this one.
    """

    request: OrderRequest
    written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """An intent and its fate. `looks` counts queries, `absences` those after the horizon that found nothing."""

    intent: Intent
    state: IntentState
    moved_ms: int
    sent_ms: int | None
    recv_window_ms: int | None
    horizon_ms: int | None
    looks: int
    absences: int
    next_look_ms: int | None
    reason: str
    fault: str  # "" | "rule" | "outside" | "key": whose fault a failure was
    given_back: bool

    @property
    def client_order_id(self) -> str:
        """The order's name at the venue."""
        return self.intent.request.client_order_id

    @property
    def cancel_at_ms(self) -> int | None:
        """When the order's own timer ends it, None where it has none or was never sent."""
        after = self.intent.cancel_after_ms
        return None if after is None or self.sent_ms is None else self.sent_ms + after

    @property
    def frozen_key(self) -> tuple[str, str, Side]:
        """What an unresolved intent freezes: rule, symbol, side."""
        return (self.intent.key.rule, self.intent.request.symbol, self.intent.request.side)


class Intents:
    """The journal's rows. All writes happen inside the store's transaction."""

    def __init__(self, db: Database, chain: Chain, store_id: str) -> None:
        self._db = db
        self._chain = chain
        self._store_id = store_id

    @property
    def written(self) -> int:
        """A number that changes whenever anything is written."""
        return self._db.written

    def add(self, intent: Intent, admission: Admission) -> None:
        """Write a new intent. Raises SafetyRefused where this decision was made before: no slot is used twice; and
        RuntimeError where the gate has not just admitted this very order.
        """
        if (admission.request, admission.written) != (intent.request, self._db.written):
            raise RuntimeError("the gate has not just admitted this order")
        if intent.key.store_id != self._store_id:
            raise ValueError("the decision belongs to another store")
        row = _static(intent)
        values: list[Value] = [*row.values(), IntentState.INTENT, intent.created_ms, 0, 0, "", "", 0]
        names = [*row, "state", "moved_ms", "looks", "absences", "reason", "fault", "given_back"]
        marks = ", ".join("?" * len(names))
        try:
            self._db.write(f"INSERT INTO intents ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608 - our names
        except sqlite3.IntegrityError as error:
            raise SafetyRefused(
                f"decision {intent.request.client_order_id} of rule {intent.key.rule or '(by hand)'} was made before; "
                "it is not made twice"
            ) from error
        self._chain.append(intent.created_ms, "intent", intent.request.client_order_id, row)

    def move(self, cid: str, to: IntentState, time_ms: int, *, reason: str = "", fault: str = "", **more: int) -> None:
        """Move one intent along the table, with an act. `more`: sent_ms, recv_window_ms, horizon_ms, next_look_ms.

        Raises ValueError for a move that the table does not have: a fate is never taken back.
        """
        row = self._db.row("SELECT state FROM intents WHERE client_order_id = ?", (cid,))
        if row is None or to not in NEXT[IntentState(row["state"])]:
            raise ValueError(f"intent {cid} cannot move from {row['state'] if row else 'nothing'} to {to}")
        fields: dict[str, Value] = {"state": to, "moved_ms": time_ms, "reason": reason, "fault": fault, **more}
        self._set(cid, fields)
        body = {"state": to, "from": row["state"], "reason": reason, "fault": fault, **more}
        self._chain.append(time_ms, "intent-state", cid, body)

    def looked(self, cid: str, *, absent: bool, next_look_ms: int) -> None:
        """Count a look that decided nothing; no act, because nothing changed but our patience."""
        counted = "looks = looks + 1, absences = absences + ?, next_look_ms = ?"
        sql = f"UPDATE intents SET {counted} WHERE client_order_id = ?"  # noqa: S608 - fixed text
        self._db.write(sql, (int(absent), next_look_ms, cid))

    def mark_given_back(self, cid: str) -> None:
        """Say that the rule got its latch and counts back for this intent; in the same transaction as its state."""
        self._set(cid, {"given_back": 1})

    def get(self, cid: str) -> JournalRow | None:
        """One row by client order id."""
        row = self._db.row("SELECT * FROM intents WHERE client_order_id = ?", (cid,))
        return None if row is None else _journal_row(row, self._store_id)

    def in_state(self, *states: IntentState) -> tuple[JournalRow, ...]:
        """All rows in these states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._db.remembered(("intents", *states), lambda: self._select(f"state IN ({marks})", states))

    def unresolved(self) -> tuple[JournalRow, ...]:
        """Rows whose fate at the venue is not known, oldest first."""
        return self.in_state(*sorted(UNRESOLVED))

    def watched(self, since_ms: int) -> tuple[JournalRow, ...]:
        """Dead intents that were sent since then: still looked for, in case one surfaces late."""
        return self._select("state = ? AND sent_ms >= ?", (IntentState.DEAD, since_ms))

    def sent_since(self, since_ms: int) -> tuple[JournalRow, ...]:
        """Rows that were sent (or tried) since then, oldest first."""
        return self._select("sent_ms >= ?", (since_ms,))

    def times_sent(self, since_ms: int) -> tuple[tuple[int, IntentState], ...]:
        """When something was sent since then and how far it has come, oldest first; cheaper than whole rows."""
        sql = "SELECT sent_ms, state FROM intents WHERE sent_ms >= ? ORDER BY sent_ms, rowid"
        return tuple((row["sent_ms"], IntentState(row["state"])) for row in self._db.rows(sql, (since_ms,)))

    def last_sent(self, states: Collection[IntentState]) -> int:
        """When the newest intent that ended in one of these states was sent; 0 where none was."""
        return max((self._db.remembered(("last sent", one), partial(self._last, one)) for one in states), default=0)

    def _last(self, state: IntentState) -> int:
        row = self._db.row("SELECT max(sent_ms) AS newest FROM intents WHERE state = ?", (state,))
        return (row["newest"] or 0) if row is not None else 0

    def latest(self, count: int) -> tuple[JournalRow, ...]:
        """The newest rows, newest first."""
        rows = self._db.rows("SELECT * FROM intents ORDER BY created_ms DESC, rowid DESC LIMIT ?", (count,))
        return tuple(_journal_row(row, self._store_id) for row in rows)

    def _select(self, where: str, values: Sequence[Value]) -> tuple[JournalRow, ...]:
        rows = self._db.rows(f"SELECT * FROM intents WHERE {where} ORDER BY created_ms, rowid", values)  # noqa: S608 - our clauses, bound values
        return tuple(_journal_row(row, self._store_id) for row in rows)

    def _set(self, cid: str, fields: dict[str, Value]) -> None:
        names = ", ".join(f"{name} = ?" for name in fields)
        self._db.write(f"UPDATE intents SET {names} WHERE client_order_id = ?", (*fields.values(), cid))  # noqa: S608 - our names


def _static(intent: Intent) -> dict[str, Value]:
    """The part of a row that never changes, by column."""
    key, request = intent.key, intent.request
    return {
        "client_order_id": request.client_order_id,
        "rule": key.rule,
        "rule_hash": intent.rule_hash,
        "symbol": request.symbol,
        "about_order": key.order_id,
        "slot_ms": key.slot_ms,
        "step": key.step,
        "cycle": intent.cycle,
        "side": request.side,
        "type": request.type,
        "tif": request.tif,
        "price": plain(request.price),
        "quantity": plain(request.quantity),
        "tag": intent.tag,
        "labels": json.dumps(intent.labels),
        "because": intent.because,
        "cancel_after_ms": intent.cancel_after_ms,
        "created_ms": intent.created_ms,
        "deadline_ms": intent.deadline_ms,
    }


STATIC_COLUMNS = (
    "client_order_id", "rule", "rule_hash", "symbol", "about_order", "slot_ms", "step", "cycle", "side", "type", "tif",
    "price", "quantity", "tag", "labels", "because", "cancel_after_ms", "created_ms", "deadline_ms",
)  # fmt: skip


def _journal_row(row: sqlite3.Row, store_id: str) -> JournalRow:
    key = DecisionKey(
        store_id=store_id,
        rule=row["rule"],
        symbol=row["symbol"],
        order_id=row["about_order"],
        slot_ms=row["slot_ms"],
        step=row["step"],
    )
    request = OrderRequest(
        symbol=row["symbol"],
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        price=Decimal(row["price"]),
        quantity=Decimal(row["quantity"]),
        tif=TimeInForce(row["tif"]),
        client_order_id=row["client_order_id"],
    )
    intent = Intent(
        key=key,
        request=request,
        cycle=row["cycle"],
        created_ms=row["created_ms"],
        deadline_ms=row["deadline_ms"],
        rule_hash=row["rule_hash"],
        cancel_after_ms=row["cancel_after_ms"],
        tag=row["tag"],
        labels=tuple(json.loads(row["labels"])),
        because=row["because"],
    )
    return JournalRow(
        intent=intent,
        state=IntentState(row["state"]),
        moved_ms=row["moved_ms"],
        sent_ms=row["sent_ms"],
        recv_window_ms=row["recv_window_ms"],
        horizon_ms=row["horizon_ms"],
        looks=row["looks"],
        absences=row["absences"],
        next_look_ms=row["next_look_ms"],
        reason=row["reason"],
        fault=row["fault"],
        given_back=bool(row["given_back"]),
    )
