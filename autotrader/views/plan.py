"""What would happen now: every enabled rule as if it were due, decided, judged by the limits, and forgotten.

Each entry says what, whose and why, as a line for people and as facts for programs. `now.plan_now` makes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from autotrader.engine.explain import Story, retold, unknowns
from autotrader.engine.halt import Halt
from autotrader.engine.limits import Approved, Review
from autotrader.engine.outcome import Decision, Outcome
from autotrader.engine.requests import Denied
from autotrader.engine.shown import value_text
from autotrader.engine.state import RuleState, StateKey
from autotrader.engine.verdict import Verdict
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.problems import Problem
from autotrader.language.requests import CancelOrder, HaltRequest, NotifyRequest, PauseRequest, PlaceRequest
from autotrader.market.sources import Sources
from autotrader.money import ZERO, grouped, money_text, plain, price_text, yen, yen_quote
from autotrader.orders import Side
from autotrader.structs import dataclass
from autotrader.text import printable
from autotrader.times import age_text, iso_utc
from autotrader.views.day import blamed

COUNTED = {"to_place": "+", "to_cancel": "-", "blocked": "⏸", "unknown": "?"}  # kinds of entries, with their marks


class PlanEntry(NamedTuple):
    """One line of the plan: its mark, whose it is, what, why, and the machine's form."""

    mark: str
    rule: str
    symbol: str
    text: str
    because: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What would happen now. `verdicts` judge the orders that decisions asked for, one by one."""

    now_ms: int
    plan: Plan
    problems: tuple[Problem, ...]
    sources: Sources
    outcome: Outcome
    verdicts: tuple[tuple[PlaceRequest, Review], ...]
    states: Mapping[StateKey, RuleState]
    halt: Halt | None
    weight: int
    gone: Mapping[str, int]  # rules that are in no file any more, with the orders that they left open

    @property
    def cancels(self) -> tuple[CancelOrder, ...]:
        """The cancels that decisions and timers asked for."""
        return tuple(request for request in self.outcome.requests if isinstance(request, CancelOrder))

    def entries(self) -> tuple[PlanEntry, ...]:
        """Everything that would happen or does not, in the order of the files; timers and runs under way last."""
        place = {(rule.id, rule.symbol): rule.order for rule in self.plan.rules}
        decisions = sorted(self.outcome.decisions, key=lambda one: place.get((one.rule, one.symbol), 0))
        return (*(entry for decision in decisions for entry in _entries(self, decision)), *_timers(self))

    def cash(self) -> Iterator[tuple[str, Decimal, Decimal]]:
        """Each quote asset with what is free of it, and what would be after the approved buys."""
        rules = {rule.symbol for rule in self.plan.rules}
        instruments = self.sources.instruments
        for asset in sorted({instruments[symbol].quote for symbol in rules if symbol in instruments}):
            balance = self.sources.account.balances.get(asset)
            if balance is not None:
                buys = (
                    request.order.notional
                    for request, verdict in self.verdicts
                    if isinstance(verdict, Approved) and request.order.side is Side.BUY and request.quote == asset
                )
                yield asset, balance.free, balance.free - sum(buys, ZERO)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        entries = self.entries()
        return {
            "time": iso_utc(self.now_ms),
            "mode": "dry-run",
            "halted": None if self.halt is None else self.halt.reason,
            "halt_level": None if self.halt is None else self.halt.level,
            "gone": [{"rule": rule, "open_orders": count} for rule, count in self.gone.items()],
            "entries": [{"rule": one.rule, "symbol": one.symbol, **one.facts} for one in entries],
            "counts": {name: sum(one.mark == mark for one in entries) for name, mark in COUNTED.items()},
            "cash": [
                {"asset": asset, "free": plain(free), "after": plain(after)} for asset, free, after in self.cash()
            ],
        }


# ------------------------------------------------------------------------------------------------------ the entries
def _entries(looked: PlanView, decision: Decision) -> Iterator[PlanEntry]:
    """What one decision comes to: a line per request where it fired, else one line that says why not."""
    story = _story(looked, decision)
    if decision.fired:
        yield from _fired(looked, decision, story)
        return
    if decision.blocked:
        mark, text = "⏸", f"blocked: {decision.blocked}"
    elif decision.holds is True:
        mark, text = "=", "holds, but has fired for this episode already"
    elif decision.holds is None:
        mark, text = "?", f"unknown: {_unknown(story)}"
    else:
        mark, text = "✗", f"not met: {_unmet(story)}"
    order = f"{decision.order}: " if decision.order else ""
    facts = {"kind": _kind(mark), "order": decision.order or None, "reason": text}
    yield PlanEntry(mark, decision.rule, decision.symbol, printable(order + text), "", facts)


def _kind(mark: str) -> str:
    return {"⏸": "blocked", "=": "fired already", "?": "unknown", "✗": "not met"}[mark]


def _story(looked: PlanView, decision: Decision) -> Story:
    values = looked.outcome.values
    seen = looked.outcome.order_values.get((decision.rule, decision.order))
    key = StateKey(decision.rule, decision.symbol, decision.order)
    values = values if seen is None else values.also(seen)
    return retold(_rule(looked, decision), decision, values, looked.states.get(key))


def _rule(looked: PlanView, decision: Decision) -> CompiledRule:
    return next(r for r in looked.plan.rules if (r.id, r.symbol) == (decision.rule, decision.symbol))


def _fired(looked: PlanView, decision: Decision, story: Story) -> Iterator[PlanEntry]:
    """A firing's requests, judged; and where it asked for none, what it would do instead."""
    run = (decision.rule, decision.symbol, decision.order, decision.slot_ms)
    because = "because " + " and ".join(_true(story)) if _true(story) else ""
    entries = [
        *(_place(request, verdict, because) for request, verdict in looked.verdicts if request.run == run),
        *(_cancel(looked, request, because) for request in looked.cancels if request.run == run),
        *_others(looked, decision, run, because),
    ]
    yield from entries
    if not entries:
        reason = _ended(looked, run)
        yield PlanEntry("⏸", decision.rule, decision.symbol, f"fires, and {reason}", because, {"kind": "nothing to do"})


