"""Never banned: fifty rules over days of an exchange's time, at a limit so low that the governor has to hold back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from autotrader.errors import ExchangeUnavailable
from autotrader.orders import Accepted, Cancelled, CancelRequest, OrderRequest, OrderType, Side
from autotrader.simulator import Account, Simulator
from autotrader.simulator.protocol import JSON, Answer
from tests.exchanges.days import Witness, rules, world
from tests.worlds.project import HOUR_MS, played

LIMIT = 320  # a nineteenth of the venue's: what these rules need comes close to it
MOST_READS = 224  # `request_weight: 70%` of it
MOST = 304  # with the reserve for what looks after orders


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A seeded exchange in stepped time with a low limit of request weight."""
    purse = {"JPY": "50000000", "BTC": "1", "ETH": "5", "BNB": "5"}
    with Simulator(seed=5, weight_limit=LIMIT, accounts=[Account.named("main", purse)]) as made:
        yield made


def lived(simulator: Simulator, folder: Path, hours: float) -> Witness:
    """Fifty rules, each looked at every minute, for that long."""
    witness = Witness(simulator)
    with world(folder, simulator, rules(50, "1m")) as made:
        assert made.start().armed
        runner = played(made, hours)
        assert made.store.halted() is None
    assert runner.cycles >= hours * 60
    return witness


def judged(witness: Witness, simulator: Simulator, orders: int) -> None:
    """No limit was ever overstepped, and the rules did what they are for."""
    assert {status for status in witness.answers if status in (403, 418, 429)} == set(), witness.answers
    assert MOST_READS * 0.9 < witness.heaviest <= MOST
    assert len(simulator.orders()) >= orders
    assert any(order["status"] == "CANCELED" for order in simulator.orders())


def test_a_quarter_of_an_hour_of_fifty_rules_oversteps_no_limit(simulator: Simulator, tmp_path: Path) -> None:
    """Every minute needs nearly all that is allowed; no 429 and no 418 comes of it."""
    judged(lived(simulator, tmp_path, 0.25), simulator, orders=8)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_seven_days_of_fifty_rules_overstep_no_limit(simulator: Simulator, tmp_path: Path) -> None:
    """The same for seven days of the exchange's time: 10,080 minutes, no 429 of our making."""
    judged(lived(simulator, tmp_path, 7 * 24), simulator, orders=1000)


def banned(seconds: int) -> Answer:
    """The venue's ban of an address."""
    body = json.dumps({"code": -1003, "msg": "Way too much request weight used; IP banned until 9."}).encode()
    return Answer(418, {"Content-Type": JSON, "Retry-After": str(seconds)}, body)


@pytest.mark.parametrize("status", [418, pytest.param(429, marks=pytest.mark.deep)])
def test_after_a_ban_nothing_is_asked_before_its_end_over_a_restart_too(
    status: int, simulator: Simulator, tmp_path: Path
) -> None:
    """A ban of 30 minutes in the middle of work: requests that were on their way apart, silence until its end, in this
    process and in the next one; after it the work goes on.
    """
    witness, until = Witness(simulator), [0]
    reply = banned(1800)._replace(status=status)

    def instead(_method: str, _path: str) -> Answer | None:
        return reply if simulator.exchange.now_ms < until[0] else None

    with world(tmp_path, simulator, rules(50, "1m")) as first:
        assert first.start().armed
        played(first, 0.05)
        until[0] = simulator.now_ms + 1_800_000
        witness.instead, witness.listens = instead, True
        played(first, 0.1)
    heard = list(witness.asked)
    assert heard
    began = heard[0][0]
    assert {moment for moment, *_ in heard} == {began}, "only what left at that very moment was still asked"
    assert len(heard) <= 8
    simulator.advance(300)
    with suppress(ExchangeUnavailable), world(tmp_path, simulator, rules(50, "1m")) as second:
        played(second, 0.36)  # where the filters must be read again it does not even begin, and says until when
    simulator.advance(max(0, began + 1_810_000 - simulator.now_ms) / 1000)
    with world(tmp_path, simulator, rules(50, "1m")) as third:
        played(third, 0.05)
    later = witness.asked[len(heard) :]
    assert min(moment for moment, *_ in later) >= began + 1_800_000
    assert {answered for *_, answered in later} <= {200, 400}


def test_in_a_ban_a_slot_is_recorded_once_or_twice_and_looked_at_at_once_afterwards(
    simulator: Simulator, tmp_path: Path
) -> None:
    """Looks at an `on_close` slot wait for the ban's end: one record says why, one more that it is late; the first
    moment after the end brings the answer.
    """
    witness, until = Witness(simulator), [0]

    def instead(_method: str, _path: str) -> Answer | None:
        return banned(600) if simulator.exchange.now_ms < until[0] else None

    text = rules(1, "1m").replace("every: 1m", "on_close: 15m", 1)
    with world(tmp_path, simulator, text) as made:
        assert made.start().armed
        first = (simulator.now_ms // 900_000 + 1) * 900_000
        played(made, (first - 1_000 - simulator.now_ms) / HOUR_MS)
        until[0] = first + 600_000
        witness.instead = instead
        played(made, 0.24)
        rows = [row for row in made.store.evaluations.all() if row.time_ms >= first]
    during = [row for row in rows if row.time_ms < first + 601_000]
    after = [row for row in rows if row.time_ms >= first + 601_000]
    assert 1 <= len(during) <= 2
    assert all("HTTP 418" in str(row.body) for row in during)
    assert after[0].time_ms <= first + 605_000
    assert "HTTP 418" not in str(after[0].body["values"])
    assert len(after) == 1


def test_cancels_leave_when_reads_may_not(simulator: Simulator, tmp_path: Path) -> None:
    """With the minute's share spent, reads stay here and a cancel goes out."""
    with world(tmp_path, simulator, rules(1, "1m")) as made:
        broker, calls = made.broker, made.connection.calls
        asked = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal(9_000_000),
                             quantity=Decimal("0.001"), client_order_id="at-7f3a-one")  # fmt: skip
        assert isinstance(broker.submit(asked, made.connection.clock.now_ms()), Accepted)
        while witness_used(simulator) <= MOST_READS - 10:
            calls.depth("BTCJPY")
        with pytest.raises(ExchangeUnavailable, match="request weight"):
            calls.depth("BTCJPY", 1000)
        assert isinstance(broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="at-7f3a-one")), Cancelled)
    assert witness_used(simulator) <= MOST


def witness_used(simulator: Simulator) -> int:
    """The exchange's own count of this minute."""
    return simulator.exchange.weights.used
