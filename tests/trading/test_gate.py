"""The gate: no intent without it, everything that an order was judged on is aged again, a broken limit halts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrader.engine.halt import HaltLevel
from autotrader.engine.limits import View
from autotrader.errors import OrderDenied, RecordsBroken
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import Account
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BookNeed, Need, StatusNeed, TickerNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.orders import Balance, DecisionKey, OrderRequest, OrderType, Rejected, Side, client_order_id
from autotrader.records.intents import Admission, Intent, IntentState
from autotrader.trading.gate import Gate
from autotrader.trading.gateway import Gateway, OrderOutcome
from tests.worlds.desk import D, Desk, desk
from tests.worlds.values import BTCJPY, START, SYMBOL, account_of, book, sources, ticker

PRICE = D(100_000)
NEEDS = (TickerNeed("BTCJPY"),)


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    made = desk(tmp_path / "store")
    made.clock.ms = START
    return made


def seen_at(at: Desk, bid: Decimal = PRICE, **ages: int) -> Sources:
    """Everything that a limit asks for; `ages` in milliseconds of book, ticker, status, balances and filters."""
    now = at.clock.ms

    def asked(name: str) -> int:
        return now - ages.get(name, 0)

    book = Book(
        symbol="BTCJPY", bids=((bid, D(1)),), asks=((PRICE, D(1)),), asked_levels=1, update_id=1,
        asked_ms=asked("book"),
    )  # fmt: skip
    ticker = Ticker(
        symbol="BTCJPY", last=PRICE, open=PRICE, high=PRICE, low=PRICE, volume=D(1), turnover=D(1), change=D(0),
        open_time_ms=now - 86_400_000, close_time_ms=now, asked_ms=asked("ticker"),
    )  # fmt: skip
    status = ExchangeStatus(normal=True, message="", asked_ms=asked("status"))
    filters = Instrument(
        symbol="BTCJPY", base="BTC", quote="JPY", tick=D(1), step=D("0.0001"), fetched_ms=asked("filters")
    )
    balances = {"JPY": Balance("JPY", D(10_000_000), D(0)), "BTC": Balance("BTC", D(100), D(0))}
    return Sources(
        now_ms=now,
        snapshot=Snapshot(
            now_ms=now, seen={BookNeed("BTCJPY", 1): book, TickerNeed("BTCJPY"): ticker, StatusNeed(): status}
        ),
        account=Account(balances=balances, balances_asked_ms=asked("balances")),
        instruments={"BTCJPY": filters},
    )  # fmt: skip


def place(at: Desk, slot: int, side: Side = Side.BUY, rule: str = "dip") -> PlaceRequest:
    """A small order."""
    key = DecisionKey(store_id=at.store.id, rule=rule, symbol="BTCJPY", order_id="", slot_ms=slot, step=0)
    price = PRICE - 10 if side is Side.BUY else PRICE + 10
    order = OrderRequest(
        symbol="BTCJPY", side=side, type=OrderType.LIMIT, price=price, quantity=D("0.01"),
        client_order_id=client_order_id(key),
    )  # fmt: skip
    return PlaceRequest(order=order, key=key, run=None, base="BTC", quote="JPY", deadline_ms=at.clock.ms + 10**9)


def intent_of(request: PlaceRequest, at: Desk) -> Intent:
    return Intent(
        key=request.key, request=request.order, cycle=1, created_ms=at.clock.ms, deadline_ms=request.deadline_ms
    )


def gate_of(at: Desk, **limits: object) -> Gate:
    return Gate(at.store, at.clock, Settings(file="x", limits=Limits(**limits)))  # type: ignore[arg-type]


def written(at: Desk, gate: Gate, request: PlaceRequest, seen: Sources | None = None) -> str:
    """Admit and journal one order."""
    with at.store.transaction() as store:
        store.intents.add(intent_of(request, at), gate.admit(request, seen or seen_at(at), NEEDS))
    return request.id


def sent(at: Desk, gate: Gate, cid: str) -> OrderOutcome:
    return Gateway(at.store, at.venue, at.clock, refuse=gate.refuse).submit(cid)


def test_no_intent_without_an_admission_of_this_moment(at: Desk) -> None:
    """Another order's admission, and one from before something else was written, are refused."""
    gate, first, second = gate_of(at), place(at, 1), place(at, 2)
    with at.store.transaction() as store:
        admission = gate.admit(first, seen_at(at))
        with pytest.raises(RuntimeError, match="admitted"):
            store.intents.add(intent_of(second, at), admission)
        store.counters.next("cycle")
        with pytest.raises(RuntimeError, match="admitted"):
            store.intents.add(intent_of(first, at), admission)
        store.intents.add(intent_of(first, at), gate.admit(first, seen_at(at)))
    with pytest.raises(RuntimeError, match="inside the transaction"):
        gate.admit(second, seen_at(at))


def test_the_gate_alone_makes_admissions() -> None:
    """Nothing else in the product makes one: a forgotten check cannot be written."""
    found = [
        path.name
        for path in Path("autotrader").rglob("*.py")
        if re.search(r"\bAdmission\(", path.read_text("utf-8").replace("class Admission(", ""))
    ]
    assert found == ["gate.py"]
    assert Admission.__module__ == "autotrader.records.intents"


