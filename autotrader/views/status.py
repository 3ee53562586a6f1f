"""How a store stands: is it served, when did it last look, what does each rule wait for, what was spent today.

From the records and the writer's lock alone; nothing is asked of the exchange, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from autotrader.engine.explain import detail, distance_text
from autotrader.engine.halt import Halt
from autotrader.engine.state import RuleState, StateKey
from autotrader.engine.verdict import Verdict
from autotrader.language.plan import CompiledRule, Plan
from autotrader.money import ZERO, plain
from autotrader.orders import Side
from autotrader.records.places import LOCK, writer_pid
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.times import iso_utc, start_of
from autotrader.trading.agree import Difference, waiting
from autotrader.views.day import blamed
from autotrader.views.money import Spending, spending
from autotrader.views.why import Explainer, Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """One rule and symbol. `state`: ready, cooling, blocked, acting, disarmed, paused, unknown, off, new. `why` says
    more of it; `short` is the leaf nearest to the end of what keeps it from firing, `missing` how many there are.
    """

    rule: str
    symbol: str
    state: str
    why: str
    last_fired_ms: int | None
    fired: bool
    missing: int
    short: Verdict | None
    open_orders: int
    bought: Decimal
    sold: Decimal

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        cooling = self.state == "cooling"
        return {
            "rule": self.rule, "symbol": self.symbol, "state": self.state,
            "why": f"until {iso_utc(int(self.why.removeprefix('until ')))}" if cooling else self.why,
            "last_fired": _time_or_none(self.last_fired_ms), "fired_now": self.fired,
            "missing_conditions": self.missing,
            "nearest": None if self.short is None else _leaf_json(self.short),
            "open_orders": self.open_orders, "bought_today": plain(self.bought), "sold_today": plain(self.sold),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One store. `pid` and `since_ms` (this machine's clock) of the process that writes to it, None where none does."""

    folder: Path
    mode: str
    base_url: str
    store_id: str
    pid: int | None
    since_ms: int | None
    now_ms: int
    last_cycle_ms: int | None
    clock_skew_ms: int | None
    head_number: int
    head_hash: str
    missed: int
    halt: Halt | None
    differences: tuple[Difference, ...]
    paused: tuple[tuple[str, str, int | None], ...]
    zone: str
    rules: tuple[RuleStatus, ...]
    open_orders: int
    unknown_orders: int
    spending: tuple[Spending, ...]
    gone: Mapping[str, int]  # rules that are not in the plan any more, with their open orders
    unwitnessed: Mapping[str, Any] | None  # reason and since_ms, where checkpoints cannot be written

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        lost = self.unwitnessed
        return {
            "store": self.folder.name, "store_id": self.store_id, "mode": self.mode, "base_url": self.base_url,
            "running": self.pid is not None, "pid": self.pid, "up_since": _time_or_none(self.since_ms),
            "now": iso_utc(self.now_ms), "last_cycle": _time_or_none(self.last_cycle_ms),
            "clock_skew_ms": self.clock_skew_ms, "audit": {"number": self.head_number, "hash": self.head_hash},
            "missed_slots": self.missed, "halted": None if self.halt is None else self.halt.reason,
            "halt_level": None if self.halt is None else self.halt.level,
            "differences": [{"order": each.client_order_id, "difference": each.text} for each in self.differences],
            "paused": [{"kind": kind, "name": name, "until": _time_or_none(end)} for kind, name, end in self.paused],
            "gone": [{"rule": rule, "open_orders": count} for rule, count in self.gone.items()],
            "unwitnessed": None if lost is None else {"reason": lost["reason"], "since": iso_utc(lost["since_ms"])},
            "open_orders": self.open_orders, "unknown_orders": self.unknown_orders, "spending": list(self.spending),
            "rules": [rule.as_json() for rule in self.rules],
        }  # fmt: skip


def _time_or_none(ms: int | None) -> str | None:
    return None if ms is None else iso_utc(ms)


def _leaf_json(leaf: Verdict) -> dict[str, Any]:
    return {"condition": leaf.text, "seen": detail(leaf), "distance": distance_text(leaf) or None}


def read_status(folder: Path, now_ms: int) -> Status:
    """Read one store. `now_ms` is the venue's time as well as it is known. Raises RecordsBroken."""
    with Store.read(folder) as store:
        teller = Explainer(store)
        plan = teller.newest_plan()
        paused = tuple(
            (kind, name, until)
            for kind, name, until in store.settings.get("paused", [])
            if until is None or until > now_ms
        )
        last, head = store.evaluations.last(), store.head()
        skew = None if last is None else last.body.get("seen", {}).get("clock", {}).get("skew_ms")
        return Status(
            folder=folder,
            mode=store.identity.mode,
            base_url=store.identity.base_url,
            store_id=store.id,
            pid=writer_pid(folder),
            since_ms=_started(folder),
            now_ms=now_ms,
            last_cycle_ms=store.settings.get("last_seen_ms"),
            clock_skew_ms=skew,
            head_number=0 if head is None else head.n,
            head_hash="" if head is None else head.hash,
            missed=int(store.settings.get("missed", 0)),
            halt=store.halt_made(),
            differences=waiting(store),
            paused=paused,
            zone="Asia/Tokyo" if plan is None else plan.settings.timezone,
            rules=() if plan is None else _rules(store, teller, plan, paused, now_ms),
            open_orders=len(store.orders.open()),
            unknown_orders=len(store.intents.unresolved()),
            spending=() if plan is None else spending(store, plan, now_ms),
            gone=store.orders.gone([] if plan is None else [rule.id for rule in plan.rules]),
            unwitnessed=store.settings.get("unwitnessed"),
        )


