"""A hostile or broken peer below JSON: lengths that lie, floods of headers, replies nobody asked for, memory."""

from __future__ import annotations

import gzip
import logging
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from autotrader.errors import AutotraderError
from autotrader.exchanges.binance.client import base_url
from autotrader.exchanges.binance.connection import Connection
from autotrader.exchanges.messages import NoReplyError, Reply, Request
from autotrader.exchanges.transport import Transport
from autotrader.orders import Unknown
from tests.exchanges.scripted import KEY, SECRET, Act, Scripted, account_of, connected, error, hang_up, raw, reply
from tests.exchanges.test_bad_replies import ORDER, REQUEST, submit

GIVEN_S = 1.0
PATH = "/api/v3/ping"
PING = Request("GET", PATH)
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def transport(scripted: Scripted) -> Iterator[Transport]:
    """A transport to the scripted venue."""
    made = Transport(base_url(scripted.url))
    yield made
    made.close()


def endless(head: bytes, piece: bytes) -> Act:
    """A head, and then the same piece until the other side hangs up."""

    def act(conn: socket.socket) -> None:
        conn.sendall(head)
        with suppress(OSError):
            while True:
                conn.sendall(piece)
        raise ConnectionAbortedError

    return act


WRONG_HTTP = {
    "a thousand headers": raw(OK + b"X-A: 1\r\n" * 1000 + b"\r\n{}"),
    "a header of 100 kB": raw(OK + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n{}"),
    "headers without end": endless(OK, b"X-A: 1\r\n" * 1000),
    "100 Continue without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a body without end": endless(OK + b"Content-Length: 99999999999\r\n\r\n", b" " * 100_000),
    "chunks without end": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "a chunk that lies": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc"),
    "a chunk that is none": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
    "a length that is too long": raw(OK + b"Content-Length: 50\r\n\r\n{}"),
    "no status": raw(b"hello\r\n\r\n"),
    "a status that is none": raw(b"HTTP/1.1 99999 OK\r\n\r\n{}"),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "nothing but line ends": raw(b"\r\n" * 5000),
    "gzip in gzip": reply(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": "gzip, gzip"}),
    "a gzip that is cut": reply(200, gzip.compress(b"{}" * 1000)[:-9], {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", list(WRONG_HTTP))
def test_http_that_is_none_is_no_reply(name: str, scripted: Scripted, transport: Transport) -> None:
    """Whatever comes instead of a whole reply: told within the time, in plain words, without much memory."""
    scripted.on("GET", PATH, WRONG_HTTP[name])
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(NoReplyError) as caught:
            transport.send(PING, GIVEN_S)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 30 * GIVEN_S  # what has no end would go on for ever
    assert peak < 48 * 1024 * 1024
    assert caught.value.message.isprintable()
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", [one for one in WRONG_HTTP if "without end" not in one])
def test_an_order_behind_it_is_unknown_and_sent_once(name: str, scripted: Scripted, connection: Connection) -> None:
    """The same instead of an order's reply (those without an end take its whole 12 s): unknown, one POST."""
    assert isinstance(submit(scripted, connection, WRONG_HTTP[name]), Unknown)
    assert len(scripted.calls("POST", ORDER)) == 1


@pytest.mark.parametrize("status", [100, 101, 201, 204, 205, 206, 226, 300, 301, 303, 304, 308, 599])
def test_a_status_that_no_order_has_is_unknown(status: int, scripted: Scripted, connection: Connection) -> None:
    """Only 200 with our order's echo is accepted, and only listed refusals are certain."""
    bare = raw(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: {scripted.url}{ORDER}\r\n\r\n".encode())
    assert isinstance(submit(scripted, connection, bare), Unknown)
    assert len(scripted.calls("POST", ORDER)) == 1


def test_a_reply_that_nobody_asked_for_is_not_taken_for_the_next(scripted: Scripted, transport: Transport) -> None:
    """Two replies to one request: the second is not believed to be the answer to what is asked next."""
    one, stray, two = b'{"n":1}', b'{"n":"stray"}', b'{"n":2}'

    def framed(body: bytes) -> bytes:
        return OK + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body

    def twice(conn: socket.socket) -> None:
        conn.sendall(framed(one) + framed(stray))

    scripted.on("GET", PATH, twice, lambda conn: conn.sendall(framed(two)))
    assert transport.send(PING, 2).body == one
    time.sleep(0.05)
    outcome: Reply | NoReplyError
    try:
        outcome = transport.send(PING, 2)
    except NoReplyError as caught:
        outcome = caught
    assert isinstance(outcome, NoReplyError) or outcome.body == two


def test_cookies_are_not_kept(scripted: Scripted, transport: Transport) -> None:
    """What a reply asks us to remember is not sent back."""
    scripted.on("GET", PATH, reply(200, {}, {"Set-Cookie": "track=1"}))
    transport.send(PING, 2)
    transport.send(PING, 2)
    assert all("cookie" not in asked.headers for asked in scripted.asked)


def test_a_bomb_takes_little_memory(scripted: Scripted, transport: Transport) -> None:
    """A reply of 100 kB that unpacks to 100 MB is refused with less than 48 MB in use."""
    bomb = gzip.compress(b"\0" * 100_000_000)
    scripted.on("GET", PATH, reply(200, bomb, {"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(NoReplyError, match="larger than"):
            transport.send(PING, 5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * 1024 * 1024


def test_nothing_secret_is_in_any_file_or_log(
    scripted: Scripted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The cache of a connection that met every kind of failure, and its log at DEBUG, hold no key and no signature."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.connection", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    texts: list[str] = []
    for act in (*list(WRONG_HTTP.values())[5:8], hang_up, error(418, -1003, f"banned {KEY}", {"Retry-After": "1"})):
        scripted.on("GET", "/api/v3/account", act)
        scripted.on("POST", ORDER, act)
        with connected(scripted.url, cache=tmp_path) as connection:
            assert connection.broker is not None
            with suppress(AutotraderError):
                connection.clock.sync()
            texts.append(repr(connection.broker.submit(REQUEST, connection.clock.now_ms())))
            try:
                account_of(connection).within(1.0).account()
            except AutotraderError as caught:
                texts.append(f"{caught!r} {caught}")
    files = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    signed = {(one.query or one.body).rpartition("signature=")[2] for one in scripted.asked} - {""}
    assert files
    assert signed
    shown = "\n".join([*texts, *files, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert [one for one in (KEY, SECRET, *signed, "recvWindow=") if one in shown] == []
