"""One written rule to its working form, for one symbol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from autotrader.language.compile.actions import actions_of
from autotrader.language.compile.bench import Bench
from autotrader.language.compile.conditions import condition_of
from autotrader.language.compile.hashes import rule_hash, when_hash
from autotrader.language.compile.schedule import max_runs_of, repeat_of, trigger_of, windows_of
from autotrader.language.facts import Fact
from autotrader.language.nodes import Path
from autotrader.language.plan import (
    Action,
    At,
    Branch,
    CancelOrders,
    CancelThis,
    CompiledRule,
    MarketPrice,
    Notify,
    OrderFilter,
    PlaceOrder,
)
from autotrader.language.problems import Problem
from autotrader.language.rule_file import WrittenRule
from autotrader.language.settings import Settings
from autotrader.language.tree import Condition, Term
from autotrader.language.vocabulary import needs_of, needs_of_condition
from autotrader.language.walk import tree_terms
from autotrader.market.needs import BalancesNeed, BookNeed, Need, OpenOrdersNeed, merged
from autotrader.orders import Side
from autotrader.structs import dataclass
from autotrader.text import did_you_mean

AT_RETRY_MS = 600_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all rules of a load share."""

    settings: Settings
    settings_given: bool


def compiled_rule(
    bench: Bench, rule_id: str, written: WrittenRule, path: Path, order: int, around: Surroundings
) -> CompiledRule | None:
    """The rule for the bench's symbol; None where something is wrong (then reported)."""
    before = _errors(bench)
    trigger = trigger_of(bench, written, path)
    between = windows_of(bench, written.between, (*path, "between"))
    when = _condition(bench, written.when, (*path, "when"))
    rearm_when = _condition(bench, written.rearm_when, (*path, "rearm_when"))
    repeat_ms = repeat_of(bench, written.repeat, (*path, "repeat"))
    cooldown_ms = bench.duration((*path, "cooldown"), written.cooldown)
    max_runs = max_runs_of(bench, written.max_runs, (*path, "max_runs"))
    retry_for_ms = bench.duration((*path, "retry_for"), written.retry_for)
    branches = _branches(bench, written, path, around)
    _check_together(bench, written, path, branches, around)
    if _errors(bench) > before or trigger is None or between is None or branches is None:
        return None
    symbol = bench.scope.symbol
    conditions = [each for each in (when, rearm_when, *(branch.condition for branch in branches)) if each is not None]
    actions = [action for branch in branches for action in branch.actions]
    rule = CompiledRule(
        id=rule_id, symbol=symbol, place=bench.document.place(path, at_key=True), about=written.about,
        enabled=written.enabled, labels=tuple(written.labels), trigger=trigger, between=between, when=when,
        rearm_when=rearm_when, repeat_ms=repeat_ms, cooldown_ms=cooldown_ms or 0, max_runs=max_runs,
        retry_for_ms=AT_RETRY_MS if retry_for_ms is None and isinstance(trigger, At) else retry_for_ms,
        on_unknown=written.on_unknown, priority=written.priority, order=order, for_each_order=_order_filter(written),
        branches=branches, needs=_needs(conditions, written, symbol), terms=_distinct(map(tree_terms, conditions)),
        action_needs=_action_needs(actions, symbol), action_terms=_distinct(map(_action_terms, actions)),
        hash="", when_hash=when_hash(when),
    )  # fmt: skip
    return replace(rule, hash=rule_hash(rule))


def _errors(bench: Bench) -> int:
    return sum(each.severity == "error" for each in bench.problems)


def _condition(bench: Bench, written: object, path: Path) -> Condition | None:
    return None if written is None else condition_of(bench, written, path)  # type: ignore[arg-type]  # the model's union


def _order_filter(written: WrittenRule) -> OrderFilter | None:
    found = written.for_each_order
    if found is None:
        return None
    side = Side(found.side.upper()) if found.side else None
    return OrderFilter(side, found.owner, found.tag, found.label)


