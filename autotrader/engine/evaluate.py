"""Evaluation that explains: condition, value table, memory and moment in; verdict tree and next memory out. Pure.

Comparisons are in float64, on intervals (`intervals.py`). The fast evaluation (`fast.py`) must agree with this one; a
property test holds them together.
"""

from __future__ import annotations

import math
from typing import assert_never

from autotrader.engine import memory as memories
from autotrader.engine.calendar import in_windows
from autotrader.engine.intervals import below, compared, in_unit_of, interval, is_relative, margin, pair, size
from autotrader.engine.memory import NOTHING, LeafMemory, Memory, Moment, Side
from autotrader.engine.values import Values, as_float, is_ratio_beside_percent, term_id, value_id
from autotrader.engine.verdict import Observed, Truth, Verdict, count_at_least, every, negated, some
from autotrader.engine.written import written
from autotrader.language.tree import (
    All,
    AtLeast,
    Between,
    Compare,
    Condition,
    CountOf,
    Cross,
    Flag,
    Held,
    Kind,
    Leaf,
    Literal,
    Named,
    Near,
    Not,
    Plain,
    Term,
    Unit,
    Value,
    WithinLast,
)
from autotrader.language.tree import Any as AnyOf
from autotrader.market.sources import Missing
from autotrader.times import age_text, span_text

CandleLeaf = Cross | WithinLast | CountOf


def side_of(leaf: Cross, values: Values) -> Side | Missing | None:
    """On which side of right the left of a crossing is; "" inside the dead zone, None where a bound leaves it open."""
    both = pair(leaf.left, leaf.right, values)
    if isinstance(both, Missing):
        return both
    zone = (0.0, 0.0) if leaf.dead_zone is None else margin(leaf.dead_zone, leaf.right, values)
    if isinstance(zone, Missing):
        return zone
    left, right = both
    up = below((right[0] + zone[0], right[1] + zone[1]), left)
    down = below(left, (right[0] - zone[1], right[1] - zone[0]))
    if up or down:
        return "up" if up else "down"
    return "" if up is False and down is False else None


def side_key(leaf: Cross) -> str:
    """Under which key the side is kept: a shape around a crossing may share the crossing's own key."""
    return f"{leaf.key}/side"


# -------------------------------------------------------------------------------------------------- plain leaves
def is_candle_leaf(leaf: object) -> bool:
    """Whether a leaf is judged over whole candle columns; its answer stands in the table under `leaf_id`."""
    return isinstance(leaf, Cross | WithinLast | CountOf) and leaf.timeframe != ""


def leaf_id(leaf: Leaf) -> str:
    """Canonical text of a leaf, under which the table holds the answer of a candle leaf."""
    match leaf:
        case Compare():
            return f"{value_id(leaf.left)}{leaf.op}{value_id(leaf.right)}"
        case Between():
            return f"{value_id(leaf.value)} in {value_id(leaf.low)}..{value_id(leaf.high)}"
        case Near():
            return f"{value_id(leaf.value)}~{value_id(leaf.target)}±{value_id(leaf.within)}"
        case Cross():
            zone = "" if leaf.dead_zone is None else f" by {value_id(leaf.dead_zone)}"
            return f"{value_id(leaf.left)} x-{leaf.direction} {value_id(leaf.right)}{zone}@{leaf.timeframe}"
        case Flag():
            return term_id(leaf.term) if leaf.term is not None else leaf.text
        case Held():
            return f"[{leaf_id(leaf.part)}] for {leaf.span_ms}"
        case WithinLast():
            return f"[{leaf_id(leaf.part)}] 1/{leaf.count}@{leaf.timeframe}"
        case CountOf():
            return f"[{leaf_id(leaf.part)}] {leaf.least}/{leaf.count}@{leaf.timeframe}"


def plain_truth(leaf: Plain, values: Values, at_ms: int) -> tuple[Truth, str]:
    """Answer of a leaf without memory, and the reason where it is unknown. Not for crossings with a stored side."""
    match leaf:
        case Compare():
            both = pair(leaf.left, leaf.right, values)
            return (None, both.reason) if isinstance(both, Missing) else _settled(compared(leaf.op, *both))
        case Between():
            low, high = pair(leaf.value, leaf.low, values), pair(leaf.value, leaf.high, values)
            answers = [
                None if isinstance(low, Missing) else compared(">=", *low),
                None if isinstance(high, Missing) else compared("<=", *high),
            ]
            missing = next((side.reason for side in (low, high) if isinstance(side, Missing)), "")
            return _settled(every(answers), missing)
        case Near():
            return _near(leaf, values)
        case Cross():
            return table_truth(leaf, values)
        case Flag():
            return _flag(leaf, values, at_ms)


