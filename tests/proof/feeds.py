"""Proof that no order is placed on stale or broken data (docs/order-safety.md P10), and that silence is told.

The whole product plays a few minutes on the simulator in virtual time, with a rule that orders at every look where it
knows ticker, book and candles. The feed goes wrong in windows: requests that die, replies that come late or not at all,
prices of 0, crossed and older books, candles that are late, doubled, out of order, of the future or still open, and
another symbol's reply. Or the process stands still between a decision and its order. An oracle on the line knows of
every reply whether it was whole and when it was asked for; at each order that arrives it looks how old the newest good
reply of each kind is. It shares nothing with the product.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from autotrader.errors import AutotraderError
from autotrader.exchanges.address import BaseUrl
from autotrader.exchanges.messages import NoReplyError, NotSentError, Reply, Request
from autotrader.ports import Level
from autotrader.project import Project
from autotrader.prove.harness import NOWHERE, DirectLine, Harness, SilentNotifier, drop, project_of, scratch
from autotrader.prove.proof import Case, Counts, Progress, Proof, tried, unheard
from autotrader.records.crash import listening
from autotrader.service.runner import RunMode, Runner
from autotrader.simulator import Account, Simulator

INTERVAL_S: Final = 20.0
LOOK_S: Final = 10.0  # what one look at a dead exchange may take
LIMITS_S: Final[Mapping[str, float]] = {"ticker": 15.0, "book": 10.0}
_KINDS: Final = {
    "/api/v3/ticker/24hr": "ticker", "/api/v3/depth": "book", "/api/v3/ticker/bookTicker": "book",
    "/api/v3/klines": "candles",
}  # fmt: skip
_ACCOUNT: Final = f"""
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {{name: binance, base_url: "{NOWHERE}"}}
symbols: [BTCJPY]
limits:
  spend_per_day: 90_000_000 JPY
  loss_per_day: 90_000_000 JPY
  keep_free: {{JPY: 0 JPY}}
  halt_after: 900 refusals
  open_orders: 900
  orders_per_hour: 900
  holding: {{BTC: 900 BTC}}
  price_band: 5%
  request_weight: 90%
"""
_RULES: Final = """
version: 1
rules:
  always:
    symbol: BTCJPY
    every: 20s
    when:
      all:
        - last > 1 JPY
        - depth_bid(5 levels) >= 0 JPY
        - spread < 50%
        - close(1m) > 1 JPY
    repeat: every 10s while true
    then:
      - buy: {size: 0.001 BTC, price: bid - 1%, cancel_after: 30s}
