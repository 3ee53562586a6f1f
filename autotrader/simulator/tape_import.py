"""Makes a tape from recorded one-minute candles and, where there are, recorded best quotes.

    python -m autotrader.simulator.tape_import KLINES.csv --quotes QUOTES.csv --symbol BTCJPY --out TAPE.csv.gz

The candle file has the venue's kline columns with a header (at least the first
six; taker_buy_volume is used when it is there, else half of the volume). The
quote file has ``time,bid_price,bid_qty,ask_price,ask_qty``. Prices stay as they
are; quantities are rounded down to ``--unit`` (at least one unit). Three or more
minutes in a row with neither a candle nor a quote are a halt; shorter
absences are minutes without a trade.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from autotrader.simulator.tape import MINUTE, BestQuote, RecordedSource, TapeMinute, dump

HALT_MINUTES = 3


def recorded(
    klines: Path, quotes: Path | None, symbol: str, unit: Decimal, play_from: int | None = None
) -> RecordedSource:
    """The tape part of one symbol made from recorded files."""
    best = _quotes(quotes, unit) if quotes else {}
    with klines.open(newline="", encoding="utf-8") as file:
        rows = tuple(_minute(row, best, unit) for row in csv.DictReader(file))
    halts = _halts({row.open_time for row in rows} | best.keys(), rows[0].open_time, rows[-1].open_time)
    return RecordedSource(symbol, unit, rows, halts, play_from if play_from is not None else rows[0].open_time)


def _units(cell: str, unit: Decimal) -> int:
    return max(1, int(Decimal(cell) / unit))


def _minute(row: dict[str, str], best: dict[int, BestQuote], unit: Decimal) -> TapeMinute:
    start = int(row["open_time"]) // MINUTE * MINUTE
    empty = not Decimal(row["volume"])
    volume = 0 if empty else _units(row["volume"], unit)
    buys = int(Decimal(row["taker_buy_volume"]) / unit) if row.get("taker_buy_volume") else volume // 2
    first, high, low, last = (Decimal(row[name]) for name in ("open", "high", "low", "close"))
    return TapeMinute(start, first, high, low, last, volume, min(buys, volume), best.get(start))


def _quotes(file: Path, unit: Decimal) -> dict[int, BestQuote]:
    found: dict[int, BestQuote] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            bid, ask = Decimal(row["bid_price"]), Decimal(row["ask_price"])
            if 0 < bid < ask:
                sizes = (_units(row["bid_qty"], unit) * unit, _units(row["ask_qty"], unit) * unit)
                found[int(row["time"]) // MINUTE * MINUTE] = BestQuote(bid, sizes[0], ask, sizes[1])
    return found


def _halts(present: set[int], first: int, last: int) -> tuple[tuple[int, int], ...]:
    halts: list[tuple[int, int]] = []
    begin: int | None = None
    for start in range(first, last + MINUTE, MINUTE):
        if start not in present:
            begin = start if begin is None else begin
        elif begin is not None:
            if start - begin >= HALT_MINUTES * MINUTE:
                halts.append((begin, start))
            begin = None
    return tuple(halts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="tape_import", description="Make a simulator tape from recorded minutes.")
    parser.add_argument("klines", type=Path)
    parser.add_argument("--quotes", type=Path)
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--unit", type=Decimal, default=Decimal("0.000001"))
    parser.add_argument("--play-from", type=int, help="milliseconds UTC; what lies before is history")
    parser.add_argument("--origin", required=True, help="one line that names where the figures come from")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    source = recorded(given.klines, given.quotes, given.symbol, given.unit, given.play_from)
    given.out.write_bytes(dump([source], given.origin))
    sys.stdout.write(f"{given.out}: {len(source.rows)} minutes, {len(source.halts)} halts\n")


if __name__ == "__main__":
    main()
