"""The kinds of tampering of `prove tamper`: what somebody could do to a store's files who may write them.

Each is one function over a copy of the store. They know our format and our hashes as well as we do; what they lack is
the audit key, and the power over what was told elsewhere.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from autotrader.records.audit_key import AuditKey
from autotrader.records.canon import canonical, genesis, row_hash
from autotrader.records.places import DATABASE, HEADS

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the store to tamper with; `before`: database and checkpoints as they were at its first half."""

    folder: Path
    before: tuple[bytes, bytes]
    last_ms: int

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / DATABASE

    @property
    def heads(self) -> Path:
        """The file of checkpoints."""
        return self.folder / HEADS

    @contextmanager
    def db(self) -> Iterator[sqlite3.Connection]:
        """The database, open for writing, quick and without a journal."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of tampering. `needs_head`: only a head that was told elsewhere can show it; all else must be found
    without one.
    """

    name: str
    act: Callable[[Copy, random.Random], None]
    needs_head: bool = False


# --------------------------------------------------------------------------------------------------- values and rows
def _mutated(value: Any, rng: random.Random) -> Any:
    """Another value of the same type, one step away."""
    match value:
        case None:
            return rng.randrange(1 << 40)
        case int():
            return value + rng.choice((-1, 1, 1000))
        case bytes():
            at = rng.randrange(len(value)) if value else 0
            return value[:at] + bytes([(value[at] ^ (1 << rng.randrange(8))) if value else 1]) + value[at + 1 :]
        case _:
            text = str(value)
            at = rng.randrange(len(text) + 1)
            return text[:at] + rng.choice("0123456789abcXYZ -") + text[at + rng.randrange(2) :]


def _rows(db: sqlite3.Connection, table: str) -> tuple[list[str], list[Row]]:
    cursor = db.execute(f"SELECT * FROM {table}")  # noqa: S608 - a name from KINDS
    return [column[0] for column in cursor.description], cursor.fetchall()


def _where(columns: Sequence[str]) -> str:
    return " AND ".join(f"{column} IS ?" for column in columns)


def _altered(table: str, column: str) -> Callable[[Copy, random.Random], None]:
    """One value of one row becomes another."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            columns, rows = _rows(db, table)
            row = rng.choice(rows)
            value = _mutated(row[columns.index(column)], rng)
            sql = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {_where(columns)}"  # noqa: S608 - our names
            db.execute(sql, (value, *row))

    return act


def _removed(table: str) -> Callable[[Copy, random.Random], None]:
    """One row goes."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            columns, rows = _rows(db, table)
            db.execute(f"DELETE FROM {table} WHERE {_where(columns)}", rng.choice(rows))  # noqa: S608 - our names

    return act


def _added(table: str, key: Sequence[str]) -> Callable[[Copy, random.Random], None]:
    """A row like another, under a key of its own."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            columns, rows = _rows(db, table)
            row = list(rng.choice(rows))
            for name in key:
                row[columns.index(name)] = _mutated(row[columns.index(name)], rng)
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608 - our names

    return act


def _statement(sql: str) -> Callable[[Copy, random.Random], None]:
    """A statement of SQL."""

    def act(copy: Copy, _rng: random.Random) -> None:
        with copy.db() as db:
            db.execute(sql)

    return act


# ----------------------------------------------------------------------------------------------------- the chain
def _chain(db: sqlite3.Connection) -> list[list[Any]]:
    return [list(row) for row in db.execute("SELECT n, time_ms, kind, subject, body, prev, hash FROM chain ORDER BY n")]


def _write_chain(db: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
    db.execute("DELETE FROM chain")
    db.executemany("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _rehashed(db: sqlite3.Connection, rows: list[list[Any]]) -> list[list[Any]]:
    """Number and hash everything anew, as we would."""
    store_id = db.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()[0]
    prev = genesis(store_id)
    for n, row in enumerate(rows, 1):
        row[0], row[5] = n, prev
        prev = row[6] = row_hash(prev, n, *row[1:5])
    return rows


def _swap(copy: Copy, rng: random.Random) -> None:
    with copy.db() as db:
        rows = _chain(db)
        first, second = rng.sample(range(len(rows)), 2)
        rows[first][0], rows[second][0] = rows[second][0], rows[first][0]
        _write_chain(db, rows)


def _reorder(copy: Copy, rng: random.Random) -> None:
    with copy.db() as db:
        rows = _chain(db)
        start = rng.randrange(len(rows) - 3)
        part = rows[start : start + rng.randrange(2, 20)]
        numbers = [row[0] for row in part]
        rng.shuffle(part)
        for number, row in zip(numbers, part, strict=True):
            row[0] = number
        _write_chain(db, rows)


def _close_gap(copy: Copy, rng: random.Random) -> None:
    with copy.db() as db:
        rows = _chain(db)
        del rows[rng.randrange(len(rows))]
        for n, row in enumerate(rows, 1):
            row[0] = n
        _write_chain(db, rows)


def _cut(copy: Copy, rng: random.Random) -> None:
    with copy.db() as db:
        count = db.execute("SELECT count(*) FROM chain").fetchone()[0]
        db.execute("DELETE FROM chain WHERE n > ?", (rng.choice((count - 1, count - 2, rng.randrange(count))),))


def _append(copy: Copy, rng: random.Random) -> None:
    """A row behind the last one, rightly hashed; nothing in the tables contradicts it."""
    with copy.db() as db:
        rows = _chain(db)
        kind = rng.choice(("notice", "decision", "opened", "command"))
        for _ in range(2 if kind == "opened" else 1):
            rows.append([0, copy.last_ms, kind, "", canonical({"level": "info", "text": "as agreed"}), b"", b""])
        _write_chain(db, _rehashed(db, rows))


def _forge(db: sqlite3.Connection, rng: random.Random) -> list[list[Any]]:
    """Alter one act, and give every row behind it a right hash: the chain alone cannot tell."""
    rows = _chain(db)
    notices = [row for row in rows if row[2] in {"notice", "decision", "denied"}]
    row = rng.choice(notices)
    row[1] += rng.randrange(1, 1000)
    if rng.random() < 0.3:
        rows.remove(row)
    _write_chain(db, _rehashed(db, rows))
    return rows


def _rehash_tail(copy: Copy, rng: random.Random) -> None:
    with copy.db() as db:
        _forge(db, rng)


# ------------------------------------------------------------------------------------- the chain and its checkpoints
def _lines(copy: Copy) -> list[dict[str, Any]]:
    return [json.loads(line) for line in copy.heads.read_bytes().splitlines()]


def _write_lines(copy: Copy, lines: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    copy.heads.write_text(text, encoding="ascii")


def _rewrite_both(sign: Callable[[dict[str, Any], random.Random], None]) -> Callable[[Copy, random.Random], None]:
    """Alter an act, rehash, and write checkpoints to match, each treated by `sign`."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            hashes = {row[0]: row[6].hex() for row in _forge(db, rng)}
        lines = [line for line in _lines(copy) if line["n"] in hashes]
        lines.append({**lines[-1], "n": max(hashes)})
        lines = list({line["n"]: line for line in lines}.values())
        for line in lines:
            if line["hash"] != hashes[line["n"]] or rng.random() < 0.1:
                line["hash"] = hashes[line["n"]]
                sign(line, rng)
        _write_lines(copy, lines)

    return act


