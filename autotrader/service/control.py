"""Telling a store what to do: by way of the running service where one holds the lock, else here, by taking the lock.

`ask_or_do` is the only place that decides between the two. Orders by hand stand in `hand`, for they need the exchange.

A service is asked through its inbox and answers there. An order that is not answered in time is of unknown fate to the
asker; so the entry ends by itself: the service refuses one that has lain longer than `inbox.ORDER_GOOD_MS`. Halting
never depends on any of this: the halt file is written first, whatever state the database is in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.errors import AutotraderError, ExchangeUnavailable, RecordsBroken, UsageError
from autotrader.records.halt_file import read_halt_file, write_halt_file
from autotrader.records.inbox import Inbox
from autotrader.records.places import DATABASE, HEADS, INBOX, LOCK, stores_in, writer_pid
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.agree import Difference, Word, meant_by, settle_difference, waiting

WAIT_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReply:
    """What the service answered, or that it has not. `pid` is its process."""

    pid: int
    answered: bool
    facts: Mapping[str, Any]

    @property
    def error(self) -> str:
        """Why it refused, or ""."""
        return str(self.facts.get("error", ""))

    @property
    def exit_code(self) -> int:
        """The exit code of its error, 0 where there is none."""
        return int(self.facts.get("exit_code", 1)) if self.error else 0

    def checked(self) -> Mapping[str, Any]:
        """The facts. Raises the service's error as one of ours, ExchangeUnavailable where no answer came."""
        if not self.answered:
            raise ExchangeUnavailable(
                f"the service (pid {self.pid}) has not answered within {WAIT_SECONDS:.0f} s; it may still do it",
                hint="look before asking again: `autotrader status`, `autotrader orders`",
            )
        if self.error:
            raise _refused(self.error, self.exit_code)
        return self.facts


def _refused(message: str, exit_code: int) -> AutotraderError:
    error = AutotraderError(message)
    error.exit_code = exit_code
    return error


