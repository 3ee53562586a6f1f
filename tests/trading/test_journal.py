"""The journal: what is written is read back whole, every act says it all, every time is the right one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotrader.errors import SafetyRefused
from autotrader.orders import (
    DecisionKey,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
    client_order_id,
)
from autotrader.records.intents import Admission, Intent, IntentState
from tests.worlds.desk import D, Desk, desk
from tests.worlds.venue import START_MS

IN_FLIGHT_MS = 5_000 + 1_000 + 10_000
HORIZON_MS = IN_FLIGHT_MS + 60_000


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "store")


def full_intent(store_id: str, **changes: object) -> Intent:
    """An intent in which every field has a value of its own."""
    key = DecisionKey(store_id=store_id, rule="dip", symbol="ETHJPY", order_id="at-abcd-x", slot_ms=11, step=2)
    request = OrderRequest(
        symbol="ETHJPY", side=Side.SELL, type=OrderType.LIMIT_MAKER, price=D("412345.60"), quantity=D("0.0123000"),
        tif=TimeInForce.FOK, client_order_id=client_order_id(key),
    )  # fmt: skip
    made = Intent(
        key=key, request=request, cycle=7, created_ms=START_MS - 5, deadline_ms=START_MS + 9, rule_hash="h4sh",
        cancel_after_ms=90_000, tag="a tag", labels=("one", "two"), because="price < 1",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def write(at: Desk, intent: Intent) -> str:
    with at.store.transaction() as store:
        store.intents.add(intent, Admission(intent.request, store.intents.written))
    return intent.request.client_order_id


def row_of(at: Desk, cid: str) -> Intent:
    row = at.store.intents.get(cid)
    assert row is not None
    return row


def acts(at: Desk, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    return [(act.time_ms, act.subject, act.data) for act in at.store.chain.acts(kind=kind)]


# ---------------------------------------------------------------------------------------------------------- the rows
def test_an_intent_is_read_back_as_it_was_written(at: Desk) -> None:
    """Every field of an intent comes back, labels and exact numbers too; nothing has happened to it yet."""
    intent = full_intent(at.store.id)
    assert row_of(at, write(at, intent)) == replace(
        intent, state=IntentState.INTENT, moved_ms=START_MS - 5, sent_ms=None, recv_window_ms=None,
        horizon_ms=None, looks=0, absences=0, next_look_ms=None, reason="", fault="", given_back=False,
    )  # fmt: skip


def test_the_act_of_an_intent_says_all_that_was_decided(at: Desk) -> None:
    """The chain holds each number, the rule with its hash, the reason and the deadline, at the time of the decision."""
    intent = full_intent(at.store.id)
    write(at, intent)
    assert acts(at, "intent") == [
        (START_MS - 5, intent.request.client_order_id, {
            "client_order_id": intent.request.client_order_id, "rule": "dip", "rule_hash": "h4sh", "symbol": "ETHJPY",
            "about_order": "at-abcd-x", "slot_ms": 11, "step": 2, "cycle": 7, "side": "SELL", "type": "LIMIT_MAKER",
            "tif": "FOK", "price": "412345.6", "quantity": "0.0123", "tag": "a tag",
            "labels": json.dumps(["one", "two"]), "because": "price < 1", "cancel_after_ms": 90_000,
            "created_ms": START_MS - 5, "deadline_ms": START_MS + 9,
        })
    ]  # fmt: skip


def test_sent_is_written_with_its_times_and_in_the_chain(at: Desk) -> None:
    """Timestamp, window and horizon of the one POST stand in the row and in the act that says "sent"."""
    cid = at.send().client_order_id
    wanted = {"sent_ms": START_MS, "recv_window_ms": 5_000, "horizon_ms": START_MS + HORIZON_MS,
              "next_look_ms": START_MS + 1_000}  # fmt: skip
    row = row_of(at, cid)
    assert wanted == {name: getattr(row, name) for name in wanted}
    assert acts(at, "intent-state") == [
        (START_MS, cid, {"state": "SENT", "from": "INTENT", "reason": "", "fault": "", **wanted}),
        (START_MS, cid, {"state": "ACCEPTED", "from": "SENT", "reason": "order 1001", "fault": ""}),
    ]


def test_a_move_writes_its_time_reason_and_fault(at: Desk) -> None:
    """Who is at fault, why and when stand in the row; what came before stays."""
    cid = at.intend()
    with at.store.transaction() as store:
        store.intents.move(cid, IntentState.DROPPED, 77, reason="late", fault="outside")
    row = row_of(at, cid)
    assert (row.state, row.moved_ms, row.reason, row.fault) == (IntentState.DROPPED, 77, "late", "outside")
    assert row.sent_ms is None


def test_a_move_that_the_table_lacks_says_which(at: Desk) -> None:
    """A refused move names the intent and both states; one about no intent says so."""
    cid = at.intend()
    with at.store.transaction() as store:
        with pytest.raises(ValueError, match=rf"intent {cid} cannot move from INTENT to ACCEPTED"):
            store.intents.move(cid, IntentState.ACCEPTED, 1)
        with pytest.raises(ValueError, match="intent nobody cannot move from nothing to SENT"):
            store.intents.move("nobody", IntentState.SENT, 1)


def test_no_intent_without_the_gates_word(at: Desk) -> None:
    """What the gate has not just admitted, or admitted before something else was written, is not taken."""
    intent = full_intent(at.store.id)
    other = replace(intent.request, quantity=D("99"))
    with at.store.transaction() as store:
        with pytest.raises(RuntimeError, match="gate has not just admitted"):
            store.intents.add(intent, Admission(other, store.intents.written))
        before = Admission(intent.request, store.intents.written)
        store.settings.set("last_seen_ms", 1, 1)
        with pytest.raises(RuntimeError, match="gate has not just admitted"):
            store.intents.add(intent, before)
    assert at.store.intents.get(intent.request.client_order_id) is None


def test_a_decision_of_another_store_is_not_taken(at: Desk) -> None:
    """A decision that bears another store's id would be another store's order."""
    with pytest.raises(ValueError, match="belongs to another store"):
        write(at, full_intent("zzzzzzzz"))


def test_a_decision_made_twice_is_named(at: Desk) -> None:
    """The refusal of a second time names the decision and its rule."""
    intent = full_intent(at.store.id)
    cid = write(at, intent)
    with pytest.raises(SafetyRefused, match=rf"decision {cid} of rule dip was made before"):
        write(at, intent)
    by_hand = at.intend(rule="")
    with pytest.raises(SafetyRefused, match=rf"decision {by_hand} of rule \(by hand\) was made"):
        at.intend(rule="")


def test_an_intent_bears_the_name_and_symbol_of_its_decision(at: Desk) -> None:
    """A request with another id, or for another symbol than was decided, is no intent."""
    intent = full_intent(at.store.id)
    for wrong in (replace(intent.request, client_order_id="at-abcd-other"), replace(intent.request, symbol="BTCJPY")):
        with pytest.raises(ValueError, match="not the decision's"):
            replace(intent, request=wrong)


def test_whose_firing_was_given_back_is_marked(at: Desk) -> None:
    """One row is marked, its fate and the others' rows stay."""
    cids = [at.intend(slot) for slot in range(1, 5)]
    with at.store.transaction() as store:
        store.intents.move(cids[0], IntentState.DROPPED, 1, fault="outside")
        store.intents.move(cids[1], IntentState.DROPPED, 1, fault="rule")
        store.intents.move(cids[2], IntentState.SENT, 1, fault="outside")
    with at.store.transaction() as store:
        store.intents.mark_given_back(cids[0])
    assert (row_of(at, cids[0]).state, row_of(at, cids[0]).given_back) == (IntentState.DROPPED, True)
    assert row_of(at, cids[1]).given_back is False


