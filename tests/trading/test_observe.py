"""Own orders move forward, each trade is booked once, and what is odd is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from autotrader.market.account import Account
from autotrader.market.needs import OpenOrdersNeed
from autotrader.money import total
from autotrader.orders import (
    TERMINAL,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    SubmitResult,
    Unknown,
)
from autotrader.records.forward import RANK, advance
from autotrader.trading.observer import Observation, Observer
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import Venue


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def test_partial_fills_are_exact(at: Desk) -> None:
    """Σ booked = executed after every look, to the last digit, with fees as charged."""
    cid = at.send().client_order_id
    for part, fee in (("0.0003", "0.00000007"), ("0.0011", "0.00000031"), ("0.0006", "0")):
        at.venue.fill(1001, part, fee)
        at.observe()
        row = at.store.orders.get(cid)
        assert row is not None
        assert row.booked == row.order.executed
    fills = at.store.orders.fills_since(0)
    assert [fill.fee for fill in fills] == [D("0.00000007"), D("0.00000031"), D("0")]
    assert at.store.orders.unsettled() == ()


def test_each_trade_is_booked_once(at: Desk) -> None:
    """Trades that are read again are not booked again."""
    at.send()
    at.venue.fill(1001, "0.001")
    at.observe()
    with at.store.transaction() as store:
        store.settings.set("trade_cursors", {}, at.clock.ms)
    at.venue.fill(1001, "0.001")
    seen = at.observe()
    assert [fill.trade_id for fill in seen.booked] == [5002]
    assert len(at.store.orders.fills_since(0)) == 2


def test_foreign_trades_are_not_ours(at: Desk) -> None:
    """A trade made by hand is not booked."""
    at.send()
    hand = at.venue.place(
        OrderRequest(
            symbol="BTCJPY",
            side=Side.BUY,
            type=OrderType.LIMIT,
            price=D("1"),
            quantity=D("1"),
            client_order_id="web_1",
        )
    )
    at.venue.fill(hand.order_id, "1")
    at.venue.fill(1001, "0.002")
    seen = at.observe()
    assert [fill.order_id for fill in seen.booked] == [1001]


def test_trades_are_booked_although_the_clock_had_run_ahead(at: Desk) -> None:
    """Placed while the clock ran an hour ahead: the trade is older than the order by our times, and still booked."""
    right = at.clock.ms
    at.clock.ms += 3_600_000
    cid = at.send().client_order_id
    at.clock.ms = right
    at.venue.fill(1001, "0.002")
    at.observe()
    assert (row := at.store.orders.get(cid)) is not None
    assert (row.booked, row.settled) == (D("0.002"), True)


def test_filled_before_its_trades_can_be_had_waits(at: Desk) -> None:
    """FILLED with fewer trades than executed is not settled; the rest is booked when it shows."""
    cid = at.send().client_order_id
    at.venue.fill(1001, "0.001")
    late = at.venue.fill(1001, "0.001")
    at.venue.trades.remove(late)
    at.observe()
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.settled, row.order.status, row.unbooked) == (False, OrderStatus.FILLED, D("0.001"))
    assert [order.state for order in at.store.own_record(at.clock.ms).orders] == ["done"]
    at.venue.trades.append(late)
    at.observe()
    row = at.store.orders.get(cid)
    assert row is not None
    assert row.settled


def test_a_trade_that_shows_itself_late_is_not_passed_over(at: Desk) -> None:
    """A trade with a smaller number than one that was booked before is still found and booked."""
    first, second = at.send(1).client_order_id, at.send(2, rule="other").client_order_id
    late = at.venue.fill(1001, "0.001")
    at.venue.trades.remove(late)
    hidden = at.venue.orders[1001]
    at.venue.orders[1001] = replace(hidden, executed=D("0"), quote_executed=D("0"), status=OrderStatus.NEW)
    at.venue.trades.append(replace(late, trade_id=9000, order_id=1002, quantity=D("0.002")))
    at.venue.orders[1002] = replace(at.venue.orders[1002], executed=D("0.002"), status=OrderStatus.FILLED)
    at.observe()
    at.venue.orders[1001] = hidden
    at.venue.trades.append(late)
    at.observe()
    at.observe()
    booked = [at.store.orders.get(cid) for cid in (first, second)]
    assert [row.booked for row in booked if row] == [D("0.001"), D("0.002")]


def test_trades_that_run_ahead_of_the_orders_state_are_asked_about(at: Desk) -> None:
    """A trade of an order that was taken as ended without one is booked, and the order's state follows."""
    first, second = at.send(1).client_order_id, at.send(2, rule="other").client_order_id
    before = at.venue.orders[1001]
    at.venue.fill(1001, "0.001")
    truth = at.venue.end(1001)
    at.venue.orders[1001] = replace(before, status=OrderStatus.CANCELED)
    at.observe()
    at.venue.fill(1002, "0.002")
    at.venue.orders[1001] = truth
    at.observe()
    at.observe()
    rows = [at.store.orders.get(cid) for cid in (first, second)]
    assert [(row.order.executed, row.booked, row.settled) for row in rows if row] == [
        (D("0.001"), D("0.001"), True),
        (D("0.002"), D("0.002"), True),
    ]


