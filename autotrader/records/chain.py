"""The chain: every act, in order, each row bound to the one before it by SHA-256.

Append-only and kept for ever. A change, a removal, a swap or a cut of rows breaks either a hash, a number, or a
checkpoint of the second file (`heads`). The text of a body is hashed as it is stored, so that verifying needs no
parsing and no version of our code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from autotrader.records.canon import canonical, genesis, row_hash, text_hash
from autotrader.records.database import Database
from autotrader.records.heads import Head
from autotrader.structs import dataclass

_ALL = "SELECT n, time_ms, kind, subject, body, prev, hash FROM chain ORDER BY n"
MOST_PROBLEMS = 20
_KINDS = (int, int, str, str, str, bytes, bytes)  # of a row's values; in a damaged file they may be anything
OPENED, CLOSED = "opened", "closed"  # the first and the last act of a process that ended properly


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One row of the chain. `subject` is what it is about: a client order id, a rule, a plan's hash, or ""."""

    n: int
    time_ms: int
    kind: str
    subject: str
    body: str
    hash: str

    @property
    def data(self) -> dict[str, Any]:
        """The body, parsed."""
        return dict(json.loads(self.body))


@dataclass(frozen=True, slots=True)
class Damage:
    """What does not verify: the row (0: the chain as a whole), what is wrong, what was expected and found."""

    n: int
    what: str
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        detail = f", expected {self.expected[:16]}, found {self.found[:16]}" if self.expected else ""
        return (f"record {self.n} {self.what}" if self.n else self.what) + detail


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What verification saw. The chain is whole if there is no problem; at most 20 are listed.

    `proven` checkpoints bear a right HMAC; `notes` say what could not be checked, and why.
    """

    rows: int
    first_ms: int | None
    last_ms: int | None
    head: Head | None
    problems: tuple[Damage, ...]
    proven: int = 0
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything verifies."""
        return not self.problems


