"""`prove soak`: weeks of the service in virtual time, and whether anything grows that should not.

Two processes, so that the exchange's own memory is not measured: a simulator in stepped time, and the product as
`autotrader run --live` makes it (runner, signed client over a real socket, records, candle cache, rotating log,
notifications to an address on loopback). Rules trade, rest, cancel, notify and look at candles all day. The product's
process measures itself a few times a day: resident memory, open files, threads, what its files hold. Its line to the
exchange counts what comes back: 429 and 418 there are of our making, but for one ban that the exchange is told to make;
while that lasts nothing may be sent.
"""

from __future__ import annotations

import gc
import http.server
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.messages import Reply, Request, Sender
from autotrader.exchanges.transport import Transport
from autotrader.exchanges.venue import VenueSettings
from autotrader.language.settings import Settings
from autotrader.ports import Notifier
from autotrader.project import read_project
from autotrader.prove.harness import live_options, scratch
from autotrader.prove.processes import ForkedServer, Programs, as_program, served, tell
from autotrader.prove.proof import Breach, Progress, Proof, unheard
from autotrader.runtime import Runtime, open_runtime
from autotrader.service.logs import Logs, set_up
from autotrader.service.notify import Notices
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Faults, Simulator
from autotrader.trading.parts import CycleReport

CLAIM: Final = "Running for weeks, the service needs no more memory, files or threads than after two days, and no ban."
MOST_GROWTH: Final = 5 * 1024 * 1024
WARM_UP: Final = 2.0  # days until everything that is filled once is filled
SAMPLES_A_DAY: Final = 8
DAY_MS: Final = 86_400_000
BAN_SECONDS: Final = 900.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_CHANNEL: Final = "AUTOTRADER_NOTIFY_URL"
_LOG_BYTES: Final = 100_000
ACCOUNT: Final = """
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{url}"}}
symbols: [BTCJPY]
max_slippage: 0.5%
limits:
  spend_per_day: 5_000_000 JPY
  loss_per_day: 5_000_000 JPY
  keep_free: {{JPY: 1_000 JPY}}
  halt_after: 1000 refusals
  open_orders: 20
  orders_per_hour: 200
  holding: {{BTC: 30 BTC}}
  price_band: 5%
notify:
  default: sink
  sink: {{url_env: AUTOTRADER_NOTIFY_URL}}
"""
RULES: Final = """
version: 1
rules:
  buys:
    symbol: BTCJPY
    every: 10m
    when: rsi(14, 15m) < 60
    repeat: every 30m while true
    then:
      - buy: {spend: 11_000 JPY, price: ask + 0.05%, tag: taker}
  sells:
    symbol: BTCJPY
    on_close: 15m
    when:
      all:
        - holding(BTC) > 0.3 BTC
        - close(15m) > sma(20, 15m)
    repeat: every 1h while true
    then:
      - sell: {size: 0.0030 BTC, price: bid - 0.05%}
      - notify: "{symbol} sold at {bid}"
  low_bids:
    symbol: BTCJPY
    every: 2h
    when: open_buys < 3
    repeat: every 2h while true
    then:
      - buy: {spend: 12_000 JPY, price: bid - 2%, cancel_after: 3m, tag: low}
  stale:
    symbol: BTCJPY
    every: 30m
    for_each_order: {side: buy, owner: autotrader}
    when: order.age > 2m
    then:
      - cancel
  looks:
    symbol: BTCJPY
    every: 5m
    when: spread > 50%
    then:
      - notify: "a wide spread: {spread}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the product's process was at a moment. `records` is the size of its database with its log, in bytes."""

    days: float
    rss: int
    files: int
    threads: int
    records: int


@dataclass(slots=True)
class Heard:
    """What came back over the line. `until_ms`: the end of a ban that was heard; `inside` requests sent during it."""

    clock_ms: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    until_ms: int = 0
    bans: int = 0
    inside: int = 0


