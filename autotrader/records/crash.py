"""Named points at which a test may kill the process, so that recovery is proved with real SIGKILLs.

A no-op unless the environment variable AUTOTRADER_CRASH_AT names the point: `posted`, or `posted:3` for the third time
it is passed. SIGKILL is what a power cut or the kernel's memory killer does: no handler runs, nothing is flushed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

VARIABLE = "AUTOTRADER_CRASH_AT"

# Every point on the order path, in the order in which one order passes them.
CRASH_POINTS = (
    "intent_committed",  # the cycle's transaction is on disk, nothing has been sent
    "sent_uncommitted",  # inside the transaction that will say "sent"
    "sent_committed",  # "sent" is on disk, no byte has left
    "posted",  # the venue has answered, nothing of it is on disk
    "reply_uncommitted",  # inside the transaction that books the reply
    "reply_committed",
    "cancel_committed",
    "cancel_posted",
    "cancel_reply_committed",
    "looked",  # a query about an unknown fate was answered, nothing of it is on disk
    "look_committed",
    "trades_read",  # trades were read, none is booked
    "trade_uncommitted",  # inside the transaction that books trades
    "trades_committed",
    # Moments beside that line.
    "store_made",  # the store is on disk, its first checkpoint is not
    "replay_uncommitted",  # start-up: inside the transaction that drops and doubts what a crash left half-way
    "replayed",
    "compared",  # start-up: journal and venue were compared, the verdict is not on disk
    "cycle_uncommitted",  # inside the transaction of a cycle: evaluation, next states and intents
    "head_unwritten",  # a transaction is on disk, its checkpoint is not
    "order_uncommitted",  # inside the transaction that moves a known order
    "adopt_uncommitted",  # inside the transaction that takes over an order that was found
    "dead_uncommitted",  # inside the transaction that gives an order up
    "cancel_reply_uncommitted",
    "answer_uncommitted",  # inside the transaction that moves a rule on by an answer
    "answered",
    "command_begun",  # a command from outside counts as done, nothing of it is done (a pause: neither is on disk yet)
    "command_done",  # it is done, the asker does not know
    "halt_uncommitted",  # the halt file is there, the database does not say it yet
    "closing",  # the records are sealed, the files are still open
)

# While an older store is brought up to date; no trading passes here.
MIGRATION_POINTS = (
    "backup_unfinished",  # the copy is written, and not yet called a backup
    "backup_kept",
    "step_taken",  # inside the transaction, behind each step
    "migrated",  # all of it is on disk, its checkpoint is not
)

_passed: dict[str, int] = {}


class Crash(BaseException):
    """The end of a simulated process: no handler of ours catches it. Raised by what listens, never by the product."""


def _nobody(_name: str) -> None:
    """Who listens in production."""


_listener: Callable[[str], None] = _nobody


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Let a simulation hear every point that is passed, and raise `Crash` there; for one process and one thread."""
    global _listener  # noqa: PLW0603 - the points are global by nature: they stand in the middle of the order path
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


def crash_point(name: str) -> None:
    """Die here by SIGKILL if AUTOTRADER_CRASH_AT says so; otherwise do nothing."""
    _listener(name)
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    point, _, count = wanted.partition(":")
    if point != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(count or "1"):
        os.kill(os.getpid(), signal.SIGKILL)
