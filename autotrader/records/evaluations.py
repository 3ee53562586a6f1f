"""What every cycle saw and concluded: one compressed row a cycle, kept for 30 days.

Evaluation is pure, so the row (slots, plan, values, states before) is enough to rebuild any verdict later. Rows are
bulk, not acts: each hour's rows are hashed into the chain by one act (a *seal*), so that altering one is found, and
pruning old ones, which is an act too, leaves the chain whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from autotrader.records.canon import canonical
from autotrader.records.chain import CLOSED, Chain, Damage
from autotrader.records.database import Database
from autotrader.structs import dataclass

HOUR_MS = 3_600_000
KEPT_MS = 30 * 24 * HOUR_MS
_LEVEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One cycle. `rules` are those that were evaluated in it; `body` is plain JSON data of the caller's making:
    evaluated slots, value table, states before, summary of decisions.
    """

    cycle: int
    time_ms: int
    plan: str  # hash of the plan's text, kept by Chain.keep_text
    rules: tuple[str, ...]
    body: Mapping[str, Any]


class Evaluations:
    """The evaluation rows of one store."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._db = db
        self._chain = chain

    def add(self, evaluation: Evaluation) -> None:
        """Record one cycle inside the open transaction; seals the hours before it first."""
        self._seal_before(evaluation.time_ms)  # by the hour: a seal for each cycle would double the chain
        blob = zlib.compress(canonical(evaluation.body).encode(), _LEVEL)
        self._db.write(
            "INSERT INTO evaluations VALUES (?, ?, ?, ?)", (evaluation.cycle, evaluation.time_ms, evaluation.plan, blob)
        )
        for rule in dict.fromkeys(evaluation.rules):
            self._db.write("INSERT INTO evaluated VALUES (?, ?)", (self._rule_id(rule), evaluation.cycle))

    def get(self, cycle: int) -> Evaluation | None:
        """One cycle by its number."""
        row = self._db.row("SELECT * FROM evaluations WHERE cycle = ?", (cycle,))
        if row is None:
            return None
        names = self._db.rows(
            "SELECT name FROM rule_names JOIN evaluated ON rule = id WHERE cycle = ? ORDER BY name", (cycle,)
        )
        return Evaluation(
            cycle=cycle,
            time_ms=row["time_ms"],
            plan=row["plan"],
            rules=tuple(name["name"] for name in names),
            body=json.loads(zlib.decompress(row["body"])),
        )

    def known_rules(self) -> tuple[str, ...]:
        """Every rule that was ever evaluated, by name."""
        return tuple(row["name"] for row in self._db.rows("SELECT name FROM rule_names ORDER BY name"))

    def last(self) -> Evaluation | None:
        """The newest cycle."""
        row = self._db.row("SELECT max(cycle) AS last FROM evaluations")
        return None if row is None or row["last"] is None else self.get(row["last"])

    def cycle_of(self, rule: str, at_ms: int | None = None) -> int | None:
        """The number of the last cycle that evaluated `rule`, at or before `at_ms` (None: the newest)."""
        limit = 1 << 62 if at_ms is None else at_ms
        row = self._db.row(
            "SELECT e.cycle FROM rule_names JOIN evaluated AS d ON d.rule = id JOIN evaluations AS e USING (cycle) "
            "WHERE name = ? AND e.time_ms <= ? ORDER BY d.cycle DESC LIMIT 1",
            (rule, limit),
        )
        return None if row is None else int(row["cycle"])

    def since(self, rule: str, since_ms: int) -> Iterator[Evaluation]:
        """All cycles that evaluated `rule` from a time on, oldest first."""
        rows = self._db.rows(
            "SELECT e.cycle FROM rule_names JOIN evaluated AS d ON d.rule = id JOIN evaluations AS e USING (cycle) "
            "WHERE name = ? AND e.time_ms >= ? ORDER BY d.cycle",
            (rule, since_ms),
        )
        for row in rows:
            found = self.get(row["cycle"])
            if found is not None:
                yield found

    def all(self, since_ms: int = 0) -> Iterator[Evaluation]:
        """All cycles from a time on, oldest first."""
        for row in self._db.rows("SELECT cycle FROM evaluations WHERE time_ms >= ? ORDER BY cycle", (since_ms,)):
            found = self.get(row["cycle"])
            if found is not None:
                yield found

    def seal(self, time_ms: int) -> None:
        """Hash all rows that no seal covers yet into the chain (at close and before pruning)."""
        self._seal(self._unsealed(), time_ms)

    def prune(self, now_ms: int, kept_ms: int = KEPT_MS) -> int:
        """Drop sealed rows older than `kept_ms`, by whole seals; returns how many cycles went."""
        edge = self._prunable(now_ms - kept_ms)
        if edge is None:
            return 0
        # whole seals only, or what is left of one could not be verified
        gone = self._db.write("DELETE FROM evaluations WHERE cycle <= ?", (edge,))
        for row in self._db.rows("SELECT id FROM rule_names"):
            self._db.write("DELETE FROM evaluated WHERE rule = ? AND cycle <= ?", (row["id"], edge))
        self._chain.append(now_ms, "pruned", "", {"to_cycle": edge, "cycles": gone})
        return gone

    def verify(self) -> list[Damage]:
        """Compare the rows with their seals; pruned ranges are allowed to be absent, whole."""
        pruned_to = self._pruned_to()
        problems: list[Damage] = []
        for act in self._chain.acts(kind="evaluations"):
            seal = act.data
            if seal["last"] <= pruned_to:  # pruned as an act: its absence is accounted for
                continue
            first, last = seal["first"], seal["last"]
            count, digest = _digest(self._range(first, last), self._names(first, last))
            if (count, digest) != (seal["count"], seal["hash"]):
                what = f"seals cycles {seal['first']} to {seal['last']}, of which the rows were altered or removed"
                problems.append(Damage(act.n, what, str(seal["hash"]), digest))
        return [*problems, *self._strays(pruned_to)]

    def _strays(self, pruned_to: int) -> Iterator[Damage]:
        """Rows that no seal accounts for; those since the last seal are allowed while the store is not closed."""
        sealed = sum(act.data["count"] for act in self._chain.acts(kind="evaluations") if act.data["last"] > pruned_to)
        closed = any(act.kind == CLOSED for act in self._chain.latest(1))
        # while it runs the newest rows have no seal yet; after a close they must
        until = 1 << 62 if closed else self._sealed_to()
        pruned = self._count("SELECT count(*) FROM evaluations WHERE cycle <= ?", pruned_to)
        if pruned:
            yield Damage(0, f"{pruned} evaluation rows stand in a range that was pruned")
        extra = (
            self._count("SELECT count(*) FROM evaluations WHERE cycle > ? AND cycle <= ?", pruned_to, until) - sealed
        )
        if extra > 0:
            yield Damage(0, f"{extra} evaluation rows stand where no seal knows of them")
        loose = self._count("SELECT count(*) FROM evaluated WHERE cycle NOT IN (SELECT cycle FROM evaluations)")
        if loose:
            yield Damage(0, f"the index of evaluations names {loose} cycles that are not there")

    def _count(self, sql: str, *values: int) -> int:
        return int(next(self._db.each(sql, values))[0])

    def _seal_before(self, time_ms: int) -> None:
        sql = "SELECT time_ms FROM evaluations WHERE cycle > ? ORDER BY cycle LIMIT 1"
        row = self._db.row(sql, (self._sealed_to(),))
        if row is not None and row["time_ms"] // HOUR_MS < time_ms // HOUR_MS:
            self._seal(self._unsealed(), time_ms)

    def _unsealed(self) -> Sequence[tuple[Any, ...]]:
        return list(self._range(self._sealed_to() + 1, 1 << 62))

    def _seal(self, rows: Sequence[tuple[Any, ...]], time_ms: int) -> None:
        if not rows:
            return
        count, digest = _digest(iter(rows), self._names(rows[0][0], rows[-1][0]))
        body = {"first": rows[0][0], "last": rows[-1][0], "count": count, "hash": digest, "last_ms": rows[-1][1]}
        self._chain.append(time_ms, "evaluations", "", body)

    def _range(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        sql = "SELECT cycle, time_ms, plan, body FROM evaluations WHERE cycle BETWEEN ? AND ? ORDER BY cycle"
        return self._db.each(sql, (first, last))

    def _names(self, first: int, last: int) -> Iterator[str]:
        """Which rules were evaluated in these cycles: the index by which `why` finds rows."""
        for rule, name in self._db.rows("SELECT id, name FROM rule_names ORDER BY name"):
            sql = "SELECT cycle FROM evaluated WHERE rule = ? AND cycle BETWEEN ? AND ? ORDER BY cycle"
            cycles = ",".join(str(cycle) for (cycle,) in self._db.each(sql, (rule, first, last)))
            if cycles:
                yield f"{len(name)}|{name}|{cycles}\n"

    def _sealed_to(self) -> int:
        acts = self._chain.latest(1, kind="evaluations")
        return int(acts[0].data["last"]) if acts else 0

    def _pruned_to(self) -> int:
        acts = self._chain.latest(1, kind="pruned")
        return int(acts[0].data["to_cycle"]) if acts else 0

    def _prunable(self, before_ms: int) -> int | None:
        edge, done = None, self._pruned_to()
        for act in self._chain.acts(kind="evaluations"):
            seal = act.data
            if seal["last"] <= done:
                continue
            if seal["last_ms"] >= before_ms:
                break
            edge = int(seal["last"])
        return edge

    def _rule_id(self, name: str) -> int:
        row = self._db.row("SELECT id FROM rule_names WHERE name = ?", (name,))
        if row is None:
            self._db.write("INSERT INTO rule_names (name) VALUES (?)", (name,))
            row = self._db.row("SELECT id FROM rule_names WHERE name = ?", (name,))
        assert row is not None  # noqa: S101 - inserted one line above, in this transaction
        return int(row["id"])


def _digest(rows: Iterator[tuple[Any, ...]], names: Iterator[str]) -> tuple[int, str]:
    whole, count = sha256(), 0
    for cycle, time_ms, plan, body in rows:
        # with lengths, so that no two rows can run together
        whole.update(f"{cycle}|{time_ms}|{len(plan)}|{plan}|{len(body)}|".encode() + body)
        count += 1
    for line in names:
        whole.update(line.encode("utf-8", "surrogatepass"))
    return count, whole.hexdigest()
