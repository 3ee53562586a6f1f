"""Walks over a typed tree."""

from __future__ import annotations

from collections.abc import Iterator

from autotrader.language.tree import (
    All,
    Any,
    Arithmetic,
    AtLeast,
    Between,
    Compare,
    Condition,
    CountOf,
    Cross,
    Flag,
    Held,
    Least,
    Literal,
    Most,
    Named,
    Near,
    Not,
    Term,
    Value,
    WithinLast,
)

Node = Condition | Value
_FIELDS: dict[type, tuple[str, ...]] = {
    Literal: (),
    Term: (),
    Arithmetic: ("left", "right"),
    Least: ("left", "right"),
    Most: ("left", "right"),
    Compare: ("left", "right"),
    Between: ("value", "low", "high"),
    Near: ("value", "target", "within"),
    Cross: ("left", "right", "dead_zone"),
    Flag: ("term",),
    Held: ("part",),
    WithinLast: ("part",),
    CountOf: ("part",),
    Named: ("part",),
    Not: ("part",),
}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below one, in written order."""
    if isinstance(node, All | Any | AtLeast):
        yield from node.parts
        return
    for name in _FIELDS[type(node)]:
        child = getattr(node, name)
        if child is not None:
            yield child


def tree_nodes(node: Node) -> Iterator[Node]:
    """A node and everything below it, in written order."""
    yield node
    for child in children(node):
        yield from tree_nodes(child)


def tree_terms(node: Node) -> Iterator[Term]:
    """Every term of a tree in written order, repeats included. The series inside a term is part of that term."""
    for found in tree_nodes(node):
        if isinstance(found, Term):
            yield found


def tree_leaves(node: Condition) -> Iterator[Condition]:
    """Every leaf (one written condition each) of a condition in written order."""
    if isinstance(node, All | Any | AtLeast | Not | Named):
        for child in children(node):
            yield from tree_leaves(child)  # type: ignore[arg-type]
    else:
        yield node