def ask_service(
    folder: Path, command: str, arguments: Mapping[str, object], *, seconds: float = WAIT_SECONDS
) -> ServiceReply | None:
    """Ask the service that holds a store and wait for its answer; None where no service does. Raises RecordsBroken."""
    pid = writer_pid(folder)
    if pid is None:
        return None
    inbox = Inbox(folder / INBOX)
    try:
        number = inbox.append(time.time_ns() // 1_000_000, command, arguments)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            entry = inbox.get(number)
            if entry is not None and entry.answer is not None:
                return ServiceReply(pid=pid, answered=True, facts=entry.answer)
            time.sleep(POLL_SECONDS)
        return ServiceReply(pid=pid, answered=False, facts={})
    finally:
        inbox.close()


def ask_or_do(
    folder: Path, command: str, arguments: Mapping[str, object], here: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """What the service that holds a store answers, else what doing it `here` comes to; `by` says which. The only place
    that decides between the two. Raises what either raises; where a service has not answered nothing is done here.
    """
    reply = ask_service(folder, command, arguments)
    return {**here(), "by": "this command"} if reply is None else {**reply.checked(), "by": "service"}


# ------------------------------------------------------------------------------------------------- which store
def store_folders(state: Path) -> tuple[Path, ...]:
    """Every folder at or below `state` that is a store's, also one whose database is gone. Sorted by name."""
    marks = (DATABASE, LOCK, HEADS)
    if any((state / mark).exists() for mark in marks):
        return (state,)
    if not state.is_dir():
        return ()
    return tuple(sorted({path.parent for mark in marks for path in state.glob(f"*/{mark}")}))


def one_store(state: Path, wanted: tuple[str, str] | None = None) -> Path:
    """The store that is meant: the only one, else the only one that a service runs on, else the one of the account
    file (`wanted`: its mode and address). Raises UsageError.
    """
    found = stores_in(state)
    if not found:
        raise UsageError(f"there are no records in {state}", hint="`autotrader run` makes them; or give --state DIR")
    running = tuple(folder for folder in found if writer_pid(folder) is not None)
    matching = tuple(folder for folder in found if wanted is not None and _world_of(folder) == wanted)
    for chosen in (found, running, matching):
        if len(chosen) == 1:
            return chosen[0]
    names = ", ".join(folder.name for folder in found)
    raise UsageError(f"{state} holds {len(found)} stores: {names}", hint=f"name one: --state {found[0]}")


def _world_of(folder: Path) -> tuple[str, str] | None:
    """Mode and address of a store, None where it cannot be read."""
    try:
        with Store.read(folder) as store:
            return store.identity.mode, store.identity.base_url
    except RecordsBroken:
        return None


def open_idle(folder: Path, now_ms: int) -> Store:
    """Open a store that nobody writes to, for writing, as what it says it is. Raises SafetyRefused, RecordsBroken."""
    with Store.read(folder) as store:
        identity = store.identity
    return Store.open(folder, identity, now_ms=now_ms)


# ------------------------------------------------------------------------------------------------------- halting
@dataclass(frozen=True, slots=True, kw_only=True)
class HaltReply:
    """What halting one store came to. `how`: "service", "records" or "file" (the halt file alone). `level` is the one
    in force now: an earlier halt may be stronger. `cancelled` are the orders whose end is confirmed; `remaining` those
    that still stand at the venue; `problem` what went wrong.
    """

    folder: Path
    how: str
    level: HaltLevel = HaltLevel.HALT
    cancelled: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    problem: str = ""


def halt(folder: Path, new: Halt, now_ms: int) -> HaltReply:
    """Halt one store: the file first, then its service or its records. Orders are cancelled by a service only; without
    one they are `remaining`. Raises ConfigError where not even the file can be written.
    """
    write_halt_file(folder, new)
    try:
        reply = ask_service(folder, "halt", {"reason": new.reason, "level": new.level})
        if reply is not None:
            return _halted_by_service(folder, reply)
        with open_idle(folder, now_ms) as store:
            store.halt(new.reason, now_ms, new.level)
            return HaltReply(folder=folder, how="records", level=_level(folder), remaining=_standing(store))
    except AutotraderError as error:
        return HaltReply(folder=folder, how="file", level=_level(folder), problem=error.message)


def _halted_by_service(folder: Path, reply: ServiceReply) -> HaltReply:
    problem = reply.error
    if not reply.answered:
        problem = f"the service (pid {reply.pid}) has not answered yet; it reads the halt file before every order"
    return HaltReply(
        folder=folder,
        how="service" if reply.answered else "file",
        level=_level(folder),
        cancelled=tuple(str(name) for name in reply.facts.get("cancelled", ())),
        remaining=remaining(folder),
        problem=problem,
    )


def halt_reason(folder: Path) -> str | None:
    """Why a store is halted, None where it is not. A database that cannot be read leaves the halt file."""
    try:
        with Store.read(folder) as store:
            return store.halt_reason()
    except RecordsBroken:
        there = read_halt_file(folder)
        return None if there is None else there.reason


def resume(folder: Path, now_ms: Callable[[Path], int]) -> None:
    """End a halt. `now_ms` gives the store's time."""

    def here() -> Mapping[str, Any]:
        moment = now_ms(folder)
        with open_idle(folder, moment) as store:
            store.resume(moment)
        return {}

    ask_or_do(folder, "resume", {}, here)


def _level(folder: Path) -> HaltLevel:
    """The level in force: the halt file always has the strongest."""
    there = read_halt_file(folder)
    return HaltLevel.HALT if there is None else there.level


def remaining(folder: Path) -> tuple[str, ...]:
    """Ids of orders that still stand at the venue, or may; () where the records cannot be read."""
    try:
        with Store.read(folder) as store:
            return _standing(store)
    except RecordsBroken:
        return ()


def _standing(store: Store) -> tuple[str, ...]:
    unsure = (row.client_order_id for row in store.intents.unresolved())
    return tuple(dict.fromkeys((*(row.client_order_id for row in store.orders.open()), *unsure)))


# ------------------------------------------------------------------------- a person's word on a difference
@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of a word. `armed` is None where no service runs; `reasons` say why one is not. `left` wait still."""

    folder: Path
    word: Word
    difference: Difference
    armed: bool | None
    reasons: tuple[str, ...]
    left: tuple[str, ...]


def waiting_in(state: Path) -> dict[Path, tuple[Difference, ...]]:
    """What waits for a word, by store, in every store at or below a folder. Raises RecordsBroken."""
    found = {}
    for folder in stores_in(state):
        with Store.read(folder) as store:
            differences = waiting(store)
        if differences:
            found[folder] = differences
    return found


def settle(state: Path, order: str, word: Word, now_ms: Callable[[Path], int]) -> Settled:
    """Say `adopt` or `ignore` to one order. `now_ms` gives a store's time. Raises UsageError where none is meant."""
    folder, difference = _meant(state, order)
    cid = difference.client_order_id

    def here() -> Mapping[str, Any]:
        moment = now_ms(folder)
        with open_idle(folder, moment) as store:
            settle_difference(store, cid, word, moment)
            return {"armed": None, "reasons": (), "left": [one.client_order_id for one in waiting(store)]}

    facts = ask_or_do(folder, word, {"order": cid}, here)
    return Settled(
        folder=folder, word=word, difference=difference, armed=None if facts["armed"] is None else bool(facts["armed"]),
        reasons=tuple(map(str, facts["reasons"])), left=tuple(map(str, facts["left"])),
    )  # fmt: skip


def _meant(state: Path, order: str) -> tuple[Path, Difference]:
    found: list[tuple[Path, Difference]] = []
    said = UsageError(f"order {order} is not waiting for a decision", hint="waiting: none")
    for folder in waiting_in(state):
        with Store.read(folder) as store:
            try:
                cid = meant_by(store, order)
            except UsageError as error:
                said = error
                continue
            found += [(folder, one) for one in waiting(store) if one.client_order_id == cid]
    if len(found) > 1:
        names = ", ".join(folder.name for folder, _ in found)
        raise UsageError(f"{len(found)} stores have an order {order}: {names}", hint=f"name one: --state {found[0][0]}")
    if not found:
        raise said
    return found[0]
