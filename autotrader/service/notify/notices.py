"""The notifier: a bounded queue before one worker thread; nothing here blocks trading or raises.

What is held back: the same text to the same channel within `repeat_s`, and more than `per_minute` messages to a
channel that are not critical; how many were held back is told with the next message that passes. A full queue loses
its oldest message to a critical one, else the new one. All that is lost stands in `failures`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from autotrader.language.settings import Channel
from autotrader.ports import Level
from autotrader.service.notify.deliver import by_apprise, by_get, within
from autotrader.service.notify.text import harmless
from autotrader.structs import dataclass
from autotrader.text import printable

HEARTBEAT = "heartbeat"
_MOST_FAILURES = 1_000


@dataclass(frozen=True, slots=True)
class _Message:
    channel: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How patient and how talkative: seconds for each delivery, messages that may wait, seconds in which the same text
    is not repeated, messages a minute and channel, and the clock for the last two.
    """

    deadline_s: float = 10.0
    waiting: int = 100
    repeat_s: float = 60.0
    per_minute: int = 30
    monotonic: Callable[[], float] = time.monotonic


class Notices:
    """Implements `ports.Notifier` for the channels of an account file.

    `default` is the channel that the name "default" stands for. Addresses are read from `environ` when they are used.
    `log` takes (level, text); `write` prints one line of the stdout channel.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        default: str = "stdout",
        *,
        heartbeat_env: str = "",
        environ: Mapping[str, str] | None = None,
        log: Callable[[str, str], None] = lambda _level, _text: None,
        write: Callable[[str], None] | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self._channels = {"stdout": Channel("stdout", "stdout"), "log": Channel("log", "log"), **channels}
        self._default, self._heartbeat_env = default, heartbeat_env
        self._environ = os.environ if environ is None else environ
        self._log, self._write = log, write or _to_stdout
        self._tuning = tuning or Tuning()
        self._gate = _Gate(self._tuning)
        self._queue: queue.Queue[_Message | None] = queue.Queue(maxsize=self._tuning.waiting)
        self._failures: deque[tuple[str, str]] = deque(maxlen=_MOST_FAILURES)
        self._parked: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._closed = False

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Queue a message to a named channel; a channel that does not exist is a failure, not an error."""
        name = self._default if channel == "default" else channel
        if name not in self._channels:
            self._fail(name, "no such channel in the account file")
            return
        with self._lock:
            held = self._gate.passes(name, level, text, self._tuning.monotonic())
        if held is not None:
            note = f" ({held} messages before it were held back)" if held else ""
            self._put(_Message(name, level, text + note))

    def beat(self) -> None:
        """Call the heartbeat address, if there is one; while one call waits, another is not queued."""
        # one that waits says all that a second one would
        if self._heartbeat_env and not any(m and m.channel == HEARTBEAT for m in list(self._queue.queue)):
            self._put(_Message(HEARTBEAT, "info", ""))

    def failures(self) -> Sequence[tuple[str, str]]:
        """(channel, reason) of what could not be delivered since the last call; without addresses."""
        with self._lock:
            found = tuple(self._failures)
            self._failures.clear()
        return found

    def close(self, timeout: float) -> None:
        """Deliver what is queued within the time and stop; what is left then is a failure."""
        self._closed = True
        until = time.monotonic() + timeout
        worker = self._worker
        if worker is not None:
            with contextlib.suppress(queue.Full):  # then the worker is parked; what is queued is told below
                self._queue.put(None, timeout=timeout)
            worker.join(max(0.0, until - time.monotonic()))
        while not self._queue.empty():
            left = self._queue.get_nowait()
            if left is not None:
                self._fail(left.channel, "not delivered before the stop")

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _put(self, message: _Message) -> None:
        if self._closed:
            self._fail(message.channel, "sent after the stop")
            return
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="notify", daemon=True)
                self._worker.start()
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            # the oldest gives way: what happened last matters most
            lost = self._make_room() if message.level == "critical" else message
            if lost is not message:
                self._put(message)
            if lost is not None:
                self._fail(lost.channel, f"{self._queue.maxsize} messages are waiting already")

    def _make_room(self) -> _Message | None:
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                reason = self._deliver(message)
            except Exception as error:  # noqa: BLE001 - the worker outlives whatever a channel does
                reason = type(error).__name__
            if reason:
                self._fail(message.channel, reason)

    def _deliver(self, message: _Message) -> str:
        """Deliver one message; "" or why not."""
        if message.channel == HEARTBEAT:
            return self._send(HEARTBEAT, self._heartbeat_env, by_get)
        channel = self._channels[message.channel]
        text = harmless(message.text)
        if channel.target == "stdout":
            self._write(f"{_MARK[message.level]}{printable(message.text)}")
            return ""
        if channel.target == "log":
            self._log(message.level, message.text)
            return ""
        return self._send(channel.name, channel.url_env, lambda address: by_apprise(address, message.level, text))

    def _send(self, name: str, variable: str, send: Callable[[str], None]) -> str:
        """Send to the address in an environment variable, within the deadline."""
        address = self._environ.get(variable, "").strip()
        if not address:
            return f"the environment variable {variable} is not set"
        parked = self._parked.get(name)
        # or each message to a dead server would leave another thread behind
        if parked is not None and parked.is_alive():
            return "the delivery before this one has not ended yet"
        reason, self._parked[name] = within(self._tuning.deadline_s, lambda: send(address))
        return reason

    def _fail(self, channel: str, reason: str) -> None:
        with self._lock:
            # kept although it is logged: `failures` is how the service learns of it
            self._failures.append((channel, reason))
        try:
            self._log("warn", f"notification to `{channel}` failed: {reason}")
        except Exception as error:  # noqa: BLE001 - a log that fails must not stop trading; it stays in the list
            with self._lock:
                self._failures.append(("log", type(error).__name__))


_MARK: Mapping[Level, str] = {"info": "", "warn": "warning: ", "critical": "CRITICAL: "}


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Gate:
    """Holds back repetitions and floods."""

    def __init__(self, tuning: Tuning) -> None:
        self._repeat_s, self._per_minute = tuning.repeat_s, tuning.per_minute
        self._last: dict[tuple[str, str], float] = {}
        self._passed: dict[str, deque[float]] = {}
        self._held: dict[str, int] = {}

    def passes(self, channel: str, level: Level, text: str, now: float) -> int | None:
        """None to hold back; else how many were held back for this channel since the last that passed."""
        recent = self._passed.setdefault(channel, deque())
        while recent and now - recent[0] >= 60.0:
            recent.popleft()
        self._last = {key: at for key, at in self._last.items() if now - at < self._repeat_s}
        # a flood of harmless news must not hold back the one that matters
        flood = level != "critical" and len(recent) >= self._per_minute
        if (channel, text) in self._last or flood:
            self._held[channel] = self._held.get(channel, 0) + 1
            return None
        self._last[channel, text] = now
        recent.append(now)
        return self._held.pop(channel, 0)