class Chain:
    """The acts of one store."""

    def __init__(self, db: Database, store_id: str) -> None:
        self._db = db
        self._genesis = genesis(store_id)

    def append(self, time_ms: int, kind: str, subject: str, body: Mapping[str, object]) -> Act:
        """Add one act inside the open transaction; returns it with its number and hash."""
        n, prev = self._tip()
        text = canonical(body)
        digest = row_hash(prev, n + 1, time_ms, kind, subject, text)
        self._db.write(
            "INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)", (n + 1, time_ms, kind, subject, text, prev, digest)
        )
        return Act(n=n + 1, time_ms=time_ms, kind=kind, subject=subject, body=text, hash=digest.hex())

    def keep_text(self, text: str) -> str:
        """Store a text once under its hash (rule files, plans); returns the hash to name it by in acts."""
        name = text_hash(text)
        self._db.write("INSERT OR IGNORE INTO texts VALUES (?, ?)", (name, text))
        return name

    def text(self, name: str) -> str | None:
        """A kept text by its hash."""
        row = self._db.row("SELECT text FROM texts WHERE hash = ?", (name,))
        return None if row is None else str(row["text"])

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every kept text with its hash."""
        yield from self._db.each("SELECT hash, text FROM texts ORDER BY hash")

    def head(self) -> Head | None:
        """The newest row, None for an empty chain."""
        n, digest = self._tip()
        return Head(n, digest.hex()) if n else None

    def _tip(self) -> tuple[int, bytes]:
        """Number and hash of the newest row; 0 and the genesis where there is none."""
        return self._db.remembered(("tip",), self._read_tip)

    def _read_tip(self) -> tuple[int, bytes]:
        row = self._db.row("SELECT n, hash FROM chain ORDER BY n DESC LIMIT 1")
        return (0, self._genesis) if row is None else (row["n"], row["hash"])

    def acts(
        self, *, kind: str | None = None, subject: str | None = None, after: int = 0, since_ms: int | None = None
    ) -> Iterator[Act]:
        """Acts in order, narrowed by kind, subject, number or time."""
        clauses, values = ["n > ?"], [after]
        wanted: list[str | int] = list(values)
        for clause, value in (("kind = ?", kind), ("subject = ?", subject), ("time_ms >= ?", since_ms)):
            if value is not None:
                clauses.append(clause)
                wanted.append(value)
        sql = f"SELECT n, time_ms, kind, subject, body, hash FROM chain WHERE {' AND '.join(clauses)} ORDER BY n"  # noqa: S608 - fixed clauses, bound values
        for n, time_ms, act_kind, act_subject, body, digest in self._db.each(sql, wanted):
            yield Act(n=n, time_ms=time_ms, kind=act_kind, subject=act_subject, body=body, hash=digest.hex())

    def latest(self, count: int, *, kind: str | None = None, subject: str | None = None) -> tuple[Act, ...]:
        """The newest `count` acts, oldest first."""
        clauses, values = ["1"], []
        for clause, value in (("kind = ?", kind), ("subject = ?", subject)):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        sql = f"SELECT * FROM chain WHERE {' AND '.join(clauses)} ORDER BY n DESC LIMIT ?"  # noqa: S608 - as above
        rows = self._db.rows(sql, (*values, count))
        return tuple(
            Act(
                n=row["n"],
                time_ms=row["time_ms"],
                kind=row["kind"],
                subject=row["subject"],
                body=row["body"],
                hash=row["hash"].hex(),
            )
            for row in reversed(rows)
        )

    def verify(self, heads: Sequence[Head], told: Sequence[Head] = ()) -> ChainReport:
        """Check every row, every checkpoint (`heads`, oldest first) and every head that was noted elsewhere (`told`).
        Reads all; changes nothing.
        """
        problems: list[Damage] = []
        witnesses = {head.n: head.hash for head in heads}
        noted = _by_number(told)
        prev, expected_n, rows = self._genesis, 1, 0
        first_ms = last_ms = None
        witnessed, kind, later = 0, "", list[str]()
        for n, time_ms, kind, subject, body, row_prev, digest in self._db.each(_ALL):
            # SQLite keeps any type in any column; a text where a number stood would hash alike
            if tuple(map(type, (n, time_ms, kind, subject, body, row_prev, digest))) != _KINDS:
                problems.append(Damage(expected_n, "is altered: a value is of another kind than was written"))
                break
            if n != expected_n:
                problems.append(Damage(n, f"follows a gap: {n - expected_n} records before it are missing"))
            if row_prev != prev and n == expected_n:  # behind a gap this is no second finding
                problems.append(Damage(n, "does not follow the one before it", prev.hex(), row_prev.hex()))
            # from the row's own link, so that one altered row is one finding and not all that follow
            good = row_hash(row_prev, n, time_ms, kind, subject, body)
            if good != digest:
                problems.append(Damage(n, "altered", digest.hex(), good.hex()))
            if n in witnesses:
                witnessed, later = n, [kind]
                if witnesses.pop(n) != digest.hex():
                    problems.append(Damage(n, "is not the one of the checkpoint"))
            else:
                later.append(kind)
            if n in noted:
                problems += _not_as_told(n, digest.hex(), noted.pop(n))
            if len(problems) > MOST_PROBLEMS:  # a file of noise must not fill the memory with findings
                break
            prev, expected_n, rows = digest, n + 1, rows + 1
            first_ms, last_ms = (time_ms if first_ms is None else first_ms), time_ms
        else:
            problems += _unseen(witnesses, expected_n - 1, seen_any=bool(heads))
            problems += _never_seen(noted, expected_n - 1)
            problems += _around_close(witnessed, later)
            problems += _disordered(heads)
        head = Head(expected_n - 1, prev.hex()) if rows else None
        behind = expected_n - 1 - witnessed if heads else 0
        return ChainReport(
            rows=rows,
            first_ms=first_ms,
            last_ms=last_ms,
            head=head,
            problems=tuple(problems[:MOST_PROBLEMS]),
            notes=(f"the newest {behind} records have no checkpoint yet",) if behind else (),
        )


def _by_number(told: Sequence[Head]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for head in told:
        found.setdefault(head.n, []).append(head.hash.lower())
    return found


def _not_as_told(n: int, digest: str, noted: Sequence[str]) -> list[Damage]:
    return [Damage(n, "is not the one whose head was noted", hash_hex, digest) for hash_hex in noted
            if not digest.startswith(hash_hex)]  # fmt: skip


def _never_seen(noted: Mapping[int, Sequence[str]], last: int) -> list[Damage]:
    return [
        Damage(0, f"the chain ends at record {last}, head {n} was noted: it was cut off, or an old copy was put back")
        for n in sorted(noted)
    ]


def _around_close(witnessed: int, later: Sequence[str]) -> list[Damage]:
    """What a proper close rules out. `later`: the kinds of the checkpointed record and of those behind it.

    The last act of a process has its checkpoint; and behind that nothing can stand but that the store was opened: a
    crash between commit and checkpoint leaves no more.
    """
    if not witnessed:
        return []
    # one act behind the close is the opening whose checkpoint a crash prevented
    if later[0] == CLOSED and (len(later) > 2 or later[1:2] not in ([], [OPENED])):
        return [Damage(witnessed + 1, "was added after the store was closed")]
    if later[-1] == CLOSED and len(later) > 1:
        return [Damage(0, f"the store was closed, but its checkpoints end at record {witnessed}: they were cut off")]
    return []


def _disordered(heads: Sequence[Head]) -> list[Damage]:
    wrong = next((later.n for head, later in pairwise(heads) if later.n <= head.n), None)
    return [] if wrong is None else [Damage(wrong, "has its checkpoint out of order: the file was rewritten")]


def _unseen(witnesses: Mapping[int, str], last: int, *, seen_any: bool) -> list[Damage]:
    """What the checkpoints know and the chain lacks."""
    beyond = [n for n in witnesses if n > last]
    if beyond:
        return [Damage(0, f"the chain ends at record {last}, a checkpoint saw record {max(beyond)}: it was cut off")]
    if last and not seen_any:
        return [Damage(0, "the file of checkpoints is missing: a cut at the end could not be noticed")]
    return []
