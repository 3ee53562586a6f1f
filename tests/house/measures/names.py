"""Names and who uses them: class names borne twice, definitions nobody uses, functions with one caller, forwarders.

A use is found by its name, not by running anything. A function or class of a module is used where its module or one
that imports it from there says its name; a method where anybody says `.name`. So a method that shares its name with
another is never called dead: what these lists hold is dead for sure, what they do not hold may be.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.house.measures.imports import base_of
from tests.house.measures.source import Function, Module, docstrings

# Decorators that leave the name to whoever says it.
KEEPING = frozenset({
    "property", "cached_property", "staticmethod", "classmethod", "dataclass", "contextmanager", "final", "cache",
    "functools", "contextlib", "dataclasses", "lru_cache", "typing", "runtime_checkable",
})  # fmt: skip
WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Definition:
    """A function, method or class: `module:Class.name`."""

    module: Module
    node: Function | ast.ClassDef
    owner: str

    @property
    def name(self) -> str:
        """Its own name."""
        return self.node.name

    @property
    def where(self) -> str:
        """How the lists name it."""
        return f"{self.module.name}:{self.owner}{'.' if self.owner else ''}{self.name}"


def definitions(modules: Sequence[Module]) -> list[Definition]:
    """Every function, method and class that stands in a module or a class; inside functions they are its own affair."""
    found = []
    for module in modules:
        for node in [*module.functions, *module.classes]:
            above = module.parents[node]
            while isinstance(above, ast.If | ast.Try):
                above = module.parents[above]
            if isinstance(above, ast.Module | ast.ClassDef):
                found.append(Definition(module, node, above.name if isinstance(above, ast.ClassDef) else ""))
    return found


def doubles(modules: Sequence[Module]) -> dict[str, list[str]]:
    """Class names that two or more classes bear, with the modules they stand in."""
    homes = defaultdict(list)
    for module in modules:
        for node in module.classes:
            homes[node.name].append(module.name)
    return {name: sorted(where) for name, where in sorted(homes.items()) if len(where) > 1}


class Uses:
    """Where names are said, over all modules: plainly in a module, as `.name` anywhere, in texts that are no prose."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._plain: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        self._attribute: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._texts: Counter[str] = Counter()
        known = {module.name for module in modules}
        for module in modules:
            own = _plain_names(module)
            for name, places in own.items():
                self._plain[module.name, name] += places
            for home, name, alias in _taken(module):
                if home in known:
                    self._plain[home, name] += own.get(alias, [])
                    if alias not in own:  # imported and not said: handed on, as a package's door does
                        self._texts[f"{home}:{name}"] += 1
            for name, line in _attributes(module):
                self._attribute[name].append((module.name, line))
            self._texts.update(_texts(module))

    def of(self, one: Definition) -> list[tuple[str, int]]:
        """The places outside its own text that name it; a text that names it counts as a place."""
        begins, ends = one.node.lineno, one.node.end_lineno or one.node.lineno
        found = self._attribute[one.name] if one.owner else self._plain[one.module.name, one.name]
        if not one.owner:  # `module.function` and `package.function`
            found = [*found, *self._attribute[one.name]]
        outside = [(home, line) for home, line in found if home != one.module.name or not begins <= line <= ends]
        return outside + [("", 0)] * (self._texts[one.name] + self._texts[f"{one.module.name}:{one.name}"])


def _plain_names(module: Module) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for node in module.nodes:
        if isinstance(node, ast.Name):
            found[node.id].append((module.name, node.lineno))
    return found


def _attributes(module: Module) -> Iterator[tuple[str, int]]:
    for node in module.nodes:
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.MatchClass):
            yield from ((key, node.cls.lineno) for key in node.kwd_attrs)


def _taken(module: Module) -> Iterator[tuple[str, str, str]]:
    """What `from home import name as alias` brings."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield base_of(node, module), alias.name, alias.asname or alias.name


def _texts(module: Module) -> Iterator[str]:
    """Words of texts that may name code: one word, or `module:object`; in annotations as texts too. No sentences."""
    said = set(docstrings(module))
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            short = len(node.value) < 80 and re.fullmatch(r"[\w.:|\[\] ]+", node.value)
            yield from WORD.findall(node.value) if short and len(node.value.split()) <= 3 else ()


def unused(modules: Sequence[Module], hooks: Mapping[str, str]) -> list[str]:
    """Definitions that nobody in these modules names: tests alone use them, or nobody does.

    `hooks` are names that a framework or the language calls, each with its reason. Names with two underscores on both
    sides are the language's, decorated functions are their decorator's.
    """
    uses = Uses(modules)
    return [
        one.where
        for one in definitions(modules)
        if not (one.name.startswith("__") and one.name.endswith("__"))
        and one.name not in hooks
        and one.where not in hooks
        and not _registered(one.node)
        and not uses.of(one)
    ]


def _registered(node: Function | ast.ClassDef) -> bool:
    """Whether a decorator takes it away: it is called by what the decorator keeps (commands, validators, routes)."""
    names = {part for one in node.decorator_list for part in WORD.findall(ast.unparse(one).split("(")[0])}
    return bool(names - KEEPING)


def callers(modules: Sequence[Module]) -> tuple[list[str], int]:
    """Functions and methods that exactly one place names, and how many functions there are."""
    uses = Uses(modules)
    functions = [one for one in definitions(modules) if isinstance(one.node, Function)]
    plain = [one for one in functions if not one.name.startswith("__")]
    return [one.where for one in plain if len(uses.of(one)) == 1], len(functions)


def forwarders(modules: Sequence[Module]) -> list[str]:
    """Functions that only hand their own arguments on, in their order, to one other call."""
    return [one.where for one in definitions(modules) if isinstance(one.node, Function) and _forwards(one.node)]


def _forwards(node: Function) -> bool:
    body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return False
    call = body[0].value
    if not isinstance(call, ast.Call) or isinstance(call.func, ast.Call):
        return False
    own = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    own = own[1:] if own[:1] in (["self"], ["cls"]) else own
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    names = [value.id for value in given if isinstance(value, ast.Name)]
    return len(names) == len(given) and names == own and not node.args.vararg and not node.args.kwarg


def fields_of(node: ast.ClassDef) -> frozenset[str]:
    """The annotated fields of a dataclass, model or named tuple; none of another class."""
    words = " ".join(ast.unparse(part) for part in [*node.decorator_list, *node.bases])
    if not re.search(r"\b(dataclass|BaseModel|NamedTuple|TypedDict|Written\w*|Form)\b", words):
        return frozenset()
    return frozenset(
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and "ClassVar" not in ast.unparse(part)
    )


def near_equal(modules: Sequence[Module], share: float = 0.6, least: int = 4) -> list[tuple[str, str, int]]:
    """Pairs of classes that hold the same: at least `least` fields, and `share` of the smaller one's, by name."""
    known = [(f"{module.name}:{node.name}", fields_of(node)) for module in modules for node in module.classes]
    wide = [(name, fields) for name, fields in known if len(fields) >= least]
    pairs = [
        (first, second, len(one & other))
        for place, (first, one) in enumerate(wide)
        for second, other in wide[place + 1 :]
        if len(one & other) >= least and len(one & other) >= share * min(len(one), len(other))
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair))
