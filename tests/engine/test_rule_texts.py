"""Whole rules from their YAML text through the engine: what the rule language's examples promise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from autotrader.engine.outcome import Outcome
from autotrader.language.load import load
from autotrader.language.requests import NotifyRequest
from autotrader.market.candles import Candles
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BookNeed, CandleNeed, StatusNeed, TickerNeed
from autotrader.market.snapshot import ExchangeStatus, Snapshot
from autotrader.market.sources import Sources
from autotrader.market.timeframe import FIXED_MS, open_of
from autotrader.orders import OrderType
from autotrader.times import DAY_MS
from tests.worlds.values import START, SYMBOL, D, World, account_of, book, ticker

BTC = Instrument(
    symbol=SYMBOL, base="BTC", quote="JPY", tick=D(1), step=D("0.00001"), min_quantity=D("0.00001"),
    min_notional=D(100), fetched_ms=START, order_types=frozenset({"LIMIT", "LIMIT_MAKER"}),
)  # fmt: skip
DIP = """
version: 1
params:
  dip:   {default: -5%,        min: -30%,       max: -4%,        help: 24h move that counts as a dip}
  spend: {default: 10_000 JPY, min: 1_000 JPY,  max: 50_000 JPY, help: yen spent per dip}
rules:
  buy_the_dip:
    about: Buy a little BTC when it falls hard but the long trend is still up.
    symbol: BTCJPY
    every: 30s
    when:
      all:
        - change_24h <= $dip for 2m
        - last > sma(200, 1d)
        - spread <= 0.20%
        - free(JPY) >= $spend
    rearm_when: change_24h > -3%
    cooldown: 12h
    max_runs: 2 per day
    then:
      - buy:
          spend: $spend
          price: bid - 0.2%
          post_only: true
          cancel_after: 30m
      - notify: "{symbol} {change_24h} in 24h: bid {order.price} for {order.size}"
"""


def world_of(text: str) -> World:
    """A world that runs a rule file."""
    plan, problems = load({"rules/test.yaml": text}, None, {SYMBOL: BTC})
    assert plan is not None, problems
    return World(plan)


def daily(price: float, now_ms: int, count: int = 400, timeframe: str = "1d") -> Candles:
    """Flat candles up to now."""
    size = FIXED_MS[timeframe]
    last = open_of(now_ms, timeframe) - size
    opens = np.arange(last - (count - 1) * size, last + 1, size, dtype=np.int64)
    column = np.full(count, price)
    return Candles(symbol=SYMBOL, timeframe=timeframe, open_ms=opens, open=column, high=column, low=column,
                   close=column, volume=column, turnover=column, asked_ms=now_ms)  # fmt: skip


def step(world: World, change: str, *, book_ms: int | None = None, more: Any = None) -> Outcome:
    """One cycle of the dip's market."""
    now = world.now_ms
    seen: dict[Any, Any] = {
        StatusNeed(): ExchangeStatus(True, "", now), TickerNeed(SYMBOL): ticker(now, 15_005_000, change),
        CandleNeed(SYMBOL, "1d", 400): daily(14_000_000.0, now),
        BookNeed(SYMBOL, 5): book(now if book_ms is None else book_ms, 15_000_000, 15_010_000), **(more or {}),
    }  # fmt: skip
    look = Sources(now_ms=now, snapshot=Snapshot(now_ms=now, seen=seen), account=account_of(now, jpy=100_000, btc=0),
                   record=world.record, instruments={SYMBOL: BTC})  # fmt: skip
    return world.step(sources=look)


def test_a_dip_held_two_minutes_buys_once() -> None:
    """The example of the rule language: pending while the dip is young, one post-only buy, no second one."""
    world = world_of(DIP)
    for _ in range(4):
        step(world, "-4")
    fired = [step(world, "-6").decisions[0].fired for _ in range(20)]
    assert fired == [False] * 4 + [True] + [False] * 15
    (request,) = world.orders
    order = request.order
    assert (order.type, order.price, order.quantity) == (OrderType.LIMIT_MAKER, D(14_970_000), D("0.00066"))
    assert order.notional <= Decimal(10_000)
    assert request.cancel_after_ms == 30 * 60_000


