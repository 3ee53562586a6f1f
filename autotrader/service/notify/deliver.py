"""One delivery: to an address of the apprise package, or a GET of the heartbeat address; with a deadline.

Neither follows redirects (an address could be led to another host) nor the environment's proxies, unless
AUTOTRADER_NOTIFY_PROXY=1 asks for those. apprise's plugins call `requests` themselves and can only be told so
through NO_PROXY, which is therefore set in this process; the exchange client ignores the environment anyway.
A reason of failure is made of our own words: what a service or package says may hold the address.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from typing import Any, Self

from autotrader.service.logs import hide

CONNECT_S, READ_S = 4.0, 4.0
_STATUS = re.compile(r"error=(\d{3})")


class Refused(Exception):
    """The message was not delivered; the text says why and holds no address."""


def within(deadline_s: float, work: Callable[[], None]) -> tuple[str, threading.Thread]:
    """Run `work` in a thread of its own; answers "" or why it failed, and the thread, which may still be at it."""
    outcome: list[str] = []

    def attempt() -> None:
        try:
            work()
            outcome.append("")
        except Refused as refusal:
            outcome.append(str(refusal))
        except Exception as error:  # noqa: BLE001 - whatever a service's plugin raises is a failed delivery, told by kind
            outcome.append(f"{type(error).__name__} (details withheld: they may hold the address)")

    thread = threading.Thread(target=attempt, name="notify-delivery", daemon=True)
    thread.start()
    thread.join(deadline_s)  # given up, not ended: a thread cannot be killed, so it is left to itself
    return (outcome[0] if outcome else f"no answer within {deadline_s:g} s"), thread


def by_apprise(address: str, level: str, text: str) -> None:
    """Send through the apprise package. Raises Refused."""
    _leave_proxies_alone()
    sender = _sender(address)
    kinds = {"info": "info", "warn": "warning", "critical": "failure"}
    with _Listening() as heard:
        done = sender.notify(body=text, title="autotrader", notify_type=kinds[level], body_format="text")
    if not done:
        raise Refused(heard.reason())


def _sender(address: str) -> Any:
    import apprise  # 0.3 s, and only where something is sent outside

    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False
    _hide_parts(address)
    # nothing on the disk and no loop of its own: it must leave no trace of an address
    asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory", http_redirects=False, app_id="autotrader")
    sender = apprise.Apprise(asset=asset)
    if not sender.add(address):
        raise Refused("the address is not one that the apprise package knows (see its documentation)")
    for server in sender:
        server.redirects = False  # the address itself may not ask for them either
    return sender


class _Listening(logging.Handler):
    """What apprise says while it sends (in a thread of its own): else it answers yes or no alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def reason(self) -> str:
        """The status code if one was told, else the kind of failure."""
        said = " ".join(self._said)
        status = _STATUS.search(said)
        if status:
            return f"the service answered HTTP {status[1]}"
        # both spellings of the word; the text itself may hold the address
        return "no connection to the service" if "onnection" in said else "the service did not take the message"


def by_get(address: str) -> None:
    """Call the heartbeat address once. Raises Refused."""
    import requests  # the same

    _hide_parts(address)
    with requests.Session() as session:
        session.trust_env = os.environ.get("AUTOTRADER_NOTIFY_PROXY") == "1"
        try:
            with session.get(address, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True) as reply:
                status = reply.status_code
        except requests.exceptions.Timeout:
            raise Refused("no answer in time") from None
        except (requests.RequestException, ValueError) as error:
            raise Refused(f"no connection ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise Refused(f"the service answered HTTP {status}")


def _hide_parts(address: str) -> None:
    """Mask the address and its long parts (tokens) in logs: packages below write it in forms of their own."""
    hide(address)
    for part in re.split(r"[/:@?&=#]", address):
        if len(part) >= 12:  # shorter parts are words of the address, and hiding them would spoil every log line
            hide(part)


def _leave_proxies_alone() -> None:
    if os.environ.get("AUTOTRADER_NOTIFY_PROXY") != "1":
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
