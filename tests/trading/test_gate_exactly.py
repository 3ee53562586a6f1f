"""The gate to the letter: what it lets into the journal, what a denial leaves there, what is too old at the signer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.errors import OrderDenied, RecordsBroken
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.needs import BookNeed, Need, StatusNeed, TickerNeed
from autotrader.market.sources import Sources
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Rejected, Side, client_order_id
from autotrader.records.intents import Admission, Intent
from autotrader.trading.gate import Gate
from tests.worlds.desk import Desk, desk
from tests.worlds.values import BTCJPY, START, SYMBOL, D, account_of, book, sources, ticker

DAY_MS = 86_400_000


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    made = desk(tmp_path / "store")
    made.clock.ms = START
    return made


def settings(**limits: Any) -> Settings:
    return Settings(file="autotrader.yaml", limits=Limits(**limits))


def request(at: Desk, slot: int = 1, side: Side = Side.BUY) -> PlaceRequest:
    key = DecisionKey(store_id=at.store.id, rule="dip", symbol=SYMBOL, order_id="", slot_ms=slot, step=0)
    order = OrderRequest(
        symbol=SYMBOL, side=side, type=OrderType.LIMIT, price=D(100_000), quantity=D("0.01"),
        client_order_id=client_order_id(key),
    )  # fmt: skip
    return PlaceRequest(order=order, key=key, run=None, base="BTC", quote="JPY", deadline_ms=START + 30_000)


def intent(asked: PlaceRequest) -> Intent:
    return Intent(key=asked.key, request=asked.order, cycle=1, created_ms=START, deadline_ms=START + 30_000)


def admitted(at: Desk, gate: Gate, look: Sources, needs: Iterable[Need] = (), slot: int = 1) -> Intent:
    """An order that the gate let into the journal."""
    asked = request(at, slot)
    with at.store.transaction() as store:
        store.intents.add(intent(asked), gate.admit(asked, look, needs))
    return intent(asked)


def denials(at: Desk) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind="denied")]


def test_what_it_lets_in_is_this_order_now(at: Desk) -> None:
    """An admission is for one order and for the journal as it stands; it leaves no act of a denial."""
    asked = request(at)
    with at.store.transaction() as store:
        admission = Gate(at.store, at.clock, settings()).admit(asked, sources(START))
        assert admission == Admission(asked.order, store.intents.written)
    assert denials(at) == []


def test_it_is_asked_inside_the_transaction_that_writes(at: Desk) -> None:
    """Outside of it the journal could change between the verdict and the row."""
    with pytest.raises(RuntimeError, match="inside the transaction that writes its intent"):
        Gate(at.store, at.clock, settings()).admit(request(at), sources(START))


def test_a_denial_is_an_act(at: Desk) -> None:
    """What was denied, to whom and why stands in the chain, at the time of the decision; the limit is named."""
    asked = request(at)
    with at.store.transaction(), pytest.raises(OrderDenied, match="open_orders: 0 are open, the limit is 0") as denied:
        Gate(at.store, at.clock, settings(open_orders=0)).admit(asked, sources(START))
    assert denied.value.limit == "OpenOrders"
    body = {"symbol": SYMBOL, "side": "BUY", "reason": denied.value.reason}
    assert denials(at) == [(START, asked.id, body)]


def test_the_journal_itself_is_counted(at: Desk) -> None:
    """What was written since the decision counts, although the sources of the decision do not know of it."""
    gate, look = Gate(at.store, at.clock, settings(open_orders=1)), sources(START)
    admitted(at, gate, look, slot=1)
    with pytest.raises(OrderDenied, match="open_orders: 1 are open"):
        admitted(at, gate, look, slot=2)


def test_a_halt_since_the_decision_denies(at: Desk) -> None:
    """The halt is read anew, not taken from the decision."""
    gate = Gate(at.store, at.clock, settings())
    at.store.halt("by hand", START)
    with pytest.raises(OrderDenied, match="by hand"):
        admitted(at, gate, sources(START))


class Breaks:
    """A limit with a mistake in it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def refuse(self, view: object) -> str:
        raise self.error


