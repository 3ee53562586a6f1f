"""Notifications over real loopback HTTP: late, refused, redirected, flooded; never blocking, never leaking."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.language.settings import Channel
from autotrader.service.notify import Notices, Tuning, harmless

# apprise looks for a module that Python is about to drop
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "s3cr3t-t0ken-0123456789"


class Server(ThreadingHTTPServer):
    """A web hook on loopback that answers as it is told and keeps what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str, dict[str, str]]] = []
        self.status = 200
        self.wait_s = 0.0
        self.drip = False
        self.released = threading.Event()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.got.append((self.command, self.path, json.loads(body) if body else {}))
        if self.server.drip:
            self._drip()
            return
        self.server.released.wait(self.server.wait_s)
        self.send_response(self.server.status)
        if self.server.status in {301, 302, 307}:
            self.send_header("Location", f"http://{self.server.place}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drip(self) -> None:
        try:
            for char in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 500:
                self.wfile.write(bytes([char]))
                self.wfile.flush()
                if self.server.released.wait(0.1):
                    return
        except OSError:
            return

    do_POST = do_GET  # noqa: N815 - the standard library's name

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """The web hook, serving."""
    web = Server()
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield web
    web.released.set()
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment that would swallow everything, if it were used."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):  # set by the sender; given back afterwards
        monkeypatch.setenv(name, "")


Logged = list[tuple[str, str]]


def made(server: Server | None, logged: Logged, tuning: Tuning | None = None, address: str = "") -> Notices:
    """A notifier with the channel `phone` at the web hook."""
    place = server.place if server else ""
    return Notices(
        {"phone": Channel("phone", "url", "PHONE")},
        "phone",
        heartbeat_env="BEAT",
        environ={"PHONE": address or f"json://user:{SECRET}@{place}/{SECRET}", "BEAT": f"http://{place}/{SECRET}"},
        log=lambda level, text: logged.append((level, text)),
        write=lambda line: logged.append(("stdout", line)),
        tuning=tuning,
    )


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def test_delivered(server: Server) -> None:
    """A message reaches the address of the default channel with its level, and nothing has failed."""
    logged: Logged = []
    notices = made(server, logged)
    notices.notify("default", "warn", "order unknown")
    notices.close(8)
    assert notices.failures() == ()
    assert [(method, body["message"], body["type"]) for method, _, body in server.got] == [
        ("POST", "order unknown", "warning")
    ]


def test_stdout_and_log() -> None:
    """The channels stdout and log exist without being named in the account file; control characters are escaped."""
    logged: Logged = []
    notices = made(None, logged)
    notices.notify("stdout", "info", "plain \x1b[2J")
    notices.notify("log", "critical", "halted")
    notices.close(5)
    assert logged == [("stdout", "plain \\x1b[2J"), ("critical", "halted")]


@pytest.mark.parametrize(("status", "told"), [(401, "HTTP 401"), (500, "HTTP 500"), (302, "HTTP 302")])
def test_refusals_are_recorded(server: Server, status: int, told: str) -> None:
    """A refusal is a recorded failure without the address; a redirect is not followed."""
    server.status = status
    logged: Logged = []
    notices = made(server, logged)
    notices.notify("phone", "info", "x")
    notices.close(8)
    failures = notices.failures()
    assert failures == (("phone", f"the service answered {told}"),)
    assert len(server.got) == 1
    assert SECRET not in str(failures) + str(logged)
    assert notices.failures() == ()


def test_redirects_cannot_be_asked_for(server: Server) -> None:
    """Not even the address itself can turn redirects on."""
    server.status = 302
    notices = made(server, [], address=f"json://{server.place}/x?redirect=yes")
    notices.notify("phone", "info", "x")
    notices.close(8)
    assert len(server.got) == 1


@pytest.mark.parametrize("drip", [False, True])
def test_slow_servers_cost_no_time(server: Server, drip: bool) -> None:
    """A server that is silent or drips is given up at the deadline."""
    server.drip, server.wait_s = drip, 20.0
    logged: Logged = []
    notices = made(server, logged, Tuning(deadline_s=0.5))
    notices.notify("phone", "info", "one")
    notices.notify("phone", "info", "two")
    notices.notify("log", "info", "three")
    until(lambda: ("info", "three") in logged)
    notices.close(2)
    assert notices.failures() == (
        ("phone", "no answer within 0.5 s"),
        ("phone", "the delivery before this one has not ended yet"),
    )
    assert SECRET not in str(logged)


def test_who_notifies_waits_for_nobody(server: Server) -> None:
    """While a server is silent until a far deadline the caller goes on: nothing has been given up yet."""
    server.wait_s = 20.0
    notices = made(server, [], Tuning(deadline_s=20.0))
    notices.notify("phone", "info", "one")
    notices.notify("log", "info", "two")
    assert notices.failures() == ()
    until(lambda: server.got)
    notices.close(0.1)
    assert notices.failures() != ()


def test_nobody_there() -> None:
    """No server at the address is a failure without the address."""
    logged: Logged = []
    notices = made(None, logged, address=f"json://127.0.0.1:9/{SECRET}")
    notices.notify("phone", "critical", "x")
    notices.close(8)
    assert notices.failures() == (("phone", "no connection to the service"),)
    assert SECRET not in str(logged)


@pytest.mark.parametrize(
    ("channel", "address", "told"),
    [
        ("phne", "json://x", "no such channel in the account file"),
        ("phone", f"nonsense-{SECRET}", "the address is not one that the apprise package knows"),
        ("phone", " ", "the environment variable PHONE is not set"),
    ],
)
def test_wrong_settings_are_failures(channel: str, address: str, told: str) -> None:
    """A wrong channel, address or variable is told as a failure and raises nothing."""
    notices = made(None, [], address=address)
    notices.notify(channel, "info", "x")
    notices.close(8)
    ((_, reason),) = notices.failures()
    assert reason.startswith(told)
    assert SECRET not in reason


def test_heartbeat(server: Server) -> None:
    """Each beat is one GET of the heartbeat address, which goes through no proxy."""
    notices = made(server, [])
    notices.beat()
    until(lambda: server.got)
    notices.close(5)
    assert [(method, path) for method, path, _ in server.got] == [("GET", f"/{SECRET}")]
    assert notices.failures() == ()


def test_heartbeat_that_fails(server: Server) -> None:
    """A heartbeat that is refused is a recorded failure without the address, and is not redirected."""
    server.status = 307
    logged: Logged = []
    notices = made(server, logged)
    notices.beat()
    notices.close(5)
    assert notices.failures() == (("heartbeat", "the service answered HTTP 307"),)
    assert SECRET not in str(logged)
    assert len(server.got) == 1


def test_repetition_is_held_back() -> None:
    """The same text is not sent again within the minute; how many were held back is told with the next one."""
    now = [0.0]
    logged: Logged = []
    notices = made(None, logged, Tuning(monotonic=lambda: now[0]))
    for _ in range(5):
        notices.notify("stdout", "info", "again")
    now[0] = 61.0
    notices.notify("stdout", "info", "again")
    notices.close(5)
    assert [line for _, line in logged] == ["again", "again (4 messages before it were held back)"]


def test_floods_are_held_back_but_not_critical_ones() -> None:
    """More than the allowed messages a minute are held back; critical ones pass."""
    logged: Logged = []
    notices = made(None, logged, Tuning(per_minute=3, monotonic=lambda: 0.0))
    for number in range(10):
        notices.notify("stdout", "info", f"n{number}")
    notices.notify("stdout", "critical", "halted")
    notices.close(5)
    assert [line for _, line in logged] == [
        "n0", "n1", "n2", "CRITICAL: halted (7 messages before it were held back)",
    ]  # fmt: skip


def test_full_queue(server: Server) -> None:
    """A full queue loses messages as recorded failures, and the oldest one to a critical one; it never blocks."""
    server.wait_s = 20.0
    notices = made(server, [], Tuning(deadline_s=3.0, waiting=2))
    notices.notify("phone", "info", "in delivery")
    until(lambda: server.got)
    for text in ("a", "b", "c"):
        notices.notify("phone", "info", text)
    notices.notify("phone", "critical", "halted")
    assert [reason for _, reason in notices.failures()] == ["2 messages are waiting already"] * 2
    server.released.set()
    notices.close(5)
    assert [body["message"] for *_, body in server.got] == ["in delivery", "b", "halted"]


def test_a_channel_that_raises_is_a_failure() -> None:
    """A stdout that is closed costs the message and nothing else."""

    def broken(_line: str) -> None:
        raise BrokenPipeError

    notices = Notices({}, "stdout", write=broken)
    notices.notify("default", "info", "x")
    notices.notify("default", "info", "y")
    notices.close(5)
    assert notices.failures() == (("stdout", "BrokenPipeError"), ("stdout", "BrokenPipeError"))


def test_after_the_stop() -> None:
    """What comes after the stop is a failure, not an error."""
    notices = Notices({}, "stdout", write=lambda _line: None)
    notices.close(1)
    notices.notify("default", "info", "x")
    assert notices.failures() == (("stdout", "sent after the stop"),)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("@everyone <@123> <!here> <#C1>", "＠everyone ‹＠123> ‹!here> ‹#C1>"),
        ("BUY 0.1 @ ¥15,000", "BUY 0.1 @ ¥15,000"),
        ("a\nb\x1b\u202ec", "a\nb\\x1b\\u202ec"),
    ],
)
def test_harmless(text: str, sent: str) -> None:
    """Mentions lose their effect, control characters are escaped, prices stay."""
    assert harmless(text) == sent


@given(st.text())
def test_harmless_always(text: str) -> None:
    """Whatever the text, no mention is left, no control character but the line break, and it is bounded."""
    sent = harmless(text)
    assert len(sent) <= 1_500
    assert not any(ord(char) < 32 and char != "\n" for char in sent)
    assert "@everyone" not in harmless(text + "@everyone")
