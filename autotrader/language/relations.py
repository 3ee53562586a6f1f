"""Every relation between values, one entry each: how it is written, read back and told, and when it holds.

To add one, write its entry. The parser, the checks, readback, `why` and every evaluation read this table and follow.

A relation is written as its first side, its name, and the second; in front of each further side stands a word of its
`grammar`. `sides` names the role of each side, as `why` does. The last side of a relation with a `distance` is one from
the side before it, such as `0.5%`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autotrader.language.algebra import Algebra, N, Numbers, T, distance_from, in_one_unit, units_of
from autotrader.language.tree import Cross, Relation, Unit, Value
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word of a grammar, and what is said where it is missing; the hint only where a word of `meant` stands there."""

    text: str
    where: str
    hint: str
    meant: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationEntry:
    """One relation. `written` and `english` are patterns of its sides; `example` is how the reference shows it.

    `holds` is its truth and `short` how far it is from true where it is false, both over any algebra. `ends`: which
    two sides must stand in rising order. `stored` are the names under which rules are hashed (`compile.hashes`): never
    change them.
    """

    example: str
    sides: tuple[str, ...]
    grammar: tuple[Keyword, ...] = ()
    written: str
    english: str
    holds: Callable[..., Any]
    short: Callable[..., Any]
    distance: bool = False
    ends: tuple[int, int] | None = None
    stored: str


def _comparison(sign: str, english: str, holds: Callable[..., Any]) -> RelationEntry:
    return RelationEntry(
        example=f"a {sign} b",
        sides=("value", "threshold"),
        written=f"{{0}} {sign} {{1}}",
        english=f"{{0}} {english} {{1}}",
        holds=holds,
        short=lambda o, a, b: o.size(o.subtract(a, b)),
        stored="Compare key 0=left name=op 1=right",
    )


RELATIONS: Mapping[str, RelationEntry] = {
    "<": _comparison("<", "is below", lambda o, a, b: o.below(a, b)),
    "<=": _comparison("<=", "is at most", lambda o, a, b: o.negated(o.below(b, a))),
    ">": _comparison(">", "is above", lambda o, a, b: o.below(b, a)),
    ">=": _comparison(">=", "is at least", lambda o, a, b: o.negated(o.below(a, b))),
    "between": RelationEntry(
        example="between a and b",
        grammar=(Keyword("and", "between the two ends of `between`", "write `between a and b`", meant=("to",)),),
        sides=("value", "low", "high"),
        written="{0} between {1} and {2}",
        english="{0} is between {1} and {2}",
        holds=lambda o, v, low, high: o.both(o.negated(o.below(v, low)), o.negated(o.below(high, v))),
        short=lambda o, v, low, high: o.larger(o.subtract(low, v), o.subtract(v, high)),
        ends=(1, 2),
        stored="Between key 0=value 1=low 2=high",
    ),
    "near": RelationEntry(
        example="near x within d",
        grammar=(Keyword("within", "and a distance behind `near`", "write `last near 9_000_000 within 0.5%`"),),
        sides=("value", "target", "within"),
        written="{0} near {1} within {2}",
        english="{0} is within {2} of {1}",
        holds=lambda o, v, target, width: o.negated(o.below(width, o.size(o.subtract(v, target)))),
        short=lambda o, v, target, width: o.subtract(o.size(o.subtract(v, target)), width),
        distance=True,
        stored="Near key 0=value 1=target 2=within",
    ),
}
COMPARISONS = ("<", "<=", ">", ">=")


def sides_of(node: Relation | Cross) -> tuple[tuple[str, Value], ...]:
    """Every side of a relation or crossing, with its role."""
    if isinstance(node, Relation):
        return tuple(zip(RELATIONS[node.name].sides, node.sides, strict=True))
    zone = () if node.dead_zone is None else (("dead zone", node.dead_zone),)
    return (("value", node.left), ("threshold", node.right), *zone)


def shown_units(node: Relation | Cross) -> list[Unit]:
    """In which unit each side counts in the comparison."""
    compared, distance = _apart(node)
    return units_of(compared) + [side.unit for side in distance]


def _apart(node: Relation | Cross) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """The sides that are compared with each other, and the one that is a distance."""
    sides = tuple(side for _, side in sides_of(node))
    apart = node.dead_zone is not None if isinstance(node, Cross) else RELATIONS[node.name].distance
    return (sides[:-1], sides[-1:]) if apart else (sides, ())


def _worked_out(node: Relation | Cross, o: Numbers[N]) -> list[N]:
    """All sides in one unit."""
    compared, distance = _apart(node)
    found, unit = in_one_unit(compared, o), units_of(compared)[-1]
    return found + [distance_from(each, compared[-1], found[-1], unit, o) for each in distance]


def holds(node: Relation, o: Algebra[N, T]) -> T:
    """Whether a relation holds, in an algebra."""
    answer: T = RELATIONS[node.name].holds(o, *_worked_out(node, o))
    return answer


def short_of(node: Relation, o: Numbers[N]) -> N:
    """How far a false relation is from true, in the unit of its first side as it counts there."""
    distance: N = RELATIONS[node.name].short(o, *_worked_out(node, o))
    return distance


def sides_taken(node: Cross, o: Algebra[N, T]) -> tuple[T, T]:
    """Whether the left of a crossing is above the right by more than the dead zone, and whether it is below."""
    left, right, *zone = _worked_out(node, o)
    upper = o.add(right, zone[0]) if zone else right
    lower = o.subtract(right, zone[0]) if zone else right
    return o.below(upper, left), o.below(left, lower)
