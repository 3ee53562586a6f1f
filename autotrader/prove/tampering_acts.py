"""What somebody may do to a store's files who can write them: functions over a copy of the store.

They know our format and our hashes as well as we do; what they lack is the audit key, and the power over what was told
elsewhere.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def altered(table: str, column: str) -> Callable[[Copy, random.Random], None]:
    """One value of one row becomes another."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            columns, rows = _rows(db, table)
            row = rng.choice(rows)
            value = _mutated(row[columns.index(column)], rng)
            sql = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {_where(columns)}"  # noqa: S608 - our names
            db.execute(sql, (value, *row))

    return act


def removed(table: str) -> Callable[[Copy, random.Random], None]:
    """One row goes."""

    def act(copy: Copy, rng: random.Random) -> None:
        with copy.db() as db:
            columns, rows = _rows(db, table)
            db.execute(f"DELETE FROM {table} WHERE {_where(columns)}", rng.choice(rows))  # noqa: S608 - our names

    return act


def added(table: str, key: Sequence[str]) -> Callable[[Copy, random.Random], None]:
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


def statement(sql: str) -> Callable[[Copy, random.Random], None]:
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


def swap(copy: Copy, rng: random.Random) -> None:
    """Two acts change places."""
    with copy.db() as db:
        rows = _chain(db)
        first, second = rng.sample(range(len(rows)), 2)
        rows[first][0], rows[second][0] = rows[second][0], rows[first][0]
        _write_chain(db, rows)


def reorder(copy: Copy, rng: random.Random) -> None:
    """Several acts stand in another order."""
    with copy.db() as db:
        rows = _chain(db)
        start = rng.randrange(len(rows) - 3)
        part = rows[start : start + rng.randrange(2, 20)]
        numbers = [row[0] for row in part]
        rng.shuffle(part)
        for number, row in zip(numbers, part, strict=True):
            row[0] = number
        _write_chain(db, rows)


def close_gap(copy: Copy, rng: random.Random) -> None:
    """An act goes, and those behind it are renumbered."""
    with copy.db() as db:
        rows = _chain(db)
        del rows[rng.randrange(len(rows))]
        for n, row in enumerate(rows, 1):
            row[0] = n
        _write_chain(db, rows)


def cut(copy: Copy, rng: random.Random) -> None:
    """The end of the chain goes."""
    with copy.db() as db:
        count = db.execute("SELECT count(*) FROM chain").fetchone()[0]
        db.execute("DELETE FROM chain WHERE n > ?", (rng.choice((count - 1, count - 2, rng.randrange(count))),))


def append(copy: Copy, rng: random.Random) -> None:
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


def rehash_tail(copy: Copy, rng: random.Random) -> None:
    """An act is altered, and every hash behind it made anew."""
    with copy.db() as db:
        _forge(db, rng)


# ------------------------------------------------------------------------------------- the chain and its checkpoints
def _lines(copy: Copy) -> list[dict[str, Any]]:
    return [json.loads(line) for line in copy.heads.read_bytes().splitlines()]


