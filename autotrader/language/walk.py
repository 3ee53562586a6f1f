"""Walks over a typed tree, and the canonical texts that name its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, cast

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
    Value,
)
from autotrader.market.timeframe import approximate_ms
from autotrader.money import plain

Node = Condition | Value


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one, in written order."""
    match node:
        case Operation(left=left, right=right):
            return (left, right)
        case Relation(sides=sides):
            return sides
        case Cross(left=left, right=right, dead_zone=zone):
            return (left, right) if zone is None else (left, right, zone)
        case Flag(term=term):
            return () if term is None else (term,)
        case For(part=part) | OfLast(part=part) | Named(part=part) | Not(part=part):
            return (part,)
        case AtLeast(parts=parts):
            return parts
        case _:
            return ()


def tree_nodes(node: Node) -> Iterator[Node]:
    """A node and everything below it, in written order."""
    yield node
    for child in children(node):
        yield from tree_nodes(child)


def tree_terms(node: Node) -> Iterator[Term]:
    """Every term of a tree in written order, repeats included. The series inside a term is part of that term."""
    waiting = [node]
    while waiting:  # a generator in a generator for each level would cost more than the walk
        found = waiting.pop()
        if isinstance(found, Term):
            yield found
        else:
            waiting.extend(reversed(children(found)))


def finest(values: Sequence[Value]) -> str:
    """The finest timeframe where every term is a candle value, else ""."""
    timeframes = {term.timeframe for value in values for term in tree_terms(value)}
    return "" if "" in timeframes or not timeframes else min(timeframes, key=approximate_ms)


Tree = TypeVar("Tree", bound=Condition | Value)


def rebuilt(node: Tree, change: Callable[[Literal | Term], Value]) -> Tree:
    """The same tree with every literal and term changed; whether a crossing is judged once per close follows from its
    words. The series inside a term is part of that term.
    """
    return cast("Tree", _rebuilt(node, change))


def _rebuilt(node: Any, change: Callable[[Literal | Term], Value]) -> Any:
    match node:
        case Literal() | Term():
            return change(node)
        case Relation(sides=sides):
            return replace(node, sides=tuple(_rebuilt(side, change) for side in sides))
        case AtLeast(parts=parts):
            return replace(node, parts=tuple(_rebuilt(part, change) for part in parts))
        case Operation(left=left, right=right):
            return replace(node, left=_rebuilt(left, change), right=_rebuilt(right, change))
        case Cross(left=left, right=right, dead_zone=zone):
            found = [_rebuilt(side, change) for side in (left, right, *(() if zone is None else (zone,)))]
            return replace(node, left=found[0], right=found[1], dead_zone=(*found, None)[2], timeframe=finest(found))
        case Flag():
            return node
        case _:
            return replace(node, part=_rebuilt(node.part, change))


# --------------------------------------------------------------------------------------------- canonical texts
@lru_cache(maxsize=1 << 16)
def term_id(term: Term) -> str:
    """Canonical text of a term, under which a cycle keeps its value: `BTCJPY.rsi(14,1h)`, `BTCJPY.close(4h)~1`."""
    inside = [_argument(arg) for arg in term.args]
    if term.series is not None:
        inside.append(term_id(term.series))
    elif term.timeframe:
        inside.append(term.timeframe)
    shift = f"~{term.shift}" if term.shift else ""
    return f"{term.symbol}.{term.word}{'(' + ','.join(inside) + ')' if inside else ''}{shift}"


def _argument(arg: Decimal | str | Literal) -> str:
    if isinstance(arg, str):
        return arg
    if isinstance(arg, Literal):
        return f"{plain(arg.value)}:{arg.unit.kind}{arg.unit.asset and ':' + arg.unit.asset}"
    return plain(arg)


def value_id(node: Value) -> str:
    """Canonical text of a value, independent of how it was written."""
    match node:
        case Literal():
            return _argument(node)
        case Term():
            return term_id(node)
        case Operation(op=("min" | "max") as op, left=left, right=right):
            return f"{op}({value_id(left)},{value_id(right)})"
        case Operation(op=op, left=left, right=right):
            return f"({value_id(left)}{op}{value_id(right)})"


_JOINTS = {"between": (" in ", ".."), "near": ("~", "±")}  # records of old stores hold the answers under these texts


def leaf_id(leaf: Leaf) -> str:
    """Canonical text of a leaf, under which a cycle keeps the answer of one that is judged over candles."""
    match leaf:
        case Relation(name=name, sides=sides):
            first, *rest = map(value_id, sides)
            joints = _JOINTS.get(name) or ((f" {name} " if name.isalpha() else name), *" " * (len(rest) - 1))
            return first + "".join(joint + side for joint, side in zip(joints, rest, strict=True))
        case Cross():
            zone = "" if leaf.dead_zone is None else f" by {value_id(leaf.dead_zone)}"
            return f"{value_id(leaf.left)} x-{leaf.direction} {value_id(leaf.right)}{zone}@{leaf.timeframe}"
        case Flag():
            return term_id(leaf.term) if leaf.term is not None else leaf.text
        case For():
            return f"[{leaf_id(leaf.part)}] for {leaf.span_ms}"
        case OfLast():
            return f"[{leaf_id(leaf.part)}] {leaf.least}/{leaf.count}@{leaf.timeframe}"