def _no_mac(line: dict[str, Any], _rng: random.Random) -> None:
    line.pop("mac", None)
    line.pop("by", None)


def _random_mac(line: dict[str, Any], rng: random.Random) -> None:
    line["mac"] = rng.randbytes(32).hex()


def _own_mac(line: dict[str, Any], _rng: random.Random) -> None:
    key = AuditKey("the key of somebody who has not got ours")
    line["by"], line["mac"] = key.id, key.mac("stage234", line["n"], line["hash"])


def _old_mac(_line: dict[str, Any], _rng: random.Random) -> None:
    """The HMAC of the true checkpoint stays."""


def _cut_both(copy: Copy, rng: random.Random) -> None:
    """Cut rows off the end with their checkpoints: every checkpoint that is left is true."""
    lines = _lines(copy)
    kept = lines[: rng.randrange(1, len(lines))]
    _write_lines(copy, kept)
    with copy.db() as db:
        db.execute("DELETE FROM chain WHERE n > ?", (kept[-1]["n"],))


def _heads_changed(
    change: Callable[[list[dict[str, Any]], random.Random], None],
) -> Callable[[Copy, random.Random], None]:
    """The checkpoints alone are altered."""

    def act(copy: Copy, rng: random.Random) -> None:
        lines = _lines(copy)
        change(lines, rng)
        _write_lines(copy, lines)

    return act


def _cut_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    del lines[rng.choice((len(lines) - 1, rng.randrange(1, len(lines)))) :]


def _alter_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    line = rng.choice(lines)
    name = rng.choice(("hash", "mac"))
    at = rng.randrange(64)
    line[name] = line[name][:at] + format(int(line[name][at], 16) ^ 1, "x") + line[name][at + 1 :]


def _renumber_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    rng.choice(lines)["n"] += rng.choice((1, 7, 100_000))


def _swap_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    first, second = rng.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]


def _unsigned_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    for line in lines if rng.random() < 0.5 else lines[-1:]:
        _no_mac(line, rng)


def _foreign_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    lines.append({"n": lines[-1]["n"] + rng.randrange(1, 9), "hash": rng.randbytes(32).hex()})


def _no_heads(copy: Copy, rng: random.Random) -> None:
    if rng.random() < 0.5:
        copy.heads.unlink()
    else:
        copy.heads.write_bytes(b"")


def _garbage_heads(copy: Copy, rng: random.Random) -> None:
    data = bytearray(copy.heads.read_bytes())
    at = rng.randrange(len(data))
    data[at : at + 8] = rng.randbytes(8).replace(b"\n", b"x")
    copy.heads.write_bytes(bytes(data))


# ------------------------------------------------------------------------------------------------------- old copies
def _old_database(copy: Copy, _rng: random.Random) -> None:
    copy.database.write_bytes(copy.before[0])


