"""A word: `midpoint(14, 1h)`, the middle between the highest and the lowest close, by TA-Lib's MIDPOINT."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import evaluated, lived

PATCHES = [
    Patch(
        "autotrader/language/vocabulary/candle.py",
        """\
    _word(
        "rsi",
""",
        """\
    _word(
        "midpoint",
        "series",
        (_SMOOTHED,),
        ("the middle of {0} {tf} candles", "{tf}足{0}本の中値"),
        _ROLLING,
        series=True,
        column="MIDPOINT",
    ),
    _word(
        "rsi",
""",
    ),
]


def tried() -> None:
    """Over rising closes the middle of three is the last but one; live it fires; `why` says how far it is off."""
    from autotrader.language.reference import rendered

    values = evaluated("midpoint(3, 1h)")
    assert [float(value) for value in values[2:5]] == [1_010, 1_020, 1_030], values[:6]
    assert evaluated("midpoint(3, 1h) > 1_015 JPY")[2:4] == ["false", "true"]
    with lived("midpoint(3, 1m) > 1 JPY") as yes:
        assert yes.orders
        assert "the middle of 3 1m candles" in yes.project("show")
        assert "midpoint(3, 1m)" in yes.asked("why", "tried")
    with lived("midpoint(3, 1m) > 99_000_000 JPY") as no:
        assert not no.orders
        assert "short" in no.asked("why", "tried")
    assert "### `midpoint`" in rendered()
