"""Faults of what the venue tells about markets: candles, book and prices, filters that change, symbols that stop.

Candle faults edit the answer. A candle is the venue's list: open time first, close time seventh.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autotrader.simulator.fault_state import rewritten
from autotrader.simulator.symbols import SymbolSpec, text

if TYPE_CHECKING:
    from autotrader.simulator.faults import Case

Act = Callable[["Case"], object] | None
Entry = tuple[str, tuple[str, ...], Mapping[str, Any], Act, Act]
Row = list[Any]
CANDLES = ("GET klines", "GET uiKlines")
BOOKS = ("GET depth", "GET ticker/bookTicker")
PRICES = ("GET ticker/price", "GET ticker/24hr", "GET ticker/tradingDay", "GET ticker", "GET avgPrice")
OPEN, CLOSE, VOLUMES = 0, 6, (5, 7, 9, 10)
CHANGEABLE = {field.name: field.type for field in fields(SymbolSpec) if field.type == "Decimal"}


def _body(case: Case) -> Any:
    """The parsed answer, None where it is a refusal."""
    answer = case.answer
    case.done = answer is not None and answer.status == 200
    return json.loads(answer.body) if answer is not None and case.done else None


def _edited(change: Callable[[Case, Any], bool]) -> Callable[[Case], None]:
    """A fault that changes the parsed answer in place; the change says whether there was anything to do."""

    def act(case: Case) -> None:
        value = _body(case)
        case.done = value is not None and change(case, value)
        if case.done and case.answer is not None:
            case.answer = rewritten(case.answer, value)

    return act


# ---- candles -------------------------------------------------------------------


def _stale(case: Case, rows: list[Row]) -> bool:
    count = min(len(rows), int(case.settings["rows"]))
    del rows[len(rows) - count :]
    return count > 0


def _gap(case: Case, rows: list[Row]) -> bool:
    count = min(max(0, len(rows) - 2), int(case.settings["rows"]))
    middle = (len(rows) - count) // 2
    del rows[middle : middle + count]
    return count > 0


def _after(row: Row) -> Row:
    """The candle that would follow."""
    length = row[CLOSE] + 1 - row[OPEN]
    return [row[OPEN] + length, *row[1:CLOSE], row[CLOSE] + length, *row[CLOSE + 1 :]]


def _future(case: Case, rows: list[Row]) -> bool:
    if rows:
        row = rows[-1]
        while row[OPEN] <= case.exchange.now_ms:
            row = _after(row)
        rows.append(row)
    return bool(rows)


def _duplicated(_case: Case, rows: list[Row]) -> bool:
    if rows:
        rows.insert(len(rows) // 2, list(rows[len(rows) // 2]))
    return bool(rows)


def _unclosed(case: Case, rows: list[Row]) -> bool:
    """The open candle at the end, also where only closed ones were asked for."""
    if not rows or rows[-1][CLOSE] >= case.exchange.now_ms:
        return False
    row = rows[-1]
    while row[CLOSE] < case.exchange.now_ms:
        row = _after(row)
    rows.append(row)
    return True


def _no_volume(case: Case, rows: list[Row]) -> bool:
    for row in rows[-int(case.settings["rows"]) :]:
        for index in VOLUMES:
            row[index] = "0.00000000"
        row[8] = 0
    return bool(rows)


def _disorder(_case: Case, rows: list[Row]) -> bool:
    if len(rows) < 2:
        return False
    rows[-1], rows[-2] = rows[-2], rows[-1]
    return True


# ---- book and prices -------------------------------------------------------------


def _tickers(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def _crossed(_case: Case, value: Any) -> bool:
    if isinstance(value, dict) and "bids" in value:
        bids, asks = value["bids"], value["asks"]
        if not bids or not asks:
            return False
        bids[0][0], asks[0][0] = asks[0][0], bids[0][0]
        return True
    for row in _tickers(value):
        row["bidPrice"], row["askPrice"] = row["askPrice"], row["bidPrice"]
    return True


def _empty(case: Case, value: Any) -> bool:
    sides = {"bids": ["bid"], "asks": ["ask"]}.get(case.settings["side"], ["bid", "ask"])
    if isinstance(value, dict) and "bids" in value:
        for side in sides:
            value[f"{side}s"] = []
        return True
    for row in _tickers(value):
        row.update({f"{side}{what}": "0.00000000" for side in sides for what in ("Price", "Qty")})
    return True


def _book_back(case: Case, value: Any) -> bool:
    value["lastUpdateId"] -= int(case.settings["by"])
    return True


def _price(case: Case, value: Any) -> bool:
    """Another last price: as given, or the true one times a factor."""
    given, factor = case.settings["price"], Decimal(str(case.settings["factor"]))
    for row in _tickers(value):
        for name in ("price", "lastPrice"):
            if name in row:
                row[name] = str(given) if given is not None else text(Decimal(row[name]) * factor)
    return True


# ---- symbols -------------------------------------------------------------------


def _symbols(case: Case) -> list[str]:
    asked = case.settings["symbol"]
    return list(case.exchange.markets) if asked is None else [asked]


def _filters(case: Case) -> None:
    given = {name: value for name, value in case.settings.items() if name != "symbol" and value is not None}
    changes = {name: Decimal(str(value)) for name, value in given.items()}
    for name in _symbols(case):
        market = case.exchange.markets[name]
        market.spec = replace(market.spec, **changes)  # type: ignore[arg-type]  # only Decimal fields are offered
    case.details = {name: str(value) for name, value in changes.items()}


def _status(case: Case) -> None:
    statuses = case.exchange.statuses
    names = _symbols(case)
    before = {name: statuses[name] for name in names}
    wanted = case.settings["status"]
    statuses.update(dict.fromkeys(names, wanted))
    case.state.for_a_while(case.settings["seconds"], lambda: statuses.update(before))
    case.details = {"symbols": names, "status": wanted}


_ALL = ("*",)
_ROWS = {"rows": 1}

ENTRIES: dict[str, Entry] = {
    "klines_stale": ("the newest `rows` candles are missing", CANDLES, {"rows": 3}, None, _edited(_stale)),
    "klines_gap": ("`rows` candles in the middle are missing", CANDLES, _ROWS, None, _edited(_gap)),
    "klines_future": ("a candle that has not begun", CANDLES, {}, None, _edited(_future)),
    "klines_duplicated": ("a candle stands twice", CANDLES, {}, None, _edited(_duplicated)),
    "klines_unclosed": ("the open candle, also where it was not asked for", CANDLES, {}, None, _edited(_unclosed)),
    "klines_no_volume": ("the newest `rows` candles without volume", CANDLES, _ROWS, None, _edited(_no_volume)),
    "klines_disorder": ("the last two candles change places", CANDLES, {}, None, _edited(_disorder)),
    "book_crossed": ("the best bid above the best ask", BOOKS, {}, None, _edited(_crossed)),
    "book_empty": ("nothing on `side`: bids, asks or both", BOOKS, {"side": "both"}, None, _edited(_empty)),
    "book_back": ("lastUpdateId goes back `by`", ("GET depth",), {"by": 1000}, None, _edited(_book_back)),
    "wrong_price": (
        "the last price is `price` (0, NaN, 1e400, -1), or the true one times `factor`", PRICES,
        {"price": None, "factor": 0.1}, None, _edited(_price),
    ),
    "filters_change": (
        "a symbol's figures change: tick, step, min_qty, min_notional …", _ALL,
        {"symbol": None} | dict.fromkeys(CHANGEABLE), _filters, None,
    ),
    "symbol_status": (
        "BREAK, HALT … for `seconds` (0: for good)", _ALL, {"symbol": None, "status": "BREAK", "seconds": 60.0},
        _status, None,
    ),
}  # fmt: skip
