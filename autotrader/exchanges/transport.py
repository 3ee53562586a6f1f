"""One HTTP exchange with one host: bytes out, bytes in, within a total time, and honest about what left this machine.

Strategy: requests' adapter (one a thread, so one warm connection a thread), without its session: no redirects, no
proxies or .netrc from the environment, no cookies, no retries. The connection class, which urllib3 lets its pools be
given, tells us the phase: until its first `send` nothing left this machine (`NotSentError`); after it the fate is open
(`NoReplyError`). Timeouts of sockets restart with every byte, so a watchdog thread shuts the socket at the deadline; it
holds a duplicate of the plain descriptor, which also works in the middle of a TLS handshake. One private method of
urllib3 is overridden for that, `_new_conn`; pyproject.toml bounds urllib3 for its sake, and the tests of phases and
deadlines fail where it is not called any more.

No exception or log line made here holds a URL query, a header, a key or a signature.
"""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.messages import BODY_CAP, NoReplyError, NotSentError, Reply, Request, read_reply

CONNECT_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 2.0
_CHUNK: Final = 256 * 1024


class Transport:
    """Sends requests to one host. Safe to use from several threads; `close` ends its watchdog and connections."""

    def __init__(
        self, url: BaseUrl, *, monotonic: Callable[[], float] = time.monotonic, agent: str = "autotrader"
    ) -> None:
        self.url = url
        self._monotonic = monotonic
        self._agent = agent
        self._local = threading.local()
        self._lines: list[_Line] = []
        self._lock = threading.Lock()
        self._watchdog = _Watchdog(monotonic)

    def send(self, request: Request, seconds: float) -> Reply:
        """Send once and return the reply, whatever its status. Raises NotSentError or NoReplyError."""
        line = self._line()
        # an idle connection may be half dead, and an order must not learn that by being lost
        if request.fresh and self._monotonic() - line.last_used >= FRESH_SECONDS:
            line.close()
        attempt = _Attempt()
        outcome = self._exchange(line, request, seconds, attempt)
        if isinstance(outcome, Reply):
            line.last_used = self._monotonic()
            return outcome
        # A late reply may still come down this line, and would be taken for the answer to the next request.
        line.close()
        if not attempt.sent:
            raise NotSentError(f"nothing was sent to {self.url.host}: {outcome}")
        raise NoReplyError(f"no answer from {self.url.host}: {outcome}")

    def close(self) -> None:
        """Close all connections and end the watchdog."""
        self._watchdog.close()
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.close()

    def _line(self) -> _Line:
        found: _Line | None = getattr(self._local, "line", None)
        if found is None:
            found = self._local.line = _Line()
            with self._lock:
                self._lines.append(found)
        return found

    def _exchange(self, line: _Line, request: Request, seconds: float, attempt: _Attempt) -> Reply | str:
        """The reply, or why there is none. Errors become text here, so that none carries the URL further."""
        if seconds <= 0:
            return "its time was over before it began"
        deadline = self._monotonic() + seconds
        self._watchdog.watch(attempt, deadline)
        _current.attempt = attempt
        try:
            outcome = line.exchange(_prepared(self.url.origin, request, self._agent), seconds)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            outcome = _reason(error)  # its own text holds the URL with the signature
        finally:
            _current.attempt = None
            # always, or the watchdog would shut a socket that belongs to the next request
            expired = self._watchdog.release(attempt)
        if expired or (isinstance(outcome, str) and self._monotonic() >= deadline):
            return f"not within {seconds:.1f} s"
        return outcome


class _Attempt:
    """One exchange as the watchdog sees it."""

    __slots__ = ("expired", "sent", "spare")

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self.spare: socket.socket | None = None

    def abort(self) -> None:
        self.expired = True
        if self.spare is not None:
            with suppress(OSError):
                # shut, not closed: closing a descriptor that another thread reads from frees its number
                self.spare.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    attempt: _Attempt | None = None


_current = _Current()


