"""What a venue may say about our orders afterwards, over real HTTP, up to the records: what is kept, booked and told.

Numbers are the rows of the list of bad responses in the safety notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.errors import ExchangeUnavailable
from autotrader.exchanges.binance.governor import Governor
from autotrader.exchanges.messages import Reply
from autotrader.orders import OrderStatus, Side
from autotrader.records.cancels import CancelState
from autotrader.records.intents import IntentState
from autotrader.trading.gateway import OrderOutcome
from tests.exchanges.road import QUANTITY, Road
from tests.exchanges.scripted import KEY, SECRET, Scripted, error, hang_up, raw, reply
from tests.exchanges.test_bad_replies import ORDER


@pytest.fixture
def road(scripted: Scripted, tmp_path: Path) -> Iterator[Road]:
    """Execution over a scripted venue, on HTTP."""
    made = Road(tmp_path / "store", scripted)
    yield made
    shown = "\n".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    made.close()
    assert not [one for one in (KEY, SECRET, "signature=") if one in shown]


def placed(road: Road) -> OrderOutcome:
    """One resting order of ours."""
    outcome = road.send()
    assert outcome.state is IntentState.ACCEPTED
    return outcome


UNCLEAR = {
    "1 no reply": hang_up,
    "2 reset in the body": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"symbol"'),
    "3 504": reply(504, "<html>"),
    "4 -1006": error(400, -1006, "An unexpected response was received from the message bus."),
    "5 -1007": error(408, -1007, "Timeout waiting for response from backend server."),
    "6 -1008": error(503, -1008, "Server is currently overloaded."),
    "7 empty": reply(200, {}),
    "8 truncated": reply(200, '{"symbol": "BTC'),
    "13 duplicate": error(400, -2010, "Duplicate order sent."),
    "22 redirect": reply(307, "", {"Location": "http://127.0.0.1:9/"}),
    "23 new code": error(400, -9999, "Something else."),
    "43 huge id": reply(200, '{"orderId": ' + "9" * 40 + "}"),
}


@pytest.mark.parametrize("there", [True, False], ids=["it arrived", "it never arrived"])
@pytest.mark.parametrize("name", list(UNCLEAR))
def test_an_unclear_order_is_asked_about_until_its_fate_is_certain_and_sent_once(
    name: str, there: bool, road: Road
) -> None:
    """1-8, 13, 22, 23: one POST ever; where it is there it is adopted, where it is not it is dead after the horizon;
    until then its rule, symbol and side are frozen.
    """
    road.scripted.on("POST", ORDER, UNCLEAR[name])
    outcome = road.send()
    assert outcome.state is IntentState.UNKNOWN
    assert road.gateway.frozen() == {("dip", "BTCJPY", Side.BUY)}
    if there:
        road.ledger.add(outcome.client_order_id)
    for _ in range(16):
        road.pass_(10)
        road.observe()
    row = road.store.intents.get(outcome.client_order_id)
    assert row is not None
    assert row.state is (IntentState.ADOPTED if there else IntentState.DEAD)
    assert road.gateway.frozen() == frozenset()
    assert road.sent("POST") == 1


def test_not_found_before_the_horizon_proves_nothing(road: Road) -> None:
    """24, 25: -2013 for 75 s changes nothing; said twice after 76 s it is the end, and an order that then surfaces is
    adopted.
    """
    road.scripted.on("POST", ORDER, hang_up)
    cid = road.send().client_order_id
    began = road.now_ms()
    while road.now_ms() < began + 75_000:
        road.pass_(5)
        road.observe()
        assert [one.client_order_id for one in road.store.intents.unresolved()] == [cid]
    road.pass_(40)
    road.observe()
    road.pass_(40)
    road.observe()
    assert [(row.state, row.fault) for row in road.store.intents.latest(1)] == [(IntentState.DEAD, "outside")]
    road.ledger.add(cid)
    for _ in range(70):
        road.pass_(60)
        road.observe()
    assert road.store.intents.latest(1)[0].state is IntentState.ADOPTED
    assert road.row(cid).order.is_open


def test_an_archived_order_ended_without_a_fill(road: Road) -> None:
    """26: -2026 is an end at once, without waiting for the horizon."""
    road.scripted.on("POST", ORDER, hang_up)
    road.scripted.on(
        "GET", ORDER, error(400, -2026, "Order was canceled or expired with no executed qty over 90 days.")
    )
    road.send()
    road.pass_(10)
    road.observe()
    assert road.store.intents.latest(1)[0].state is IntentState.DEAD


@pytest.mark.parametrize(("status", "alerts"), [("PENDING_NEW", 0), ("FROZEN_BY_MOON", 1)])
def test_a_status_that_is_rare_or_new_keeps_the_order(status: str, alerts: int, road: Road) -> None:
    """27: it counts as open, a new word is told once, and when it fills after all it is booked."""
    cid = placed(road).client_order_id
    road.ledger.orders[100]["status"] = status
    assert len(road.observe().alerts) == alerts
    assert road.observe().alerts == []
    assert road.row(cid).order.is_open
    road.ledger.fill(100, str(QUANTITY))
    road.observe()
    assert (road.row(cid).settled, road.row(cid).booked) == (True, QUANTITY)


def test_executed_that_falls_is_ignored_and_told(road: Road) -> None:
    """28: a poll from an older cache moves nothing back."""
    cid = placed(road).client_order_id
    road.ledger.fill(100, "0.002")
    road.observe()
    before = dict(road.ledger.orders[100])
    road.ledger.orders[100] |= {"executedQty": "0.001", "cummulativeQuoteQty": "9000", "status": "NEW"}
    seen = road.observe()
    assert len(seen.alerts) == 1
    assert "fell" in seen.alerts[0]
    row = road.row(cid)
    assert (row.order.executed, row.order.status) == (Decimal("0.002"), OrderStatus.PARTIALLY_FILLED)
    road.ledger.orders[100] = before
    assert road.observe().alerts == []


def test_filled_without_its_trades_waits_for_them(road: Road) -> None:
    """29: FILLED with trades missing is not booked complete; the rest is booked when it shows, once."""
    cid = placed(road).client_order_id
    road.ledger.fill(100, "0.001")
    road.ledger.fill(100, "0.002")
    late = road.ledger.trades.pop()
    road.observe()
    row = road.row(cid)
    assert (row.order.status, row.booked, row.settled) == (OrderStatus.FILLED, Decimal("0.001"), False)
    road.ledger.trades.append(late)
    assert len(road.observe().booked) == 1
    assert (road.row(cid).booked, road.row(cid).settled) == (QUANTITY, True)
    assert road.observe().booked == []


def test_a_negative_turnover_is_not_believed(road: Road) -> None:
    """30: cummulativeQuoteQty below 0 means "not known"; what was paid comes from the trades."""
    cid = placed(road).client_order_id
    road.ledger.fill(100, str(QUANTITY), cummulativeQuoteQty="-1.00000000")
    road.observe()
    row = road.row(cid)
    assert row.settled
    assert row.order.quote_executed in (None, Decimal(0))
    assert sum(fill.quote for fill in road.store.orders.fills_since(0)) == QUANTITY * 9_000_000


@pytest.mark.parametrize("filled", [True, False])
def test_unknown_order_to_a_cancel_means_look(filled: bool, road: Road) -> None:
    """31: after -2011 the order is asked for; had it filled, the fill is booked; nothing is placed instead."""
    cid = placed(road).client_order_id
    if filled:
        road.ledger.fill(100, str(QUANTITY))
    else:
        road.ledger.orders[100]["status"] = "EXPIRED"
    outcome = road.cancel(cid)
    road.observe()
    row = road.row(cid)
    assert outcome.order is not None
    assert row.order.status is (OrderStatus.FILLED if filled else OrderStatus.EXPIRED)
    assert row.booked == (QUANTITY if filled else 0)
    assert (road.sent("POST"), road.sent("DELETE")) == (1, 1)


@pytest.mark.parametrize("done", [True, False], ids=["it was done", "it was not"])
def test_a_cancel_without_a_reply_is_looked_at_and_may_be_asked_again(done: bool, road: Road) -> None:
    """32: unknown, then looked up; an order that is still open may be cancelled again in a later cycle, not in this."""
    cid = placed(road).client_order_id
    road.scripted.on("DELETE", ORDER, hang_up)
    if done:
        road.ledger.orders[100]["status"] = "CANCELED"
    first = road.cancel(cid)
    assert first.state is CancelState.UNKNOWN
    assert road.cancel(cid, cycle=1).state is None
    assert road.row(cid).order.is_open is not done
    if not done:
        road.scripted.rules.pop(0)
        road.pass_(20)
        road.observe()
        assert road.cancel(cid, cycle=2).state is CancelState.CONFIRMED
        assert road.row(cid).order.status is OrderStatus.CANCELED
    assert road.sent("DELETE") == (1 if done else 2)


def test_a_fill_after_the_cancel_was_confirmed_is_booked_and_told(road: Road) -> None:
    """33: the cancel's reply said nothing was executed; the trade that shows afterwards is booked, with a warning."""
    cid = placed(road).client_order_id
    assert road.cancel(cid).state is CancelState.CONFIRMED
    road.ledger.fill(100, "0.001", status="CANCELED")
    report = road.start()
    assert report.booked == 1
    assert any("after it was CANCELED" in alert for alert in report.alerts)
    assert (road.row(cid).booked, road.row(cid).order.status) == (Decimal("0.001"), OrderStatus.CANCELED)


