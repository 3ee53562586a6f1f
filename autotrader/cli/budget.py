"""``autotrader budget``: what rules ask of the exchange, per minute, and what they write, per day. Works offline."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from autotrader.cli._options import config_option, format_option
from autotrader.cli._output import emit_json, say, styled, table
from autotrader.cli._rules import checked_rules, shown
from autotrader.engine.budget import Budget, budget_of
from autotrader.exchanges import exchange
from autotrader.language.plan import Plan
from autotrader.market.needs import BookNeed, CandleNeed, Need, OpenOrdersNeed, TickerNeed, TradingDayNeed
from autotrader.market.timeframe import approximate_ms
from autotrader.money import plain
from autotrader.times import age_text

OVER = 1
_MEGA = 1_000_000


@click.command("budget")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@config_option
@format_option
def command(*, paths: tuple[str, ...], config: Path | None, output: str) -> int:
    """Say what the rules need: requests and weight per minute, per need and in all; disk per day.

    PATH is a rule file or a folder; without one, what the account file includes. Exit 1 where the rules need more than
    `request_weight` allows. Nothing is asked of the exchange.
    """
    checked = checked_rules(paths, config)
    if checked.plan is None:
        return shown(checked, output, 1)
    venue = exchange(checked.plan.settings.exchange.name)
    budget = budget_of(checked.plan, venue.weight_per_minute)
    limit = Decimal(venue.WEIGHT_LIMIT)
    share = checked.plan.settings.limits.request_weight
    allowed = limit * share / 100
    code = OVER if budget.total > allowed else 0
    if output == "json":
        return emit_json(_data(checked.plan, budget, limit, allowed), code)
    _show(checked.plan, budget, limit, allowed)
    return code


def _show(plan: Plan, budget: Budget, limit: Decimal, allowed: Decimal) -> None:
    rules = sum(rule.enabled for rule in plan.rules)
    if not budget.weights:
        say(f"{rules} rules ask nothing of the exchange")
        return
    rows = [
        (need_text(need), age_text(period), _figure(_per_minute(need, period)), _figure(weight), _share(weight, limit))
        for need, period, weight in budget.weights
    ]
    total = ("in all", "", _figure(_requests(budget)), _figure(budget.total), _share(budget.total, limit))
    head = ("what is asked", "every", "requests/min", "weight/min", "of the limit")
    say(table(head, [*rows, total], right={2, 3, 4}))
    share = plan.settings.limits.request_weight
    used = f"{_figure(budget.total)} of {_figure(allowed)} weight a minute"
    verdict = f"{used} (`request_weight: {share:f}%` of {limit:,})"
    over = budget.total > allowed
    say(styled(f"too much: {verdict}", "bold red") if over else f"{rules} rules: {verdict}")
    if over:
        say("  look less often (`every`), use fewer symbols, or raise `request_weight`")
    say(f"disk: about {budget.disk_per_day / _MEGA:.1f} MB a day of evaluations, kept for 30 days")


def _per_minute(need: Need, period_ms: int) -> Decimal:
    """Requests of a need a minute, were it alone; candles are only asked for when one has closed."""
    if isinstance(need, CandleNeed):
        period_ms = max(period_ms, approximate_ms(need.timeframe))
    return Decimal(60_000) / period_ms


def _requests(budget: Budget) -> Decimal:
    return sum((_per_minute(need, period) for need, period, _ in budget.weights), Decimal(0))


def need_text(need: Need) -> str:
    """A need in words: `candles BTCJPY 1h (98)`, `book BTCJPY, 100 levels`."""
    match need:
        case TickerNeed(symbol):
            return f"24h ticker {symbol}"
        case TradingDayNeed(symbol):
            return f"trading day {symbol}"
        case BookNeed(symbol, 1):
            return f"best prices {symbol}"
        case BookNeed(symbol, levels):
            return f"order book {symbol}, {levels} levels"
        case CandleNeed(symbol, timeframe, count):
            return f"candles {symbol} {timeframe} ({count} at the start, then new ones)"
        case OpenOrdersNeed(symbol):
            return f"open orders {symbol}"
        case _:
            return {"BalancesNeed": "balances", "StatusNeed": "system status"}.get(type(need).__name__, "")


def _figure(value: Decimal) -> str:
    return f"{value:,.1f}".removesuffix(".0") if value >= 1 or value == 0 else f"{value:.3f}".rstrip("0")


def _share(weight: Decimal, limit: Decimal) -> str:
    return f"{weight / limit * 100:.2f}%"


def _data(plan: Plan, budget: Budget, limit: Decimal, allowed: Decimal) -> dict[str, Any]:

    def rounded(value: Decimal) -> str:
        return plain(value.quantize(Decimal("0.0001")))

    return {
        "rules": sum(rule.enabled for rule in plan.rules),
        "needs": [
            {
                "need": need_text(need), "kind": type(need).__name__, "every_ms": period,
                "requests_per_minute": rounded(_per_minute(need, period)), "weight_per_minute": rounded(weight),
            }
            for need, period, weight in budget.weights
        ],
        "requests_per_minute": rounded(_requests(budget)),
        "weight_per_minute": rounded(budget.total),
        "weight_limit": plain(limit),
        "weight_allowed": plain(allowed),
        "within": budget.total <= allowed,
        "disk_bytes_per_day": budget.disk_per_day,
    }  # fmt: skip
