"""Transport, clock and governor: total time, fresh connections, jumps, drift, budgets and order counts."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection
from hypothesis import given
from hypothesis import strategies as st

from autotrader.errors import AutotraderError, ConfigError, ExchangeUnavailable, SafetyRefused
from autotrader.exchanges.binance import weights
from autotrader.exchanges.binance.client import base_url
from autotrader.exchanges.binance.connection import connect
from autotrader.exchanges.binance.endpoints import ACCOUNT, AccountCalls
from autotrader.exchanges.binance.governor import Governor, OrderLimit, Refrained
from autotrader.exchanges.binance.signing import ReadSigner
from autotrader.exchanges.clock import SAMPLES_APART, STEADY_SECONDS, VenueClock
from autotrader.exchanges.messages import NoReplyError, NotSentError, Reply, Request
from autotrader.exchanges.transport import Transport
from autotrader.exchanges.venue import Parked, VenueSettings
from autotrader.market.needs import (
    AccountNeed,
    BalancesNeed,
    BookNeed,
    CandleNeed,
    MarketNeed,
    OpenOrdersNeed,
    TickerNeed,
)  # fmt: skip
from autotrader.money import total
from autotrader.orders import CancelRequest, OrderRequest, OrderType, Side
from autotrader.trading.journal import horizon_ms
from tests.exchanges.scripted import (
    KEY,
    SECRET,
    Scripted,
    account_of,
    connected,
    credentials,
    drip,
    error,
    hang_up,
    raw,
    reply,
)

PING = Request("GET", "/api/v3/ping", "signature=abcdef")


@pytest.fixture
def transport(scripted: Scripted) -> Iterator[Transport]:
    """A transport to the scripted venue."""
    made = Transport(base_url(scripted.url))
    yield made
    made.close()


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 3000, b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"y" * 3000]
)
def test_a_dripping_reply_ends_at_the_total_time(data: bytes, scripted: Scripted, transport: Transport) -> None:
    """Single bytes of headers or body do not extend the time."""
    scripted.on("GET", "/api/v3/ping", drip(data, 0.02))
    began = time.monotonic()
    with pytest.raises(NoReplyError, match="within"):
        transport.send(PING, 0.2)
    assert time.monotonic() - began < len(data) * 0.02 / 2  # its end was not waited for


def test_after_a_timeout_the_next_request_works(scripted: Scripted, transport: Transport) -> None:
    """The connection of a late reply is not used again, so no reply reaches the wrong request."""
    scripted.on("GET", "/api/v3/ping", drip(b"HTTP/1.1 200 OK\r\n" + b"x" * 99, 0.02), reply(200, {"second": True}))
    with pytest.raises(NoReplyError):
        transport.send(PING, 0.1)
    assert transport.send(PING, 2).body == b'{"second": true}'
    assert len({one.connection for one in scripted.asked}) == 2


def test_an_order_uses_a_connection_of_the_last_two_seconds_or_a_new_one(scripted: Scripted) -> None:
    """A connection that has idled is not trusted with an order; reads may use it."""
    now = [100.0]
    transport = Transport(base_url(scripted.url), monotonic=lambda: now[0])
    scripted.on("GET", "/x", reply(200, {}))
    scripted.on("POST", "/x", reply(200, {}))
    order = Request("POST", "/x", body="a=1", fresh=True)
    for step, request in ((0.0, Request("GET", "/x")), (1.9, order), (2.1, Request("GET", "/x")), (2.1, order)):
        now[0] += step
        transport.send(request, 5)
    transport.close()
    assert [one.connection for one in scripted.asked] == [1, 1, 1, 2]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_not_used(
    name: str, scripted: Scripted, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """trust_env is off: neither proxies nor .netrc of the environment change where a request goes."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted.on("GET", "/api/v3/ping", reply(200, {}))
    assert transport.send(PING, 2).status == 200


def test_what_never_connected_was_not_sent() -> None:
    """Refused connection: NotSentError; the venue cannot have it."""
    transport = Transport(base_url("http://127.0.0.1:9"))
    with pytest.raises(NotSentError, match="refused"):
        transport.send(PING, 2)
    with pytest.raises(NotSentError, match="time was over"):
        transport.send(PING, 0)
    transport.close()


