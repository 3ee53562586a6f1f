"""What a cycle was given, small enough to keep and enough to decide it again, byte for byte (docs/order-safety.md P17).

The value table and the states stand in the evaluation row already. Here is the rest: the evaluation time, pauses, halt,
runs under way; and where something was to be done, the slots with their deadlines, own orders, filters, and what
actions asked beyond the table (`Outcome.asked`). Nothing of the market itself is kept, so a quiet cycle costs some
thirty bytes more.

`again` calls the engine's own `decide`; every word is answered from the record (`Sources.told`), and a question that
the record cannot answer is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from hashlib import sha256
from typing import Any

from autotrader.engine.decide import decide
from autotrader.engine.due import LATEST_MS, Due, DueSlot
from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.outcome import Outcome
from autotrader.engine.requests import Context, Pause
from autotrader.engine.state import RuleState, Run, StateKey
from autotrader.engine.values import Scalar, scalar_from_text, scalar_to_text
from autotrader.language.open_orders import AnyOrder, order_key
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.requests import PlaceRequest, Request
from autotrader.language.walk import leaf_id, term_id
from autotrader.market.account import Account, OwnOrder, OwnRecord
from autotrader.market.instrument import Instrument
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Missing, Sources
from autotrader.orders import Order
from autotrader.records.canon import canonical
from autotrader.records.forms import from_json, order_from_json, order_to_json, run_from_json, run_to_json, to_json
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The arguments of one `decide`."""

    plan: Plan
    due: Due
    sources: Sources
    states: Mapping[StateKey, RuleState]
    runs: tuple[Run, ...]
    context: Context


def decided(given: Inputs) -> Outcome:
    """Decide it."""
    return decide(given.plan, given.due, given.sources, given.states, given.runs, given.context)


# ------------------------------------------------------------------------------------------------------- recording
def inputs_to_json(given: Inputs, outcome: Outcome) -> dict[str, Any]:
    """What the row of a cycle must hold beside values, orders' values, states and decisions."""
    context, sources = given.context, given.sources
    found: dict[str, Any] = {"now_ms": sources.now_ms, "after": after_hash(outcome, given.runs)}
    if context.pauses:
        found["pauses"] = [[pause.kind, pause.name, pause.until_ms] for pause in context.pauses]
    if context.halt is not None:
        found["halt"] = [context.halt.reason, context.halt.level]
    if given.runs:
        found["runs"] = [run_to_json(run) for run in given.runs]
    if _does_something(given, outcome):  # a quiet cycle is rebuilt from the values alone, and is by far the most common
        found |= _acting(given, outcome)
    elif any(slot.rule.for_each_order for slot in given.due.slots):
        found["orders"] = [order_to_json(order) for order in sources.record.orders]
        found |= _listed(given)
    return found


def _does_something(given: Inputs, outcome: Outcome) -> bool:
    if outcome.requests or given.due.runs or given.due.timers:
        return True
    return any(one.fired or one.blocked or one.dropped for one in outcome.decisions)


def _acting(given: Inputs, outcome: Outcome) -> dict[str, Any]:
    due, sources = given.due, given.sources
    symbols = {slot.rule.symbol for slot in due.slots} | {run.symbol for run in due.runs}
    full = bool(outcome.requests or due.runs or any(one.fired for one in outcome.decisions))
    known = [sources.instruments[symbol] for symbol in sorted(symbols) if symbol in sources.instruments]
    found = {
        "orders": [order_to_json(order) for order in sources.record.orders],
        "instruments": [_instrument_to_json(one, full=full) for one in known],
        **_listed(given),
    }
    if full:
        found["slots"] = [[s.rule.id, s.rule.symbol, s.slot_ms, s.at_ms, s.deadline_ms, s.kind] for s in due.slots]
        found["timers"] = [order_to_json(order) for order in due.timers]
        found["heard"] = _heard(outcome)
    return found


def _listed(given: Inputs) -> dict[str, Any]:
    """The venue's lists of open orders, where a rule may look at orders that are not ours."""
    account = given.sources.account
    symbols = sorted({slot.rule.symbol for slot in given.due.slots if _looks_abroad(slot.rule)})
    symbols += sorted({run.symbol for run in given.due.runs} - set(symbols))
    listed = {
        s: [order_to_json(order) for order in account.open_orders[s]] for s in symbols if s in account.open_orders
    }
    missing = {s: account.missing[s] for s in symbols if s in account.missing}
    return {"listed": listed, "unlisted": missing} if listed or missing else {}


def _looks_abroad(rule: CompiledRule) -> bool:
    """Whether it looks at orders that our own record does not hold."""
    each = rule.for_each_order
    abroad = any(action.looks_abroad for branch in rule.branches for action in branch.actions)
    return abroad or (each is not None and each.owner == "anyone")


def _heard(outcome: Outcome) -> list[list[str]]:
    """What is asked beyond the shared table and the words about the orders at hand."""
    known = {("", name) for name in outcome.values.table}  # what stands in the table already is not written twice
    known |= {(order, name) for (_, order), seen in outcome.order_values.items() for name in seen}
    return [[*key, scalar_to_text(value)] for key, value in sorted(outcome.asked.items()) if key not in known]


