"""Checkpoints of the chain in a second file: the witness that rows were not cut off the end.

After every commit that added acts, one line is appended: number and hash of the newest row. SQLite has the row on disk
before the line is written, so the file never knows more than an honest database: a checkpoint that the database lacks
means truncation, or an old copy put back. Without such a witness a shortened chain still verifies.

With the audit key (`audit_key`) each line bears an HMAC too, so that who lacks the key cannot make one: a rewritten
database with checkpoints to match is found. Only a copy of both, put back together, needs a witness elsewhere: a head
that was sent away (`service.witness`).

The line is a witness, not a condition: where it cannot be written (disk full) trading records are still whole, the
error is kept in `error`, and the next commit writes a newer line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path

from autotrader.errors import RecordsBroken
from autotrader.records.audit_key import AuditKey
from autotrader.structs import dataclass

COMPACT_ABOVE = 1 << 20  # bytes; older lines are thinned to one in a thousand
KEEP_EVERY = 1000
# A line as `_line` writes it, and nothing else.
_LINE = re.compile(rb'\{"n":([1-9]\d{0,18}),"hash":"([0-9a-f]{64})"(?:,"by":"([0-9a-f]{8})","mac":"([0-9a-f]{64})")?\}')


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash (hex) of a chain row; as a checkpoint with the id of the key (`by`) and the HMAC, or without."""

    n: int
    hash: str
    by: str = field(default="", compare=False)
    mac: str = field(default="", compare=False)


def read_heads(path: Path) -> tuple[Head, ...]:
    """All checkpoints, oldest first. An incomplete last line (power cut) is left out.

    Raises RecordsBroken for a line that is none of ours.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RecordsBroken(f"the checkpoints in {path} cannot be read: {error.strerror}") from error
    return tuple(_parsed(path, number, line) for number, line in enumerate(data.split(b"\n")[:-1], 1))


def _parsed(path: Path, number: int, line: bytes) -> Head:
    found = _LINE.fullmatch(line)
    if found is not None:
        n, digest, by, mac = found.groups(default=b"")
        return Head(int(n), digest.decode(), by.decode(), mac.decode())
    raise RecordsBroken(
        f"line {number} of the checkpoints in {path} is not a checkpoint",
        hint="the file was altered or damaged; compare the folder with a backup",
    )


class HeadsFile:
    """Appends checkpoints; made by the one writer only."""

    def __init__(self, path: Path, store_id: str, key: AuditKey | None = None) -> None:
        """Open for appending, thinning a long file first. Raises RecordsBroken."""
        self.path = path
        self._store_id = store_id
        self._key = key
        self.error: str | None = None
        _mend(path)
        if path.exists() and path.stat().st_size > COMPACT_ABOVE:
            _thin(path)
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._is_new = os.fstat(self._fd).st_size == 0
        except OSError as error:
            raise RecordsBroken(f"the checkpoints in {path} cannot be written: {error.strerror}") from error

    def append(self, head: Head) -> None:
        """Write one checkpoint; a failure is kept in `error`, never raised."""
        line = _line(self._signed(head))
        try:
            written = os.write(self._fd, line)
            if self._is_new:  # later lines may be lost with the power; a file without any would stop the next start
                _flush(self._fd, self.path.parent)
                self._is_new = False
        except OSError as error:
            self.error = f"checkpoint {head.n} could not be written: {error.strerror}"
            return
        self.error = None
        if written != len(line):
            self.error = f"checkpoint {head.n} could only be written in part"
            _mend(self.path)

    def abandon(self) -> None:
        """Close without flushing, as the end of a process does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _signed(self, head: Head) -> Head:
        if self._key is None:
            return head
        return Head(head.n, head.hash, self._key.id, self._key.mac(self._store_id, head.n, head.hash))

    def close(self) -> None:
        """Flush to the disk and close. Closing twice does nothing."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1


def _line(head: Head) -> bytes:
    proof = f',"by":"{head.by}","mac":"{head.mac}"' if head.mac else ""
    return f'{{"n":{head.n},"hash":"{head.hash}"{proof}}}\n'.encode()


def _mend(path: Path) -> None:
    """Cut off a line that a power cut left incomplete, so that the next one starts on its own."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        os.truncate(path, whole)


def _thin(path: Path) -> None:
    heads = read_heads(path)
    kept = [head for head in heads[:-1] if head.n % KEEP_EVERY == 0] + list(heads[-1:])
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(b"".join(map(_line, kept)))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _flush(fd: int, folder: Path) -> None:
    """Put a new file on the disk, and its name into its folder."""
    os.fsync(fd)
    entry = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


@dataclass(frozen=True, slots=True)
class SignedHeads:
    """What the HMACs of some checkpoints say: how many were proven, what is wrong (row, what), what was not checked."""

    proven: int
    wrong: tuple[tuple[int, str], ...]
    unchecked: str


def check_macs(heads: Sequence[Head], store_id: str, key: AuditKey | None) -> SignedHeads:
    """Check the checkpoints (oldest first) with the key, where it is here.

    The newest must bear this key's HMAC: without that rule the HMACs could simply be cut off.
    """
    bearing = [head for head in heads if head.mac]
    if key is None:
        ids = ", ".join(sorted({head.by for head in bearing}))
        told = f"{len(bearing):,} checkpoints bear an HMAC of key {ids}, which is not here" if bearing else ""
        return SignedHeads(0, (), told or "the checkpoints bear no HMAC: who can write both files can rewrite both")
    mine = [head for head in bearing if head.by == key.id]
    wrong = list(_forged(mine, store_id, key))
    proven = len(mine) - len(wrong)
    if heads and heads[-1].by != key.id:
        by = f"an HMAC of another key ({heads[-1].by})" if heads[-1].mac else "no HMAC"
        wrong.append((heads[-1].n, f"has a checkpoint with {by}; the key here is {key.id}"))
    others = len(bearing) - len(mine)
    return SignedHeads(
        proven,
        tuple(wrong),
        f"{others:,} older checkpoints were made with another key and were not checked" if others else "",
    )


def _forged(heads: Sequence[Head], store_id: str, key: AuditKey) -> Iterator[tuple[int, str]]:
    for head in heads:
        if not key.proves(store_id, head.n, head.hash, head.mac):
            yield head.n, "has a checkpoint whose HMAC is wrong: it was not written with the key"
