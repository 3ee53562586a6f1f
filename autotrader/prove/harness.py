"""The harness: the product as it runs, from rules to signed bytes, on an exchange in its process, in virtual time.

Nothing of the product is replaced but what touches the world: the network (`Line` hands requests to the simulator's
core), the clocks (`VirtualTime`: requests and waiting take virtual time), chance (seeded), and the threads (none: what
is asked at once is asked in turn). So a run is decided by its seed alone, and takes milliseconds. The store is the real
one, in a folder that lies in memory where the machine has such a place.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final

from autotrader.errors import AutotraderError
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.messages import NoReplyError, NotSentError, Reply, Request, read_reply
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.settings import Settings
from autotrader.market.instrument import Instrument
from autotrader.ports import Level, Notifier
from autotrader.project import Project, read_project
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.simulator import Account, Exchange, Simulator
from autotrader.simulator.protocol import Delivery, Later
from autotrader.simulator.protocol import Request as Arrived

NOWHERE: Final = "http://127.0.0.1:9"  # a loopback address at which nothing listens; the line never dials it
# How the account file of a world in the harness begins; its limits follow.
ACCOUNT_HEAD: Final = f"""
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{NOWHERE}"}}
symbols: [BTCJPY]
max_slippage: 0.5%
"""
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


class VirtualTime:
    """One clock for everybody: the exchange's. `shift` seconds are what this machine's wall clock is wrong by."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.shift = 0.0

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._exchange.now_us / 1_000_000

    def wall(self) -> float:
        """What this machine's clock on the wall shows, in seconds since 1970."""
        return self.monotonic() + self.shift

    def sleep(self, seconds: float) -> None:
        """Let time pass; the market goes on."""
        self._exchange.advance_to(self._exchange.now_us + round(max(seconds, 0.0) * 1_000_000))


@dataclass(slots=True)
class DirectLine:
    """The network between the product and the simulated exchange; a `Sender`.

    `trip` gives the seconds of one way; `dead` is asked before each request whether no connection can be made. `heard`
    counts requests by method and path.
    """

    url: BaseUrl
    simulator: Simulator
    time: VirtualTime
    trip: Callable[[], float]
    dead: Callable[[Request], bool] = lambda _request: False
    heard: dict[tuple[str, str], int] = field(default_factory=dict)

    def send(self, request: Request, seconds: float) -> Reply:
        """Carry one request there and its answer back. Raises NotSentError, NoReplyError."""
        ends = self.time.monotonic() + seconds
        # Before it is counted: what cannot connect has never left this machine.
        if seconds <= 0 or self.dead(request):
            raise NotSentError(f"nothing was sent to {self.url.host}: connection refused")
        self.heard[request.method, request.path] = self.heard.get((request.method, request.path), 0) + 1
        self.time.sleep(self.trip())
        delivery = self._answered(request)
        self.time.sleep(delivery.wait + self.trip())
        content = _arriving(delivery)
        # Also an answer that arrives too late is none: the caller has given up, whatever the exchange did.
        if content is None or self.time.monotonic() >= ends:
            self.time.sleep(0 if delivery.manner.startswith("reset") else ends - self.time.monotonic())
            raise NoReplyError(f"no answer from {self.url.host}: the connection was closed")
        reply = read_reply(delivery.answer.status, delivery.answer.headers, content)
        if isinstance(reply, str):
            raise NoReplyError(f"no answer from {self.url.host}: {reply}")
        return reply

    def close(self) -> None:
        """Nothing is held open."""

    def _answered(self, request: Request) -> Delivery:
        key = {} if request.key is None else {"x-mbx-apikey": request.key.reveal()}
        arrived = Arrived(request.method, request.path, request.query.encode(), request.body.encode(), key, "127.0.0.1")
        faults, exchange = self.simulator.faults, self.simulator.exchange
        if faults is None:
            return Delivery(exchange.handle(*arrived))
        answer = faults.handle(arrived)
        if isinstance(answer, Later):  # in real time only
            self.time.sleep(answer.seconds)
            answer = answer.then()
        return answer if isinstance(answer, Delivery) else Delivery(answer)


def _arriving(delivery: Delivery) -> bytes | None:
    """The body as it arrives, None where no whole answer does (see `simulator.server`)."""
    return delivery.answer.body if delivery.manner in {"whole", "twice", "reset_after"} else None


