"""The record: the commit of a cycle against one bare durable row, and verification against bare hashing.

A bare row is an INSERT in a transaction of its own, in a database with the same settings (WAL, synchronous FULL) in
the same folder: what any durable record costs on this disk. Bare hashing reads the same texts and does a SHA-256
over them, row by row, and looks at nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from autotrader.engine.due import due
from autotrader.engine.requests import Context
from autotrader.records.evaluations import Evaluation
from autotrader.records.places import DATABASE, Identity
from autotrader.records.store import Store
from autotrader.trading.evaluation import evaluation_body
from autotrader.trading.inputs import Inputs, decided
from benchmarks.measure import Row, Size, in_turn
from benchmarks.rules import NOW_MS, plan_of, sources

WORLD = Identity(mode="live", base_url="http://127.0.0.1:1", fingerprint="k")
RULES, COMMITS, MINUTE_MS = 10, 20, 60_000


def rows(size: Size) -> list[Row]:
    """Both."""
    with TemporaryDirectory() as folder:
        return [_commits(size, Path(folder)), _verification(size, Path(folder))]


def _commits(size: Size, folder: Path) -> Row:
    """As `cycle` does it: counter, evaluation, one act of the chain, the time; all in one transaction."""
    plan, seen = plan_of(RULES, RULES), sources(RULES)
    found = due(plan, {}, (), (), None, NOW_MS)
    given = Inputs(plan=plan, due=found, sources=seen, states={}, runs=(), context=Context(store_id="bench"))
    outcome = decided(given)
    names = tuple(rule.id for rule in plan.rules)
    now_ms = NOW_MS
    with Store.open(folder / "store", WORLD, now_ms=NOW_MS) as store, closing(_bare(folder / "bare.db")) as bare:
        with store.transaction():
            text = store.chain.keep_text("the plan")

        def cycles() -> None:
            nonlocal now_ms
            for _ in range(COMMITS):
                now_ms += MINUTE_MS
                body = evaluation_body(given, outcome)
                with store.transaction():
                    number = store.counters.next("cycle")
                    store.evaluations.add(Evaluation(cycle=number, time_ms=now_ms, plan=text, rules=names, body=body))
                    store.chain.append(now_ms, "decision", names[0], {"cycle": number})
                    store.settings.set("last_seen_ms", now_ms, now_ms)

        def inserts() -> None:
            for _ in range(COMMITS):
                bare.execute("BEGIN IMMEDIATE")
                bare.execute("INSERT INTO rows (body) VALUES (?)", (bytes(200),))
                bare.execute("COMMIT")

        mine, theirs = in_turn(size.rounds, cycles, inserts)
    each = [tuple(took / COMMITS for took in times) for times in (mine, theirs)]
    what = f"the commit of a cycle of {RULES} rules"
    return Row(what, "one bare durable SQLite row", each[0], each[1], "evaluation, chain, head file")


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
    return connection


def _verification(size: Size, folder: Path) -> Row:
    place = folder / "long"
    with Store.open(place, WORLD, now_ms=NOW_MS) as store:
        with store.transaction():
            for number in range(size.rows):
                body = {"level": "info", "text": f"row {number} of a long record", "channel": "default"}
                store.chain.append(NOW_MS + number, "notice", "", body)
        with closing(sqlite3.connect(place / DATABASE)) as bare:

            def ours() -> None:
                report = store.verify()
                assert report.whole
                assert report.rows >= size.rows

            def hashing() -> None:
                for prev, row in bare.execute("SELECT prev, kind || subject || body FROM chain ORDER BY n"):
                    hashlib.sha256(prev + row.encode()).digest()

            mine, theirs = in_turn(max(1, size.rounds // 2), ours, hashing)
    each = sorted(size.rows / took for took in mine)[len(mine) // 2]
    note = f"{each / 1000:.0f}k rows a second" if each >= 1000 else f"{each:.0f} rows a second"
    return Row(f"`audit verify` of {size.rows:,} rows", "reading and hashing the same rows", mine, theirs, note)
