"""Why a rule did what it did: from a recorded decision back to the verdict tree, and from the tree to lines and data.

Evaluation is pure, so the tree is not stored: `retold` makes it again from the recorded values and the state before.
Nothing here draws; a terminal, a file or a program can each show the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autotrader.engine.conditions import judge
from autotrader.engine.due import period_ms
from autotrader.engine.outcome import Decision
from autotrader.engine.shown import value_text
from autotrader.engine.state import RuleState
from autotrader.engine.values import Values, scalar_to_text
from autotrader.engine.verdict import Observed, Verdict
from autotrader.language.algebra import Truth
from autotrader.language.plan import CompiledRule
from autotrader.language.shapes import Moment
from autotrader.language.tree import Kind, Unit
from autotrader.structs import dataclass

MARKS: dict[Truth, str] = {True: "✓", False: "✗", None: "?"}
WORDS: dict[Truth, str] = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a verdict tree: how deep, whether it holds, the condition, and what was seen of it."""

    depth: int
    holds: Truth
    text: str
    detail: str
    file: str
    line: int

    @property
    def mark(self) -> str:
        """✓ true, ✗ false, ? unknown."""
        return MARKS[self.holds]


@dataclass(frozen=True, slots=True)
class Story:
    """A decision retold: one sentence, and a verdict tree for each condition of the rule ("when", "if 1", ...)."""

    decision: Decision
    sentence: str
    parts: tuple[tuple[str, Verdict], ...]


def retold(rule: CompiledRule, decision: Decision, values: Values, before: RuleState | None) -> Story:
    """The story of a decision, from the values and the rule's state that were recorded before it. For a per-order
    decision, `values` must hold what was seen of that order.
    """
    state = before or RuleState(when_hash=rule.when_hash)
    # the memory of another condition says nothing about this one
    memory = state.leaves if state.when_hash == rule.when_hash else {}
    moment = Moment(decision.at_ms, state.last_slot_ms, period_ms(rule))
    conditions = [("when", rule.when), ("rearm_when", rule.rearm_when)]
    conditions += [(f"if {number}", branch.condition) for number, branch in enumerate(rule.branches, 1)]
    parts = tuple((name, judge(c, values, memory, moment, rule.symbol)[0]) for name, c in conditions if c is not None)
    return Story(decision, _sentence(decision, parts), parts)


def _sentence(decision: Decision, parts: tuple[tuple[str, Verdict], ...]) -> str:
    about = f"{decision.rule} ({decision.symbol}{', order ' + decision.order if decision.order else ''})"
    if decision.fired:
        return f"{about} fired" + ("" if decision.holds else " although its condition was unknown (on_unknown: fire)")
    if decision.dropped:
        return f"{about} did not fire, and its firing was dropped: {decision.blocked}"
    if decision.blocked:
        return f"{about} would have fired, but was blocked: {decision.blocked}"
    if decision.holds is True:
        return f"{about} held, but had fired for this episode already"
    if decision.holds is None:
        # it only arms; that it is unknown keeps nothing from firing
        open_ones = [part for name, part in parts if name != "rearm_when"]
        reasons = "; ".join(dict.fromkeys(why for part in open_ones for why in unknowns(part)))
        return f"{about} did not fire: its condition was unknown: {reasons or 'what it looks at could not be seen'}"
    return f"{about} did not fire: its condition was false"


def unknowns(verdict: Verdict) -> Iterator[str]:
    """The unknown leaves that make a verdict unknown, each with its reason."""
    if verdict.holds is None and not verdict.parts:
        yield f"{verdict.text}: {verdict.reason}"
    if verdict.holds is None:
        for part in verdict.parts:
            yield from unknowns(part)


def lines(verdict: Verdict, depth: int = 0) -> Iterator[Line]:
    """A verdict tree as lines, from the top."""
    place = verdict.place
    yield Line(depth, verdict.holds, verdict.text, detail(verdict), place.file, place.line)
    for part in verdict.parts:
        yield from lines(part, depth + 1)


def detail(verdict: Verdict) -> str:
    """What was seen of a leaf: `28.44, 1.56 points short`, `was 100,000 JPY against sma(20, 1h) = 99,000 JPY`."""
    said = _said(verdict.observed)
    distance = distance_text(verdict)
    return ", ".join(part for part in (said, f"{distance} short" if distance else "", verdict.reason) if part)


def _said(observed: tuple[Observed, ...]) -> str:
    shown = [(side, value_text(side.value, side.unit)) for side in observed]
    named = [text if side.role == "value" else f"{side.text} = {text}" for side, text in shown if not side.is_literal]
    return " against ".join(named) if len(named) < 3 else f"{named[0]} against {', '.join(named[1:])}"


def distance_text(verdict: Verdict) -> str:
    """How far a false comparison was from true: `0.29 points`, `1,200 JPY`, `4m30s`; "" where there is no number."""
    if verdict.distance is None or verdict.distance_unit is None:
        return ""
    if verdict.distance_unit.kind in (Kind.NUMBER, Kind.PERCENT):
        return f"{value_text(verdict.distance, Unit(Kind.NUMBER))} points"
    if verdict.distance == 0:  # `<` on its threshold is false by nothing, which a bare 0 would hide
        return "exactly on the threshold, nothing"
    return value_text(verdict.distance, verdict.distance_unit)


def verdict_to_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict tree as plain JSON data."""
    return {
        "holds": verdict.holds,
        "text": verdict.text,
        "key": verdict.key,
        "file": verdict.place.file,
        "line": verdict.place.line,
        "observed": [
            {"role": side.role, "text": side.text, "value": value_text(side.value, side.unit),
             "exact": scalar_to_text(side.value)}
            for side in verdict.observed
        ],
        "distance": distance_text(verdict) or None,
        "reason": verdict.reason,
        "parts": [verdict_to_data(part) for part in verdict.parts],
    }  # fmt: skip


def story_to_data(story: Story) -> dict[str, Any]:
    """A story as plain JSON data."""
    decision = story.decision
    return {
        "rule": decision.rule,
        "symbol": decision.symbol,
        "order": decision.order,
        "slot_ms": decision.slot_ms,
        "fired": decision.fired,
        "holds": decision.holds,
        "blocked": decision.blocked,
        "phase": decision.phase.value,
        "sentence": story.sentence,
        "conditions": [{"name": name, "verdict": verdict_to_data(part)} for name, part in story.parts],
    }