def _branches(bench: Bench, written: WrittenRule, path: Path, around: Surroundings) -> tuple[Branch, ...] | None:
    slippage = around.settings.max_slippage
    if written.choose is None:
        actions = actions_of(bench, written.then or [], (*path, "then"), slippage)
        return None if actions is None else (Branch("then", None, actions),)
    result: list[Branch | None] = []
    for number, branch in enumerate(written.choose):
        here = (*path, "choose", number)
        last = number == len(written.choose) - 1
        if branch.else_ is not None and not last:
            bench.report(
                "AT205",
                (*here, "else"),
                "`else` is the last item of `choose`",
                at_key=True,
                hint="what follows could never be reached; move it up",
            )
        name, items = ("else", branch.else_) if branch.else_ is not None else ("then", branch.then)
        condition = _condition(bench, branch.if_, (*here, "if"))
        actions = actions_of(bench, items or [], (*here, name), slippage)
        broken = actions is None or (branch.if_ is not None and condition is None)
        result.append(None if broken or actions is None else Branch(f"choose[{number}]", condition, actions))
    good = tuple(branch for branch in result if branch is not None)
    return good if len(good) == len(result) else None


# ------------------------------------------------------------------------------------------------ what must fit


def _check_together(
    bench: Bench, written: WrittenRule, path: Path, branches: tuple[Branch, ...] | None, around: Surroundings
) -> None:
    actions = [action for branch in branches or () for action in branch.actions]
    others = [action for action in actions if not isinstance(action, Notify | CancelThis | CancelOrders)]
    if written.on_unknown == "fire" and others:
        bench.report(
            "AT213",
            (*path, "on_unknown"),
            "`on_unknown: fire` in a rule that does more than notify or cancel",
            hint="write `skip` or `alert`: what is unknown never trades",
        )
    if around.settings_given and around.settings.symbols and bench.scope.symbol not in around.settings.symbols:
        key = "symbol" if written.symbol is not None else "symbols"
        listed = ", ".join(around.settings.symbols)
        bench.report(
            "AT222",
            (*path, key),
            f"`{bench.scope.symbol}` is not among the account file's symbols",
            hint=f"listed there: {listed}",
        )
    if around.settings_given:
        for action in actions:
            _check_channel(bench, action, around.settings)


def _check_channel(bench: Bench, action: Action, settings: Settings) -> None:
    names = sorted({"default", *settings.notify.names})
    if not isinstance(action, Notify) or action.to in names:
        return
    hint = did_you_mean(action.to, names, "channels are " + ", ".join(names))
    bench.problems.append(Problem(
        code="AT221", place=action.place, message=f"there is no channel `{action.to}` in the account file", hint=hint,
    ))  # fmt: skip


# ------------------------------------------------------------------------------------------------ needs


def _needs(conditions: list[Condition], written: WrittenRule, symbol: str) -> frozenset[Need]:
    found = frozenset(chain.from_iterable(needs_of_condition(condition) for condition in conditions))
    return merged(found | ({OpenOrdersNeed(symbol)} if written.for_each_order is not None else frozenset()))


def _action_needs(actions: list[Action], symbol: str) -> frozenset[Need]:
    """What actions read: their terms, and what an order is checked against (book and balances)."""
    found: set[Need] = {need for action in actions for term in _action_terms(action) for need in needs_of(term)}
    if any(isinstance(action, PlaceOrder) for action in actions):
        found |= {BookNeed(symbol, 1), BalancesNeed()}
    if any(isinstance(action, CancelOrders) for action in actions):
        found.add(OpenOrdersNeed(symbol))
    if any(isinstance(action, CancelOrders) and action.further_than is not None for action in actions):
        found.add(BookNeed(symbol, 1))
    return merged(frozenset(found))


def _action_terms(action: Action) -> Iterable[Term]:
    match action:
        case PlaceOrder():
            values = (action.spend, action.size, action.max_spend, action.max_size, action.price)
            for value in values:
                if value is not None and not isinstance(value, MarketPrice):
                    yield from tree_terms(value)
        case CancelOrders(further_than=further) if further is not None:
            yield from tree_terms(further)
        case Notify(parts=parts):
            for part in parts:
                if not isinstance(part, str | Fact):
                    yield from tree_terms(part)
        case _:
            return


def _distinct(walks: Iterable[Iterable[Term]]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(walks)))
