"""The evaluation row of a cycle: what was seen and what was decided, enough to rebuild every verdict later.

body = {
  "values":  {term: text},                  the shared value table, exact
  "orders":  [[rule, order, {term: text}]], what was seen of single orders
  "before":  [[rule, symbol, order, state]],
  "decisions": [{...}],
  "seen":    {what: {...}}                  how old the data was; candles: the last one's opening, and how many
}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autotrader.engine.outcome import Decision, Outcome
from autotrader.engine.state import Phase, RuleState, StateKey, state_from_json, state_to_json
from autotrader.engine.values import Values, scalar_from_text, scalar_to_text, values_from_json, values_to_json
from autotrader.market.candles import Candles
from autotrader.market.snapshot import Book, Ticker, TradingDay
from autotrader.market.sources import Sources
from autotrader.money import plain


def evaluation_body(
    outcome: Outcome, before: Mapping[StateKey, RuleState], sources: Sources | None = None
) -> dict[str, Any]:
    """The row of one decided cycle. `before` are the states as they were before it, `sources` what was seen."""
    keys = [StateKey(d.rule, d.symbol, d.order) for d in outcome.decisions]
    return {
        "values": values_to_json(outcome.values),
        "orders": [
            [rule, order, {term: scalar_to_text(value) for term, value in seen.items()}]
            for (rule, order), seen in outcome.order_values.items()
        ],
        "before": [[*key, state_to_json(before[key])] for key in dict.fromkeys(keys) if key in before],
        "decisions": [_plain(decision) for decision in outcome.decisions],
        "seen": {} if sources is None else seen_of(sources),
    }


def seen_of(sources: Sources) -> dict[str, dict[str, Any]]:
    """How old each piece of data was when it was judged (ms), for `why`: `book BTCJPY`, `candles BTCJPY 1h`, ..."""
    now_ms, account = sources.now_ms, sources.account
    found: dict[str, dict[str, Any]] = {}
    for value in sources.snapshot.seen.values():
        match value:
            case Ticker():
                found[f"ticker {value.symbol}"] = {"age_ms": now_ms - value.asked_ms}
            case TradingDay():
                found[f"day {value.symbol}"] = {"age_ms": now_ms - value.asked_ms}
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


def _plain(decision: Decision) -> dict[str, Any]:
    return {**asdict(decision), "phase": decision.phase.value}


def decisions_of(body: Mapping[str, Any]) -> tuple[Decision, ...]:
    """The decisions of a row."""
    return tuple(Decision(**{**row, "phase": Phase(row["phase"])}) for row in body["decisions"])


def values_of(body: Mapping[str, Any], rule: str, order: str) -> Values:
    """The value table as one rule (and order) saw it."""
    values = values_from_json(body["values"])
    for name, about, seen in body["orders"]:
        if (name, about) == (rule, order):
            values = values.also({term: scalar_from_text(text) for term, text in seen.items()})
    return values


def state_before(body: Mapping[str, Any], key: StateKey) -> RuleState | None:
    """A rule's state before the cycle, None where it had none."""
    for rule, symbol, order, state in body["before"]:
        if (rule, symbol, order) == tuple(key):
            return state_from_json(state)
    return None
