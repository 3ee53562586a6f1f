"""Proof that limits hold in aggregate (P7, P10): days of random orders through review, gate, journal and gateway.

A day has its own random limits and its own exchange (`limit_venue`): requests get lost, come late, are taken without an
answer; the market moves and trades what stands; time passes between look, journal and sending; people halt and resume;
the process ends and starts again. All that judges, writes and sends is the product's. Only the watch (`limit_watch`)
knows the truth, and what each limit promises of it. A day is decided by its seed alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from autotrader.engine.halt import Halt, HaltLevel
from autotrader.engine.limits import Approved, Limit, in_turn, review
from autotrader.engine.requests import Denied
from autotrader.errors import OrderDenied
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BalancesNeed, BookNeed, Need, OpenOrdersNeed
from autotrader.market.snapshot import Seen, Snapshot
from autotrader.market.sources import Sources
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, client_order_id
from autotrader.prove.harness import scratch
from autotrader.prove.proof import Case, Progress, Proof, tried, unheard
from autotrader.records.intents import Intent
from autotrader.records.places import HALT_FILE, Identity
from autotrader.records.store import Store
from autotrader.trading.gate import Gate
from autotrader.trading.gateway import Gateway
from autotrader.trading.observer import Observer
from autotrader.trading.reconcile import Reconciler
from autotrader.trading.resolve import Resolver
from tests.proof.limit_venue import Venue
from tests.proof.limit_watch import Watch

D = Decimal
CYCLES = 240  # of one day
MOST_ORDERS = 196  # of one cycle
START_MS = 1_795_000_000_000
WORLD = Identity(mode="live", base_url="http://127.0.0.1:9", fingerprint="limits")
ZONE = Settings(file="limits.yaml").timezone
LISTED = ("BTCJPY", "ETHJPY", "ETHBTC")
_DENIED = "denied by "
RULES = ("", "dip", "grid", "exit", "dca", "late")
_MARKET: dict[str, tuple[str, str, Decimal, Decimal, Decimal, Decimal]] = {
    # symbol: base, quote, price, tick, step, least notional
    "BTCJPY": ("BTC", "JPY", D(10_000_000), D(1_000), D("0.00001"), D(100)),
    "ETHJPY": ("ETH", "JPY", D(400_000), D(10), D("0.0001"), D(100)),
    "ETHBTC": ("ETH", "BTC", D("0.04"), D("0.00001"), D("0.0001"), D("0.0001")),
    "XRPJPY": ("XRP", "JPY", D(400), D("0.1"), D("0.1"), D(100)),
}
_PURSE = {"JPY": D(150_000), "BTC": D("0.012"), "ETH": D("0.25"), "XRP": D(300)}


def prove_limits(
    days: int,
    seed: int = 1,
    progress: Progress = unheard,
    *,
    limits: Sequence[Limit] | None = None,
    most: int | None = None,
) -> Proof:
    """Live through days of orders, the first with this seed. `limits` are judged in place of the product's: to see
    whether the watch misses one of them. A day ends at `most` breaches.
    """
    total = tried((Day(number, limits, most).played() for number in range(seed, seed + days)), days, progress)
    denied = Counter({name: count for name, count in total.figures.items() if name.startswith(_DENIED)})
    figures = {name: count for name, count in total.figures.items() if name not in denied}
    claim = "at the exchange no limit is ever exceeded, whatever is open, unclear or on its way"
    shown = {"days": days, **figures, **dict(denied.most_common())}
    return total.proof("limits", claim, f"{days} days, seed {seed}", shown)


def _drawn(chance: random.Random) -> Limits:
    """Limits of a day: some tight, some so wide that others come to bite."""

    def some(low: float, high: float, *, wide: float = 0.3) -> Decimal:
        return D(f"{chance.uniform(low, high) if chance.random() > wide else high * 20:.6f}")

    def count(low: int, high: int) -> int:
        return chance.randint(low, high) if chance.random() > 0.3 else 1_000

    return Limits(
        spend_per_day={"JPY": some(15_000, 90_000), "BTC": some(0.001, 0.008)},
        loss_per_day={"JPY": some(150, 3_000, wide=0.5), "BTC": some(0.00002, 0.001, wide=0.7)},
        keep_free={"JPY": D(chance.randint(1_000, 90_000)), "BTC": some(0.0005, 0.008, wide=0)},
        halt_after=count(2, 5),
        open_orders=count(2, 9),
        orders_per_hour=count(4, 25),
        holding={"BTC": some(0.0122, 0.015), "ETH": some(0.252, 0.3)},
        price_band=some(0.3, 5, wide=0.1),
    )


class Day(Case):
    """One day: a store, an exchange, the watch over both. It ends at `most` breaches."""

    promise = "P7"

    def __init__(self, seed: int, limits: Sequence[Limit] | None, most: int | None) -> None:
        super().__init__(f"limits {seed}", f"limits --days 1 --seed {seed}")
        chance = self.chance
        self._limits, self._most = limits, most
        began = START_MS + chance.randrange(86_400_000)
        self._settings = Settings(file="limits.yaml", symbols=LISTED, limits=_drawn(chance))
        instruments = {symbol: _instrument(symbol, began) for symbol in _MARKET}
        self.watch = Watch(self._settings.limits, frozenset(LISTED))
        self.venue = Venue(
            chance, instruments, {symbol: facts[2] for symbol, facts in _MARKET.items()}, dict(_PURSE),
            swing=chance.choice((0.001, 0.002, 0.006)), now=began, listener=self.watch,
        )  # fmt: skip
        self.watch.venue = self.venue
        self._instruments = dict(instruments)
        self._cycle = 0

    def play(self) -> None:
        """All of it, or until enough breaches."""
        with scratch("limits") as self._folder:
            self._open()
            for _ in range(CYCLES):
                self._turn()
                if self._most is not None and len(self.watch.breaches) >= self._most:
                    break
            self._store.close()
        self.counts.injected.update(
            {f"request {fate}": n for fate, n in self.venue.counts.items() if fate not in _PLAIN}
        )
        self.counts.figures["orders taken by the exchange"] = len(self.venue.orders)
        self.counts.figures["trades"] = len(self.venue.trades)
        for what in self.watch.breaches:
            self.breach(what)

    def _open(self) -> None:
        """One process: everything anew over the same files."""
        self._store = store = Store.open(self._folder, WORLD, now_ms=self.venue.now, make_id=lambda: "limitsab")
        self._gate = Gate(store, self.venue, self._settings, limits=self._limits)
        self._gateway = Gateway(store, self.venue, self.venue, refuse=self._gate.refuse)
        self._resolver = Resolver(store, self.venue, self.venue)
        self._observer = Observer(store, self.venue, self.venue, self._resolver)
        Reconciler(store, self.venue, self.venue, self._resolver, self._observer).run(LISTED)
        with store.transaction():  # what start-up cannot explain has its own proof; here it would end the day
            store.settings.set("unexplained", {}, self.venue.now)

    # ------------------------------------------------------------------------------------------------------ a cycle
    def _turn(self) -> None:
        chance = self.chance
        self.venue.advance(chance.choice((2_000, 30_000, 200_000, 400_000, 900_000)))
        self._cycle += 1
        self._happen()
        sources = self._look()
        self._gate.trip_on_refusals()
        self._know_halts()
        requests = [self._request(step) for step in range(chance.randint(1, MOST_ORDERS))]
        self.counts.figures["intents"] += len(requests)
        places = self._judged(requests, sources)
        written = self._journal(places, sources)
        crashes = chance.random() < 0.01
        self.venue.advance(chance.choice((0, 0, 0, 50, 3_000)))
        for name in written:
            if crashes and chance.random() < 0.5:
                break
            outcome = self._gateway.submit(name)
            self.counts.figures[
                "intents sent" if outcome.state not in ("DROPPED", "NOT_SENT") else "intents not sent"
            ] += 1
        self.venue.during, self.venue.doubt_ms = lambda: None, 20
        if crashes:
            self._again("process ended between two orders")

    def _again(self, why: str) -> None:
        self.counts.injected[why] += 1
        self._store.abandon()
        self._open()

    def _happen(self) -> None:
        """What people and the world do between two cycles, or while an order is under way."""
        chance, store = self.chance, self._store
        if self.watch.halt and chance.random() < 0.25:
            store.resume(self.venue.now)
            self.watch.halt, self.watch.forgiven_ms = "", self.venue.now
            self.counts.injected["resumed"] += 1
        if chance.random() < 0.015:
            self._halt()
        elif chance.random() < 0.01:
            self.venue.during = self._halt
        if chance.random() < 0.01:
            self._again("started again")
        if chance.random() < 0.02:
            self.venue.doubt_ms = 900
            self.counts.injected["clock uncertain"] += 1
        for row in self._store.orders.open():
            if chance.random() < 0.2:
                with self._store.transaction():
                    number = self._store.counters.next("cycle")
                self._gateway.cancel(row.client_order_id, cycle=number, asked_by="timer")
        self._change_filters()

    def _halt(self) -> None:
        """A person halts: by the command, or by the file alone."""
        self.venue.during = lambda: None
        level = self.chance.choice((HaltLevel.REDUCE_ONLY, HaltLevel.HALT))
        if self.chance.random() < 0.5:
            self._store.halt_at_once(Halt("by hand", level))
        else:
            (self._folder / HALT_FILE).write_text(f"{level}: by hand\n" if not self.watch.halt else "stop\n", "utf-8")
            level = HaltLevel.HALT if self.watch.halt else level
        self._know(level)
        self.counts.injected["halted by hand"] += 1

    def _know(self, level: HaltLevel) -> None:
        if self.watch.halt != "halt":
            self.watch.halt = str(level)

    def _know_halts(self) -> None:
        """Halts that the product made itself hold as well, from then on."""
        made = self._store.halt_made()
        if made is not None:
            self._know(made.level)

    def _change_filters(self) -> None:
        chance, now = self.chance, self.venue.now
        for symbol in LISTED:
            if chance.random() < (0.5 if symbol in self.watch.closed else 0.03):
                status = "BREAK" if chance.random() < 0.3 else "TRADING"
                old = 90_000_000 if chance.random() < 0.1 else 0
                self._instruments[symbol] = _instrument(symbol, now - old, status)
                (self.watch.closed.add if status != "TRADING" or old else self.watch.closed.discard)(symbol)

    def _look(self) -> Sources:
        """Books, balances, open orders and trades, each when it is asked for."""
        chance, venue = self.chance, self.venue
        seen: dict[Need, Seen] = {}
        for symbol in _MARKET:
            if chance.random() < 0.97:
                seen[BookNeed(symbol, 1)] = venue.book(symbol)
                self.watch.saw_book(symbol)
        venue.advance(chance.choice((0, 50, 300)))
        concerned = {*LISTED, *self._observer.symbols()}
        account = venue.observe(frozenset({BalancesNeed(), *map(OpenOrdersNeed, concerned)}), 0.0)
        self.watch.balances_ms = venue.now
        venue.advance(chance.choice((0, 0, 50, 700, 4_000)))
        self._resolver.resolve_due(account.open_orders)
        self._observer.observe(account)
        now_ms = venue.now
        return Sources(
            now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms, seen=seen), account=account,
            record=self._store.own_record(now_ms), instruments=self._instruments, zone=ZONE,
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------------- the orders
    def _request(self, step: int) -> PlaceRequest:
        chance = self.chance
        symbol = chance.choice(LISTED) if chance.random() < 0.98 else "XRPJPY"
        side = Side.BUY if chance.random() < 0.6 else Side.SELL
        base, quote, _, tick, lot, least = _MARKET[symbol]
        bid, ask = self.venue.touch(symbol)
        spread = chance.gauss(0.002, 0.006) if chance.random() < 0.9 else chance.uniform(-0.08, 0.08)
        aim = bid * D(round(1 - spread, 6)) if side is Side.BUY else ask * D(round(1 + spread, 6))
        price = max(tick, (aim // tick) * tick) + (tick / 2 if chance.random() < 0.02 else 0)
        worth = least * D(round(chance.uniform(0.9, 60), 3))
        quantity = max(lot, (worth / price // lot) * lot)
        key = DecisionKey(
            store_id="limitsab", rule=chance.choice(RULES), symbol=symbol, order_id="", slot_ms=self._cycle, step=step
        )
        order = OrderRequest(
            symbol=symbol, side=side, type=OrderType.LIMIT, price=price, quantity=quantity,
            client_order_id=client_order_id(key),
        )  # fmt: skip
        return PlaceRequest(order=order, key=key, run=None, base=base, quote=quote, deadline_ms=self.venue.now + 30_000)

    def _judged(self, requests: list[PlaceRequest], sources: Sources) -> list[PlaceRequest]:
        """Those that a review approves; sometimes all of them, so that the gate is asked about the others as well."""
        verdicts = review(requests, sources, self._settings, self._store.halt_in_force(), self._limits)
        for verdict in verdicts:
            if isinstance(verdict, Denied):
                self.counts.figures[_DENIED + verdict.limit] += 1
        # The gate must deny by itself: a cycle that forgot to ask is played too.
        if self.chance.random() < 0.1:
            return requests
        return [request for request, verdict in zip(requests, verdicts, strict=True) if isinstance(verdict, Approved)]

    def _journal(self, places: list[PlaceRequest], sources: Sources) -> list[str]:
        """What a cycle does in its transaction."""
        written: list[str] = []
        if not places:
            return written
        with self._store.transaction() as store:
            self._gate.trip(sources)
            self._know_halts()
            for _, request in in_turn(places):
                try:
                    admission = self._gate.admit(request, sources, (BookNeed(request.order.symbol, 1),))
                except OrderDenied:
                    self.counts.figures["denied at the gate"] += 1
                    continue
                intent = Intent(
                    key=request.key, request=request.order, cycle=self._cycle, created_ms=self.venue.now,
                    deadline_ms=request.deadline_ms,
                )  # fmt: skip
                store.intents.add(intent, admission)
                self.watch.written(request.order, request.key.rule)
                self.counts.figures["intents written"] += 1
                written.append(request.id)
        return written


_PLAIN = ("taken",)


def _instrument(symbol: str, fetched_ms: int, status: str = "TRADING") -> Instrument:
    base, quote, _, tick, step, least = _MARKET[symbol]
    return Instrument(
        symbol=symbol, base=base, quote=quote, status=status, tick=tick, step=step, min_quantity=step,
        min_notional=least, fetched_ms=fetched_ms,
    )  # fmt: skip