def _started(folder: Path) -> int | None:
    """The writer notes its process id in the lock when it takes it, and never again."""
    if writer_pid(folder) is None:
        return None
    try:
        return int((folder / LOCK).stat().st_mtime * 1000)
    except OSError:
        return None


def _rules(
    store: Store, teller: Explainer, plan: Plan, paused: tuple[tuple[str, str, int | None], ...], now_ms: int
) -> tuple[RuleStatus, ...]:
    states = store.states.all()
    moved = _moved_today(store, plan, now_ms)
    count = _open_by_rule(store)
    standing_ids = {row.client_order_id for row in store.orders.open()}
    found = []
    for rule in sorted(plan.rules, key=lambda rule: rule.order):
        told = teller.explain(rule.id, None, rule.symbol)
        if rule.for_each_order is not None:
            told = tuple(one for one in told if one.decision.order in standing_ids)
        state = states.get(StateKey(rule.id, rule.symbol))
        shown, why = _state(rule, state, told, paused, now_ms)
        leaves = _missing(told)
        bought, sold = moved.get((rule.id, rule.symbol), (ZERO, ZERO))
        fired_ms = [one.last_fired_ms for key, one in states.items() if key[:2] == (rule.id, rule.symbol)]
        found.append(
            RuleStatus(
                rule=rule.id,
                symbol=rule.symbol,
                state=shown,
                why=why,
                last_fired_ms=max((ms for ms in fired_ms if ms is not None), default=None),
                fired=any(one.decision.fired for one in told),
                missing=len(leaves),
                short=min(leaves, key=_relative) if leaves else None,
                open_orders=count.get((rule.id, rule.symbol), 0),
                bought=bought,
                sold=sold,
            )
        )
    return tuple(found)


def _state(
    rule: CompiledRule,
    state: RuleState | None,
    told: tuple[Explanation, ...],
    paused: tuple[tuple[str, str, int | None], ...],
    now_ms: int,
) -> tuple[str, str]:
    """The state in one word, and more of it. The first that applies."""
    decision = told[0].decision if len(told) == 1 else None
    stops = [name for kind, name, _ in paused if name == rule.id or (kind == "label" and name in rule.labels)]
    if not rule.enabled:
        return "off", "enabled: false"
    if stops:
        return "paused", ", ".join(stops)
    if state is None and not told:
        return ("ready", "no order to look at") if rule.for_each_order is not None else ("new", "not evaluated yet")
    if state is not None and state.phase.value.startswith("acting"):
        return "acting", "its actions are under way"
    if decision is not None and decision.blocked and not decision.dropped:
        return "blocked", decision.blocked
    if state is not None and state.cooldown_until_ms is not None and state.cooldown_until_ms > now_ms:
        return "cooling", f"until {state.cooldown_until_ms}"
    if decision is not None and decision.holds is None:
        return "unknown", told[0].story.sentence.partition("unknown: ")[2]
    if state is not None and state.phase.value == "disarmed":
        return "disarmed", "waits until its condition has been false"
    return "ready", ""


def _missing(told: tuple[Explanation, ...]) -> list[Verdict]:
    """The leaves that keep the (only) decision from holding."""
    if len(told) != 1 or told[0].decision.holds is not False:
        return []
    when = told[0].verdict()
    return [] if when is None else [leaf for leaf in blamed(when) if leaf.distance is not None]


def _relative(leaf: Verdict) -> float:
    """Distance in proportion to the threshold: the only way to compare points with yen."""
    values = [abs(float(side.value)) for side in leaf.observed if isinstance(side.value, float | Decimal)]
    return (leaf.distance or 0.0) / max([*values, 1e-12])


def _open_by_rule(store: Store) -> Mapping[tuple[str, str], int]:
    count: dict[tuple[str, str], int] = {}
    for row in store.orders.open():
        key = (row.rule, row.order.symbol)
        count[key] = count.get(key, 0) + 1
    return count


def _moved_today(store: Store, plan: Plan, now_ms: int) -> Mapping[tuple[str, str], tuple[Decimal, Decimal]]:
    """Quote bought and sold for by each rule since midnight of the account's zone."""
    moved: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for fill, rule in store.orders.fills_with_rule(start_of("day", now_ms, plan.settings.timezone)):
        bought, sold = moved.get((rule, fill.symbol), (ZERO, ZERO))
        buys = fill.side is Side.BUY
        moved[rule, fill.symbol] = (bought + fill.quote, sold) if buys else (bought, sold + fill.quote)
    return moved
