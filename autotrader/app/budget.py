"""What a plan's questions to the exchange cost, per minute, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from autotrader.engine.due import period_ms
from autotrader.language.plan import Plan
from autotrader.market.needs import AccountNeed, MarketNeed, Need, merged
from autotrader.ports import MarketData

EVALUATION_BYTES_PER_TERM = 6  # compressed, measured on a day of the recorded market (benchmarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Weight per minute of each need with the period at which it is asked, and in all; requests per minute."""

    weights: tuple[tuple[Need, int, Decimal], ...]
    total: Decimal
    requests: Decimal
    disk_per_day: int


def asked(plan: Plan) -> dict[MarketNeed | AccountNeed, int]:
    """Every need of the plan, with the shortest period in ms at which a rule asks for it."""
    periods: dict[MarketNeed | AccountNeed, int] = {}
    for rule in plan.rules:
        if rule.enabled:
            for need in rule.needs | rule.action_needs:
                periods[need] = min(periods.get(need, 1 << 62), period_ms(rule))
    kept = merged(frozenset(periods))
    return {need: _shortest(need, periods) for need in kept}


def _shortest(need: Need, periods: dict[MarketNeed | AccountNeed, int]) -> int:
    """The period of the merged need: the shortest of all that it answers."""
    answered = (other for other in periods if _same(need, other) and need in merged(frozenset({need, other})))
    return min(periods[other] for other in answered)


def _same(one: Need, other: Need) -> bool:
    names = ("symbol", "timeframe")
    return type(one) is type(other) and all(getattr(one, n, None) == getattr(other, n, None) for n in names)


def budget_of(plan: Plan, market: MarketData) -> Budget:
    """Price the plan with the exchange's own weights."""
    periods = asked(plan)
    weights = market.weight_per_minute(periods)
    rows = tuple(
        sorted(((need, periods[need], weights[need]) for need in periods), key=lambda row: (-row[2], repr(row[0])))
    )
    per_minute = sum((Decimal(60_000) / period for period in periods.values()), Decimal(0))
    cycles = sum(86_400_000 // period_ms(rule) * max(1, len(rule.terms)) for rule in plan.rules if rule.enabled)
    return Budget(
        weights=rows,
        total=sum((weight for _, _, weight in rows), Decimal(0)),
        requests=per_minute,
        disk_per_day=cycles * EVALUATION_BYTES_PER_TERM,
    )
