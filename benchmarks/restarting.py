"""A restart with a hundred open orders, from reading the store to armed, over real HTTP.

The simulator is a process of its own, in stepped time. Each restart opens the world in this process as `autotrader run`
does (connect, clock, filters, store with its checks, journal) and compares with the exchange. Its bound is as many bare
signed round trips as it needed, each with the list of those open orders. A minute of the exchange's time passes between
restarts. The 99th percentile stands beside; what is promised is 5 s.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from autotrader.exchanges.binance.connection import connect
from autotrader.exchanges.binance.signing import ReadSigner
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.language.settings import Settings as AccountSettings
from autotrader.orders import Side
from autotrader.ports import Level
from autotrader.project import Project, read_project
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.service.hand import Wanted, place_by_hand
from benchmarks.measure import Row, Size, Times, in_turn
from benchmarks.requesting import KEY, MINUTE_S, PARAMS, PATH, SECRET, venue

ACCOUNT_FILE = """
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{url}"}}
symbols: [BTCJPY]
limits:
  spend_per_day: 900_000 JPY
  loss_per_day: 500_000 JPY
  keep_free: {{JPY: 1_000 JPY}}
  halt_after: 5 refusals
  open_orders: 150
  orders_per_hour: 1000
  holding: {{BTC: 5 BTC}}
  price_band: 10%
  request_weight: 90%
"""
RULES = """
version: 1
rules:
  never:
    symbol: BTCJPY
    every: 1m
    when: last > 999_000_000 JPY
    then:
      - buy: {spend: 1_000 JPY, price: bid}
"""
RESTARTS_A_ROUND = 7


class Silent:
    """A notifier for nobody."""

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Nobody hears it."""

    def failures(self) -> Sequence[tuple[str, str]]:
        """None."""
        return ()

    def close(self, timeout: float) -> None:
        """Nothing is queued."""


class Restarts:
    """One store over one exchange, opened again and again."""

    def __init__(self, folder: Path, url: str) -> None:
        self._credentials = Credentials(Secret(KEY), Secret(SECRET))
        self._folder = folder
        self._project = _written(folder, url)
        self._desk = connect(VenueSettings(stepped=True), url=url)
        self._clock = self._desk.clock
        self._signer = ReadSigner(self._credentials, self._desk.url.host)
        self._target = ""
        self._bare = http.client.HTTPConnection(urlsplit(url).netloc)
        self._world: Runtime | None = None
        self.requests = 0

    def armed(self) -> None:
        """Open the world and be armed: the restart."""
        token = grant_live("live", True, "live")
        wishes = OpenOptions(state=self._folder / "state", stepped=True, token=token, credentials=self._credentials)
        self._world = open_runtime(self._project, wishes, _silent)
        report = self._world.start()
        if not report.armed:
            raise RuntimeError(f"not armed: {report.reasons}")

    def bound(self) -> None:
        """As many bare signed round trips as a restart needs."""
        for _ in range(self.requests):
            self._bare.request("GET", self._target, headers={"X-MBX-APIKEY": KEY})
            reply = self._bare.getresponse()
            body = reply.read()
            if reply.status != 200:
                raise RuntimeError(f"HTTP {reply.status}: {body[:200]!r}")

    def down(self) -> None:
        """End the process, as it were; a minute later the next one begins."""
        if self._world is not None:
            self._world.close()
            self._world = None
        self._clock.sleep(MINUTE_S)
        signed = self._signer.sign(self._desk.url.host, "GET", PATH, PARAMS, self._clock.now_ms())
        self._target = f"{PATH}?{signed.payload}"

    def fill(self, orders: int) -> None:
        """Place the orders, and count what one restart asks."""
        self.down()
        self.armed()
        world = self._world
        assert world is not None
        for number in range(orders):
            if number % 15 == 0:
                self._clock.sleep(MINUTE_S)
                world.connection.clock.sync()
            bid = world.connection.calls.best(["BTCJPY"])[0].bids[0][0]
            price = (bid * Decimal("0.97")).quantize(Decimal(1))
            place_by_hand(world, Wanted(symbol="BTCJPY", side=Side.BUY, price=price, quantity=Decimal("0.0002")))
        self.down()
        before = self._asked()
        self.armed()
        self.requests = self._asked() - before
        self.down()

    def _asked(self) -> int:
        self._bare.request("GET", "/simulator/requests")
        return int(json.loads(self._bare.getresponse().read())["total"])

    def close(self) -> None:
        """End everything."""
        if self._world is not None:
            self._world.close()
        self._bare.close()
        self._desk.close()


def _silent(_settings: AccountSettings) -> Silent:
    return Silent()


def _written(folder: Path, url: str) -> Project:
    (folder / "rules").mkdir(mode=0o700)
    for path, text in ((folder / "rules" / "one.yaml", RULES), (folder / "autotrader.yaml", ACCOUNT_FILE)):
        path.write_text(text.format(url=url) if path.name == "autotrader.yaml" else text, encoding="utf-8")
        path.chmod(0o600)
    return read_project(folder / "autotrader.yaml", environ={})


@contextmanager
def restarts(orders: int) -> Iterator[Restarts]:
    """A store with so many open orders."""
    with TemporaryDirectory() as folder, venue() as url:
        made = Restarts(Path(folder), url)
        try:
            made.fill(orders)
            yield made
        finally:
            made.close()


def percentile(times: Times, part: float) -> float:
    """The smallest time that at least this part of all do not exceed."""
    return sorted(times)[max(0, -(-len(times) * round(part * 100) // 100) - 1)]


def rows(size: Size) -> list[Row]:
    """One line: a restart against its round trips."""
    orders = min(100, size.rules)
    with restarts(orders) as made:
        ours, peer = in_turn(size.rounds * RESTARTS_A_ROUND, made.armed, made.bound, before=made.down)
        beside = f"p99 {percentile(ours, 0.99) * 1000:.0f} ms of {len(ours)} restarts"
        return [
            Row(
                f"a restart with {orders} open orders, to armed",
                f"its {made.requests} round trips by bare `http.client`",
                ours,
                peer,
                beside,
            )
        ]