def after_hash(outcome: Outcome, before: Iterable[Run]) -> str:
    """What a cycle changed and asked for, in 16 hex digits: next states, runs, requests."""
    known = {run.key: run for run in before}
    states = [[*key, to_json(outcome.states[key])] for key in outcome.changed]
    runs = [run_to_json(run) for run in outcome.runs if known.get(run.key) != run]
    requests = [[type(one).__name__, asdict(_without_place(one))] for one in outcome.requests]
    return sha256(canonical([states, runs, requests]).encode()).hexdigest()[:16]


def _without_place(request: Request) -> Request:
    # a place in a file is no part of a decision: comments may move
    return replace(request, place=None) if isinstance(request, PlaceRequest) else request


def _instrument_to_json(one: Instrument, *, full: bool) -> dict[str, Any]:
    """Filters that are set; for a question about the status alone, no filters."""
    wanted = (
        fields(one)
        if full
        else [f for f in fields(one) if f.name in {"symbol", "base", "quote", "status", "fetched_ms"}]
    )
    pairs = ((f.name, getattr(one, f.name)) for f in wanted)
    return {name: value for name, value in pairs if value not in (0, None, "", (), frozenset())}


# ---------------------------------------------------------------------------------------------------------- again
@dataclass(slots=True)
class _Record:
    """Answers from the row alone. Raises LookupError for what the row does not hold."""

    values: Mapping[str, Scalar]
    heard: Mapping[tuple[str, str], Scalar]

    def answer(self, term: Any, order: Order | OwnOrder | None) -> Scalar:
        name, about = term_id(term), "" if order is None else order_key(order)
        if (about, name) in self.heard:
            return self.heard[about, name]
        return self._shared(name)

    def leaf(self, leaf: Any) -> bool | Missing:
        value = self._shared(leaf_id(leaf))
        return value if isinstance(value, Missing) else bool(value)

    def _shared(self, name: str) -> Scalar:
        if name not in self.values:
            # a guess would make the replay agree with itself
            raise LookupError(f"the record does not say what {name} was")
        return self.values[name]


def inputs_from_json(plan: Plan, store_id: str, body: Mapping[str, Any]) -> Inputs:
    """What a recorded cycle was given. Raises LookupError, ValueError, TypeError for a row that does not hold it."""
    given = body["given"]
    heard = {(order, name): scalar_from_text(text) for order, name, text in given.get("heard", ())}
    for _, order, seen in body["orders"]:
        heard |= {(order, name): scalar_from_text(text) for name, text in seen.items()}
    record = _Record({name: scalar_from_text(text) for name, text in body["values"].items()}, heard)
    runs = tuple(run_from_json(run) for run in given.get("runs", ()))
    halt = given.get("halt")
    sources = Sources(
        now_ms=given["now_ms"],
        snapshot=Snapshot(now_ms=given["now_ms"]),
        account=Account(
            open_orders={s: tuple(_order(one) for one in listed) for s, listed in given.get("listed", {}).items()},
            missing=given.get("unlisted", {}),
        ),
        record=OwnRecord(orders=tuple(_own(one) for one in given.get("orders", ()))),
        instruments={one["symbol"]: from_json(Instrument, one) for one in given.get("instruments", ())},
        zone=plan.settings.timezone,
        recorded=record,
    )
    context = Context(
        store_id=store_id,
        pauses=tuple(Pause(*pause) for pause in given.get("pauses", ())),
        halt=None if halt is None else Halt(halt[0], HaltLevel(halt[1])),
    )
    states = {StateKey(*key): from_json(RuleState, state) for *key, state in body["before"]}
    return Inputs(plan=plan, due=_due(plan, body, runs), sources=sources, states=states, runs=runs, context=context)


def _due(plan: Plan, body: Mapping[str, Any], runs: tuple[Run, ...]) -> Due:
    rules = {(rule.id, rule.symbol): rule for rule in plan.rules}
    given = body["given"]
    rows: Iterable[list[Any]] = given.get("slots") or _slots_of(body["decisions"])
    return Due(
        now_ms=given["now_ms"],
        slots=tuple(DueSlot(rules[rule, symbol], *rest) for rule, symbol, *rest in rows),
        timers=tuple(_own(one) for one in given.get("timers", ())),
        runs=tuple(run for run in runs if run.status == "ready"),
    )


def _slots_of(decisions: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """The slots of decisions that did nothing; no deadline matters there, and a rule's orders share their slot."""
    slots = {
        (d["rule"], d["symbol"], d["slot_ms"], d["at_ms"], d["slot_ms"] + LATEST_MS, d["kind"]): None for d in decisions
    }
    return [list(slot) for slot in slots]


def _order(data: Mapping[str, Any]) -> Order:
    found: AnyOrder | None = order_from_json(data)
    if not isinstance(found, Order):
        raise TypeError("a listed order is not one of the venue's")
    return found


def _own(data: Mapping[str, Any]) -> OwnOrder:
    found = order_from_json(data)
    if not isinstance(found, OwnOrder):
        raise TypeError("an own order is not one of ours")
    return found