def test_order_missing_from_the_list_is_asked_for(at: Desk) -> None:
    """An order that the list of open orders lacks is not taken as gone: it is asked for by itself."""
    cid = at.send().client_order_id
    account = Account(open_orders={"BTCJPY": ()}, orders_asked_ms={"BTCJPY": at.clock.ms})
    at.observer.observe(account)
    row = at.store.orders.get(cid)
    assert row is not None
    assert row.order.is_open


def test_fill_after_the_cancel_was_confirmed_is_booked(at: Desk) -> None:
    """A trade that arrives after the order was cancelled is booked, and people are told."""
    cid = at.send().client_order_id
    at.gateway.cancel(cid, cycle=1, asked_by="timer")
    after = replace(at.venue.orders[1001], executed=D("0.001"), quote_executed=D("15000"))
    at.venue.fill(1001, "0.001")
    seen = Observation()
    at.observer.move(after, seen)
    at.observer.book(seen)
    row = at.store.orders.get(cid)
    assert row is not None
    assert (row.order.status, row.booked, row.settled) == (OrderStatus.CANCELED, D("0.001"), True)
    assert any("after it was CANCELED" in alert for alert in seen.alerts)


def test_stray_of_our_name_counts_and_is_told(at: Desk) -> None:
    """An open order that bears our name and that we never made counts from now on, and is critical news."""
    at.venue.place(
        OrderRequest(
            symbol="BTCJPY",
            side=Side.BUY,
            type=OrderType.LIMIT,
            price=D("1"),
            quantity=D("1"),
            client_order_id="at-abcd-" + "z" * 26,
        )
    )
    at.venue.place(replace_id(at, "at-wxyz-" + "z" * 26))
    account = Account(open_orders={"BTCJPY": tuple(at.venue.orders.values())})
    seen = at.observer.observe(account)
    assert [order.client_order_id for order in at.store.own_record(at.clock.ms).orders] == ["at-abcd-" + "z" * 26]
    assert seen.foreign == ["at-wxyz-" + "z" * 26]
    assert not at.start().armed


def replace_id(at: Desk, cid: str) -> OrderRequest:
    """A request under a name of our choice."""
    return OrderRequest(
        symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=D("1"), quantity=D("1"), client_order_id=cid
    )


def test_an_order_that_was_refused_but_exists_halts(at: Desk) -> None:
    """An order that the venue refused for certain and then shows as open: what we know of its replies is wrong."""

    def both(venue: Venue, request: OrderRequest) -> SubmitResult:
        venue.place(request)
        return Rejected(-2010, "insufficient balance")

    at.venue.on_submit = [both]
    cid = at.send().client_order_id
    account = Account(open_orders={"BTCJPY": tuple(at.venue.orders.values())})
    at.observer.observe(account)
    assert "REJECTED" in (at.store.halted() or "")
    assert [order.client_order_id for order in at.store.own_record(at.clock.ms).orders] == [cid]


