"""Attacks on the money path over a real exchange on loopback: crashes between steps, garbage, halts, closed markets."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.engine.budget import budget_of
from autotrader.errors import SafetyRefused
from autotrader.exchanges.binance import client, endpoints
from autotrader.orders import (
    CancelRequest,
    CancelResult,
    Fill,
    NotFound,
    NotSent,
    Order,
    OrderStatus,
    Rejected,
    Side,
    TimeInForce,
    Unknown,
)
from autotrader.prove.harness import SilentNotifier
from autotrader.records.intents import IntentState
from autotrader.service.hand import Wanted, place_by_hand
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator
from autotrader.simulator.harness import milliseconds
from autotrader.simulator.protocol import Answer
from autotrader.trading.carry import Carrier
from tests.worlds.project import TAPE, opened, own_orders, played, simulator

pytestmark = pytest.mark.timeout(1200)

STALE = """
version: 1
rules:
  one_bid:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    then:
      - buy: {spend: 10_000 JPY, price: bid - 3%}
  cancel_old:
    symbol: BTCJPY
    every: 1m
    for_each_order: {side: buy, owner: autotrader}
    when: order.age > 5m
    then:
      - cancel
"""
DAILY = """
version: 1
rules:
  every_day:
    symbol: BTCJPY
    at: [daily 10:01 JST]
    when: last > 0 JPY
    then:
      - buy: {spend: 10_000 JPY, price: bid - 3%}
"""


class Died(BaseException):
    """The process ends here: no handler runs but those that close files."""


def test_a_cancel_that_a_crash_kept_from_leaving_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided and recorded, then kill -9 before the cancel was written: after the restart the order is cancelled."""

    def die(self: Carrier, number: int, places: object, cancels: list[object]) -> None:
        if cancels:
            raise Died
        original(self, number, places, cancels)  # type: ignore[arg-type]

    with simulator() as sim:
        original = Carrier.carry_out
        monkeypatch.setattr(Carrier, "carry_out", die)
        with pytest.raises(Died), opened(tmp_path, sim, STALE, live=True) as world:
            played(world, 0.2)
        monkeypatch.undo()
        with opened(tmp_path, sim, STALE, live=True) as world:
            played(world, 0.1)
            (order,) = own_orders(world).values()
            assert order.status == "CANCELED"
            assert not world.cycle.kept.runs


def test_a_firing_whose_intent_was_never_sent_is_made_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daily rule, kill -9 between intent and POST: after the restart it is tried again, not on the next day."""

    def die(self: Carrier, number: int, places: object, cancels: object) -> None:
        raise Died

    with simulator() as sim:
        monkeypatch.setattr(Carrier, "carry_out", die)
        with pytest.raises(Died), opened(tmp_path, sim, DAILY, live=True) as world:
            played(world, 24)
        monkeypatch.undo()
        with opened(tmp_path, sim, DAILY, live=True) as world:
            played(world, 0.1)
            assert [order.status for order in own_orders(world).values()] == ["NEW"]


def test_a_market_that_closes_for_minutes_halts_nothing(tmp_path: Path) -> None:
    """The recorded halt of 19:00 to 19:12 UTC: one refusal says that it is closed, then rules wait, then they go on."""
    rules = """
version: 1
rules:
  each_minute:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    repeat: every 1m while true
    then:
      - buy: {spend: 10_000 JPY, price: bid - 2%, cancel_after: 4m}
"""
    yen = [Account.named("main", {"JPY": "50000000", "BTC": "0"})]
    with (
        Simulator(tape=TAPE, time="stepped", start_at="2018-01-20T18:57:00Z", accounts=yen) as sim,
        opened(tmp_path, sim, rules, live=True) as world,
    ):
        played(world, 0.4)
        assert world.store.halted() is None
        refused = [row for row in world.store.intents.latest(100) if row.state is not IntentState.ACCEPTED]
        assert len(refused) <= 1
        after = [
            order for order in own_orders(world).values() if order.created_ms >= milliseconds("2018-01-20T19:12:00Z")
        ]
        assert len(after) >= 7


def test_a_timer_that_cannot_cancel_asks_again_but_not_in_a_hot_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no cancel can be sent for half an hour, an order's timer is tried now and then; after it, it is kept."""
    rules = STALE.replace("price: bid - 3%", "price: bid - 3%, cancel_after: 1m").partition("  cancel_old:")[0]
    asked: list[int] = []
    with simulator() as sim, opened(tmp_path, sim, rules, live=True) as world:
        clock = world.connection.clock
        opens_ms = clock.now_ms() + 1_800_000

        def closed(request: CancelRequest) -> CancelResult:
            asked.append(clock.now_ms())
            return NotSent("the exchange is silent") if clock.now_ms() < opens_ms else cancel(request)

        cancel = world.broker.cancel
        monkeypatch.setattr(world.broker, "cancel", closed)
        played(world, 0.6)
        (order,) = own_orders(world).values()
    assert order.status == "CANCELED"
    assert opens_ms <= order.updated_ms <= opens_ms + 10_000
    assert len(asked) <= 30 * 12 + 2


