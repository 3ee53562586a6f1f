"""One cycle of a rule set with its data in memory, against a bare loop over the same comparisons.

The loop knows every value as a float already and every rule as (index, operator, bound): what no evaluator in Python
can be faster than. Ours reads the values out of tickers, books and candles (judging their age), follows each rule's
life (armed, cooldown, pauses, unknown) and leaves a decision for the record.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from autotrader.engine.decide import decide
from autotrader.engine.due import due
from autotrader.engine.observe import observe, prepared
from autotrader.engine.requests import Context
from autotrader.language.plan import Plan
from autotrader.language.tree import AtLeast, Literal, Relation, Term
from autotrader.language.walk import term_id
from autotrader.market.sources import Sources
from benchmarks.measure import Row, Size, in_turn
from benchmarks.rules import NOW_MS, plan_of, sources

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
Bare = list[tuple[tuple[int, Callable[[Any, Any], bool], float], ...]]


def rows(size: Size) -> list[Row]:
    """The whole cycle, and its parts."""
    plan, seen = plan_of(size.rules, size.symbols), sources(size.symbols)
    context = Context(store_id="bench")
    found = due(plan, {}, (), (), None, NOW_MS)
    states = decide(plan, found, seen, {}, (), context).states
    ready = [prepared(rule) for rule in plan.rules]
    floats, bare = _bare(plan, seen)

    def cycle() -> None:
        outcome = decide(plan, found, seen, states, (), context)
        assert len(outcome.decisions) == size.rules
        assert not any(decision.fired for decision in outcome.decisions)

    def loop() -> list[bool]:
        return [all(op(floats[index], bound) for index, op, bound in rule) for rule in bare]

    assert not any(loop())
    asked = len({key for rule in ready for key, _ in rule.shared})
    works = (cycle, lambda: observe(ready, seen), lambda: due(plan, states, (), (), NOW_MS - 60_000, NOW_MS), loop)
    whole, terms, slots, theirs = in_turn(size.rounds, *works, clock=time.process_time, times_each=10)
    count, against = f"{size.rules:,} rules over {size.symbols} symbols", "a bare loop over the same comparisons"
    return [
        Row(f"one cycle of {count}, data in memory", against, whole, theirs, f"{4 * size.rules:,} comparisons"),
        Row("· of it, reading the values", against, terms, theirs, f"{asked} distinct terms"),
        Row("before it, finding what is due", against, slots, theirs),
    ]


def _bare(plan: Plan, seen: Sources) -> tuple[list[float], Bare]:
    """The values as floats, and the rules as tuples."""
    table = observe((prepared(rule) for rule in plan.rules), seen).table
    values = {key: float(value) for key, value in table.items() if isinstance(value, float | Decimal)}
    place = {key: index for index, key in enumerate(values)}
    bare: Bare = []
    for rule in plan.rules:
        assert isinstance(rule.when, AtLeast)
        leaves = []
        for part in rule.when.parts:
            assert isinstance(part, Relation)
            left, right = part.sides
            assert isinstance(left, Term)
            assert isinstance(right, Literal)
            leaves.append((place[term_id(left)], OPERATORS[part.name], float(right.value)))
        bare.append(tuple(leaves))
    return list(values.values()), bare
