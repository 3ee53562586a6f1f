"""From sources to the value table: each distinct term is asked once, each candle leaf is judged once.

`Prepared` is what a rule's evaluation needs, worked out once: its terms with their ids, its candle leaves, its
compiled conditions. It is kept by the identity of the compiled rule, which never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from autotrader.engine.conditions import CandleLeaf, Judge, candle_leaves, compiled, has_memory
from autotrader.engine.values import Scalar, Values
from autotrader.language.open_orders import order_key
from autotrader.language.plan import CompiledRule
from autotrader.language.tree import Condition, Term
from autotrader.language.vocabulary import value_of
from autotrader.language.walk import leaf_id, term_id, tree_terms
from autotrader.market.account import OwnOrder
from autotrader.market.sources import Missing, Sources
from autotrader.orders import Order
from autotrader.structs import dataclass

ORDER_WORDS = "order."


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rule ready for fast evaluation. `shared` terms are the same for all orders; `of_order` are about one order."""

    rule: CompiledRule
    shared: tuple[tuple[str, Term], ...]
    of_order: tuple[tuple[str, Term], ...]
    leaves: tuple[tuple[str, CandleLeaf], ...]
    when: Judge | None
    rearm: Judge | None
    branches: tuple[Judge | None, ...]
    remembers: bool


_PREPARED: dict[int, Prepared] = {}
_MOST_PREPARED = 20_000


def prepared(rule: CompiledRule) -> Prepared:
    """The rule's prepared form, made at the first call."""
    known = _PREPARED.get(id(rule))
    if known is not None and known.rule is rule:  # an id is used again once its object is gone
        return known
    if len(_PREPARED) >= _MOST_PREPARED:
        _PREPARED.clear()  # all at once: what is still used is made again, and no order of use need be kept
    made = _PREPARED[id(rule)] = _prepare(rule)
    return made


def _prepare(rule: CompiledRule) -> Prepared:
    conditions = [c for c in (rule.when, rule.rearm_when, *(b.condition for b in rule.branches)) if c is not None]
    leaves = {leaf_id(leaf): leaf for condition in conditions for leaf in candle_leaves(condition)}
    terms = [(term_id(term), term) for term in rule.terms]
    return Prepared(
        rule=rule,
        shared=tuple(pair for pair in terms if not is_order_word(pair[1])),
        of_order=tuple(pair for pair in terms if is_order_word(pair[1])),
        leaves=tuple(leaves.items()),
        when=None if rule.when is None else compiled(rule.when),
        rearm=None if rule.rearm_when is None else compiled(rule.rearm_when),
        branches=tuple(None if b.condition is None else compiled(b.condition) for b in rule.branches),
        remembers=any(has_memory(condition) for condition in conditions),
    )


def is_order_word(term: Term) -> bool:
    """Whether a term speaks of the order at hand."""
    return term.word.startswith(ORDER_WORDS)


def observe_terms(terms: Iterable[Term], sources: Sources) -> Values:
    """The table of some terms."""
    return Values({term_id(term): value_of(term, sources) for term in dict.fromkeys(terms)})


def observe_condition(condition: Condition, sources: Sources) -> Values:
    """The table of all that one condition reads."""
    table = dict(observe_terms(tree_terms(condition), sources).table)
    table.update({leaf_id(leaf): _answer(leaf, sources) for leaf in candle_leaves(condition)})
    return Values(table)


def observe(rules: Iterable[Prepared], sources: Sources) -> Values:
    """The table of all that some rules read, except words about single orders."""
    table: dict[str, Scalar] = {}
    for rule in rules:
        for key, term in rule.shared:
            if key not in table:
                table[key] = value_of(term, sources)
        for key, leaf in rule.leaves:
            if key not in table:
                table[key] = _answer(leaf, sources)
    return Values(table)


def _answer(leaf: CandleLeaf, sources: Sources) -> bool | Missing:
    if sources.recorded is not None:
        return sources.recorded.leaf(leaf)
    from autotrader.engine.rows import answer_now  # numpy: only where there are candle leaves

    return answer_now(leaf, sources)


def with_order(values: Values, rule: Prepared, sources: Sources, order: Order | OwnOrder) -> Values:
    """The table of one order: the shared one with the words about that order."""
    at_hand = replace(sources, order=order)
    return values.also({key: value_of(term, at_hand) for key, term in rule.of_order})


@dataclass(slots=True)
class Noted:
    """Answers as the sources do, and notes what was asked. Actions look where their run stands, so what they will ask
    cannot be listed before they have run; the record needs it all the same.
    """

    sources: Sources
    asked: dict[tuple[str, str], Scalar] = field(default_factory=dict)

    def answer(self, term: Term, order: Order | OwnOrder | None) -> Scalar:
        """What a term is, noted under its order and id."""
        value = value_of(term, replace(self.sources, order=order))
        self.asked["" if order is None else order_key(order), term_id(term)] = value
        return value

    def leaf(self, leaf: CandleLeaf) -> bool | Missing:
        """Whether a condition over candles holds; actions ask for none, so nothing is noted."""
        return _answer(leaf, self.sources)