"""


def prove_feeds(feeds: int = 100, seed: int = 1, progress: Progress = unheard) -> Proof:
    """Play `feeds` minutes of bad data. Feed i of a seed is the same however many are asked for."""
    total = tried((play(seed, number) for number in range(feeds)), feeds, progress)
    figures: dict[str, int | str] = {
        "feeds": feeds,
        **total.only("replies about the market", "  bad or lost", "orders", "orders on stale data", "silences", _TOLD),
        "oldest datum of an order, s": f"{total.most.get('oldest', 0.0):.1f}",
    }
    claim = "No order leaves on stale or broken data, and when there is none to judge by, people hear of it."
    return total.proof("feeds", claim, f"--feeds {feeds} --seed {seed}", figures)


def play(seed: int, number: int) -> Counts:
    """Play one feed of a seed."""
    with scratch("feeds") as folder:
        return FeedCase(seed, number, folder).played()


# --------------------------------------------------------------------------------------------------- what goes wrong
Edit = Callable[[Any, int], Any]


def _rows(change: Callable[[list[Any], int], Any]) -> Edit:
    """An edit of candles; other replies stay."""

    def edit(value: Any, now_ms: int) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows = [list(row) for row in value]
            change(rows, now_ms)
            return rows
        return value

    return edit


def _later(rows: list[Any], to_ms: int) -> None:
    row = list(rows[-1])
    while row[6] < to_ms:
        row[0], row[6] = row[0] + 60_000, row[6] + 60_000
    rows.append(row)


def _each(names: tuple[str, ...], new: Callable[[Any], Any]) -> Edit:
    """An edit of some fields of an object, or of each object in a list."""

    def edit(value: Any, _now_ms: int) -> Any:
        many = value if isinstance(value, list) else [value]
        for one in many:
            for name in names:
                if isinstance(one, dict) and name in one:
                    one[name] = new(one[name])
        return value

    return edit


def _crossed(value: Any, _now_ms: int) -> Any:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and one.get("bids") and one.get("asks"):
            one["bids"][0][0], one["asks"][0][0] = one["asks"][0][0], one["bids"][0][0]
        elif isinstance(one, dict) and "bidPrice" in one and "lastPrice" not in one:
            one["bidPrice"], one["askPrice"] = one["askPrice"], one["bidPrice"]
    return value


EDITS: Final[Mapping[str, Edit]] = {
    "price 0": _each(("lastPrice", "bidPrice"), lambda _: "0.00000000"),
    "price NaN": _each(("lastPrice", "bidPrice"), lambda _: "NaN"),
    "price far off": _each(("lastPrice",), lambda old: str(float(old) * 40)),
    "another symbol": _each(("symbol",), lambda _: "ETHJPY"),
    "last trade in the future": _each(("closeTime",), lambda old: old + 3_600_000),
    "crossed book": _crossed,
    "older book": _each(("lastUpdateId",), lambda old: old - 1_000_000),
    "newest candle late": _rows(lambda rows, _now: rows.pop()),
    "candle doubled": _rows(lambda rows, _now: rows.append(list(rows[-1]))),
    "candles out of order": _rows(lambda rows, _now: rows.insert(0, rows.pop())),
    "open candle": _rows(_later),
    "candle of the future": _rows(lambda rows, now_ms: _later(rows, now_ms + 600_000)),
    "not a number": lambda _value, _now: "?",
}
STALLED, STALL_S, _PROCESS = "process stands still", 14.0, "process"
LINES: Final = ("refused", "no answer", "slow", "server error")
KINDS: Final = (*EDITS, *LINES, "slow", "slow", "slow")
_SILENT: Final = frozenset({"refused", "no answer", "server error"})
_AGAIN: Final = "data is there again"
_TOLD: Final = "  told within two intervals"


@dataclass(frozen=True, slots=True)
class Window:
    """One kind of trouble with one kind of data, or with all, for a while (virtual seconds)."""

    kind: str
    about: str  # "" for all of the market
    begins: float
    ends: float

    def holds(self, about: str, at: float) -> bool:
        """Whether it troubles a request about this now."""
        return self.begins <= at < self.ends and self.about in ("", about)


class FeedLine(DirectLine):
    """The line with trouble on it, and the oracle that sees all that passes."""

    case: FeedCase

    def send(self, request: Request, seconds: float) -> Reply:
        """Carry a request, unless there is trouble; remember what the product truly knows."""
        about, asked = _KINDS.get(request.path, ""), self.time.monotonic()
        if (request.method, request.path) == ("POST", "/api/v3/order"):
            self.case.ordered(asked)
        if not about:
            return super().send(request, seconds)
        window = next((one for one in self.case.windows if one.holds(about, asked)), None)
        try:
            plain = window is None or window.kind == "slow"
            reply = (
                self._late(request, seconds, window.kind)
                if window and window.kind in LINES
                else super().send(request, seconds)
            )
        except AutotraderError:
            self.case.heard(about, asked, None)
            raise
        edited = reply if window is None or plain else self._edited(reply, window)
        self.case.heard(about, asked, reply if plain or edited is reply else None)
        return edited

    def _late(self, request: Request, seconds: float, kind: str) -> Reply:
        """A reply that comes late, or not at all."""
        self.case.count(kind)
        match kind:
            case "refused":
                raise NotSentError("nothing was sent: connection refused")
            case "no answer":
                self.time.sleep(max(seconds, 0.0))
                raise NoReplyError("no answer")
            case "slow":
                self.time.sleep(min(max(seconds - 0.4, 0.0), 6.0))
                return super().send(request, seconds - min(max(seconds - 0.4, 0.0), 6.0))
            case "server error":
                return Reply(503, {}, b'{"code": -1008, "msg": "busy"}')
        raise ValueError(kind)

    def _edited(self, reply: Reply, window: Window) -> Reply:
        """The reply with the window's fault in it; the same where that kind of reply cannot have it."""
        if window.kind not in EDITS or reply.status != 200:
            return Reply(reply.status, reply.headers, reply.body)
        edited = EDITS[window.kind](json.loads(reply.body), round(self.time.monotonic() * 1000))
        body = json.dumps(edited).encode()
        if json.loads(reply.body) == edited:
            return reply
        self.case.count(window.kind)
        return Reply(reply.status, reply.headers, body)


class FeedHarness(Harness):
    """A harness whose line is a troubled one."""

    case: FeedCase

    def _line(self, url: BaseUrl) -> DirectLine:
        line = FeedLine(url, self.simulator, self.time, self._trip, self.dead)
        line.case = self.case
        self.lines.append(line)
        return line


