"""Mistakes that people make who come from elsewhere: the hint names what they meant, and what it names loads."""

from __future__ import annotations

import pytest

from autotrader.language.load import load

GOOD = """version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when:
      all:
        - change_24h <= -5%
        - last < 9_000_000
    cooldown: 12h
    then:
      - buy: {spend: 2_000 JPY, price: bid}
"""
MEANT = [
    ("all:", "and:", "did you mean `all`?"),
    ("all:", "or:", "did you mean `any`?"),
    ("when:", "if:", "did you mean `when`?"),
    ("then:", "do:", "did you mean `then`?"),
    ("buy:", "purchase:", "did you mean `buy`?"),
    ("spend:", "amount:", "did you mean `spend`?"),
    ("spend:", "quantity:", "did you mean `size`?"),
    ("last <", "price <", "did you mean `last`?"),
    ("12h", "12 hours", "write `12h`"),
    ("1m", "5 minutes", "write `5m`"),
    ("12h", "1day", "write `1d`"),
    ("symbol: BTCJPY", "symbol: [BTCJPY, ETHJPY]", "`symbols: [BTCJPY, ETHJPY]`"),
    ("last <", "last between 8_000_000 to", "write `between a and b`"),
    ("price: bid", "price: bid, stop_loss: -5%", "not supported yet"),
    ("  dip:", "  - name: dip", "leave the `- ` out"),
    ("2_000 JPY", "¥2_000", "write `2_000 JPY`"),
    ("2_000 JPY", "2000円", "write `2000 JPY`"),
    ("<= -5%", "≤ -5%", "write `change_24h <= -5%`"),
]


@pytest.mark.parametrize(("right", "wrong", "hint"), MEANT, ids=[wrong for _, wrong, _ in MEANT])
def test_the_hint_names_what_was_meant(right: str, wrong: str, hint: str) -> None:
    """A mistake that comes from another program or habit is answered with the word of this language."""
    assert right in GOOD
    assert load({"f.yaml": GOOD})[1] == ()
    plan, problems = load({"f.yaml": GOOD.replace(right, wrong, 1)})
    assert plan is None
    assert any(hint in problem.hint for problem in problems), [problem.hint for problem in problems]


def test_a_month_is_never_taken_for_a_minute() -> None:
    """`3 M` gets no hint that would make minutes of months."""
    _, problems = load({"f.yaml": GOOD.replace("12h", "3 M")})
    assert not any("3m" in problem.hint for problem in problems)
