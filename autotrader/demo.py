"""The demo: a recorded day of BTC/JPY, traded live at a simulator on this machine, in stepped time.

It is the product and nothing else: the rules of `examples/demo`, the real client with real signatures over HTTP, the
real journal and records. Only the exchange is ours, and its time moves when the runner sleeps. The store's name and id
are fixed, and all times are the tape's, so two runs leave the same records, to the last hash.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from autotrader.errors import ConfigError
from autotrader.exchanges.live import CONFIRMATION, grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.language.settings import Settings
from autotrader.ports import Notifier
from autotrader.project import read_project
from autotrader.records.places import Identity
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from autotrader.structs import dataclass
from autotrader.trading.parts import CycleReport

TAPE = "btcjpy-2018-01"
DAY_MS = 86_400_000
STORE_ID = "demo2018"
START = {"JPY": "100000", "BTC": "0"}
MARKER = ".autotrader-demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo while it is open: our side, the exchange's side, and when the day began."""

    world: Runtime
    simulator: Simulator
    began_ms: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our record beside the exchange's own; `differences` is empty where they agree to the last digit."""

    orders: int
    trades: int
    differences: tuple[str, ...]
    balances: Mapping[str, tuple[Decimal, Decimal]]


def examples() -> Path:
    """The folder of the demo's account file and rules. Raises ConfigError where it was not installed."""
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "examples" / "demo", package / "examples" / "demo"):
        if (folder / "autotrader.yaml").is_file():
            return folder
    raise ConfigError("the demo's rules are not here", hint="run it from a checkout: python3 dev.py demo")


def fresh_folder(folder: Path) -> Path:
    """Make the folder for the demo's project and records; what an earlier demo left there is removed.

    Raises ConfigError for a folder that something else lives in, or that cannot be written.
    """
    try:
        return _made(folder)
    except OSError as error:
        where = error.filename or folder
        hint = "choose another folder with --into DIR"
        raise ConfigError(f"the demo cannot write {where}: {error.strerror}", hint=hint) from None


def _made(folder: Path) -> Path:
    if folder.exists():
        if not (folder / MARKER).is_file():
            raise ConfigError(f"{folder} exists and is not a demo's folder", hint="choose another with --into DIR")
        shutil.rmtree(folder)
    shutil.copytree(examples(), folder)
    for path in folder.rglob("*"):  # live refuses files that others may write to; under umask 002 a checkout has such
        path.chmod(0o700 if path.is_dir() else 0o600)
    (folder / MARKER).write_text("made by `autotrader demo`; may be deleted\n", encoding="utf-8")
    return folder


@contextmanager
def stage(folder: Path, make_notifier: Callable[[Settings], Notifier]) -> Iterator[Demo]:
    """Start the exchange and open a live world on it."""
    account = Account.named("demo", START)
    with Simulator(tape=TAPE, time="stepped", accounts=[account]) as simulator:
        project = read_project(folder / "autotrader.yaml", base_url=simulator.url, environ={})
        wishes = OpenOptions(
            state=folder / "state",
            stepped=True,
            token=grant_live(project.settings.mode, True, CONFIRMATION),
            credentials=Credentials(Secret(account.key), Secret(account.secret)),
            identity=Identity(mode="live", base_url=f"simulator:{TAPE}", fingerprint="demo"),
            store_id=STORE_ID,
        )
        with open_runtime(project, wishes, make_notifier) as world:
            yield Demo(world, simulator, simulator.now_ms)


def play(
    on: Demo, on_report: Callable[[CycleReport], None], log: Callable[[str, str], None], span_ms: int = DAY_MS
) -> Runner:
    """Play the day, or its first part. Raises what the runner raises."""
    on.world.start()
    runner = Runner(on.world, RunMode(until_ms=on.began_ms + span_ms, stepped=True), on_report=on_report, log=log)
    runner.run()
    return runner


def compared(on: Demo) -> Comparison:
    """Every order, trade and balance, ours beside the exchange's."""
    store = on.world.store
    theirs = {str(order["clientOrderId"]): order for order in on.simulator.orders()}
    ours = {row.client_order_id: row.order for row in store.orders.since(0)}
    found: list[str] = [f"order {cid} is known to one side only" for cid in theirs.keys() ^ ours.keys()]
    for cid in theirs.keys() & ours.keys():
        mine, their = ours[cid], theirs[cid]
        pairs = (
            (mine.quantity, Decimal(their["origQty"])),
            (mine.price, Decimal(their["price"])),
            (mine.executed, Decimal(their["executedQty"])),
            (mine.status.value, their["status"]),
        )
        found += [f"order {cid}: {one} here, {other} there" for one, other in pairs if one != other]
    trades = {int(trade["id"]): trade for trade in on.simulator.trades()}
    fills = {fill.trade_id: fill for fill in store.orders.fills_since(0)}
    found += [f"trade {number} is known to one side only" for number in trades.keys() ^ fills.keys()]
    for number in trades.keys() & fills.keys():
        fill, trade = fills[number], trades[number]
        here = (fill.price, fill.quantity, fill.fee, fill.fee_asset)
        there = (Decimal(trade["price"]), Decimal(trade["qty"]), Decimal(trade["commission"]), trade["commissionAsset"])
        if here != there:
            found.append(f"trade {number}: {here} here, {there} there")
    return Comparison(len(theirs), len(trades), tuple(found), dict(on.simulator.balances()))
