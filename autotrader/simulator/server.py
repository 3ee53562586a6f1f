"""The exchange over HTTP/1.1 on loopback: keep-alive connections, one thread each, one lock around the core.

Strategy: requests are parsed by hand from the socket's bytes, since the
signature is over exactly these bytes and the general parser of the standard
library takes longer than everything else together. Only what HTTP clients send
is understood: a request line, headers, a body with Content-Length or in chunks.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus

from autotrader.simulator.protocol import Answer, Delivery, Later

MAX_HEAD = 65_536
MAX_BODY = 1_048_576
Reply = Answer | Delivery | Later
Handler = Callable[[str, str, bytes, bytes, dict[str, str], str], Reply]
_NO_LINGER = struct.pack("ii", 1, 0)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _BadRequest(Exception):
    """Not HTTP as we know it; the text becomes the reply's body."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server:
    """Listens on 127.0.0.1 from creation until ``close``; ``handler`` is called under one lock."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler = handler
        self.lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.settimeout(None)
        self.port: int = self._listener.getsockname()[1]
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="simulator", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, end every connection and wait for its thread."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._guard:
            open_now = list(self._connections.items())
        for connection, _ in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in open_now:
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, (address, _) = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(
                target=self._serve, args=(connection, address), name="simulator-client", daemon=True
            )
            with self._guard:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, address: str) -> None:
        reader = _RequestReader(connection)
        try:
            while self._one(connection, reader, address):
                pass
        except (OSError, _Closed):
            pass
        finally:
            with self._guard:
                self._connections.pop(connection, None)
            connection.close()

    def _one(self, connection: socket.socket, reader: _RequestReader, address: str) -> bool:
        """Read and answer one request; False when the connection is to be closed."""
        try:
            method, target, version, headers = reader.head()
            # Such a client sends its body only when it has been told to.
            if headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = reader.body(headers)
        except _BadRequest as error:
            connection.sendall(_render(Answer(error.status, {}, str(error).encode()), keep=False))
            return False
        path, _, query = target.partition(b"?")
        wish = headers.get("connection", "").lower()
        keep = wish != "close" and (version != b"HTTP/1.0" or wish == "keep-alive")
        with self.lock:
            reply = self._handler(method, path.decode("latin-1"), query, body, headers, address)
        if isinstance(reply, Later):
            self._closing.wait(reply.seconds)
            with self.lock:
                reply = reply.then()
        head_only = method == "HEAD"
        if isinstance(reply, Delivery):
            content = _render(reply.answer, keep=keep, head_only=head_only)
            body_length = 0 if head_only else len(reply.answer.body)
            return _send(connection, content, body_length, reply, self._closing) and keep
        connection.sendall(_render(reply, keep=keep, head_only=head_only))
        return keep


class _Closed(Exception):
    """The client has hung up."""


class _RequestReader:
    """Bytes of one connection, cut into requests."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def _more(self) -> None:
        received = self._connection.recv(65_536)
        if not received:
            raise _Closed
        self._buffer += received

    def head(self) -> tuple[str, bytes, bytes, dict[str, str]]:
        """Method, target, version and headers (lower-case names)."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise _BadRequest(431, "headers too large")
            self._more()
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        first, *lines = head.lstrip(b"\r\n").split(b"\r\n")
        parts = first.split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
            raise _BadRequest(400, "not an HTTP/1 request")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _BadRequest(400, "a header without a colon")
            headers[name.strip().lower()] = value.strip()
        return parts[0].decode("latin-1"), parts[1], parts[2], headers

    def body(self, headers: dict[str, str]) -> bytes:
        """The request's body, empty when there is none."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise _BadRequest(400, "Content-Length is not a number")
        return self._take(int(length))

    def _take(self, length: int) -> bytes:
        if length > MAX_BODY:
            raise _BadRequest(413, "body too large")
        while len(self._buffer) < length:
            self._more()
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def _chunks(self) -> bytes:
        whole = b""
        while True:
            while b"\r\n" not in self._buffer:
                self._more()
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            try:
                length = int(size.split(b";")[0], 16)
            except ValueError:
                raise _BadRequest(400, "a chunk without a size") from None
            whole += self._take(length)
            self._take(2)
            if not length or len(whole) > MAX_BODY:
                return whole


def _render(answer: Answer, *, keep: bool, head_only: bool = False) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
    lines.append(f"Content-Length: {len(answer.body)}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only else head + answer.body


# ---- how an answer arrives --------------------------------------------------------


def _send(
    connection: socket.socket, content: bytes, body_length: int, delivery: Delivery, closing: threading.Event
) -> bool:
    """Send an answer in its manner; False when the connection is to be closed. Raises OSError.

    ``content`` is head and body, the last ``body_length`` bytes are the body. ``closing`` ends all waiting.
    """
    if delivery.wait:
        closing.wait(delivery.wait)
    head = len(content) - body_length
    if delivery.manner in ("whole", "twice"):
        connection.sendall(content * (2 if delivery.manner == "twice" else 1))
        return True
    if delivery.manner == "drip":
        return _drip(connection, content, delivery.pause, closing)
    kept = {"reset_head": head, "reset_after": len(content), "half": head + body_length // 2}
    connection.sendall(content[: kept.get(delivery.manner, 0)])
    if delivery.manner.startswith("reset"):
        # A socket closed without lingering answers with a reset in place of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    return False


def _drip(connection: socket.socket, content: bytes, pause: float, closing: threading.Event) -> bool:
    for index in range(len(content)):
        connection.sendall(content[index : index + 1])
        if closing.wait(pause):
            return False
    return True
