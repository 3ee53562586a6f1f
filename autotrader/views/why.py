"""Why a rule did what it did, then or now: from the stored row of a cycle back to the verdict tree, and over a day.

The row holds the values that were seen and the rule's state before; the plan's text stands in the chain's store of
texts under the hash that the row names. Compiling that text and judging again gives the verdict as it was, also for
rules that were edited since. Nothing here asks the exchange, takes a lock or writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from autotrader.engine.conditions import judge
from autotrader.engine.due import period_ms
from autotrader.engine.explain import Story, retold, story_to_data
from autotrader.engine.observe import prepared
from autotrader.engine.outcome import Decision
from autotrader.engine.state import RuleState, StateKey
from autotrader.engine.values import Values, scalar_from_text
from autotrader.engine.verdict import Verdict
from autotrader.errors import RecordsBroken, UsageError
from autotrader.language.account_file import load_settings
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.load import load
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.shapes import Moment
from autotrader.language.vocabulary import needs_of_condition
from autotrader.language.walk import tree_nodes
from autotrader.market.needs import Need
from autotrader.money import ZERO
from autotrader.orders import DecisionKey, client_order_id
from autotrader.records.evaluations import Evaluation
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.text import did_you_mean
from autotrader.times import iso_utc
from autotrader.trading.evaluation import decisions_of, seen_name, state_before
from autotrader.views.day import Day, Tally, blamed, short_reason
from autotrader.views.money import Spending, spending

DAY_MS = 86_400_000
_ROWS_AT_HAND = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order that a firing asked for, and how far it came. `reason` is why it came no further."""

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    executed: Decimal
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision retold. `seen` says how old the data was; `before` is the rule's state before it."""

    number: int
    time_ms: int
    rule: CompiledRule
    zone: str
    story: Story
    before: RuleState | None
    seen: Mapping[str, Mapping[str, Any]]
    spending: tuple[Spending, ...]
    followed: tuple[PlacedOrder, ...]

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self.story.decision

    def as_json(self, day: Day) -> dict[str, Any]:
        """For programs, with the day around it."""
        before = self.before
        until = None if before is None else before.cooldown_until_ms
        return {
            "evaluation": self.number,
            "time": iso_utc(self.time_ms),
            **story_to_data(self.story),
            "phase_before": "armed" if before is None else before.phase,
            "cooldown_until": None if until is None else iso_utc(until),
            "data": self.seen,
            "spending": list(self.spending),
            "orders": list(self.followed),
            "day": day.as_json(),
        }

    def seen_of(self, leaf: Verdict) -> tuple[tuple[Need, Mapping[str, Any] | None], ...]:
        """What one leaf looked at, with how old it was; None where the record does not say."""
        conditions = (self.rule.when, self.rule.rearm_when, *(branch.condition for branch in self.rule.branches))
        for condition in conditions:
            for node in () if condition is None else tree_nodes(condition):
                if getattr(node, "key", None) == leaf.key and getattr(node, "text", "") == leaf.text:
                    needs = needs_of_condition(node)  # type: ignore[arg-type]  # nodes with a key are conditions
                    return tuple((need, self.seen.get(seen_name(need))) for need in sorted(needs, key=repr))
        return ()

    def verdict(self, name: str = "when") -> Verdict | None:
        """The tree of one of the rule's conditions."""
        return next((verdict for part, verdict in self.story.parts if part == name), None)


