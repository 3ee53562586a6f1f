"""One written rule to its working form, for one symbol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import cast

from autotrader.language.actions import BY_KEY, WrittenAction
from autotrader.language.actions.action import Action, terms_of
from autotrader.language.compile.hashes import hashes_of
from autotrader.language.compile.schedule import max_runs_of, repeat_of, trigger_of, windows_of
from autotrader.language.compiler import Compiler
from autotrader.language.expression import NUMERIC, SignalUse, parse_condition
from autotrader.language.nodes import Path
from autotrader.language.open_orders import OrderFilter
from autotrader.language.plan import At, Branch, CompiledRule
from autotrader.language.problems import Problem
from autotrader.language.reading import MOST_PROBLEMS
from autotrader.language.rule_file import WrittenAtLeast, WrittenCombinator, WrittenParam, WrittenRule
from autotrader.language.tree import AtLeast, Condition, Literal, Named, Not, Term, all_of, any_of
from autotrader.language.vocabulary import needs_of, needs_of_condition
from autotrader.language.walk import tree_terms
from autotrader.market.needs import Need, OpenOrdersNeed, merged
from autotrader.orders import Side
from autotrader.text import did_you_mean

# ---------------------------------------------------------------------------------------------------------- conditions
# Written conditions to the typed tree: the structure here, the one-line strings by the expression language.

MOST_CONDITIONS = 1_000
Item = str | WrittenCombinator


def condition_of(at: Compiler, written: Item | list[Item], path: Path, key: str = "") -> Condition | None:
    """The condition written at a path; None where something in it is wrong (then reported).

    `key` begins the keys of its leaves; without one it is the path within the rule.
    """
    key = key or at.key(path)
    at.looked.append(key)
    if len(at.looked) > MOST_CONDITIONS:  # signals of signals may multiply without end
        if len(at.looked) == MOST_CONDITIONS + 1:
            message = f"more than {MOST_CONDITIONS:,} conditions, with those of its signals"
            at.fault(path, "AT210", message, "use fewer signals inside signals")
        return None
    if isinstance(written, str):
        return _leaf(at, written, key)
    if isinstance(written, list):
        parts = _parts(at, written, path, key)
        return None if parts is None else all_of(parts, key, at.file.document.place(path))
    return _combinator(at, written, path, key)


def _combinator(at: Compiler, written: WrittenCombinator, path: Path, key: str) -> Condition | None:
    place = at.file.document.place(path, at_key=False)
    if written.none_of is not None:
        part = condition_of(at, written.none_of, (*path, "not"), f"{key}.not")
        return None if part is None else Not(key=key, place=place, part=part)
    if written.at_least is not None:
        return _at_least(at, written.at_least, (*path, "at_least"), f"{key}.at_least")
    name, items = ("all", written.all_of) if written.all_of is not None else ("any", written.any_of)
    parts = _parts(at, items or [], (*path, name), f"{key}.{name}")
    if parts is None:
        return None
    return (all_of if name == "all" else any_of)(parts, key, place)


def _at_least(at: Compiler, written: WrittenAtLeast, path: Path, key: str) -> Condition | None:
    parts = _parts(at, written.of, (*path, "of"), f"{key}.of")
    if parts is None:
        return None
    return AtLeast(key=key, place=at.file.document.place(path), count=written.n, parts=parts)


def _parts(at: Compiler, items: Sequence[Item], path: Path, key: str) -> tuple[Condition, ...] | None:
    """All parts, or None if one is wrong; every part is looked at."""
    parts = [condition_of(at, item, (*path, number), f"{key}[{number}]") for number, item in enumerate(items)]
    good = tuple(part for part in parts if part is not None)
    return good if good and len(good) == len(parts) else None


def _leaf(at: Compiler, text: str, key: str) -> Condition | None:
    if len(at.problems) > MOST_PROBLEMS:
        at.uses(text)
        return None
    found = at.read(text, lambda text, origin, scope: parse_condition(text, origin, key, scope))
    found = cast("Condition | SignalUse | None", found)  # mypy joins the union to object
    return _named(at, found.name, text, key) if isinstance(found, SignalUse) else found


def _named(at: Compiler, name: str, text: str, key: str) -> Named | None:
    """`signal(name)`: the condition of that name, compiled for this symbol, with keys under the place of its use."""
    signal = at.signals.get(name)
    if signal is None:
        hint = did_you_mean(name, at.signals, "define it below `signals:`")
        at.fault(text, "AT210", f"there is no signal `{name}`", hint)
        return None
    if name in at.inside:
        circle = " → ".join((*at.inside[at.inside.index(name) :], name))
        at.fault(text, "AT210", f"the signal refers to itself: {circle}")
        return None
    at.used.add(f"signal:{name}")
    inner = replace(
        at, file=signal.file, root=signal.path, inside=(*at.inside, name),
        scope=replace(at.scope, params=signal.file.params),
    )  # fmt: skip
    part = condition_of(inner, signal.written, signal.path, f"{key}.{name}")
    return None if part is None else Named(key=key, name=name, place=at.text_place(text), part=part)


# ---------------------------------------------------------------------------------------------------------------- rule
MAX_ACTIONS = 10
AT_RETRY_MS = 600_000


def compiled_rule(
    at: Compiler, rule_id: str, written: WrittenRule, path: Path, order: int, *, compare: bool
) -> CompiledRule | None:
    """The rule for the compiler's symbol; None where something is wrong (then reported). `compare`: with the account
    file, which was given.
    """
    before = _errors(at)  # everything is looked at before giving up: each mistake is told in one go
    trigger = trigger_of(at, written)
    between = windows_of(at, written.between)
    when = _condition(at, written.when, (*path, "when"))
    rearm_when = _condition(at, written.rearm_when, (*path, "rearm_when"))
    repeat_ms = repeat_of(at, written.repeat)
    cooldown_ms = at.duration(written.cooldown)
    max_runs = max_runs_of(at, written.max_runs)
    retry_for_ms = at.duration(written.retry_for)
    branches = _branches(at, written, path)
    actions = [action for branch in branches or () for action in branch.actions]
    _check_together(at, written, path, actions)
    if compare:
        _compare(at, written, path, actions)
    if _errors(at) > before or trigger is None or between is None or branches is None:
        return None
    symbol = at.scope.symbol
    conditions = [each for each in (when, rearm_when, *(branch.condition for branch in branches)) if each is not None]
    rule = CompiledRule(
        id=rule_id, symbol=symbol, place=at.file.document.place(path, at_key=True), about=str(written.about),
        enabled=written.enabled, labels=tuple(written.labels), trigger=trigger, between=between, when=when,
        rearm_when=rearm_when, repeat_ms=repeat_ms, cooldown_ms=cooldown_ms or 0, max_runs=max_runs,
        retry_for_ms=AT_RETRY_MS if retry_for_ms is None and isinstance(trigger, At) else retry_for_ms,
        on_unknown=written.on_unknown, priority=written.priority, order=order, for_each_order=_order_filter(written),
        branches=branches, needs=_needs(conditions, written, symbol), terms=_distinct(map(tree_terms, conditions)),
        action_needs=_action_needs(actions, symbol), action_terms=_distinct(map(terms_of, actions)),
        hash="", when_hash="",
    )  # fmt: skip
    whole, condition = hashes_of(rule)
    return replace(rule, hash=whole, when_hash=condition)


def _errors(at: Compiler) -> int:
    return sum(each.severity == "error" for each in at.problems)


def _condition(at: Compiler, written: object, path: Path) -> Condition | None:
    return None if written is None else condition_of(at, written, path)  # type: ignore[arg-type]  # the model's union


def _order_filter(written: WrittenRule) -> OrderFilter | None:
    found = written.for_each_order
    if found is None:
        return None
    side = Side(found.side.upper()) if found.side else None
    return OrderFilter(side, found.owner, found.tag, found.label)


def _branches(at: Compiler, written: WrittenRule, path: Path) -> tuple[Branch, ...] | None:
    if written.choose is None:
        actions = _actions(at, written.then or [], (*path, "then"))
        return None if actions is None else (Branch("then", None, actions),)
    result: list[Branch | None] = []
    for number, branch in enumerate(written.choose):
        here = (*path, "choose", number)
        if branch.else_ is not None and number < len(written.choose) - 1:
            hint = "what follows could never be reached; move it up"
            at.fault((*here, "else"), "AT205", "`else` is the last item of `choose`", hint, at_key=True)
        name, items = ("else", branch.else_) if branch.else_ is not None else ("then", branch.then)
        condition = _condition(at, branch.if_, (*here, "if"))
        actions = _actions(at, items or [], (*here, name))
        broken = actions is None or (branch.if_ is not None and condition is None)
        result.append(None if broken or actions is None else Branch(f"choose[{number}]", condition, actions))
    good = tuple(branch for branch in result if branch is not None)
    return good if len(good) == len(result) else None


def _actions(at: Compiler, written: Sequence[WrittenAction], path: Path) -> tuple[Action, ...] | None:
    """The actions of one list; None if one is wrong (then reported)."""
    result: list[Action | None] = []
    traded = False
    for number, item in enumerate(written):
        here = (*path, number)
        key = next(iter(item.model_fields_set), "")
        kind = BY_KEY[key]
        if traded and kind.cancels:
            hint = "put the cancels first, or write a second rule"
            at.fault(here, "AT433", "not yet supported: a cancel behind a buy or sell in one list", hint)
        if traded and kind.trades:
            message = "not yet supported: a second buy or sell in one list"
            at.fault(here, "AT433", message, "write a second rule")
        # an order is spoken of by what comes behind the trade that places it
        around = at.in_order() if traded and kind.shows_order else at
        result.append(kind.compiled(around, key, getattr(item, key), (*here, key)))
        traded = traded or kind.trades
    if len(written) > MAX_ACTIONS:
        at.fault((*path, MAX_ACTIONS), "AT433", f"not yet supported: more than {MAX_ACTIONS} actions in one list")
    good = tuple(action for action in result if action is not None)
    return good if good and len(good) == len(result) else None


# ------------------------------------------------------------------------------------------------ what must fit


def _check_together(at: Compiler, written: WrittenRule, path: Path, actions: Sequence[Action]) -> None:
    if written.on_unknown == "fire" and not all(action.blind for action in actions):
        message = "`on_unknown: fire` in a rule that does more than notify or cancel"
        hint = "write `skip` or `alert`: what is unknown never trades"
        at.fault((*path, "on_unknown"), "AT213", message, hint)


def _compare(at: Compiler, written: WrittenRule, path: Path, actions: Sequence[Action]) -> None:
    """With the account file: its symbols and its channels."""
    symbols, symbol = at.settings.symbols, at.scope.symbol
    if symbols and symbol not in symbols:
        key = "symbol" if written.symbol is not None else "symbols"
        message = f"`{symbol}` is not among the account file's symbols"
        at.fault((*path, key), "AT222", message, f"listed there: {', '.join(symbols)}")
    channels = sorted({"default", *at.settings.notify.names})
    for action in actions:
        for kind, name in action.names():
            if kind == "channel" and name not in channels:
                at.problems.append(Problem(
                    code="AT221", place=action.place, message=f"there is no channel `{name}` in the account file",
                    hint=did_you_mean(name, channels, "channels are " + ", ".join(channels)),
                ))  # fmt: skip


# ------------------------------------------------------------------------------------------------ needs


def _needs(conditions: list[Condition], written: WrittenRule, symbol: str) -> frozenset[Need]:
    found = frozenset(chain.from_iterable(needs_of_condition(condition) for condition in conditions))
    return merged(found | ({OpenOrdersNeed(symbol)} if written.for_each_order is not None else frozenset()))


def _action_needs(actions: list[Action], symbol: str) -> frozenset[Need]:
    """What actions read: their terms, and what else they say that they need."""
    found = {need for action in actions for term in terms_of(action) for need in needs_of(term)}
    return merged(frozenset(found.union(*(action.needs(symbol) for action in actions))))


def _distinct(walks: Iterable[Iterable[Term]]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(walks)))


# -------------------------------------------------------------------------------------------------------------- params
# `params:` to literals: each default is read once, its unit is its own, and it must lie within its bounds.


def params_of(at: Compiler, written: dict[str, WrittenParam]) -> dict[str, Literal]:
    """The file's parameters. What is wrong is reported; a parameter whose default cannot be read is left out."""
    result: dict[str, Literal] = {}
    for name, param in written.items():
        if at.file.checked.silences(("params", name, "default")):
            continue
        value = at.literal(param.default, NUMERIC)
        if value is None:
            continue
        result[name] = replace(value, text=f"${name}", param=name)
        for bound in ("min", "max"):
            _check_bound(at, param.default, value, bound, getattr(param, bound))
    return result


def _check_bound(at: Compiler, default: str, value: Literal, bound: str, text: str | None) -> None:
    limit = None if text is None else at.literal(text, NUMERIC)
    if limit is None:
        return
    if limit.unit != value.unit:
        message = f"`{text}` and the default `{value.text}` measure different things"
        at.fault(text, "AT211", message, f"write both in one unit, like `{value.text}`")
    elif (value.value < limit.value) if bound == "min" else (value.value > limit.value):
        side = "below" if bound == "min" else "above"
        message = f"the default `{value.text}` is {side} `{bound}: {text}`"
        at.fault(default, "AT211", message, f"change the default or `{bound}`")
