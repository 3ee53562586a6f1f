"""`params:` to literals: each default is read once, its unit is its own, and it must lie within its bounds."""

from __future__ import annotations

from dataclasses import replace

from autotrader.language.compile.bench import Bench
from autotrader.language.expression import NUMERIC
from autotrader.language.rule_file import WrittenParam
from autotrader.language.tree import Literal


def params_of(bench: Bench, written: dict[str, WrittenParam]) -> dict[str, Literal]:
    """The file's parameters. What is wrong is reported; a parameter whose default cannot be read is left out."""
    result: dict[str, Literal] = {}
    for name, param in written.items():
        path = ("params", name)
        if bench.checked.silences((*path, "default")):
            continue
        value = bench.literal((*path, "default"), param.default, NUMERIC)
        if value is None:
            continue
        result[name] = replace(value, text=f"${name}", param=name)
        for bound in ("min", "max"):
            _check_bound(bench, name, value, bound, getattr(param, bound))
    return result


def _check_bound(bench: Bench, name: str, value: Literal, bound: str, text: str | None) -> None:
    if text is None:
        return
    path = ("params", name, bound)
    limit = bench.literal(path, text, NUMERIC)
    if limit is None:
        return
    if limit.unit != value.unit:
        bench.report(
            "AT211",
            path,
            f"`{text}` and the default `{value.text}` measure different things",
            hint=f"write both in one unit, like `{value.text}`",
        )
    elif (value.value < limit.value) if bound == "min" else (value.value > limit.value):
        side = "below" if bound == "min" else "above"
        bench.report(
            "AT211",
            ("params", name, "default"),
            f"the default `{value.text}` is {side} `{bound}: {text}`",
            hint=f"change the default or `{bound}`",
        )
