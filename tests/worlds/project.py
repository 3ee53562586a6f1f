"""Projects at a simulator: their account file, the whole product opened on them in stepped time, and its play.

The one place of the tests that knows how the product is put together. Whole worlds in one process and virtual time are
`autotrader.prove.harness`; here the client speaks HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from autotrader.language.settings import Settings
from autotrader.orders import Order
from autotrader.project import read_project
from autotrader.prove.harness import SilentNotifier, live_options
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator

HOUR_MS = 3_600_000
TAPE = "btcjpy-2018-01"
Changes = Mapping[str, str]
SETTINGS = {
    "timezone": "Asia/Tokyo",
    "symbols": "[BTCJPY]",
    "max_slippage": "0.5%",
    "paper": "{JPY: 50_000_000 JPY, BTC: 0 BTC}",
}
LIMITS = {
    "spend_per_day": "40_000_000 JPY",
    "loss_per_day": "5_000_000 JPY",
    "keep_free": "{JPY: 5_000 JPY}",
    "halt_after": "5 refusals",
    "open_orders": "10",
    "orders_per_hour": "30",
    "holding": "{BTC: 30 BTC}",
    "price_band": "3%",
    "request_weight": "30%",
}


NOTHING: Changes = MappingProxyType({})


def account_text(url: str, mode: str, *, settings: Changes = NOTHING, limits: Changes = NOTHING) -> str:
    """An account file of the usual settings and limits, with changes."""
    lines = ["version: 1", f"mode: {mode}", f'exchange: {{name: binance, base_url: "{url}"}}']
    lines += [f"{name}: {text}" for name, text in {**SETTINGS, **settings}.items()]
    lines += ["limits:", *(f"  {name}: {text}" for name, text in {**LIMITS, **limits}.items())]
    return "\n".join(lines) + "\n"


def simulator(jpy: int = 50_000_000) -> Simulator:
    """The exchange of a test: the recorded tape in stepped time, one account with yen."""
    return Simulator(tape=TAPE, time="stepped", accounts=[Account.named("main", {"JPY": str(jpy), "BTC": "0"})])


def write_project(folder: Path, account: str, rules: str) -> Path:
    """An account file and a rule file; returns the account file."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "day.yaml").write_text(rules, encoding="utf-8")
    path = folder / "autotrader.yaml"
    path.write_text(account, encoding="utf-8")
    return path


@contextmanager
def entered(
    folder: Path,
    sim: Simulator,
    rules: str,
    *,
    live: bool,
    heard: SilentNotifier | None = None,
    account: int = 0,
    cache: Path | None = None,
    settings: Changes = NOTHING,
    limits: Changes = NOTHING,
) -> Iterator[Runtime]:
    """A world at the simulator, not started; over a folder that has a store it is a restart. `account`: of which of the
    simulator's keys; `changes`: `settings` and `limits` of the account file.
    """
    path = write_project(
        folder, account_text(sim.url, "live" if live else "dry_run", settings=settings, limits=limits), rules
    )
    keys, notifier = sim.accounts[account], heard or SilentNotifier()
    options = live_options(folder / "state", keys.key, keys.secret) if live else OpenOptions(state=folder / "state")
    options = replace(options, cache=cache, stepped=True)

    def make(_settings: Settings) -> SilentNotifier:
        return notifier

    with open_runtime(read_project(path, environ={}), options, make) as world:
        yield world


@contextmanager
def opened(
    folder: Path,
    sim: Simulator,
    rules: str,
    *,
    live: bool,
    heard: SilentNotifier | None = None,
    account: int = 0,
    settings: Changes = NOTHING,
    limits: Changes = NOTHING,
) -> Iterator[Runtime]:
    """A world at the simulator, armed."""
    with entered(
        folder, sim, rules, live=live, heard=heard, account=account, settings=settings, limits=limits
    ) as world:
        report = world.start()
        assert report.armed, report.reasons
        yield world


def played(world: Runtime, hours: float) -> Runner:
    """Let market time pass."""
    ends = world.connection.clock.now_ms() + int(hours * HOUR_MS)
    runner = Runner(world, RunMode(until_ms=ends, stepped=True))
    runner.run()
    return runner


def own_orders(world: Runtime) -> dict[str, Order]:
    """Every order of the store by client order id."""
    return {row.client_order_id: row.order for row in world.store.orders.since(0)}