def _ended(looked: PlanView, run: tuple[str, str, str, int]) -> str:
    found = next((one for one in looked.outcome.runs if one.key == run), None)
    return found.reason if found is not None and found.reason else "does nothing that can be listed"


def _place(request: PlaceRequest, verdict: object, because: str) -> PlanEntry:
    order = request.order
    tif = "post-only" if order.type == "LIMIT_MAKER" else ""
    terms = ", ".join(part for part in (str(order.tif), tif) if part)
    at = price_text(order.price, request.quote)
    what = (
        f"LIMIT {order.side} {grouped(order.quantity.normalize())} {request.base} @ {at}"
        f" = {money_text(order.notional, request.quote)}"
    )
    facts = {
        "kind": "place", "side": order.side, "quantity": plain(order.quantity), "price": plain(order.price),
        "notional": plain(order.notional), "type": order.type, "time_in_force": order.tif,
        "client_order_id": request.id, "cancel_after_ms": request.cancel_after_ms, "because": because,
    }  # fmt: skip
    if isinstance(verdict, Denied):
        text = printable(f"denied: {yen(verdict.reason)}: {what}")
        denied = {**facts, "kind": "denied", "reason": verdict.reason}
        return PlanEntry("⏸", request.key.rule, order.symbol, text, because, denied)
    return PlanEntry("+", request.key.rule, order.symbol, f"{what}  {terms}   id {_short(request.id)}", because, facts)


def _short(name: str) -> str:
    """An id's beginning; an id that would be made at another moment is another."""
    return f"{name[:12]}…"


def _cancel(looked: PlanView, request: CancelOrder, because: str) -> PlanEntry:
    asked = request.request
    row = next((one for one in looked.sources.record.orders if one.client_order_id == asked.client_order_id), None)
    rule = "(timer)" if request.run is None else request.run[0]
    facts = {"kind": "cancel", "order_id": asked.order_id, "client_order_id": asked.client_order_id}
    facts["reason"] = request.reason
    number = f"#{asked.order_id}" if asked.order_id is not None else asked.client_order_id
    if row is None:
        return PlanEntry("-", rule, asked.symbol, printable(f"cancel {number}: {request.reason}"), because, facts)
    quote = yen_quote(asked.symbol)
    opened = age_text(max(0, looked.now_ms - row.placed_ms))
    text = f"cancel {number} {row.side} @ {price_text(row.price, quote).strip()} (open {opened})"
    text += f": {request.reason}" if request.run is None else ""
    return PlanEntry("-", rule, asked.symbol, printable(text), because, facts)


