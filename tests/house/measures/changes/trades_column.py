"""A column of the trades CSV: the market's side of each fill, `taker_side`."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import lived

PATCHES = [
    Patch(
        "autotrader/views/money.py",
        '    "liquidity": lambda one: "maker" if one.fill.is_maker else "taker",\n',
        """\
    "liquidity": lambda one: "maker" if one.fill.is_maker else "taker",
    "taker_side": lambda one: ("SELL" if one.fill.side == "BUY" else "BUY")
    if one.fill.is_maker else str(one.fill.side),
""",
    ),
]


def tried() -> None:
    """A fill at the market took: its own side stands there, under the new name."""
    with lived("last > 1 JPY", "buy: {spend: 20_000 JPY, price: market}") as live:
        head, *rows = live.asked("trades", "--format", "csv").splitlines()
        place = head.split(",").index("taker_side")
        assert rows
        assert all(row.split(",")[place] == "BUY" for row in rows)
        assert '"taker_side"' in live.asked("trades", "--format", "json")