class Listening:
    """A `Sender` that counts statuses, and requests during a ban."""

    def __init__(self, line: Sender, heard: Heard) -> None:
        self._line = line
        self._heard = heard

    @property
    def url(self) -> BaseUrl:
        """The host."""
        return self._line.url

    def send(self, request: Request, seconds: float) -> Reply:
        """As the line itself."""
        heard = self._heard
        if request.path.startswith("/simulator/"):
            reply = self._line.send(request, seconds)
            heard.clock_ms = int(json.loads(reply.body)["now"])
            return reply
        heard.inside += heard.clock_ms < heard.until_ms
        reply = self._line.send(request, seconds)
        heard.statuses[reply.status] += 1
        if reply.status == 418:  # one that was on its way already when another heard of the ban is no other ban
            heard.bans += heard.clock_ms >= heard.until_ms
            names = {name.lower(): value for name, value in reply.headers.items()}
            heard.until_ms = max(heard.until_ms, heard.clock_ms + int(names.get("retry-after", "0")) * 1000)
        return reply

    def close(self) -> None:
        """End what it holds open."""
        self._line.close()


# ---------------------------------------------------------------------------------------------------------- the proof
def prove_soak(
    days: float,
    progress: Progress = unheard,
    *,
    warm_up: float = WARM_UP,
    command: Sequence[str] = (sys.executable, "-m", "autotrader.prove.soak"),
) -> Proof:
    """Run the service for so many days of virtual time. `warm_up`: days before the measuring begins."""
    told: list[dict[str, Any]] = []
    with scratch("soak") as folder, Programs([[*command, str(folder), str(days)]], 1) as programs:
        for _, line in programs.lines():
            told.append(line)
            progress(min(int(line.get("days", days) * 100), int(days * 100)), int(days * 100))
    return _judged(told, days, warm_up)