class SilentNotifier:
    """A notifier that keeps what it is told and bothers nobody."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Level, str]] = []

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Keep it."""
        self.messages.append((channel, level, text))

    def failures(self) -> Sequence[tuple[str, str]]:
        """None."""
        return ()

    def close(self, timeout: float) -> None:
        """Nothing is queued."""


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder that is gone afterwards; in memory where the machine has `/dev/shm` and no TMPDIR says otherwise."""
    base = MEMORY if MEMORY.is_dir() and "TMPDIR" not in os.environ else None
    folder = Path(tempfile.mkdtemp(prefix=f"autotrader-{name}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def project_of(folder: Path, account: str, rules: str) -> Project:
    """A project of these texts, as read from files. Raises RulesInvalid, ConfigError."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "rules.yaml").write_text(rules, encoding="utf-8")
    path = folder / "autotrader.yaml"
    path.write_text(account, encoding="utf-8")
    return read_project(path, environ={})


def remembered(project: Project) -> Project:
    """The same project, which compiles its rules once for the same filters: for many worlds in one process."""

    class Remembering(Project):
        __slots__ = ("known",)
        known: dict[object, tuple[Plan, tuple[Problem, ...]]]

        def plan(self, instruments: Mapping[str, Instrument] | None = None) -> tuple[Plan, tuple[Problem, ...]]:
            filters = None if instruments is None else tuple(sorted(instruments.items(), key=lambda item: item[0]))
            # When filters were read is no part of what they say: each world reads them anew.
            key = None if filters is None else tuple((name, replace(one, fetched_ms=None)) for name, one in filters)
            if key not in self.known:
                self.known[key] = project.plan(instruments)
            return self.known[key]

    made = Remembering(**{one.name: getattr(project, one.name) for one in fields(project)})
    object.__setattr__(made, "known", {})
    return made


def live_options(state: Path, key: str, secret: str) -> OpenOptions:
    """How a world is opened that trades with this key of a simulator."""
    return OpenOptions(
        state=state,
        token=grant_live("live", True, "live"),
        credentials=Credentials(Secret(key), Secret(secret)),
    )


@dataclass(slots=True)
class Harness:
    """An exchange, a time, a project and a state folder; worlds are opened on it one after the other.

    `chance` draws trips and pauses; two that are made alike play alike, to the last byte of their records.
    """

    project: Project
    simulator: Simulator
    state: Path
    chance: random.Random
    live: bool = True
    store_id: str = "stage234"
    trip_ms: tuple[float, float] = (2.0, 80.0)
    dead: Callable[[Request], bool] = lambda _request: False
    time: VirtualTime = field(init=False)
    notifier: SilentNotifier = field(default_factory=SilentNotifier)
    lines: list[DirectLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.time = VirtualTime(self.simulator.exchange)

    @property
    def account(self) -> Account:
        """The account that is traded."""
        return self.simulator.accounts[0]

    def open(self) -> Runtime:
        """Open the world as `autotrader run` does. Raises what `open_runtime` raises."""
        account = self.account
        options = live_options(self.state, account.key, account.secret) if self.live else OpenOptions(state=self.state)
        options = replace(options, store_id=self.store_id, adjust=self._adjusted)
        return open_runtime(self.project, options, self._made_notifier)

    def _made_notifier(self, _settings: Settings) -> Notifier:
        return self.notifier

    def _adjusted(self, settings: VenueSettings) -> VenueSettings:
        return replace(
            settings,
            monotonic=self.time.monotonic,
            wall=self.time.wall,
            sleep=self.time.sleep,
            chance=self.chance.random,
            line=self._line,
            # None: what is asked at once would otherwise be asked in another order each time.
            threads=0,
        )

    def _line(self, url: BaseUrl) -> DirectLine:
        line = DirectLine(url, self.simulator, self.time, self._trip, self.dead)
        self.lines.append(line)
        return line

    def _trip(self) -> float:
        return self.chance.uniform(*self.trip_ms) / 1000

    def heard(self) -> Mapping[tuple[str, str], int]:
        """Requests that arrived, by method and path, over all worlds of this harness."""
        total: dict[tuple[str, str], int] = {}
        for line in self.lines:
            for call, count in line.heard.items():
                total[call] = total.get(call, 0) + count
        return total


def drop(world: Runtime) -> None:
    """End a world as the death of its process does: nothing is sealed, flushed or said."""
    # A dead process writes no seal and no last checkpoint, and its lock is free.
    world.store.abandon()
    try:
        world.connection.close()
    except AutotraderError:
        return


@contextmanager
def closing(world: Runtime) -> Iterator[Runtime]:
    """Close a world in the end, or drop it where something was raised: a simulated crash must not flush or seal."""
    try:
        yield world
    except BaseException:
        drop(world)
        raise
    world.close()
