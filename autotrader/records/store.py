"""The store: one folder, one writer, everything this world's autotrader knows.

`Store.open` takes the writer's lock, checks the files and hands out the tables as attributes. All writing happens in
`with store.transaction():` — intents, next states and the evaluation row of a cycle go to disk together or not at all.
After each commit the chain's head is noted in the second file. `Store.read` opens the same tables for looking only,
also while the service runs.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from autotrader.engine.halt import Halt, HaltLevel, stronger, strongest
from autotrader.errors import ConfigError, RecordsBroken
from autotrader.market.account import OwnRecord
from autotrader.orders import Side
from autotrader.records.audit_key import FILE_VARIABLE, find_key
from autotrader.records.birth import create_or_compare, whole_number
from autotrader.records.cancels import Cancels
from autotrader.records.chain import CLOSED, OPENED, Act, Chain, ChainReport, Damage
from autotrader.records.crash import crash_point
from autotrader.records.crosscheck import cross_check, differs_since_close, tables_hash
from autotrader.records.database import Database, open_database
from autotrader.records.evaluations import Evaluations
from autotrader.records.halt_file import read_halt_file, write_halt_file
from autotrader.records.heads import Head, HeadsFile, check_macs, read_heads
from autotrader.records.inbox import Inbox
from autotrader.records.intents import Intents
from autotrader.records.migrate import migrate
from autotrader.records.orders import Orders
from autotrader.records.own import DayRecord, own_record, read_day, refusals
from autotrader.records.places import DATABASE, HALT_FILE, HEADS, INBOX, Identity, WriterLock
from autotrader.records.values import Counters, Errors, KeptSettings, Runs, States

NoticeLevel = Literal["info", "warn", "critical"]


def new_store_id() -> str:
    """Eight random base-32 characters; the first four stand in every client order id."""
    return base64.b32encode(secrets.token_bytes(5)).decode().lower()  # drawn: a copy of a project must not make our ids


class Store:
    """One store. Attributes are its tables: chain, evaluations, states, runs, settings, counters, errors, intents,
    cancels, orders.
    """

    def __init__(self, folder: Path, db: Database, lock: WriterLock | None) -> None:
        """Use `Store.open` or `Store.read`."""
        self.folder = folder
        self._db = db
        self._lock = lock
        meta = {row["key"]: row["value"] for row in db.rows("SELECT key, value FROM meta")}
        self.identity = Identity(mode=meta["mode"], base_url=meta["base_url"], fingerprint=meta["fingerprint"])
        self.id: str = meta["store_id"]
        self.created_ms = whole_number(meta["created_ms"])
        self.chain = Chain(db, self.id)
        self.evaluations = Evaluations(db, self.chain)
        self.states = States(db)
        self.runs = Runs(db)
        self.settings = KeptSettings(db, self.chain)
        self.counters = Counters(db)
        self.errors = Errors(db)
        self.intents = Intents(db, self.chain, self.id)
        self.cancels = Cancels(db, self.chain)
        self.orders = Orders(db, self.chain)
        self._heads = HeadsFile(folder / HEADS, self.id, find_key(folder.parent)) if lock is not None else None
        self._noted: Head | None = None
        self._opened_ms: int | None = None  # when it was opened, until that is an act
        self._halted_here: Halt | None = None
        self._own: tuple[DayRecord, tuple[int, tzinfo], OwnRecord] | None = None  # the last one made, and of what

    # ------------------------------------------------------------------------------------------- opening, closing
    @classmethod
    def open(
        cls,
        folder: Path,
        identity: Identity,
        *,
        now_ms: int,
        make_id: Callable[[], str] = new_store_id,
        rekey: bool = False,
    ) -> Store:
        """Open for writing; makes the store where there is none. `rekey`: go on with another audit key, or none.

        Raises SafetyRefused (another writer; a store of another world), RecordsBroken (damaged, foreign or newer
        files; an old copy put back), ConfigError (the folder cannot be made).
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"the folder {folder} cannot be made: {error.strerror}") from error
        # before the database is opened: a second writer must not even read with the right to write
        lock = WriterLock(folder)
        try:
            db = open_database(folder / DATABASE)
        except BaseException:
            lock.close()
            raise
        try:
            migrate(db, now_ms)
            db.check()
            create_or_compare(db, folder, identity, now_ms=now_ms, make_id=make_id)
            store = cls(folder, db, lock)
            store._compare_with_heads(rekey=rekey)  # before anything is written on an old copy
            store._compare_with_close(now_ms)
            return store
        except BaseException:
            db.close()
            lock.close()
            raise

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Open for looking only; works while the service runs. Raises RecordsBroken."""
        db = open_database(folder / DATABASE, read_only=True)
        try:
            return cls(folder, db, None)
        except KeyError as error:
            db.close()
            raise RecordsBroken(f"the records in {folder} were never completed: {error} is missing") from error
        except BaseException:
            db.close()
            raise

    def close(self, now_ms: int | None = None) -> None:
        """Seal the evaluations (given the time), note the head, give the lock back. Closing twice does nothing."""
        if self._lock is None:
            self._db.close()
            return
        try:
            # Else nothing was written since it was opened, and what the last close said still holds.
            if now_ms is not None and self._opened_ms is None:
                with self.transaction():
                    self.evaluations.seal(now_ms)
                    self.chain.append(now_ms, CLOSED, "", {"tables": tables_hash(self._db)})
            crash_point("closing")
        finally:
            self._db.close()
            if self._heads is not None:
                self._heads.close()
            self._lock.close()

    def abandon(self) -> None:
        """End as a process that dies would: nothing is sealed or flushed, an open transaction is lost."""
        self._db.close()
        if self._heads is not None:
            self._heads.abandon()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ transactions
    @contextmanager
    def transaction(self) -> Iterator[Store]:
        """All writes inside go to disk together, or none does. One inside another joins it.

        Raises RecordsBroken where it could not be made durable; nothing was written then.
        """
        outermost = not self._db.in_transaction  # a transaction inside another joins it: the outer one decides
        if outermost and self._opened_ms is not None:
            self._say_opened(self._opened_ms)
        with self._db.transaction():
            yield self
        if outermost:
            crash_point("head_unwritten")
            self._note_head()

    def _say_opened(self, time_ms: int) -> None:
        """The first write after a proper close: from here on the hash of the tables in that act is of the past."""
        with self._db.transaction():
            self.chain.append(time_ms, OPENED, "", {})
        self._opened_ms = None
        self._note_head()

    @property
    def in_transaction(self) -> bool:
        """Whether one is open now; nothing may be sent while it is."""
        return self._db.in_transaction

    def _note_head(self) -> None:
        head = self.chain.head()
        if head is not None and head != self._noted and self._heads is not None:  # most commits add no act
            self._heads.append(head)
            self._noted = head

    @property
    def witness_error(self) -> str | None:
        """Why the last checkpoint could not be written, None if it was."""
        return self._heads.error if self._heads is not None else None

    def note_witness(self, now_ms: int) -> str | None:
        """Keep for every reader whether checkpoints can be written; what to tell where that has changed, else None."""
        error, kept = self.witness_error, self.settings.get("unwitnessed")
        if (error is None) == (kept is None):  # the error names a record, so another text is no other trouble
            return None
        with self.transaction():
            told = None if error is None else {"reason": error, "since_ms": now_ms}
            self.settings.set("unwitnessed", told, now_ms)
        if error is None:
            return "checkpoints of the records are written again"
        return f"checkpoints of the records are not written, nothing else would show a cut-off end: {error}"

    # ------------------------------------------------------------------------------------------------- whole record
    def own_record(self, now_ms: int, zone: tzinfo = UTC) -> OwnRecord:
        """This store's orders, fills and failures, as the engine reads them. Whoever decides, judges or admits asks for
        it; it is made anew for another moment, and after every write that it could show.
        """
        day = self._db.remembered(("day",), lambda: self._read_day(now_ms))  # until the next write
        if day.now_ms > now_ms:  # the clock was set back: what had fallen out of the day may belong to it again
            day = self._read_day(now_ms)
        if self._own is None or self._own[0] is not day or self._own[1] != (now_ms, zone):
            self._own = day, (now_ms, zone), own_record(day, now_ms, zone, self.orders)
        return self._own[2]

    def refusals_in_a_row(self) -> int:
        """How many orders were refused or of unknown fate since the last that was taken, and since the last resume."""
        return self._db.remembered(("refusals",), lambda: refusals(self.intents, self.settings))

    def _read_day(self, now_ms: int) -> DayRecord:
        return read_day(
            now_ms,
            intents=self.intents,
            orders=self.orders,
            cancels=self.cancels,
            errors=self.errors,
            refusals=self.refusals_in_a_row(),
        )

    def notice(self, time_ms: int, level: NoticeLevel, text: str, **more: object) -> Act:
        """Record something that people should know. Inside a transaction, or in one of its own."""
        with self.transaction():
            return self.chain.append(time_ms, "notice", "", {"level": level, "text": text, **more})

    def verify(self, told: Sequence[Head] = ()) -> ChainReport:
        """Verify chain, checkpoints, seals, kept texts, and the tables against the chain. Changes nothing.

        `told` are heads that were noted elsewhere earlier (hashes may be cut to 16 digits or more); each must be in
        the chain. `notes` of the report say what could not be checked.
        """
        heads = read_heads(self.folder / HEADS)  # before the snapshot: an honest chain is never behind them
        signed = check_macs(heads, self.id, find_key(self.folder.parent))
        with self._db.snapshot():  # one picture of the database, although the service goes on writing
            report = self.chain.verify(heads, told)
            problems = report.problems or (*self.evaluations.verify(), *cross_check(self._db, self.chain))
        return ChainReport(
            rows=report.rows,
            first_ms=report.first_ms,
            last_ms=report.last_ms,
            head=report.head,
            problems=(*(Damage(n, what) for n, what in signed.wrong), *problems),
            proven=signed.proven,
            notes=(*((signed.unchecked,) if signed.unchecked else ()), *report.notes),
        )

    def halted(self, side: Side | None = None) -> str | None:
        """Why no order of a side may be placed, None where it may. Without a side: whether there is any halt at all."""
        halt = self.halt_in_force()
        return halt.reason if halt is not None and (side is None or halt.stops(side)) else None

    def halt_in_force(self) -> Halt | None:
        """What stops placing: a halt, or a difference to the exchange that waits for a person's word."""
        waiting = self.read_only()
        return strongest(*self._halts(), None if waiting is None else Halt(waiting))

    def read_only(self) -> str | None:
        """What start-up found at the exchange and could not explain, None where nothing waits for a person's word."""
        waiting = self.settings.get("unexplained")
        if not waiting:
            return None
        cid, text = next(iter(waiting.items()))  # the oldest first: words are taken one after the other
        more = f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else ""
        return f"{text}{more}: `autotrader adopt {cid}` or `autotrader ignore {cid}`"

    def halt_reason(self) -> str | None:
        """Why it is halted (in this process, in the records, by the halt file alone), None where no halt was made."""
        halt = self.halt_made()
        return None if halt is None else halt.reason

    def halt_made(self) -> Halt | None:
        """The strongest halt of three places: this process, the records, the halt file."""
        return strongest(*self._halts())

    def _halts(self) -> tuple[Halt | None, Halt | None, Halt | None]:
        return self._halted_here, self._halt_recorded(), read_halt_file(self.folder)

    def _halt_recorded(self) -> Halt | None:
        halt: Mapping[str, str] | None = self.settings.get("halt")
        return None if halt is None else Halt(halt["reason"], HaltLevel(halt["level"]))

    def halt_at_once(self, halt: Halt) -> None:
        """Stop placing, in this process and by the halt file, without the database: safe in a signal handler. It does
        not weaken a stronger halt. `keep_halt` writes it into the records.
        """
        self._halted_here = stronger(self._halted_here, halt)  # in memory first: it always can be
        with suppress(ConfigError):  # a full disk: the database may still have room, and this process knows
            write_halt_file(self.folder, halt)

    def halt(self, reason: str, time_ms: int, level: HaltLevel = HaltLevel.HALT) -> None:
        """Stop placing until resumed, over restarts too. Of halts of one level the first reason stays; a weaker level
        never replaces a stronger one.

        Kept three times, so that one place suffices: in this process, in the halt file, in the database. Raises
        RecordsBroken where the database cannot be written; this process is halted all the same.
        """
        self.halt_at_once(Halt(reason, level))
        self.keep_halt(time_ms)

    def keep_halt(self, time_ms: int) -> None:
        """Write this process's halt into the records, where they do not have it, nor a stronger one."""
        here, kept = self._halted_here, self._halt_recorded()
        if here is None or stronger(kept, here) is kept:  # later ones follow from the first
            return
        with self.transaction():
            facts = {"reason": here.reason, "level": here.level, "since_ms": time_ms}
            self.settings.set("halt", facts, time_ms)
            crash_point("halt_uncommitted")

    def resume(self, time_ms: int) -> None:
        """Lift the halt; refusals before now do not count any more."""
        with self.transaction():
            self.settings.set("halt", None, time_ms)
            self.settings.set("refusals_since_ms", time_ms, time_ms)
        # after the records: a crash in between leaves it halted, which is the safe side
        (self.folder / HALT_FILE).unlink(missing_ok=True)
        self._halted_here = None

    def inbox(self) -> Inbox:
        """The store's inbox; the caller closes it."""
        return Inbox(self.folder / INBOX)

    def _compare_with_close(self, now_ms: int) -> None:
        last = self.chain.latest(1)
        if not last or last[0].kind != CLOSED:
            return
        self._opened_ms = now_ms
        found = differs_since_close(self._db, last[0])
        if found is not None:
            raise RecordsBroken(
                f"the store {self.folder.name} was altered while it was closed: {found.what}",
                hint="restore the last backup of the folder, or compare with the exchange before trading",
            )

    def _compare_macs(self, heads: Sequence[Head]) -> None:
        """A store goes on with the key that it was written with: else HMACs could be cut off, or made by anybody."""
        key = find_key(self.folder.parent)
        newest = heads[-1] if heads else Head(0, "")
        if key is None and not newest.mac:
            return
        if key is not None and (not heads or check_macs(heads[-1:], self.id, key).proven):
            return
        raise RecordsBroken(
            f"checkpoint {newest.n} of the store {self.folder.name} was written with "
            f"{'the audit key ' + newest.by if newest.mac else 'no audit key'}; here is "
            f"{'none' if key is None else 'the audit key ' + key.id}",
            hint=f"give the key ({FILE_VARIABLE}); where you changed it yourself: `autotrader audit rekey`",
        )

    def _compare_with_heads(self, *, rekey: bool) -> None:
        heads, head = read_heads(self.folder / HEADS), self.chain.head()
        if not rekey:
            self._compare_macs(heads)
        if not heads and head is not None and head.n > 1:
            raise RecordsBroken(
                f"the checkpoints {HEADS} of the store {self.folder.name} are missing",
                hint="restore the file, or run `autotrader audit verify` to see what can be said without it",
            )
        known = self._chain_hash(heads[-1].n) if heads else None
        if heads and known != heads[-1].hash:
            what = "is older than" if known is None else "differs from"
            raise RecordsBroken(
                f"the database of the store {self.folder.name} {what} its checkpoint {heads[-1].n}",
                hint="an old copy was put back, or records were removed; compare with the exchange before trading",
            )
        self._noted = heads[-1] if heads else None
        self._note_head()  # a crash may have come between commit and checkpoint

    def _chain_hash(self, n: int) -> str | None:
        row = self._db.row("SELECT hash FROM chain WHERE n = ?", (n,))
        return None if row is None else str(row["hash"].hex())

    def head(self) -> Head | None:
        """The chain's newest row, for display."""
        return self.chain.head()