def _old_heads(copy: Copy, _rng: random.Random) -> None:
    copy.heads.write_bytes(copy.before[1])


def _old_everything(copy: Copy, rng: random.Random) -> None:
    _old_database(copy, rng)
    _old_heads(copy, rng)


# ------------------------------------------------------------------------------------------------------------ bytes
def _garbage_page(copy: Copy, rng: random.Random) -> None:
    data = bytearray(copy.database.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    start = rng.randrange(len(data) // page) * page
    length = rng.choice((1, 4, 64, page))
    at = start + rng.randrange(page - length + 1)
    data[at : at + length] = rng.randbytes(length)
    copy.database.write_bytes(bytes(data))


def _flip_bit(copy: Copy, rng: random.Random) -> None:
    data = bytearray(copy.database.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    copy.database.write_bytes(bytes(data))


def _cut_file(copy: Copy, rng: random.Random) -> None:
    data = copy.database.read_bytes()
    copy.database.write_bytes(data[: rng.randrange(len(data))])


# --------------------------------------------------------------------------------------------------------- the list
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "chain": ("time_ms", "kind", "subject", "body", "prev", "hash"),
    "intents": (
        "rule", "symbol", "side", "price", "quantity", "state", "sent_ms", "horizon_ms", "reason", "fault", "looks",
        "given_back", "cycle", "slot_ms",
    ),
    "orders": ("rule", "side", "price", "quantity", "executed", "status", "booked", "settled", "updated_ms", "tag"),
    "fills": ("price", "quantity", "quote", "fee", "fee_asset", "time_ms", "rule", "is_maker"),
    "cancels": ("client_order_id", "cycle", "asked_by", "state", "reason", "sent_ms", "id"),
    "evaluations": ("cycle", "time_ms", "plan", "body"),
    "evaluated": ("rule", "cycle"),
    "rule_names": ("name", "id"),
    "texts": ("hash", "text"),
    "settings": ("key", "value"),
    "states": ("rule", "body"),
    "counters": ("name", "value"),
    "meta": ("value",),
}  # fmt: skip
TABLES: Final = tuple(_COLUMNS)
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "intents": ("client_order_id",),
    "orders": ("client_order_id", "order_id"),
    "fills": ("trade_id",),
    "cancels": ("id", "cycle"),
    "evaluations": ("cycle",),
    "evaluated": ("cycle",),
    "texts": ("hash",),
    "settings": ("key",),
    "states": ("rule",),
    "counters": ("name",),
}

KINDS: Final[tuple[Kind, ...]] = (
    *(Kind(f"{table}.{name} altered", _altered(table, name)) for table, names in _COLUMNS.items() for name in names),
    *(Kind(f"row removed from {table}", _removed(table)) for table in ("chain", *_KEYS)),
    *(Kind(f"row added to {table}", _added(table, key)) for table, key in _KEYS.items()),
    Kind("halt lifted", _statement("UPDATE settings SET value = 'null' WHERE key = 'halt'")),
    Kind("halt forgotten", _statement("DELETE FROM settings WHERE key = 'halt'")),
    Kind("trigger added", _statement("CREATE TRIGGER quiet AFTER INSERT ON fills BEGIN SELECT 1; END")),
    Kind("index dropped", _statement("DROP INDEX fills_by_time")),
    Kind("table added", _statement("CREATE TABLE hidden (x)")),
    Kind("rows swapped", _swap),
    Kind("rows reordered", _reorder),
    Kind("row removed, others renumbered", _close_gap),
    Kind("end cut off", _cut),
    Kind("row added at the end", _append),
    Kind("act altered, all rehashed", _rehash_tail),
    Kind("all rewritten with checkpoints, no HMAC", _rewrite_both(_no_mac)),
    Kind("all rewritten with checkpoints, random HMAC", _rewrite_both(_random_mac)),
    Kind("all rewritten with checkpoints, HMAC of another key", _rewrite_both(_own_mac)),
    Kind("all rewritten with checkpoints, HMAC of the true ones", _rewrite_both(_old_mac)),
    Kind("end cut off with its checkpoints", _cut_both, needs_head=True),
    Kind("checkpoints cut off", _heads_changed(_cut_lines)),
    Kind("checkpoint altered", _heads_changed(_alter_line)),
    Kind("checkpoint renumbered", _heads_changed(_renumber_line)),
    Kind("checkpoints swapped", _heads_changed(_swap_lines)),
    Kind("HMACs removed", _heads_changed(_unsigned_lines)),
    Kind("checkpoint added", _heads_changed(_foreign_line)),
    Kind("checkpoints removed", _no_heads),
    Kind("bytes of the checkpoints overwritten", _garbage_heads),
    Kind("old database put back", _old_database),
    Kind("old checkpoints put back", _old_heads),
    Kind("old copy of everything put back", _old_everything, needs_head=True),
    Kind("bytes of the database overwritten", _garbage_page),
    Kind("a bit of the database flipped", _flip_bit),
    Kind("database file cut off", _cut_file),
)  # fmt: skip