def test_orders_by_hand_in_quick_succession_keep_the_days_limit(tmp_path: Path) -> None:
    """What the first order bought a moment ago counts for the second, although nobody looked in between."""
    with simulator() as sim, opened(tmp_path, sim, DAILY, live=True) as world:
        book = world.connection.calls.depth("BTCJPY")
        price = (book.asks[0][0] * Decimal("1.02")).quantize(Decimal(1))
        size = (Decimal(23_000_000) / price).quantize(Decimal("0.0001"))
        wanted = Wanted(symbol="BTCJPY", side=Side.BUY, price=price, quantity=size, tif=TimeInForce.IOC)
        assert place_by_hand(world, wanted)["executed"] != "0"
        world.connection.clock.sleep(1)
        with pytest.raises(SafetyRefused, match="spend_per_day"):
            place_by_hand(world, replace(wanted, quantity=(size * Decimal("0.9")).quantize(Decimal("0.0001"))))


ONCE = """
version: 1
rules:
  at_market:
    symbol: BTCJPY
    every: 1m
    when: last > 0 JPY
    then:
      - buy: {spend: 10_000 JPY, price: market}
"""


def test_a_single_run_books_what_it_bought(tmp_path: Path) -> None:
    """`run --once` ends with the trades of its orders in the record, and says nothing of slots between two runs."""
    heard = SilentNotifier()
    with simulator() as sim:
        for _ in range(2):
            with opened(tmp_path, sim, ONCE, live=True, heard=heard) as world:
                Runner(world, RunMode(once=True, stepped=True)).run()
                assert len(world.store.orders.fills_since(0)) == len(sim.trades()) > 0
            sim.advance(600)
    assert not any("missed" in text for _, _, text in heard.messages)


def test_silence_of_the_exchange_is_told_once_and_so_is_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No data for ten minutes: nothing is traded, people hear of it once, and once that it is over."""
    monkeypatch.setattr(client, "_FIRST_PAUSE", 0.002)  # each question is tried as often, only sooner
    heard = SilentNotifier()
    with simulator() as sim, opened(tmp_path, sim, ONCE, live=True, heard=heard) as world:
        handle, opens_ms = sim.exchange.handle, sim.exchange.now_ms + 600_000

        def silent(method: str, path: str, *rest: Any) -> Answer:
            if path.startswith("/simulator/") or sim.exchange.now_ms >= opens_ms:
                return handle(method, path, *rest)
            return Answer(503, {"Content-Type": "text/html"}, b"<html>gone</html>")

        monkeypatch.setattr(sim.exchange, "handle", silent)
        played(world, 0.25)
        (order,) = own_orders(world).values()
        assert order.created_ms >= opens_ms
    told = [text for _, _, text in heard.messages]
    assert [text.startswith("no data") for text in told].count(True) == 1
    assert told.count("data is there again") == 1


def test_the_budget_holds_while_an_order_rests(tmp_path: Path) -> None:
    """Requests of half an hour in which an order is open all the time weigh no more than what was said before."""
    rules = STALE.partition("  cancel_old:")[0]
    other = {"/api/v3/openOrders": 6, "/api/v3/ticker/24hr": 2, "/api/v3/ticker/bookTicker": 2}
    with simulator() as sim, opened(tmp_path, sim, rules, live=True) as world:
        played(world, 0.02)
        before = {(row["method"], row["path"]): row["count"] for row in sim.requests()["requests"]}
        played(world, 0.5)
        rows = [row for row in vars(endpoints).values() if isinstance(row, client.Endpoint)]
        fixed = {(row.method, row.path): row.weight for row in rows if row != endpoints.TRADES_OF_ORDER}
        used = 0
        for row in sim.requests()["requests"]:
            asked = (row["method"], row["path"])
            used += (row["count"] - before.get(asked, 0)) * (other.get(row["path"]) or fixed.get(asked, 1))
        assert own_orders(world)
        assert 30 * 30 < used <= budget_of(world.plan, world.connection.market.weight_per_minute).total * 30


def test_a_refusal_of_the_exchange_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the exchange refuses is no silent end of a firing: people hear which rule, and why."""
    heard = SilentNotifier()
    with simulator() as sim, opened(tmp_path, sim, ONCE, live=True, heard=heard) as world:
        refused = Rejected(-2010, "Account has insufficient balance for requested action.")
        monkeypatch.setattr(world.broker, "submit", lambda _request, _sent_ms: refused)
        played(world, 0.05)
        assert world.store.chain.latest(100, kind="notice")
    told = [text for _, _, text in heard.messages if text.startswith("at_market")]
    assert told == [f"at_market (BTCJPY): rejected: {refused.reason}"]


