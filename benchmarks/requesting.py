"""A signed request through our client against a bare `requests` session and against http.client: the same simulator,
the same request, kept alive.

The simulator is a process of its own and its time is stepped, so that one signature stays good for a round: the peers
send what was signed before and read the reply; ours counts weight, signs, sends with a deadline, and reads the reply
into checked, typed values. A minute of the exchange's time passes between rounds. The session asks nothing of the
environment, as ours does not; against it processor time is compared, because both wait for the same simulator.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import requests

from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.binance.signing import ReadSigner
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from benchmarks.measure import Row, Size, Times, Work, environment, in_turn

PATH = "/api/v3/openOrders"
PARAMS = (("symbol", "BTCJPY"),)
KEY, SECRET = "benchmark-key", "benchmark-secret"
MINUTE_S = 60.0


@contextmanager
def venue() -> Iterator[str]:
    """The address of a simulator in a process of its own."""
    with TemporaryDirectory() as folder:
        accounts = Path(folder) / "accounts.json"
        account = {"name": "main", "key": KEY, "secret": SECRET, "balances": {"JPY": "1000000", "BTC": "1"}}
        accounts.write_text(json.dumps({"accounts": [account]}))
        command = [sys.executable, "-m", "autotrader", "simulator", "--port", "0", "--seed", "1", "--time", "stepped"]
        command += ["--accounts", str(accounts), "--print-url"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
        )
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def rows(size: Size) -> list[Row]:
    """A signed request and a public one."""
    credentials = Credentials(Secret(KEY), Secret(SECRET))
    with venue() as url, connect(VenueSettings(stepped=True), url=url, credentials=credentials) as connection:
        bare = http.client.HTTPConnection(urlsplit(url).netloc)
        try:
            return _rows(size, connection, bare, ReadSigner(credentials, connection.url.host))
        finally:
            bare.close()


def _rows(size: Size, connection: Connection, bare: http.client.HTTPConnection, signer: ReadSigner) -> list[Row]:
    account = connection.account
    assert account is not None
    target = ""

    def minute() -> None:
        nonlocal target
        connection.clock.sleep(MINUTE_S)
        signed = signer.sign(connection.url.host, "GET", PATH, PARAMS, connection.clock.now_ms())
        target = f"{PATH}?{signed.payload}"

    def signed() -> None:
        account.open_orders("BTCJPY")

    def signed_bare() -> None:
        _get(bare, target, {"X-MBX-APIKEY": KEY})

    def public() -> None:
        connection.calls.ticker_24h(["BTCJPY"])

    def public_bare() -> None:
        _get(bare, "/api/v3/ticker/24hr?symbol=BTCJPY", {})

    def signed_session() -> None:
        reply = session.get(f"{connection.url.origin}{target}", headers={"X-MBX-APIKEY": KEY})
        assert reply.status_code == 200, reply.content[:200]
        reply.json()

    def compared(ours: Work, peer: Work, clock: Callable[[], float] = time.perf_counter) -> tuple[Times, Times]:
        mine, theirs = in_turn(size.rounds, ours, peer, before=minute, clock=clock, times_each=size.calls)
        return mine, theirs

    against = "bare `http.client`, the same request, kept alive"
    with requests.Session() as session:
        session.trust_env = False
        cpu = compared(signed, signed_session, time.process_time)
    return [
        Row("a signed request: open orders", against, *compared(signed, signed_bare), "HMAC, deadline, typed reply"),
        Row("a public request: 24 h ticker", against, *compared(public, public_bare), "deadline, typed reply"),
        Row("a signed request: open orders", "a bare `requests` session, processor time", *cpu, "the same"),
    ]


def _get(connection: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> None:
    connection.request("GET", target, headers=headers)
    reply = connection.getresponse()
    body = reply.read()
    assert reply.status == 200, body[:200]
