"""Conditions evaluated: by one walk over the tree, whoever walks it.

`read_tree` takes a condition apart once, for three readers. `Explaining` (here) answers with the verdict tree and the
next memory, and says why; `Live` (here) answers with a function, compiled once per rule, that only answers;
`rows.RowReader` answers for whole series. What a relation or an operation means stands in the tables of the language,
what a shape remembers in `shapes`: a reader only says what becomes of the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeAlias, TypeVar

from autotrader.engine.due import in_windows
from autotrader.engine.values import Values
from autotrader.engine.verdict import Observed, Verdict
from autotrader.language import shapes, source
from autotrader.language.algebra import Truth, compute, count_at_least, is_exact, negated, scale_of
from autotrader.language.intervals import Intervals
from autotrader.language.readback import written
from autotrader.language.relations import holds, short_of, shown_units, sides_of, sides_taken
from autotrader.language.shapes import NOTHING, LeafMemory, Memory, Moment, Side
from autotrader.language.tree import (
    AtLeast,
    Condition,
    Cross,
    Flag,
    For,
    Leaf,
    Literal,
    Named,
    Not,
    OfLast,
    Operation,
    Relation,
    Term,
    Unit,
    Value,
)
from autotrader.language.walk import children, leaf_id, term_id
from autotrader.market.sources import Missing
from autotrader.times import age_text, span_text

CandleLeaf = Cross | OfLast
Following: TypeAlias = dict[str, LeafMemory]
T = TypeVar("T")


class Reader(Protocol[T]):
    """What becomes of each kind of node."""

    def joined(self, node: AtLeast, parts: list[T], /) -> T: ...
    def denied(self, node: Not, part: T, /) -> T: ...
    def named(self, node: Named, part: T, /) -> T: ...
    def related(self, leaf: Relation, /) -> T: ...
    def flagged(self, leaf: Flag, /) -> T: ...
    def crossed(self, leaf: Cross, /) -> T: ...
    def held(self, leaf: For, part: T, /) -> T: ...
    def counted(self, leaf: OfLast, part: T, /) -> T: ...
    def over_candles(self, leaf: CandleLeaf, /) -> T: ...


def read_tree(node: Condition, reader: Reader[T]) -> T:
    """A condition, as a reader reads it. A leaf over candles is one question, whatever stands inside it."""
    match node:
        case AtLeast():
            return reader.joined(node, [read_tree(part, reader) for part in node.parts])
        case Not():
            return reader.denied(node, read_tree(node.part, reader))
        case Named():
            return reader.named(node, read_tree(node.part, reader))
        case Relation():
            return reader.related(node)
        case Flag():
            return reader.flagged(node)
        case For():
            return reader.held(node, read_tree(node.part, reader))
        case Cross() | OfLast() if node.timeframe:
            return reader.over_candles(node)
        case Cross():
            return reader.crossed(node)
        case OfLast():
            return reader.counted(node, read_tree(node.part, reader))


def candle_leaves(condition: Condition) -> tuple[CandleLeaf, ...]:
    """The leaves of a condition that are judged over whole candle columns; their answers stand in the table."""
    if isinstance(condition, Cross | OfLast) and condition.timeframe:
        return (condition,)
    below = (child for child in children(condition) if not isinstance(child, Literal | Term | Operation))
    return tuple(leaf for child in below for leaf in candle_leaves(child))


def has_memory(condition: Condition) -> bool:
    """Whether an evaluation of the condition can change the stored memory."""
    match condition:
        case AtLeast(parts=parts):
            return any(has_memory(part) for part in parts)
        case Not(part=part) | Named(part=part):
            return has_memory(part)
        case OfLast(timeframe=timeframe) | Cross(timeframe=timeframe):
            return not timeframe
        case _:
            return isinstance(condition, For)


def side_key(leaf: Cross) -> str:
    """Under which key the side is kept: a shape around a crossing may share the crossing's own key."""
    return f"{leaf.key}/side"


# ----------------------------------------------------------------------------------------------- one leaf, explained
def relation_truth(leaf: Relation, values: Values) -> tuple[Truth, str]:
    """Whether a relation holds, and the reason where it is not known."""
    spans = Intervals(values.of, exact=is_exact(leaf))
    answer = holds(leaf, spans)
    return answer, "" if answer is not None else spans.reason


def side_truth(leaf: Cross, values: Values) -> tuple[Side | None, str]:
    """On which side of right the left of a crossing is ("" inside the dead zone), and why it is not known."""
    spans = Intervals(values.of, exact=is_exact(leaf))
    up, down = sides_taken(leaf, spans)
    if up or down:
        return ("up" if up else "down"), ""
    return ("", "") if up is False and down is False else (None, spans.reason)


def table_truth(key: str, values: Values) -> tuple[Truth, str]:
    """A yes or no that stands in the table, and why it does not."""
    found = values.get(key)
    if isinstance(found, bool):
        return found, ""
    return None, found.reason if isinstance(found, Missing) else f"{key} is not a yes or no"


