"""The package as the measures read it: every module with its text, its syntax tree and the part it belongs to.

Nothing is imported to be measured: a module that does not start must be measured too, and an import would run code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# What bears witness or proves stands apart from what trades: its size is another question.
APART = {"simulator": "simulator", "prove": "prove", "study": "prove"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its path below the checkout, its text."""

    name: str
    path: str
    text: str
    is_package: bool

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """Every node of the tree; walked once, since a dozen measures ask."""
        return list(ast.walk(self.tree))

    @property
    def part(self) -> str:
        """The part of the house it belongs to: trader, simulator or prove."""
        parts = self.name.split(".")
        return APART.get(parts[1], "trader") if len(parts) > 1 else "trader"

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node above each node."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Every node above this one, nearest first."""
        while (found := self.parents.get(node)) is not None:
            yield found
            node = found

    @cached_property
    def functions(self) -> Sequence[Function]:
        """Every function and method, nested ones too."""
        return [node for node in self.nodes if isinstance(node, Function)]

    @cached_property
    def classes(self) -> Sequence[ast.ClassDef]:
        """Every class, nested ones too."""
        return [node for node in self.nodes if isinstance(node, ast.ClassDef)]


def read(root: Path = ROOT, package: str = "autotrader") -> list[Module]:
    """Every module of a package of this checkout, in the order of their names."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found.append(Module(name, str(path.relative_to(root)), path.read_text(encoding="utf-8"), is_package))
    return found


def docstrings(module: Module) -> list[ast.Constant]:
    """The docstring nodes of a module: its own, its classes', its functions'."""
    firsts = (node.body[0] for node in module.nodes if isinstance(node, Documented) and node.body)
    values = (first.value for first in firsts if isinstance(first, ast.Expr))
    return [value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
