"""Start-up over HTTP: whatever the exchange and the records disagree on is explained, or nothing is placed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.errors import RecordsBroken, SafetyRefused
from autotrader.exchanges.binance.connection import connect
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import Venue
from autotrader.orders import Accepted, OrderRequest, OrderStatus, OrderType, Side
from autotrader.prove.harness import SilentNotifier
from autotrader.runtime import Runtime
from autotrader.service.hand import Wanted, place_by_hand
from autotrader.simulator import Account, Faults, Simulator
from autotrader.trading.agree import compare
from tests.worlds.project import NOTHING, Changes, entered, opened, played

D = Decimal
STRAY, OTHERS = "z" * 26, "at-zzzz-" + "y" * 26
QUIET = """
version: 1
rules:
  never:
    symbol: BTCJPY
    every: 1m
    when: last > 999_000_000 JPY
    then:
      - buy: {spend: 10_000 JPY, price: bid}
"""
EAGER = (
    QUIET.replace("last > 999_000_000 JPY", "open_buys < 1").replace("price: bid", "price: bid - 3%")
    + """
  cancel_each:
    symbol: BTCJPY
    every: 1m
    for_each_order: {owner: autotrader}
    when: order.age > 2m
    then:
      - cancel
"""
)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A generated market in stepped time, two accounts."""
    accounts = [Account.named(name, {"JPY": "50000000", "BTC": "10"}) for name in ("main", "other")]
    with Simulator(seed=11, symbols=["BTCJPY"], accounts=accounts, history_minutes=60) as found:
        yield found


def elsewhere(sim: Simulator, cid: str, *, price: str = "", side: Side = Side.BUY, account: int = 0) -> int:
    """An order under any name, by another program that has the same key; its number."""
    key = sim.accounts[account]
    with connect(
        url=sim.url,
        credentials=Credentials(Secret(key.key), Secret(key.secret)),
        live_token=grant_live("live", True, "live"),
    ) as connection:
        connection.ask_before_orders(lambda _side: "")
        connection.clock.sync()
        assert connection.broker is not None
        request = OrderRequest(
            symbol="BTCJPY", side=side, type=OrderType.LIMIT, price=D(price or low(connection)), quantity=D("0.001"),
            client_order_id=cid,
        )  # fmt: skip
        result = connection.broker.submit(request, connection.clock.now_ms())
        assert isinstance(result, Accepted), result
        return result.order.order_id


def low(connection: Venue) -> D:
    """A price at which nothing trades at once."""
    return (best(connection)[0] * D("0.97")).quantize(D(1))


def best(connection: Venue) -> tuple[D, D]:
    """Best bid and ask."""
    book = connection.calls.best(["BTCJPY"])[0]
    return book.bids[0][0], book.asks[0][0]


def bought(world: Runtime, *, at_once: bool = False) -> str:
    """An order by hand, which rests unless it takes; its name."""
    bid, ask = best(world.connection)
    price = (ask * D("1.005") if at_once else bid * D("0.98")).quantize(D(1))
    wanted = Wanted(symbol="BTCJPY", side=Side.BUY, price=price, quantity=D("0.001"))
    placed = place_by_hand(world, wanted)
    assert placed["state"] == "ACCEPTED", placed
    return str(placed["client_order_id"])


@contextmanager
def quiet(
    folder: Path, sim: Simulator, heard: SilentNotifier | None = None, limits: Changes = NOTHING
) -> Iterator[Runtime]:
    """An armed world whose rule never fires."""
    with opened(folder, sim, QUIET, live=True, heard=heard, limits=limits) as world:
        yield world


def state_folder(folder: Path) -> Path:
    """The only store below a project."""
    (found,) = (path.parent for path in (folder / "state").glob("*/lock"))
    return found


@pytest.mark.parametrize("word", ["adopt", "ignore"])
def test_an_order_of_our_name_waits_for_a_word_and_then_the_service_goes_on(
    word: str, sim: Simulator, tmp_path: Path
) -> None:
    """Read-only until the word: it counts, no rule cancels it. After `adopt` rules do, after `ignore` they do not."""
    with opened(tmp_path, sim, EAGER, live=True) as world:
        store_id = world.store.id
    cid = f"at-{store_id[:4]}-{STRAY}"
    number = elsewhere(sim, cid)
    heard = SilentNotifier()
    with entered(tmp_path, sim, EAGER, live=True, heard=heard) as world:
        report = world.start()
        assert (report.armed, report.differences, report.failures) == (False, (cid,), ())
        assert [order.client_order_id for order in world.store.own_record(sim.now_ms).orders] == [cid]
        assert any(cid in text for _, level, text in heard.messages if level == "critical")
        played(world, 0.1)
        assert [order["status"] for order in sim.orders()] == ["NEW"]
        answer = world.settle(str(number), word)  # type: ignore[arg-type]  # one of the two
        assert (answer["armed"], answer["left"]) == (True, [])
        played(world, 0.1)
        stray, *rest = sim.orders()
        assert stray["status"] == ("CANCELED" if word == "adopt" else "NEW")
        assert rest, "rules place again"
        assert world.store.verify().whole
    with opened(tmp_path, sim, EAGER, live=True):
        pass  # the word holds over a restart


