"""The evaluation row of a cycle: what was seen and what was decided, enough to rebuild every verdict later.

body = {
  "values":  {term: text},                  the shared value table, exact
  "orders":  [[rule, order, {term: text}]], what was seen of single orders
  "before":  [[rule, symbol, order, state]],
  "decisions": [{...}],
  "seen":    {what: {...}}                  how old the data was; candles: the last one's opening, and how many
  "given":   {...}                          the other inputs of `decide`, see `inputs`
}
`decided_again` decides a row anew and says where the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autotrader.engine.outcome import Decision, Outcome
from autotrader.engine.state import Phase, RuleState, StateKey
from autotrader.engine.values import scalar_to_text, values_to_json
from autotrader.language.plan import Plan
from autotrader.market.candles import Candles
from autotrader.market.needs import (
    BalancesNeed,
    BookNeed,
    CandleNeed,
    Need,
    OpenOrdersNeed,
    TickerNeed,
    TradingDayNeed,
)
from autotrader.market.snapshot import Book, Ticker
from autotrader.market.sources import Sources
from autotrader.money import plain
from autotrader.records.canon import canonical
from autotrader.records.forms import from_json, to_json
from autotrader.trading.inputs import Inputs, after_hash, decided, inputs_from_json, inputs_to_json


def evaluation_body(given: Inputs, outcome: Outcome) -> dict[str, Any]:
    """The row of one decided cycle."""
    before = given.states
    keys = [StateKey(d.rule, d.symbol, d.order) for d in outcome.decisions]
    keys += [StateKey(slot.rule.id, slot.rule.symbol) for slot in given.due.slots if slot.rule.for_each_order]
    keys += [run.state_key for run in given.due.runs]
    return {
        "values": values_to_json(outcome.values),
        "orders": [
            [rule, order, {term: scalar_to_text(value) for term, value in seen.items()}]
            for (rule, order), seen in outcome.order_values.items()
        ],
        "before": [[*key, to_json(before[key])] for key in dict.fromkeys(keys) if key in before],
        "decisions": [_plain(decision) for decision in outcome.decisions],
        "seen": seen_of(given.sources),
        "given": inputs_to_json(given, outcome),
    }


def decided_again(plan: Plan, store_id: str, body: Mapping[str, Any]) -> str:
    """Decide a recorded cycle again and compare byte for byte: the first difference in words, or ""."""
    try:
        given = inputs_from_json(plan, store_id, body)
        outcome = decided(given)
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        return f"it cannot be decided again: {error}"
    found = [_plain(decision) for decision in outcome.decisions]
    for number, (said, now) in enumerate(zip(body["decisions"], found, strict=False)):
        if canonical(said) != canonical(now):  # compared as they are written, so that a type that changed shows as well
            return _difference(number, said, now)
    if len(found) != len(body["decisions"]):
        return f"{len(body['decisions'])} decisions are recorded, {len(found)} are made now"
    after = after_hash(outcome, given.runs)
    if after != body["given"]["after"]:  # decisions may agree while what came of them does not
        return f"next states, runs or requests differ: {body['given']['after']} is recorded, {after} comes out now"
    return ""


def _difference(number: int, said: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    which = f"decision {number + 1}, rule {said.get('rule')} ({said.get('symbol')})"
    for name in sorted({*said, *now}):
        if canonical(said.get(name)) != canonical(now.get(name)):
            return f"{which}: {name} was {canonical(said.get(name))}, is {canonical(now.get(name))} now"
    return which


def seen_of(sources: Sources) -> dict[str, dict[str, Any]]:
    """How old each piece of data was when it was judged (ms), for `why`: `book BTCJPY`, `candles BTCJPY 1h`, ..."""
    now_ms, account = sources.now_ms, sources.account
    found: dict[str, dict[str, Any]] = {}
    for need, value in sources.snapshot.seen.items():
        match value:
            case Ticker():
                window = "day" if isinstance(need, TradingDayNeed) else "ticker"
                found[f"{window} {value.symbol}"] = {"age_ms": now_ms - value.asked_ms}
            case Book(bids=((bid, _), *_), asks=((ask, _), *_)):
                best = {"bid": plain(bid), "ask": plain(ask)}
                found[f"book {value.symbol}"] = {"age_ms": now_ms - value.asked_ms, **best}
            case Candles() if len(value):
                last = {"open_ms": int(value.open_ms[-1]), "count": len(value)}
                found[f"candles {value.symbol} {value.timeframe}"] = last
    if account.balances_asked_ms is not None:
        found["balances"] = {"age_ms": now_ms - account.balances_asked_ms}
    for symbol, asked_ms in account.orders_asked_ms.items():
        found[f"orders {symbol}"] = {"age_ms": now_ms - asked_ms}
    if sources.health.clock_skew_ms is not None:
        found["clock"] = {"skew_ms": sources.health.clock_skew_ms}
    return found


def seen_name(need: Need) -> str:
    """Under which name `seen_of` keeps what a need was answered with; "" for one whose age it does not keep."""
    if isinstance(need, CandleNeed):
        return f"candles {need.symbol} {need.timeframe}"
    if isinstance(need, BalancesNeed):
        return "balances"
    name = {BookNeed: "book", TickerNeed: "ticker", TradingDayNeed: "day", OpenOrdersNeed: "orders"}.get(type(need))
    return "" if name is None else f"{name} {getattr(need, 'symbol', '')}"


def _plain(decision: Decision) -> dict[str, Any]:
    return {**asdict(decision), "phase": decision.phase.value}


def decisions_of(body: Mapping[str, Any]) -> tuple[Decision, ...]:
    """The decisions of a row."""
    return tuple(Decision(**{**row, "phase": Phase(row["phase"])}) for row in body["decisions"])


def state_before(body: Mapping[str, Any], key: StateKey) -> RuleState | None:
    """A rule's state before the cycle, None where it had none."""
    for rule, symbol, order, state in body["before"]:
        if (rule, symbol, order) == tuple(key):
            return from_json(RuleState, state)
    return None