_OPEN = "only a lower bound is known, and it does not settle this"


def _settled(answer: Truth, reason: str = "") -> tuple[Truth, str]:
    return answer, "" if answer is not None else reason or _OPEN


def _near(leaf: Near, values: Values) -> tuple[Truth, str]:
    both = pair(leaf.value, leaf.target, values)
    if isinstance(both, Missing):
        return None, both.reason
    width = margin(leaf.within, leaf.target, values)
    if isinstance(width, Missing):
        return None, width.reason
    value, target = both
    gap = size((value[0] - target[1], value[1] - target[0]))
    return _settled(compared("<=", gap, width))


def _flag(leaf: Flag, values: Values, at_ms: int) -> tuple[Truth, str]:
    if leaf.term is None:
        return in_windows(leaf.windows, at_ms), ""
    return _boolean(values, term_id(leaf.term))


def table_truth(leaf: CandleLeaf, values: Values) -> tuple[Truth, str]:
    """The answer of a candle leaf as it stands in the table."""
    return _boolean(values, leaf_id(leaf))


def _boolean(values: Values, key: str) -> tuple[Truth, str]:
    found = values.get(key)
    if isinstance(found, bool):
        return found, ""
    return None, found.reason if isinstance(found, Missing) else f"{key} is not a yes or no"


# --------------------------------------------------------------------------------------------------------- judge
def judge(
    condition: Condition, values: Values, memory: Memory, moment: Moment
) -> tuple[Verdict, dict[str, LeafMemory]]:
    """The verdict tree of a condition, and the next memory of the leaves in it."""
    following: dict[str, LeafMemory] = {}
    return _judge(condition, values, memory, moment, following), following


def _judge(
    node: Condition, values: Values, memory: Memory, moment: Moment, following: dict[str, LeafMemory]
) -> Verdict:
    match node:
        case All() | AnyOf() | AtLeast():
            parts = tuple(_judge(part, values, memory, moment, following) for part in node.parts)
            holds, text = _joined(node, parts)
            return Verdict(holds=holds, text=text, key=node.key, place=node.place, parts=parts)
        case Not() | Named():
            part = _judge(node.part, values, memory, moment, following)
            holds = negated(part.holds) if isinstance(node, Not) else part.holds
            text = "not" if isinstance(node, Not) else f"signal({node.name})"
            return Verdict(holds=holds, text=text, key=node.key, place=node.place, parts=(part,))
        case Held():
            return _judge_held(node, values, memory, moment, following)
        case WithinLast() | CountOf() if not node.timeframe:
            return _judge_checks(node, values, memory, moment, following)
        case WithinLast() | CountOf():
            holds, reason = table_truth(node, values)
            return _leaf_verdict(node, holds, reason, sides_of(node.part, values))
        case Compare() | Between() | Near() | Cross() | Flag():
            return _judge_plain(node, values, memory, moment, following)
        case _:
            assert_never(node)


def _joined(node: All | AnyOf | AtLeast, parts: tuple[Verdict, ...]) -> tuple[Truth, str]:
    answers = [part.holds for part in parts]
    if isinstance(node, All):
        return every(answers), "all"
    if isinstance(node, AnyOf):
        return some(answers), "any"
    return count_at_least(answers, node.count), f"at least {node.count} of"


def _judge_plain(
    leaf: Plain, values: Values, memory: Memory, moment: Moment, following: dict[str, LeafMemory]
) -> Verdict:
    if not isinstance(leaf, Cross) or leaf.timeframe:
        holds, reason = plain_truth(leaf, values, moment.at_ms)
        return _leaf_verdict(leaf, holds, reason, sides_of(leaf, values))
    side = side_of(leaf, values)
    before = memory.get(side_key(leaf), NOTHING)
    after, holds = memories.crossed(before, None if isinstance(side, Missing) else side, leaf.direction)
    _keep(following, side_key(leaf), after)
    reason = side.reason if isinstance(side, Missing) else _OPEN if side is None else _side_note(before, after)
    return _leaf_verdict(leaf, holds, reason, sides_of(leaf, values))


def _side_note(before: LeafMemory, after: LeafMemory) -> str:
    if not after.side:
        return "inside the dead zone since the start; no side yet"
    if not before.side:
        return f"first known side: {after.side}; that is no crossing"
    return f"side {after.side}, was {before.side}" if after.side != before.side else f"side still {after.side}"