def test_what_filled_while_away_is_booked_from_the_exchanges_trades(sim: Simulator, tmp_path: Path) -> None:
    """A trade of an order that we know is no difference; our record then equals the exchange's row by row."""
    with quiet(tmp_path, sim) as world:
        bid, _ = best(world.connection)
        place_by_hand(world, Wanted(symbol="BTCJPY", side=Side.BUY, price=bid, quantity=D("0.001")))
    while not sim.trades():
        sim.advance(600)
    with entered(tmp_path, sim, QUIET, live=True) as world:
        report = world.start()
        assert (report.armed, report.booked) == (True, len(sim.trades()))
        found = compare(world.store, world.broker, ["BTCJPY"], 0, sim.now_ms)
        assert (found.orders, found.trades, found.findings) == (1, len(sim.trades()), ())


def test_what_ended_here_and_is_open_there_is_open_again_and_waits(sim: Simulator, tmp_path: Path) -> None:
    """Our books say CANCELED, list and query say NEW: it counts as open, and a person decides."""
    with quiet(tmp_path, sim) as world:
        cid = bought(world)
        row = world.store.orders.get(cid)
        assert row is not None
        with world.store.transaction() as store:
            store.orders.observe(replace(row.order, status=OrderStatus.CANCELED), sim.now_ms)
    sim.advance(30)
    with quiet(tmp_path, sim):
        pass  # lists lag for a while: that is no difference yet
    sim.advance(60)
    with entered(tmp_path, sim, QUIET, live=True) as world:
        report = world.start()
        assert (report.armed, report.differences) == (False, (cid,))
        assert "CANCELED here and NEW at the exchange" in report.reasons[0]
        assert [order.state for order in world.store.own_record(sim.now_ms).orders] == ["open"]
        assert world.settle(cid, "adopt")["armed"] is True
        assert world.store.verify().whole


def test_a_trade_that_the_exchange_lacks_waits(sim: Simulator, tmp_path: Path) -> None:
    """A trade in our books that no list of the exchange shows is told, once, and blocks until a word."""
    with quiet(tmp_path, sim) as world:
        cid = bought(world, at_once=True)
        world.start()
        (fill,) = world.store.orders.fills_since(0)[:1]
        with world.store.transaction() as store:
            store.orders.book(replace(fill, trade_id=fill.trade_id + 10_000), sim.now_ms)
    sim.advance(120)
    with entered(tmp_path, sim, QUIET, live=True) as world:
        report = world.start()
        assert (report.armed, report.differences) == (False, (cid,))
        assert "is not at the exchange" in report.reasons[0]
        assert world.settle(cid[:12], "ignore")["armed"] is True
        assert [one.theirs for one in compare(world.store, world.broker, [], 0, sim.now_ms).unexplained] == [None]


def test_two_orders_of_one_name_halt(sim: Simulator, tmp_path: Path) -> None:
    """The first promise is broken: everything stops."""
    with quiet(tmp_path, sim) as world:
        cid = bought(world)
        world.cycle.parts.gateway.cancel(cid, cycle=1, asked_by="hand")
    elsewhere(sim, cid)
    with entered(tmp_path, sim, QUIET, live=True) as world:
        world.start()
        assert "two orders" in (world.store.halt_reason() or "")


def test_an_old_copy_is_noticed(sim: Simulator, tmp_path: Path) -> None:
    """The database alone by its checkpoints; the whole folder by the exchange's orders, also after days, also ended."""
    with quiet(tmp_path, sim):
        pass
    store = state_folder(tmp_path)
    shutil.copytree(store, tmp_path / "old")
    with quiet(tmp_path, sim) as world:
        cid = bought(world, at_once=True)
    shutil.copy(tmp_path / "old" / "records.db", store / "records.db")
    with pytest.raises(RecordsBroken, match="checkpoint"), quiet(tmp_path, sim):
        pass
    shutil.rmtree(store)
    shutil.copytree(tmp_path / "old", store)
    sim.advance(3 * 86_400)
    with entered(tmp_path, sim, QUIET, live=True) as world:
        report = world.start()
        assert (report.armed, report.differences, report.booked > 0) == (False, (cid,), True)


