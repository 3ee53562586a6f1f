"""The other side of `prove soak`: the exchange with its one ban, and where messages end, in a process of its own."""

from __future__ import annotations

import http.server
import threading
from typing import Final

from autotrader.prove.processes import Server, served
from autotrader.simulator import Account, Faults, Simulator

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


def exchange_for(account: Account, days: float) -> Server:
    """Fork the exchange with its ban, and the notifications' sink; it says both ports and the time it begins."""

    def begin() -> str:
        plan = (
            {"banned": {"after": days * 43_200, "times": 1, "seconds": min(BAN_SECONDS, days * DAY_MS / 8_000)}}
            if bans_of(days)
            else {}
        )
        simulator = Simulator(seed=5, time="stepped", symbols=["BTCJPY"], accounts=[account], faults=Faults(1, plan))
        simulator.start()
        sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        return f"{simulator.port} {sink.server_port} {simulator.now_ms}"

    return served(begin)
