"""Tapes: recorded minutes, and the rule that turns a minute into trades.

A tape is a gzip (or plain) CSV file. Lines that start with ``#`` come first:

    #autotrader-tape 1
    #origin <where the figures come from, one line>
    #symbol BTCJPY unit=0.000001
    #play_from BTCJPY 1516806000000          what lies before is history
    #halt BTCJPY 1516474800000 1516475520000  no market in [from, to)

Then a header and one row a minute: ``symbol,time,open,high,low,close,volume,
taker_buy,bid,bid_qty,ask,ask_qty``. ``time`` is the minute's start in minutes
since the row before (the first one: since 1970). ``volume`` and ``taker_buy``
and the quote's sizes are whole multiples of the symbol's ``unit`` (base asset);
the quote is the best one at the minute's start. Empty quote: not recorded.
A minute without a row had no trade; a minute inside a halt does not exist.

The path rule. A minute's trades are at open, then low and high (a rising
minute: low first; a falling one: high first), then close, equal neighbours
merged; 3, 18, 33 and 48 seconds after the minute's start (fewer points:
the first ones of these). Volume is spread evenly over the points in whole
units, the rest to the last; takers' buys in the same proportion. A point is at most two trades: what
takers sold and what they bought, the direction of the price first.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from autotrader.errors import UsageError

MINUTE = 60_000
OFFSETS = (3_000, 18_000, 33_000, 48_000)
COLUMNS = "symbol,time,open,high,low,close,volume,taker_buy,bid,bid_qty,ask,ask_qty"
TAPES = Path(__file__).parent / "tapes"


class TapeError(UsageError):
    """A tape cannot be used; the message says which line and what is wrong."""


class BestQuote(NamedTuple):
    """Best bid and ask with their sizes (base asset)."""

    bid: Decimal
    bid_qty: Decimal
    ask: Decimal
    ask_qty: Decimal


class TapeMinute(NamedTuple):
    """A recorded or generated minute; volumes are whole units."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    taker_buy: int
    quote: BestQuote | None


class PathTrade(NamedTuple):
    """A trade made by the path rule: milliseconds after the minute's start, price, units, who took."""

    offset: int
    price: Decimal
    units: int
    taker_buys: bool


class MinuteSource(Protocol):
    """Where a symbol's minutes come from."""

    @property
    def unit(self) -> Decimal:
        """Volumes are whole multiples of this quantity (base asset)."""
        ...

    @property
    def first(self) -> int:
        """Start of the first minute, ms."""
        ...

    @property
    def play_from(self) -> int:
        """What lies before is history, ms."""
        ...

    def minutes(self) -> Iterator[TapeMinute]:
        """All minutes that have a row, in order."""
        ...

    def halted(self, open_time: int) -> bool:
        """Whether the market did not exist in the minute that starts at ``open_time`` (ms)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSource:
    """One symbol's part of a tape. Equal only to itself, so that what is made of it can be kept."""

    symbol: str
    unit: Decimal
    rows: tuple[TapeMinute, ...]
    halts: tuple[tuple[int, int], ...]
    play_from: int

    @property
    def first(self) -> int:
        """Start of the first minute, ms."""
        return self.rows[0].open_time

    def minutes(self) -> Iterator[TapeMinute]:
        """All recorded minutes."""
        return iter(self.rows)

    def halted(self, open_time: int) -> bool:
        """Whether a recorded halt covers that minute."""
        return any(begin <= open_time < end for begin, end in self.halts)


def path(minute: TapeMinute) -> tuple[PathTrade, ...]:
    """The trades of a minute, by the path rule of this module's head."""
    if minute.volume <= 0:
        return ()
    rising = minute.close >= minute.open
    wanted = (minute.open, *((minute.low, minute.high) if rising else (minute.high, minute.low)), minute.close)
    points = [p for i, p in enumerate(wanted) if i == 0 or p != wanted[i - 1]]
    volume, buys = max(minute.volume, len(points)), min(minute.taker_buy, minute.volume)
    trades: list[PathTrade] = []
    done = bought = 0
    before = minute.open
    for i, price in enumerate(points):
        upto = volume if i == len(points) - 1 else volume // len(points) * (i + 1)
        # From sums and not from parts: what is rounded off at one point comes back at a later one.
        bought_upto = buys * upto // volume
        buy = bought_upto - bought
        sides = [(buy, True), (upto - done - buy, False)]
        if price < before:
            sides.reverse()
        trades.extend(PathTrade(OFFSETS[i], price, units, taker) for units, taker in sides if units)
        done, bought, before = upto, bought_upto, price
    return tuple(trades)


