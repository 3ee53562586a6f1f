"""Power that fails: what is left of the files is any prefix of what was written, and perhaps rubbish after it.

A world trades in the harness until it passes a chosen point. There it is frozen: the exchange as it is then, and a
copy of the files. For each thing that a power cut can leave, a fork takes the frozen exchange, writes the damaged
files, and starts the product on them as on any morning. What a fork finds is compared with what must be so:

- *torn*: the last commit was under way and nothing had left since the one before: cut at every 512 bytes of it, without
  its checkpoint. The product must arm itself, and both records must agree.
- *tail*: everything synced is there and behind it lie zeros, noise or old frames: nothing may be missing.
- *heads*: the checkpoints are cut anywhere: nothing may be missing.
- *lied*: the disk lost what it had confirmed. With the checkpoints still there the store must refuse to open; without
  them, the comparison with the exchange must either explain all or leave the world unarmed with the difference told.

A record of nothing (all files gone) is told as orders of another store. In no case may an order be doubled.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from autotrader.errors import AutotraderError, RecordsBroken
from autotrader.prove.agreement import Truth, money, too_many
from autotrader.prove.harness import NOWHERE, Harness, closing, drop, project_of, scratch
from autotrader.prove.processes import answered
from autotrader.prove.proof import Case, Counts, Progress, Proof, tried, unheard
from autotrader.prove.referee import judged
from autotrader.prove.victim import ACCOUNT, MINUTE_MS, MOST, PLAY_MINUTES, QUIET_MINUTES, RULES
from autotrader.records.crash import Crash, listening
from autotrader.records.places import DATABASE, HEADS, Identity
from autotrader.records.store import Store
from autotrader.runtime import Runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator

CLAIM: Final = "Whatever a power cut leaves of the files, no order is doubled, and none is lost in silence."
WAL: Final = DATABASE + "-wal"
STEP: Final = 512
_MONEY: Final = {"JPY": "1000000", "BTC": "0.5"}
# The moments at which it is frozen, with whether a commit has just returned and nothing was sent since.
MOMENTS: Final = {
    "sent_committed": True,
    "posted": False,
    "intent_committed": True,
    "reply_committed": True,
    "cancel_committed": True,
    "cancel_posted": False,
    "trades_committed": True,
    "head_unwritten": True,
    "trades_read": False,
    "answered": True,
}
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that may be left: the first `wal` bytes of the write-ahead log, then `tail`; of the checkpoints the
    first `heads` bytes (None: as many lines as the cut database knows). `kind` says what must come of it.
    """

    kind: str
    wal: int
    tail: bytes = b""
    heads: int | None = -1

    def __str__(self) -> str:
        """For the story of a breach."""
        heads = "to match" if self.heads is None else "whole" if self.heads < 0 else f"at {self.heads}"
        return f"{self.kind}: WAL cut at {self.wal}, {len(self.tail)} bytes of rubbish, checkpoints {heads}"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The files at the moment of the cut. `ends` are the WAL's lengths after each of its commits, oldest first."""

    files: Mapping[str, bytes]
    ends: tuple[int, ...]
    identity: Identity
    now_ms: int

    @property
    def synced(self) -> int:
        """How much of the WAL the disk had confirmed."""
        return self.ends[-1]

    def laid_out(self, folder: Path, damage: Leftover) -> None:
        """Write what is left into a folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        heads = self.files[HEADS]
        for name, content in self.files.items():
            if name not in {WAL, HEADS}:
                (folder / name).write_bytes(content)
        (folder / WAL).write_bytes(self.files[WAL][: damage.wal] + damage.tail)
        if damage.heads is None:
            heads = _known_lines(folder, heads)
        elif damage.heads >= 0:
            heads = heads[: damage.heads]
        if heads:
            (folder / HEADS).write_bytes(heads)


def _known_lines(folder: Path, heads: bytes) -> bytes:
    """The checkpoints that a database knows: a disk that lost both sides alike."""
    try:
        with Store.read(folder) as store:
            head = store.head()
    except RecordsBroken:
        return b""
    return b"".join(line + b"\n" for line in heads.splitlines() if head is not None and json.loads(line)["n"] <= head.n)


def commit_ends(wal: bytes) -> tuple[int, ...]:
    """The lengths of a write-ahead log after each commit in it (sqlite.org/fileformat2.html#the_write_ahead_log)."""
    if len(wal) < _WAL_HEADER:
        return (0,)
    page, salts = struct.unpack(">I", wal[8:12])[0], wal[16:24]
    ends, at = [_WAL_HEADER], _WAL_HEADER
    while at + _FRAME_HEADER + page <= len(wal) and wal[at + 8 : at + 16] == salts:
        at += _FRAME_HEADER + page
        if struct.unpack(">I", wal[at - page - 20 : at - page - 16])[0]:
            ends.append(at)
    return tuple(ends)


# ---------------------------------------------------------------------------------------------------------- the proof
def prove_power(moments: int, seed: int, progress: Progress = unheard, *, every: int = 24) -> Proof:
    """Cut the power at `moments` moments; of the WAL cut the last commit at each 512 bytes, and the rest at each
    `every`-th step (1: all).
    """
    cases = (PowerCut(number, every).played() for number in range(seed, seed + moments))
    total = tried(cases, moments, progress)
    return total.proof("power", CLAIM, f"--moments {moments} --seed {seed} --every {every}", total.only(*_FIGURES))


_FIGURES: Final = (
    "moments", "cuts of the write-ahead log", "rubbish after its end", "cuts of the checkpoints",
    "opened, nothing missing", "opened, an earlier moment", "refused to open", "starts on what was left",
    "armed, records agree", "not armed, difference told", "not opened", "told as another store's", "orders doubled",
    "lost in silence",
)  # fmt: skip


class PowerCut(Case):
    """One freeze: which point, at which passing, and all that is tried there."""

    def __init__(self, seed: int, every: int) -> None:
        super().__init__(f"power/{seed}", f"power --moments 1 --seed {seed} --every {every}")
        self._every = every
        self._point = tuple(MOMENTS)[seed % len(MOMENTS)]
        self._left = self.chance.randint(1, 30 if self._point == "head_unwritten" else 3)
        self._world: Runtime | None = None
        self._made_id = ""

    def play(self) -> None:
        """Trade until the moment, then try everything."""
        with scratch("power") as folder:
            project = project_of(folder / "project", ACCOUNT.format(url=NOWHERE), RULES)
            account = Account.named("main", _MONEY)
            simulator = Simulator(seed=3, time="stepped", symbols=["BTCJPY"], accounts=[account])
            self._harness = Harness(project=project, simulator=simulator, state=folder / "state", chance=self.chance)
            try:
                world = self._world = self._harness.open()
                world.start()
                with listening(self._heard):
                    until_ms = world.connection.clock.now_ms() + PLAY_MINUTES * MINUTE_MS
                    Runner(world, RunMode(until_ms=until_ms, stepped=True)).run()
            except Crash:
                pass
            finally:
                if self._world is not None:
                    drop(self._world)

    def _heard(self, name: str) -> None:
        if name != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._try_all()
            raise Crash(name)

    def _try_all(self) -> None:
        if self._world is None:
            return
        store = self._world.store
        files = {path.name: path.read_bytes() for path in store.folder.iterdir() if path.name not in _NOT_COPIED}
        frozen = Frozen(files, commit_ends(files.get(WAL, b"")), store.identity, self._harness.simulator.now_ms)
        self.counts.figures["moments"] += 1
        opened = list(self._damages(frozen))
        # The exchange stands still in each fork as it is now; what one fork does to it no other sees.
        self._report(answered(partial(_in_fork, partial(_opened, frozen, opened))))
        for damage in self._to_start(frozen):
            self._report(answered(partial(_in_fork, partial(self._started, frozen, damage))))

    # ------------------------------------------------------------------------------------------------ what may be left
    def _damages(self, frozen: Frozen) -> Iterator[Leftover]:
        # Only the last commit can be torn: what came before it was confirmed by the disk.
        before, synced, heads = frozen.ends[-2], frozen.synced, len(frozen.files[HEADS])
        for cut in range(before - before % STEP + STEP, synced, STEP):
            yield Leftover("torn" if MOMENTS[self._point] else "lied", cut, heads=None)
            yield Leftover("lied", cut)
        # A confirmed commit that is missing is a disk that lied; each cut costs an opening, so not at every step.
        for cut in range(0, before, STEP * self._every):
            yield Leftover("lied", cut)
        for tail in _rubbish(frozen, self.chance):
            yield Leftover("tail", synced, tail)
        first = frozen.files[HEADS].find(b"\n") + 1
        for cut in sorted({*range(max(first, heads - 200), heads), *(self.chance.sample(range(first, heads), 20))}):
            yield Leftover("heads", synced, heads=cut)

    def _to_start(self, frozen: Frozen) -> Iterator[Leftover]:
        """One of each kind, and disks that lied at several depths, also down to nothing."""
        chance, ends = self.chance, frozen.ends
        torn = "torn" if MOMENTS[self._point] else "lied"
        yield Leftover(torn, chance.randint(ends[-2], ends[-1] - 1), heads=None)
        yield Leftover("tail", ends[-1], chance.choice(_rubbish(frozen, chance)))
        yield Leftover(
            "heads", ends[-1], heads=chance.randint(frozen.files[HEADS].find(b"\n") + 1, len(frozen.files[HEADS]))
        )
        for back in (2, 3, 4, chance.randint(5, 12), chance.randint(12, 40)):
            if back < len(ends):
                yield Leftover("lied", chance.randint(ends[-back - 1], ends[-back]), heads=None)
        yield Leftover("lied", chance.randint(0, ends[-2] - 1))
        yield Leftover("gone", 0, heads=0)

    def _report(self, told: Mapping[str, Any] | None) -> None:
        """What a fork found; each breach with the moment before what was left."""
        found = Counts() if told is None else Counts.of(told)
        if told is None:
            found.note("-", "a fork broke off")
        found.breaches = [replace(one, story=(f"at {self._point}", *one.story)) for one in found.breaches]
        self.counts.add(found)

    # ----------------------------------------------------------------------------------------------------- in a fork
    def _started(self, frozen: Frozen, damage: Leftover, folder: Path) -> Counts:
        """Start the product on what is left, trade on, and compare."""
        state = folder / "state"
        frozen.laid_out(state / frozen.identity.folder_name(), damage)
        if damage.kind == "gone":
            shutil.rmtree(state)
        # A store that must be made anew gets another name, as by chance: its orders cannot be taken for the old ones.
        self._made_id, self._harness.store_id = self._harness.store_id, "other234"
        self._harness.state = state
        found = Counts(Counter({"starts on what was left": 1}))
        must_arm = damage.kind in {"torn", "tail", "heads"}
        try:
            world = self._harness.open()
        except AutotraderError as error:
            found.figures["not opened"] += 1
            if must_arm:
                found.note("P2", f"it does not open after an honest power cut: {error}", str(damage))
            return found
        with closing(world):
            report = world.start()
            if world.store.id != self._made_id:  # not even the store's birth is left
                found.figures["told as another store's"] += 1
                for name in set(self._truth().names) - set(report.foreign):
                    found.note("P2", f"order {name} of the store that is gone is not told", str(damage))
            elif report.armed:
                _trade_on(world)
                found.figures["armed, records agree"] += 1
                self._compare(world.store, found, str(damage))
            else:
                found.figures["not armed, difference told"] += bool(report.reasons)
                if must_arm or not report.reasons:
                    found.note("P2", f"not armed: {'; '.join(report.reasons) or 'without a word'}", str(damage))
        for name, count in Counter(self._truth().names).items():
            if count > 1:
                found.figures["orders doubled"] += 1
                found.note("P1", f"the exchange has {count} orders named {name}", str(damage))
        return found

    def _truth(self) -> Truth:
        return Truth.of(self._harness.simulator.state(), "main")

    def _compare(self, store: Store, found: Counts, left: str) -> None:
        truth = self._truth()
        seen = judged(truth, store)
        found.figures["lost in silence"] += seen.figures["lost"] + seen.figures["unexplained"]
        found.figures["orders doubled"] += seen.figures["duplicated"]
        told = ((breach.promise, breach.what) for breach in seen.breaches)
        for promise, what in (*told, *money(store, truth), *too_many(store, truth, MOST)):
            found.note(promise, what, left)


def _in_fork(work: Callable[[Path], Counts]) -> dict[str, Any]:
    """Do it in a folder of its own; that the product raises what nobody foresaw is a finding too."""
    with scratch("power") as folder, listening(lambda _name: None):
        try:
            return work(folder).as_json()
        except Exception as error:  # noqa: BLE001 - whatever it was
            broken = Counts()
            broken.note("-", f"{type(error).__name__}: {error}", "")
            return broken.as_json()


_NOT_COPIED: Final = frozenset({"lock", DATABASE + "-shm", "inbox.db-shm"})


def _rubbish(frozen: Frozen, chance: random.Random) -> list[bytes]:
    """What a torn write may leave behind the end: zeros, noise, old frames, a damaged frame of today."""
    wal = frozen.files[WAL]
    frame = _FRAME_HEADER + struct.unpack(">I", wal[8:12])[0]
    old = wal[_WAL_HEADER : _WAL_HEADER + 2 * frame]
    present = bytearray(wal[-frame:])
    # Right salts and a wrong checksum: SQLite must stop before it.
    present[chance.randrange(_FRAME_HEADER, frame)] ^= 0xFF
    return [
        bytes(512),
        bytes(3 * frame),
        chance.randbytes(512),
        chance.randbytes(frame),
        old,
        old[:1000],
        bytes(present),
    ]


def _opened(frozen: Frozen, damages: list[Leftover], folder: Path) -> Counts:
    """Open the store on each thing that may be left, and see which moment it is of."""
    found, place, whole = Counts(), folder / "store", _newest(frozen)
    names = {"tail": "rubbish after its end", "heads": "cuts of the checkpoints"}
    for damage in damages:
        found.figures[names.get(damage.kind, "cuts of the write-ahead log")] += 1
        frozen.laid_out(place, damage)
        try:
            store = Store.open(place, frozen.identity, now_ms=frozen.now_ms)
        except RecordsBroken as error:
            found.figures["refused to open"] += 1
            if damage.kind != "lied":
                found.note("P2", f"it does not open after an honest power cut: {error}", str(damage))
            continue
        head = store.head()
        store.abandon()
        is_whole = head is not None and head.n >= whole
        found.figures["opened, nothing missing" if is_whole else "opened, an earlier moment"] += 1
        if damage.kind in {"tail", "heads"} and not is_whole:
            found.note("P2", f"records are missing although the disk had them: {head} of {whole}", str(damage))
        if damage.kind == "lied" and damage.heads == -1 and not is_whole:
            found.note("P9", f"the checkpoints know record {whole}, and it opened at {head}", str(damage))
    return found


def _newest(frozen: Frozen) -> int:
    """The number of the newest checkpoint."""
    return max((json.loads(line)["n"] for line in frozen.files[HEADS].splitlines()), default=0)


def _trade_on(world: Runtime) -> None:
    """Trade until the rules have done all they may and nothing is open to doubt."""
    clock = world.connection.clock
    until_ms = clock.now_ms() + PLAY_MINUTES * MINUTE_MS
    for _ in range(QUIET_MINUTES):
        Runner(world, RunMode(until_ms=until_ms, stepped=True)).run()
        unbooked = any(row.unbooked for row in world.store.orders.unsettled())
        if not unbooked and not world.store.intents.unresolved():
            return
        until_ms = clock.now_ms() + MINUTE_MS