def test_an_order_that_the_list_lacks_is_asked_for_by_itself(road: Road) -> None:
    """34: openOrders lags behind the acknowledgement: one query decides, the order stays, nothing is placed again."""
    cid = placed(road).client_order_id
    road.ledger.hidden.add(100)
    road.observe()
    assert road.row(cid).order.is_open
    assert len(road.scripted.calls("GET", ORDER)) == 1
    assert road.sent("POST") == 1


def test_an_order_of_our_name_that_we_do_not_know_is_adopted_and_counts(road: Road) -> None:
    """35: adopted, told, counted in the limits, and the store is not armed; another store's is left alone."""
    placed(road)
    stray, foreign = "at-abcd-" + "z" * 26, "at-wxyz-" + "z" * 26
    road.ledger.add(stray, side="SELL")
    road.ledger.add(foreign)
    seen = road.observe()
    assert (seen.adopted, seen.foreign) == ([stray], [foreign])
    assert len(seen.alerts) == 1
    assert stray in {one.client_order_id for one in road.store.own_record(road.now_ms()).orders}
    assert foreign not in {one.client_order_id for one in road.store.own_record(road.now_ms()).orders}
    assert not road.start().armed


def test_two_orders_of_one_name_halt(road: Road) -> None:
    """36: the venue has our decision twice; nothing new is sent, and cancelling still works."""
    cid = placed(road).client_order_id
    road.ledger.orders[100]["status"] = "FILLED"
    road.ledger.add(cid)
    road.again()
    road.start()
    assert cid in (road.store.halted() or "")
    assert road.send(slot=2).state is IntentState.DROPPED
    assert road.sent("POST") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [({"clientOrderId": "at-abcd-other"}, "clientOrderId"), ({"side": "SELL"}, "side"),
     ({"symbol": "ETHJPY"}, "symbol"), ({"origQty": "0.03"}, "quantity")],
    ids=["9 id", "10 side", "11 symbol", "12 quantity"],
)  # fmt: skip
def test_another_order_in_the_echo_halts(change: dict[str, str], said: str, road: Road) -> None:
    """9-12: HTTP 200 about another order: halted with the reason, over a restart too, and one POST in all."""
    ours = {"symbol": "BTCJPY", "orderId": 5, "clientOrderId": road.name(1), "price": "9000000", "origQty": "0.003",
            "executedQty": "0", "cummulativeQuoteQty": "0", "status": "NEW", "timeInForce": "GTC", "type": "LIMIT",
            "side": "BUY", "transactTime": road.now_ms()}  # fmt: skip
    road.scripted.on("POST", ORDER, reply(200, ours | change))
    assert road.send(slot=1).state is IntentState.MISMATCH
    assert said in (road.store.halted() or "")
    road.again()
    assert road.send(slot=2).state is IntentState.DROPPED
    assert road.sent("POST") == 1