def test_a_limit_that_breaks_halts(at: Desk) -> None:
    """A guard that cannot be trusted stops everything: the order is denied as after a halt, and the reason is kept."""
    gate = Gate(at.store, at.clock, settings(), limits=[Breaks(ZeroDivisionError("by nothing"))])
    reason = "a limit failed: ZeroDivisionError: by nothing"
    with at.store.transaction(), pytest.raises(OrderDenied) as denied:
        gate.admit(request(at), sources(START))
    assert (denied.value.reason, denied.value.limit) == (reason, "Halted")
    assert at.store.halted() == reason
    assert [act.time_ms for act in at.store.chain.acts(kind="setting")] == [START]
    assert [body["reason"] for _, _, body in denials(at)] == [reason]


def test_records_that_break_are_not_a_denial(at: Desk) -> None:
    """A store that cannot be read is no limit's word: the cycle hears it as it is, and nothing is halted by it."""
    gate = Gate(at.store, at.clock, settings(), limits=[Breaks(RecordsBroken("disk"))])
    with pytest.raises(RecordsBroken), at.store.transaction():
        gate.admit(request(at), sources(START))
    assert at.store.halted() is None


def test_the_limits_given_are_the_ones_that_are_asked(at: Desk) -> None:
    """For studies of a limit: only those that were given."""
    ours = admitted(at, Gate(at.store, at.clock, settings(open_orders=0), limits=[]), sources(START))
    assert at.store.intents.get(ours.request.client_order_id) is not None


# ------------------------------------------------------------------------------------------------------ at the signer
@pytest.mark.parametrize(
    ("after_ms", "change", "said"),
    [
        (10_000, {}, None),
        (10_001, {}, f"the order book of {SYMBOL}: 10.0 s old (limit 10 s)"),
        (0, {"account": account_of(START - 30_000)}, None),
        (1, {"account": account_of(START - 30_000)}, "the balances: 30.0 s old (limit 30 s)"),
        (0, {"instruments": {SYMBOL: replace(BTCJPY, fetched_ms=START - DAY_MS)}}, None),
        (1, {"instruments": {SYMBOL: replace(BTCJPY, fetched_ms=START - DAY_MS)}},
         f"the filters of {SYMBOL}: 86400.0 s old (limit 86400 s)"),
        (1, {"account": replace(account_of(START), orders_asked_ms={SYMBOL: START - 30_000})},
         f"the open orders of {SYMBOL}: 30.0 s old (limit 30 s)"),
        (1, {"account": replace(account_of(START), orders_asked_ms={"ETHJPY": START - 30_000})}, None),
    ],
)  # fmt: skip
def test_nothing_leaves_on_old_data(at: Desk, after_ms: int, change: dict[str, Any], said: str | None) -> None:
    """Book, balances, filters and the list of open orders of the symbol, each up to its age and not beyond."""
    gate = Gate(at.store, at.clock, settings())
    ours = admitted(at, gate, sources(START, **change))
    at.clock.ms += after_ms
    assert gate.refuse(ours) == said


def test_what_was_never_seen_is_too_old(at: Desk) -> None:
    """An order of a rule without limits may be admitted without a book: at the signer its absence is a reason."""
    gate = Gate(at.store, at.clock, settings(), limits=[])
    ours = admitted(at, gate, sources(START, bid=None))
    assert gate.refuse(ours) == f"the order book of {SYMBOL}: never seen"
    other = admitted(at, gate, sources(START, instruments={}), slot=2)
    assert gate.refuse(other) == f"the filters of {SYMBOL}: never seen"
    poor = admitted(at, gate, sources(START, account=replace(account_of(START), balances_asked_ms=None)), slot=3)
    assert gate.refuse(poor) == "the balances: never seen"


