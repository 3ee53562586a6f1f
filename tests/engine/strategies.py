"""Random conditions and value tables over a handful of terms."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import strategies as st

from autotrader.engine.values import Values
from autotrader.language.algebra import OPERATIONS
from autotrader.language.relations import RELATIONS
from autotrader.language.shapes import LeafMemory
from autotrader.language.tree import (
    AtLeast,
    Cross,
    Flag,
    For,
    Kind,
    Named,
    Not,
    OfLast,
    Operation,
    Relation,
    Unit,
    Window,
    all_of,
    any_of,
)
from autotrader.language.walk import term_id
from autotrader.market.sources import LowerBound, Missing
from tests.worlds.values import NUMBER, PERCENT, PLACE, lit, term

TERMS = (
    term("last"), term("bid"), term("rsi", NUMBER, timeframe="1h", args=(Decimal(14),)), term("change_24h", PERCENT),
    term("spread", PERCENT), term("depth_bid"),
)  # fmt: skip
NORMAL = term("exchange is normal", NUMBER)
_keys = count()

small = st.integers(-3, 3)
numbers = st.one_of(small.map(Decimal), st.decimals(-10, 10, places=2), st.integers(-3, 3).map(float))
scalars = st.one_of(
    numbers, numbers, numbers, st.just(Missing("not fetched")), small.map(lambda n: LowerBound(Decimal(n)))
)
units = st.sampled_from((NUMBER, PERCENT, Unit(Kind.PRICE, "JPY")))


def values_nodes(depth: int = 2) -> st.SearchStrategy[Any]:
    """Random values: literals, terms, arithmetic, min and max."""
    base = st.one_of(st.sampled_from(TERMS), st.builds(lit, small, units))
    if depth == 0:
        return base
    inner = values_nodes(depth - 1)
    ops = st.sampled_from(tuple(OPERATIONS))
    return st.one_of(base, base, st.builds(Operation, ops, inner, inner, units))


nodes = values_nodes()


@st.composite
def plain_leaves(draw: st.DrawFn, *, stored: bool = True) -> Any:
    """A leaf without a shape around it."""
    common: dict[str, Any] = {"key": f"k{next(_keys)}", "text": "leaf", "place": PLACE}
    kind = draw(st.sampled_from(["related", "related", "related", "flag", "time", *(["cross"] * stored)]))
    if kind == "related":
        name = draw(st.sampled_from(tuple(RELATIONS)))
        return Relation(name=name, sides=tuple(draw(nodes) for _ in RELATIONS[name].sides), **common)
    if kind == "flag":
        return Flag(term=NORMAL, **common)
    if kind == "time":
        return Flag(windows=(Window(0, 720, frozenset(range(7)), "Asia/Tokyo"),), **common)
    direction: Any = draw(st.sampled_from(("up", "down", "either")))
    zone = draw(st.one_of(st.none(), st.builds(lit, st.integers(0, 2), units)))
    timeframe = draw(st.sampled_from(("", "1h")))
    return Cross(
        left=draw(nodes), direction=direction, right=draw(nodes), dead_zone=zone, timeframe=timeframe, **common
    )


@st.composite
def leaves(draw: st.DrawFn, *, stored: bool = True) -> Any:
    """A leaf, perhaps with a shape around it."""
    part = draw(plain_leaves(stored=stored))
    common: dict[str, Any] = {"key": f"k{next(_keys)}", "text": "leaf", "place": PLACE, "part": part}
    shape = draw(st.sampled_from(["plain", "plain", *(["held", "within", "count"] * stored)]))
    if shape == "held":
        return For(span_ms=draw(st.sampled_from((0, 60_000, 120_000))), **common)
    if shape == "within":
        count, timeframe = draw(st.integers(1, 4)), draw(st.sampled_from(("", "1h")))
        return OfLast(least=1, count=count, timeframe=timeframe, form="within", **common)
    if shape == "count":
        return OfLast(least=draw(st.integers(1, 3)), count=3, timeframe="", **common)
    return part


def conditions(*, stored: bool = True) -> st.SearchStrategy[Any]:
    """Random conditions."""

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(
            parts.map(lambda p: all_of(p, "all", PLACE)),
            parts.map(lambda p: any_of(p, "any", PLACE)),
            inner.map(lambda p: Not(key="not", place=PLACE, part=p)),
            inner.map(lambda p: Named(key="sig", name="s", place=PLACE, part=p)),
            st.builds(lambda p, n: AtLeast(key="n", place=PLACE, count=n, parts=p), parts, st.integers(1, 3)),
        )

    return st.recursive(leaves(stored=stored), grow, max_leaves=5)


@st.composite
def tables(draw: st.DrawFn, extra: tuple[str, ...] = ()) -> Values:
    """A random value table for `TERMS`, with random answers for candle leaves under `extra`."""
    table: dict[str, Any] = {term_id(t): draw(scalars) for t in TERMS}
    answers = st.sampled_from((True, False, Missing("too few candles")))
    for key in (term_id(NORMAL), *extra):
        table[key] = draw(answers)
    return Values(table)


memories = st.builds(
    LeafMemory,
    since_ms=st.one_of(st.none(), st.integers(0, 300_000)),
    paused_ms=st.none(),
    lost_ms=st.integers(0, 60_000),
    side=st.sampled_from(("", "up", "down")),
    checks=st.lists(st.sampled_from((-1, 0, 1)), max_size=4).map(tuple),
)