def _judged(told: Sequence[Mapping[str, Any]], days: float, warm_up: float) -> Proof:
    samples = [Sample(**one) for one in told if "rss" in one]
    end = next((one for one in told if "statuses" in one), {})
    warm = [one for one in samples if one.days >= warm_up] or samples[-1:]
    breaches = [] if end and warm else [Breach(promise="P18", what="the service ended early; nothing was measured")]
    # The first and the last tenth, not two samples: a single one may fall into a vacuum or a notification.
    first, last = warm[: max(1, len(warm) // 10)], warm[-max(1, len(warm) // 10) :]
    began, ended = (median(s.rss for s in some) if some else 0 for some in (first, last))
    growth = int(ended - began)
    # Medians: a notification that is just being delivered has a thread and a connection of its own.
    files = int(median(s.files for s in last) - median(s.files for s in first)) if warm else 0
    threads = int(median(s.threads for s in last) - median(s.threads for s in first)) if warm else 0
    statuses, bans = Counter({int(k): v for k, v in end.get("statuses", {}).items()}), int(end.get("made", 0))
    for what, broken in (
        (f"resident memory grew by {growth / 1024 / 1024:.1f} MiB", growth >= MOST_GROWTH),
        (f"{files} open files more", files > 0),
        (f"{threads} threads more", threads > 0),
        *((text, True) for text in end.get("errors", ())),
    ):
        if broken:
            breaches.append(Breach(promise="P18", what=what, case=f"soak --days {days:g}"))
    ours = statuses[429] + statuses[403] + max(0, int(end.get("bans", 0)) - bans)
    for what, count in (
        ("answers 429 or 418 of our making", ours),
        ("requests during a ban", int(end.get("inside", 0))),
    ):
        if count:
            breaches.append(Breach(promise="P12", what=f"{count} {what}", case=f"soak --days {days:g}"))
    span = (last[-1].days - first[0].days) if warm else 0.0
    a_day = int((last[-1].records - first[0].records) / span) if span else 0
    figures: dict[str, int | str] = {
        "days": f"{days:g}",
        "cycles": int(end.get("cycles", 0)),
        "requests": statuses.total(),
        "orders": int(end.get("orders", 0)),
        "trades booked": int(end.get("trades", 0)),
        "notifications sent": int(end.get("notices", 0)),
        "resident memory, MiB": f"{began / 1024 / 1024:.1f} to {ended / 1024 / 1024:.1f}",
        "its growth after the warm-up, KiB": growth // 1024,
        "open files, growth": f"{last[-1].files if warm else 0}, {files:+d}",
        "threads, growth": f"{last[-1].threads if warm else 0}, {threads:+d}",
        "records, KiB a day": a_day // 1024,
        "log files": int(end.get("logs", 0)),
        "answers 429, 418 of our making": ours,
        "bans that the exchange made": bans,
        "requests during a ban": int(end.get("inside", 0)),
    }
    parameters = f"--days {days:g}, measured after {warm_up:g}"
    return Proof(name="soak", claim=CLAIM, parameters=parameters, figures=figures, breaches=tuple(breaches))


# --------------------------------------------------------------------------------------------- the exchange's process
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


def exchange_for(account: Account, days: float) -> ForkedServer:
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


# ---------------------------------------------------------------------------------------------- the product's process
def main(folder: Path, days: float) -> None:
    """Fork the exchange, then be the service; lines of JSON on stdout."""
    account = Account.named("main", {"JPY": "100000000", "BTC": "1"})
    exchange = exchange_for(account, days)
    port, sink, began_ms = (int(word) for word in exchange.said)
    try:
        os.environ[_CHANNEL] = f"json://127.0.0.1:{sink}/"
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
        (folder / "autotrader.yaml").write_text(ACCOUNT.format(url=f"http://127.0.0.1:{port}"), encoding="utf-8")
        logs = set_up(folder / "logs", max_bytes=_LOG_BYTES)
        try:
            _served(folder, account, days, began_ms, logs)
        finally:
            logs.close()
    finally:
        exchange.end()


def _served(folder: Path, account: Account, days: float, began_ms: int, logs: Logs) -> None:
    heard = Heard()

    def line(url: BaseUrl, settings: VenueSettings) -> Sender:
        return Listening(Transport(url, monotonic=settings.monotonic, agent=settings.agent), heard)

    def notices(settings: Settings) -> Notifier:
        channels = settings.notify
        return Notices(channels.named, channels.default, heartbeat_env=settings.heartbeat_env, log=logs.log)

    options = replace(
        live_options(folder / "state", account.key, account.secret),
        cache=folder / "cache",
        stepped=True,
        adjust=lambda settings: replace(settings, line=partial(line, settings=settings)),
    )
    with open_runtime(read_project(folder / "autotrader.yaml", environ=os.environ), options, notices) as world:
        report = world.start()
        if not report.armed:
            raise SystemExit(f"not armed: {report.reasons}")
        told = _Told(world, began_ms)
        ends = began_ms + int(days * DAY_MS)
        runner = Runner(world, RunMode(until_ms=ends, stepped=True), on_report=told.heard, log=told.log(logs))
        runner.run()
        told.sample()
        store = world.store
        tell(
            {
                "cycles": runner.cycles,
                "orders": sum(1 for _ in store.orders.since(0)),
                "trades": sum(1 for _ in store.orders.fills_since(0)),
                "notices": told.notices,
                "logs": len(list((folder / "logs").iterdir())),
                "statuses": heard.statuses,
                "bans": heard.bans,
                "made": bans_of(days),
                "inside": heard.inside,
                "errors": told.errors,
            }
        )


class _Told:
    """Takes a sample a few times a day, and keeps what the runner says went wrong."""

    def __init__(self, world: Runtime, began_ms: int) -> None:
        self._world = world
        self._began_ms = began_ms
        self._next_ms = began_ms
        self.errors: list[str] = []
        self.notices = 0

    def heard(self, report: CycleReport) -> None:
        """A cycle has ended."""
        self.notices += len(report.messages)
        if report.now_ms >= self._next_ms:
            self._next_ms = report.now_ms + DAY_MS // SAMPLES_A_DAY
            self.sample()

    def log(self, logs: Logs) -> Any:
        """A log that also keeps errors which are no outage."""

        def say(level: str, text: str) -> None:
            logs.log(level, text)
            if level == "critical" and len(self.errors) < 5:
                self.errors.append(text)

        return say

    def sample(self) -> None:
        """Measure this process now."""
        # What waits for the collector is no growth.
        gc.collect()
        folder = self._world.store.folder
        days = (self._world.connection.clock.now_ms() - self._began_ms) / DAY_MS
        records = sum(path.stat().st_size for path in folder.glob("records.db*"))
        tell(
            {
                "days": round(days, 3),
                "rss": int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE,
                "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names alone, without an iterator's file
                "threads": threading.active_count(),
                "records": records,
            }
        )


if __name__ == "__main__":
    as_program(lambda: main(Path(sys.argv[1]), float(sys.argv[2])))
