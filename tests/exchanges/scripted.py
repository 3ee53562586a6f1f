"""A venue on loopback that answers what a test tells it to, down to single bytes, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.binance.endpoints import AccountCalls
from autotrader.exchanges.binance.keys import signing_function
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings

KEY = "CanaryKeyCanaryKeyCanaryKeyCanaryKeyCanaryKeyCanaryKeyCanaryKey0"
SECRET = "CanarySecretCanarySecretCanarySecretCanarySecretCanarySecretCa00"


@dataclass(frozen=True)
class Asked:
    """One request as it came: the target and body are the bytes on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


def signature(secret: Secret, payload: str) -> str:
    """The signature over a text: HMAC-SHA256 in hex, RSA and Ed25519 in base64. Raises ConfigError."""
    return signing_function(secret)(payload.encode())


def account_of(connection: Connection) -> AccountCalls:
    """The signed calls that only look."""
    assert connection.account is not None
    return connection.account


Act = Callable[[socket.socket], None]
Rule = Callable[[Asked], Act | None]


def reply(status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> Act:
    """A whole reply; a body that is not text or bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return lambda conn: conn.sendall(head + data)


def error(status: int, code: int, text: str, headers: Mapping[str, str] | None = None) -> Act:
    """A refusal as the venue words it."""
    return reply(status, {"code": code, "msg": text}, headers)


def raw(data: bytes) -> Act:
    """These bytes, then the end of the connection."""

    def act(conn: socket.socket) -> None:
        conn.sendall(data)
        raise ConnectionAbortedError

    return act


def hang_up(_conn: socket.socket) -> None:
    """Close without a word."""
    raise ConnectionAbortedError


def drip(data: bytes, pause: float) -> Act:
    """One byte after the other, with pauses."""

    def act(conn: socket.socket) -> None:
        for at in range(len(data)):
            conn.sendall(data[at : at + 1])
            time.sleep(pause)

    return act


@dataclass
class Scripted:
    """The venue. `rules` are asked in turn; the first that knows an act is followed. `/time` is always known."""

    rules: list[Rule] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    time_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._connections = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def on(self, method: str, path: str, *acts: Act) -> None:
        """Answer a call with these acts in turn; the last one is repeated."""
        left = list(acts)

        def rule(asked: Asked) -> Act | None:
            if (asked.method, asked.path) != (method, path):
                return None
            return left.pop(0) if len(left) > 1 else left[0]

        self.rules.insert(0, rule)

    def calls(self, method: str, path: str) -> list[Asked]:
        """What was asked of one call."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for conn in list(self._open):
            with suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in [self._thread, *self._threads]:
            thread.join(timeout=60)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self._socket.accept()
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections += 1
                self._open.append(conn)
                thread = threading.Thread(target=self._serve, args=(conn, self._connections), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, conn: socket.socket, number: int) -> None:
        with conn, suppress(OSError, ValueError):  # ValueError: what came was not HTTP
            file = conn.makefile("rb")
            with file:
                while (asked := _read(file, number)) is not None:
                    self.asked.append(asked)
                    self._act(asked)(conn)

    def _act(self, asked: Asked) -> Act:
        for rule in self.rules:
            if (act := rule(asked)) is not None:
                return act
        if asked.path == "/api/v3/time":
            return reply(200, {"serverTime": self.time_ms()})
        return error(404, 0, "the script does not know this call")


def _read(file: Any, number: int) -> Asked | None:
    line = file.readline().decode("ascii")
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (header := file.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", "0"))).decode("ascii")
    return Asked(method, target, headers, body, number)


@contextmanager
def venue() -> Iterator[Scripted]:
    """A scripted venue for the length of a test."""
    scripted = Scripted()
    try:
        yield scripted
    finally:
        scripted.close()


def credentials() -> Credentials:
    """The canary's key and secret."""
    return Credentials(Secret(KEY), Secret(SECRET))


@contextmanager
def connected(url: str, **settings: Any) -> Iterator[Connection]:
    """A connection that may trade, with retries that do not wait."""
    made = VenueSettings(**({"sleep": lambda _seconds: None, "chance": lambda: 0.0} | settings))
    token = grant_live("live", True, "live")
    with connect(made, url=url, credentials=credentials(), live_token=token) as connection:
        connection.ask_before_orders(lambda _side: "")
        yield connection
