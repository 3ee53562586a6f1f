"""A rule set of any size over any number of symbols, and a market in which each rule's last condition fails.

So that every comparison is made and nothing fires: the ordinary cycle, at its dearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from string import ascii_uppercase

import numpy as np

from autotrader.language.load import load
from autotrader.language.plan import Plan
from autotrader.market.account import Account, OwnRecord
from autotrader.market.candles import Candles
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BookNeed, CandleNeed, Need, StatusNeed, TickerNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Seen, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.orders import Balance

NOW_MS = 1_700_000_010_000 // 60_000 * 60_000
HOUR_MS = 3_600_000
CANDLES = 400
PER_FILE = 100  # a file may have 256 kB
RULE = """\
  rule_{number}:
    symbol: {symbol}
    every: 1m
    when:
      all:
        - last < {last} JPY
        - change_24h <= {change}%
        - spread <= 0.{spread}%
        - rsi(14, 1h) < {rsi}
    cooldown: 12h
    then:
      - buy: {{spend: {spend} JPY, price: bid - 0.2%, cancel_after: 90s}}
      - notify: "{{symbol}} at {{last}}: {{rule}}"
"""
LAST = Decimal(100_000)


def symbols(count: int) -> list[str]:
    """So many symbols of an exchange that trades in yen."""
    letters = ascii_uppercase
    return [f"{letters[number // 26]}{letters[number % 26]}XJPY" for number in range(count)]


def instruments(count: int) -> Mapping[str, Instrument]:
    """What such an exchange says of them."""
    return {
        name: Instrument(
            symbol=name, base=name[:3], quote="JPY", tick=Decimal(1), min_price=Decimal(1),
            max_price=Decimal(1_000_000_000), step=Decimal("0.00001"), min_quantity=Decimal("0.00001"),
            max_quantity=Decimal(9000), min_notional=Decimal(100), fetched_ms=NOW_MS,
            order_types=frozenset({"LIMIT", "LIMIT_MAKER"}),
        )
        for name in symbols(count)
    }  # fmt: skip


def rule_texts(rules: int, count: int) -> dict[str, bytes]:
    """Rule files by name. A rule has four conditions: last price, change, spread, an indicator; limits differ."""
    starts = range(0, rules, PER_FILE)
    return {f"rules{first}.yaml": _text(range(first, min(first + PER_FILE, rules)), count) for first in starts}


def _text(numbers: range, count: int) -> bytes:
    names = symbols(count)
    rules = [RULE.format(number=number, symbol=names[number % count], **_limits(number)) for number in numbers]
    return ("version: 1\nrules:\n" + "".join(rules)).encode()


def _limits(number: int) -> dict[str, int]:
    return {
        "last": 200_000 + number, "change": 5 + number % 7, "spread": 15 + number % 80, "rsi": 5 + number % 20,
        "spend": 10_000 + number,
    }  # fmt: skip


def plan_of(rules: int, count: int) -> Plan:
    """The loaded rule set."""
    plan, problems = load(rule_texts(rules, count), None, instruments(count))
    assert plan is not None, problems[:3]
    return plan


def sources(count: int) -> Sources:
    """Everything a cycle looks at, in memory, fresh."""
    seen: dict[Need, Seen] = {StatusNeed(): ExchangeStatus(normal=True, message="", asked_ms=NOW_MS)}
    for number, name in enumerate(symbols(count)):
        seen[TickerNeed(name)] = Ticker(
            symbol=name, last=LAST, open=LAST, high=LAST, low=LAST, volume=Decimal(1), turnover=LAST,
            change=Decimal("-1.5"), open_time_ms=NOW_MS, close_time_ms=NOW_MS, asked_ms=NOW_MS,
        )  # fmt: skip
        seen[BookNeed(name, 5)] = Book(
            symbol=name, bids=((LAST - 10, Decimal(5)),), asks=((LAST + 10, Decimal(5)),), asked_levels=5, update_id=1,
            asked_ms=NOW_MS,
        )  # fmt: skip
        seen[CandleNeed(name, "1h", CANDLES)] = _candles(name, number)
    balances = {"JPY": Balance("JPY", Decimal(1_000_000), Decimal(0))}
    return Sources(
        now_ms=NOW_MS,
        snapshot=Snapshot(now_ms=NOW_MS, seen=seen),
        account=Account(balances=balances, balances_asked_ms=NOW_MS),
        record=OwnRecord(),
        instruments=instruments(count),
    )


def _candles(name: str, seed: int) -> Candles:
    first = NOW_MS // HOUR_MS * HOUR_MS - CANDLES * HOUR_MS
    close = 100_000 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.002, CANDLES)))
    return Candles(
        symbol=name, timeframe="1h", open_ms=first + HOUR_MS * np.arange(CANDLES, dtype=np.int64), open=close,
        high=close * 1.001, low=close * 0.999, close=close, volume=np.ones(CANDLES), turnover=close, asked_ms=NOW_MS,
    )  # fmt: skip