def test_a_blind_book_never_buys() -> None:
    """With a stale book the condition is unknown, and says which word is old."""
    world = world_of(DIP.replace("    every: 30s", "    every: 30s\n    on_unknown: alert"))
    outcomes = [step(world, "-9", book_ms=START) for _ in range(20)]
    assert world.orders == []
    assert [outcome.decisions[0].holds for outcome in outcomes[4:]] == [None] * 16
    assert any("spread" in notice and "book is" in notice for notice in world.notices)


def test_rsi_and_crossings_from_text() -> None:
    """A candle crossing, a signal and a shape over candles are decided from the text to the message."""
    world = world_of(
        """
version: 1
signals:
  flat: close(1h) near 100 JPY within 1%
rules:
  recovery:
    symbol: BTCJPY
    on_close: 1h
    when:
      all:
        - signal(flat)
        - close(1h) crosses above 100.5 JPY
        - close(1h) < 150 JPY within last 2 candles
    then:
      - notify: "{symbol} closed at {close(1h)}"
"""
    )
    world.now_ms = START // DAY_MS * DAY_MS + 300
    for last in (100.0, 100.9, 100.0):
        candles = daily(100.0, world.now_ms, timeframe="1h")
        column = candles.close.copy()
        column[-1] = last
        known = Candles(**{name: getattr(candles, name) for name in ("symbol", "timeframe", "open_ms", "asked_ms")},
                        open=column, high=column, low=column, close=column, volume=column, turnover=column)  # fmt: skip
        step(world, "0", more={CandleNeed(SYMBOL, "1h", 400): known})
        world.now_ms += 3_600_000 - 30_000
    said = [request.text for request in world.requests if isinstance(request, NotifyRequest)]
    assert said == ["BTCJPY closed at 100.9 JPY"]
    assert [decision.holds for decision in world.decisions] == [False, True, False]


def test_cancelling_stale_orders_from_text() -> None:
    """`for_each_order` with `order.age` cancels what is old, and names it."""
    from autotrader.market.account import OwnRecord
    from tests.worlds.values import own

    world = world_of(
        """
version: 1
rules:
  cancel_stale_buys:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader}
    when:
      any:
        - order.age > 30m
        - order.distance > 1.5%
    then:
      - cancel
      - notify: "cancelled {order.id}: {order.age} old, {order.distance} from the bid"
"""
    )
    world.now_ms = START // 60_000 * 60_000 + 60_000
    near, old = own("near", price=D(14_990_000), placed_ms=world.now_ms), own("old", price=D(14_990_000), placed_ms=0)
    world.record = OwnRecord(orders=(near, old, own("far", price=D(14_000_000), placed_ms=world.now_ms)))
    step(world, "0")
    assert sorted(getattr(request, "id", "") for request in world.requests) == ["far", "old"]


def test_a_weekly_choice_from_text() -> None:
    """`at` with `choose`: the price under the mean takes the first branch, else the other."""
    world = world_of(
        """
version: 1
rules:
  weekly:
    symbol: BTCJPY
    at: tue 20:30 JST
    catch_up: once within 6h
    choose:
      - if: last < sma(200, 1d) - 20%
        then:
          - buy: {spend: 8_000 JPY, price: ask, cancel_after: 1h}
      - else:
          - buy: {spend: 4_000 JPY, price: ask, cancel_after: 1h}
"""
    )
    monday = START // (7 * DAY_MS) * 7 * DAY_MS + 4 * DAY_MS
    world.now_ms = monday + DAY_MS + 11 * 3_600_000 + 30 * 60_000 + 400
    step(world, "0")
    assert [request.order.notional.quantize(D(1)) for request in world.orders] == [D(3903)]
