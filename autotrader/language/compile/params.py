"""`params:` to literals: each default is read once, its unit is its own, and it must lie within its bounds."""

from __future__ import annotations

from dataclasses import replace

from autotrader.language.compiler import Compiler
from autotrader.language.expression import NUMERIC
from autotrader.language.rule_file import WrittenParam
from autotrader.language.tree import Literal


def params_of(at: Compiler, written: dict[str, WrittenParam]) -> dict[str, Literal]:
    """The file's parameters. What is wrong is reported; a parameter whose default cannot be read is left out."""
    result: dict[str, Literal] = {}
    for name, param in written.items():
        if at.file.checked.silences(("params", name, "default")):
            continue
        value = at.literal(param.default, NUMERIC)
        if value is None:
            continue
        result[name] = replace(value, text=f"${name}", param=name)
        for bound in ("min", "max"):
            _check_bound(at, param.default, value, bound, getattr(param, bound))
    return result


def _check_bound(at: Compiler, default: str, value: Literal, bound: str, text: str | None) -> None:
    limit = None if text is None else at.literal(text, NUMERIC)
    if limit is None:
        return
    if limit.unit != value.unit:
        message = f"`{text}` and the default `{value.text}` measure different things"
        at.fault(text, "AT211", message, f"write both in one unit, like `{value.text}`")
    elif (value.value < limit.value) if bound == "min" else (value.value > limit.value):
        side = "below" if bound == "min" else "above"
        message = f"the default `{value.text}` is {side} `{bound}: {text}`"
        at.fault(default, "AT211", message, f"change the default or `{bound}`")