def _write_lines(copy: Copy, lines: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    copy.heads.write_text(text, encoding="ascii")


def rewrite_both(sign: Callable[[dict[str, Any], random.Random], None]) -> Callable[[Copy, random.Random], None]:
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


def no_mac(line: dict[str, Any], _rng: random.Random) -> None:
    """The line loses its HMAC."""
    line.pop("mac", None)
    line.pop("by", None)


def random_mac(line: dict[str, Any], rng: random.Random) -> None:
    """The line gets an HMAC of chance."""
    line["mac"] = rng.randbytes(32).hex()


def own_mac(line: dict[str, Any], _rng: random.Random) -> None:
    """The line gets an HMAC of a key that is not ours."""
    key = AuditKey("the key of somebody who has not got ours")
    line["by"], line["mac"] = key.id, key.mac("stage234", line["n"], line["hash"])


def old_mac(_line: dict[str, Any], _rng: random.Random) -> None:
    """The HMAC of the true checkpoint stays."""


def cut_both(copy: Copy, rng: random.Random) -> None:
    """Cut rows off the end with their checkpoints: every checkpoint that is left is true."""
    lines = _lines(copy)
    kept = lines[: rng.randrange(1, len(lines))]
    _write_lines(copy, kept)
    with copy.db() as db:
        db.execute("DELETE FROM chain WHERE n > ?", (kept[-1]["n"],))


def heads_changed(
    change: Callable[[list[dict[str, Any]], random.Random], None],
) -> Callable[[Copy, random.Random], None]:
    """The checkpoints alone are altered."""

    def act(copy: Copy, rng: random.Random) -> None:
        lines = _lines(copy)
        change(lines, rng)
        _write_lines(copy, lines)

    return act


def cut_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """The last checkpoints go."""
    del lines[rng.choice((len(lines) - 1, rng.randrange(1, len(lines)))) :]


def alter_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """One digit of a checkpoint is another."""
    line = rng.choice(lines)
    name = rng.choice(("hash", "mac"))
    at = rng.randrange(64)
    line[name] = line[name][:at] + format(int(line[name][at], 16) ^ 1, "x") + line[name][at + 1 :]


def renumber_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """A checkpoint is about another row."""
    rng.choice(lines)["n"] += rng.choice((1, 7, 100_000))


def swap_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """Two checkpoints change places."""
    first, second = rng.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]


def unsigned_lines(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """Checkpoints lose their HMACs."""
    for line in lines if rng.random() < 0.5 else lines[-1:]:
        no_mac(line, rng)


def foreign_line(lines: list[dict[str, Any]], rng: random.Random) -> None:
    """A checkpoint is added that nobody wrote."""
    lines.append({"n": lines[-1]["n"] + rng.randrange(1, 9), "hash": rng.randbytes(32).hex()})


def no_heads(copy: Copy, rng: random.Random) -> None:
    """The file of checkpoints goes, or is empty."""
    if rng.random() < 0.5:
        copy.heads.unlink()
    else:
        copy.heads.write_bytes(b"")


def garbage_heads(copy: Copy, rng: random.Random) -> None:
    """Some bytes of the checkpoints are rubbish."""
    data = bytearray(copy.heads.read_bytes())
    at = rng.randrange(len(data))
    data[at : at + 8] = rng.randbytes(8).replace(b"\n", b"x")
    copy.heads.write_bytes(bytes(data))


# ------------------------------------------------------------------------------------------------------- old copies
def old_database(copy: Copy, _rng: random.Random) -> None:
    """The database is an old copy."""
    copy.database.write_bytes(copy.before[0])


def old_heads(copy: Copy, _rng: random.Random) -> None:
    """The checkpoints are an old copy."""
    copy.heads.write_bytes(copy.before[1])


def old_everything(copy: Copy, rng: random.Random) -> None:
    """Both files are an old copy."""
    old_database(copy, rng)
    old_heads(copy, rng)


# ------------------------------------------------------------------------------------------------------------ bytes
def garbage_page(copy: Copy, rng: random.Random) -> None:
    """Some bytes of the database are rubbish."""
    data = bytearray(copy.database.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    start = rng.randrange(len(data) // page) * page
    length = rng.choice((1, 4, 64, page))
    at = start + rng.randrange(page - length + 1)
    data[at : at + length] = rng.randbytes(length)
    copy.database.write_bytes(bytes(data))


def flip_bit(copy: Copy, rng: random.Random) -> None:
    """One bit of the database is flipped."""
    data = bytearray(copy.database.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    copy.database.write_bytes(bytes(data))


def cut_file(copy: Copy, rng: random.Random) -> None:
    """The database file ends early."""
    data = copy.database.read_bytes()
    copy.database.write_bytes(data[: rng.randrange(len(data))])
