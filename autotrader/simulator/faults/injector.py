"""Faults that a venue can make, injected by plan: by index or by probability, seeded and logged.

    faults = Faults(seed=7, plan={
        "reply_lost": {"call": "POST order", "at": [2]},      # the second placement
        "server_error": 0.01,                                  # one in a hundred of all calls
    })
    with Simulator(seed=1, faults=faults) as sim: ...
    sim.faults.log                                             # what was injected, when and to which request

Strategy: the plan becomes rules. Every rule has its own counter of matching
requests and its own random numbers, so that what one rule does depends on
nothing but the requests it matches. A request goes through the rules that
chose it: before the exchange sees it, and after, when there is an answer. The
catalogue is a table (``catalogue``); without faults none of this runs.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autotrader.simulator.exchange import Exchange
from autotrader.simulator.faults.case import FaultCase, FaultState
from autotrader.simulator.faults.plan import FaultsError, Rule, read, rules
from autotrader.simulator.protocol import Answer, Delivery, Later, Request

LOG_LENGTH = 10_000


class Injected(NamedTuple):
    """One injected fault. ``time``: the exchange's, ms; ``nth``: number among the requests that the rule matches."""

    number: int
    time: int
    fault: str
    nth: int
    method: str
    path: str
    details: Mapping[str, Any]


class _Counted:
    """A rule with its counter and its random numbers."""

    def __init__(self, rule: Rule, seed: int, number: int) -> None:
        self.rule = rule
        self.index = 0
        self.done = 0
        self._random = random.Random(f"{seed}/{rule.name}/{number}")

    def chooses(self) -> bool:
        """Count a matching request; whether this is one to spoil."""
        rule = self.rule
        self.index += 1
        drawn = rule.probability > 0 and self._random.random() < rule.probability
        chosen = drawn or self.index in rule.at or (rule.every > 0 and self.index % rule.every == 0)
        return chosen and (rule.times is None or self.done < rule.times)


class Faults:
    """A plan of faults for one simulator. ``log`` holds the newest injected ones, ``counts`` how many of each."""

    def __init__(self, seed: int = 0, plan: Mapping[str, Any] | None = None) -> None:
        self.seed = seed
        self.rules: tuple[Rule, ...] = rules(plan or {})
        self.active = True
        self.log: deque[Injected] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._counted = [_Counted(rule, seed, number) for number, rule in enumerate(self.rules)]
        self._by_call: dict[str, tuple[_Counted, ...]] = {}
        self._exchange: Exchange | None = None
        self._state: FaultState | None = None
        self._real = False

    @classmethod
    def read(cls, file: str | Path) -> Faults:
        """Faults from a JSON or YAML file: ``{"seed": 7, "plan": {…}}``. Raises FaultsError."""
        seed, plan = read(Path(file))
        return cls(seed, plan)

    def attach(self, exchange: Exchange, *, real_time: bool) -> None:
        """Take effect at an exchange; once only, since counters and log belong to one run. Raises FaultsError."""
        if self._exchange is not None:
            raise FaultsError("these Faults are in use by another simulator; make new ones for each")
        for rule in self.rules:
            asked, known = rule.settings.get("symbol"), exchange.markets
            if asked is not None and asked not in known:
                raise FaultsError(f"{rule.name}: symbol {asked!r}; there are {', '.join(known)}")
        self._exchange, self._state, self._real = exchange, FaultState(exchange), real_time

    def stop(self) -> None:
        """Inject nothing more and end what still lasts; what has been done to orders and money stays."""
        self.active = False
        if self._state is not None:
            self._state.end()

    def resume(self) -> None:
        """Go on after ``stop``."""
        self.active = True

    def shown(self) -> list[dict[str, Any]]:
        """The log as JSON."""
        return [row._asdict() | {"details": dict(row.details)} for row in self.log]

    # ---- a request -------------------------------------------------------------

    def handle(self, request: Request) -> Answer | Delivery | Later:
        """Answer a request with whatever faults the plan has for it."""
        if self._exchange is None or self._state is None:
            raise FaultsError("these Faults are attached to no simulator")
        case = FaultCase(self._exchange, request, self._state)
        if not self.active:
            return self._ask(case)
        chosen = self._chosen(case)
        for rule, index in chosen:
            self._do(rule.kind.before, case, rule, index)
        # In real time the lock must not be held meanwhile: other requests overtake this one.
        if case.delay_ms and self._real and case.execute:
            seconds, case.delay_ms = case.delay_ms / 1000, 0
            return Later(seconds, lambda: self._finish(case, chosen))
        return self._finish(case, chosen)

    def _chosen(self, case: FaultCase) -> list[tuple[Rule, int]]:
        """The rules for this request; of those that replace the answer or break the wire only the first."""
        seconds = (case.exchange.now_ms - case.exchange.started_ms) / 1000
        chosen: list[tuple[Rule, int]] = []
        taken = False
        for counted in self._about(case.request.call):
            rule = counted.rule
            if not rule.matches(case, seconds) or not counted.chooses():
                continue
            # Counted and drawn all the same: what one rule does must not depend on another rule's luck.
            if rule.kind.whole and taken:
                continue
            taken = taken or rule.kind.whole
            counted.done += 1
            chosen.append((rule, counted.index))
        return chosen

    def _about(self, call: str) -> tuple[_Counted, ...]:
        """The rules for one kind of call, found once: patterns are slow, and there are few kinds."""
        if call not in self._by_call:
            self._by_call[call] = tuple(counted for counted in self._counted if counted.rule.is_about(call))
        return self._by_call[call]

    def _finish(self, case: FaultCase, chosen: Sequence[tuple[Rule, int]]) -> Delivery:
        if case.execute:
            case.answer = self._ask(case)
            case.state.overlay(case)
        for rule, index in chosen:
            self._do(rule.kind.after, case, rule, index)
        if case.answer is None:
            case.answer = case.state.nothing
        case.state.remember(case)
        return Delivery(case.answer, case.manner, case.wait, case.pause)

    def _do(self, action: Callable[[FaultCase], object] | None, case: FaultCase, rule: Rule, index: int) -> None:
        if action is None:
            return
        case.settings, case.details, case.done = rule.settings, {}, True
        action(case)
        # A kind with two halves is logged with the second, which knows what came of it.
        if case.done and not (rule.kind.after is not None and action is rule.kind.before):
            self._note(case, rule, index)

    def _note(self, case: FaultCase, rule: Rule, index: int) -> None:
        self.counts[rule.name] += 1
        number = self.counts.total()
        request = case.request
        self.log.append(
            Injected(number, case.exchange.now_ms, rule.name, index, request.method, request.path, case.details)
        )

    def _ask(self, case: FaultCase) -> Answer:
        exchange = case.exchange
        exchange.delay_us = case.delay_ms * 1000
        try:
            return exchange.handle(*case.request)
        finally:
            exchange.delay_us = 0
