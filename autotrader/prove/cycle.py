"""One cycle of `prove kill`, inside a fork server: an exchange, the lives of one victim, and the verdict.

python -m autotrader.prove.cycle FIRST END STEP POINT      one fork server: a line of JSON for each cycle
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import autotrader
from autotrader.project import read_project
from autotrader.prove.agreement import Difference, Truth, after_death, money, store_folder, too_many, unexplained
from autotrader.prove.harness import scratch
from autotrader.prove.kill import KILLED, CyclePlan, Life, plan_of
from autotrader.prove.processes import ForkedServer, as_program, served, tell
from autotrader.prove.proof import Case, Counts
from autotrader.prove.referee import judged
from autotrader.prove.victim import CALM, MOST, PLAY_MINUTES, Stakes, born
from autotrader.records.inbox import Inbox
from autotrader.records.places import INBOX
from autotrader.records.store import Store
from autotrader.simulator import Account, Faults, Simulator

MONEY: Final = {"JPY": "1000000", "BTC": "0.5"}
HAND: Final = {"symbol": "BTCJPY", "side": "BUY", "quantity": "0.002", "post_only": False, "tif": "GTC"}
_FAULTY: Final = Life(minutes=PLAY_MINUTES)
_LAST: Final = Life()
LIFE_SECONDS: Final = 60.0
_SAID: Final = 12  # last lines of what the victim said, for the story of a breach
_market: list[Simulator] = []


def play(plan: CyclePlan, point: str = "") -> Counts:
    """Play one cycle. `point`: what was asked for instead of the death that the seed chooses, to show it again."""
    with scratch("kill") as folder:
        return KillCycle(plan, folder, point).played()


class KillCycle(Case):
    """The exchange of one cycle and what is known of its victim's lives."""

    promise = "-"

    def __init__(self, plan: CyclePlan, folder: Path, point: str) -> None:
        again = f"kill --cycles 1 --seed {plan.seed}" + (f" --point {point}" if point else "")
        super().__init__(f"kill/{plan.seed}", again)
        self._plan = plan
        self._account = _template().accounts[0]
        self._exchange = _exchange_born(plan)
        self._port, began_ms = (int(word) for word in self._exchange.said)
        self._stakes = Stakes(
            folder=folder, url=f"http://127.0.0.1:{self._port}", key=self._account.key, secret=self._account.secret,
            began_ms=began_ms,
        )  # fmt: skip
        self._story: list[str] = [f"faults: {dict(plan.faults)}"] if plan.faults else []
        self._most = {**MOST, "": 0}
        self._sent_before_halt: frozenset[str] | None = None

    def play(self) -> None:
        """All lives, then the verdict."""
        try:
            self._stakes.write()
            for life in self._plan.lives:
                self._lived(life)
            if self._plan.faults:
                self._end_faults()
            self._lived(_LAST)
            self._judge()
        finally:
            self._exchange.end()
        self.counts.figures["cycles"] = 1

    def story(self) -> tuple[str, ...]:
        """The lives, and what the victim said last."""
        return (*self._story, *_last_words(self._stakes.folder))

    def _note(self, differences: Iterable[Difference]) -> None:
        for promise, what in differences:
            self.counts.note(promise, what)

    def _end_faults(self) -> None:
        """One more life with them, then none: all that is unknown must come to light once faults stop."""
        self._lived(_FAULTY)
        self.counts.injected.update(_ask_desk(self._port, "POST", "faults?on=0")["counts"])

    def _lived(self, life: Life) -> None:
        if life.told:
            self._tell(life.told)
        minutes = life.minutes if life is _LAST else life.minutes or PLAY_MINUTES
        status = _ended(born(self._stakes, crash_at=life.crash_at, minutes=minutes), life)
        self.counts.figures["lives"] += 1
        self._story.append(f"{life.crash_at or life.signal or 'calm'}: ended with {status}")
        if life.crash_at and status == -signal.SIGKILL:
            self.counts.figures[KILLED + life.crash_at] += 1
        elif life.signal:
            self.counts.figures[life.signal] += 1
        allowed = {CALM}
        if life.crash_at or life.signal:
            allowed |= {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
        if status not in allowed:
            self.breach(f"a life ended with {status} and not calmly")
        self._note(after_death(self._stakes.state, self._truth()))

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
        return Truth.of(_ask_desk(self._port, "GET", "state"), self._account.name)

    def _judge(self) -> None:
        truth = self._truth()
        folder = store_folder(self._stakes.state)
        if folder is None:
            self.breach("there are no records")
            return
        with Store.read(folder) as store:
            unknown = sum(1 for act in store.chain.acts(kind="intent-state") if act.data["state"] == "UNKNOWN")
            self.counts.figures["orders of unknown fate"] += unknown
            halted = store.halted()
            self.counts.add(judged(truth, store))
            after = _sent(store) - (_sent(store) if self._sent_before_halt is None else self._sent_before_halt)
            self._note((*money(store, truth), *too_many(store, truth, self._most), *unexplained(store)))
        self._note(("P8", f"order {cid} was sent after the halt") for cid in sorted(after))
        # Nothing in these schedules is a reason to halt: one that comes by itself hides what it stopped.
        if halted is not None and self._sent_before_halt is None:
            self._note([("P8", f"it halted itself: {halted}")])


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
    # A life would otherwise spend its first second on imports, and outside signals would hit nothing else.
    for module in pkgutil.walk_packages(autotrader.__path__, "autotrader."):
        if not module.name.startswith(("autotrader.cli", "autotrader.prove", "autotrader.__main__")):
            importlib.import_module(module.name)  # whatever a life will need


def _exchange_born(plan: CyclePlan) -> ForkedServer:
    """Fork an exchange; it says its port and its time in ms."""
    simulator = _template()

    def begin() -> str:
        if plan.faults:
            simulator.faults = Faults(plan.seed, plan.faults)
            simulator.faults.attach(simulator.exchange, real_time=False)
            simulator.exchange.faults = simulator.faults
        simulator.start()
        return f"{simulator.port} {simulator.now_ms}"

    return served(begin)


def _ask_desk(port: int, method: str, what: str) -> Any:
    """Ask a simulator's control desk."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIFE_SECONDS)
    try:
        connection.request(method, f"/simulator/{what}")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _ended(pid: int, life: Life) -> int:
    """Wait for a life, with its signal from outside; returns its exit status (negative: the signal it died of)."""
    if life.signal:
        time.sleep(life.seconds)
        os.kill(pid, signal.Signals[life.signal])
    limit = time.monotonic() + LIFE_SECONDS
    pause = 0.002
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > limit:
            # A life that hangs is a finding as well; it must not hang the proof.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return 124
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


def _last_words(folder: Path) -> list[str]:
    try:
        return (folder / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-_SAID:]
    except FileNotFoundError:
        return []


def worker(first: int, end: int, step: int, point: str) -> None:
    """A fork server: play the cycles of every `step`-th seed from `first` to before `end`, and tell of each."""
    for seed in range(first, end, step):
        tell(play(plan_of(seed, point), point).as_json())


if __name__ == "__main__":
    as_program(lambda: worker(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
