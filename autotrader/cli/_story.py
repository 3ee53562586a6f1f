"""A recorded decision as lines for people: header, verdict tree with values, what followed, and the last 24 hours.

A line is a list of (text, style) pieces, so that a terminal can colour it, a file keep it plain, and a picture draw it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from autotrader.engine.explain import distance_text
from autotrader.engine.shown import value_text
from autotrader.engine.verdict import Verdict
from autotrader.language.tree import Kind
from autotrader.market.needs import CandleNeed, Need
from autotrader.market.timeframe import next_open
from autotrader.money import grouped, money_text, price_text, yen, yen_quote
from autotrader.text import fitted, printable, width
from autotrader.times import age_text, clock_text, local, time_text, time_with_utc
from autotrader.views.day import Day
from autotrader.views.why import Explanation, PlacedOrder

Piece: TypeAlias = tuple[str, str]
Line: TypeAlias = list[Piece]

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
_FAILED = frozenset({"DENIED", "REJECTED", "DEAD", "UNKNOWN", "MISMATCH", "NOT_SENT", "DROPPED"})
_LEAST_POINTS = 0.01
_MOST_LEAVES = 4
_VALUE_COLUMNS = 18
_TEXT_COLUMNS = 46


def story_text(told: Explanation, day: Day | None = None, *, past: bool = False) -> list[Line]:
    """The whole answer of `why` for one decision; `past`: another time than now was asked for."""
    lines = [_header(told)]
    rows = list(_rows(told))
    texts = [width(row[0]) + width(row[2]) for row in rows if row[3] or row[4]]
    columns = min(_TEXT_COLUMNS, max(texts, default=0))
    values = min(_VALUE_COLUMNS, max((width(row[3]) for row in rows), default=0))
    lines += [_row(row, columns, values) for row in rows]
    lines += [[("└── ", "grey"), *pieces] for pieces in _ends(told, past=past)]
    lines[1:] = _closed(lines[1:])
    if day is not None:
        lines += _summary(told, day)
    return lines


def outcome_word(told: Explanation) -> Piece:
    """In a few words what became of it, with its style."""
    decision = told.decision
    if decision.fired:
        return "fired", "bold green"
    if decision.dropped:
        return f"firing dropped: {printable(decision.blocked)}", "yellow"
    if decision.blocked:
        return f"blocked: {printable(decision.blocked)}", "yellow"
    if decision.holds is True:
        return "holds, but has fired for this episode already", "yellow"
    if decision.holds is None:
        return "did not fire: unknown", "yellow"
    return "did not fire", "bold"


# ------------------------------------------------------------------------------------------------------- the header
def _header(told: Explanation) -> Line:
    decision = told.decision
    who = decision.rule + (f" ({decision.symbol})" if decision.symbol else "")
    order = f" order {decision.order}" if decision.order else ""
    word, style = outcome_word(told)
    count = _counted(told)
    at = f" @ {time_with_utc(told.time_ms, told.zone)}, evaluation {told.number} → "
    return [(printable(who + order), "bold"), (at, ""), (word, style), (f" ({count})" if count else "", "")]


def _counted(told: Explanation) -> str:
    """`2 of 3 true`, over the leaves of the condition; a `not` in it would make the count misleading."""
    verdict = told.verdict()
    if verdict is None or _has_not(verdict):
        return ""
    leaves = list(_leaves(verdict))
    true, unknown = sum(leaf.holds is True for leaf in leaves), sum(leaf.holds is None for leaf in leaves)
    return f"{true} of {len(leaves)} true" + (f", {unknown} unknown" if unknown else "")


def _has_not(verdict: Verdict) -> bool:
    return verdict.text == "not" or any(map(_has_not, verdict.parts))


def _leaves(verdict: Verdict) -> Iterator[Verdict]:
    if not verdict.parts:
        yield verdict
    for part in verdict.parts:
        yield from _leaves(part)


# --------------------------------------------------------------------------------------------------------- the tree
Row: TypeAlias = tuple[str, Piece, str, str, str]  # guide, mark, text, value, note


def _rows(told: Explanation) -> Iterator[Row]:
    shown = [(name, part) for name, part in told.story.parts if name != "rearm_when" or _is_waiting(told)]
    for name, part in shown:
        prefix = "" if name == "when" else f"{name}: "
        yield from _branch(told, part, "├── ", "│   ", prefix)
    if not shown:
        yield "├── ", ("✓", "green"), "no condition: fires at every slot", "", ""


def _is_waiting(told: Explanation) -> bool:
    """Whether the rule waits to be armed again: only then `rearm_when` says something."""
    return told.before is not None and told.before.phase in {"disarmed", "acting"}


def _branch(told: Explanation, verdict: Verdict, guide: str, below: str, prefix: str = "") -> Iterator[Row]:
    if verdict.parts:
        place = f"{printable(verdict.place.file)}:{verdict.place.line}"
        yield guide, _MARKS[verdict.holds], prefix + printable(verdict.text), "", place
    else:
        yield guide, _MARKS[verdict.holds], prefix + printable(verdict.text), _value(verdict), _note(told, verdict)
    for index, part in enumerate(verdict.parts):
        last = index == len(verdict.parts) - 1
        yield from _branch(told, part, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))


def _value(verdict: Verdict) -> str:
    first = next((side for side in verdict.observed if side.role == "value"), None)
    return "" if first is None or first.is_literal else yen(printable(value_text(first.value, first.unit)))


def _note(told: Explanation, verdict: Verdict) -> str:
    """Other sides of the comparison, how far it was off, why it is unknown, and how old the data was."""
    others = [side for side in verdict.observed if side.role != "value" and not side.is_literal]
    parts = [f"{side.text} = {value_text(side.value, side.unit)}" for side in others]
    parts += [f"{short} short"] if (short := gap_text(verdict)) else []
    parts += [verdict.reason] if verdict.reason else []
    parts += data_notes(told, verdict) if verdict.holds is not None else []
    return yen(printable("; ".join(parts)))


def gap_text(verdict: Verdict) -> str:
    """How far a false comparison was off; percentage points with two digits where that says enough."""
    unit, distance = verdict.distance_unit, verdict.distance
    if unit is not None and unit.kind is Kind.PERCENT and distance is not None and distance >= _LEAST_POINTS:
        return f"{distance:,.2f} points"
    return distance_text(verdict)


def data_notes(told: Explanation, verdict: Verdict) -> list[str]:
    """How old the data of one leaf was, and what was best in the book."""
    return [note for need, seen in told.seen_of(verdict) if (note := _data_note(told, need, seen))]


def _data_note(told: Explanation, need: Need, seen: Mapping[str, Any] | None) -> str:
    return _candle_note(told, need.timeframe, seen) if isinstance(need, CandleNeed) else _age_note(seen)


def _age_note(seen: Mapping[str, Any] | None) -> str:
    if seen is None:
        return ""
    best = f"bid {_figure(seen['bid'])} / ask {_figure(seen['ask'])}, " if "bid" in seen and "ask" in seen else ""
    return f"{best}{age_text(max(0, int(seen['age_ms'])))} old"


def _figure(text: str) -> str:
    return grouped(Decimal(str(text)))


def _candle_note(told: Explanation, timeframe: str, seen: Mapping[str, Any] | None) -> str:
    if seen is None:
        return ""
    opened = int(seen["open_ms"])
    begin, end = local(opened, told.zone), local(next_open(opened, timeframe), told.zone)
    long = end.date() != begin.date() and (end - begin).days >= 1
    span = f"{begin:%Y-%m-%d}" if long else f"{begin:%H:%M}–{end:%H:%M}"
    return f"closed candle {span}, {seen['count']} candles"


def _row(row: Row, columns: int, values: int) -> Line:
    guide, mark, text, value, note = row
    pad = max(columns - width(guide), 0)
    style = "" if mark[0] == "✓" else mark[1]
    shown = fitted(text, pad) if value or note else text
    gap = ("  ", "")
    return [(guide, "grey"), mark, (" ", ""), (shown, ""), gap, (fitted(value, values), style), gap, (note, "grey")]


def _closed(lines: list[Line]) -> list[Line]:
    """The tree's left edge: only the very last line ends it."""
    closed = []
    for index, line in enumerate(lines):
        guide, style = line[0]
        if index < len(lines) - 1 and guide.startswith("└"):
            guide = "├" + guide[1:]
        closed.append([(guide, style), *line[1:]])
    return closed