class Timed(SilentNotifier):
    """A notifier that keeps when it was told."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.times: list[tuple[float, str]] = []

    def notify(self, channel: str, level: Level, text: str) -> None:
        """Keep it with its time."""
        super().notify(channel, level, text)
        self.times.append((self._now(), text))


@cache
def _project() -> Project:
    with scratch("feeds-project") as folder:
        return project_of(folder, _ACCOUNT, _RULES)


class FeedCase(Case):
    """One feed under way, and its judge."""

    promise = "P10"

    def __init__(self, seed: int, number: int, folder: Path) -> None:
        super().__init__(f"feeds {seed} {number}", f"feeds --feeds {number + 1} --seed {seed}")
        chance, self._figures = self.chance, self.counts.figures
        account = Account.named("main", {"JPY": "90000000", "BTC": "0"})
        simulator = Simulator(seed=chance.randrange(10**6), symbols=["BTCJPY"], accounts=[account], history_minutes=20)
        harness = FeedHarness(_project(), simulator, folder, random.Random(chance.random()))
        harness.case = self
        self.harness, self.time = harness, harness.time
        self.notifier = harness.notifier = Timed(self.time.monotonic)
        self.known: dict[str, float] = {}
        self.candle_ms = 0
        self.begins = self.time.monotonic()
        self.ends = self.begins + chance.uniform(100, 260)
        self.windows = [self._drawn(chance) for _ in range(chance.randint(1, 3))]

    def _drawn(self, chance: random.Random) -> Window:
        begins = chance.uniform(self.begins + 15, self.ends - 70)
        if chance.random() < 0.25:
            return Window(chance.choice(("refused", "no answer", "server error")), "", begins, begins + 70)
        about = chance.choice(("", "", "ticker", "book", "candles", _PROCESS))
        kind = STALLED if about == _PROCESS else chance.choice(KINDS)
        return Window(kind, about, begins, begins + chance.choice((15.0, 45.0, 90.0)))

    def play(self) -> None:
        """Play it and judge it."""
        world = self.harness.open()
        try:
            report = world.start()
            if report.armed:
                left_ms = round((self.ends - self.time.monotonic()) * 1000)
                runner = Runner(world, RunMode(until_ms=world.connection.clock.now_ms() + left_ms, stepped=True))
                with listening(self._passed):
                    runner.run()
            self._judge_silences()
        finally:
            drop(world)

    def _passed(self, point: str) -> None:
        """Between its decision and its sending an order may wait: a machine that swaps, or is put to sleep."""
        now = self.time.monotonic()
        if point == "intent_committed" and any(
            one.kind == STALLED and one.holds(_PROCESS, now) for one in self.windows
        ):
            self.count(STALLED)
            self.time.sleep(STALL_S)

    def count(self, kind: str) -> None:
        """A fault was injected."""
        self.counts.injected[kind] += 1

    # -------------------------------------------------------------------------------------------------- the oracle
    def heard(self, about: str, asked: float, reply: Reply | None) -> None:
        """A reply about the market arrived, None where it was lost or bad."""
        self._figures["replies about the market"] += 1
        if reply is None or reply.status != 200:
            self._figures["  bad or lost"] += 1
            return
        self.known[about] = max(asked, self.known.get(about, 0.0))
        if about == "candles":
            opens = [row[0] for row in json.loads(reply.body)]
            self.candle_ms = max([self.candle_ms, *opens])

    def ordered(self, now: float) -> None:
        """An order is about to be sent: everything that its rule looked at must be young."""
        self._figures["orders"] += 1
        for about, limit in LIMITS_S.items():
            age = now - self.known.get(about, 0.0)
            self.counts.peak("oldest", age)
            if age > limit:
                self._figures["orders on stale data"] += 1
                self.breach(f"an order left on a {about} of {age:.1f} s, at {now - self.begins:.1f} s")
        closed = (round(now * 1000) - 30_000) // 60_000 * 60_000 - 60_000  # it was decided at most 30 s ago
        if self.candle_ms < closed:
            self._figures["orders on stale data"] += 1
            self.breach(f"an order left without the last closed candle, at {now - self.begins:.1f} s")

    def _judge_silences(self) -> None:
        """A silence of two looks and more is told within two intervals, where no other trouble takes its place."""
        for at, window in enumerate(self.windows):
            latest = window.begins + 2 * INTERVAL_S + LOOK_S
            first = all(one.ends <= window.begins or one.begins >= latest for one in self.windows[:at])
            if window.about or window.kind not in _SILENT or min(window.ends, self.ends) <= latest or not first:
                continue
            self._figures["silences"] += 1
            said = (text for when, text in self.notifier.times if when <= latest)
            heard = [text for text in said if "no data" in text or _AGAIN in text]
            if heard and "no data" in heard[-1]:
                self._figures[_TOLD] += 1
            else:
                self.breach(f"nobody was told of the silence at {window.begins - self.begins:.1f} s")

    def story(self) -> tuple[str, ...]:
        """What was wrong with the feed."""
        told = [f"{at - self.begins:7.1f} s  told: {text}" for at, text in self.notifier.times]
        faults = [
            f"{w.begins - self.begins:7.1f} s  {w.kind}: {w.about or 'everything'}, for {w.ends - w.begins:.0f} s"
            for w in self.windows
        ]
        return tuple(sorted([*told, *faults]))