def _timers(looked: PlanView) -> Iterator[PlanEntry]:
    """Orders whose own timer has run out, and steps of runs that are under way."""
    fired = {(d.rule, d.symbol, d.order, d.slot_ms) for d in looked.outcome.decisions if d.fired}
    for cancel in looked.cancels:
        if cancel.run is None or cancel.run not in fired:
            yield _cancel(looked, cancel, "")
    for request, verdict in looked.verdicts:
        if request.run is None or request.run not in fired:
            yield _place(request, verdict, "because its firing is under way")


def _others(looked: PlanView, decision: Decision, run: tuple[str, str, str, int], because: str) -> Iterator[PlanEntry]:
    for request in looked.outcome.requests:
        if getattr(request, "run", None) != run:
            continue
        match request:
            case NotifyRequest(to=to, text=text):
                said, kind = f"notify {to}: {text}", "notify"
            case PauseRequest(resume=again, rules=rules, labels=labels):
                names = ", ".join((*rules, *(f"label {label}" for label in labels)))
                said, kind = f"{'resume' if again else 'pause'} {names}", "resume" if again else "pause"
            case HaltRequest(reason=reason):
                said, kind = f"halt: {reason}", "halt"
            case _:
                continue
        yield PlanEntry("»", decision.rule, decision.symbol, printable(said), because, {"kind": kind, "text": said})


# ------------------------------------------------------------------------------------------------------ the reasons
def _leaves(verdict: Verdict) -> Iterator[Verdict]:
    if not verdict.parts:
        yield verdict
    for part in verdict.parts:
        yield from _leaves(part)


def _true(story: Story) -> list[str]:
    """The leaves that hold, with what was seen: `rsi(14, 1h) = 28.4 < 30`."""
    names = [f"if {story.decision.branch + 1}"] if story.decision.branch is not None else []
    trees = [verdict for name, verdict in story.parts if name in {"when", *names}]
    return [_with_value(leaf) for tree in trees for leaf in _leaves(tree) if leaf.holds is True]


def _with_value(leaf: Verdict) -> str:
    """A condition with the value in it: `change_24h <= -3%` seen at -3.04 % is `change_24h -3.04% <= -3%`."""
    first = next((side for side in leaf.observed if side.role == "value" and not side.is_literal), None)
    if first is None:
        return printable(leaf.text)
    shown = yen(value_text(first.value, first.unit))
    if leaf.text.startswith(first.text + " "):
        return printable(f"{first.text} {shown}{yen(leaf.text[len(first.text) :])}")
    return printable(f"{leaf.text} ({shown})")


def _unmet(story: Story) -> str:
    """What keeps a condition from holding: `change_24h -2.71% needs <= -3%`."""
    when = next((verdict for name, verdict in story.parts if name == "when"), None)
    guilty = [] if when is None else blamed(when)
    if not guilty:
        return "no branch of its choice applies"
    return "; ".join(_needs(leaf) for leaf in guilty[:3]) + (f"; {len(guilty) - 3} more" if len(guilty) > 3 else "")


def _needs(leaf: Verdict) -> str:
    first = next((side for side in leaf.observed if side.role == "value" and not side.is_literal), None)
    if first is None or not leaf.text.startswith(first.text + " ") or leaf.holds is not False:
        return printable(leaf.text if leaf.holds is not True else f"not {leaf.text}")
    others = [side for side in leaf.observed if side.role != "value" and not side.is_literal]
    seen = "".join(f" ({side.text} = {yen(value_text(side.value, side.unit))})" for side in others)
    value = yen(value_text(first.value, first.unit))
    return printable(f"{first.text} {value} needs{yen(leaf.text[len(first.text) :])}{seen}")


def _unknown(story: Story) -> str:
    found = dict.fromkeys(why for name, part in story.parts if name != "rearm_when" for why in unknowns(part))
    return "; ".join(found) or "what it looks at could not be seen"
