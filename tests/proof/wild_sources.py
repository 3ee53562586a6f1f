"""Random sources: a market, an account and a record as one cycle may see them, for `wild_rules` to be judged on.

Everything is fresh and whole but for a few holes that real days have (a missing candle, an empty side of a book,
maintenance, a fill of a minute ago, an order of unknown fate), so that `blind` can take away what it likes.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from autotrader.engine.halt import Halt
from autotrader.engine.requests import Context, Pause
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import Account, Health, OwnOrder, OwnRecord
from autotrader.market.candles import Candles
from autotrader.market.instrument import Instrument
from autotrader.market.needs import (
    BookNeed,
    CandleNeed,
    Need,
    StatusNeed,
    TickerNeed,
    TradingDayNeed,
)
from autotrader.market.snapshot import Book, ExchangeStatus, Seen, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.market.timeframe import approximate_ms, open_of
from autotrader.orders import Balance, Fill, Order, OrderStatus, Side
from autotrader.times import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from autotrader.market.candles import Floats

D = Decimal
SYMBOLS = ("BTCJPY", "ETHJPY")
START_MS = 1_699_920_000_000  # a Tuesday, 09:00 in Tokyo
BOOK_LEVELS = 100
_CENTRE = {"BTCJPY": 100_000, "ETHJPY": 5_000}
_ROWS = 580  # the longest warm-up is that of the supertrend
OWN = "at-wild-"


def settings() -> Settings:
    """An account file with every limit, close enough to be met now and then."""
    jpy = {"JPY": D(70_000)}
    return Settings(
        file="autotrader.yaml", symbols=SYMBOLS,
        limits=Limits(
            spend_per_day=jpy, loss_per_day={"JPY": D(300)}, keep_free={"JPY": D(5_000)}, halt_after=5, open_orders=6,
            orders_per_hour=8, holding={"BTC": D("1.5"), "ETH": D(9)}, price_band=D("0.4"),
        ),
    )  # fmt: skip


def instruments(now_ms: int) -> dict[str, Instrument]:
    """Both symbols, with filters read an hour ago."""
    kinds = frozenset({"LIMIT", "LIMIT_MAKER"})
    return {
        f"{base}JPY": Instrument(
            symbol=f"{base}JPY", base=base, quote="JPY", tick=D(1), step=D("0.00001"), min_quantity=D("0.00001"),
            min_notional=D(100), fetched_ms=now_ms - HOUR_MS, order_types=kinds,
        )
        for base in ("BTC", "ETH")
    }  # fmt: skip


def drawn_sources(chance: random.Random, now_ms: int) -> Sources:
    """What one cycle at `now_ms` sees."""
    seen: dict[Need, Seen] = {}
    for symbol in SYMBOLS:
        last = D(round(_CENTRE[symbol] * chance.uniform(0.988, 1.012)))
        seen[TickerNeed(symbol)] = _ticker(chance, symbol, last, now_ms - chance.randint(0, 4_000))
        seen[TradingDayNeed(symbol)] = _day(chance, symbol, last, now_ms - chance.randint(0, 4_000))
        seen[BookNeed(symbol, BOOK_LEVELS)] = _book(chance, symbol, last, now_ms - chance.randint(0, 4_000))
        for frame in ("1m", "1h"):
            seen[CandleNeed(symbol, frame, _ROWS)] = candles(symbol, frame, chance.randrange(4), now_ms)
    seen[StatusNeed()] = ExchangeStatus(chance.random() > 0.07, "maintenance", now_ms - chance.randint(0, 60_000))
    record = _record(chance, now_ms)
    return Sources(
        now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms, seen=seen), account=_account(chance, now_ms, record),
        record=record,
        health=Health(clock_skew_ms=chance.randint(-90_000, 90_000), weight_used=D(chance.randint(0, 9))),
        instruments=_some_closed(chance, instruments(now_ms)),
    )  # fmt: skip


def _some_closed(chance: random.Random, known: dict[str, Instrument]) -> dict[str, Instrument]:
    if chance.random() < 0.05:
        return {name: replace(one, status="BREAK") for name, one in known.items()}
    return known


def drawn_context(chance: random.Random, now_ms: int) -> Context:
    """Pauses and a halt, now and then."""
    pauses = (Pause("label", "some", now_ms + HOUR_MS),) if chance.random() < 0.1 else ()
    return Context(store_id="wild", pauses=pauses, halt=Halt("by hand") if chance.random() < 0.05 else None)


# ------------------------------------------------------------------------------------------------------- the market
def _ticker(chance: random.Random, symbol: str, last: Decimal, asked_ms: int) -> Ticker:
    return Ticker(
        symbol=symbol, last=last, open=last - chance.randint(-900, 900), high=last + 900, low=last - 900,
        volume=D(chance.randint(1, 100)), turnover=D(chance.randint(100_000, 30_000_000)),
        change=D(chance.randint(-400, 400)) / 100, open_time_ms=asked_ms - 500 - DAY_MS, close_time_ms=asked_ms - 500,
        asked_ms=asked_ms,
    )  # fmt: skip


def _day(chance: random.Random, symbol: str, last: Decimal, asked_ms: int) -> Ticker:
    return Ticker(
        symbol=symbol, last=last, open=last - chance.randint(-900, 900), high=last + 900, low=last - 900,
        volume=D(chance.randint(1, 100)), turnover=D(1), change=D(chance.randint(-400, 400)) / 100,
        open_time_ms=(begun := asked_ms // DAY_MS * DAY_MS), close_time_ms=begun + DAY_MS - 1, asked_ms=asked_ms,
    )  # fmt: skip


def _book(chance: random.Random, symbol: str, last: Decimal, asked_ms: int) -> Book:
    half, step = chance.choice((1, 20, 150)), chance.choice((1, 5, 40))
    levels = chance.choice((0, 3, 60, BOOK_LEVELS, BOOK_LEVELS)) if chance.random() < 0.4 else BOOK_LEVELS

    def side(sign: int) -> tuple[tuple[Decimal, Decimal], ...]:
        return tuple(
            (last + sign * (half + step * i), D(chance.randint(1, 300)) / 100)
            for i in range(levels)
            if last + sign * (half + step * i) > 0
        )

    return Book(
        symbol=symbol, bids=side(-1), asks=side(1), asked_levels=BOOK_LEVELS, update_id=1, asked_ms=asked_ms
    )  # fmt: skip


@lru_cache(maxsize=64)
def _walk(symbol: str, timeframe: str, variant: int) -> tuple[Floats, ...]:
    """Open, high, low, close and volume of a random walk around the symbol's centre."""
    import numpy as np

    chance = np.random.default_rng([variant, len(timeframe), ord(timeframe[-1]), ord(symbol[0])])
    steps = chance.normal(0, 0.002, _ROWS)
    walk = np.exp(np.cumsum(steps) - np.linspace(0, steps.sum(), _ROWS))
    close = np.round(_CENTRE[symbol] * walk)
    opened = np.concatenate([[close[0]], close[:-1]])
    spread = chance.integers(0, 200, (2, _ROWS))
    return opened, np.maximum(opened, close) + spread[0], np.minimum(opened, close) - spread[1], close, spread[0] / 10


