"""Hashes of rules stand in stores: no name in the code may change them (the vectors themselves: tests/pins)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from autotrader.language.actions import ACTIONS
from autotrader.language.compile import hashes
from autotrader.language.load import load

RULES = """\
version: 1
rules:
  dip:
    symbol: BTCJPY
    when: {any: [change_24h <= -5% for 2m, last crosses above 9_000_000 by 1%]}
    cooldown: 1h
    then:
      - buy: {spend: 4_000 JPY, price: market}
      - notify: "{symbol} {last}"
"""


@pytest.fixture(autouse=True)
def _written_anew() -> Iterator[None]:
    """How a class is written is found once; here it is found again."""
    hashes._writer.cache_clear()
    yield
    hashes._writer.cache_clear()


def _hashes() -> tuple[str, str]:
    found, problems = load({"rules.yaml": RULES})
    assert found is not None, problems
    (rule,) = found.rules
    return rule.hash, rule.when_hash


@contextmanager
def _renamed(classes: Sequence[type]) -> Iterator[None]:
    names = [one.__name__ for one in classes]
    for number, one in enumerate(classes):
        one.__name__ = f"Renamed{number}"
    try:
        yield
    finally:
        for one, name in zip(classes, names, strict=True):
            one.__name__ = name


def test_a_class_that_is_renamed_changes_no_hash() -> None:
    """Every class that rules are made of may be called otherwise tomorrow; timers and crossings go on."""
    before = _hashes()
    hashes._writer.cache_clear()
    with _renamed([*hashes._STORED, *hashes._FORMS, *ACTIONS]):
        assert _hashes() == before


def test_a_field_that_is_renamed_keeps_its_name_in_hashes() -> None:
    """`new=old` beside the class: the old name stands in the hash."""

    @dataclass(frozen=True)
    class Was:
        stored = "Span length unit"
        length: int
        unit: str

    @dataclass(frozen=True)
    class Now:
        stored = "Span span_ms=length unit"
        unit: str
        span_ms: int
        place: str = "of no meaning"

    assert hashes.canonical(Was(5, "ms")) == hashes.canonical(Now("ms", 5))


def test_what_has_no_names_of_its_own_is_not_hashed() -> None:
    """A new class without names is refused at once: its hash would hang on what the code calls it."""

    @dataclass(frozen=True)
    class Nameless:
        one: int

    for value in (Nameless(1), 0.5):
        with pytest.raises(TypeError, match="hashed under"):
            hashes.canonical(value)
