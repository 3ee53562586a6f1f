"""Start-up: nothing is placed before the journal and the venue agree.

First every row of the chain is verified, once a process (0.4 s for 100,000 rows; the tables' pages and the checkpoints
were looked at when the store was opened).

Replay: what was written but not sent is dropped (its rule gets the firing back); what was sent without a recorded reply
is unknown and is asked about. Then the venue's open orders, its orders and its trades since we last looked (a day at
least) are compared with ours, by lists: a restart costs some requests per symbol, not per order. What can be explained
is taken in. What cannot waits for a person's word (`differences`), and until then nothing is placed:

* an order that bears our name and that we never made: an old copy of the database was put back;
* an order that has ended here and is open there, said by two sources and for longer than the venue's queries lag;
* a trade of ours that the venue lacks, or has otherwise.

Two orders of one name halt. Orders of other stores are reported and left alone. Balances are taken over: people deposit
and trade by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from decimal import Decimal

from autotrader.errors import AutotraderError, RecordsBroken
from autotrader.market.account import Account
from autotrader.market.needs import AccountNeed, BalancesNeed, OpenOrdersNeed
from autotrader.money import plain
from autotrader.orders import Fill, NotFound, Order, Unknown, is_ours
from autotrader.ports import Broker, Clock
from autotrader.records.cancels import CancelState
from autotrader.records.crash import crash_point
from autotrader.records.heads import read_heads
from autotrader.records.intents import IntentState
from autotrader.records.orders import OrderRow
from autotrader.records.places import HEADS
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.agree import has_word, note_difference
from autotrader.trading.gateway import OrderOutcome
from autotrader.trading.holdings import Assets, holdings, moved_by_others, no_assets
from autotrader.trading.journal import DAY_MS, LAG_MS
from autotrader.trading.observer import Observation, Observer
from autotrader.trading.resolve import Resolver

_LEAST_MS = DAY_MS - 60_000  # the venue's lists of orders cover a day each
_MOST_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What start-up found. Not armed means: read-only, nothing is placed; `reasons` say why.

    `dropped` were never sent; `fates` were decided now; `unresolved` stay frozen and are asked about again; `adopted`
    were taken over; `booked` trades were new; `foreign` bear another store's name; `failures` went unanswered (asking
    again may help); `differences` wait for a word. `balances` are whole holdings, `changed` what others moved of them
    since the last start.
    """

    armed: bool
    reasons: tuple[str, ...]
    dropped: tuple[str, ...]
    fates: tuple[OrderOutcome, ...]
    unresolved: tuple[str, ...]
    adopted: tuple[str, ...]
    booked: int
    foreign: tuple[str, ...]
    alerts: tuple[str, ...]
    failures: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    changed: Mapping[str, Decimal] = field(default_factory=dict)