# ------------------------------------------------------------------------------------------------------- explaining
def judge(
    condition: Condition, values: Values, memory: Memory, moment: Moment, symbol: str = ""
) -> tuple[Verdict, dict[str, LeafMemory]]:
    """The verdict tree of a condition, and the next memory of the leaves in it. Words of `symbol`, the rule's own,
    are told without prefix.
    """
    explaining = Explaining(values, memory, moment, symbol)
    return read_tree(condition, explaining), explaining.following


class Explaining:
    """Reads one condition once, at a moment; `following` gathers the next memory."""

    def __init__(self, values: Values, memory: Memory, moment: Moment, symbol: str) -> None:
        self._values = values
        self._memory = memory
        self._moment = moment
        self._symbol = symbol
        self.following: Following = {}

    def joined(self, node: AtLeast, parts: list[Verdict]) -> Verdict:
        answer = count_at_least((part.holds for part in parts), node.count)
        text = node.form if node.form != "at_least" else f"at least {node.count} of"
        return Verdict(holds=answer, text=text, key=node.key, place=node.place, parts=tuple(parts))

    def denied(self, node: Not, part: Verdict) -> Verdict:
        return Verdict(holds=negated(part.holds), text="not", key=node.key, place=node.place, parts=(part,))

    def named(self, node: Named, part: Verdict) -> Verdict:
        text = f"signal({node.name})"
        return Verdict(holds=part.holds, text=text, key=node.key, place=node.place, parts=(part,))

    def related(self, leaf: Relation) -> Verdict:
        answer, reason = relation_truth(leaf, self._values)
        return self._leaf(leaf, answer, reason, observed=self._sides(leaf), distance=self._distance(leaf, answer))

    def flagged(self, leaf: Flag) -> Verdict:
        if leaf.term is None:
            return self._leaf(leaf, in_windows(leaf.windows, self._moment.at_ms), "")
        return self._leaf(leaf, *table_truth(term_id(leaf.term), self._values))

    def over_candles(self, leaf: CandleLeaf) -> Verdict:
        inside = leaf.part if isinstance(leaf, OfLast) else leaf
        observed = () if isinstance(inside, Flag) else self._sides(inside)
        return self._leaf(leaf, *table_truth(leaf_id(leaf), self._values), observed=observed)

    def crossed(self, leaf: Cross) -> Verdict:
        side, reason = side_truth(leaf, self._values)
        before = self._memory.get(side_key(leaf), NOTHING)
        after, answer = shapes.crossed(before, side, leaf.direction)
        self._keep(side_key(leaf), after)
        said = reason if side is None else _side_note(before, after)
        return self._leaf(leaf, answer, said, observed=self._sides(leaf))

    def held(self, leaf: For, part: Verdict) -> Verdict:
        before = self._memory.get(leaf.key, NOTHING)
        after, answer, elapsed = shapes.held(before, part.holds, self._moment, leaf.span_ms)
        self._keep(leaf.key, after)
        reason = part.reason
        if part.holds is not False:
            progress = f"true for {age_text(elapsed)} of {span_text(leaf.span_ms)}"
            reason = f"{part.reason} ({progress}, paused)" if part.holds is None else progress
        return self._around(leaf, answer, reason, part)

    def counted(self, leaf: OfLast, part: Verdict) -> Verdict:
        before = self._memory.get(leaf.key, NOTHING)
        after, answer = shapes.checked(before, part.holds, leaf.least, leaf.count)
        self._keep(leaf.key, after)
        note = f"true at {sum(c == 1 for c in after.checks)} of the last {len(after.checks)} checks"
        return self._around(leaf, answer, part.reason or note, part)

    def _keep(self, key: str, memory: LeafMemory) -> None:
        if memory != NOTHING:
            self.following[key] = memory

    # ------------------------------------------------------------------------------------------ what is shown
    def _leaf(
        self, leaf: Leaf, answer: Truth, reason: str, *,
        observed: tuple[Observed, ...] = (), distance: tuple[float, Unit] | None = None,
    ) -> Verdict:  # fmt: skip
        size, unit = distance or (None, None)
        return Verdict(
            holds=answer, text=leaf.text, key=leaf.key, place=leaf.place, observed=observed, reason=reason,
            distance=size, distance_unit=unit,
        )  # fmt: skip

    def _around(self, leaf: For | OfLast, answer: Truth, reason: str, part: Verdict) -> Verdict:
        """A shape shows what was seen of the condition inside it."""
        known = part.distance is not None and part.distance_unit is not None
        distance = (part.distance, part.distance_unit) if known else None
        return self._leaf(leaf, answer, reason, observed=part.observed, distance=distance)  # type: ignore[arg-type]

    def _sides(self, leaf: Relation | Cross) -> tuple[Observed, ...]:
        """Every side with its value, in the unit in which it counts there."""
        units = shown_units(leaf)
        return tuple(self._observed(*side, unit) for side, unit in zip(sides_of(leaf), units, strict=True))

    def _observed(self, role: str, node: Value, unit: Unit) -> Observed:
        if isinstance(node, Literal):
            return Observed(role, node.text, node.value, unit, is_literal=not node.param)
        text = written(node, self._symbol)
        if isinstance(node, Term):
            return Observed(role, text, self._values.of(node), unit)
        spans = Intervals(self._values.of, exact=is_exact(node))
        known = compute(node, spans)
        if isinstance(known, Missing):
            return Observed(role, text, known, unit)
        if unit != node.unit:
            known = spans.multiply(known, spans.constant(Decimal(100)))
            assert not isinstance(known, Missing)  # noqa: S101 - both sides are known
        low, high = float(known.low), float(known.high)
        return Observed(role, text, low if low == high else Missing(f"between {low:g} and {high:g}"), unit)

    def _distance(self, leaf: Relation, answer: Truth) -> tuple[float, Unit] | None:
        """How far a false relation is from true; None where no number says so."""
        if answer is not False:
            return None
        short = short_of(leaf, Intervals(self._values.of, exact=is_exact(leaf)))
        if isinstance(short, Missing) or short.low != short.high:
            return None
        tie = short.size and round(short.low * scale_of(short.size)) == 0  # what is left of rounding floats is nothing
        return 0.0 if tie else float(short.low), shown_units(leaf)[0]


