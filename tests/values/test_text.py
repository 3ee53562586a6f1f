"""What is shown is harmless, fits its columns, and guesses only where something is near."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.money import gain_text, money_text, percent_text, price_text
from autotrader.text import clipped, did_you_mean, fitted, in_place, in_points, nearest, path_text, visible, width


@given(st.text(max_size=20), st.integers(1, 20))
def test_clipped_text_fits(text: str, columns: int) -> None:
    """Clipped text is never wider than asked, and untouched where it fits."""
    shown = clipped(text, columns)
    assert width(shown) <= columns
    assert shown == text or width(text) > columns


def test_fitted_text_fills_its_columns() -> None:
    """Wide characters count two, marks none; text that is too long stays whole."""
    assert fitted("日本", 6) == "日本  "
    assert fitted("か\u3099", 3, right=True) == " か\u3099"
    assert fitted("longer", 3) == "longer"


def test_a_piece_of_a_file_in_a_message() -> None:
    """What cannot be seen is named by its code point, line ends are a sign of their own, and long text is cut."""
    assert visible("a\u200bb\nc") == "a<U+200B>b⏎c"
    assert visible("日" * 61) == "日" * 57 + "..."
    assert in_points("a\u3000b") == "a<U+3000>b"


def test_an_excerpt_keeps_its_columns() -> None:
    """One character stays one, so that the caret below points at it."""
    assert in_place("a\tb\u202ec") == "a b?c"


def test_a_path_of_any_bytes_can_be_shown() -> None:
    """Bytes that are no UTF-8 stand as escapes."""
    assert path_text(Path("rules/\udcff.yaml")) == "rules/\\xff.yaml"


def test_no_guess_is_better_than_a_wrong_one() -> None:
    """Nothing is suggested when nothing is near; else the nearest, or what else can be said."""
    assert did_you_mean("zzz", ["validate", "plan"]) == ""
    assert did_you_mean("zzz", ["validate", "plan"], "there are two") == "there are two"
    assert did_you_mean("plam", ["validate", "plan"]) == "did you mean `plan`?"
    assert did_you_mean("order", ["orders", "border"], most=2) == "did you mean `orders` or `border`?"


def test_symbols_that_share_only_their_quote_are_not_alike() -> None:
    """`BTCJPY` is no guess for `XLMJPY`, and is one for `BTCJYP`."""
    assert nearest("XLMJPY", ["BTCJPY"]) == []
    assert nearest("BTCJYP", ["BTCJPY", "ETHJPY"]) == ["BTCJPY"]


@pytest.mark.parametrize(
    ("value", "asset", "shown"),
    [
        ("15204110", "JPY", "¥15,204,110"),
        ("-312.4", "JPY", "-¥312"),
        ("0.25", "JPY", "¥0.2500"),
        ("0", "JPY", "¥0"),
        ("0.00032", "BTC", "0.00032 BTC"),
    ],
)
def test_money(value: str, asset: str, shown: str) -> None:
    """Yen have no decimals above one yen; other assets keep all that they have."""
    assert money_text(Decimal(value), asset) == shown


def test_prices_gains_and_percentages() -> None:
    """A price below a thousand yen is not rounded; gains and percentages carry their sign."""
    assert price_text(Decimal("350.123"), "JPY") == "¥350.123"
    assert [gain_text(Decimal(n), "JPY") for n in (312, 0, -80)] == ["+¥312", "±¥0", "-¥80"]
    assert percent_text(Decimal("-2.711")) == "-2.71%"
    assert percent_text(Decimal("2.7"), 1, sign=True) == "+2.7%"
