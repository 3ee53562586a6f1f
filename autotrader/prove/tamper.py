"""Whatever is altered behind the records' back is found: random tampering with a store that has really lived.

A small world is played twice for a while (with a restart between), halted and closed; the store lies with its audit
key, and the heads that a channel would have been told are kept. Each case takes a fresh copy, does one act of
tampering to database, pages or checkpoints, and looks as a user would: `audit verify`, then the start. The noted heads
are only used for what nothing else can show. What changes no row, no definition and no checkpoint is no tampering and
is drawn anew. Between the cases untouched copies must verify, so that an alarm means something.
"""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from autotrader.errors import AutotraderError
from autotrader.prove.harness import scratch
from autotrader.prove.proof import Case, Progress, Proof, tried, unheard
from autotrader.prove.small_world import harness_of, play_on
from autotrader.prove.tampering import KINDS, TABLES, Tampering
from autotrader.prove.tampering_acts import Copy
from autotrader.records.audit_key import KEY_FILE, make_key
from autotrader.records.heads import Head
from autotrader.records.places import DATABASE, HEADS, Identity
from autotrader.records.store import Store

CONTROL_EVERY: Final = 50
MINUTES: Final = 12
_DRAWS: Final = 40
_WORLDS: Final = 10
_ERROR: Final = "an error of the program"
_MISSED: Final = "not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedStore:
    """A closed store as bytes: now and after its first half, with its key, and the heads that were told elsewhere."""

    name: str
    identity: Identity
    key: bytes
    now: tuple[bytes, bytes]  # database, checkpoints
    before: tuple[bytes, bytes]
    told: tuple[Head, ...]
    closed_ms: int
    rows: int
    content: str


def prove_tamper(cases: int = 1_000, seed: int = 1, first: int = 0, progress: Progress = unheard) -> Proof:
    """Tamper `cases` times, each case with its own draw from `seed` and its number, from number `first` on."""
    with scratch("tamper") as folder:
        life = _rich_life(folder, seed)
        acts = (TamperCase(folder / "case", life, seed, number).played() for number in range(first, first + cases))
        total = tried(acts, cases, progress)
    how = {name: count for name, count in sorted(total.figures.items()) if name != _MISSED}
    figures = {
        "acts of tampering": cases, "found": cases - total.figures[_MISSED], **how, "records in the store": life.rows,
    }  # fmt: skip
    claim = "Whatever is altered, removed, added, reordered, cut off or put back in the records is found."
    return total.proof("tamper", claim, f"seed {seed}, cases {first} to {first + cases - 1}", figures)


def _group(kind: Tampering) -> str:
    """What a kind is counted under: values of one table together."""
    table, dot, _ = kind.name.partition(".")
    return f"values altered in {table}" if dot else kind.name


class TamperCase(Case):
    """One act of tampering, drawn by its number, and by what it is found."""

    promise = "P9"

    def __init__(self, place: Path, life: ClosedStore, seed: int, number: int) -> None:
        super().__init__(f"tamper {seed} {number}", f"tamper --seed {seed} --first {number} --cases 1")
        self._place, self._life, self._number = place, life, number

    def play(self) -> None:
        """Look at an untouched copy now and then; then tamper, and look."""
        # An alarm means something only where untouched copies raise none.
        if self._number % CONTROL_EVERY == 0:
            self.counts.figures["untouched copies that verify"] += 1
            self._control()
        kind, found = self._tampered()
        self.counts.injected[_group(kind)] += 1
        self.counts.figures[f"found by {found}" if found else _MISSED] += 1
        if not found or found == _ERROR:
            self.breach(f"found by {found}: {kind.name}" if found else f"not found: {kind.name}")

    def _control(self) -> None:
        found = _look(_laid_out(self._place, self._life).folder, self._life, self._life.told)
        if found:
            self.breach(f"a false alarm by {found}: nothing was altered")

    def _tampered(self) -> tuple[Tampering, str]:
        """The kind of tampering, and by what it was found, "" where it was not."""
        life, kind = self._life, KINDS[self._number % len(KINDS)]
        # A draw may put a value where the same one stood: that is no tampering, and finding it would be a false alarm.
        for _ in range(_DRAWS):
            copy = _laid_out(self._place, life)
            kind.act(copy, self.chance)
            if _is_tampered(copy, life):
                return kind, _look(copy.folder, life, life.told if kind.needs_head else ())
        raise RuntimeError(f"{kind.name} altered nothing in {_DRAWS} draws")