def _side_note(before: LeafMemory, after: LeafMemory) -> str:
    if not after.side:
        return "inside the dead zone since the start; no side yet"
    if not before.side:
        return f"first known side: {after.side}; that is no crossing"
    return f"side {after.side}, was {before.side}" if after.side != before.side else f"side still {after.side}"


# ------------------------------------------------------------------------------------------------------------- live
Judge: TypeAlias = Callable[[Values, Memory, Moment, Following], Truth]


def compiled(condition: Condition) -> Judge:
    """The condition as one function: (values, memory, moment, next memory to fill) -> true, false or unknown.

    Leaves with a memory are evaluated in every pass; leaves without one are skipped once the answer is settled.
    """
    return read_tree(condition, Live())


class Live:
    """Reads a condition into a function of the table, the memory and the moment."""

    def joined(self, node: AtLeast, parts: list[Judge]) -> Judge:
        pairs = list(zip(node.parts, parts, strict=True))
        first = [judge for part, judge in pairs if has_memory(part)]
        later = [judge for part, judge in pairs if not has_memory(part)]
        enough, too_many = node.count, len(parts) - node.count + 1

        def join(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
            held = failed = 0
            for judge in first:
                answer = judge(values, memory, moment, following)
                held += answer is True
                failed += answer is False
            for judge in later:
                if held >= enough or failed >= too_many:
                    break
                answer = judge(values, memory, moment, following)
                held += answer is True
                failed += answer is False
            return True if held >= enough else False if failed >= too_many else None

        return join

    def denied(self, _node: Not, part: Judge) -> Judge:
        return lambda values, memory, moment, following: negated(part(values, memory, moment, following))

    def named(self, _node: Named, part: Judge) -> Judge:
        return part

    def related(self, leaf: Relation) -> Judge:
        return source.relation(leaf, lambda values: relation_truth(leaf, values)[0])

    def flagged(self, leaf: Flag) -> Judge:
        if leaf.term is not None:
            return _from_table(term_id(leaf.term))
        return lambda _values, _memory, moment, _following: in_windows(leaf.windows, moment.at_ms)

    def over_candles(self, leaf: CandleLeaf) -> Judge:
        return _from_table(leaf_id(leaf))

    def crossed(self, leaf: Cross) -> Judge:
        key, ask = side_key(leaf), source.side(leaf, lambda values: side_truth(leaf, values)[0])

        def cross(values: Values, memory: Memory, _moment: Moment, following: Following) -> Truth:
            after, answer = shapes.crossed(memory.get(key, NOTHING), ask(values), leaf.direction)
            if after != NOTHING:
                following[key] = after
            return answer

        return cross

    def held(self, leaf: For, part: Judge) -> Judge:
        def held(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
            inside = part(values, memory, moment, following)
            after, answer, _ = shapes.held(memory.get(leaf.key, NOTHING), inside, moment, leaf.span_ms)
            if after != NOTHING:
                following[leaf.key] = after
            return answer

        return held

    def counted(self, leaf: OfLast, part: Judge) -> Judge:
        def checks(values: Values, memory: Memory, moment: Moment, following: Following) -> Truth:
            inside = part(values, memory, moment, following)
            after, answer = shapes.checked(memory.get(leaf.key, NOTHING), inside, leaf.least, leaf.count)
            following[leaf.key] = after
            return answer

        return checks


def _from_table(key: str) -> Judge:
    def answer(values: Values, _memory: Memory, _moment: Moment, _following: Following) -> Truth:
        found = values.table.get(key)
        return found if found is True or found is False else None

    return answer
