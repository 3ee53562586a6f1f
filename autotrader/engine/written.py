"""Values and spans as a person would write them."""

from __future__ import annotations

from autotrader.language.tree import Least, Literal, Most, Term, Value


def written(node: Value) -> str:
    """A value as a person would write it."""
    match node:
        case Literal():
            return node.text
        case Term():
            inside = [arg.text if isinstance(arg, Literal) else str(arg) for arg in node.args]
            if node.series is not None:
                inside.append(written(node.series))
            elif node.timeframe:
                inside.append(node.timeframe)
            ago = f" {node.shift} candle{'s' * (node.shift > 1)} ago" if node.shift else ""
            return f"{node.word}({', '.join(inside)}){ago}" if inside else f"{node.word}{ago}"
        case Least():
            return f"min({written(node.left)}, {written(node.right)})"
        case Most():
            return f"max({written(node.left)}, {written(node.right)})"
        case _:
            if node.op == "%of":
                return f"{written(node.left)} of {written(node.right)}"
            return f"{_grouped(node.left, node.op)} {node.op.strip('%')} {_grouped(node.right, node.op)}"


def _grouped(node: Value, op: str) -> str:
    is_sum = not isinstance(node, Literal | Term | Least | Most) and node.op in ("+", "-", "+%", "-%")
    loose = is_sum and op in ("*", "/")
    return f"({written(node)})" if loose else written(node)
