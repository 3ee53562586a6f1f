"""Warnings on rules that load: what is almost surely not meant. Only what is certain is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from autotrader.language.actions.place import PlaceOrder
from autotrader.language.plan import At, CompiledRule
from autotrader.language.problems import Problem
from autotrader.language.relations import COMPARISONS
from autotrader.language.settings import Settings
from autotrader.language.tree import AtLeast, Condition, Literal, Named, Relation, Value
from autotrader.orders import Side


def lint(rules: Sequence[CompiledRule], settings: Settings | None) -> Iterator[Problem]:
    """All warnings, in the order of the rules."""
    for rule in rules:
        for look in _LOOKS:
            yield from look(rule)
        if settings is not None:
            yield from _beyond_limits(rule, settings)


def _warning(code: str, rule: CompiledRule, message: str, hint: str = "") -> Problem:
    return Problem(code=code, place=rule.place, message=message, hint=hint, path=f"rules.{rule.id}", severity="warning")


# ------------------------------------------------------------------------------------------------ contradictions


def _contradictions(rule: CompiledRule) -> Iterator[Problem]:
    """Two comparisons of one value with fixed numbers that cannot both hold: `last < 5` and `last > 6`."""
    conditions = [rule.when] if rule.when is not None else []
    for branch in rule.branches:
        together = [*conditions, *([branch.condition] if branch.condition is not None else [])]
        yield from _clashes(list(_required(together)))


def _required(conditions: Iterable[Condition]) -> Iterator[Relation]:
    """The comparisons that all must hold at the same moment."""
    for condition in conditions:
        if isinstance(condition, AtLeast) and condition.form == "all":
            yield from _required(condition.parts)
        elif isinstance(condition, Named):
            yield from _required([condition.part])
        elif isinstance(condition, Relation) and condition.name in COMPARISONS:
            yield condition


def _clashes(comparisons: list[Relation]) -> Iterator[Problem]:
    lows: dict[Value, tuple[Decimal, bool, Relation]] = {}
    highs: dict[Value, tuple[Decimal, bool, Relation]] = {}
    for each in comparisons:
        value, op, bound = _bound(each)
        if bound is None:
            continue
        strict = op in "<>"
        side, other = (highs, lows) if op[0] == "<" else (lows, highs)
        if value in other:
            limit, other_strict, first = other[value]
            apart = bound < limit if op[0] == "<" else bound > limit
            if apart or (bound == limit and (strict or other_strict)):
                yield Problem(
                    code="AT302", place=each.place, severity="warning",
                    message=f"`{each.text}` contradicts `{first.text}` (line {first.place.line}): never true together",
                )  # fmt: skip
                continue
        side[value] = (bound, strict, each)


def _bound(comparison: Relation) -> tuple[Value, str, Decimal | None]:
    """(value, operator, fixed bound), turned so that the value stands on the left."""
    left, right = comparison.sides
    if isinstance(right, Literal):
        return left, comparison.name, right.value
    if isinstance(left, Literal):
        turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[comparison.name]
        return right, turned, left.value
    return left, comparison.name, None


# ------------------------------------------------------------------------------------------------ money


def _buys(rule: CompiledRule) -> list[PlaceOrder]:
    return [
        action for branch in rule.branches for action in branch.actions
        if isinstance(action, PlaceOrder) and action.side is Side.BUY
    ]  # fmt: skip


def _unbounded_buys(rule: CompiledRule) -> Iterator[Problem]:
    """A rule that buys again and again: nothing in it slows it down."""
    if isinstance(rule.trigger, At) or not _buys(rule) or rule.cooldown_ms or rule.max_runs or rule.rearm_when:
        return
    yield _warning(
        "AT303",
        rule,
        f"`{rule.id}` buys without `cooldown`, `max_runs` or `rearm_when`",
        "a value that swings around its threshold buys at every swing; add `cooldown: 12h` or `max_runs: 2 per day`",
    )


def _fires_once(rule: CompiledRule) -> Iterator[Problem]:
    """Without a condition a polled rule fires once and is never armed again."""
    conditional = rule.when is not None or any(branch.condition is not None for branch in rule.branches)
    if conditional or isinstance(rule.trigger, At) or rule.for_each_order is not None or rule.repeat_ms is not None:
        return
    yield _warning(
        "AT304",
        rule,
        f"`{rule.id}` has no `when`: it fires once and never again",
        "add `when:`, or look at set times with `at:`",
    )


def _beyond_limits(rule: CompiledRule, settings: Settings) -> Iterator[Problem]:
    """A single order above the account's daily limit is always cut or denied."""
    for order in _buys(rule):
        spend = order.spend
        if isinstance(spend, Literal):
            limit = settings.limits.spend_per_day.get(spend.unit.asset)
            if limit is not None and spend.value > limit:
                yield Problem(
                    code="AT307", place=order.place, severity="warning", path=f"rules.{rule.id}",
                    message=f"{spend.value:,f} {spend.unit.asset} in one order; the account allows {limit:,f} a day",
                    hint="the order will always be denied; lower `spend`",
                )  # fmt: skip


_LOOKS: tuple[Callable[[CompiledRule], Iterator[Problem]], ...] = (_contradictions, _unbounded_buys, _fires_once)
