"""The gate: no intent without it, everything that an order was judged on is aged again, a broken limit halts."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.engine.halt import HaltLevel
from autotrader.engine.limits import View
from autotrader.errors import OrderDenied
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.account import Account
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BookNeed, StatusNeed, TickerNeed
from autotrader.market.snapshot import Book, ExchangeStatus, Snapshot, Ticker
from autotrader.market.sources import Sources
from autotrader.orders import Balance, DecisionKey, OrderRequest, OrderType, Rejected, Side, client_order_id
from autotrader.records.intents import Admission, Intent, IntentState
from autotrader.trading.gate import Gate
from autotrader.trading.gateway import Gateway, Outcome
from tests.worlds.desk import D, Desk, desk

PRICE = D(100_000)
NEEDS = (TickerNeed("BTCJPY"),)


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "s")


def sources(at: Desk, bid: Decimal = PRICE, **ages: int) -> Sources:
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


def intent(request: PlaceRequest, at: Desk) -> Intent:
    return Intent(
        key=request.key, request=request.order, cycle=1, created_ms=at.clock.ms, deadline_ms=request.deadline_ms
    )


def gate_of(at: Desk, **limits: object) -> Gate:
    return Gate(at.store, at.clock, Settings(file="x", limits=Limits(**limits)))  # type: ignore[arg-type]


def written(at: Desk, gate: Gate, request: PlaceRequest, seen: Sources | None = None) -> str:
    """Admit and journal one order."""
    with at.store.transaction() as store:
        store.intents.add(intent(request, at), gate.admit(request, seen or sources(at), NEEDS))
    return request.id


def sent(at: Desk, gate: Gate, cid: str) -> Outcome:
    return Gateway(at.store, at.venue, at.clock, refuse=gate.refuse).submit(cid)


def test_no_intent_without_an_admission_of_this_moment(at: Desk) -> None:
    """Another order's admission, and one from before something else was written, are refused."""
    gate, first, second = gate_of(at), place(at, 1), place(at, 2)
    with at.store.transaction() as store:
        admission = gate.admit(first, sources(at))
        with pytest.raises(RuntimeError, match="admitted"):
            store.intents.add(intent(second, at), admission)
        store.counters.next("cycle")
        with pytest.raises(RuntimeError, match="admitted"):
            store.intents.add(intent(first, at), admission)
        store.intents.add(intent(first, at), gate.admit(first, sources(at)))
    with pytest.raises(RuntimeError, match="inside the transaction"):
        gate.admit(second, sources(at))


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
    gate, seen = gate_of(at, open_orders=2), sources(at)
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
        gate_of(at, spend_per_day={"JPY": D(1)}).admit(request, sources(at))
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
    cids = [written(at, gate, place(at, slot, rule=f"r{slot}"), sources(at, PRICE, **ages)) for slot in (1, 2)]
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
    assert "not known what" in (gate_of(at).refuse(intent(place(at, 1), at)) or "")
    bare = replace(sources(at), snapshot=Snapshot(now_ms=at.clock.ms))
    gate = gate_of(at)
    written(at, gate, place(at, 2, rule="other"), bare)
    assert "never seen" in (gate.refuse(intent(place(at, 2, rule="other"), at)) or "")
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
        gate.admit(place(at, 1), sources(at))
    assert "a limit failed" in (at.store.halted() or "")


def test_the_loss_of_the_day_halts_with_its_figures(at: Desk) -> None:
    """Not a denial alone: people are told, and nothing goes on when the market comes back."""
    gate = gate_of(at)
    written(at, gate, place(at, 1))
    sent(at, gate, place(at, 1).id)
    at.venue.fill(1001, "0.01")
    at.observe()
    fallen = sources(at, bid=D(50_000))
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
        gate.admit(place(at, 2), sources(at))
    assert sent(at, gate, written(at, gate, place(at, 3, Side.SELL))).state is IntentState.ACCEPTED
