"""Who imports whom, hidden imports counted: those in functions, those under TYPE_CHECKING, those by name in a text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.house.measures.source import Function, Module

LAZY_MAKERS = frozenset({"import_module", "__import__", "LazyLoader", "resolve_name"})
REASON = re.compile(r"#(?!\s*(noqa|type:|fmt:|-{3,}))\s*[\w`]")
Import = ast.Import | ast.ImportFrom


def imports_in(module: Module) -> list[Import]:
    """Every import statement of a module, wherever it stands."""
    return [node for node in module.nodes if isinstance(node, Import)]


def base_of(node: ast.ImportFrom, module: Module) -> str:
    """The module that `from … import` names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def targets(node: Import, module: Module, known: Mapping[str, Module]) -> Iterator[str]:
    """The modules of ours that one import statement reaches."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    base = base_of(node, module)
    for alias in node.names:
        if (below := f"{base}.{alias.name}") in known:
            yield below
        elif base in known:
            yield base


def graph(modules: Sequence[Module]) -> dict[str, set[str]]:
    """Each module with the modules it imports, at any place and in any way that can be read from its text."""
    known = {module.name: module for module in modules}
    edges: dict[str, set[str]] = {}
    for module in modules:
        found = {target for node in imports_in(module) for target in targets(node, module, known)}
        found |= set(named_in_texts(module, known))
        edges[module.name] = found - {module.name}
    return edges


def named_in_texts(module: Module, known: Mapping[str, Module]) -> Iterator[str]:
    """Modules of ours that `import_module("autotrader.…")` and its like name in a plain text."""
    for node in module.nodes:
        if isinstance(node, ast.Call) and _name_of(node.func) in LAZY_MAKERS:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and argument.value in known:
                    yield str(argument.value)


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (strongly connected, more than one), the largest first."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:  # Tarjan's; as deep as the longest chain of imports, which stays below a hundred
        index[name] = low[name] = len(index)
        path.append(name)
        for other in sorted(edges.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in path:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in edges:
        if name not in index:
            visit(name)
    return sorted(found, key=lambda group: (-len(group), group))


@dataclass(frozen=True)
class LocalImport:
    """An import that does not stand at the top of its file."""

    path: str
    line: int
    what: str
    reason: bool


def local_imports(modules: Sequence[Module]) -> list[LocalImport]:
    """Imports inside functions, calls that import by name, module `__getattr__`: each hides an arrow."""
    return [one for module in modules for one in _local(module)]


def _local(module: Module) -> Iterator[LocalImport]:
    lines = module.text.splitlines()

    def found(node: Import | ast.Call | Function, what: str) -> LocalImport:
        own = lines[node.lineno - 1 : node.end_lineno or node.lineno]
        above = lines[max(node.lineno - 2, 0)].strip()
        near = [*own, above] if above.startswith("#") else own
        return LocalImport(module.path, node.lineno, what, any(REASON.search(line) for line in near))

    for node in module.nodes:
        if _is_hidden(node, module) and isinstance(node, Import | ast.Call):
            yield found(node, ast.unparse(node))
        elif isinstance(node, Function) and node.name == "__getattr__" and module.parents[node] is module.tree:
            yield found(node, "module __getattr__")


def _is_hidden(node: ast.AST, module: Module) -> bool:
    if isinstance(node, ast.Call):
        return _name_of(node.func) in LAZY_MAKERS
    return isinstance(node, Import) and any(isinstance(above, Function) for above in module.above(node))


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