def test_a_list_ends_where_the_order_filled_before_it_could_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancel, then buy anew: where the cancel comes too late and the order has filled, nothing is bought again."""
    rules = (
        ONCE.replace("price: market", "price: bid - 0.1%").replace("at_market", "first")
        + """
  again:
    symbol: BTCJPY
    every: 1m
    when: open_buys > 0
    then:
      - cancel_orders: {side: buy}
      - buy: {spend: 10_000 JPY, price: bid}
"""
    )
    with simulator() as sim, opened(tmp_path, sim, rules, live=True) as world:
        find = world.broker.find

        def late(_request: CancelRequest) -> CancelResult:
            return Unknown("HTTP 400 -2011: Unknown order sent.")

        def filled(symbol: str, cid: str) -> Order | NotFound | Unknown:
            found = find(symbol, cid)
            assert isinstance(found, Order)
            return replace(found, executed=found.quantity, quote_executed=Decimal(10_000), status=OrderStatus.FILLED)

        def fills(symbol: str, _from_id: int | None, _from_ms: int) -> list[Fill]:
            orders = [order for order in own_orders(world).values() if order.executed]
            return [
                Fill(symbol=symbol, trade_id=order.order_id, order_id=order.order_id, side=order.side,
                     price=order.price, quantity=order.executed, quote=Decimal(10_000), fee=Decimal(0),
                     fee_asset="BTC", time_ms=order.created_ms, is_maker=True)
                for order in orders
            ]  # fmt: skip

        monkeypatch.setattr(world.broker, "fills", fills)
        monkeypatch.setattr(world.broker, "cancel", late)
        monkeypatch.setattr(world.broker, "find", filled)
        played(world, 0.05)
        assert [order.status for order in own_orders(world).values()] == ["FILLED"]
        assert not world.cycle.kept.runs


def test_a_command_that_cannot_be_read_is_answered_once_and_stops_nothing(tmp_path: Path) -> None:
    """Garbage in the inbox: each entry is answered with an error, the next ones are obeyed, and rules go on."""
    garbage: list[tuple[str, str]] = [
        ("cancel", "{}"), ("cancel", "not json"), ("pause", '{"for_ms": "soon"}'), ("halt", "[1]"),
        ("pause", '{"rules": 5}'), ("order", '{"price": {}}'), ("sing", "{}"), ("resume", "null"),
        ("pause", '{"for_ms": NaN}'), ("pause", '{"rules": "one_bid"}'), ("", "{}"),
    ]  # fmt: skip
    with simulator() as sim, opened(tmp_path, sim, STALE, live=True) as world:
        world.store.inbox().close()  # makes the file
        inbox = sqlite3.connect(world.store.folder / "inbox.db", isolation_level=None)
        for command, arguments in garbage:
            sql = "INSERT INTO inbox (time_ms, command, arguments) VALUES (?, ?, ?)"
            inbox.execute(sql, (int(time.time() * 1000), command, arguments))
        played(world, 0.1)
        answers = inbox.execute("SELECT command, answer FROM inbox ORDER BY id").fetchall()
        assert all('"error"' in (answer or "") for _, answer in answers), answers
        assert len(own_orders(world)) == 1
        assert len(world.store.chain.latest(1_000, kind="command")) == len(garbage)
