"""A store as a stranger with SQLite sees it: every table as lines, and the chain's arithmetic done over again.

The formats are those of docs/audit.md; nothing of the package is used, so that a change of ours cannot hide itself.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

TABLES = (
    "meta", "chain", "texts", "evaluations", "rule_names", "evaluated", "states", "runs", "settings", "counters",
    "errors", "intents", "cancels", "orders", "fills",
)  # fmt: skip


def _connected(store: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{store / 'records.db'}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    return db


def rows(store: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    with closing(_connected(store)) as db:
        return [dict(row) for row in db.execute(sql)]


def dumped(store: Path) -> Iterator[str]:
    """Schema and rows of every table, one JSON line each. Hashes that cover packed bytes or this run's port are left
    out, since another zlib packs otherwise: `proved` computes them over again instead.
    """
    found = rows(store, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    for row in found:
        yield f"{row['type']} {row['name']}: {' '.join(row['sql'].split())}"
    for table in TABLES:
        for row in rows(store, f"SELECT * FROM {table} ORDER BY 1, 2"):  # noqa: S608 - names of a list above
            yield f"{table} {json.dumps(_shown(table, row), ensure_ascii=True)}"


def _shown(table: str, row: dict[str, Any]) -> dict[str, Any]:
    if table == "chain":
        row = {name: value for name, value in row.items() if name not in {"prev", "hash"}}
        if row["kind"] == "evaluations":
            row["body"] = re.sub(r'"hash":"[0-9a-f]{64}"', '"hash":"PACKED"', row["body"])
        if row["kind"] == "closed":
            row["body"] = re.sub(r'"meta":"[0-9a-f]{64}"', '"meta":"PORT"', row["body"])
    if table == "evaluations":
        row["body"] = sha256(zlib.decompress(row["body"])).hexdigest()
    return row


def canonical(value: Any) -> str:
    """The canonical JSON text of docs/audit.md."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def proved(store: Path) -> int:
    """Every hash of the chain computed over again, from the first on; returns how many rows there are."""
    (meta,) = rows(store, "SELECT value FROM meta WHERE key = 'store_id'")
    prev = sha256(f"autotrader chain of store {meta['value']}".encode()).digest()
    chain = rows(store, "SELECT * FROM chain ORDER BY n")
    for number, row in enumerate(chain, 1):
        kind, subject, body = row["kind"], row["subject"], row["body"]
        framed = f"{row['n']}|{row['time_ms']}|{len(kind)}|{len(subject)}|{kind}{subject}{body}"
        digest = sha256(prev + framed.encode("utf-8", "surrogatepass")).digest()
        assert (row["n"], row["prev"], row["hash"]) == (number, prev, digest), f"row {row['n']}"
        assert body == canonical(json.loads(body)), f"row {row['n']} is not canonical"
        prev = digest
    for text in rows(store, "SELECT * FROM texts"):
        assert text["hash"] == sha256(text["text"].encode("utf-8", "surrogatepass")).hexdigest()
    return len(chain)


def order_name(store_id: str, rule: str, symbol: str, order_id: str, slot_ms: int, step: int) -> str:
    """The client order id of a decision, from what makes it that decision."""
    parts = (store_id, rule, symbol, order_id, str(slot_ms), str(step))
    digest = sha256("".join(f"{len(part)}:{part}," for part in parts).encode()).digest()
    return f"at-{store_id[:4]}-{base64.b32encode(digest[:20]).decode().lower()[:26]}"