def test_unanswered_questions_are_failures_and_asked_again(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trades or an order cannot be read nothing changes, and the next look books them."""
    cid = at.send().client_order_id
    at.venue.fill(1001, "0.001")
    account = at.venue.observe(frozenset({OpenOrdersNeed("BTCJPY")}), 0)
    nothing = Account(open_orders={"BTCJPY": ()})
    at.venue.down = True
    assert len(at.observer.observe(account).failures) == 1
    assert len(at.observer.observe(nothing).failures) == 2
    at.venue.down = False
    with monkeypatch.context() as patch:
        patch.setattr(at.venue, "find", lambda symbol, cid: Unknown("HTTP 502"))
        assert at.observer.observe(nothing).failures == [f"{cid}: HTTP 502"]
    at.observe()
    row = at.store.orders.get(cid)
    assert row is not None
    assert row.booked == D("0.001")


def test_a_known_order_that_the_venue_denies_stays_and_is_told(at: Desk) -> None:
    """-2013 about a known order is normal for seconds; after a minute people are told, once; the order stays open."""
    at.send()
    at.venue.hidden_until[1001] = at.clock.ms + 10_000_000
    assert at.observe().alerts == []
    at.clock.ms += 61_000
    assert len(at.observe().alerts) == 1
    assert at.observe().alerts == []
    assert len(at.store.orders.open()) == 1


def test_a_status_that_is_new_to_us_keeps_the_order(at: Desk) -> None:
    """A status that this program does not know counts as open, is told once, and breaks nothing."""
    at.send()
    at.venue.orders[1001] = replace(at.venue.orders[1001], status=OrderStatus.OTHER)
    assert len(at.observe().alerts) == 1
    assert at.observe().alerts == []
    assert len(at.store.orders.open()) == 1


def test_dust_is_named(at: Desk) -> None:
    """What is left of an ended order below the venue's minimum is named, not retried."""
    at.observer = Observer(at.store, at.venue, at.clock, at.resolver, min_notional=lambda _: D("100"))
    at.send()
    at.venue.fill(1001, "0.001999")
    at.venue.end(1001)
    seen = at.observe()
    assert any("dust" in alert for alert in seen.alerts)


ORDER = Order(
    symbol="BTCJPY",
    order_id=1,
    client_order_id="c",
    side=Side.BUY,
    type="LIMIT",
    tif="GTC",
    price=D("10"),
    quantity=D("8"),
    executed=D("0"),
    quote_executed=D("0"),
    status=OrderStatus.NEW,
    created_ms=0,
    updated_ms=0,
)
descriptions = st.builds(
    lambda executed, status, when: replace(
        ORDER, executed=D(executed), quote_executed=D(executed) * 10, status=status, updated_ms=when
    ),
    st.integers(0, 8),
    st.sampled_from(OrderStatus),
    st.integers(0, 5),
)


@given(st.lists(descriptions, max_size=12))
def test_an_order_moves_forward_only(seen: list[Order]) -> None:
    """Whatever is said in whatever order, executed never falls and a terminal status never leaves."""
    known = ORDER
    for description in seen:
        step = advance(known, description)
        assert step.order.executed >= known.executed
        assert RANK[step.order.status] >= RANK[known.status]
        assert known.status not in TERMINAL or step.order.status is known.status
        known = step.order
    assert known.executed == max([D(0), *(d.executed for d in seen)])


class Trading(RuleBasedStateMachine):
    """Orders are placed, filled, hidden, cancelled and looked at in any order; the books always agree in the end."""

    @initialize(tmp=st.just(None))
    def begin(self, tmp: None) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.desk = desk(Path(self.folder.name) / "s")
        self.slot = 0
        self.high: dict[str, Decimal] = {}

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.store.close()
            self.folder.cleanup()

    @precondition(lambda self: self.slot < 6)
    @rule(lost=st.booleans())
    def place(self, lost: bool) -> None:
        from autotrader.orders import Accepted, Unknown

        def post(venue: Venue, request: OrderRequest) -> SubmitResult:
            order = venue.place(request)
            return Unknown("lost") if lost else Accepted(order)

        self.slot += 1
        self.desk.venue.on_submit = [post]
        self.desk.send(self.slot, rule=f"r{self.slot}")

    @rule(which=st.integers(0, 5), part=st.integers(1, 4))
    def fill(self, which: int, part: int) -> None:
        open_now = [order for order in self.desk.venue.orders.values() if order.is_open]
        if open_now:
            order = open_now[which % len(open_now)]
            self.desk.venue.fill(order.order_id, str(min(D(part) / 4000, order.remaining)))

    @rule(which=st.integers(0, 5), seconds=st.integers(1, 60))
    def hide(self, which: int, seconds: int) -> None:
        if self.desk.venue.orders:
            number = sorted(self.desk.venue.orders)[which % len(self.desk.venue.orders)]
            self.desk.venue.hidden_until[number] = self.desk.clock.ms + seconds * 1000

    @rule(which=st.integers(0, 5), cycle=st.integers(1, 9))
    def cancel(self, which: int, cycle: int) -> None:
        rows = self.desk.store.orders.open()
        if rows:
            row = rows[which % len(rows)]
            self.desk.gateway.cancel(row.client_order_id, cycle=cycle, asked_by="test")

    @rule(seconds=st.integers(0, 40))
    def look(self, seconds: int) -> None:
        self.desk.clock.ms += seconds * 1000
        self.desk.observe()
        self.desk.resolver.resolve_due()

    @rule()
    def restart(self) -> None:
        self.desk = self.desk.again()
        self.desk.start()

    @invariant()
    def forward_and_once(self) -> None:
        if not hasattr(self, "desk"):
            return
        for row in self.desk.store.orders.since(0):
            assert row.order.executed >= self.high.get(row.client_order_id, D(0))
            self.high[row.client_order_id] = row.order.executed
            fills = [f for f in self.desk.store.orders.fills_since(0) if f.client_order_id == row.client_order_id]
            assert row.booked == total(f.quantity for f in fills) <= row.order.quantity
        assert len(self.desk.venue.posts) == len(set(self.desk.venue.posts))

    @rule()
    def settle(self) -> None:
        """When faults stop, the books are the venue's."""
        self.desk.clock.ms += 120_000
        for _ in range(4):
            self.desk.clock.ms += 31_000
            self.desk.observe()
            self.desk.resolver.resolve_due()
        self.desk.observe()
        for order in self.desk.venue.orders.values():
            row = self.desk.store.orders.get(order.client_order_id)
            assert row is not None
            assert (row.order.executed, row.booked, row.order.status) == (order.executed, order.executed, order.status)
        assert self.desk.store.halted() is None


from hypothesis import settings  # noqa: E402

TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
