"""The tables, as numbered migrations. A migration is never edited after release; a change is a new one.

Money is text (exact decimals), times are UTC milliseconds, hashes of the chain are blobs. STRICT tables refuse a value
of another type, so that a wrong value cannot slip in by SQLite's conversions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol

APPLICATION_ID = 0x41545231  # "ATR1": tells our file from any other SQLite file

# The tables that decide about money; all of them are checked page by page at every start. Evaluations are bulk, their
# hashes stand in the chain, and `audit verify` reads them.
CHECKED = (
    "meta", "chain", "texts", "states", "runs", "settings", "counters", "errors",
    "intents", "cancels", "orders", "fills",
)  # fmt: skip

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE chain (
    n INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
    prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE INDEX chain_by_subject ON chain (subject, n);
CREATE INDEX chain_by_kind ON chain (kind, n);
CREATE TABLE texts (hash TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;

CREATE TABLE evaluations (
    cycle INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, plan TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX evaluations_by_time ON evaluations (time_ms);
CREATE TABLE rule_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE evaluated (rule INTEGER NOT NULL, cycle INTEGER NOT NULL, PRIMARY KEY (rule, cycle)) STRICT, WITHOUT ROWID;

CREATE TABLE states (
    rule TEXT NOT NULL, symbol TEXT NOT NULL, order_id TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (rule, symbol, order_id)) STRICT, WITHOUT ROWID;
CREATE TABLE runs (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE errors (id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, what TEXT NOT NULL) STRICT;

CREATE TABLE intents (
    client_order_id TEXT PRIMARY KEY, rule TEXT NOT NULL, rule_hash TEXT NOT NULL, symbol TEXT NOT NULL,
    about_order TEXT NOT NULL, slot_ms INTEGER NOT NULL, step INTEGER NOT NULL, cycle INTEGER NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, tif TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL,
    tag TEXT NOT NULL, labels TEXT NOT NULL, because TEXT NOT NULL, cancel_after_ms INTEGER,
    created_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
    state TEXT NOT NULL, moved_ms INTEGER NOT NULL, sent_ms INTEGER, recv_window_ms INTEGER, horizon_ms INTEGER,
    looks INTEGER NOT NULL, absences INTEGER NOT NULL, next_look_ms INTEGER,
    reason TEXT NOT NULL, fault TEXT NOT NULL, given_back INTEGER NOT NULL) STRICT;
CREATE INDEX intents_by_state ON intents (state, sent_ms);
CREATE INDEX intents_by_sent ON intents (sent_ms);
CREATE TABLE cancels (
    id INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, cycle INTEGER NOT NULL, symbol TEXT NOT NULL,
    asked_by TEXT NOT NULL, because TEXT NOT NULL, sent_ms INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    moved_ms INTEGER NOT NULL, UNIQUE (client_order_id, cycle)) STRICT;
CREATE INDEX cancels_by_state ON cancels (state);
CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY, order_id INTEGER NOT NULL, rule TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, tif TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL,
    executed TEXT NOT NULL, quote_executed TEXT NOT NULL, status TEXT NOT NULL, created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, placed_ms INTEGER NOT NULL, cancel_at_ms INTEGER, tag TEXT NOT NULL,
    labels TEXT NOT NULL, booked TEXT NOT NULL, settled INTEGER NOT NULL, UNIQUE (symbol, order_id)) STRICT;
CREATE INDEX orders_unsettled ON orders (symbol) WHERE settled = 0;
CREATE INDEX orders_by_rule ON orders (rule);
CREATE INDEX orders_by_time ON orders (placed_ms);
CREATE TABLE fills (
    symbol TEXT NOT NULL, trade_id INTEGER NOT NULL, order_id INTEGER NOT NULL, client_order_id TEXT NOT NULL,
    rule TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL, quote TEXT NOT NULL,
    fee TEXT NOT NULL, fee_asset TEXT NOT NULL, time_ms INTEGER NOT NULL, is_maker INTEGER NOT NULL,
    UNIQUE (symbol, trade_id)) STRICT;
CREATE INDEX fills_by_time ON fills (time_ms);
CREATE INDEX fills_by_order ON fills (client_order_id);
"""


class Rows(Protocol):
    """What a step that must understand rows is given: the open transaction. It is taken on an empty database too."""

    def rows(self, sql: str, values: Sequence[str | int | bytes | None] = ()) -> list[sqlite3.Row]:
        """Read rows."""

    def write(self, sql: str, values: Sequence[str | int | bytes | None] = ()) -> int:
        """Change rows; returns how many."""


Step = str | Callable[[Rows], None]  # a script of SQL, or a function
MIGRATIONS: tuple[Step, ...] = (_FIRST,)