# -------------------------------------------------------------------------------------------------- below the tree
def _ends(told: Explanation, *, past: bool) -> Iterator[Line]:
    """What followed for a rule that fired; what else stands in the way, or does not, for one that did not."""
    decision = told.decision
    if decision.fired:
        for order in told.followed:
            yield _followed(order)
        if not told.followed:
            yield [("→ ", "green"), ("no order was asked for", "")]
    elif decision.blocked:
        yield [("⏸ ", "yellow"), (f"blocked: {printable(decision.blocked)}", "")]
    ready = [_phase(told), _cooldown(told), *_spent(told, past=past)]
    reached = "" if decision.fired or decision.holds is True else "not reached: "
    yield [(reached + " · ".join(part for part in ready if part), "")]


def _followed(order: PlacedOrder) -> Line:
    quote = yen_quote(order.symbol)
    state = order.state.replace("_", " ").lower()
    style = "red" if order.state in _FAILED else "green"
    reason = f": {printable(order.reason)}" if order.reason and style == "red" else ""
    if not order.quantity:
        return [("→ ", style), (f"{order.side} {state}{reason}", "")]
    filled = f", {grouped(order.executed)} executed" if order.executed else ""
    cost = money_text(order.quantity * order.price, quote or order.symbol)
    what = f"{order.side} {grouped(order.quantity)} {order.symbol} @ {price_text(order.price, quote).strip()} = {cost}"
    return [("→ ", style), (f"{what}  {state}{filled}{reason}  {order.client_order_id}", "")]


