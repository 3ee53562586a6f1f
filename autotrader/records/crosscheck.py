"""Whether the working tables say what the chain says.

Orders, fills and intents are kept in tables so that they can be asked quickly; every change of them is an act. Here
each row is compared with the last act about it: a row that was changed, added or removed behind the chain's back is
found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from autotrader.money import plain, total
from autotrader.records.canon import text_hash
from autotrader.records.chain import Chain, Damage
from autotrader.records.database import Database
from autotrader.records.intents import STATIC_COLUMNS
from autotrader.records.orders import FILL_COLUMNS, ORDER_COLUMNS

# Booked sums change with each fill; they are checked against the fills themselves.
_SUMS = frozenset({"booked", "settled"})


def cross_check(db: Database, chain: Chain) -> Iterator[Damage]:
    """Every difference between the tables and the chain."""
    yield from _texts(db)
    yield from _intents(db, chain)
    yield from _orders(db, chain)
    yield from _fills(db, chain)


def _texts(db: Database) -> Iterator[Damage]:
    for name, text in db.each("SELECT hash, text FROM texts"):
        if text_hash(text) != name:
            yield Damage(0, f"the kept text {name[:12]} was altered", name, text_hash(text))


def _intents(db: Database, chain: Chain) -> Iterator[Damage]:
    static = {act.subject: (act.n, act.data) for act in chain.acts(kind="intent")}
    state = {act.subject: act.data["state"] for act in chain.acts(kind="intent-state")}
    for row in db.rows("SELECT * FROM intents"):
        cid = row["client_order_id"]
        n, said = static.pop(cid, (0, None))
        if said is None:
            yield Damage(0, f"intent {cid} stands in its table without an act")
        elif any(row[name] != said[name] for name in STATIC_COLUMNS) or row["state"] != state.get(cid, "INTENT"):
            yield Damage(n, f"says otherwise than the table about intent {cid}")
    yield from _absent("intent", static)


def _orders(db: Database, chain: Chain) -> Iterator[Damage]:
    last = {act.subject: (act.n, act.data) for act in chain.acts(kind="order")}
    booked: dict[str, list[Decimal]] = {}
    for cid, quantity in db.each("SELECT client_order_id, quantity FROM fills"):
        booked.setdefault(cid, []).append(Decimal(quantity))
    for row in db.rows("SELECT * FROM orders"):
        cid = row["client_order_id"]
        n, said = last.pop(cid, (0, None))
        if said is None:
            yield Damage(0, f"order {cid} stands in its table without an act")
        elif any(row[name] != said[name] for name in ORDER_COLUMNS if name not in _SUMS):
            yield Damage(n, f"says otherwise than the table about order {cid}")
        elif row["booked"] != plain(total(booked.get(cid, []))):
            yield Damage(n, f"order {cid}: booked {row['booked']} is not the sum of its fills")
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
