"""Conditions that make no sense: never true, always true, or comparing what has no meaning beside another.

Bounds come from the vocabulary (RSI lies between 0 and 100). "Always" is told as a warning, "never" as an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrader.language.expression.lexer import Fault
from autotrader.language.expression.syntax import Node, Sentence
from autotrader.language.tree import Between, Compare, Cross, Least, Literal, Most, Plain, Term, Value
from autotrader.language.vocabulary import VOCABULARY
from autotrader.language.walk import tree_terms
from autotrader.money import plain as shown

if TYPE_CHECKING:
    from autotrader.language.expression.check import Checker

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
    if isinstance(value, Least | Most):
        (low, high), (other_low, other_high) = bounds_of(value.left), bounds_of(value.right)
        if isinstance(value, Least):
            return _both(low, other_low, min), _either(high, other_high, min)
        return _either(low, other_low, max), _both(high, other_high, max)
    return None, None


def _both(one: Decimal | None, two: Decimal | None, pick: type | object) -> Decimal | None:
    return None if one is None or two is None else (min(one, two) if pick is min else max(one, two))


def _either(one: Decimal | None, two: Decimal | None, pick: type | object) -> Decimal | None:
    known = [each for each in (one, two) if each is not None]
    return (min(known) if pick is min else max(known)) if known else None


def check_sense(condition: Plain, sentence: Sentence, checker: Checker) -> None:
    """Raise Fault for what can never be true; note what is always true."""
    terms = list(tree_terms(condition))
    if any(is_obv_level(term) for term in terms) or any(_on_obv(term) for term in terms):
        _check_obv(condition, sentence, checker)
    if isinstance(condition, Compare):
        _check_compare(condition, sentence, checker)
    elif isinstance(condition, Between):
        _check_between(condition, sentence, checker)
    elif isinstance(condition, Cross):
        low, high = bounds_of(condition.left)
        right_low, right_high = bounds_of(condition.right)
        if _at_or_above(right_low, high) or _at_or_above(low, right_high):
            raise _never(sentence, checker, condition.left)
        if condition.left == condition.right:
            raise _same(sentence, checker)


def _whole(sentence: Sentence) -> Node:
    return Node("", sentence.values[0].start, sentence.values[-1].end)


def _never(sentence: Sentence, checker: Checker, value: Value) -> Fault:
    node = _whole(sentence)
    text = checker.text[node.start : node.end]
    return checker.fault_at(node, "AT118", f"`{text}` can never be true", _range_hint(value))


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


def _same(sentence: Sentence, checker: Checker) -> Fault:
    return checker.fault_at(_whole(sentence), "AT118", "both sides are the same value")


def _at_or_above(one: Decimal | None, two: Decimal | None) -> bool:
    return one is not None and two is not None and one >= two


def _above(one: Decimal | None, two: Decimal | None) -> bool:
    return one is not None and two is not None and one > two


def _check_compare(condition: Compare, sentence: Sentence, checker: Checker) -> None:
    if condition.left == condition.right:
        raise _same(sentence, checker)
    left, right = bounds_of(condition.left), bounds_of(condition.right)
    if condition.op in (">", ">="):
        left, right = right, left
    strict = condition.op in ("<", ">")
    never = _at_or_above(left[0], right[1]) if strict else _above(left[0], right[1])
    subject = condition.left if not isinstance(condition.left, Literal) else condition.right
    if never:
        raise _never(sentence, checker, subject)
    always = _above(right[0], left[1]) if strict else _at_or_above(right[0], left[1])
    if always:
        node = _whole(sentence)
        checker.notes.append(
            Fault(
                "AT301",
                node.start,
                node.end - node.start,
                f"`{checker.text[node.start : node.end]}` is always true",
                _range_hint(subject),
                "warning",
            )
        )
    _check_breakout(condition, sentence, checker)


def _check_breakout(condition: Compare, sentence: Sentence, checker: Checker) -> None:
    """`close(4h) > highest(20, 4h)`: the highest includes that candle's own high."""
    big, small = (condition.left, condition.right) if condition.op in (">", ">=") else (condition.right, condition.left)
    if condition.op not in (">", "<") or not isinstance(big, Term) or not isinstance(small, Term):
        return
    same = (big.symbol, big.timeframe, big.shift) == (small.symbol, small.timeframe, small.shift)
    prices = ("open", "high", "low", "close")
    top = small.word == "highest" and small.series is None and big.word in prices
    bottom = big.word == "lowest" and big.series is None and small.word in prices
    if same and (top or bottom):
        node = _whole(sentence)
        word = small.word if top else big.word
        checker.notes.append(
            Fault(
                "AT302",
                node.start,
                node.end - node.start,
                f"`{checker.text[node.start : node.end]}` can never be true: `{word}` includes the candle itself",
                f"write `{word}(…) 1 candle ago`",
                "warning",
            )
        )


def _check_between(condition: Between, sentence: Sentence, checker: Checker) -> None:
    low, high = condition.low, condition.high
    if isinstance(low, Literal) and isinstance(high, Literal) and low.value > high.value:
        ends = Node("", sentence.values[1].start, sentence.values[2].end)
        raise checker.fault_at(
            ends,
            "AT118",
            "the ends of `between` are the wrong way round",
            f"write `between {high.text} and {low.text}`",
        )
    least, most = bounds_of(condition.value)
    if _above(bounds_of(low)[0], most) or _above(least, bounds_of(high)[1]):
        raise _never(sentence, checker, condition.value)


# ---------------------------------------------------------------------------------------------------- obv
def is_obv_level(term: Term) -> bool:
    """Whether a term's height depends on where the counting of `obv` began."""
    if term.word == "obv":
        return True
    return term.series is not None and term.word in _LEVELS and is_obv_level(term.series)


def _on_obv(term: Term) -> bool:
    return term.word in ("roc", "bb_width") and term.series is not None and is_obv_level(term.series)


def _sides(condition: Plain) -> Iterable[Value]:
    for name in ("left", "right", "value", "low", "high", "target"):
        side = getattr(condition, name, None)
        if side is not None:
            yield side


def _check_obv(condition: Plain, sentence: Sentence, checker: Checker) -> None:
    """`obv` beside anything but itself and its averages says nothing: it counts from an arbitrary start."""
    sides = list(_sides(condition))
    levels = all(isinstance(side, Term) and is_obv_level(side) for side in sides)
    origins = {(side.symbol, side.timeframe) for side in sides if isinstance(side, Term)}
    if levels and len(origins) == 1:
        return
    raise checker.fault_at(
        _whole(sentence),
        "AT118",
        "`obv` counts from an arbitrary start, so its height means nothing",
        "compare it with itself (`obv(1h) > obv(1h) 5 candles ago`) or its averages (`obv(1h) > sma(20, obv(1h))`)",
    )