def _laid_out(place: Path, life: ClosedStore) -> Copy:
    folder = place / life.name
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    (folder / DATABASE).write_bytes(life.now[0])
    (folder / HEADS).write_bytes(life.now[1])
    key = place / KEY_FILE
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(life.key)
    return Copy(folder=folder, before=life.before, last_ms=life.closed_ms)


def _is_tampered(copy: Copy, life: ClosedStore) -> bool:
    heads = copy.heads.read_bytes() if copy.heads.exists() else None
    return heads != life.now[1] or _content(copy.database) != life.content


def _content(path: Path) -> str:
    """A hash of all that the database says; "" where it cannot be read whole."""
    whole = sha256()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            for pragma in ("application_id", "user_version"):
                whole.update(_marshalled(db.execute(f"PRAGMA {pragma}").fetchall()))
            tables = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
            whole.update(_marshalled(tables))
            for name in [row[1].decode() for row in tables if row[0] == b"table"]:
                whole.update(_marshalled(db.execute(f'SELECT * FROM "{name}"').fetchall()))  # noqa: S608 - of the schema
    except (sqlite3.Error, UnicodeDecodeError):
        return ""
    return whole.hexdigest()


def _marshalled(rows: list[Any]) -> bytes:
    """Rows as bytes that tell values and their kinds apart; format 2 writes equal values alike."""
    return marshal.dumps(rows, 2)


def _look(folder: Path, life: ClosedStore, told: Sequence[Head]) -> str:
    """What a user does who wonders: verify, with what was noted elsewhere, then start. By what it is found, or ""."""
    seen = [found for found in (_by(partial(_verified, folder, told)), _by(partial(_opened, folder, life))) if found]
    return _ERROR if _ERROR in seen else next(iter(seen), "")


def _by(look: Callable[[], str]) -> str:
    try:
        return look()
    except AutotraderError:
        return "a refusal to open it"
    except Exception:  # noqa: BLE001 - whatever it is, it is not what a user should see
        return _ERROR


def _verified(folder: Path, told: Sequence[Head]) -> str:
    with Store.read(folder) as store:
        return "" if store.verify(told).whole else "verify"


def _opened(folder: Path, life: ClosedStore) -> str:
    Store.open(folder, life.identity, now_ms=life.closed_ms + 1).close()
    return ""


# ------------------------------------------------------------------------------------------------------ the life
def _rich_life(folder: Path, seed: int) -> ClosedStore:
    """A life in which every table that is tampered with has rows: the first such world from the seed on."""
    for number in range(_WORLDS):
        life = _lived(folder / f"life {number}", seed + number * 1_000)
        with closing(sqlite3.connect(folder / f"life {number}" / life.name / DATABASE)) as db:
            if all(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES):  # noqa: S608 - our names
                return life
    raise RuntimeError(f"no world of seed {seed} and {_WORLDS - 1} others fills every table")


def _lived(state: Path, seed: int) -> ClosedStore:
    """Play the world of a seed in two halves and close it, halted."""
    state.mkdir(parents=True)
    make_key(state, {})
    harness = harness_of(state, seed)
    folder = play_on(harness, MINUTES)
    before, first = _bytes(folder), _head(folder)
    play_on(harness, MINUTES, lambda world: world.store.halt("the proof ends here", world.connection.clock.now_ms()))
    with Store.read(folder) as store:
        report, identity = store.verify(), store.identity
        if not report.whole or report.head is None or report.last_ms is None:
            raise RuntimeError(f"the store of the proof is not whole: {report.problems}")
        return ClosedStore(
            name=folder.name,
            identity=identity,
            key=(state / KEY_FILE).read_bytes(),
            now=_bytes(folder),
            before=before,
            told=(first, report.head),
            closed_ms=report.last_ms,
            rows=report.rows,
            content=_content(folder / DATABASE),
        )


def _bytes(folder: Path) -> tuple[bytes, bytes]:
    return (folder / DATABASE).read_bytes(), (folder / HEADS).read_bytes()


def _head(folder: Path) -> Head:
    with Store.read(folder) as store:
        head = store.head()
    if head is None:
        raise RuntimeError("the store of the proof is empty")
    return head