def test_the_gate_sees_what_was_written_a_moment_ago(at: Desk) -> None:
    """The sources are those of the decision; the journal is asked anew for each order."""
    gate, seen = gate_of(at, open_orders=2), seen_at(at)
    written(at, gate, place(at, 1, rule="a"), seen)
    written(at, gate, place(at, 2, rule="b"), seen)
    with pytest.raises(OrderDenied, match="open_orders") as denied, at.store.transaction():
        gate.admit(place(at, 3, rule="c"), seen)
    assert denied.value.limit == "OpenOrders"
    assert denied.value.exit_code == 4


def test_a_denial_is_an_act_of_the_chain(at: Desk) -> None:
    """Whoever asks, it is recorded with its reason."""
    request = place(at, 1)
    with at.store.transaction(), pytest.raises(OrderDenied):
        gate_of(at, spend_per_day={"JPY": D(1)}).admit(request, seen_at(at))
    (act,) = at.store.chain.latest(1, kind="denied", subject=request.id)
    assert "spend_per_day" in str(act.body)


@pytest.mark.parametrize(
    ("what", "limit_ms"),
    [("book", 10_000), ("ticker", 15_000), ("balances", 30_000), ("status", 300_000), ("filters", 86_400_000)],
)
def test_everything_an_order_was_judged_on_is_aged_at_the_signer(at: Desk, what: str, limit_ms: int) -> None:
    """Fresh at the decision and too old a moment later: the order does not leave, and its rule gets it back."""
    gate, last = gate_of(at), 5
    ages = dict.fromkeys(("book", "ticker", "balances", "status", "filters"), 0) | {what: limit_ms - last}
    cids = [written(at, gate, place(at, slot, rule=f"r{slot}"), seen_at(at, PRICE, **ages)) for slot in (1, 2)]
    at.clock.ms += last
    assert sent(at, gate, cids[0]).state is IntentState.ACCEPTED
    at.clock.ms += 1
    outcome = sent(at, gate, cids[1])
    assert (outcome.state, outcome.fault) == (IntentState.DROPPED, "outside")
    assert "old" in outcome.reason
    assert len(at.venue.posts) == 1


def test_what_an_order_was_judged_on_must_be_known(at: Desk) -> None:
    """An intent of another process, or one without a book, never leaves."""
    cid = written(at, gate_of(at), place(at, 1))
    assert "not known what" in (gate_of(at).refuse(intent_of(place(at, 1), at)) or "")
    bare = replace(seen_at(at), snapshot=Snapshot(now_ms=at.clock.ms))
    gate = gate_of(at)
    written(at, gate, place(at, 2, rule="other"), bare)
    assert "never seen" in (gate.refuse(intent_of(place(at, 2, rule="other"), at)) or "")
    assert at.store.intents.get(cid) is not None


def test_halt_after_counts_between_the_orders_of_one_cycle(at: Desk) -> None:
    """Of five orders that were written together the rest stays when two were refused."""
    gate = gate_of(at, halt_after=2)
    cids = [written(at, gate, place(at, slot, rule=f"r{slot}")) for slot in range(5)]
    at.venue.on_submit = [lambda venue, request: Rejected(-2010, "no")] * 5
    states = [sent(at, gate, cid).state for cid in cids]
    assert states == [IntentState.REJECTED] * 2 + [IntentState.DROPPED] * 3
    assert "halt_after: 2" in (at.store.halted() or "")


class _Broken:
    """A limit that cannot do its work."""

    def refuse(self, view: View) -> str:
        raise KeyError(view.request.order.symbol)


def test_a_limit_that_raises_halts(at: Desk) -> None:
    """It denies, and nothing is placed until somebody has looked."""
    gate = Gate(at.store, at.clock, Settings(file="x"), limits=(_Broken(),))
    with at.store.transaction(), pytest.raises(OrderDenied, match="KeyError"):
        gate.admit(place(at, 1), seen_at(at))
    assert "a limit failed" in (at.store.halted() or "")


def test_the_loss_of_the_day_halts_with_its_figures(at: Desk) -> None:
    """Not a denial alone: people are told, and nothing goes on when the market comes back."""
    gate = gate_of(at)
    written(at, gate, place(at, 1))
    sent(at, gate, place(at, 1).id)
    at.venue.fill(1001, "0.01")
    at.observe()
    fallen = seen_at(at, bid=D(50_000))
    gate_of(at, loss_per_day={"JPY": D(600)}).trip(fallen)
    assert at.store.halted() is None
    gate_of(at, loss_per_day={"JPY": D(400)}).trip(fallen)
    assert at.store.halted() == "loss_per_day: 499.9 JPY lost today, the limit is 400 JPY"


def test_under_reduce_only_sales_go_on(at: Desk) -> None:
    """A buy is denied at the gate and dropped at the signer; a sale passes both."""
    gate = gate_of(at)
    buy = written(at, gate, place(at, 1))
    at.store.halt("a look", at.clock.ms, HaltLevel.REDUCE_ONLY)
    assert sent(at, gate, buy).state is IntentState.DROPPED
    with pytest.raises(OrderDenied, match="nothing is bought: a look"), at.store.transaction():
        gate.admit(place(at, 2), seen_at(at))
    assert sent(at, gate, written(at, gate, place(at, 3, Side.SELL))).state is IntentState.ACCEPTED


DAY_MS = 86_400_000


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
