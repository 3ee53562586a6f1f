"""Conditions that make no sense: never true, always true, or comparing what has no meaning beside another.

Bounds come from the vocabulary (RSI lies between 0 and 100). "Always" is told as a warning, "never" as an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from autotrader.language.algebra import Truth
from autotrader.language.expression.scope import Surroundings
from autotrader.language.expression.syntax import Fault, Node
from autotrader.language.intervals import Interval, Intervals
from autotrader.language.relations import COMPARISONS, RELATIONS, sides_of
from autotrader.language.tree import Cross, Literal, Relation, Term, Value
from autotrader.language.vocabulary import VOCABULARY
from autotrader.language.walk import tree_terms
from autotrader.market.answers import Missing
from autotrader.money import plain as shown

_AVERAGES = frozenset({"sma", "ema", "wma", "bb_mid", "highest", "lowest"})
_LEVELS = _AVERAGES | {"bb_upper", "bb_lower"}
Bounds = tuple[Decimal | None, Decimal | None]


def bounds_of(value: Value) -> Bounds:
    """Between which numbers a value can lie; None where there is no bound."""
    if isinstance(value, Literal):
        return value.value, value.value
    if isinstance(value, Term):
        if value.word in _AVERAGES:
            return bounds_of(value.series) if value.series is not None else (Decimal(0), None)
        word = VOCABULARY[value.word]
        return word.lowest, word.highest
    if value.op in ("min", "max"):
        (low, high), (other_low, other_high) = bounds_of(value.left), bounds_of(value.right)
        if value.op == "min":
            return _both(low, other_low, min), _either(high, other_high, min)
        return _either(low, other_low, max), _both(high, other_high, max)
    return None, None


_Pick = Callable[[Decimal, Decimal], Decimal]


def _both(one: Decimal | None, two: Decimal | None, pick: _Pick) -> Decimal | None:
    return None if one is None or two is None else pick(one, two)


def _either(one: Decimal | None, two: Decimal | None, pick: _Pick) -> Decimal | None:
    if one is None or two is None:
        return two if one is None else one
    return pick(one, two)


def check_sense(condition: Relation | Cross, nodes: Sequence[Node], around: Surroundings) -> None:
    """Raise Fault for what can never be true; note what is always true."""
    terms = list(tree_terms(condition))
    if any(is_obv_level(term) for term in terms) or any(_on_obv(term) for term in terms):
        _check_obv(condition, nodes)
    if isinstance(condition, Cross):
        above, below = _answers(condition.left, condition.right)
        if above is False or below is False:
            raise _never(nodes, around, condition.left)
        if condition.left == condition.right:
            raise _same(nodes)
        return
    if condition.name in COMPARISONS and condition.sides[0] == condition.sides[1]:
        raise _same(nodes)
    _check_ends(condition, nodes)
    _check_answer(condition, nodes, around)
    _check_breakout(condition, nodes, around)


def _check_answer(condition: Relation, nodes: Sequence[Node], around: Surroundings) -> None:
    """The relation itself, asked about all values that its sides can have (a distance is from one value, not all)."""
    entry = RELATIONS[condition.name]
    if entry.distance:
        return
    answer = entry.holds(_BOUNDED, *map(_span, condition.sides))
    subject = condition.sides[0]
    if condition.name in COMPARISONS and isinstance(subject, Literal):
        subject = condition.sides[1]
    if answer is False:
        raise _never(nodes, around, subject)
    if answer is True:
        node = _whole(nodes)
        shown_text = around.text[node.start : node.end]
        around.notes.append(
            node.fault(
                "AT301", f"`{shown_text}` is always true", _range_hint(subject),
                "warning"
            )
        )  # fmt: skip


_BOUNDED = Intervals(lambda term: Missing(term.word), exact=True)


def _span(value: Value) -> Interval:
    low, high = bounds_of(value)
    return Interval(_LOWEST if low is None else low, -_LOWEST if high is None else high, 0.0)


_LOWEST = Decimal("-Infinity")


def _answers(left: Value, right: Value) -> tuple[Truth, Truth]:
    """Whether a value can be above another, and below it."""
    one, two = _span(left), _span(right)
    return _BOUNDED.below(two, one), _BOUNDED.below(one, two)


def _whole(nodes: Sequence[Node]) -> Node:
    return Node("", nodes[0].start, nodes[-1].end)


def _never(nodes: Sequence[Node], around: Surroundings, value: Value) -> Fault:
    node = _whole(nodes)
    text = around.text[node.start : node.end]
    return node.fault("AT118", f"`{text}` can never be true", _range_hint(value))


def _range_hint(value: Value) -> str:
    low, high = bounds_of(value)
    name = value.word if isinstance(value, Term) else "the left side"
    if isinstance(value, Literal):
        return ""
    if low is not None and high is not None:
        return f"`{name}` lies between {shown(low)} and {shown(high)}"
    if low is not None:
        return f"`{name}` is never below {shown(low)}"
    return f"`{name}` is never above {shown(high)}" if high is not None else ""


def _same(nodes: Sequence[Node]) -> Fault:
    return _whole(nodes).fault("AT118", "both sides are the same value")


def _check_breakout(condition: Relation, nodes: Sequence[Node], around: Surroundings) -> None:
    """`close(4h) > highest(20, 4h)`: the highest includes that candle's own high."""
    if condition.name not in (">", "<"):
        return
    big, small = condition.sides if condition.name == ">" else condition.sides[::-1]
    if not isinstance(big, Term) or not isinstance(small, Term):
        return
    same = (big.symbol, big.timeframe, big.shift) == (small.symbol, small.timeframe, small.shift)
    prices = ("open", "high", "low", "close")
    top = small.word == "highest" and small.series is None and big.word in prices
    bottom = big.word == "lowest" and big.series is None and small.word in prices
    if same and (top or bottom):
        node = _whole(nodes)
        word = small.word if top else big.word
        around.notes.append(
            node.fault(
                "AT302",
                f"`{around.text[node.start : node.end]}` can never be true: `{word}` includes the candle itself",
                f"write `{word}(…) 1 candle ago`",
                "warning",
            )
        )