def _judge_held(
    leaf: Held, values: Values, memory: Memory, moment: Moment, following: dict[str, LeafMemory]
) -> Verdict:
    part = _judge_plain(leaf.part, values, memory, moment, following)
    after, holds, elapsed = memories.held(memory.get(leaf.key, NOTHING), part.holds, moment, leaf.span_ms)
    _keep(following, leaf.key, after)
    reason = part.reason
    if part.holds is not False:
        progress = f"true for {age_text(elapsed)} of {span_text(leaf.span_ms)}"
        reason = f"{part.reason} ({progress}, paused)" if part.holds is None else progress
    return _leaf_verdict(leaf, holds, reason, part.observed, part)


def _judge_checks(
    leaf: WithinLast | CountOf, values: Values, memory: Memory, moment: Moment, following: dict[str, LeafMemory]
) -> Verdict:
    part = _judge_plain(leaf.part, values, memory, moment, following)
    least = leaf.least if isinstance(leaf, CountOf) else 1
    after, holds = memories.checked(memory.get(leaf.key, NOTHING), part.holds, least, leaf.count)
    _keep(following, leaf.key, after)
    note = f"true at {sum(c == 1 for c in after.checks)} of the last {len(after.checks)} checks"
    return _leaf_verdict(leaf, holds, part.reason or note, part.observed, part)


def _keep(following: dict[str, LeafMemory], key: str, memory: LeafMemory) -> None:
    if memory != NOTHING:
        following[key] = memory


def _leaf_verdict(
    leaf: Leaf, holds: Truth, reason: str, observed: tuple[Observed, ...], part: Verdict | None = None
) -> Verdict:
    distance = (part.distance, part.distance_unit) if part is not None else _distance(leaf, holds, observed)
    return Verdict(
        holds=holds,
        text=leaf.text,
        key=leaf.key,
        place=leaf.place,
        observed=observed,
        distance=distance[0],
        distance_unit=distance[1],
        reason=reason,
    )


# ------------------------------------------------------------------------------------------- what is shown of it
def sides_of(leaf: Plain, values: Values) -> tuple[Observed, ...]:
    """Both sides of a plain leaf with their values."""
    match leaf:
        case Compare() | Cross():
            sides = [("value", leaf.left, leaf.right), ("threshold", leaf.right, leaf.left)]
            if isinstance(leaf, Cross) and leaf.dead_zone is not None:
                sides.append(("dead zone", leaf.dead_zone, leaf.dead_zone))
        case Between():
            sides = [("value", leaf.value, leaf.low), ("low", leaf.low, leaf.value), ("high", leaf.high, leaf.value)]
        case Near():
            sides = [("value", leaf.value, leaf.target), ("target", leaf.target, leaf.value)]
            sides.append(("within", leaf.within, leaf.within))
        case Flag():
            return ()
    return tuple(_observed(role, node, other, values) for role, node, other in sides)


def _observed(role: str, node: Value, other: Value, values: Values) -> Observed:
    unit = Unit(Kind.PERCENT) if is_ratio_beside_percent(node, other) else node.unit
    if isinstance(node, Literal):
        return Observed(role, node.text, node.value, unit, is_literal=not node.param)
    if isinstance(node, Term):
        return Observed(role, written(node), values.get(term_id(node)), unit)
    known = interval(node, values)
    if isinstance(known, Missing):
        return Observed(role, written(node), known, unit)
    low, high = in_unit_of(node, known, other)
    shown = low if low == high else Missing(f"between {low:g} and {high:g}")
    return Observed(role, written(node), shown, unit)


def _distance(leaf: Leaf, holds: Truth, observed: tuple[Observed, ...]) -> tuple[float | None, Unit | None]:
    if holds is not False or not isinstance(leaf, Compare | Between | Near):
        return None, None
    numbers = [as_float(side.value) for side in observed]
    if any(math.isnan(number) for number in numbers):
        return None, None
    value, unit = numbers[0], observed[0].unit
    match leaf:
        case Compare():
            return abs(value - numbers[1]), unit
        case Between():
            return (numbers[1] - value if value < numbers[1] else value - numbers[2]), unit
        case Near():
            width = abs(numbers[1]) * numbers[2] / 100 if is_relative(leaf.within, leaf.target) else numbers[2]
            return abs(value - numbers[1]) - width, unit
