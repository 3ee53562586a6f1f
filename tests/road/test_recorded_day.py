"""The whole road on a recorded day: rule text in, signed orders at an exchange, and two records that agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.errors import ExchangeRefused, SafetyRefused
from autotrader.money import ZERO, total
from autotrader.orders import Side
from autotrader.prove.harness import SilentNotifier
from autotrader.runtime import Runtime
from autotrader.simulator import Account, Simulator
from tests.road.day import RULES
from tests.worlds.project import TAPE, opened, own_orders, played, simulator

pytestmark = pytest.mark.timeout(1800)
EVERY_FATE_HOURS = 6  # of the recorded day: fills whole and in parts, a cancel, a sale; the demo plays the whole day


@dataclass(frozen=True)
class Played:
    """A day that was traded live, still open."""

    world: Runtime
    sim: Simulator
    heard: SilentNotifier
    theirs: dict[str, dict[str, Any]]
    after_three_hours: list[tuple[object, ...]]


@pytest.fixture(scope="module", params=[EVERY_FATE_HOURS, pytest.param(24, marks=pytest.mark.deep)])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Live, with the simulator's own test key, for hours of a recorded day in stepped time."""
    heard = SilentNotifier()
    with simulator() as sim, opened(tmp_path_factory.mktemp("live"), sim, RULES, live=True, heard=heard) as world:
        played(world, 3)
        orders = outcome(world)
        played(world, request.param - 3)
        yield Played(world, sim, heard, {order["clientOrderId"]: order for order in sim.orders()}, orders)


def outcome(world: Runtime) -> list[tuple[object, ...]]:
    """What became of each order, without what is drawn for each store: its name."""
    return [
        (order.side, order.price, order.quantity, order.executed, order.status, order.created_ms)
        for order in own_orders(world).values()
    ]


def test_orders_were_placed_filled_partly_filled_and_cancelled(day: Played) -> None:
    """The day has every fate that an order can have: whole, partial and no fill, and a cancel."""
    fates = {(order["status"], Decimal(order["executedQty"]) > 0) for order in day.theirs.values()}
    assert ("FILLED", True) in fates
    assert ("CANCELED", False) in fates
    assert any(len(trades) > 1 for trades in _by_order(day.sim.trades()).values())


def _by_order(trades: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for trade in trades:
        found.setdefault(int(trade["orderId"]), []).append(trade)
    return found


def test_every_order_is_known_to_both_sides_with_the_same_figures(day: Played) -> None:
    """Row by row: the exchange's orders and ours agree in price, quantity, executed quantity and end."""
    ours = own_orders(day.world)
    assert ours.keys() == day.theirs.keys()
    for cid, order in ours.items():
        their = day.theirs[cid]
        assert (order.price, order.quantity) == (Decimal(their["price"]), Decimal(their["origQty"]))
        assert (order.executed, order.status.value) == (Decimal(their["executedQty"]), their["status"])


def test_every_trade_is_booked_once_with_its_fee(day: Played) -> None:
    """Row by row: price, quantity, fee and fee asset of each trade, to the last digit."""
    theirs = {
        int(trade["id"]): (
            Decimal(trade["price"]), Decimal(trade["qty"]), Decimal(trade["commission"]), trade["commissionAsset"],
        )
        for trade in day.sim.trades()
    }  # fmt: skip
    fills = day.world.store.orders.fills_since(0)
    assert len(fills) == len({fill.trade_id for fill in fills})
    assert {fill.trade_id: (fill.price, fill.quantity, fill.fee, fill.fee_asset) for fill in fills} == theirs


def test_balances_follow_from_our_own_record(day: Played) -> None:
    """What we booked explains the exchange's balances to the last digit."""
    fills = day.world.store.orders.fills_since(0)
    yen, coins = Decimal(50000000), ZERO
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        yen -= sign * fill.price * fill.quantity
        coins += sign * fill.quantity
    yen -= total(fill.fee for fill in fills if fill.fee_asset == "JPY")
    coins -= total(fill.fee for fill in fills if fill.fee_asset == "BTC")
    assert {asset: free + locked for asset, (free, locked) in day.sim.balances().items()} == {"JPY": yen, "BTC": coins}


def test_one_post_for_each_intent_that_was_sent(day: Played) -> None:
    """No order is sent twice: POSTs at the exchange equal the intents that the journal says were sent."""
    sent = day.world.store.intents.sent_since(0)
    posts = [
        row["count"]
        for row in day.sim.requests()["requests"]
        if (row["method"], row["path"]) == ("POST", "/api/v3/order")
    ]
    assert sum(posts) == len(sent)


def test_people_were_told(day: Played) -> None:
    """The rules' messages name the order that was just placed, with its figures filled in."""
    texts = [text for _, _, text in day.heard.messages]
    assert any(text.startswith("BTCJPY -") and " bid " in text and "—" not in text for text in texts)
    assert any(text.startswith("cancelled at-") for text in texts)


def test_the_chain_is_whole_at_the_end(day: Played) -> None:
    """Chain, checkpoints, seals and tables agree after the day."""
    report = day.world.store.verify()
    assert report.whole, report.problems


def test_dry_run_places_and_cancels_nothing_at_the_exchange(tmp_path: Path) -> None:
    """The same day in dry-run: paper orders fill, and no request that places or cancels leaves; none is even signed."""
    with simulator() as sim, opened(tmp_path, sim, RULES, live=False) as world:
        played(world, EVERY_FATE_HOURS)
        requests = sim.requests()
        assert requests["trade"] == 0
        assert not any(row["signed"] for row in requests["requests"])
        assert len(own_orders(world)) > 3


def test_two_plays_of_the_same_hours_leave_the_same_orders(day: Played, tmp_path: Path) -> None:
    """Stepped time makes every run the same: symbols, prices, quantities, times and fates."""
    with simulator() as sim, opened(tmp_path, sim, RULES, live=True) as world:
        played(world, 3)
        assert len(outcome(world)) > 2
        assert outcome(world) == day.after_three_hours


MAIN = Account.named("main", {"JPY": "50000000"})


@pytest.mark.parametrize(
    ("account", "said"),
    [(replace(MAIN, may_withdraw=True), "may withdraw"), (replace(MAIN, may_trade=False), "may not trade")],
)
def test_a_key_with_the_wrong_permissions_does_not_go_live(tmp_path: Path, account: Account, said: str) -> None:
    """A key that may withdraw, or may not trade, is refused before a store is made (docs/order-safety.md P14)."""
    with Simulator(tape=TAPE, time="stepped", accounts=[account]) as sim:
        with pytest.raises(SafetyRefused, match=said), opened(tmp_path, sim, RULES, live=True):
            pass
        assert not list((tmp_path / "state").glob("*/records.db"))


def test_an_unknown_key_leaves_no_store_behind(tmp_path: Path) -> None:
    """A mistyped key is the exchange's refusal, and nothing is made for it."""
    with simulator() as sim:
        other = Account.named("somebody else")
        sim.accounts = (other,)
        with pytest.raises(ExchangeRefused), opened(tmp_path, sim, RULES, live=True):
            pass
        assert not list((tmp_path / "state").glob("*/records.db"))