def test_the_journal_in_time(at: Desk) -> None:
    """What was sent since a moment, that moment included, oldest first; the newest of some fates; the latest rows."""
    assert at.store.intents.last_sent([IntentState.ACCEPTED]) == 0
    cids = []
    for slot in (1, 2, 3):
        at.clock.ms = START_MS + slot * 1000
        cids.append(at.send(slot).client_order_id)
    waiting = at.intend(4)
    times = at.store.intents
    assert [row.client_order_id for row in times.sent_since(START_MS + 2000)] == cids[1:]
    assert times.times_sent(START_MS + 2000) == tuple((START_MS + slot * 1000, IntentState.ACCEPTED) for slot in (2, 3))
    assert times.last_sent([IntentState.ACCEPTED, IntentState.DEAD]) == START_MS + 3000
    assert times.last_sent([IntentState.DEAD]) == 0
    assert [row.client_order_id for row in times.latest(2)] == [waiting, cids[2]]
    assert times.get("nobody") is None


def test_states_are_listed_apart(at: Desk) -> None:
    """Asking for other states, or after a write, is not answered with what was read before."""
    first = at.intend(1)
    assert [row.client_order_id for row in at.store.intents.in_state(IntentState.INTENT)] == [first]
    assert at.store.intents.in_state(IntentState.SENT) == ()
    at.clock.ms += 1
    second = at.intend(2)
    assert [row.client_order_id for row in at.store.intents.in_state(IntentState.INTENT)] == [first, second]
