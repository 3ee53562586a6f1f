"""A recorded day for the road's tests: the project, the exchange, and one world's play."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autotrader.app import Wishes, World, open_world, read_project
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.language.plan import Settings
from autotrader.orders import Order
from autotrader.ports import Level
from autotrader.service.runner import Manner, Runner
from autotrader.simulator import Account, Simulator

HOUR_MS = 3_600_000
TAPE = "btcjpy-2018-01"
ACCOUNT_FILE = """
version: 1
mode: {mode}
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{url}"}}
symbols: [BTCJPY]
max_slippage: 0.5%
paper: {{JPY: 50_000_000 JPY, BTC: 0 BTC}}
limits:
  spend_per_day: 40_000_000 JPY
  loss_per_day: 5_000_000 JPY
  keep_free: {{JPY: 5_000 JPY}}
  halt_after: 5 refusals
  open_orders: 10
  orders_per_hour: 30
  holding: {{BTC: 30 BTC}}
  price_band: 3%
  request_weight: 30%
"""
# Last price, 24h change, spread from depth and an indicator; limit buy, sell, cancel stale orders, notify.
RULES = """
version: 1
rules:
  buy_the_dip:
    symbol: BTCJPY
    every: 1m
    when:
      all:
        - last > 100_000 JPY
        - change_24h <= -1.5%
        - spread <= 0.30%
        - depth_bid(5 levels) > 1_000 JPY
        - rsi(14, 15m) < 65
    rearm_when: change_24h > -0.5%
    cooldown: 30m
    then:
      - buy: {spend: 15_000_000 JPY, price: bid, post_only: true, cancel_after: 45m, tag: dip}
      - notify: "{symbol} {change_24h}: bid {order.price} for {order.size}"
  low_bids:
    symbol: BTCJPY
    every: 2h
    when: open_buys < 3
    repeat: every 2h while true
    then:
      - buy: {spend: 10_000 JPY, price: bid - 1%, tag: low}
  cancel_stale_buys:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader, tag: low}
    when:
      any:
        - order.age > 70m
        - order.distance > 2.5%
    then:
      - cancel
      - notify: "cancelled {order.id}: {order.age} old"
  take_profit:
    symbol: BTCJPY
    on_close: 15m
    when:
      all:
        - holding(BTC) > 0.01 BTC
        - close(15m) > sma(20, 15m)
    cooldown: 1h
    then:
      - sell: {size: 60% of holding(BTC), price: ask, cancel_after: 20m}
  take_at_market:
    symbol: BTCJPY
    every: 5m
    when:
      all:
        - holding(BTC) > 0.01 BTC
        - change_24h > 4%
    cooldown: 6h
    then:
      - sell: {size: 30% of holding(BTC), price: market}
"""


class Heard:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, str]] = []

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Keep it."""
        self.messages.append((channel, level, text))

    def failures(self) -> Sequence[tuple[str, str]]:
        """None."""
        return ()

    def close(self, timeout: float) -> None:
        """Nothing is queued."""


def simulator() -> Simulator:
    """The exchange of a test: the recorded tape in stepped time, one account with yen."""
    return Simulator(tape=TAPE, time="stepped", accounts=[Account.named("main", {"JPY": "50000000", "BTC": "0"})])


def write_project(folder: Path, url: str, mode: str, rules: str = RULES) -> Path:
    """An account file and a rule file; returns the account file."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "day.yaml").write_text(rules, encoding="utf-8")
    path = folder / "autotrader.yaml"
    path.write_text(ACCOUNT_FILE.format(mode=mode, url=url), encoding="utf-8")
    return path


@contextmanager
def opened(
    folder: Path, sim: Simulator, *, live: bool, heard: Heard | None = None, rules: str = RULES, account: int = 0
) -> Iterator[World]:
    """A world on the simulator, armed."""
    with entered(folder, sim, live=live, heard=heard, rules=rules, account=account) as world:
        report = world.start()
        assert report.armed, report.reasons
        yield world


@contextmanager
def entered(
    folder: Path, sim: Simulator, *, live: bool, heard: Heard | None = None, rules: str = RULES, account: int = 0
) -> Iterator[World]:
    """A world on the simulator, not started."""
    path = write_project(folder, sim.url, "live" if live else "dry_run", rules)
    key = sim.accounts[account]
    notifier = heard or Heard()

    def make(_settings: Settings) -> Heard:
        return notifier

    wishes = Wishes(
        state=folder / "state",
        stepped=True,
        token=grant_live("live", True, "live") if live else None,
        credentials=Credentials(Secret(key.key), Secret(key.secret)) if live else None,
    )
    with open_world(read_project(path, environ={}), wishes, make) as world:
        yield world


def played(world: World, hours: float) -> Runner:
    """Let market time pass."""
    ends = world.connection.clock.now_ms() + int(hours * HOUR_MS)
    runner = Runner(world, Manner(until_ms=ends, stepped=True))
    runner.run()
    return runner


def own_orders(world: World) -> dict[str, Order]:
    """Every order of the store by client order id."""
    return {row.client_order_id: row.order for row in world.store.orders.since(0)}