CERTAIN = {
    "14 no money": (error(400, -2010, "Account has insufficient balance for requested action."), "rule"),
    "15 clock": (error(400, -1021, "Timestamp for this request is outside of the recvWindow."), "outside"),
    "17 filter": (error(400, -1013, "Filter failure: LOT_SIZE"), "rule"),
    "18 429": (error(429, -1003, "Too much request weight used.", {"Retry-After": "40"}), "outside"),
    "20 418": (error(418, -1003, "banned", {"Retry-After": "259200"}), "outside"),
    "21 firewall": (reply(403, "<html>"), "outside"),
}


@pytest.mark.parametrize("name", list(CERTAIN))
def test_a_certain_refusal_ends_the_intent_and_nothing_is_frozen(name: str, road: Road) -> None:
    """14, 15, 17-21: refused, with whose fault it was; no order, no question, no second POST."""
    act, fault = CERTAIN[name]
    road.scripted.on("POST", ORDER, act)
    outcome = road.send()
    assert (outcome.state, outcome.fault) == (IntentState.REJECTED, fault)
    assert road.gateway.frozen() == frozenset()
    assert road.store.halted() is None
    assert road.sent("POST") == 1


def test_a_refused_key_halts_with_its_reason(road: Road) -> None:
    """16: -2015 stops everything that is new; the key itself is not in the reason."""
    road.scripted.on("POST", ORDER, error(401, -2015, f"Invalid API-key {KEY}, IP, or permissions for action."))
    assert road.send().state is IntentState.REJECTED
    assert "-2015" in (road.store.halted() or "")
    assert KEY not in (road.store.halted() or "")
    assert road.send(slot=2).state is IntentState.DROPPED
    assert road.sent("POST") == 1


@pytest.mark.parametrize("number", [2**63, 10**30, 10**63])
def test_a_number_that_no_record_can_hold_is_not_taken(number: int, road: Road) -> None:
    """43: an order id beyond 64 bits is no id: the order's fate is unknown, and nothing breaks."""
    road.scripted.on("GET", "/api/v3/openOrders", reply(200, []))
    placed(road)
    road.ledger.orders[100]["orderId"] = number
    seen = road.observe()
    assert len(seen.failures) == 1
    with pytest.raises(ExchangeUnavailable):
        road.venue.history("BTCJPY", road.now_ms() - 1000)


@pytest.mark.parametrize("text", ["9" * 5000, "9" * 10, "-1", "1e3", "٣", ""])
def test_a_count_in_a_header_that_is_none_is_passed_over(text: str) -> None:
    """A header of five thousand digits breaks nothing, and parks nothing."""
    made = Governor(lambda: 60_000)
    made.heard(
        Reply(200, {"x-mbx-used-weight-1m": text, "x-mbx-order-count-10s": text, "x-mbx-order-count-0s": "1"}, b"")
    )
    assert made.used == 0
    assert made.order_refusal() is None