@lru_cache(maxsize=512)
def candles(symbol: str, timeframe: str, variant: int, now_ms: int) -> Candles:
    """Closed candles up to now; variant 2 lacks one inside, variant 3 the newest."""
    import numpy as np

    size, newest = approximate_ms(timeframe), open_of(now_ms, timeframe) - approximate_ms(timeframe)
    opens = np.arange(newest - (_ROWS - 1) * size, newest + 1, size, dtype=np.int64)
    kept = np.ones(_ROWS, dtype=bool)
    if variant > 1:
        kept[-4 if variant == 2 else -1] = False
    opened, high, low, close, volume = (column[kept] for column in _walk(symbol, timeframe, variant))
    return Candles(
        symbol=symbol, timeframe=timeframe, open_ms=opens[kept], open=opened, high=high, low=low, close=close,
        volume=volume, turnover=volume * close, asked_ms=now_ms - 1_000,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- account and record
def _record(chance: random.Random, now_ms: int) -> OwnRecord:
    orders = tuple(_own(chance, number, now_ms) for number in range(chance.choice((0, 0, 1, 2, 4))))
    fills = tuple(_fill(chance, number, now_ms) for number in range(chance.choice((0, 1, 3))))
    return OwnRecord(
        orders=orders, fills=fills, errors_ms=tuple(now_ms - 1_000 * n for n in range(chance.choice((0, 0, 3)))),
        placed_ms=tuple(order.placed_ms for order in orders), refusals_in_a_row=chance.choice((0, 0, 0, 1, 5)),
    )  # fmt: skip


def _own(chance: random.Random, number: int, now_ms: int) -> OwnOrder:
    side = chance.choice((Side.BUY, Side.SELL))
    away = chance.randint(-200, 1_500)
    quantity = D(chance.randint(1, 20)) / 100
    executed = quantity / 2 if chance.random() < 0.3 else D(0)
    return OwnOrder(
        client_order_id=f"{OWN}{number}", order_id=100 + number, rule=f"r{chance.randrange(4)}", symbol="BTCJPY",
        side=side, price=D(100_000 - away if side is Side.BUY else 100_000 + away), quantity=quantity,
        executed=executed, quote_executed=executed * 100_000, placed_ms=now_ms - chance.randint(1_000, 3_000_000),
        cancel_at_ms=now_ms + 5_000 if chance.random() < 0.2 else None, tag=chance.choice(("", "x", "y")),
        labels=(), state="unknown" if chance.random() < 0.15 else "open",
    )  # fmt: skip


def _fill(chance: random.Random, number: int, now_ms: int) -> Fill:
    symbol = chance.choice(SYMBOLS)
    price, quantity = D(round(_CENTRE[symbol] * chance.uniform(0.97, 1.03))), D(chance.randint(1, 20)) / 100
    return Fill(
        symbol=symbol, trade_id=number, order_id=50 + number, side=chance.choice((Side.BUY, Side.SELL)), price=price,
        quantity=quantity, quote=price * quantity, fee=D(1), fee_asset="JPY",
        time_ms=now_ms - chance.randint(10_000, 5 * MINUTE_MS), is_maker=True,
    )  # fmt: skip


def _account(chance: random.Random, now_ms: int, record: OwnRecord) -> Account:
    free = {
        "JPY": chance.choice((3_000, 40_000, 2_000_000)),
        "BTC": chance.choice((0, 1)),
        "ETH": chance.choice((0, 3)),
    }
    listed = tuple(_listed(order) for order in record.orders if order.state == "open")
    if chance.random() < 0.3:  # placed by hand
        side, price = chance.choice(((Side.BUY, 99_950), (Side.SELL, 100_050)))
        listed = (*listed, _venue_order("by-hand", 900, side, D(price), D("0.05"), D(0), now_ms - HOUR_MS))
    return Account(
        balances={asset: Balance(asset, D(amount), D(0)) for asset, amount in free.items()},
        balances_asked_ms=now_ms - chance.randint(0, 4_000), open_orders={"BTCJPY": listed, "ETHJPY": ()},
        orders_asked_ms=dict.fromkeys(SYMBOLS, now_ms - chance.randint(0, 4_000)),
    )  # fmt: skip


def _listed(own: OwnOrder) -> Order:
    return _venue_order(
        own.client_order_id, own.order_id or 0, own.side, own.price, own.quantity, own.executed, own.placed_ms
    )


def _venue_order(
    cid: str, number: int, side: Side, price: Decimal, quantity: Decimal, executed: Decimal, placed_ms: int
) -> Order:
    return Order(
        symbol="BTCJPY", order_id=number, client_order_id=cid, side=side, type="LIMIT", tif="GTC", price=price,
        quantity=quantity, executed=executed, quote_executed=executed * price, status=OrderStatus.NEW,
        created_ms=placed_ms, updated_ms=placed_ms,
    )  # fmt: skip
