"""The small tables: rule states, runs, settings, counters, failed requests.

States and runs are the engine's values (`forms` says how they are written). Settings are JSON values under names
(`SETTINGS` lists ours), so that what must survive a restart has one obvious place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.errors import RecordsBroken
from autotrader.language.requests import RunKey
from autotrader.records.canon import canonical
from autotrader.records.chain import Chain
from autotrader.records.database import Database
from autotrader.records.forms import from_json, run_from_json, run_to_json, to_json

# name: what it holds
SETTINGS: dict[str, str] = {
    "halt": "null or {reason, level, since_ms}: nothing is placed until it is resumed",
    "paused": "list of rule ids that do not fire",
    "last_seen_ms": "venue ms of the last cycle",
    "refusals_since_ms": "refusals before this moment do not count (set by resume)",
    "inbox_done": "number of the last inbox entry that was carried out",
    "trade_cursors": "symbol -> highest trade id up to which everything is booked",
    "unexplained": "client order id -> what start-up could not explain; not armed while there is one",
    "paper": "the paper account: balances, orders, last trade ids",
    "plan": "hash of the kept text of the rules and settings that were opened last",
    "missed": "how many slots have passed unevaluated so far",
    "unwitnessed": "null or {reason, since_ms}: checkpoints of the chain cannot be written",
}

# Changes of these are acts: they decide what may be traded. The rest moves with every cycle.
ACT_SETTINGS = frozenset({"halt", "paused", "unexplained"})


class States:
    """The engine's state per rule, symbol and order."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> dict[StateKey, RuleState]:
        """Every state, by key. Raises RecordsBroken for rows that are not what this program writes."""
        rows = self._db.rows("SELECT rule, symbol, order_id, body FROM states ORDER BY rule, symbol, order_id")
        with _readable(self._db):
            return {StateKey(*key): from_json(RuleState, json.loads(body)) for *key, body in rows}

    def put(self, states: Mapping[StateKey, RuleState]) -> None:
        """Write these states; others stay."""
        for key, state in states.items():
            body = canonical(to_json(state))
            self._db.write("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", (*key, body))

    def drop(self, key: StateKey) -> None:
        """Forget one state."""
        self._db.write("DELETE FROM states WHERE rule = ? AND symbol = ? AND order_id = ?", tuple(key))


class Runs:
    """The engine's unfinished runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> tuple[Run, ...]:
        """Every run. Raises RecordsBroken for rows that are not what this program writes."""
        rows = self._db.rows("SELECT body FROM runs ORDER BY id")
        with _readable(self._db):
            return tuple(run_from_json(json.loads(body)) for (body,) in rows)

    def put(self, run: Run) -> None:
        """Write one run."""
        body = canonical(run_to_json(run))
        self._db.write("INSERT OR REPLACE INTO runs VALUES (?, ?)", (canonical(run.key), body))

    def drop(self, key: RunKey) -> None:
        """Forget one that has ended."""
        self._db.write("DELETE FROM runs WHERE id = ?", (canonical(key),))


@contextmanager
def _readable(db: Database) -> Iterator[None]:
    """What a row that this program never wrote means for the user."""
    try:
        yield
    except (LookupError, TypeError, ValueError) as error:
        raise RecordsBroken(
            f"the rule states in {db.path.parent} cannot be read: {error}",
            hint="restore the backup of this store, or start over with another --state folder",
        ) from error


class KeptSettings:
    """JSON values under fixed names."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._db = db
        self._chain = chain

    def get(self, name: str, default: Any = None) -> Any:
        """A value; `default` where none was set."""
        text = self._text(name)
        return default if text is None else json.loads(text)

    def set(self, name: str, value: object, time_ms: int) -> None:
        """Write a value; those that decide what may be traded are acts of the chain. The same value again is no act."""
        text = canonical(value)
        if self._text(name) == text:
            return
        self._db.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, text))
        if name in ACT_SETTINGS:
            self._chain.append(time_ms, "setting", name, {"value": value})

    def _text(self, name: str) -> str | None:
        return self._db.remembered(("settings",), self._all).get(_known(name))

    def _all(self) -> dict[str, str]:
        return {row["key"]: str(row["value"]) for row in self._db.rows("SELECT key, value FROM settings")}


class Counters:
    """Numbers that only grow."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def next(self, name: str) -> int:
        """Count up and return: 1, 2, 3, … also over restarts."""
        self._db.write("INSERT OR IGNORE INTO counters VALUES (?, 0)", (name,))
        self._db.write("UPDATE counters SET value = value + 1 WHERE name = ?", (name,))
        return self.value(name)

    def value(self, name: str) -> int:
        """How far it has counted."""
        row = self._db.row("SELECT value FROM counters WHERE name = ?", (name,))
        return 0 if row is None else int(row["value"])


class Errors:
    """Failed requests of the last days, for `errors(15m)`; not acts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, time_ms: int, what: str) -> None:
        """Note one."""
        self._db.write("INSERT INTO errors (time_ms, what) VALUES (?, ?)", (time_ms, what))

    def since(self, since_ms: int) -> tuple[int, ...]:
        """Their times since then."""
        rows = self._db.rows("SELECT time_ms FROM errors WHERE time_ms >= ? ORDER BY time_ms", (since_ms,))
        return tuple(row["time_ms"] for row in rows)

    def prune(self, before_ms: int) -> None:
        """Forget older ones."""
        self._db.write("DELETE FROM errors WHERE time_ms < ?", (before_ms,))


def _known(name: str) -> str:
    if name not in SETTINGS:
        raise KeyError(f"no setting is called {name}")
    return name
