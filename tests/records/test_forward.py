"""What the exchange says of an order comes late, twice, out of order and wrong: what is known only moves forward."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.orders import TERMINAL, Fill, Order, OrderStatus, Side
from autotrader.records.forward import RANK, advance
from tests.execution.desk import open_store

D = Decimal
SIZE = D("0.008")
STEP = D("0.001")


def described(status: OrderStatus, executed: Decimal, at_ms: int, *, order_id: int = 7, size: Decimal = SIZE) -> Order:
    """The exchange's words about one order."""
    return Order(
        symbol="BTCJPY", order_id=order_id, client_order_id=f"at-abcd-{order_id}", side=Side.BUY, type="LIMIT",
        tif="GTC", price=D(10_000_000), quantity=size, executed=executed, quote_executed=executed * 10_000_000,
        status=status, created_ms=1, updated_ms=at_ms,
    )  # fmt: skip


def history(chance: random.Random) -> list[Order]:
    """A true life: new, filled in parts, ended; after some ends a last fill comes behind the confirmed cancel."""
    done, at_ms = D(0), 1
    told = [described(OrderStatus.NEW, done, at_ms)]
    while done < SIZE and chance.random() < 0.8:
        done, at_ms = min(SIZE, done + STEP * chance.randint(1, 4)), at_ms + chance.randint(1, 50)
        told.append(described(OrderStatus.FILLED if done == SIZE else OrderStatus.PARTIALLY_FILLED, done, at_ms))
    if done < SIZE:
        ended = chance.choice((OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED))
        told.append(described(ended, done, at_ms + 1))
        if chance.random() < 0.3:
            told.append(described(ended, done + STEP, at_ms + 2))
    return told


def spoilt(chance: random.Random, told: list[Order]) -> list[Order]:
    """The same words as they arrive: repeated, out of order, with statuses that nobody knows."""
    heard = [chance.choice(told) for _ in range(chance.randint(len(told), 3 * len(told)))]
    strange = described(chance.choice((OrderStatus.OTHER, OrderStatus.PENDING_CANCEL)), told[-1].executed, 999)
    return [*heard, strange, told[-1]] if chance.random() < 0.2 else [*heard, told[-1]]


def check_steps(seed: int, steps: int) -> None:
    """Hear so many replies; no step may go back, and at the end the most that was ever said is known."""
    chance = random.Random(seed)
    heard = 0
    while heard < steps:
        told = history(chance)
        known = told[0]
        for seen in spoilt(chance, told):
            step = advance(known, seen)
            assert step.order.executed >= known.executed
            assert RANK[step.order.status] >= RANK[known.status]
            if known.status in TERMINAL:
                assert step.order.status is known.status
            assert step.moved == ((step.order.executed, step.order.status) != (known.executed, known.status))
            known, heard = step.order, heard + 1
        assert known.executed == told[-1].executed
        assert known.status in TERMINAL or told[-1].status not in TERMINAL


def test_no_reply_moves_an_order_back() -> None:
    """Executed quantity never falls and an ended order stays ended, whatever arrives in whatever order."""
    check_steps(1, 20_000)


@pytest.mark.deep
@pytest.mark.timeout(0)
def test_no_reply_moves_an_order_back_in_a_million_steps() -> None:
    """The same over a million replies."""
    check_steps(2, 1_000_000)


def check_fills(folder: Path, seed: int, patterns: int) -> None:
    """Book so many random fill patterns, each trade up to three times and in any order; sums must be exact."""
    chance = random.Random(seed)
    fees: dict[str, Decimal] = {}
    with open_store(folder) as store:
        for number in range(1, patterns + 1):
            parts = [D(chance.randint(1, 10**9)).scaleb(-8) for _ in range(chance.randint(1, 7))]
            fills = [_fill(chance, number, index, part) for index, part in enumerate(parts)]
            size = sum(parts, D(0))
            with store.transaction():
                store.orders.adopt(
                    described(OrderStatus.NEW, D(0), 1, order_id=number, size=size), 1, None, how="query"
                )
                store.orders.observe(described(OrderStatus.FILLED, size, 2, order_id=number, size=size), 2)
            heard = [fill for fill in fills for _ in range(chance.randint(1, 3))]
            chance.shuffle(heard)
            with store.transaction():
                news = [store.orders.book(fill, 3) for fill in heard]
            row = store.orders.get(f"at-abcd-{number}")
            assert row is not None
            assert row.booked == size
            assert row.settled
            assert sum(news) == len(fills)
            for fill in fills:
                fees[fill.fee_asset] = fees.get(fill.fee_asset, D(0)) + fill.fee
        booked: dict[str, Decimal] = {}
        for fill in store.orders.fills_since(0):
            booked[fill.fee_asset] = booked.get(fill.fee_asset, D(0)) + fill.fee
        assert booked == fees
        assert store.verify().whole


def _fill(chance: random.Random, number: int, index: int, part: Decimal) -> Fill:
    price = D(chance.randint(9_000_000, 11_000_000))
    return Fill(
        symbol="BTCJPY", trade_id=number * 10 + index, order_id=number, side=Side.BUY, price=price, quantity=part,
        quote=price * part, fee=D(chance.randint(0, 10**6)).scaleb(-8), fee_asset=chance.choice(("BTC", "JPY", "BNB")),
        time_ms=3, is_maker=chance.random() < 0.5,
    )  # fmt: skip


def test_partial_fills_are_booked_once_and_exactly(tmp_path: Path) -> None:
    """Trades in parts, repeated and out of order: each is booked once; sums and fees in any asset are exact."""
    check_fills(tmp_path / "store", 3, 100)


@pytest.mark.deep
@pytest.mark.timeout(0)
def test_ten_thousand_fill_patterns_are_booked_exactly(tmp_path: Path) -> None:
    """The same over ten thousand random patterns: difference 0."""
    check_fills(tmp_path / "store", 4, 10_000)
