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

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial

from autotrader.errors import SafetyRefused
from autotrader.orders import DecisionKey, OrderRequest, Side, client_order_id
from autotrader.records.chain import Chain
from autotrader.records.database import Database, Value
from autotrader.records.rows import RowTable, inserted
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
    """One order that was decided and approved, and what has become of it. Times are venue milliseconds.

    `deadline_ms`: not sent after this moment (slot + min(period, 30 s)). `cancel_after_ms`: the order's own timer,
    counted from sending. `because` is text for people and records. From `state` on it is its fate: `looks` counts
    queries, `absences` those after the horizon that found nothing; `fault` says whose fault a failure was ("rule",
    "outside", "key").
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
    state: IntentState = IntentState.INTENT
    moved_ms: int = 0
    sent_ms: int | None = None
    recv_window_ms: int | None = None
    horizon_ms: int | None = None
    looks: int = 0
    absences: int = 0
    next_look_ms: int | None = None
    reason: str = ""
    fault: str = ""
    given_back: bool = False

    def __post_init__(self) -> None:
        """The name of the order must be the name of the decision. Raises ValueError."""
        if self.request.client_order_id != client_order_id(self.key) or self.request.symbol != self.key.symbol:
            raise ValueError("the request's client order id or symbol is not the decision's")

    @property
    def client_order_id(self) -> str:
        """The order's name at the venue."""
        return self.request.client_order_id

    @property
    def cancel_at_ms(self) -> int | None:
        """When the order's own timer ends it, None where it has none or was never sent."""
        after = self.cancel_after_ms
        return None if after is None or self.sent_ms is None else self.sent_ms + after

    @property
    def frozen_key(self) -> tuple[str, str, Side]:
        """What an unresolved intent freezes: rule, symbol, side."""
        return (self.key.rule, self.request.symbol, self.request.side)


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate's word that this order may be written now; only `trading.gate` gives it. It is good for this order,
    and only until anything else is written: the next order is judged on a journal that has this one.
    """

    request: OrderRequest
    written: int


# What was decided never changes, and is the act of the intent; what became of it moves, and each move is an act.
STATIC_COLUMNS = (
    "client_order_id", "rule", "rule_hash", "symbol", "about_order", "slot_ms", "step", "cycle", "side", "type", "tif",
    "price", "quantity", "tag", "labels", "because", "cancel_after_ms", "created_ms", "deadline_ms",
)  # fmt: skip
_FATE = "state moved_ms sent_ms recv_window_ms horizon_ms looks absences next_look_ms reason fault given_back"
TABLE = RowTable(
    "intents", Intent, f"{' '.join(STATIC_COLUMNS)} {_FATE}",
    renamed={"key.order_id": "about_order"}, absent=("key.store_id",),
)  # fmt: skip


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
        row = TABLE.write(replace(intent, moved_ms=intent.created_ms))
        try:
            self._db.write(inserted("intents", row), tuple(row.values()))
        except sqlite3.IntegrityError as error:
            raise SafetyRefused(
                f"decision {intent.request.client_order_id} of rule {intent.key.rule or '(by hand)'} was made before; "
                "it is not made twice"
            ) from error
        said = {name: row[name] for name in STATIC_COLUMNS}
        self._chain.append(intent.created_ms, "intent", intent.client_order_id, said)

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

    def get(self, cid: str) -> Intent | None:
        """One row by client order id."""
        row = self._db.row("SELECT * FROM intents WHERE client_order_id = ?", (cid,))
        return None if row is None else self._read(row)

    def in_state(self, *states: IntentState) -> tuple[Intent, ...]:
        """All rows in these states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._db.remembered(("intents", *states), lambda: self._select(f"state IN ({marks})", states))

    def unresolved(self) -> tuple[Intent, ...]:
        """Rows whose fate at the venue is not known, oldest first."""
        return self.in_state(*sorted(UNRESOLVED))

    def watched(self, since_ms: int) -> tuple[Intent, ...]:
        """Dead intents that were sent since then: still looked for, in case one surfaces late."""
        return self._select("state = ? AND sent_ms >= ?", (IntentState.DEAD, since_ms))

    def sent_since(self, since_ms: int) -> tuple[Intent, ...]:
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

    def latest(self, count: int) -> tuple[Intent, ...]:
        """The newest rows, newest first."""
        rows = self._db.rows("SELECT * FROM intents ORDER BY created_ms DESC, rowid DESC LIMIT ?", (count,))
        return tuple(self._read(row) for row in rows)

    def _read(self, row: sqlite3.Row) -> Intent:
        return TABLE.read(row, {"key.store_id": self._store_id})

    def _select(self, where: str, values: Sequence[Value]) -> tuple[Intent, ...]:
        rows = self._db.rows(f"SELECT * FROM intents WHERE {where} ORDER BY created_ms, rowid", values)  # noqa: S608 - our clauses, bound values
        return tuple(self._read(row) for row in rows)

    def _set(self, cid: str, fields: dict[str, Value]) -> None:
        names = ", ".join(f"{name} = ?" for name in fields)
        self._db.write(f"UPDATE intents SET {names} WHERE client_order_id = ?", (*fields.values(), cid))  # noqa: S608 - our names
