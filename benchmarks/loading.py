"""Loading a rule set, from bytes to plan, against libyaml's parser alone on the same bytes."""

from __future__ import annotations

import time

import yaml

from autotrader.language.load import load
from benchmarks.measure import Row, Size, in_turn
from benchmarks.rules import instruments, rule_texts


def rows(size: Size) -> list[Row]:
    """One row."""
    texts, known = rule_texts(size.rules, size.symbols), instruments(size.symbols)
    parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def ours() -> None:
        plan, _ = load(texts, None, known)
        assert plan is not None
        assert len(plan.rules) == size.rules

    def theirs() -> None:
        for text in texts.values():
            yaml.load(text, parser)  # noqa: S506 - the safe one

    mine, other = in_turn(max(1, size.rounds // 2), ours, theirs, clock=time.process_time)
    what = f"loading {size.rules:,} rules: bytes to checked plan"
    length = sum(map(len, texts.values()))
    return [Row(what, "`yaml.CSafeLoader` reading the same bytes", mine, other, f"{length / 1000:.0f} kB")]