def test_what_the_rule_looked_at_ages_too(at: Desk) -> None:
    """Of what was seen, only what its rule looks at, however much of it, and the exchange's status, binds an order."""
    old = {
        TickerNeed("ETHJPY"): ticker(START - 29_000, symbol="ETHJPY"),
        BookNeed("ETHJPY", 20): book(START - 9_000, symbol="ETHJPY"),
    }
    gate, look = Gate(at.store, at.clock, settings()), sources(START, seen=old)
    free = admitted(at, gate, look, slot=1)
    by_ticker = admitted(at, gate, look, [TickerNeed("ETHJPY")], slot=2)
    by_book = admitted(at, gate, look, [BookNeed("ETHJPY", 5)], slot=3)
    by_own = admitted(at, gate, look, [TickerNeed(SYMBOL)], slot=4)
    at.clock.ms += 1_001
    assert gate.refuse(free) is None
    assert gate.refuse(by_own) is None
    assert gate.refuse(by_book) == "the order book of ETHJPY: 10.0 s old (limit 10 s)"
    at.clock.ms += 8_999
    assert (gate.refuse(by_ticker) or "").startswith("the ticker of ETHJPY: 39.0 s old")
    assert gate.refuse(by_own) is None
    assert gate.refuse(free) is None


def test_the_exchanges_status_ages_for_every_order(at: Desk) -> None:
    """Whether the exchange works is a question of every order."""
    gate = Gate(at.store, at.clock, settings())
    look = sources(START)
    status = look.snapshot.seen[StatusNeed()]
    aged = sources(START, seen={StatusNeed(): replace(status, asked_ms=START - 10 * DAY_MS)})
    ours = admitted(at, gate, aged)
    assert (gate.refuse(ours) or "").startswith("the exchange's status: ")


def test_what_it_was_judged_on_must_be_known(at: Desk) -> None:
    """An order that this gate has not admitted does not leave: after a restart nobody knows how old its data is."""
    gate = Gate(at.store, at.clock, settings())
    ours = admitted(at, gate, sources(START))
    again = Gate(at.store, at.clock, settings())
    assert again.refuse(ours) == "it is not known what this order was judged on"


def test_many_orders_do_not_stay_in_memory(at: Desk) -> None:
    """Of orders of hours ago nothing is kept; those of now are."""
    gate = Gate(at.store, at.clock, settings(), limits=[])
    asked = request(at)
    with at.store.transaction():
        for number in range(300):
            name = replace(asked.order, client_order_id=f"old-{number}")
            gate.admit(replace(asked, order=name), sources(START))
        for number in range(300):
            name = replace(asked.order, client_order_id=f"new-{number}")
            gate.admit(replace(asked, order=name), sources(START + 2 * 3_600_000))
    assert len(gate._judged_on) <= 302
    assert all(f"new-{number}" in gate._judged_on for number in range(300))


# -------------------------------------------------------------------------------------------------------- the breakers
def refused_row(at: Desk, count: int) -> None:
    for slot in range(100, 100 + count):
        at.venue.on_submit = [lambda venue, asked: Rejected(-2010, "no money")]
        at.send(slot)


def test_refusals_in_a_row_halt(at: Desk) -> None:
    """As many as the limit names stop everything, with the count; fewer, or no limit, do not."""
    refused_row(at, 3)
    assert Gate(at.store, at.clock, settings()).trip_on_refusals() == ""
    assert Gate(at.store, at.clock, settings(halt_after=4)).trip_on_refusals() == ""
    assert at.store.halted() is None
    reason = "halt_after: 3 orders refused or unknown in a row"
    assert Gate(at.store, at.clock, settings(halt_after=3)).trip_on_refusals() == reason
    assert at.store.halted() == reason
    assert [act.time_ms for act in at.store.chain.acts(kind="setting")] == [START]


def test_refusals_since_it_was_admitted_stop_an_order(at: Desk) -> None:
    """Other orders of the same cycle may have been refused in between."""
    gate = Gate(at.store, at.clock, settings(halt_after=2))
    ours = admitted(at, gate, sources(START))
    refused_row(at, 2)
    assert gate.refuse(ours) == "halt_after: 2 orders refused or unknown in a row"


def test_a_trip_reads_the_journal(at: Desk) -> None:
    """The breakers count what the journal knows, whatever the sources say."""
    gate = Gate(at.store, at.clock, settings(halt_after=2))
    gate.trip(sources(START))
    assert at.store.halted() is None
    refused_row(at, 2)
    gate.trip(sources(START))
    assert (at.store.halted() or "").startswith("halt_after: 2")
