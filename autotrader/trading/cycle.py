"""One turn of the wheel, from "what is due?" to "what came of it?".

    due ─▶ observe market and account ─▶ take in orders and trades ─▶ answer waiting runs ─▶ decide
        ─▶ one transaction: next states, evaluation row, intents as far as the gate admits them
        ─▶ carry out (cancels, sells, buys) ─▶ answer runs

Everything that thinks is pure and elsewhere; everything that touches the world is a part that was plugged in. This
file fixes the order of the steps, because the order is the safety: an intent is on disk before its bytes leave, a
rule's next state is on disk with it, and an answer reaches a run only by way of the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from autotrader.engine.advance import Result, settled
from autotrader.engine.decide import is_first_try
from autotrader.engine.due import WATCH_MS, Due, due, needs_of_due, next_due_ms
from autotrader.engine.limits import Approved, Review, in_turn, review_needs
from autotrader.engine.outcome import Decision, Notice, Outcome
from autotrader.engine.requests import Context, Denied
from autotrader.engine.state import Run
from autotrader.errors import AutotraderError, OrderDenied
from autotrader.language.requests import CancelOrder, HaltRequest, NotifyRequest, PauseRequest, PlaceRequest, Request
from autotrader.market.account import Account, OwnOrder, OwnRecord
from autotrader.market.instrument import Instrument
from autotrader.market.needs import (
    Need,
    OpenOrdersNeed,
)
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Sources
from autotrader.records.crash import crash_point
from autotrader.records.evaluations import Evaluation
from autotrader.records.intents import Intent
from autotrader.trading.carry import Carrier
from autotrader.trading.evaluation import evaluation_body
from autotrader.trading.inputs import Inputs, decided
from autotrader.trading.kept import Kept
from autotrader.trading.look import observe
from autotrader.trading.loss import LossWatch
from autotrader.trading.observer import Observation
from autotrader.trading.parts import CycleReport, Parts
from autotrader.trading.silence import Silence
from autotrader.trading.telling import Teller, denial

CANCEL_AGAIN_MS = 5_000  # an order whose timer ran out and that is still open is cancelled again after this time


class Cycle:
    """Turns the wheel over one plan and one store."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.kept = Kept(parts.store)
        self.missed = 0
        self._zone = ZoneInfo(parts.plan.settings.timezone)
        self._carrier = Carrier(parts.store, parts.gateway, parts.broker, parts.clock)
        self._instruments = dict(parts.instruments)
        self._placing = frozenset(
            (rule.id, rule.symbol)
            for rule in parts.plan.rules
            if any(action.trades for branch in rule.branches for action in branch.actions)
        )
        self._watched_ms = 0
        self._ended: list[Notice] = []
        self._timed_out: dict[str, int] = {}  # orders whose time is over: when they were last asked to be cancelled
        self._teller = Teller(parts.store, parts.notifier)
        self._silence = Silence()
        self._loss = LossWatch(parts, lambda snapshot: self._sources(snapshot, Account()))

    # ------------------------------------------------------------------------------------------------------- one turn
    def tick(self) -> CycleReport:
        """Do what is due now. Raises RecordsBroken where a row cannot be written; then nothing more is sent."""
        report = self._turn()
        self._loss.look(self.parts.clock.now_ms())
        return report

    def _turn(self) -> CycleReport:
        parts, now_ms = self.parts, self.parts.clock.now_ms()
        self._answer_waiting()  # after a restart the journal may know more than the runs, and nothing else be due
        before = self._own_record(now_ms)  # what is due, and what must be looked at; decided is on one read after it
        orders = self._timed(before.orders, now_ms)
        found = due(parts.plan, self.kept.states, self.kept.runs.values(), orders, self.kept.last_ms, now_ms)
        found = self._silence.without_waiting(found, parts.market.health().silent_until_ms)
        if found.is_empty and not self._is_watch_due(now_ms):
            return self._only_watched(now_ms, Observation())
        self._renew_instruments(self._placing_in(found))
        snapshot, account = self._observe(found, before)
        observation = self._take_in(account, now_ms)
        self._answer_waiting()
        found = replace(found, runs=tuple(run for run in self.kept.runs.values() if run.status == "ready"))
        if found.is_empty:
            return self._only_watched(now_ms, observation)
        sources = self._sources(snapshot, account)
        self._silence.looked(found.slots, sources.health.silent_until_ms, now_ms)
        inputs = self._inputs(found, sources)
        outcome = decided(inputs)
        number, verdicts = self._record(inputs, outcome)
        if self._placing_in(found):
            self._loss.judged(now_ms)
        self._timed_out |= {order.client_order_id: now_ms for order in found.timers}
        self._carrier.carry_out(number, [r for r, v in verdicts if isinstance(v, Approved)], _cancels(outcome.requests))
        self._answer_waiting()
        return self._report(found, outcome, verdicts, number, observation, snapshot, account)

    def _only_watched(self, now_ms: int, observation: Observation) -> CycleReport:
        """A look at our own orders between the rules' slots: nothing is decided, so nothing more is written."""
        notices = self._endings()
        if notices or observation.alerts:
            self._teller.tell(now_ms, (), notices, {}, observation.alerts)
        return CycleReport(now_ms=now_ms, observation=observation, notices=notices)

    def look_soon(self) -> None:
        """Let the next tick look at our own orders, although it is not time yet."""
        self._watched_ms = 0

    def take_instruments(self, known: Mapping[str, Instrument]) -> None:
        """Use these filters from now on; a symbol that is absent keeps its old ones, whose age the limits judge."""
        self._instruments.update(known)

    def next_ms(self) -> int:
        """The next moment at which a tick can find something to do."""
        now_ms = self.parts.clock.now_ms()
        orders = self._timed(self._own_record(now_ms).orders, now_ms)
        moments = [next_due_ms(self.parts.plan, self.kept.states, self.kept.runs.values(), orders, now_ms)]
        if orders:
            moments.append(self._watched_ms + WATCH_MS)
        moments += [row.next_look_ms for row in self.parts.store.intents.unresolved() if row.next_look_ms is not None]
        moments += self.parts.observer.next_looks()
        return max(min(moments), now_ms + 1)

    def _own_record(self, now_ms: int) -> OwnRecord:
        return self.parts.store.own_record(now_ms, self._zone)

    def _timed(self, orders: tuple[OwnOrder, ...], now_ms: int) -> tuple[OwnOrder, ...]:
        """Own orders, with `cancel_after` as it is due: a cancel that failed is tried again after a while, not at
        every turn of the wheel (the exchange may be closed to us for an hour).
        """
        tried = self._timed_out = {cid: ms for cid, ms in self._timed_out.items() if now_ms - ms < CANCEL_AGAIN_MS}
        return tuple(
            replace(order, cancel_at_ms=max(order.cancel_at_ms or 0, tried[order.client_order_id] + CANCEL_AGAIN_MS))
            if order.client_order_id in tried
            else order
            for order in orders
        )

    def _is_watch_due(self, now_ms: int) -> bool:
        looks = (row.next_look_ms for row in self.parts.store.intents.unresolved())
        if any(look is not None and look <= now_ms for look in looks) or self.parts.observer.is_look_due(now_ms):
            return True
        return now_ms - self._watched_ms >= WATCH_MS and bool(self.parts.observer.symbols())

    # -------------------------------------------------------------------------------------------------------- observe
    def _observe(self, found: Due, record: OwnRecord) -> tuple[Snapshot, Account]:
        needs = set(needs_of_due(self.parts.plan, found)) | self._review_needs(found, record)
        needs |= {OpenOrdersNeed(symbol) for symbol in self.parts.observer.symbols()}
        return observe(self.parts.market, self.parts.broker, self.parts.clock, needs)

    def _review_needs(self, found: Due, record: OwnRecord) -> frozenset[Need]:
        """What the limits must see, if an order may come of what is due."""
        symbols = self._placing_in(found)
        if not symbols:
            return frozenset()
        return review_needs(symbols, record, self.parts.plan.settings, found.now_ms) | self.parts.before_orders

    def _placing_in(self, found: Due) -> tuple[str, ...]:
        """Symbols in which an order may come of what is due."""
        about = {(slot.rule.id, slot.rule.symbol) for slot in found.slots}
        about |= {(run.rule, run.symbol) for run in found.runs}
        return tuple(sorted({symbol for _, symbol in about & self._placing}))

    def _renew_instruments(self, symbols: Sequence[str]) -> None:
        """Filters and statuses that are old, or that refused an order, are read again before the next decision. Where
        that fails the old ones stay, and the limits judge their age.
        """
        try:
            if symbols:
                self.take_instruments(self.parts.market.instruments(symbols))
        except AutotraderError as error:
            with self.parts.store.transaction() as store:
                store.errors.add(self.parts.clock.now_ms(), f"filters: {error.message}")

    def _take_in(self, account: Account, now_ms: int) -> Observation:
        self.parts.resolver.resolve_due(account.open_orders)
        self._watched_ms = now_ms
        return self.parts.observer.observe(account)

    def _sources(self, snapshot: Snapshot, account: Account) -> Sources:
        now_ms = self.parts.clock.now_ms()
        return Sources(
            now_ms=now_ms,
            snapshot=snapshot,
            account=account,
            record=self._own_record(now_ms),
            health=self.parts.market.health(),
            instruments=self._instruments,
            zone=self.parts.plan.settings.timezone,
        )

    def _inputs(self, found: Due, sources: Sources) -> Inputs:
        """All that is decided by, as it is now."""
        runs, context = tuple(self.kept.runs.values()), self._context(found.now_ms)
        states = dict(self.kept.states)
        return Inputs(plan=self.parts.plan, due=found, sources=sources, states=states, runs=runs, context=context)

    def _context(self, now_ms: int) -> Context:
        return Context(
            store_id=self.parts.store.id,
            pauses=self.kept.pauses_at(now_ms),
            halt=self.parts.store.halt_in_force(),
        )

    # --------------------------------------------------------------------------------------------------------- record
    def _record(self, inputs: Inputs, outcome: Outcome) -> tuple[int, Sequence[tuple[PlaceRequest, Review]]]:
        """One transaction: what was seen and decided, the rules' next states, and the intents that the gate admits."""
        store, found, sources = self.parts.store, inputs.due, inputs.sources
        now_ms = found.now_ms
        self.missed += sum(found.missed.values())
        with store.transaction():
            number = store.counters.next("cycle")
            if outcome.decisions:
                store.evaluations.add(self._evaluation(number, inputs, outcome))
            if found.missed:
                late = int(store.settings.get("missed", 0)) + sum(found.missed.values())
                store.settings.set("missed", late, now_ms)
            self.kept.keep_states({key: outcome.states[key] for key in outcome.changed}, outcome.gone)
            for run in outcome.runs:
                if self.kept.runs.get(run.key) is not run:
                    self.kept.keep_run(run)
            for decision in outcome.decisions:
                if decision.fired:
                    store.chain.append(now_ms, "decision", decision.rule, _decision_act(decision, number))
            self._obey(outcome.requests, now_ms)
            self.parts.gate.trip(sources)
            places = in_turn(request for request in outcome.requests if isinstance(request, PlaceRequest))
            verdicts = [(request, self._admit(request, number, sources, now_ms)) for _, request in places]
            self.kept.keep_time(now_ms)
            crash_point("cycle_uncommitted")
        return number, verdicts

    def _admit(self, request: PlaceRequest, number: int, sources: Sources, now_ms: int) -> Review:
        """Journal an order, or let its rule know why not."""
        about = (request.key.rule, request.key.symbol)
        rules = (rule for rule in self.parts.plan.rules if (rule.id, rule.symbol) == about)
        try:
            admission = self.parts.gate.admit(request, sources, {n for r in rules for n in r.needs | r.action_needs})
        except OrderDenied as denied:
            verdict = Denied(denied.reason)
            if request.run is not None and request.run in self.kept.runs:
                self._book(self.kept.runs[request.run], request.id, verdict)
            return verdict
        self.parts.store.intents.add(self._intent(request, number, now_ms), admission)
        return Approved()

    def _evaluation(self, number: int, inputs: Inputs, outcome: Outcome) -> Evaluation:
        return Evaluation(
            cycle=number,
            time_ms=inputs.due.now_ms,
            plan=self.parts.plan_text,
            rules=tuple(dict.fromkeys(decision.rule for decision in outcome.decisions)),
            body=evaluation_body(inputs, outcome),
        )

    def _intent(self, request: PlaceRequest, number: int, now_ms: int) -> Intent:
        rule = next((r for r in self.parts.plan.rules if r.id == request.key.rule), None)
        return Intent(
            key=request.key,
            request=request.order,
            cycle=number,
            created_ms=now_ms,
            deadline_ms=request.deadline_ms,
            rule_hash="" if rule is None else rule.hash,
            cancel_after_ms=request.cancel_after_ms,
            tag=request.tag,
            labels=request.labels,
            because="" if request.run is None else f"rule {request.key.rule} fired",
        )

    def _obey(self, requests: Iterable[Request], now_ms: int) -> None:
        """Pauses and halts that rules asked for."""
        for request in requests:
            if isinstance(request, PauseRequest):
                self.kept.pause(request, now_ms)
            elif isinstance(request, HaltRequest):
                self.parts.store.halt(request.reason, now_ms)

    # --------------------------------------------------------------------------------------------------------- answer
    def _answer_waiting(self) -> None:
        """Give every waiting run what the journal says of its requests by now."""
        for run in self.kept.waiting():
            for request_id in run.awaiting:
                answer = self._carrier.answer(self.kept.runs.get(run.key, run), request_id)
                if answer is not None:
                    with self.parts.store.transaction():
                        self._book(self.kept.runs.get(run.key, run), request_id, answer)
                        crash_point("answer_uncommitted")
                    crash_point("answered")

    def _book(self, run: Run, request_id: str, answer: Result) -> None:
        """Move one run (and its rule) by one answer. Inside a transaction."""
        step = settled(run, self.kept.states.get(run.state_key), request_id, answer, self._steps_of(run))
        if step.run is run:
            return
        self.kept.keep_run(step.run)
        failed = step.run.status == "failed" or (step.run.status == "returned" and is_first_try(run))
        if failed and not isinstance(answer, Denied):  # what is denied is told where it is
            self._ended.append(Notice("warn", f"{run.rule} ({run.symbol}): {step.run.reason}", run.rule, run.symbol))
        if step.state is not None:
            self.kept.keep_states({run.state_key: step.state})
        if step.run.status == "returned" and self.parts.store.intents.get(request_id) is not None:
            self.parts.store.intents.mark_given_back(request_id)

    def _endings(self) -> tuple[Notice, ...]:
        """What people have not heard yet of actions that came to nothing."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def _steps_of(self, run: Run) -> int:
        for rule in self.parts.plan.rules:
            if (rule.id, rule.symbol, rule.hash) == (run.rule, run.symbol, run.hash):
                return len(rule.branches[run.branch].actions)
        return run.step + 1  # the rule was edited or removed: this answer is the run's last

    # --------------------------------------------------------------------------------------------------------- report
    def _report(
        self,
        found: Due,
        outcome: Outcome,
        verdicts: Sequence[tuple[PlaceRequest, Review]],
        number: int,
        observation: Observation,
        snapshot: Snapshot,
        account: Account,
    ) -> CycleReport:
        messages = tuple(
            r for r in outcome.requests if isinstance(r, NotifyRequest) and self._teller.passes(r, found.now_ms)
        )
        denied = tuple((request, verdict.reason) for request, verdict in verdicts if isinstance(verdict, Denied))
        report = CycleReport(
            now_ms=found.now_ms,
            number=number,
            decisions=outcome.decisions,
            placed=tuple(request for request, verdict in verdicts if isinstance(verdict, Approved)),
            denied=denied,
            cancels=tuple(_cancels(outcome.requests)),
            observation=observation,
            notices=(*outcome.notices, *(denial(request, reason) for request, reason in denied), *self._endings()),
            messages=messages,
            missing={**snapshot.missing, **{OpenOrdersNeed(key): why for key, why in account.missing.items()}},
            missed=sum(found.missed.values()),
        )
        self._teller.tell(report.now_ms, report.messages, report.notices, report.missing, report.observation.alerts)
        return report


def _cancels(requests: Iterable[Request]) -> list[CancelOrder]:
    return [request for request in requests if isinstance(request, CancelOrder)]


def _decision_act(decision: Decision, number: int) -> dict[str, object]:
    return {
        "symbol": decision.symbol,
        "order": decision.order,
        "slot_ms": decision.slot_ms,
        "rule_hash": decision.rule_hash,
        "branch": decision.branch,
        "holds": decision.holds,
        "cycle": number,
    }
