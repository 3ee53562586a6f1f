"""Checkpoints of the chain in a second file: the witness that rows were not cut off the end.

After every commit that added acts, one line is appended: number and hash of the newest row. SQLite has the row on disk
before the line is written, so the file never knows more than an honest database: a checkpoint that the database lacks
means truncation, or an old copy put back. Without such a witness a shortened chain still verifies.

The line is a witness, not a condition: where it cannot be written (disk full) trading records are still whole, the
error is kept in `error`, and the next commit writes a newer line.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from autotrader.errors import RecordsBroken

COMPACT_ABOVE = 1 << 20  # bytes; older lines are thinned to one in a thousand
KEEP_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash (hex) of a chain row."""

    n: int
    hash: str


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
    try:
        fields = json.loads(line)
        head = Head(fields["n"], fields["hash"])
        if type(head.n) is int and head.n > 0 and len(bytes.fromhex(head.hash)) == 32:
            return head
    except (ValueError, TypeError, KeyError):
        pass
    raise RecordsBroken(
        f"line {number} of the checkpoints in {path} is not a checkpoint",
        hint="the file was altered or damaged; compare the folder with a backup",
    )


class HeadsFile:
    """Appends checkpoints; made by the one writer only."""

    def __init__(self, path: Path) -> None:
        """Open for appending, thinning a long file first. Raises RecordsBroken."""
        self.path = path
        self.error: str | None = None
        _mend(path)
        if path.exists() and path.stat().st_size > COMPACT_ABOVE:
            _thin(path)
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordsBroken(f"the checkpoints in {path} cannot be written: {error.strerror}") from error

    def append(self, head: Head) -> None:
        """Write one checkpoint; a failure is kept in `error`, never raised."""
        line = _line(head)
        try:
            written = os.write(self._fd, line)
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

    def close(self) -> None:
        """Flush to the disk and close. Closing twice does nothing."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1


def _line(head: Head) -> bytes:
    return f'{{"n":{head.n},"hash":"{head.hash}"}}\n'.encode()


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
    fresh.write_bytes(b"".join(map(_line, kept)))
    fresh.replace(path)
