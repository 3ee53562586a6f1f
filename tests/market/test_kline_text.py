"""Files of candles in the venue's columns."""

from __future__ import annotations

import numpy as np
import pytest

from autotrader.errors import ConfigError
from autotrader.market.kline_text import read_klines

HEAD = "open_time,open,high,low,close,volume,close_time\n"
HOUR = 3_600_000


def _rows(*rows: str) -> str:
    return HEAD + "".join(f"{row}\n" for row in rows)


def test_seven_or_twelve_columns() -> None:
    """The first seven names are enough; of twelve the turnover is kept."""
    seven = read_klines(_rows("0,1,3,1,2,5,9", f"{HOUR},2,3,1,2,6,9"), "f", "BTCJPY", "1h")
    assert (seven.open_ms.tolist(), seven.close.tolist(), seven.timeframe) == ([0, HOUR], [2.0, 2.0], "1h")
    assert np.isnan(seven.turnover).all()
    head = HEAD.strip() + ",quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
    assert read_klines(head + "0,1,3,1,2,5,9,10,3,1,2,0\n", "f", "BTCJPY", "1h").turnover.tolist() == [10.0]


def test_the_timeframe_is_read_from_the_times() -> None:
    """Without an interval the smallest step says which."""
    assert read_klines(_rows("0,1,1,1,1,1,0", f"{4 * HOUR},1,1,1,1,1,0"), "f", "BTCJPY").timeframe == "4h"


def test_an_empty_cell_makes_the_candle_unknown() -> None:
    """The row stays, its values are not known."""
    found = read_klines(_rows("0,1,1,1,1,1,0", f"{HOUR},1,,1,1,1,0"), "f", "BTCJPY", "1h")
    assert np.isnan(found.close).tolist() == [False, True]


def test_microseconds_are_read() -> None:
    """The venue's newer public files carry microseconds."""
    found = read_klines(_rows("1735689600000000,1,1,1,1,1,0"), "f", "BTCJPY", "1h")
    assert found.open_ms.tolist() == [1_735_689_600_000]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "lacks open_time"),
        (HEAD, "no candles"),
        ("0,1,1,1,1,1,0\n", "no header"),
        ("open_time,open,high,low,volume\n0,1,1,1,1\n", "lacks close"),
        (_rows("0,1,1,2,1,1,0"), "f:2: not a candle"),
        (_rows("0,1,1,1,1,1,0", f"{HOUR},-1,1,-1,1,1,0"), "f:3: not a candle"),
        (_rows("0,1,1,1,nan,1,0"), "f:2: not a candle"),
        (_rows("0,1,inf,1,1,1,0"), "f:2: not a candle"),
        (_rows("0,1,x,1,1,1,0"), "f:2"),
        (_rows("0,1,1_0,1,1,1,0"), "f:2: not a plain number"),
        (_rows("soon,1,1,1,1,1,0"), "f:2: open_time"),
        (_rows(f"{HOUR},1,1,1,1,1,0", "0,1,1,1,1,1,0"), "not after"),
        (_rows("0,1,1,1,1,1,0", "0,1,1,1,1,1,0"), "not after"),
        (_rows("1000,1,1,1,1,1,0"), "not the start of a 1h candle"),
        (_rows(*(f"{n * 4 * HOUR},1,1,1,1,1,0" for n in range(3))), "holds 4h candles, not 1h"),
    ],
)
def test_what_is_no_candle_is_refused_with_its_line(text: str, part: str) -> None:
    """Nonsense is never computed with."""
    with pytest.raises(ConfigError) as caught:
        read_klines(text, "f", "BTCJPY", "1h")
    assert part in caught.value.message


def test_an_unclear_timeframe_asks_for_one() -> None:
    """One row says nothing about the step."""
    with pytest.raises(ConfigError) as caught:
        read_klines(_rows("0,1,1,1,1,1,0"), "f", "BTCJPY")
    assert "--interval" in caught.value.hint
