"""Cancels: at most one per order and cycle, whoever asks (rule, timer, hand); written before it is sent.

A cancel is idempotent at the venue (it names one order), so an unknown one may be repeated in a later cycle; what it
did is never assumed but read from the order.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from autotrader.records.chain import Chain
from autotrader.records.database import Database
from autotrader.records.rows import RowTable
from autotrader.structs import dataclass


class CancelState(StrEnum):
    """How far a cancel has come. LOOKED: the venue did not confirm, and the order was read instead."""

    SENT = "SENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    LOOKED = "LOOKED"


CANCEL_NEXT: dict[CancelState, frozenset[CancelState]] = {
    CancelState.SENT: frozenset(
        {CancelState.CONFIRMED, CancelState.REJECTED, CancelState.NOT_SENT, CancelState.UNKNOWN}
    ),
    CancelState.UNKNOWN: frozenset({CancelState.LOOKED}),
    CancelState.CONFIRMED: frozenset(),
    CancelState.REJECTED: frozenset(),
    CancelState.NOT_SENT: frozenset(),
    CancelState.LOOKED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRow:
    """One cancel that was asked for. `asked_by`: a rule's id, "timer", "hand", "halt"."""

    id: int
    client_order_id: str
    cycle: int
    symbol: str
    asked_by: str
    because: str
    sent_ms: int
    state: CancelState
    reason: str
    moved_ms: int


CANCELS = RowTable(
    "cancels", CancelRow, "id client_order_id cycle symbol asked_by because sent_ms state reason moved_ms"
)


class Cancels:
    """The cancel rows. All writes happen inside the store's transaction."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._db = db
        self._chain = chain

    def add(self, cid: str, symbol: str, *, cycle: int, asked_by: str, because: str, sent_ms: int) -> int | None:
        """Write that a cancel is about to be sent; None where this order already has one in this cycle."""
        sql = (
            "INSERT INTO cancels (client_order_id, cycle, symbol, asked_by, because, sent_ms, state, reason, moved_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, '', ?)"
        )
        try:
            self._db.write(sql, (cid, cycle, symbol, asked_by, because, sent_ms, CancelState.SENT, sent_ms))
        except sqlite3.IntegrityError:
            return None
        body = {"cycle": cycle, "symbol": symbol, "asked_by": asked_by, "because": because}
        self._chain.append(sent_ms, "cancel", cid, body)
        row = self._db.row("SELECT id FROM cancels WHERE client_order_id = ? AND cycle = ?", (cid, cycle))
        return None if row is None else int(row["id"])

    def move(self, cancel_id: int, to: CancelState, time_ms: int, reason: str = "") -> None:
        """Move one cancel along the table, with an act. Raises ValueError for a move that it does not have."""
        row = self._db.row("SELECT * FROM cancels WHERE id = ?", (cancel_id,))
        if row is None or to not in CANCEL_NEXT[CancelState(row["state"])]:
            raise ValueError(f"cancel {cancel_id} cannot move from {row['state'] if row else 'nothing'} to {to}")
        sql = "UPDATE cancels SET state = ?, reason = ?, moved_ms = ? WHERE id = ?"
        self._db.write(sql, (to, reason, time_ms, cancel_id))
        body = {"cycle": row["cycle"], "state": to, "reason": reason}
        self._chain.append(time_ms, "cancel-state", row["client_order_id"], body)

    def in_state(self, *states: CancelState) -> tuple[CancelRow, ...]:
        """Cancels in these states, oldest first."""
        marks = ", ".join("?" * len(states))
        rows = self._db.rows(f"SELECT * FROM cancels WHERE state IN ({marks}) ORDER BY id", states)  # noqa: S608 - marks only
        return tuple(CANCELS.read(row) for row in rows)

    def last_of(self, cid: str) -> CancelRow | None:
        """The newest cancel of an order, None where none was asked for."""
        row = self._db.row("SELECT * FROM cancels WHERE client_order_id = ? ORDER BY id DESC LIMIT 1", (cid,))
        return None if row is None else CANCELS.read(row)

    def newest(self, count: int) -> tuple[CancelRow, ...]:
        """The newest cancels, newest first."""
        sql = "SELECT * FROM cancels ORDER BY id DESC LIMIT ?"
        return self._db.remembered(
            ("cancels", count), lambda: tuple(CANCELS.read(row) for row in self._db.rows(sql, (count,)))
        )

    def failed_since(self, since_ms: int) -> tuple[CancelRow, ...]:
        """Cancels of unclear or failed outcome since then, for `errors(...)`."""
        rows = self._db.rows(
            "SELECT * FROM cancels WHERE sent_ms >= ? AND state IN ('UNKNOWN', 'NOT_SENT', 'LOOKED') ORDER BY id",
            (since_ms,),
        )
        return tuple(CANCELS.read(row) for row in rows)