class Reconciler:
    """Runs start-up; again when the venue could not be reached, and after a person's word on a difference."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        clock: Clock,
        resolver: Resolver,
        observer: Observer,
        *,
        assets: Callable[[str], Assets | None] = no_assets,
        keeps_trades: bool = True,
    ) -> None:
        """`keeps_trades`: whether the venue does so for ever; a paper account forgets old ones, and starts over."""
        self._store = store
        self._broker = broker
        self._clock = clock
        self._resolver = resolver
        self._observer = observer
        self._assets = assets
        self._keeps_trades = keeps_trades
        self._verified = False

    def run(self, symbols: Iterable[str] = (), *, seconds: float = 8.0) -> Report:
        """Verify, replay, resolve, compare. `symbols`: those of the rules, beside those of our own orders.

        Raises RecordsBroken where the chain does not verify; then nothing was changed.
        """
        self._verify()
        since_ms = self._since_ms()
        dropped = self._replay()
        failures: list[str] = []
        concerned = self._concerned(symbols, since_ms)
        account = self._account(concerned, seconds, failures)
        # after the open orders: an order that ends between the two lists shows in the second
        history = dict(self._history(concerned, since_ms, account, failures))
        self._check_names(history)
        fates = self._resolve(account, history)
        seen = self._observer.take_in(account, history)
        seen.adopted[:0] = [fate.client_order_id for fate in fates if fate.state is IntentState.ADOPTED]
        self._compare_open(account, seen)
        self._compare_trades(history, since_ms, seen)
        self._observer.book(seen)
        failures += seen.failures
        crash_point("compared")
        report = self._report(account, seen, tuple(failures), dropped, fates)
        self._record(report)
        return report

    def _verify(self) -> None:
        if self._verified:
            return
        found = self._store.chain.verify(read_heads(self._store.folder / HEADS))
        if not found.whole:
            raise RecordsBroken(
                f"the chain of the store {self._store.folder.name} does not verify: {found.problems[0]}",
                hint="`autotrader audit verify` says more; restore a backup, or look at the exchange what is open",
            )
        self._verified = True

    # -------------------------------------------------------------------------------------------------------- replay
    def _since_ms(self) -> int:
        """How far back the venue is asked: a day, and the whole time in which these records did not look."""
        now_ms = self._clock.now_ms()
        starts = self._store.chain.latest(1, kind="start")
        # the whole time in which nobody looked counts, not only a day
        last_ms = self._store.settings.get("last_seen_ms") or (starts[0].time_ms if starts else now_ms)
        return max(now_ms - _MOST_MS, min(now_ms - _LEAST_MS, int(last_ms) - LAG_MS))

    def _replay(self) -> tuple[str, ...]:
        """Bring every row that a crash left half-way to where its facts allow."""
        now_ms, dropped = self._clock.now_ms(), []
        with self._store.transaction() as store:
            # nothing left for these: sent is written before the bytes
            for row in store.intents.in_state(IntentState.INTENT):
                reason = "the program ended before it was sent"
                store.intents.move(row.client_order_id, IntentState.DROPPED, now_ms, reason=reason, fault="outside")
                dropped.append(row.client_order_id)
            # these may have left: the crash came between the row and the reply
            for row in store.intents.in_state(IntentState.SENT):
                reason = "the program ended before a reply was recorded"
                store.intents.move(row.client_order_id, IntentState.UNKNOWN, now_ms, reason=reason)
            # a cancel may be repeated, but what it did must be read first
            for cancel in store.cancels.in_state(CancelState.SENT):
                store.cancels.move(cancel.id, CancelState.UNKNOWN, now_ms, "the program ended before a reply")
            crash_point("replay_uncommitted")
        crash_point("replayed")
        return tuple(dropped)

    # -------------------------------------------------------------------------------------------------------- asking
    def _concerned(self, symbols: Iterable[str], since_ms: int) -> tuple[str, ...]:
        recent = {row.order.symbol for row in self._store.orders.since(since_ms)}
        sent = {row.request.symbol for row in self._store.intents.sent_since(since_ms)}
        return tuple(sorted({*symbols, *recent, *sent, *self._observer.symbols()}))

    def _account(self, symbols: tuple[str, ...], seconds: float, failures: list[str]) -> Account:
        needs: set[AccountNeed] = {BalancesNeed(), *map(OpenOrdersNeed, symbols)}
        try:
            account = self._broker.observe(frozenset(needs), self._clock.monotonic() + seconds)
        except AutotraderError as error:
            failures.append(f"open orders could not be read: {error.message}")
            return Account()  # nothing known, and told as a failure: without it nothing is armed
        failures += [
            f"open orders of {key} could not be read: {reason}"
            for key, reason in account.missing.items()
            if key in symbols  # balances that were not had are asked for before each order
        ]
        return account

    def _history(
        self, symbols: tuple[str, ...], since_ms: int, account: Account, failures: list[str]
    ) -> Iterator[tuple[str, Sequence[Order]]]:
        """All orders of each symbol since then; further back where that is cheaper than asking for each that ended."""
        for symbol in symbols:
            try:
                yield symbol, self._broker.history(symbol, self._from_ms(symbol, since_ms, account))
            except AutotraderError as error:
                failures.append(f"orders of {symbol} could not be read: {error.message}")

    def _from_ms(self, symbol: str, since_ms: int, account: Account) -> int:
        """A list covers one day; so many orders that have left the list of open ones and are older."""
        there = {order.client_order_id for order in account.open_orders.get(symbol, ())}
        older = [
            row.placed_ms
            for row in self._store.orders.open()
            if row.order.symbol == symbol and row.placed_ms < since_ms and row.client_order_id not in there
        ]
        # a request a day against a request an order: whichever is fewer
        more_days = (since_ms - min(older, default=since_ms)) // DAY_MS + 1
        return min(older) - LAG_MS if len(older) > more_days else since_ms

    def _resolve(self, account: Account, history: Mapping[str, Sequence[Order]]) -> tuple[OrderOutcome, ...]:
        """Ask about every unclear fate now. One that stays unclear is frozen, counts as live, and does not disarm."""
        fates = []
        for row in self._store.intents.unresolved():
            symbol = row.request.symbol
            listed = (*account.open_orders.get(symbol, ()), *history.get(symbol, ()))
            fates.append(self._resolver.look(row, listed))
        return tuple(fate for fate in fates if fate is not None)

    # ----------------------------------------------------------------------------------------------------- comparing
    def _check_names(self, history: Mapping[str, Iterable[Order]]) -> None:
        now_ms = self._clock.now_ms()
        for symbol, orders in history.items():
            ids: dict[str, int] = {}
            for order in orders:
                cid = order.client_order_id
                # two orders of one name: the promise of one order a decision is broken, so everything stops
                if is_ours(cid, self._store.id) and ids.setdefault(cid, order.order_id) != order.order_id:
                    text = f"the venue has two orders named {cid} in {symbol}: {ids[cid]} and {order.order_id}"
                    self._store.halt(text, now_ms)

    def _compare_open(self, account: Account, seen: Observation) -> None:
        """What the venue lists as open must not have ended here, but for the time by which its lists lag."""
        now_ms = self._clock.now_ms()
        for orders in account.open_orders.values():
            for order in orders:
                row = self._store.orders.get(order.client_order_id)
                if row is not None and not row.order.is_open and now_ms - self._ended_ms(row) > LAG_MS:
                    self._confirm_open(row, seen)

    def _ended_ms(self, row: OrderRow) -> int:
        cancel = self._store.cancels.last_of(row.client_order_id)
        return max(row.order.updated_ms, 0 if cancel is None else cancel.moved_ms)

    def _confirm_open(self, row: OrderRow, seen: Observation) -> None:
        cid = row.client_order_id
        try:
            found = self._broker.find(row.order.symbol, cid)
        except AutotraderError as error:
            found = Unknown(error.message)  # no answer is no second source
        if isinstance(found, Unknown):
            seen.failures.append(f"{cid}: {found.reason}")
        # only two sources that agree reopen what has ended here
        if isinstance(found, Unknown | NotFound) or not found.is_open or found.order_id != row.order.order_id:
            return
        text = f"order {found.order_id} named {cid} is {row.order.status} here and {found.status} at the exchange"
        now_ms = self._clock.now_ms()
        with self._store.transaction() as store:
            store.orders.reopen(found, now_ms)
            note_difference(store, cid, text, now_ms)
        seen.alerts.append(text)

    def _compare_trades(self, history: Mapping[str, Sequence[Order]], since_ms: int, seen: Observation) -> None:
        """Where we had orders, the venue's trades and ours since then: theirs are booked, ours must be there."""
        for symbol in sorted(history):
            ours = [fill for fill in self._store.orders.fills_since(since_ms) if fill.symbol == symbol]
            if not ours and not any(is_ours(order.client_order_id, self._store.id) for order in history[symbol]):
                continue
            try:
                # by time and not by number: a wrong cursor would hide what it skipped
                trades = self._broker.fills(symbol, None, since_ms - LAG_MS)
                theirs = {trade.trade_id: trade for trade in trades}
                absent = [fill.trade_id for fill in ours if fill.trade_id not in theirs]
                if absent:  # one list may be an old one
                    theirs |= {one.trade_id: one for one in self._broker.fills(symbol, min(absent) - 1, since_ms)}
            except AutotraderError as error:
                seen.failures.append(f"trades of {symbol}: {error.message}")
                continue
            # theirs are taken in before ours are judged
            self._observer.book_trades(symbol, list(theirs.values()), seen)
            self._compare_fills(ours if self._keeps_trades else (), theirs, seen)

    def _compare_fills(self, ours: Sequence[Fill], theirs: Mapping[int, Fill], seen: Observation) -> None:
        now_ms = self._clock.now_ms()
        for fill in ours:
            their = theirs.get(fill.trade_id)
            if their is not None and _told(their) == _told(fill):
                continue
            cid = fill.client_order_id
            # lists lag; and what a person has judged is not asked again
            if (their is None and now_ms - fill.time_ms <= LAG_MS) or has_word(self._store, cid):
                continue
            what = "is not at the exchange" if their is None else "is another at the exchange"
            text = f"trade {fill.trade_id} of {fill.symbol}, {_shown(fill)}, stands in these records and {what}"
            text += "" if their is None else f": {_shown(their)}"
            note_difference(self._store, cid, text, now_ms)
            seen.alerts.append(text)

    # ------------------------------------------------------------------------------------------------------ reporting
    def _report(
        self,
        account: Account,
        seen: Observation,
        failures: tuple[str, ...],
        dropped: tuple[str, ...],
        fates: tuple[OrderOutcome, ...],
    ) -> Report:
        unexplained: Mapping[str, str] = self._store.settings.get("unexplained", {})
        reasons = (*failures, *unexplained.values())
        balances = holdings(account)
        return Report(
            armed=not reasons,
            reasons=reasons,
            dropped=dropped,
            fates=fates,
            unresolved=tuple(row.client_order_id for row in self._store.intents.unresolved()),
            adopted=tuple(dict.fromkeys(seen.adopted)),
            booked=len(seen.booked),
            foreign=tuple(dict.fromkeys(seen.foreign)),
            alerts=tuple(seen.alerts),
            failures=failures,
            differences=tuple(unexplained),
            balances=balances,
            changed=moved_by_others(self._store, balances, self._assets),
        )

    def _record(self, report: Report) -> None:
        with self._store.transaction() as store:
            body = {
                "armed": report.armed,
                "reasons": report.reasons,
                "dropped": report.dropped,
                "unresolved": report.unresolved,
                "adopted": report.adopted,
                "booked": report.booked,
                "foreign": report.foreign,
                "balances": {asset: plain(amount) for asset, amount in report.balances.items()},
                "changed": {asset: plain(amount) for asset, amount in report.changed.items()},
            }
            store.chain.append(self._clock.now_ms(), "start", "", body)


def _told(fill: Fill) -> tuple[object, ...]:
    return (fill.order_id, fill.side, fill.price, fill.quantity, fill.quote, fill.fee, fill.fee_asset)


def _shown(fill: Fill) -> str:
    return f"{fill.side} {plain(fill.quantity)} at {plain(fill.price)}, fee {plain(fill.fee)} {fill.fee_asset}"