def test_what_would_leave_too_late_does_not_leave(
    scripted: Scripted, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolved slowly, and has no time-out of its own: once the time is over not one byte is sent."""
    connect = urllib3.util.connection.create_connection

    def slowly(*given: Any, **named: Any) -> socket.socket:
        time.sleep(0.3)
        return connect(*given, **named)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slowly)
    scripted.on("POST", "/x", reply(200, {}))
    with pytest.raises(NotSentError, match="not within"):
        transport.send(Request("POST", "/x", body="a=1"), 0.1)
    time.sleep(0.1)
    assert not scripted.calls("POST", "/x")


def test_tls_that_cannot_be_verified_sends_nothing(scripted: Scripted) -> None:
    """A host that does not speak TLS, or not with a trusted certificate, hears no request."""
    place = base_url("https://api.binance.com")
    port = scripted.url.rpartition(":")[2]
    object.__setattr__(place, "origin", f"https://127.0.0.1:{port}")
    transport = Transport(place)
    with pytest.raises(NotSentError):
        transport.send(PING, 2)
    transport.close()
    assert not [one for one in scripted.asked if "ping" in one.target]


@pytest.mark.parametrize(
    "url",
    ["http://api.binance.com", "https://evil.example", "https://api.binance.com.evil.example", "ftp://127.0.0.1",
     "http://user:secret@127.0.0.1:80", "https://api.binance.com:8443", "http://10.0.0.1", "http://127.0.0.1/path",
     "http://127.0.0.1:99999", "127.0.0.1:80", "", "http://[::1", "http://127.0.0.1.nip.io"],
)  # fmt: skip
def test_only_listed_hosts_are_addresses(url: str) -> None:
    """Anything but loopback http and the venue's https hosts is refused, and the text is not repeated whole."""
    with pytest.raises(ConfigError) as caught:
        base_url(url)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://api.binance.com/", "https://api4.binance.com",
            "https://testnet.binance.vision", "https://data-api.binance.vision:443"]
)  # fmt: skip
def test_listed_hosts_are_accepted(url: str) -> None:
    """Loopback in its forms, and the venue's hosts."""
    assert base_url(url).origin


def test_a_call_that_a_host_lacks_is_not_asked_there() -> None:
    """The data host has no trading-day ticker, the test network no /sapi: said without a request."""
    with connect(url="https://data-api.binance.vision") as data, connect(url="https://testnet.binance.vision") as net:
        with pytest.raises(ExchangeUnavailable, match="does not offer"):
            data.calls.trading_day(["BTCJPY"])
        with pytest.raises(ExchangeUnavailable, match="does not offer"):
            net.calls.system_status()


