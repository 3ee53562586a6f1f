"""One cycle of `prove kill`, inside a fork server: an exchange, the lives of one victim, and the verdict."""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import autotrader
from autotrader.project import read_project
from autotrader.prove.agreement import Difference, Truth, after_death, money, store_folder, too_many, unexplained
from autotrader.prove.harness import scratch
from autotrader.prove.kill import Case, Life, ask_desk, ended
from autotrader.prove.referee import judged
from autotrader.prove.victim import BROKE_OFF, CALM, MOST, PLAY_MINUTES, Stakes, born
from autotrader.records.inbox import Inbox
from autotrader.records.places import INBOX
from autotrader.records.store import Store
from autotrader.simulator import Account, Simulator
from autotrader.simulator.faults import Faults

MONEY: Final = {"JPY": "1000000", "BTC": "0.5"}
HAND: Final = {"symbol": "BTCJPY", "side": "BUY", "quantity": "0.002", "post_only": False, "tif": "GTC"}
_FAULTY: Final = Life(minutes=PLAY_MINUTES)
_LAST: Final = Life()
_SAID: Final = 12  # last lines of what the victim said, for the story of a breach
_market: list[Simulator] = []


def play(case: Case) -> dict[str, Any]:
    """Play one cycle; returns what came of it as JSON."""
    with scratch("kill") as folder:
        return _Cycle(case, folder).played()


class _Cycle:
    """The exchange of one cycle and what is known of its victim's lives."""

    def __init__(self, case: Case, folder: Path) -> None:
        self._case = case
        self._account = _template().accounts[0]
        self._exchange, self._port, began_ms = _exchange_born(case)
        self._stakes = Stakes(
            folder=folder, url=f"http://127.0.0.1:{self._port}", key=self._account.key, secret=self._account.secret,
            began_ms=began_ms,
        )  # fmt: skip
        self._counts: Counter[str] = Counter()
        self._died_at: Counter[str] = Counter()
        self._story: list[str] = [f"faults: {dict(case.faults)}"] if case.faults else []
        self._differences: list[Difference] = []
        self._most = {**MOST, "": 0}
        self._sent_before_halt: frozenset[str] | None = None

    def played(self) -> dict[str, Any]:
        """All lives, then the verdict."""
        try:
            self._stakes.write()
            for life in self._case.lives:
                self._lived(life)
            injected = self._end_faults() if self._case.faults else {}
            self._lived(_LAST)
            self._judge()
        finally:
            os.kill(self._exchange, signal.SIGKILL)
            os.waitpid(self._exchange, 0)
        if self._differences:
            self._story += _last_words(self._stakes.folder)
        return {
            "seed": self._case.seed,
            "counts": self._counts,
            "died_at": self._died_at,
            "injected": injected,
            "differences": self._differences,
            "story": self._story,
        }

    def _end_faults(self) -> Mapping[str, int]:
        """One more life with them, then none: all that is unknown must come to light once faults stop."""
        self._lived(_FAULTY)
        counts: Mapping[str, int] = ask_desk(self._port, "POST", "faults?on=0")["counts"]
        return counts

    def _lived(self, life: Life) -> None:
        if life.told:
            self._tell(life.told)
        minutes = life.minutes if life is _LAST else life.minutes or PLAY_MINUTES
        status = ended(born(self._stakes, crash_at=life.crash_at, minutes=minutes), life)
        self._counts["lives"] += 1
        self._story.append(f"{life.crash_at or life.signal or 'calm'}: ended with {status}")
        if life.crash_at and status == -signal.SIGKILL:
            self._died_at[life.crash_at] += 1
        elif life.signal:
            self._counts[life.signal] += 1
        allowed = {CALM}
        if life.crash_at or life.signal:
            allowed |= {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
        if status not in allowed:
            self._differences.append(("-", f"a life ended with {status} and not calmly"))
        self._differences += after_death(self._stakes.state, self._truth())

    def _tell(self, command: str) -> None:
        """Put a command into the inbox, as `autotrader order` and `autotrader halt` do."""
        folder = store_folder(self._stakes.state)
        if folder is None:
            return
        arguments: dict[str, object] = {"reason": "proof"}
        if command == "order":
            last = self._truth().orders()[-1:]
            price = int(float(last[0]["price"]) * 0.97) if last else 9_000_000
            arguments = {**HAND, "price": str(price)}
            self._most[""] += 1
        else:
            with Store.read(folder) as store:
                self._sent_before_halt = _sent(store)
        inbox = Inbox(folder / INBOX)
        inbox.append(time.time_ns() // 1_000_000, command, arguments)
        inbox.close()

    def _truth(self) -> Truth:
        return Truth.of(ask_desk(self._port, "GET", "state"), self._account.name)

    def _judge(self) -> None:
        truth = self._truth()
        folder = store_folder(self._stakes.state)
        if folder is None:
            self._differences.append(("-", "there are no records"))
            return
        with Store.read(folder) as store:
            unknown = sum(1 for act in store.chain.acts(kind="intent-state") if act.data["state"] == "UNKNOWN")
            self._counts["unknown"] += unknown
            halted = store.halted()
            tally = judged(truth, store)
            after = _sent(store) - (_sent(store) if self._sent_before_halt is None else self._sent_before_halt)
            also = (*money(store, truth), *too_many(store, truth, self._most), *unexplained(store))
        self._counts.update(
            orders=tally.orders, trades=tally.trades, doubled=tally.duplicated, lost=tally.lost,
            unexplained=tally.unexplained + tally.unresolved,
        )  # fmt: skip
        self._differences += [(breach.promise, breach.what) for breach in tally.breaches]
        self._differences += also
        self._differences += [("P8", f"order {cid} was sent after the halt") for cid in sorted(after)]
        if halted is not None and self._sent_before_halt is None:
            self._differences.append(("P8", f"it halted itself: {halted}"))


def _sent(store: Store) -> frozenset[str]:
    return frozenset(row.client_order_id for row in store.intents.sent_since(0))


def _template() -> Simulator:
    """The market that every exchange begins with; made once, and forked."""
    if not _market:
        _import_all()
        _market.append(Simulator(seed=3, time="stepped", symbols=["BTCJPY"], accounts=[Account.named("main", MONEY)]))
    return _market[0]


def _import_all() -> None:
    """What a life imports when it needs it is imported once, before all forks."""
    with scratch("warm") as folder:
        stakes = Stakes(folder=folder, url="http://127.0.0.1:9", key="", secret="", began_ms=0)
        stakes.write()
        read_project(folder / "autotrader.yaml", environ={}).plan()
    for module in pkgutil.walk_packages(autotrader.__path__, "autotrader."):
        if not module.name.startswith(("autotrader.cli", "autotrader.prove", "autotrader.__main__")):
            importlib.import_module(module.name)


def _exchange_born(case: Case) -> tuple[int, int, int]:
    """Fork an exchange; returns its process id, its port and its time in ms."""
    simulator = _template()
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            if case.faults:
                simulator.faults = Faults(case.seed, case.faults)
                simulator.faults.attach(simulator.exchange, real_time=False)
                simulator.exchange.faults = simulator.faults
            simulator.start()
            os.write(write, f"{simulator.port} {simulator.now_ms}\n".encode())
            while os.getppid() > 1:
                time.sleep(1)
        finally:
            os._exit(BROKE_OFF)
    os.close(write)
    with os.fdopen(read) as line:
        port, _, now_ms = line.readline().partition(" ")
    return pid, int(port), int(now_ms)


def _last_words(folder: Path) -> list[str]:
    try:
        return (folder / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-_SAID:]
    except FileNotFoundError:
        return []