def tape_path(name: str | Path) -> Path:
    """The file of a tape: as given, or the packaged tape of that name."""
    given = Path(name)
    if given.exists():
        return given
    packaged = TAPES / f"{name}.csv.gz"
    if packaged.exists():
        return packaged
    known = ", ".join(sorted(file.name.removesuffix(".csv.gz") for file in TAPES.glob("*.csv.gz")))
    raise TapeError(f"no tape {str(name)!r}: neither a file nor one of the packaged tapes ({known})")


def load(name: str | Path) -> dict[str, RecordedSource]:
    """The tape's symbols. Raises TapeError with the line that is wrong."""
    file = tape_path(name)
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _load(file: Path, _modified: int) -> dict[str, RecordedSource]:
    raw = file.read_bytes()
    try:
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        lines = content.decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TapeError(f"{file.name}: not a tape ({error})") from None
    return _parse(file.name, lines)


def _parse(name: str, lines: list[str]) -> dict[str, RecordedSource]:
    head = [line for line in lines if line.startswith("#")]
    if not head or head[0].split() != ["#autotrader-tape", "1"]:
        raise TapeError(f"{name}: line 1 must be '#autotrader-tape 1'")
    units: dict[str, Decimal] = {}
    halts: dict[str, list[tuple[int, int]]] = {}
    play: dict[str, int] = {}
    for number, line in enumerate(head, 1):
        word, *rest = line.split()
        try:
            if word == "#symbol":
                units[rest[0]] = Decimal(rest[1].removeprefix("unit="))
            elif word == "#halt":
                halts.setdefault(rest[0], []).append((int(rest[1]), int(rest[2])))
            elif word == "#play_from":
                play[rest[0]] = int(rest[1])
        except (IndexError, ValueError, InvalidOperation):
            raise TapeError(f"{name}: line {number}: cannot read {line!r}") from None
    rows = _rows(name, lines[len(head) :], len(head), units)
    return {
        symbol: RecordedSource(
            symbol, units[symbol], tuple(found), tuple(halts.get(symbol, ())), play.get(symbol, found[0].open_time)
        )
        for symbol, found in rows.items()
        if found
    }


def _rows(name: str, lines: list[str], before: int, units: dict[str, Decimal]) -> dict[str, list[TapeMinute]]:
    if not lines or lines[0] != COLUMNS:
        raise TapeError(f"{name}: line {before + 1} must be the header {COLUMNS!r}")
    rows: dict[str, list[TapeMinute]] = {symbol: [] for symbol in units}
    for number, cells in enumerate(csv.reader(lines[1:]), before + 2):
        try:
            symbol, delta, *prices = cells[:6]
            found = rows[symbol]
            start = int(delta) * MINUTE + (found[-1].open_time if found else 0)
            first, high, low, last = map(Decimal, prices)
            quote = _quote(cells[8:12], units[symbol])
            minute = TapeMinute(start, first, high, low, last, int(cells[6]), int(cells[7]), quote)
        except (ValueError, KeyError, IndexError, InvalidOperation):
            raise TapeError(f"{name}: line {number}: cannot read {','.join(cells)[:80]!r}") from None
        if not low <= min(first, last) <= max(first, last) <= high or (found and int(delta) < 1):
            raise TapeError(f"{name}: line {number}: prices or time out of order")
        found.append(minute)
    return rows


def _quote(cells: list[str], unit: Decimal) -> BestQuote | None:
    if not cells[0]:
        return None
    bid, bid_qty, ask, ask_qty = cells
    return BestQuote(Decimal(bid), int(bid_qty) * unit, Decimal(ask), int(ask_qty) * unit)


def dump(sources: list[RecordedSource], origin: str) -> bytes:
    """The tape file of ``sources`` (gzip, the same bytes for the same figures)."""
    out = io.StringIO()
    out.write(f"#autotrader-tape 1\n#origin {origin}\n")
    for source in sources:
        out.write(f"#symbol {source.symbol} unit={source.unit}\n#play_from {source.symbol} {source.play_from}\n")
        out.writelines(f"#halt {source.symbol} {begin} {end}\n" for begin, end in source.halts)
    out.write(COLUMNS + "\n")
    for source in sources:
        before = 0
        for row in source.rows:
            quote = _quote_cells(row.quote, source.unit)
            prices = f"{row.open},{row.high},{row.low},{row.close}"
            out.write(f"{source.symbol},{(row.open_time - before) // MINUTE},{prices},")
            out.write(f"{row.volume},{row.taker_buy},{quote}\n")
            before = row.open_time
    return gzip.compress(out.getvalue().encode(), 9, mtime=0)


def _quote_cells(quote: BestQuote | None, unit: Decimal) -> str:
    if quote is None:
        return ",,,"
    return f"{quote.bid},{int(quote.bid_qty / unit)},{quote.ask},{int(quote.ask_qty / unit)}"
