"""The other side of `prove soak`: the exchange with its one ban, and where messages end, in a process of its own."""

from __future__ import annotations

import http.server
import os
import threading
import time
import traceback
from typing import Final

from autotrader.simulator import Account, Simulator
from autotrader.simulator.faults import Faults

DAY_MS: Final = 86_400_000
BAN_SECONDS: Final = 900.0


def bans_of(days: float) -> int:
    """One, in the middle, where there is time for it."""
    return int(days >= 0.02)


class _Sink(http.server.BaseHTTPRequestHandler):
    """Where notifications end: it takes everything and keeps nothing."""

    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def exchange_for(account: Account, days: float) -> tuple[int, int, int, int]:
    """Fork the exchange with its ban, and the notifications' sink: process id, both ports and the time it begins."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(read)
            plan = (
                {"banned": {"after": days * 43_200, "times": 1, "seconds": min(BAN_SECONDS, days * DAY_MS / 8_000)}}
                if bans_of(days)
                else {}
            )
            faults = Faults(1, plan)
            with Simulator(seed=5, time="stepped", symbols=["BTCJPY"], accounts=[account], faults=faults) as simulator:
                sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
                threading.Thread(target=sink.serve_forever, daemon=True).start()
                os.write(write, f"{simulator.port} {sink.server_port} {simulator.now_ms}\n".encode())
                while os.getppid() > 1:
                    time.sleep(1)
        except BaseException:  # noqa: BLE001 - said, and then the other side finds the pipe closed
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as line:
        port, sink_port, now_ms = (int(word) for word in line.readline().split())
    return pid, port, sink_port, now_ms