def _phase(told: Explanation) -> str:
    phase = told.before.phase.value if told.before is not None else "armed"
    if phase == "disarmed" and told.decision.phase == "disarmed":
        return "disarmed: it has fired, and waits until its condition has been false"
    return "its actions are under way" if phase.startswith("acting") else ""


def _cooldown(told: Explanation) -> str:
    if not told.rule.cooldown_ms:
        return "no cooldown"
    until = None if told.before is None else told.before.cooldown_until_ms
    if until is None or until <= told.decision.at_ms:
        return "cooldown ready"
    return f"cooldown until {moment(until, told.time_ms, told.zone)}"


def _spent(told: Explanation, *, past: bool) -> Iterator[str]:
    when = "that day" if past else "today"
    for one in told.spending:
        of = "" if one.limit is None else f" of {money_text(one.limit, one.asset)}"
        yield f"spent {when} {money_text(one.spent, one.asset)}{of}"


def moment(ms: int, now_ms: int, zone: str) -> str:
    """`11:40 JST` on the same day, else with the date."""
    same = local(ms, zone).date() == local(now_ms, zone).date()
    return f"{local(ms, zone):%H:%M} {local(ms, zone):%Z}" if same else time_text(ms, zone)


# ------------------------------------------------------------------------------------------------------ the summary
def _summary(told: Explanation, day: Day) -> list[Line]:
    count = f"24 h: {day.evaluations:,} evaluation{'' if day.evaluations == 1 else 's'}, {day.fired:,} fired"
    leaves = [f"{printable(text)} {times:,}×" for text, times in day.leaves.items()]
    shown = leaves[:_MOST_LEAVES] + ([f"{len(leaves) - _MOST_LEAVES} more"] if len(leaves) > _MOST_LEAVES else [])
    blocked = [f"{printable(reason)} {times:,}×" for reason, times in day.blockers.items()]
    rest = [
        f"true, but {', '.join(blocked)}" if blocked else "",
        f"true, but fired for this episode already {day.spent:,}×" if day.spent else "",
        f"unknown {day.unknown:,}×" if day.unknown else "",
        _nearest(told, day) if not day.fired else "",
    ]
    first = count + (f"; blocked by {', '.join(shown)}" if shown else "")
    return [[(yen(first), "")], *([[("      " + line, "")] for line in rest if line])]


def _nearest(told: Explanation, day: Day) -> str:
    near = day.nearest
    if near is None:
        return ""
    gap = yen(gap_text(near.leaf))
    what = ", ".join(part for part in (_value(near.leaf), f"{gap} short" if gap else "") if part)
    name = f", {printable(near.leaf.text)}" if len(day.leaves) > 1 else ""
    return f"nearest {clock_text(near.time_ms, told.zone)} ({what}{name})"