class Explainer:
    """Retells decisions from one store. Plans are compiled once each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._plans: dict[str, Plan | None] = {}
        self._by_name: dict[str, dict[tuple[str, str], CompiledRule]] = {}
        self._rows: dict[int, Evaluation | None] = {}
        self._spent: dict[int, tuple[Spending, ...]] = {}

    # ----------------------------------------------------------------------------------------------------- the plans
    def plan(self, name: str) -> Plan:
        """The plan of a kept text. Raises RecordsBroken where it is not there or does not compile any more."""
        if name not in self._plans:
            self._plans[name] = plan_of_text(self._store.chain.text(name))
        found = self._plans[name]
        if found is None:
            raise RecordsBroken(
                "the rules of that time cannot be read any more", hint="`autotrader audit verify` checks the records"
            )
        return found

    def _rule(self, plan: str, rule: str, symbol: str) -> CompiledRule:
        """One rule of a kept plan. Raises RecordsBroken where the row speaks of a rule that its plan lacks."""
        if plan not in self._by_name:
            self._by_name[plan] = {(one.id, one.symbol): one for one in self.plan(plan).rules}
        found = self._by_name[plan].get((rule, symbol))
        if found is None:
            raise RecordsBroken(f"the rules of that time have no {rule} for {symbol}")
        return found

    def _spending(self, plan: Plan, at_ms: int) -> tuple[Spending, ...]:
        if at_ms not in self._spent:
            self._spent[at_ms] = spending(self._store, plan, at_ms)
        return self._spent[at_ms]

    def newest_plan(self) -> Plan | None:
        """The plan that was opened last, None where nothing ever was."""
        name = self._store.settings.get("plan")
        if name is None:
            row = self._store.evaluations.last()
            name = None if row is None else row.plan
        return None if name is None else self.plan(name)

    def rules(self) -> tuple[str, ...]:
        """Every rule that this store knows: of the newest plan first, then others that were ever evaluated."""
        plan = self.newest_plan()
        now = () if plan is None else tuple(rule.id for rule in plan.rules)
        return tuple(dict.fromkeys((*now, *self._store.evaluations.known_rules())))

    def known(self, rule: str) -> str:
        """The rule's name. Raises UsageError with the nearest known ones."""
        names = self.rules()
        if rule in names:
            return rule
        listed = f"there are: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else "none ran yet"
        hint = did_you_mean(rule, names, listed, most=2)
        raise UsageError(f"no rule is called `{rule}` in these records", hint=hint)

    # ------------------------------------------------------------------------------------------------- one evaluation
    def explain(self, rule: str, at_ms: int | None = None, symbol: str | None = None) -> tuple[Explanation, ...]:
        """The rule's decisions of its last evaluation at or before a time: one per symbol and order; () for none."""
        row = self._row(rule, at_ms, symbol)
        if row is None:
            return ()
        rows = [one for one in row.body["decisions"] if one["rule"] == rule and symbol in (None, one["symbol"])]
        mine = decisions_of({"decisions": rows})
        told = [self._told(row, decision) for decision in mine]
        others = {one.symbol for one in mine}
        for other in sorted({r.symbol for r in self.plan(row.plan).rules if r.id == rule} - others):
            if symbol is None:
                told += self.explain(rule, at_ms, other)
        return tuple(told)

    def _row(self, rule: str, at_ms: int | None, symbol: str | None) -> Evaluation | None:
        while True:
            cycle = self._store.evaluations.cycle_of(rule, at_ms)
            row = None if cycle is None else self._read(cycle)
            if row is None or symbol is None:
                return row
            if any(one["rule"] == rule and one["symbol"] == symbol for one in row.body["decisions"]):
                return row
            at_ms = row.time_ms - 1

    def _read(self, cycle: int) -> Evaluation | None:
        """One row, kept at hand: `status` asks for that of every rule, and most share the newest."""
        if cycle not in self._rows:
            if len(self._rows) >= _ROWS_AT_HAND:
                self._rows.clear()
            self._rows[cycle] = self._store.evaluations.get(cycle)
        return self._rows[cycle]

    def _told(self, row: Evaluation, decision: Decision) -> Explanation:
        plan, rule = self.plan(row.plan), self._rule(row.plan, decision.rule, decision.symbol)
        before = state_before(row.body, StateKey(decision.rule, decision.symbol, decision.order))
        return Explanation(
            number=row.cycle,
            time_ms=row.time_ms,
            rule=rule,
            zone=plan.settings.timezone,
            story=retold(rule, decision, _only(row.body, rule, decision.order), before),
            before=before,
            seen=row.body.get("seen", {}),
            spending=self._spending(plan, row.time_ms),
            followed=tuple(self._followed(rule, decision)) if decision.fired else (),
        )

    def _followed(self, rule: CompiledRule, decision: Decision) -> Iterator[PlacedOrder]:
        """The orders that a firing asked for, found by the name that it gave them."""
        actions = () if decision.branch is None else rule.branches[decision.branch].actions
        for step, action in enumerate(actions):
            if not isinstance(action, PlaceOrder):
                continue
            key = DecisionKey(
                store_id=self._store.id, rule=rule.id, symbol=rule.symbol, order_id=decision.order,
                slot_ms=decision.slot_ms, step=step,
            )  # fmt: skip
            name = client_order_id(key)
            row, order = self._store.intents.get(name), self._store.orders.get(name)
            if row is not None:
                asked = row.request
                yield PlacedOrder(
                    client_order_id=name, symbol=asked.symbol, side=asked.side, quantity=asked.quantity,
                    price=asked.price, executed=ZERO if order is None else order.order.executed,
                    state=row.state if order is None else order.order.status, reason=row.reason,
                )  # fmt: skip
                continue
            denied = self._store.chain.latest(1, kind="denied", subject=name)
            if denied:
                yield PlacedOrder(
                    client_order_id=name, symbol=rule.symbol, side=action.side, quantity=ZERO, price=ZERO,
                    executed=ZERO, state="DENIED", reason=str(denied[0].data["reason"]),
                )  # fmt: skip

    # --------------------------------------------------------------------------------------------------------- a day
    def day(self, rule: str, symbol: str, until_ms: int, span_ms: int = DAY_MS) -> Day:
        """What became of all evaluations of a rule in the span that ends at a time."""
        tally = Tally()
        since_ms = until_ms - span_ms
        for row in self._store.evaluations.since(rule, since_ms + 1):
            if row.time_ms > until_ms:
                break
            for data in row.body["decisions"]:
                if data["rule"] == rule and data["symbol"] == symbol:
                    self._count(tally, row, data)
        return Day(
            since_ms=since_ms, until_ms=until_ms, evaluations=tally.evaluations, fired=tally.fired, spent=tally.spent,
            unknown=tally.unknown, leaves=dict(tally.leaves.most_common()),
            blockers=dict(tally.blockers.most_common()), nearest=tally.nearest(),
        )  # fmt: skip

    def _count(self, tally: Tally, row: Evaluation, data: Mapping[str, Any]) -> None:
        tally.evaluations += 1
        if data["fired"]:
            tally.fired += 1
        elif data["blocked"]:
            tally.blockers[short_reason(data["blocked"])] += 1
        elif data["holds"] is True:
            tally.spent += 1
        else:
            tally.unknown += data["holds"] is None
            tally.held_back(row, self._blamed(row, data))

    def _blamed(self, row: Evaluation, data: Mapping[str, Any]) -> list[Verdict]:
        rule = self._rule(row.plan, data["rule"], data["symbol"])
        if rule.when is None:
            return []
        key = StateKey(data["rule"], data["symbol"], data["order"])
        state = state_before(row.body, key) or RuleState(when_hash=rule.when_hash)
        memory = state.leaves if state.when_hash == rule.when_hash else {}
        moment = Moment(data["at_ms"], state.last_slot_ms, period_ms(rule))
        return blamed(judge(rule.when, _only(row.body, rule, data["order"]), memory, moment, rule.symbol)[0])


def _only(body: Mapping[str, Any], rule: CompiledRule, order: str) -> Values:
    """The values that one rule reads: a row may hold those of a thousand rules."""
    ready = prepared(rule)
    names = [name for name, _ in (*ready.shared, *ready.leaves)]
    table = {name: scalar_from_text(body["values"][name]) for name in names if name in body["values"]}
    for owner, about, seen in body["orders"]:
        if (owner, about) == (rule.id, order):
            table |= {term: scalar_from_text(text) for term, text in seen.items()}
    return Values(table)


def plan_of_text(text: str | None) -> Plan | None:
    """Compile what the store kept: `{"account": text, "rules": {file: text}}`; None where it cannot be."""
    try:
        kept = json.loads(text or "")
        account, rules = str(kept["account"]), {str(name): str(rule) for name, rule in kept["rules"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    settings, _ = load_settings("autotrader.yaml", account.encode(), {})
    return load(rules, settings)[0]
