"""The evaluation row of a cycle: what was seen and what was decided, enough to rebuild every verdict later.

body = {
  "values":  {term: text},                  the shared value table, exact
  "orders":  [[rule, order, {term: text}]], what was seen of single orders
  "before":  [[rule, symbol, order, state]],
  "decisions": [{...}]
}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autotrader.engine.decide import Decision, Outcome

from autotrader.engine.state import Phase, RuleState, StateKey, state_from_json, state_to_json
from autotrader.engine.values import Values, scalar_from_text, scalar_to_text, values_from_json, values_to_json


def evaluation_body(outcome: Outcome, before: Mapping[StateKey, RuleState]) -> dict[str, Any]:
    """The row of one decided cycle. `before` are the states as they were before it."""
    keys = [StateKey(d.rule, d.symbol, d.order) for d in outcome.decisions]
    return {
        "values": values_to_json(outcome.values),
        "orders": [
            [rule, order, {term: scalar_to_text(value) for term, value in seen.items()}]
            for (rule, order), seen in outcome.order_values.items()
        ],
        "before": [[*key, state_to_json(before[key])] for key in dict.fromkeys(keys) if key in before],
        "decisions": [_plain(decision) for decision in outcome.decisions],
    }


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
