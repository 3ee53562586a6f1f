"""What a plan's questions to the exchange cost, per minute, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

from autotrader.engine.due import WATCH_MS, period_ms
from autotrader.language.plan import CompiledRule, Plan
from autotrader.market.needs import (
    AccountNeed,
    BalancesNeed,
    BookNeed,
    MarketNeed,
    Need,
    OpenOrdersNeed,
    StatusNeed,
    merged,
)
from autotrader.structs import dataclass
from autotrader.times import DAY_MS

# Compressed size of an evaluation row, measured on the recorded market: 710 bytes for two rules of six terms, of which
# `audit replay` needs 57 beyond values and states.
ROW_BYTES, RULE_BYTES, TERM_BYTES = 420, 70, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Weight per minute of each need with the period at which it is asked, and in all; requests per minute."""

    weights: tuple[tuple[Need, int, Decimal], ...]
    total: Decimal
    requests: Decimal
    disk_per_day: int


def asked(plan: Plan) -> dict[MarketNeed | AccountNeed, int]:
    """Every need of the plan, with the shortest period in ms at which it is asked for: by conditions and actions, by
    the limits that an order must pass, and by the look at our own orders, as if some were always open. (In dry-run the
    market's trades are asked for instead of open orders; they weigh less.)
    """
    periods: dict[MarketNeed | AccountNeed, int] = {}
    for rule in plan.rules:
        if rule.enabled:
            for need, period in _asked_by(rule):
                periods[need] = min(periods.get(need, 1 << 62), period)
    kept = merged(frozenset(periods))  # one request answers several needs, and is paid once
    return {need: _shortest(need, periods) for need in kept}


def _asked_by(rule: CompiledRule) -> Iterator[tuple[MarketNeed | AccountNeed, int]]:
    yield from ((need, period_ms(rule)) for need in rule.needs | rule.action_needs)
    if any(action.trades for branch in rule.branches for action in branch.actions):
        yield BalancesNeed(), period_ms(rule)
        yield BookNeed(rule.symbol, 1), period_ms(rule)
        yield StatusNeed(), period_ms(rule)
        # as if an order were always open: the budget must hold on a busy day
        yield OpenOrdersNeed(rule.symbol), WATCH_MS


def _shortest(need: Need, periods: dict[MarketNeed | AccountNeed, int]) -> int:
    """The period of the merged need: the shortest of all that it answers."""
    answered = (other for other in periods if _same(need, other) and need in merged(frozenset({need, other})))
    return min(periods[other] for other in answered)


def _same(one: Need, other: Need) -> bool:
    names = ("symbol", "timeframe")
    return type(one) is type(other) and all(getattr(one, n, None) == getattr(other, n, None) for n in names)


Weigh: TypeAlias = Callable[[Mapping[MarketNeed | AccountNeed, int]], Mapping[MarketNeed | AccountNeed, Decimal]]


def budget_of(plan: Plan, weigh: Weigh) -> Budget:
    """Price the plan. `weigh` gives the request weight a minute of each need, asked once in so many milliseconds."""
    periods = asked(plan)
    weights = weigh(periods)
    rows = tuple(
        sorted(((need, periods[need], weights[need]) for need in periods), key=lambda row: (-row[2], repr(row[0])))
    )
    per_minute = sum((Decimal(60_000) / period for period in periods.values()), Decimal(0))
    return Budget(
        weights=rows,
        total=sum((weight for _, _, weight in rows), Decimal(0)),
        requests=per_minute,
        disk_per_day=_disk_per_day(plan),
    )


def _disk_per_day(plan: Plan) -> int:
    """Rules whose slots fall together share a row."""
    rules = [(DAY_MS // period_ms(rule), len(rule.terms)) for rule in plan.rules if rule.enabled]
    # the rule that looks most often sets the number of rows; others share them
    rows = max((count for count, _ in rules), default=0)
    return rows * ROW_BYTES + sum(count * (RULE_BYTES + TERM_BYTES * terms) for count, terms in rules)