class Times:
    """A machine's clocks and a venue's, all turned by hand."""

    def __init__(self) -> None:
        self.mono, self.wall, self.server, self.trip = 50.0, 1_795_000_100.0, 1_795_000_000_000, 0.02

    def pass_(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += seconds
        self.server += round(seconds * 1000)

    def ask(self) -> int:
        self.pass_(self.trip / 2)
        answer = self.server
        self.pass_(self.trip / 2)
        return answer

    def clock(self) -> VenueClock:
        return VenueClock(self.ask, monotonic=lambda: self.mono, wall=lambda: self.wall, sleep=self.pass_)


def test_the_venues_time_is_the_middle_of_the_trip_and_monotonic_since() -> None:
    """A constant offset of 100 s is compensated; steps of the wall clock change nothing."""
    times = Times()
    clock = times.clock()
    clock.sync()
    assert clock.now_ms() == times.server
    assert clock.skew_ms() == pytest.approx(100_000, abs=2)
    times.wall += 3600
    clock.sleep(10)
    assert clock.now_ms() == pytest.approx(times.server, abs=1)


def test_uncertainty_is_half_the_trip_plus_drift_and_stops_signing_above_500_ms() -> None:
    """20 ms of trip are 10 ms of doubt, 200 s later 110 ms; a trip of 1.2 s is too slow to sign."""
    times = Times()
    clock = times.clock()
    assert clock.uncertainty_ms() > 10**6
    clock.sync()
    assert clock.uncertainty_ms() == 10
    times.pass_(200)
    assert clock.uncertainty_ms() == 110
    times.trip = 1.2
    clock.suspect()
    with pytest.raises(SafetyRefused, match="600 ms"):
        clock.certain_ms()


def test_time_is_asked_again_after_ten_minutes() -> None:
    """Before each signature the sync is at most ten minutes old."""
    times = Times()
    clock = times.clock()
    asked = clock.certain_ms()
    times.pass_(601)
    assert clock.certain_ms() > asked + 600_000
    assert clock.uncertainty_ms() == 10


def test_sleep_of_the_machine_is_believed_because_the_wall_clock_saw_it() -> None:
    """Suspend stops the monotonic clock: it is noticed, synced before signing, and the new time is taken."""
    times = Times()
    clock = times.clock()
    clock.sync()
    assert not clock.diverged()
    times.wall += 7200
    times.server += 7_200_000
    assert clock.diverged()
    assert clock.certain_ms() == pytest.approx(times.server, abs=11)
    assert not clock.diverged()


@given(st.integers(2_001, 10**8))
def test_a_step_back_is_no_sleep_although_both_clocks_saw_it(back: int) -> None:
    """Nobody sleeps backwards: where venue and wall clock both step back, the venue's new time is not believed."""
    times = Times()
    clock = times.clock()
    clock.sync()
    times.wall -= back / 1000
    times.server -= back
    with pytest.raises(ExchangeUnavailable, match="jumped"):
        clock.certain_ms()


@given(st.integers(-(10**8), 10**8).filter(lambda jump: abs(jump) > 2000))
def test_a_jump_of_the_venue_alone_is_not_believed(jump: int) -> None:
    """Any jump of more than 2 s that neither of our clocks saw stops signing, and its end is noticed."""
    times = Times()
    clock = times.clock()
    clock.sync()
    times.server += jump
    with pytest.raises(ExchangeUnavailable, match="jumped"):
        clock.sync()
    assert clock.uncertainty_ms() > 10**6
    times.server -= jump
    clock.sync()
    assert clock.uncertainty_ms() <= 10


def asked_until_believed(times: Times, clock: VenueClock, every: float) -> float:
    """Seconds until a new time of the venue is believed, asked now and then."""
    began = times.mono
    while times.mono - began < 4 * STEADY_SECONDS:
        try:
            clock.sync()
        except ExchangeUnavailable:
            times.pass_(every)
            continue
        return times.mono - began
    raise AssertionError("it is never believed")


@given(st.integers(-(10**8), 10**8).filter(lambda jump: abs(jump) > 2000), st.floats(1, 300))
def test_a_new_time_that_stays_is_believed_after_every_horizon_has_passed(jump: int, every: float) -> None:
    """A venue that was wrong and came right is trusted again by itself, once: later than any order that was signed by
    the old time could still be waited for, so that no horizon comes earlier; and it is said.
    """
    times = Times()
    clock = times.clock()
    signed = clock.certain_ms()
    by_the_old = horizon_ms(signed) - clock.now_ms()
    times.server += jump
    waited = asked_until_believed(times, clock, every)
    assert waited * 1000 > 10 * by_the_old
    assert STEADY_SECONDS <= waited <= STEADY_SECONDS + 2 * every + SAMPLES_APART
    assert abs(clock.certain_ms() - times.server) <= 11
    assert "believed again" in clock.news()
    assert clock.news() == ""


@given(st.lists(st.tuples(st.integers(5_000, 10**7), st.floats(100, 800)), min_size=2, max_size=6))
def test_a_time_that_goes_on_jumping_is_not_believed(jumps: list[tuple[int, float]]) -> None:
    """Each contradiction begins the quarter of an hour anew, and its sum is nothing."""
    times = Times()
    clock = times.clock()
    clock.sync()
    for jump, stays in jumps:
        times.server += jump
        for _ in range(5):
            with pytest.raises(ExchangeUnavailable, match="jumped"):
                clock.sync()
            times.pass_(stays / 5)


def test_many_answers_at_once_and_slow_ones_are_no_evidence() -> None:
    """What counts are answers a minute apart, over a line that is quick enough to sign by."""
    times = Times()
    clock = times.clock()
    clock.sync()
    times.server += 60_000
    for _ in range(9):
        with pytest.raises(ExchangeUnavailable, match="jumped"):
            clock.sync()
    times.pass_(STEADY_SECONDS)
    with pytest.raises(ExchangeUnavailable, match="jumped"):
        clock.sync()
    times.trip = 1.2
    for _ in range(9):
        times.pass_(SAMPLES_APART)
        with pytest.raises(ExchangeUnavailable, match="jumped"):
            clock.sync()
    times.trip = 0.02
    assert asked_until_believed(times, clock, SAMPLES_APART) <= 2 * SAMPLES_APART + 1


def governor(now: list[int], share: int | None = None) -> Governor:
    made = Governor(lambda: now[0], share=share)
    made.learn(1000, (OrderLimit(10_000, 3),))
    return made


def test_reads_stop_at_the_share_and_cancels_may_use_the_reserve() -> None:
    """Of 1000 with a share of 500: reads end at 500, what looks after orders at 950; the next minute renews."""
    now = [60_000]
    made = governor(now, share=500)
    made.take(500)
    with pytest.raises(Refrained, match="spent"):
        made.take(1)
    made.take(450, urgent=True)
    with pytest.raises(Refrained):
        made.take(1, urgent=True)
    now[0] = 120_000
    made.take(500)


def test_a_share_above_the_limit_leaves_the_reserve() -> None:
    """Whatever the account asks for, a tenth stays for cancels."""
    made = governor([0], share=5000)
    made.take(900)
    with pytest.raises(Refrained):
        made.take(1)


def test_the_venues_own_count_is_believed_where_it_is_higher() -> None:
    """Others at the same address use weight too: the header corrects our count upwards."""
    made = governor([0], share=500)
    made.heard(Reply(200, {"x-mbx-used-weight-1m": "480"}, b""))
    assert made.used == 480
    with pytest.raises(Refrained):
        made.take(30)


def test_order_counts_stop_orders_until_the_window_ends() -> None:
    """Three of three orders in ten seconds: the next waits for the next window."""
    now = [5_000]
    made = governor(now)
    made.heard(Reply(200, {"x-mbx-order-count-10s": "3"}, b""))
    assert "3 of 3" in (made.order_refusal() or "")
    now[0] = 10_000
    assert made.order_refusal() is None


def test_bans_without_an_end_grow() -> None:
    """429 after 429 without Retry-After: each silence is twice the last; a success starts over."""
    now = [0]
    made = governor(now)
    waits = []
    for _ in range(3):
        made.heard(Reply(429, {}, b""))
        waits.append((made.parked() or Parked(0, "")).until_ms - now[0])
        now[0] += waits[-1]
    assert waits == [60_000, 120_000, 240_000]
    assert made.parked() is None
    made.heard(Reply(200, {}, b"{}"))
    made.heard(Reply(429, {}, b""))
    assert (made.parked() or Parked(0, "")).until_ms - now[0] == 60_000


def test_a_ban_heard_in_another_thread_is_told_in_the_thread_that_made_the_governor() -> None:
    """Records are written by one thread: the hook waits until that thread comes by."""
    told: list[int] = []
    made = Governor(lambda: 0, on_parked=lambda _parked: told.append(threading.get_ident()))

    def elsewhere() -> None:
        made.heard(Reply(429, {}, b""))
        made.tell()

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()
    assert told == []
    assert made.parked() is not None
    made.tell()
    made.tell()
    assert told == [threading.get_ident()]


def test_a_ban_is_kept_in_the_cache_for_every_other_command(scripted: Scripted, tmp_path: Path) -> None:
    """The ban is the address's: whoever connects next with the same cache is silent, without being told."""
    scripted.on("GET", "/api/v3/ticker/price", error(418, -1003, "banned", {"Retry-After": "600"}))
    with connected(scripted.url, cache=tmp_path) as first, pytest.raises(ExchangeUnavailable):
        first.calls.prices(["BTCJPY"])
    before = len(scripted.asked)
    with connected(scripted.url, cache=tmp_path) as second, pytest.raises(ExchangeUnavailable, match="parked"):
        second.clock.sync()
    assert len(scripted.asked) == before
    (tmp_path / "bans.json").write_text("{broken")
    with connected(scripted.url, cache=tmp_path) as third:
        third.clock.sync()


def test_the_window_of_the_account_file_is_signed(scripted: Scripted) -> None:
    """recvWindow is what the settings say; one that the venue would refuse is refused here."""
    with connected(scripted.url, recv_window_ms=3000) as connection, pytest.raises(AutotraderError):
        AccountCalls(connection.client).account()
    assert "recvWindow=3000" in scripted.calls("GET", "/api/v3/account")[0].query
    with pytest.raises(ConfigError):
        ReadSigner(credentials(), "127.0.0.1", 60_001)


def test_the_end_of_a_ban_is_read_from_its_text() -> None:
    """418 without Retry-After names the end as a time in milliseconds."""
    now = [1_795_000_000_000]
    made = governor(now)
    made.heard(Reply(418, {}, b'{"code":-1003,"msg":"Way too much; IP banned until 1795000600000. x"}'))
    assert (made.parked() or Parked(0, "")).until_ms == 1_795_000_601_000


def test_reads_are_tried_again_and_signed_anew(scripted: Scripted) -> None:
    """A read that failed in passing comes again up to three times, each time with its own timestamp or signature."""
    good = {"canTrade": True, "canWithdraw": False, "updateTime": 1, "accountType": "SPOT", "balances": []}
    scripted.on("GET", "/api/v3/account", hang_up, reply(502, "<html>"), reply(200, good))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(0.003)

    with connected(scripted.url, sleep=pause, chance=lambda: 0.5) as connection:
        assert connection.broker is not None
        account_of(connection).account()
    asked = scripted.calls("GET", "/api/v3/account")
    assert len({one.query for one in asked}) == 3
    assert pauses == [pytest.approx(0.2), pytest.approx(0.4)]


def test_a_refused_timestamp_is_tried_once_more_after_a_sync(scripted: Scripted) -> None:
    """-1021 on a read: the clock is synced and the read is signed again, once."""
    scripted.on("GET", "/api/v3/account", error(400, -1021, "Timestamp for this request is outside of the recvWindow."))
    with connected(scripted.url) as connection:
        calls = AccountCalls(connection.client)
        with pytest.raises(AutotraderError):
            calls.account()
    assert len(scripted.calls("GET", "/api/v3/account")) == 2
    assert len(scripted.calls("GET", "/api/v3/time")) == 2


def test_a_refusal_is_not_tried_again(scripted: Scripted) -> None:
    """A key that may not is asked once."""
    scripted.on("GET", "/api/v3/account", error(401, -2015, "Invalid API-key, IP, or permissions for action."))
    with connected(scripted.url) as connection:
        calls = AccountCalls(connection.client)
        with pytest.raises(AutotraderError):
            calls.account()
    assert len(scripted.calls("GET", "/api/v3/account")) == 1


def test_needs_cost_what_their_merged_requests_weigh() -> None:
    """Ten tickers share one request of weight 2; a candle is asked once a candle; open orders of all beat many."""
    tickers: dict[MarketNeed | AccountNeed, int] = {TickerNeed(f"S{at}"): 60_000 for at in range(10)}
    assert total(weights.per_minute(tickers).values()) == 2
    hourly = weights.per_minute({CandleNeed("A", "1h", 100): 1000})
    assert round(total(hourly.values()) * 60, 20) == 2
    assert weights.per_minute({BookNeed("A", 100): 30_000})[BookNeed("A", 100)] == 10
    orders: dict[MarketNeed | AccountNeed, int] = {OpenOrdersNeed(f"S{at}"): 60_000 for at in range(20)}
    assert round(total(weights.per_minute(orders).values()), 20) == 80
    assert weights.per_minute({BalancesNeed(): 60_000})[BalancesNeed()] == 20


def test_no_exception_or_log_line_holds_a_secret(
    scripted: Scripted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary: at DEBUG, through every way to fail, neither key, secret, signature nor query shows anywhere."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "requests", "autotrader"):
        caplog.set_level(logging.DEBUG, logger=name)
    hung = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
    acts = (hang_up, hung, error(400, -1022, f"bad {KEY} {SECRET}"), reply(200, "<html>"),
            reply(302, "", {"Location": "/x"}), error(418, -1003, "banned", {"Retry-After": "1"}))  # fmt: skip
    seen: list[str] = []
    order = OrderRequest(symbol="BTCJPY", side=Side.BUY, type=OrderType.LIMIT, price=Decimal(9), quantity=Decimal(1),
                         client_order_id="at-7f3a-x")  # fmt: skip
    for act in acts:
        for method, path in (("GET", "/api/v3/account"), ("POST", "/api/v3/order"), ("DELETE", "/api/v3/order")):
            scripted.on(method, path, act)
        with connected(scripted.url) as connection:
            broker = connection.broker
            assert broker is not None
            connection.clock.sync()
            seen += [repr(broker.submit(order, connection.clock.now_ms())), repr(connection), repr(connection.client)]
            seen.append(repr(broker.cancel(CancelRequest(symbol="BTCJPY", client_order_id="at-7f3a-x"))))
            try:
                account_of(connection).account()
            except AutotraderError as caught:
                seen += _all_texts(caught)
    signatures = {
        one.rpartition("signature=")[2] for asked in scripted.asked for one in (asked.query, asked.body) if one
    }
    text = "\n".join([*seen, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert len(signatures) > 10
    assert any("/api/v3/account" in str(record.args) for record in caplog.records)
    assert [one for one in (KEY, SECRET, *signatures, "timestamp=") if one in text] == []


def _all_texts(caught: BaseException) -> list[str]:
    """An exception as people and tools show it, with everything that hangs on it."""
    chain: list[BaseException] = []
    error: BaseException | None = caught
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return ["".join(traceback.format_exception(caught)), *(f"{one!r} {one} {vars(one)}" for one in chain)]


def test_a_connection_without_a_key_signs_nothing() -> None:
    """Dry-run has no broker at the venue at all."""
    with connect(VenueSettings(), url="http://127.0.0.1:9") as connection:
        assert connection.broker is None
        with pytest.raises(SafetyRefused, match="API key"):
            connection.client.ask(ACCOUNT)
        with pytest.raises(SafetyRefused, match="permission"):
            connection.client.trade("POST", "/api/v3/order", [], 1)
