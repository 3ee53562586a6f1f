"""The only names of the package that the pins use: whoever moves a module has this one file to edit.

What is pinned is what a stranger could see: files, rows of the database, bytes at the exchange, output of commands.
Nothing else in this folder imports the package.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from autotrader.cli import main
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.language.account_file import load_settings
from autotrader.language.compile.hashes import canonical
from autotrader.language.load import load
from autotrader.orders import DecisionKey, client_order_id
from autotrader.project import read_project
from autotrader.records import canon
from autotrader.records.places import Identity
from autotrader.runtime import OpenOptions, Runtime, open_runtime
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Faults, Simulator

__all__ = [
    "Day", "Place", "Recording", "ask_exchange", "canon", "command", "day", "folder_name", "hashes_of", "opened",
    "order_name", "problems_of", "recording",
]  # fmt: skip

Heard = Callable[[int, str, str, bytes, bytes, Mapping[str, str]], None]


class Recording(Simulator):
    """A simulator that tells of each request as it arrives: its time, method, path, query, body and headers."""

    heard: Heard = staticmethod(lambda *_: None)

    def _handle(self, method: str, path: str, query: bytes, body: bytes, headers: dict[str, str], address: str) -> Any:
        self.heard(self.exchange.now_ms, method, path, query, body, headers)
        return super()._handle(method, path, query, body, headers, address)


def recording(
    balances: Mapping[str, str], symbols: Sequence[str], faults: Mapping[str, Any] | None = None, seed: int = 5
) -> Recording:
    """An exchange on loopback: the recorded tape of BTC/JPY, the other symbols generated, in stepped time."""
    account = Account.named("pins", dict(balances))
    planned = None if faults is None else Faults(plan=faults)
    return Recording(
        tape="btcjpy-2018-01", seed=seed, time="stepped", symbols=list(symbols), accounts=[account], faults=planned
    )


def ask_exchange(sim: Recording, method: str, path: str, query: str) -> int:
    """Send a signed request past everything of ours, as another program would; returns the HTTP status."""
    key = sim.accounts[0]
    signature = hmac.new(key.secret.encode(), query.encode(), "sha256").hexdigest()
    text = f"{query}&signature={signature}".encode()
    answer = sim.exchange.handle(method, path, text, b"", {"x-mbx-apikey": key.key}, "127.0.0.1")
    return int(answer.status)


class _Silent:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notify(self, channel: str, level: str, text: str) -> None:
        self.told.append(f"{channel} {level} {text}")

    def failures(self) -> Sequence[tuple[str, str]]:
        return ()

    def close(self, timeout: float) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a day is played: the project's folder, and the name of its store where it is not derived."""

    folder: Path
    live: bool
    world: str = ""  # "": the store is named after mode, address and key
    store_id: str = "pins2345"


@dataclass
class Day:
    """A world that is open."""

    world: Runtime
    told: list[str]

    def start(self) -> bool:
        """Compare with the exchange; whether they agree."""
        return bool(self.world.start().armed)

    def play(self, hours: float) -> None:
        """Let market time pass."""
        self.play_until(self.world.connection.clock.now_ms() + int(hours * 3_600_000))

    def play_until(self, ends_ms: int) -> None:
        """Let market time pass up to a moment."""
        Runner(self.world, RunMode(until_ms=ends_ms, stepped=True)).run()

    @property
    def store(self) -> Path:
        """The folder of its records."""
        return self.world.store.folder

    def close(self) -> None:
        """End it properly: the record is sealed."""
        self.world.close()

    def abandon(self) -> None:
        """End it as the death of its process does: nothing is sealed."""
        self.world.store.abandon()
        self.world.connection.close()


@contextmanager
def day(sim: Simulator, place: Place) -> Iterator[Day]:
    """Open the project on the exchange, start it, and close it properly."""
    found = opened(sim, place)
    try:
        assert found.start()
        yield found
    finally:
        found.close()


def opened(sim: Simulator, place: Place) -> Day:
    """Open the project on the exchange; requests are made one after the other."""
    key, silent = sim.accounts[0], _Silent()

    def adjust(settings: VenueSettings) -> VenueSettings:
        return replace(settings, threads=0, chance=lambda: 0.5)

    mode = "live" if place.live else "dry-run"
    options = OpenOptions(
        state=place.folder / "state",
        stepped=True,
        token=grant_live("live", True, "live") if place.live else None,
        credentials=Credentials(Secret(key.key), Secret(key.secret)) if place.live else None,
        identity=Identity(mode=mode, base_url=place.world, fingerprint="pins") if place.world else None,
        store_id=place.store_id,
        adjust=adjust,
    )
    project = read_project(place.folder / "autotrader.yaml", base_url=sim.url, environ={})
    return Day(open_runtime(project, options, lambda _settings: silent), silent.told)


def command(words: Sequence[str]) -> int:
    """A command line, in this process; returns its exit code."""
    return main(list(words))


def folder_name(mode: str, base_url: str, fingerprint: str) -> str:
    """The name of a store's folder."""
    return Identity(mode=mode, base_url=base_url, fingerprint=fingerprint).folder_name()


def order_name(store_id: str, rule: str, symbol: str, order_id: str, slot_ms: int, step: int) -> str:
    """The client order id of a decision."""
    return client_order_id(
        DecisionKey(store_id=store_id, rule=rule, symbol=symbol, order_id=order_id, slot_ms=slot_ms, step=step)
    )


def _condition_hash(condition: object) -> str:
    return sha256(canonical(condition).encode()).hexdigest()


def hashes_of(account: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Every hash of a set of rule files: of the plan, of each rule for each symbol, and of its condition.

    Raises ValueError with the problems of files that cannot be used.
    """
    settings, problems = load_settings("autotrader.yaml", account.encode(), {})
    if settings is None:
        raise ValueError(problems)
    plan, problems = load(texts, settings)
    if plan is None:
        raise ValueError(problems)
    rules = {
        f"{rule.id} {rule.symbol}": {
            "rule": rule.hash,
            "when": rule.when_hash,
            "rearm_when": _condition_hash(rule.rearm_when),
            "branches": [_condition_hash(branch.condition) for branch in rule.branches],
        }
        for rule in plan.rules
    }
    return {"plan": plan.hash, "rules": rules}


def problems_of(account: str, texts: Mapping[str, str]) -> list[list[Any]]:
    """Every problem of an account file and, where that can be used, of rule files: code, place, words, hint."""
    settings, problems = load_settings("autotrader.yaml", account.encode("utf-8", "surrogatepass"), {})
    if settings is not None:
        _, found = load(texts, settings)
        problems = (*problems, *found)
    return [
        [each.code, each.severity, each.place.file, each.place.line, each.place.column, each.message, each.hint]
        for each in problems
    ]
