"""Faults of what the venue tells about markets: candles, book and prices.

Candle faults edit the answer. A candle is the venue's list: open time first, close time seventh.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from autotrader.simulator.faults.case import FaultCase, Kind
from autotrader.simulator.symbols import text

Row = list[Any]
CANDLES = ("GET klines", "GET uiKlines")
BOOKS = ("GET depth", "GET ticker/bookTicker")
PRICES = ("GET ticker/price", "GET ticker/24hr", "GET ticker/tradingDay", "GET ticker", "GET avgPrice")
OPEN, CLOSE, VOLUMES = 0, 6, (5, 7, 9, 10)


def _edited(change: Callable[[FaultCase, Any], bool]) -> Callable[[FaultCase], None]:
    """A fault that changes the parsed answer in place; the change says whether there was anything to do."""

    def act(case: FaultCase) -> None:
        value = case.value()
        case.done = value is not None and change(case, value)
        if case.done:
            case.show(value)

    return act


# ---- candles -------------------------------------------------------------------


def _stale(case: FaultCase, rows: list[Row]) -> bool:
    count = min(len(rows), int(case.settings["rows"]))
    del rows[len(rows) - count :]
    return count > 0


def _gap(case: FaultCase, rows: list[Row]) -> bool:
    count = min(max(0, len(rows) - 2), int(case.settings["rows"]))
    middle = (len(rows) - count) // 2
    del rows[middle : middle + count]
    return count > 0


def _after(row: Row) -> Row:
    """The candle that would follow."""
    length = row[CLOSE] + 1 - row[OPEN]
    return [row[OPEN] + length, *row[1:CLOSE], row[CLOSE] + length, *row[CLOSE + 1 :]]


def _future(case: FaultCase, rows: list[Row]) -> bool:
    if rows:
        row = rows[-1]
        while row[OPEN] <= case.exchange.now_ms:
            row = _after(row)
        rows.append(row)
    return bool(rows)


def _duplicated(_case: FaultCase, rows: list[Row]) -> bool:
    if rows:
        rows.insert(len(rows) // 2, list(rows[len(rows) // 2]))
    return bool(rows)


def _unclosed(case: FaultCase, rows: list[Row]) -> bool:
    """The open candle at the end, also where only closed ones were asked for."""
    if not rows or rows[-1][CLOSE] >= case.exchange.now_ms:
        return False
    row = rows[-1]
    while row[CLOSE] < case.exchange.now_ms:
        row = _after(row)
    rows.append(row)
    return True


def _no_volume(case: FaultCase, rows: list[Row]) -> bool:
    for row in rows[-int(case.settings["rows"]) :]:
        for index in VOLUMES:
            row[index] = "0.00000000"
        row[8] = 0
    return bool(rows)


def _disorder(_case: FaultCase, rows: list[Row]) -> bool:
    if len(rows) < 2:
        return False
    rows[-1], rows[-2] = rows[-2], rows[-1]
    return True


# ---- book and prices -------------------------------------------------------------


def _tickers(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def _crossed(_case: FaultCase, value: Any) -> bool:
    if isinstance(value, dict) and "bids" in value:
        bids, asks = value["bids"], value["asks"]
        if not bids or not asks:
            return False
        bids[0][0], asks[0][0] = asks[0][0], bids[0][0]
        return True
    for row in _tickers(value):
        row["bidPrice"], row["askPrice"] = row["askPrice"], row["bidPrice"]
    return True


def _empty(case: FaultCase, value: Any) -> bool:
    sides = {"bids": ["bid"], "asks": ["ask"]}.get(case.settings["side"], ["bid", "ask"])
    if isinstance(value, dict) and "bids" in value:
        for side in sides:
            value[f"{side}s"] = []
        return True
    for row in _tickers(value):
        row.update({f"{side}{what}": "0.00000000" for side in sides for what in ("Price", "Qty")})
    return True


def _book_back(case: FaultCase, value: Any) -> bool:
    value["lastUpdateId"] -= int(case.settings["by"])
    return True


def _price(case: FaultCase, value: Any) -> bool:
    """Another last price: as given, or the true one times a factor."""
    given, factor = case.settings["price"], Decimal(str(case.settings["factor"]))
    for row in _tickers(value):
        for name in ("price", "lastPrice"):
            if name in row:
                row[name] = str(given) if given is not None else text(Decimal(row[name]) * factor)
    return True


_ROWS = {"rows": 1}

KINDS: dict[str, Kind] = {
    "klines_stale": Kind("the newest `rows` candles are missing", CANDLES, {"rows": 3}, None, _edited(_stale)),
    "klines_gap": Kind("`rows` candles in the middle are missing", CANDLES, _ROWS, None, _edited(_gap)),
    "klines_future": Kind("a candle that has not begun", CANDLES, {}, None, _edited(_future)),
    "klines_duplicated": Kind("a candle stands twice", CANDLES, {}, None, _edited(_duplicated)),
    "klines_unclosed": Kind("the open candle, also where it was not asked for", CANDLES, {}, None, _edited(_unclosed)),
    "klines_no_volume": Kind("the newest `rows` candles without volume", CANDLES, _ROWS, None, _edited(_no_volume)),
    "klines_disorder": Kind("the last two candles change places", CANDLES, {}, None, _edited(_disorder)),
    "book_crossed": Kind("the best bid above the best ask", BOOKS, {}, None, _edited(_crossed)),
    "book_empty": Kind("nothing on `side`: bids, asks or both", BOOKS, {"side": "both"}, None, _edited(_empty)),
    "book_back": Kind("lastUpdateId goes back `by`", ("GET depth",), {"by": 1000}, None, _edited(_book_back)),
    "wrong_price": Kind(
        "the last price is `price` (0, NaN, 1e400, -1), or the true one times `factor`", PRICES,
        {"price": None, "factor": 0.1}, None, _edited(_price),
    ),
}  # fmt: skip
