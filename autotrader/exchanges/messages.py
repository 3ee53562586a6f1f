"""What goes over a line to one host and what comes back: a request, a reply, and the two ways to get none.

The difference between the two is the whole of order safety: what was not sent may be sent again, what may have left is
never repeated.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal, Protocol

from autotrader.errors import ExchangeUnavailable
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.secret import Secret
from autotrader.structs import dataclass

BODY_CAP: Final = 8 * 1024 * 1024
KEPT_HEADERS: Final = ("retry-after", "content-type", "content-encoding")


class NotSentError(ExchangeUnavailable):
    """Nothing left this machine: no address, refused, TLS failure, no connection in time."""


class NoReplyError(ExchangeUnavailable):
    """The request left, or may have; no whole reply came back."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send: `query` and `body` are already encoded and go out as they are. Its repr shows neither."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    key: Secret | None = field(default=None, repr=False)
    fresh: bool = False  # a connection used less than 2 s ago, or a new one


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: status, the headers that we use (lower-case names), and the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Sender(Protocol):
    """What carries requests to one host: `Transport` over HTTP, or in a simulation something that plays it."""

    @property
    def url(self) -> BaseUrl:
        """The host."""

    def send(self, request: Request, seconds: float) -> Reply:
        """Send once and return the reply, whatever its status. Raises NotSentError or NoReplyError."""

    def close(self) -> None:
        """End what it holds open."""


def read_reply(status: int, given: Mapping[str, str], body: bytes) -> Reply | str:
    """The reply that these bytes are, or why they are none. Gzip is unpacked up to the cap: a few kilobytes may claim
    to be gigabytes.
    """
    headers = {name.lower(): value for name, value in given.items() if _wanted(name.lower())}
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in {"identity", ""} or not body:
        return Reply(status, headers, body)
    if coding != "gzip":
        return "the reply is packed in a way that was not asked for"
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(body, BODY_CAP + 1)
    except zlib.error:
        return "the packed reply is broken"
    if len(plain) > BODY_CAP or unpack.unconsumed_tail:
        return f"the unpacked reply is larger than {BODY_CAP // 1024 // 1024} MiB"
    return Reply(status, headers, plain) if unpack.eof else "the packed reply is cut short"


def _wanted(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith("x-mbx-")