def _check_ends(condition: Relation, nodes: Sequence[Node]) -> None:
    """Two sides of a range must stand in rising order."""
    ends = RELATIONS[condition.name].ends
    if ends is None:
        return
    low, high = (condition.sides[end] for end in ends)
    if isinstance(low, Literal) and isinstance(high, Literal) and low.value > high.value:
        raise Node("", nodes[ends[0]].start, nodes[ends[1]].end).fault(
            "AT118",
            f"the ends of `{condition.name}` are the wrong way round",
            f"write `{condition.name} {high.text} and {low.text}`",
        )


# ---------------------------------------------------------------------------------------------------- obv
def is_obv_level(term: Term) -> bool:
    """Whether a term's height depends on where the counting of `obv` began."""
    if term.word == "obv":
        return True
    return term.series is not None and term.word in _LEVELS and is_obv_level(term.series)


def _on_obv(term: Term) -> bool:
    return term.word in ("roc", "bb_width") and term.series is not None and is_obv_level(term.series)


def _check_obv(condition: Relation | Cross, nodes: Sequence[Node]) -> None:
    """`obv` beside anything but itself and its averages says nothing: it counts from an arbitrary start."""
    sides = [side for role, side in sides_of(condition) if role not in ("within", "dead zone")]
    levels = all(isinstance(side, Term) and is_obv_level(side) for side in sides)
    origins = {(side.symbol, side.timeframe) for side in sides if isinstance(side, Term)}
    if levels and len(origins) == 1:
        return
    raise _whole(nodes).fault(
        "AT118",
        "`obv` counts from an arbitrary start, so its height means nothing",
        "compare it with itself (`obv(1h) > obv(1h) 5 candles ago`) or its averages (`obv(1h) > sma(20, obv(1h))`)",
    )