class _Watchdog:
    """A thread that aborts attempts at their deadline. It sleeps until the earliest one that it knew of."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._watched: dict[_Attempt, float] = {}
        self._condition = threading.Condition()
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, attempt: _Attempt, deadline: float) -> None:
        with self._condition:
            self._watched[attempt] = deadline
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="http-deadlines", daemon=True)
                self._thread.start()
            if deadline < self._wakes_at:  # a later deadline finds it awake in time anyway
                self._condition.notify()

    def release(self, attempt: _Attempt) -> bool:
        """Stop watching; whether it was aborted. After this the socket is not touched any more."""
        with self._condition:
            self._watched.pop(attempt, None)
            return attempt.expired

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        with self._condition:
            while not self._closed:
                now = self._monotonic()
                for attempt in [one for one, deadline in self._watched.items() if deadline <= now]:
                    del self._watched[attempt]
                    attempt.abort()
                self._wakes_at = min(self._watched.values(), default=float("inf"))
                self._condition.wait(None if self._wakes_at == float("inf") else self._wakes_at - now)


class _PhaseMixin:
    """Tells the attempt of this thread when a socket exists and when the first byte leaves."""

    sock: Any
    _spare: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._spare = made.dup()  # of the plain socket: TLS wraps and replaces the other one
        self._show()
        return made

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self._show()
        if (attempt := _current.attempt) is not None:
            if attempt.expired and not attempt.sent:
                raise TimeoutError("late")  # a name that resolved slowly: what is late does not leave at all
            attempt.sent = True  # before the first byte: if that raises, something may have left
        super().send(data)  # type: ignore[misc]

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def _show(self) -> None:
        if _current.attempt is not None:
            _current.attempt.spare = self._spare


class _Plain(_PhaseMixin, HTTPConnection):
    pass


class _Tls(_PhaseMixin, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Line(HTTPAdapter):
    """One thread's connection to one origin; `close` drops it, and the next exchange opens a new one."""

    def __init__(self) -> None:
        # no retries below us: whether something is asked again is decided where its meaning is known
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self.last_used = float("-inf")

    def exchange(self, prepared: PreparedRequest, seconds: float) -> Reply | str:
        """Send, and read the reply as it came. Raises what requests and urllib3 raise."""
        timeout = (min(CONNECT_SECONDS, seconds), seconds)
        raw = self.send(prepared, stream=True, timeout=timeout, verify=True).raw
        try:
            body = _read(raw)
        except BaseException:
            raw.close()
            raise
        if body is None:
            raw.close()
            return f"the reply is larger than {BODY_CAP // 1024 // 1024} MiB"
        return read_reply(raw.status, raw.headers, body)


def _prepared(origin: str, request: Request, agent: str) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = f"{origin}{request.path}?{request.query}" if request.query else f"{origin}{request.path}"
    headers = {"User-Agent": agent, "Accept": "application/json", "Accept-Encoding": "gzip", "Connection": "keep-alive"}
    if request.key is not None:
        headers["X-MBX-APIKEY"] = request.key.reveal()
    if request.method == "POST":
        prepared.body = request.body.encode("ascii")
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Content-Length"] = str(len(prepared.body))
    prepared.headers = CaseInsensitiveDict(headers)
    return prepared


def _read(raw: Any) -> bytes | None:
    """The body as it came, or None above the cap. Raises urllib3's IncompleteRead where it was cut short."""
    parts: list[bytes] = []
    size = 0
    # compressed as it came: unpacking here would let a small body grow without a bound
    while part := raw.read(_CHUNK, decode_content=False):
        size += len(part)
        if size > BODY_CAP:
            return None
        parts.append(part)
    return b"".join(parts)


_REASONS: Final = (
    (("NameResolutionError", "gaierror"), "its name could not be resolved"),
    (("ConnectionRefusedError",), "connection refused"),
    (("SSLError", "SSLCertVerificationError", "SSLEOFError", "CertificateError"), "TLS failed"),
    (("ConnectTimeoutError", "ConnectTimeout"), "no connection in time"),
    (("NewConnectionError",), "no connection"),
    (("ReadTimeoutError", "ReadTimeout", "TimeoutError"), "no reply in time"),
    (("IncompleteRead", "InvalidChunkLength"), "the reply was cut short"),
    (("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"), "the connection was closed"),
)


def _reason(error: BaseException) -> str:
    """What went wrong, from the classes in the chain of errors; never from their texts, which hold URLs."""
    names = _class_names(error, 0)  # classes are ours to compare; texts change with versions and hold addresses
    return next((text for classes, text in _REASONS if names & set(classes)), "the connection broke")


def _class_names(error: object, depth: int) -> set[str]:
    if not isinstance(error, BaseException) or depth > 5:
        return set()
    # requests and urllib3 wrap errors three deep, and the outer ones are too general to tell "refused" from "reset".
    inner = (*error.args, error.__cause__, error.__context__, getattr(error, "reason", None))
    return {type(error).__name__}.union(*(_class_names(one, depth + 1) for one in inner))


class _NoQuery(logging.Filter):
    """urllib3 logs request targets at DEBUG; what stands behind the `?` may be signed."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
        return True


for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_NoQuery())