def test_one_store_has_one_process_and_one_key(sim: Simulator, tmp_path: Path) -> None:
    """A second process is refused; another account's key has another store, and ours in its place is refused."""
    with quiet(tmp_path, sim), pytest.raises(SafetyRefused, match="another autotrader process"), quiet(tmp_path, sim):
        pass
    ours = state_folder(tmp_path)
    with opened(tmp_path, sim, QUIET, live=True, account=1) as world:
        theirs = world.store.folder
    assert theirs != ours
    shutil.rmtree(theirs)
    shutil.copytree(ours, theirs)
    with (
        pytest.raises(SafetyRefused, match="another world"),
        opened(tmp_path, sim, QUIET, live=True, account=1),
    ):
        pass


def test_orders_of_others_and_moved_balances_are_reported_and_left_alone(sim: Simulator, tmp_path: Path) -> None:
    """Another store's order, one by hand, a deposit: told, and armed."""
    with quiet(tmp_path, sim) as world:
        bought(world, at_once=True)
    elsewhere(sim, OTHERS)
    elsewhere(sim, "by-hand-1")
    sim.exchange.engine.ledger.pay_in(sim.exchange.engine.clients["main"].purse, "JPY", D(12_345))
    with entered(tmp_path, sim, QUIET, live=True) as world:
        report = world.start()
        assert (report.armed, report.foreign) == (True, (OTHERS,))
        assert report.changed == {"JPY": D(12_345)}
        assert report.balances["JPY"] == sum(sim.balances()["JPY"])
        played(world, 0.1)
    assert {order["status"] for order in sim.orders() if order["clientOrderId"] in {OTHERS, "by-hand-1"}} == {"NEW"}


def queries(sim: Simulator) -> int:
    """How often single orders were asked for."""
    rows = sim.requests()["requests"]
    return sum(row["count"] for row in rows if (row["method"], row["path"]) == ("GET", "/api/v3/order"))


def test_a_fill_after_a_confirmed_cancel_is_booked_within_two_minutes(tmp_path: Path) -> None:
    """The exchange confirms the cancel and has filled half: it is asked a few more times, booked, and told."""
    faults = Faults(1, {"fill_after_cancel": {"at": [1], "share": 0.5}})
    accounts = [Account.named("main", {"JPY": "50000000", "BTC": "0"})]
    heard = SilentNotifier()
    with (
        Simulator(seed=11, symbols=["BTCJPY"], accounts=accounts, history_minutes=60, faults=faults) as sim,
        quiet(tmp_path, sim, heard) as world,
    ):
        cid = bought(world)
        world.cycle.parts.gateway.cancel(cid, cycle=1, asked_by="hand")
        before = world.store.orders.get(cid)
        assert before is not None
        assert (before.order.is_open, before.booked) == (False, D(0))
        asked = queries(sim)
        played(world, 0.06)
        row = world.store.orders.get(cid)
        assert row is not None
        assert row.booked == row.order.executed == D("0.0005")
        assert any("after it was CANCELED" in text for _, _, text in heard.messages)
        assert queries(sim) - asked <= 3


@pytest.mark.parametrize(("count", "days"), [(25, 0), (25, 3), pytest.param(100, 3, marks=pytest.mark.deep)])
def test_a_restart_asks_by_symbol_and_not_by_order(count: int, days: int, sim: Simulator, tmp_path: Path) -> None:
    """Many open orders, and as many that ended while we were away: no more requests than with one, but one for each day
    that we were away for its list of orders, and one for trades.
    """
    roomy = {"open_orders": "150", "orders_per_hour": "300"}

    def asked() -> int:
        before = sim.requests()["total"]
        with quiet(tmp_path, sim, limits=roomy):
            return int(sim.requests()["total"]) - int(before)

    with quiet(tmp_path, sim, limits=roomy) as world:
        bought(world)
    one = asked()
    with quiet(tmp_path, sim, limits=roomy) as world:
        for number in range(count):
            bought(world)
            if number % 10 == 0:
                world.connection.clock.sleep(61)  # a minute's request weight is soon spent
    many = asked()
    sim.advance(days * 86_400 + 60)
    client = sim.exchange.engine.clients["main"]
    for order in list(client.open.values()):
        sim.exchange.engine.cancel(client, order)
    ended = asked()
    assert many <= one
    assert ended <= one + 1 + days
