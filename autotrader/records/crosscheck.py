"""Whether the working tables say what the chain says.

Orders, fills, intents, cancels and the settings that decide what may be traded are kept in tables so that they can be
asked quickly; every change of them is an act. Here each row is compared with the last act about it: a row that was
changed, added or removed behind the chain's back is found. What moves with every cycle (rule states, runs, counters,
other settings) has no acts; a process that ends properly hashes it into its last act instead, so that what is altered
while nothing runs is found at the next start. The tables' definitions are compared with ours: a trigger is no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from autotrader.money import plain, total
from autotrader.orders import TERMINAL
from autotrader.records.canon import canonical, text_hash
from autotrader.records.chain import CLOSED, Act, Chain, Damage
from autotrader.records.database import Database, schema_of_ours
from autotrader.records.intents import STATIC_COLUMNS
from autotrader.records.orders import FILL_COLUMNS, ORDERS
from autotrader.records.values import ACT_SETTINGS

# Booked sums change with each fill; they are checked against the fills themselves.
_SUMS = frozenset({"booked", "settled"})


def cross_check(db: Database, chain: Chain) -> Iterator[Damage]:
    """Every difference between the tables and the chain."""
    try:
        yield from _differences(db, chain)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:  # whole, but nothing that we write
        yield Damage(0, f"an act or a table is not as this program writes it: {type(error).__name__}: {error}")


def _differences(db: Database, chain: Chain) -> Iterator[Damage]:
    yield from _pages(db)
    yield from _schema(db)
    yield from _texts(db)
    yield from _intents(db, chain)
    yield from _cancels(db, chain)
    yield from _orders(db, chain)
    yield from _fills(db, chain)
    yield from _settings(db, chain)
    for last in chain.latest(1):
        changed = differs_since_close(db, last)
        if changed is not None:
            yield changed


# What has no acts, in an order that does not depend on how it was written. Of intents only what `looked` and
# `mark_given_back` move; of texts the names, since each name is a hash already.
_UNTOLD: Final = (
    ("meta", "SELECT key, value FROM meta ORDER BY key"),
    ("rule states", "SELECT rule, symbol, order_id, body FROM states ORDER BY rule, symbol, order_id"),
    ("runs", "SELECT id, body FROM runs ORDER BY id"),
    ("settings", "SELECT key, value FROM settings ORDER BY key"),
    ("counters", "SELECT name, value FROM counters ORDER BY name"),
    ("errors", "SELECT id, time_ms, what FROM errors ORDER BY id"),
    ("kept texts", "SELECT hash FROM texts ORDER BY hash"),
    ("order of cancels", "SELECT id, client_order_id, cycle FROM cancels ORDER BY id"),
    (
        "looks at intents",
        "SELECT client_order_id, looks, absences, next_look_ms, given_back FROM intents ORDER BY client_order_id",
    ),
)


def tables_hash(db: Database) -> dict[str, str]:
    """A hash of each part that has no acts, for the last act of a process."""
    found = {}
    for name, sql in _UNTOLD:
        whole = sha256()
        for row in db.each(sql):
            whole.update(canonical(row).encode() + b"\n")
        found[name] = whole.hexdigest()
    return found


def differs_since_close(db: Database, last: Act) -> Damage | None:
    """What was altered since the process that wrote `last` closed the store; None where nothing was, or it runs."""
    if last.kind != CLOSED:
        return None
    try:
        said, found = dict(last.data["tables"]), tables_hash(db)
    except (ValueError, LookupError, TypeError) as error:
        return Damage(last.n, f"the last act is not as this program writes it: {type(error).__name__}")
    changed = [name for name in found if said.get(name) != found[name]]
    what = f"{', '.join(changed)} were altered since the store was closed"
    return Damage(last.n, what, str(said.get(changed[0], "")), found[changed[0]]) if changed else None


def _pages(db: Database) -> Iterator[Damage]:
    for (verdict,) in db.each("PRAGMA integrity_check(3)"):
        if verdict != "ok":
            yield Damage(0, f"the database is damaged: {verdict}")


def _schema(db: Database) -> Iterator[Damage]:
    """Definitions that are not ours: a trigger could alter rows while our own program writes them."""
    ours, found = schema_of_ours(), db.schema()
    for name in sorted(
        ours.keys() ^ found.keys() | {name for name in ours.keys() & found if ours[name] != found[name]}
    ):
        yield Damage(0, f"the definition of `{name}` in the database is not this program's")


def _texts(db: Database) -> Iterator[Damage]:
    for name, text in db.each("SELECT hash, text FROM texts"):
        if text_hash(text) != name:
            yield Damage(0, f"the kept text {name[:12]} was altered", name, text_hash(text))


_MOVED: Final = {
    "state": "INTENT",
    "reason": "",
    "fault": "",
    "sent_ms": None,
    "recv_window_ms": None,
    "horizon_ms": None,
}


def _intents(db: Database, chain: Chain) -> Iterator[Damage]:
    static = {act.subject: (act.n, act.data) for act in chain.acts(kind="intent")}
    moved: dict[str, dict[str, Any]] = {}
    for act in chain.acts(kind="intent-state"):
        moved[act.subject] = {**moved.get(act.subject, {}), **act.data, "moved_ms": act.time_ms}
    for row in db.rows("SELECT * FROM intents"):
        cid = row["client_order_id"]
        n, said = static.pop(cid, (0, None))
        if said is None:
            yield Damage(0, f"intent {cid} stands in its table without an act")
            continue
        now = {**_MOVED, "state": "INTENT", "moved_ms": said["created_ms"], **moved.get(cid, {})}
        told = {
            **{name: said[name] for name in STATIC_COLUMNS},
            **{name: now[name] for name in (*_MOVED, "state", "moved_ms")},
        }
        if any(row[name] != value for name, value in told.items()):
            yield Damage(n, f"says otherwise than the table about intent {cid}")
    yield from _absent("intent", static)


def _cancels(db: Database, chain: Chain) -> Iterator[Damage]:
    said: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
    for act in chain.acts(kind="cancel"):
        fields = {"state": "SENT", "reason": "", "sent_ms": act.time_ms, "moved_ms": act.time_ms}
        said[act.subject, act.data["cycle"]] = (act.n, {**act.data, **fields})
    for act in chain.acts(kind="cancel-state"):
        _, known = said.get((act.subject, act.data["cycle"]), (0, {}))
        known |= {**act.data, "moved_ms": act.time_ms}
    for row in db.rows("SELECT * FROM cancels"):
        key = (row["client_order_id"], row["cycle"])
        n, fields = said.pop(key, (0, {}))
        if not n:
            yield Damage(0, f"a cancel of order {key[0]} stands in its table without an act")
        elif any(row[name] != value for name, value in fields.items()):
            yield Damage(n, f"says otherwise than the table about a cancel of order {key[0]}")
    yield from _absent("a cancel of", said)


def _settings(db: Database, chain: Chain) -> Iterator[Damage]:
    """Halt, pauses and what start-up could not explain: what the last act about each says."""
    last = {act.subject: (act.n, canonical(act.data["value"])) for act in chain.acts(kind="setting")}
    rows: dict[str, str] = dict(db.each("SELECT key, value FROM settings"))
    for name in sorted(ACT_SETTINGS):
        n, said = last.get(name, (0, None))
        if rows.get(name) != said:
            yield Damage(n, f"says otherwise than the table about the setting {name}")


def _orders(db: Database, chain: Chain) -> Iterator[Damage]:
    last = {act.subject: (act.n, act.data) for act in chain.acts(kind="order")}
    booked: dict[str, list[Decimal]] = {}
    for fill in chain.acts(kind="fill"):
        booked.setdefault(fill.subject, []).append(Decimal(fill.data["quantity"]))
    for row in db.rows("SELECT * FROM orders"):
        cid = row["client_order_id"]
        n, said = last.pop(cid, (0, None))
        if said is None:
            yield Damage(0, f"order {cid} stands in its table without an act")
        elif any(row[name] != said[name] for name in ORDERS.columns if name not in _SUMS):
            yield Damage(n, f"says otherwise than the table about order {cid}")
        elif row["booked"] != plain(total(booked.get(cid, []))):
            yield Damage(n, f"order {cid}: booked {row['booked']} is not the sum of its fills")
        elif row["settled"] != int(row["status"] in TERMINAL and row["booked"] == row["executed"]):
            yield Damage(n, f"order {cid}: whether it is settled does not follow from its state and fills")
    yield from _absent("order", last)


def _fills(db: Database, chain: Chain) -> Iterator[Damage]:
    said = {(act.data["symbol"], act.data["trade_id"]): (act.n, act.body) for act in chain.acts(kind="fill")}
    for row in db.rows("SELECT * FROM fills"):
        key = (row["symbol"], row["trade_id"])
        n, body = said.pop(key, (0, None))
        if body is None:
            yield Damage(0, f"trade {key[1]} of {key[0]} stands in its table without an act")
        elif json.loads(body) != {name: row[name] for name in FILL_COLUMNS}:
            yield Damage(n, f"says otherwise than the table about trade {key[1]} of {key[0]}")
    yield from _absent("trade", said)


def _absent(what: str, left: dict[Any, tuple[int, Any]]) -> Iterator[Damage]:
    for key, (n, _) in left.items():
        yield Damage(n, f"tells of {what} {key}, which its table lacks")
