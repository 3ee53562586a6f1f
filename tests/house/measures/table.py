"""The figures beside what they were before the house was rebuilt and what they should become."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.house.measures import imports, names, shape
from tests.house.measures.allowed import House
from tests.house.measures.changes import CHANGES, touched
from tests.house.measures.source import Module
from tests.house.measures.walks import Walk


@dataclass(frozen=True)
class Row:
    """One measure: how it was, how it should become, how it is."""

    what: str
    before: str
    reach: str
    now: str


def thousands(number: float) -> str:
    """A figure of lines or tokens in thousands."""
    return f"{number / 1000:.1f}k"


def size_rows(modules: Sequence[Module]) -> Iterator[Row]:
    """Files, lines, tokens, functions, comments."""
    sizes = shape.sizes(modules)
    trader = sizes["trader"]
    yield Row("code lines, trader", "27.6k", "≤ 21k", thousands(trader.lines))
    yield Row("tokens, trader", "261.4k", "≤ 200k", thousands(trader.tokens))
    for part, before in (("simulator", "5.4k; 54.3k"), ("prove", "5.1k; 50.8k")):
        size = sizes[part]
        yield Row(f"code lines; tokens, {part}", before, "", f"{thousands(size.lines)}; {thousands(size.tokens)}")
    yield Row("files (simulator, prove among them)", "344 (42, 28)", "≤ 200", _files(modules, sizes))
    found = shape.functions(modules)
    longest, where = shape.longest_file(modules)
    yield Row("functions", "3494", "", str(found.count))
    yield Row("their lines: median, p90, longest", "7, 18, 53", "…, …, ≤ 53", _functions(found))
    yield Row("longest file", "398", "≤ 398", f"{longest} {where}")
    comments = shape.comments(modules)
    yield Row("docstring share of lines", "10 %", "≥ 10 %", f"{shape.docstring_share(modules):.1f} %")
    # The 554 that were counted before held 193 rulers and orders to tools, which give no reason.
    yield Row("why-comments", "361", "≥ 800", f"{comments.reasons}")
    yield Row("fmt: skip", "181", "≤ 181", str(comments.unformatted))


def _files(modules: Sequence[Module], sizes: Mapping[str, shape.Size]) -> str:
    return f"{len(modules)} ({sizes['simulator'].files}, {sizes['prove'].files})"


def _functions(found: shape.Functions) -> str:
    return f"{found.median}, {found.p90}, {found.longest} {found.where}"


def name_rows(modules: Sequence[Module], house: House) -> Iterator[Row]:
    """Circles, names, callers."""
    circles = imports.circles(imports.graph(modules))
    yield Row("groups that import each other", "4", "0", f"{len(circles)} {[len(group) for group in circles]}")
    trader = [module for module in modules if module.part == "trader"]
    yield Row("class names borne twice, trader", "23", "0", str(len(names.doubles(trader))))
    yield Row("… in the whole package", "45", "", str(len(names.doubles(modules))))
    yield Row("only tests use, or nobody", "10", "0", str(len(names.unused(modules, house.hooks))))
    local = imports.local_imports(modules)
    reasons = sum(one.reason for one in local)
    yield Row("function-local imports (with a reason)", "557", "≤ 60, each", f"{len(local)} ({reasons})")
    once, count = names.callers(modules)
    yield Row("functions named in one place", "32 %", "≤ 15 %", f"{100 * len(once) / count:.0f} % ({len(once)})")
    yield Row("forwarders", "30", "", str(len(names.forwarders(modules))))
    yield Row("near-equal dataclasses (trader)", "58 (43)", "", _pairs(modules, trader))


def _pairs(modules: Sequence[Module], trader: Sequence[Module]) -> str:
    return f"{len(names.near_equal(modules))} ({len(names.near_equal(trader))})"


WALKED_BEFORE = {
    "load ten lines": ("36 / 184", ""),
    "quiet cycle": ("57 / 223", ""),
    "firing cycle": ("69 / 770", "≤ 45 / ≤ 400"),
    "why": ("57 / 389", "≤ 35 files"),
}


def walk_rows(roads: Mapping[str, Callable[[], Walk]]) -> Iterator[Row]:
    """The four walks."""
    for name, road in roads.items():
        walk = road()
        before, reach = WALKED_BEFORE[name]
        yield Row(f"{name}: files / crossings", before, reach, f"{len(walk.files)} / {walk.crossings}")


def change_rows() -> Iterator[Row]:
    """Files of the package that each of the six changes touches; each was seen to work in a copy."""
    for change in CHANGES:
        what = f"files touched: {change.name}"
        if not change.module:
            yield Row(what, change.before, change.reach, "not scripted yet")
            continue
        files = touched(change)
        yield Row(what, change.before, change.reach, f"{len(files)} ({', '.join(files)})")


def printed(rows: Sequence[Row]) -> str:
    """The table, folded to nothing: one line a measure."""
    head = Row("measure", "before", "reach", "now")
    wide = [max(len(getattr(row, name)) for row in [head, *rows]) for name in ("what", "before", "reach")]
    return "\n".join(
        f"{row.what:<{wide[0]}}  {row.before:<{wide[1]}}  {row.reach:<{wide[2]}}  {row.now}" for row in [head, *rows]
    )


def seconds() -> Callable[[], str]:
    """A watch for the foot of the table."""
    began = time.monotonic()
    return lambda: f"{time.monotonic() - began:.1f} s"
